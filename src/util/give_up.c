#include "util/give_up.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static void (*finish)(void *context, const char *why);
static void *finish_context;

void give_up_finish_with(void (*with)(void *context, const char *why), void *context)
{
	finish = with;
	finish_context = context;
}

static void say(const char *text)
{
	ssize_t written = write(STDERR_FILENO, text, strlen(text));

	(void)written; /* nothing better to do about it */
}

void give_up(enum error_code code, const char *why, const char *hint)
{
	void (*now)(void *, const char *) = finish;

	finish = NULL; /* it may come here again */
	if (now != NULL)
		now(finish_context, why);
	say("mapscope: ");
	say(why);
	if (hint != NULL) {
		say("\nhint: ");
		say(hint);
	}
	say("\n");
	_exit((int)code);
}

static void lose_page(int number, siginfo_t *info, void *context)
{
	if (info->si_code == BUS_ADRERR)
		give_up(ERROR_MEMORY, "a file that is being read was cut meanwhile, or its disk fails: what was printed is not all", NULL);
	signal(number, SIG_DFL);
	raise(number); /* delivered on return */
}

void give_up_on_lost_pages(void)
{
	struct sigaction action = { .sa_sigaction = lose_page, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
