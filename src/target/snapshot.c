#include "target/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/process.h"
#include "util/alloc.h"
#include "util/clock.h"

#define SECOND UINT64_C(1000000000)
#define STOP_WITHIN (SECOND / 5)
/* A child with 100 GB of page tables takes seconds to die. */
#define DEATH_WITHIN (60 * SECOND)
/* For one that another's death kills, there is less time (command/supervisor.c). */
#define DYING_WITHIN (3 * SECOND)
/* Who was killed may have had the process fork at that moment, and that ends by itself. */
#define FORK_WITHIN (SECOND / 5)
/* Threads that are about to take a signal, or take one first, may reap in a moment. */
#define REAP_WITHIN SECOND

/* --- fork ----------------------------------------------------------------------------------------------------- */

/* A child of vfork() runs in its parent's memory: a copy of the one would be one of the other. */
static struct error *check_memory(pid_t pid)
{
	struct process_status status;

	TRY(process_status(pid, &status));
	if (status.parent > 0 && syscall(SYS_kcmp, pid, status.parent, KCMP_VM, 0, 0) == 0)
		return error_new(ERROR_TARGET, "process %d: it shares its memory with process %d (vfork): no snapshot is made of it",
				 (int)pid, (int)status.parent);
	return NULL;
}

static struct error *fork_failed(pid_t pid, int number)
{
	struct error *error = error_new(ERROR_TARGET, "process %d: it cannot be forked: %s", (int)pid, strerror(number));

	if (number == ENOMEM)
		return error_hint(error, "the kernel may not commit to a second copy of its memory (vm.overcommit_memory, the container's memory limit)");
	if (number == EAGAIN)
		return error_hint(error, "a limit of processes is reached (ulimit -u, the container's pids limit)");
	return error;
}

/*
 * The kernel ends the child first where memory is short: it may double what the process takes. Before the process writes to any
 * of it. Who may not say so has been refused, unless there is room for all of it (target/headroom.h).
 */
static void offer_to_oom(pid_t child)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)child);

	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) != 4)
		errno = 0;
	close(fd);
}

static struct error *fork_by(struct tasks *tasks, struct task *task, struct snapshot *snapshot)
{
	struct injection *injection;

	TRY(inject_begin(tasks->pid, task->tid, &snapshot->code, &injection, &task->signal));
	if (injection == NULL)
		return NULL;

	struct error *error = inject_clone(injection, CLONE_FILES, &snapshot->child, &snapshot->inner);
	struct error *ended = inject_end(injection, &task->signal);

	if (error == NULL && ended == NULL && snapshot->inner < 0)
		return fork_failed(tasks->pid, (int)-snapshot->inner);
	if (error == NULL)
		return ended;
	error_free(ended);
	return error;
}

struct error *snapshot_fork(struct tasks *tasks, struct snapshot *snapshot)
{
	const char *why = "is stuck in the kernel";
	bool moment = false;

	snapshot->process = tasks->pid;
	TRY(check_memory(tasks->pid));
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = &tasks->items[i];

		if (task->gone || task->signal != 0 || process_state(task->tid) != 't')
			continue;
		bool passing;
		const char *unsuited = inject_unsuited(task->tid, &passing);

		moment |= passing;
		if (unsuited != NULL) {
			why = unsuited;
			continue;
		}
		TRY(fork_by(tasks, task, snapshot));
		if (snapshot->child != 0) {
			offer_to_oom(snapshot->child);
			return NULL;
		}
	}
	if (moment)
		return NULL;
	return error_hint(error_new(ERROR_TARGET, "process %d: no snapshot can be made of it: its thread %s", (int)tasks->pid, why),
			  "--no-stop reads it while it runs; without both it is stopped while it is read");
}

/* --- the child ------------------------------------------------------------------------------------------------ */

static bool wait_for(pid_t tid, uint64_t within, int options, siginfo_t *info)
{
	uint64_t began = clock_now_ns();

	for (long pause = 20;; pause = pause < 1000 ? pause * 2 : 1000) {
		*info = (siginfo_t){ 0 };
		if (waitid(P_PID, (id_t)tid, info, options | __WALL | WNOHANG) != 0)
			return false;
		if (info->si_pid == tid)
			return true;
		if (clock_now_ns() - began > within)
			return false;
		clock_sleep_us(pause);
	}
}

struct error *snapshot_hold(struct snapshot *snapshot)
{
	siginfo_t info;

	if (!wait_for(snapshot->child, 5 * SECOND, WSTOPPED | WEXITED | WNOWAIT, &info) ||
	    ptrace(PTRACE_SETOPTIONS, snapshot->child, NULL, (void *)PTRACE_O_EXITKILL) != 0)
		return error_new(ERROR_TARGET, "process %d: its snapshot %d has been lost", (int)snapshot->process, (int)snapshot->child);
	return NULL;
}

/* --- reaping -------------------------------------------------------------------------------------------------- */

/* Children to reap, as their parent sees them: the snapshot's first, then those of tools that were killed. */
struct dead {
	int64_t ids[64];
	size_t count;
};

