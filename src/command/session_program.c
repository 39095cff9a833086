/* From the command line to a program: the executable, its debug information, its version. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/stripped.h"
#include "binary/debug.h"
#include "binary/match.h"
#include "command/command.h"
#include "command/gdb.h"
#include "command/supervisor.h"
#include "render/diagnostics.h"
#include "target/core.h"
#include "util/alloc.h"

/* The executable: the one that was named, else the one the target names. */
static struct error *open_binary(const struct session *session, struct binary **out)
{
	const char *exe = session->invocation->exe;
	const struct target *target = session->target;

	supervisor_opening(exe != NULL ? exe : target->executable.path);
	if (exe != NULL) {
		int fd = open(exe, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return error_new(ERROR_TARGET, "%s: %s", exe, strerror(errno));

		struct error *error = binary_open(fd, exe, out);

		close(fd);
		return error;
	}
	if (target->executable.fd < 0)
		return error_hint(error_new(ERROR_TARGET, "%s: its executable %s cannot be opened",
					    session->invocation->core ? session->invocation->core : "the process",
					    target->executable.path ? target->executable.path : "(which it does not name)"),
				  "name the executable with -e EXE");
	return binary_open(target->executable.fd, target->executable.path ? target->executable.path : "executable", out);
}

/* Where the debug file of a process in another mount namespace is looked for. */
static struct error *open_debug(struct session *session)
{
	const struct target *target = session->target;
	char *hint = NULL;

	if (target != NULL && session->invocation->pid != 0 && target->executable.path != NULL)
		hint = xasprintf("/proc/%d/root%s", (int)session->invocation->pid, target->executable.path);

	struct error *error = debug_open(session->binary, hint);

	free(hint);
	return error;
}

static void warn_of_version(struct session *session)
{
	const struct binary *binary = session->binary;
	const struct go_version *version;

	error_free(go_version_find(binary->go_minor, &version, &session->newer));
	if (session->newer)
		diagnostics_warning("%s: %s is newer than this mapscope knows: layouts come from its DWARF, the rest is taken "
				    "for that of Go 1.%d", binary->path, binary->go_version, version->minor);
}

/* Without DWARF: `missing` says so, and how it is to be had, where there is no other way either. */
static struct error *open_stripped(struct session *session, struct error *missing)
{
	session->stripped = xcalloc(1, sizeof(*session->stripped));

	struct error *error = stripped_open(session->binary, session->target, session->stripped, &session->program);

	if (error != NULL && missing->hint != NULL)
		error = error_hint(error, "%s", missing->hint);
	error_free(missing);
	if (error != NULL)
		return error;

	char *text = stripped_describe(session->stripped);

	diagnostics_note("%s: %s", session->binary->path, text);
	free(text);
	return NULL;
}

static struct error *take_evaluations(struct session *session)
{
	const struct invocation *invocation = session->invocation;

	if (invocation->goroutine_given) /* not the selected frame's */
		return NULL;
	session->gdb_map_count = gdb_map_count(invocation->command, invocation->argument_count);
	session->gdb_maps = xcalloc(session->gdb_map_count + 1, sizeof(*session->gdb_maps));
	for (size_t i = 0; i < session->gdb_map_count; i++)
		TRY(gdb_evaluated(&session->binary->machine, invocation->arguments[i], i, &session->gdb_maps[i]));
	return NULL;
}

struct error *session_open_program(struct session *session)
{
	struct target *target = session->target;
	const struct invocation *invocation = session->invocation;

	TRY(open_binary(session, &session->binary));
	if (invocation->gdb)
		TRY(gdb_use_binary(target, session->binary));
	if (target != NULL && (invocation->core != NULL || invocation->exe != NULL || invocation->gdb))
		TRY(binary_check_build(session->binary, target));
	if (invocation->core != NULL)
		TRY(core_use_executable(target, session->binary->fd, session->binary->path));

	struct error *error = open_debug(session);

	/* of PE and Mach-O nothing but the debug sections is looked at */
	if (error != NULL && (!session->binary->stripped || strcmp(session->binary->format, "ELF") != 0))
		return error;
	if (invocation->go_minor != 0)
		session->binary->go_minor = invocation->go_minor;
	TRY(error == NULL ? program_create(session->binary, target, &session->program) : open_stripped(session, error));
	warn_of_version(session);
	return invocation->gdb ? take_evaluations(session) : NULL;
}

bool session_find_symbol(const struct session *session, const char *name, taddr *header)
{
	const struct program *program = session->program;
	uint64_t address, size, value;

	if (session->stripped == NULL || program->memory == NULL || !binary_symbol(program->binary, name, &address, &size) ||
	    size != program->machine.word_size)
		return false;

	struct error *error = target_read_word(program->memory, taddr_of(address + program->bias), &value);

	*header = taddr_of(value);
	error_free(error);
	return error == NULL;
}
