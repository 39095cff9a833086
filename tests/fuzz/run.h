/* Running mapscope's commands inside a fuzz target: all of it but main() and its supervisor. */
#ifndef TESTS_FUZZ_RUN_H
#define TESTS_FUZZ_RUN_H

#include "fuzz.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "render/utf8.h"
#include "util/alloc.h"

enum { RUN_WORDS = 32, RUN_OUTPUT = 1 << 20 };

/* No byte of what a command prints may steer a terminal, and all of it is UTF-8. */
static inline void run_check_output(int fd)
{
	static uint8_t text[RUN_OUTPUT];
	ssize_t length = pread(fd, text, sizeof(text), 0);

	for (ssize_t i = 0; i < length;) {
		uint32_t code;
		size_t step = utf8_decode(text + i, (size_t)(length - i), &code);

		if (step == 0 && length - i < 4 && length == sizeof(text))
			break; /* cut in the middle of it */
		if (step == 0 || (code != '\n' && code != '\t' && !utf8_printable(code)))
			abort();
		i += (ssize_t)step;
	}
}

/* Runs a command, the first of the words, as main() does. `opened` (may be NULL) may change the session. Words must be no usage error of options. */
static inline void run_words(char *const *given, int count, void (*opened)(struct session *session))
{
	static int output = -1;
	const struct command *command = command_find(given[0]);
	char *words[RUN_WORDS + 1];
	struct invocation invocation;
	struct session session;

	if (output < 0)
		output = memfd_create("output", MFD_CLOEXEC);
	if (ftruncate(output, 0) != 0 || lseek(output, 0, SEEK_SET) != 0)
		abort();

	int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	dup2(output, STDOUT_FILENO);
	memcpy(words, given, (size_t)count * sizeof(*words));
	words[count] = NULL;
	optind = 0; /* glibc's getopt begins anew */
	options_parse(command, count, words, &invocation);

	struct error *error = session_open(&invocation, &session);

	if (error == NULL && opened != NULL)
		opened(&session);
	if (error == NULL)
		error = command->run(&session);
	session_resume(&session);
	error_free(error);
	session_close(&session);
	if (kept >= 0)
		dup2(kept, STDOUT_FILENO);
	else
		close(STDOUT_FILENO);
	close(kept);
	run_check_output(output);
}

#endif