static void find_dead(const struct snapshot *snapshot, struct dead *out)
{
	pid_t zombies[ARRAY_SIZE(out->ids) - 1];
	size_t count = process_silent_children(snapshot->process, true, zombies, ARRAY_SIZE(zombies));

	out->count = 0;
	if (snapshot->inner > 0)
		out->ids[out->count++] = snapshot->inner;
	for (size_t i = 0; i < count; i++) {
		struct process_status status;
		struct error *error = process_status(zombies[i], &status);

		if (error == NULL && status.inner != snapshot->inner)
			out->ids[out->count++] = status.inner;
		error_free(error);
	}
}

/* Whether the first one is gone. */
static bool wait_by_injection(const struct snapshot *snapshot, pid_t tid, const struct dead *dead, int *signal)
{
	struct injection *injection;
	bool reaped = false;
	struct error *error = inject_begin(snapshot->process, tid, &snapshot->code, &injection, signal);

	if (error == NULL && injection != NULL) {
		for (size_t i = 0; i < dead->count && error == NULL; i++) {
			const uint64_t arguments[6] = { (uint64_t)dead->ids[i], 0, __WALL | WNOHANG };
			int64_t result = 0;

			error = inject_call(injection, SYS_wait4, arguments, &result);
			if (i == 0)
				reaped = error == NULL && (result == dead->ids[0] || result == -ECHILD);
		}

		struct error *ended = inject_end(injection, signal);

		error_free(ended);
	}
	error_free(error);
	return reaped;
}

/* By a thread that is stopped for this, alone. `again`: where it cannot do it now, but perhaps in a moment. */
static bool reap_by(const struct snapshot *snapshot, pid_t tid, const struct dead *dead, bool *again)
{
	bool reaped = false, passing;
	int signal = 0;
	siginfo_t info;

	if (inject_unsuited(tid, &passing) != NULL) {
		*again |= passing;
		return false;
	}
	ptrace(PTRACE_SEIZE, tid, NULL, NULL); /* it is ours already where it did not stop in time before */
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0)
		return false;
	if (wait_for(tid, STOP_WITHIN, WSTOPPED | WEXITED | WNOWAIT, &info)) {
		signal = info.si_status >> 8 == 0 ? info.si_status : 0;
		if (signal == 0)
			reaped = wait_by_injection(snapshot, tid, dead, &signal);
	}
	ptrace(PTRACE_DETACH, tid, NULL, (void *)(intptr_t)signal); /* ESRCH: let go when the tracer ends */
	*again |= !reaped;
	return reaped;
}

static bool reap_by_any(const struct snapshot *snapshot, const struct dead *dead, bool *again, uint64_t *pause_ns)
{
	pid_t *threads;
	size_t count;
	bool complete, reaped = false;
	struct error *error = process_threads(snapshot->process, &threads, &count, &complete);

	if (error != NULL) {
		error_free(error); /* it has ended: init reaps */
		return true;
	}
	for (size_t i = 0; i < count && !reaped; i++) {
		uint64_t began = clock_now_ns();

		reaped = reap_by(snapshot, threads[i], dead, again);
		*pause_ns += clock_now_ns() - began;
	}
	free(threads);
	return reaped || process_state_is_dead(process_state(snapshot->process));
}

static bool reap(const struct snapshot *snapshot, uint64_t *pause_ns)
{
	uint64_t began = clock_now_ns();
	struct dead dead;

	find_dead(snapshot, &dead);
	if (dead.count == 0)
		return true;
	for (long pause = 1000;; pause = pause < 16000 ? pause * 2 : pause) {
		bool again = false;

		if (reap_by_any(snapshot, &dead, &again, pause_ns))
			return true;
		if (!again || clock_now_ns() - began > REAP_WITHIN)
			return false;
		clock_sleep_us(pause);
	}
}

bool snapshot_end(struct snapshot *snapshot, uint64_t *pause_ns)
{
	siginfo_t info;

	*pause_ns = 0;
	if (snapshot->child == 0)
		return true;
	kill(snapshot->child, SIGKILL);
	while (wait_for(snapshot->child, DEATH_WITHIN, WSTOPPED | WEXITED, &info) &&
	       (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED))
		continue; /* the report of its first stop */
	snapshot->child = 0;
	return reap(snapshot, pause_ns);
}

/* A copy that nobody traces any more has been killed, and lives for as long as it takes to give back its memory. */
static bool somebody_is_dying(pid_t pid)
{
	pid_t living[64];
	size_t count = process_silent_children(pid, false, living, ARRAY_SIZE(living));

	for (size_t i = 0; i < count; i++) {
		struct process_status status;
		struct error *error = process_status(living[i], &status);
		bool held = error != NULL || status.tracer != 0;

		error_free(error);
		if (!held)
			return true;
	}
	return false;
}

void snapshot_clear(const struct snapshot *snapshot)
{
	uint64_t began = clock_now_ns(), pause_ns = 0;

	do {
		while (somebody_is_dying(snapshot->process) && clock_now_ns() - began < DYING_WITHIN)
			clock_sleep_us(1000);
		reap(snapshot, &pause_ns);
		clock_sleep_us(1000);
	} while (clock_now_ns() - began < FORK_WITHIN);
}
