#include "command/command.h"

static struct error *run(struct session *session)
{
	return error_new(ERROR_USAGE, "trace: not yet");
}

const struct command command_trace = {
	.name = "trace",
	.summary = "Show how the runtime looks a key up, step by step",
	.arguments = "MAP KEY",
	.arguments_least = 2,
	.arguments_most = 2,
	.target = TARGET_MEMORY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM,
	.description = "D",
	.run = run,
};
