#include "command/command.h"

static struct error *run(struct session *session)
{
	return error_new(ERROR_USAGE, "verify: not yet");
}

const struct command command_verify = {
	.name = "verify",
	.summary = "Check that a map is what its Go version would have made",
	.arguments = "[MAP...]",
	.arguments_most = SIZE_MAX,
	.target = TARGET_ANY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM,
	.description = "D",
	.run = run,
};
