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

#include "target/inject.h"
#include "target/thread.h"
#include "util/error.h"

struct stopper;

struct stopper_options {
	/*
	 * How long it may stand, 0: as long as it takes. When that is over the process runs on by itself, interrupt_check() fails, and
	 * stopper_in_time() is false: what was read from then on is worth nothing.
	 */
	uint64_t budget_ns;
	const struct inject_code *snapshot; /* NULL: it stands; else a snapshot of it is made, and it runs on at once */
	const struct machine *machine;      /* whose registers a snapshot keeps; NULL: none */
};

struct stopper_figures {
	unsigned threads; /* that were stopped */
	/* From the first thread's interrupt to the last one's release. 0 while it stands. */
	uint64_t pause_ns;
	pid_t snapshot;     /* the process that has the copy of its memory; 0: none */
	uint64_t reap_ns;   /* for how long one thread stood to reap it */
	bool snapshot_left; /* it could not be reaped: a zombie is left */
};

/*
 * Stops all threads of `pid`. *out is NULL where another tracer holds a thread of it (*tracer says who) and on an
 * error; nothing is stopped then. `options` may be NULL.
 */
struct error *stopper_start(pid_t pid, const struct stopper_options *options, struct stopper **out, pid_t *tracer) MUST_CHECK;
void stopper_figures(const struct stopper *stopper, struct stopper_figures *out);
/* Whether the budget is not spent yet. Asked after a read, it tells whether that was in time. */
bool stopper_in_time(const struct stopper *stopper);
/* The error where it is. */
struct error *stopper_over_budget(const struct stopper *stopper) MUST_CHECK;
/* The registers of those that are, or were, stopped; the caller frees *out. A thread that hangs in the kernel has none. */
struct error *stopper_threads(struct stopper *stopper, const struct machine *machine, struct target_thread **out,
			      size_t *count) MUST_CHECK;
/* Lets them run, ends a snapshot. `figures` may be NULL. */
void stopper_end(struct stopper *stopper, struct stopper_figures *figures);

#endif
