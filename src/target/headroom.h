/*
 * Whether there is room for a snapshot of a process: so that the kernel, short of memory or of processes, neither ends that process nor
 * refuses it what it asks for, because a child of it exists. What other processes take meanwhile nobody can know.
 */
#ifndef TARGET_HEADROOM_H
#define TARGET_HEADROOM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"

/* Of memory, bytes. UINT64_MAX: as far as is known there is no bound. */
struct headroom {
	uint64_t memory;     /* before the kernel ends somebody: of the machine, or of the narrowest cgroup */
	uint64_t commitment; /* that the kernel may still promise (vm.overcommit_memory=2) */
	uint64_t tasks;      /* processes and threads before fork() and clone() fail */
	bool in_cgroup;      /* it is a cgroup that bounds memory */
	const char *whole;   /* why the kernel would not end the child alone when memory runs out; NULL: it would. Static */
};

/* `root` is put before all paths: "" but for tests. What cannot be read counts as no bound. */
void headroom_read(const char *root, pid_t pid, struct headroom *out);
/* An error where a fork of `pid`, whose sizes are read from below `root` too, would be a risk to it. */
struct error *headroom_check(const char *root, pid_t pid, const struct headroom *headroom) MUST_CHECK;

#endif
