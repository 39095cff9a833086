/* The goroutines of a program, from runtime.allgs: what each is doing, and the registers that those have saved which do not run. */
#ifndef STACK_GOROUTINE_H
#define STACK_GOROUTINE_H

#include "gotype/program.h"

struct goroutine {
	uint64_t id;        /* goid, as in Go's tracebacks */
	const char *status; /* "waiting", "running", ..., as in Go's tracebacks; "unknown" */
	char reason[48];    /* why it waits, as it is in memory: untrusted; "" where unknown */
	uint64_t start;     /* the function that it was started with */
	bool parked;        /* it is on no thread: its saved registers are those that it goes on with */
	taddr saved;        /* its gobuf, where they are */
	uint32_t saved_length;
	uint64_t pc, sp, bp; /* bp is 0 where this version saves none */
};

/* Calls `visit` for each that has not ended, until it returns false. */
struct error *goroutines_each(struct program *program, bool (*visit)(void *context, const struct goroutine *goroutine),
			      void *context) MUST_CHECK;

#endif
