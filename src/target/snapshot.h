/*
 * A copy of a process's memory that stands still, made by the kernel: a child forked by a thread of the stopped process
 * (target/inject.h), which never runs. Pages are shared with it until the process writes to them.
 *
 * What it costs the process: page tables are copied while it stands (some 40 ms per GB); each page that it writes to afterwards is
 * copied, once. What the child shares with it is only the table of open files, so that what it closes is closed. It is nobody's
 * business: no signal tells of its end, and no wait() without __WALL sees it. What is mapped shared, and what
 * is not handed on to children (madvise(2), MADV_DONTFORK), it does not have.
 */
#ifndef TARGET_SNAPSHOT_H
#define TARGET_SNAPSHOT_H

#include <stdint.h>
#include <sys/types.h>

#include "target/inject.h"
#include "target/tasks.h"

struct snapshot {
	pid_t process;
	struct inject_code code;
	pid_t child;   /* 0: none */
	int64_t inner; /* its id as its parent sees it */
};

/*
 * Called by the tracer while all threads stand; they may go on afterwards. Refuses what is not safe: a process that shares its
 * memory with another (vfork), seccomp filters. Where all of them are about to take a signal there is no child, and no error.
 */
struct error *snapshot_fork(struct tasks *tasks, struct snapshot *snapshot) MUST_CHECK;
/* Once the process goes on: from here on the child dies with the tracer, and rather than others where memory is short. */
struct error *snapshot_hold(struct snapshot *snapshot) MUST_CHECK;
/*
 * Ends the child, and has a thread of the process reap it; `pause_ns` is for how long that one thread stood. False where none could: a
 * zombie is left, until the process ends or the next snapshot is made of it.
 */
bool snapshot_end(struct snapshot *snapshot, uint64_t *pause_ns);
/* Of a snapshot without a child: reaps those that others have left. They may be about to die, with whoever traced them. */
void snapshot_clear(const struct snapshot *snapshot);

#endif
