/*
 * Where the program cannot go on: memory ran out, or a page of a mapped file cannot be had any more. What was printed so far is brought to a
 * sound end, one line says why, and the program ends; a process that was traced is let go by the kernel then.
 */
#ifndef UTIL_GIVE_UP_H
#define UTIL_GIVE_UP_H

#include "util/error.h"

/* What brings the output to an end. It is called once at most, in the middle of anything, and may allocate nothing that it can do without. */
void give_up_finish_with(void (*with)(void *context, const char *why), void *context);
/* `why` is printed behind "mapscope: "; `hint` may be NULL. */
_Noreturn void give_up(enum error_code code, const char *why, const char *hint);
/* From here on a mapped file that was cut meanwhile, or whose disk fails, ends the program so (ERROR_MEMORY), not by SIGBUS. */
void give_up_on_lost_pages(void);

#endif
