#include "util/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "util/alloc.h"

static volatile sig_atomic_t caught;
static _Atomic(const char *) given_up; /* NULL: not */
static const char *given_up_hint;

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
	signal(SIGXFSZ, SIG_IGN); /* and so is a file as large as it may be */
}

void interrupt_raise(int number)
{
	caught = number;
}

bool interrupt_pending(void)
{
	return caught != 0;
}

void interrupt_give_up(const char *why, const char *hint)
{
	given_up_hint = hint;
	atomic_store(&given_up, why);
}

bool interrupt_ends(void)
{
	return caught != 0 || atomic_load(&given_up) != NULL;
}

struct error *interrupt_check(void)
{
	const char *why = atomic_load(&given_up);

	if (caught == 0 && why != NULL)
		return error_hint(error_new(ERROR_TARGET, "%s", why), "%s", given_up_hint);
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
