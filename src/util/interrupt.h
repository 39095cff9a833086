/*
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT turn into a flag, so that whoever stopped a process lets it go before the
 * program ends. Long loops ask interrupt_check() and hand its error on.
 */
#ifndef UTIL_INTERRUPT_H
#define UTIL_INTERRUPT_H

#include <stdbool.h>

#include "util/error.h"

/* Installs the handlers; once, at the start of the program. */
void interrupt_install(void);
/* As if signal `number` had come, be it blocked or ignored. Handlers of other signals may call it. */
void interrupt_raise(int number);
/* Whether a signal has come. */
bool interrupt_pending(void);
/* From any thread: the program shall end as if a signal had come, with this error. The texts are not copied. */
void interrupt_give_up(const char *why, const char *hint);
/* An error (ERROR_TARGET, "interrupted") once a signal has come or interrupt_give_up() was called, NULL before. */
struct error *interrupt_check(void) MUST_CHECK;
/* Whether interrupt_check() fails. */
bool interrupt_ends(void);
/* Dies of the signal that came, with its default action, so that a shell sees it. Returns where none came. */
void interrupt_reraise(void);

#endif
