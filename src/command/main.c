#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "command/gdb.h"
#include "command/supervisor.h"
#include "config.h"
#include "render/diagnostics.h"
#include "render/redact.h"
#include "target/live.h"
#include "util/interrupt.h"

const struct command *const commands[] = {
	&command_list, &command_show, &command_stat, &command_dump, &command_top, &command_who, &command_trace, &command_verify, &command_races,
	&command_layout, &command_replay, NULL,
};

const struct command *const gdb_commands[] = { &command_goroutines, &command_goroutine, &command_thread, NULL };

static void print_help(FILE *to)
{
	fputs("Usage: mapscope COMMAND [OPTION...] [ARGUMENT...]\n"
	      "Show what is inside the maps of a Go program, from outside it.\n\n"
	      "Commands:\n", to);
	for (size_t i = 0; commands[i] != NULL; i++)
		fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nTargets:\n"
	      "  -p PID          a running process\n"
	      "  -c CORE         a core file\n"
	      "  -e EXE          a binary at rest (list, layout, verify)\n\n"
	      "Other:\n"
	      "  gdb-script      prints the path of the script for GDB to source\n"
	      "  --help          this text; mapscope COMMAND --help for a command's options\n"
	      "  --version       the version and the license\n\n"
	      "Examples:\n"
	      "  mapscope list -p 4711                    the maps that variables lead to\n"
	      "  mapscope show -p 4711 main.users         the entries of one\n"
	      "  mapscope stat -c core main.users         its size, load, growth and waste\n"
	      "  mapscope top -p 4711                     which maps own the most memory, and who holds them\n"
	      "  mapscope dump -p 4711 'main.byCity[\"eu\"]' its buckets or groups, slot by slot\n"
	      "  mapscope trace -p 4711 main.byID 7       how the runtime finds a key\n"
	      "  mapscope verify -c core                  whether the maps are sound\n", to);
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	for (size_t i = 0; gdb_commands[i] != NULL; i++)
		if (strcmp(gdb_commands[i]->name, name) == 0)
			return gdb_commands[i];
	return NULL;
}

static int usage_error(struct error *error)
{
	error = error_hint(error, "mapscope --help lists the commands");
	diagnostics_error(error);
	error_free(error);
	return ERROR_USAGE;
}

static int run_session(void *context)
{
	const struct invocation *invocation = context;
	struct session session;
	struct error *error = session_open(invocation, &session);
	int status = 0;

	supervisor_opened();
	if (error == NULL)
		error = invocation->command->run(&session);
	if (error == NULL)
		error = interrupt_check();
	session_resume(&session);
	if (error != NULL)
		session_cut(&session, redact_error(error));
	if (error != NULL && !interrupt_pending())
		diagnostics_error(error);
	if (error != NULL)
		status = (int)error->code;
	error_free(error);

	int closing = session_close(&session);

	interrupt_reraise();
	return status != 0 ? status : closing;
}

static void clear_copies(void *context)
{
	live_clear_copies(((const struct invocation *)context)->pid);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct invocation invocation;

	options_parse(command, argc, argv, &invocation);
	if (command->target == TARGET_NONE) /* no file but our own */
		return run_session(&invocation);
	return supervisor_run(&(struct supervised){ run_session, &invocation, invocation.snapshot ? clear_copies : NULL });
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	interrupt_install();
	if (argc < 2)
		return usage_error(error_new(ERROR_USAGE, "no command"));
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("mapscope " MAPSCOPE_VERSION "\nLicense GPL-3.0-or-later. There is no warranty.");
		return 0;
	}
	if (strcmp(argv[1], "gdb-script") == 0)
		return gdb_script_main(argc - 1, argv + 1);

	const struct command *command = command_find(argv[1]);

	if (command == NULL)
		return usage_error(error_new(ERROR_USAGE, "%s: no such command", argv[1]));
	return run_command(command, argc - 1, argv + 1);
}
