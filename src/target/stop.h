/*
 * Stopping a process by ptrace and letting it go, by a thread of our own that does nothing else: what a tracer cannot
 * detach (a thread that hangs in the kernel has not stopped) the kernel lets go only when the tracer ends, and that
 * must not wait for the end of the program.
 */
#ifndef TARGET_STOP_H
#define TARGET_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/thread.h"
#include "util/error.h"

struct stopper;

/*
 * Stops all threads of `pid`. *out is NULL where another tracer holds a thread of it (*tracer says who) and on an
 * error; nothing is stopped then. `threads` is how many are stopped.
 */
struct error *stopper_start(pid_t pid, struct stopper **out, pid_t *tracer, unsigned *threads) MUST_CHECK;
/* The registers of those that are stopped; the caller frees *out. A thread that hangs in the kernel has none. */
struct error *stopper_threads(struct stopper *stopper, const struct machine *machine, struct target_thread **out,
			      size_t *count) MUST_CHECK;
/* Lets them run; returns the time from the first thread's interrupt to the last one's release, in nanoseconds. */
uint64_t stopper_end(struct stopper *stopper);

#endif
