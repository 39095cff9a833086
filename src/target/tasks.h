/* The threads of a process that one thread of ours, the tracer (stop.c), stops by ptrace: all of them, or none. */
#ifndef TARGET_TASKS_H
#define TARGET_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"
#include "util/table.h"

struct task {
	pid_t tid;
	bool gone;    /* ended, a zombie, or let go: nothing to release */
	bool stopped; /* seen stopped, or taken for stopped */
	int signal;   /* that it stopped to receive; goes back to it at the release */
};

/* All zeroes but for the first two is what tasks_stop() begins with. */
struct tasks {
	pid_t pid;
	uint64_t budget_ns; /* how long they may stand; 0: as long as it takes */
	pid_t tracer;       /* another that holds one of them */
	unsigned stopped;
	uint64_t began_ns; /* the first one's interrupt */
	uint64_t pause_ns; /* until the last one's release */
	bool released;
	struct error *error;
	struct task *items;
	size_t count;
	size_t capacity;
	struct table index; /* thread id -> index in items */
};

/* Whatever comes of it, tasks_release() is called then. None is to be stopped where another tracer is found. */
struct error *tasks_stop(struct tasks *tasks) MUST_CHECK;
/* Returns how many are stuck in the kernel and cannot be let go yet: call it again, or end the tracer. */
size_t tasks_release(struct tasks *tasks);
/* Whether all have ended, killed while they stood. */
bool tasks_dead(const struct tasks *tasks);
/* Releases those that have: only then is their process's parent told. */
void tasks_bury(struct tasks *tasks);
/* For another tasks_stop(), once all are released; its pause comes on top. */
void tasks_forget(struct tasks *tasks);
void tasks_free(struct tasks *tasks);

/* Whether they stand for longer than the budget allows. */
bool tasks_overdue(const struct tasks *tasks);
struct error *tasks_over_budget(const struct tasks *tasks) MUST_CHECK;

#endif
