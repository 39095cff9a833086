/* A running process: read through process_vm_readv (else /proc/PID/mem), stopped through ptrace. */
#ifndef TARGET_LIVE_H
#define TARGET_LIVE_H

#include "target/target.h"

struct live_options {
	bool no_stop; /* target_stop() does nothing: the process is read while it runs */
	/*
	 * target_stop() lets it run on at once, and what is read from then on comes from a copy of its memory (target/snapshot.h), past
	 * target_resume() too, until live_forget_snapshot().
	 */
	bool snapshot;
	bool count_copies;  /* live_stats tell copied_bytes, which takes a while per GB */
	uint64_t budget_ns; /* how long a stop may last: then it runs on, reads and interrupt_check() fail; 0: as long as it takes */
};

/*
 * Opens process `pid`, in whatever mount or PID namespace it lives, and its executable, also when it is deleted.
 * Does not stop it: target_stop() does. Errors (ERROR_TARGET) tell apart: no such process, a zombie, a kernel
 * thread, not permitted (with a hint that names the setting), a foreign architecture.
 */
struct error *live_open(pid_t pid, const struct live_options *options, struct target **out) MUST_CHECK;

/* How a live target is looked at. */
enum live_mode {
	LIVE_STOPPED,  /* target_stop() stops it by ptrace */
	LIVE_UNSTOPPED, /* read while it runs, as asked for */
	LIVE_SNAPSHOT,  /* target_stop() makes a snapshot of it, as asked for */
	LIVE_HELD,     /* another debugger traces it: read without attaching */
};

struct live_stats {
	enum live_mode mode;
	pid_t tracer;           /* LIVE_HELD: who traces it */
	bool held_stopped;      /* LIVE_HELD: all its threads were stopped by the tracer when we looked */
	unsigned stops;         /* how often target_stop() stopped it */
	unsigned threads;       /* stopped at the last stop */
	uint64_t pause_ns;      /* all stops together: from the first thread's interrupt to the last one's release */
	uint64_t reap_ns;       /* LIVE_SNAPSHOT: for how long one thread stood, to be rid of the copies */
	uint64_t copied_bytes;  /* LIVE_SNAPSHOT: pages that the process wrote to meanwhile, which were copied; all together */
	unsigned left;          /* LIVE_SNAPSHOT: zombies of copies that nobody reaped */
	uint64_t read_bytes;
	uint64_t read_calls;    /* system calls that read memory */
};

/* Of a target from live_open(). */
void live_stats(const struct target *target, struct live_stats *out);
/* Ends the copy of its memory, where there is one: the next target_stop() makes another. */
void live_forget_snapshot(struct target *target);
/* Reaps copies of process `pid` that died, or are about to, with whoever made them. Where that fails they are left: who calls can do no more. */
void live_clear_copies(pid_t pid);

#endif
