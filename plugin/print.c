#include "print.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "window.h"

enum {
	LINE_LIMIT = 4000,        /* bytes of text in one printf command */
	SCRIPT_LIMIT = 32 * 1024, /* of text that a script is quick enough for: 60 ms, and GDB needs no symbol file of ours */
};

static struct {
	off_t done; /* bytes of PLUGIN_TEXT */
	int status;
	uint32_t turn; /* of the window; 0: it shows nothing */
} printing;

/* --- little: printf commands ------------------------------------------------------------------------------------------- */

/* One byte inside the quotes of a printf command, which knows few escapes: control bytes the program has escaped itself. */
static void write_byte(FILE *script, uint8_t byte)
{
	if (byte == '\n')
		fputs("\\n", script);
	else if (byte == '%')
		fputs("%%", script);
	else if (byte == '"' || byte == '\\')
		fprintf(script, "\\%c", byte);
	else
		putc(byte, script);
}

/* Commands of bounded length that end with a line of text, where one ends in time. */
static void write_printf(FILE *script, const uint8_t *text, size_t length)
{
	while (length > 0) {
		size_t part = length < LINE_LIMIT ? length : LINE_LIMIT;
		const uint8_t *end = memrchr(text, '\n', part);

		if (end != NULL)
			part = (size_t)(end - text) + 1;
		while (part < length && part > 1 && (text[part] & 0xc0) == 0x80)
			part--; /* not in the middle of a character */
		fputs("printf \"", script);
		for (size_t i = 0; i < part; i++)
			write_byte(script, text[i]);
		fputs("\"\n", script);
		text += part;
		length -= part;
	}
}

/* --- much: through the window -------------------------------------------------------------------------------------------- */

/* Returns how much of the text the command prints; 0: there is no window. */
static size_t write_window(FILE *script, const uint8_t *text, size_t length)
{
	struct window_view view = window_show(text, length);

	if (view.length == 0)
		return 0;
	fprintf(script, "with max-value-size unlimited -- _mapscope_print _mapscope_%lx %u %u\n", view.name, view.parts,
		view.turn);
	printing.turn = view.turn;
	return view.length;
}

/* --- the script ----------------------------------------------------------------------------------------------------------- */

/* Some of the text that is left, or all. */
static void write_text(FILE *script)
{
	off_t size = file_size(PLUGIN_TEXT);
	size_t left = (size_t)(size - printing.done);
	uint8_t *text = left != 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, PLUGIN_TEXT, 0) : MAP_FAILED;

	printing.turn = 0;
	if (text == MAP_FAILED)
		return;

	size_t showed = size > SCRIPT_LIMIT ? write_window(script, text + printing.done, left) : 0;

	if (showed == 0)
		write_printf(script, text + printing.done, left);
	printing.done += (off_t)(showed != 0 ? showed : left);
	munmap(text, (size_t)size);
}

/* What the program has for GDB to do behind its output. */
static void write_rest(FILE *script)
{
	off_t size = file_size(PLUGIN_VARIABLES);
	void *commands = size != 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, PLUGIN_VARIABLES, 0) : MAP_FAILED;

	if (commands != MAP_FAILED) {
		fwrite(commands, 1, (size_t)size, script);
		munmap(commands, (size_t)size);
	}
	fprintf(script, "set $map_status = %d\n", printing.status);
}

bool print_has_more(uint64_t turn)
{
	return printing.turn != 0 && printing.turn == turn;
}

void print_more(void)
{
	int fd = fcntl(PLUGIN_SCRIPT, F_DUPFD_CLOEXEC, ABOVE_OURS);
	FILE *script = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (script == NULL)
		return;
	file_empty(PLUGIN_SCRIPT);
	write_text(script);
	if (printing.turn == 0) {
		print_end();
		write_rest(script);
	}
	fclose(script);
}

void print_start(int status)
{
	printing.status = status;
	printing.done = 0;
	print_more();
}

void print_end(void)
{
	file_empty(PLUGIN_TEXT);
	window_clear();
	printing.done = 0;
	printing.turn = 0;
}
