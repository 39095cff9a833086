#include "command/command.h"

static struct error *run(struct session *session)
{
	return error_new(ERROR_USAGE, "replay: not yet");
}

const struct command command_replay = {
	.name = "replay",
	.summary = "Do operations on a reference map and show what becomes of it",
	.arguments = "",
	.target = TARGET_NONE,
	.options = OPTIONS_REPLAY,
	.description = "D",
	.run = run,
};
