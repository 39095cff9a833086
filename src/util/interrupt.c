#include "util/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "util/alloc.h"

static volatile sig_atomic_t caught;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void remember(int number)
{
	caught = number;
}

void interrupt_install(void)
{
	struct sigaction action = { .sa_handler = remember };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction old;

		/* nohup and background jobs ignore some of these on purpose */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error like any other */
}

bool interrupt_pending(void)
{
	return caught != 0;
}

struct error *interrupt_check(void)
{
	if (caught == 0)
		return NULL;
	return error_new(ERROR_TARGET, "interrupted: %s", strsignal(caught));
}

void interrupt_reraise(void)
{
	if (caught == 0)
		return;
	signal(caught, SIG_DFL);
	raise(caught);
}
