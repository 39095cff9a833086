#include "target/tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "target/permission.h"
#include "target/process.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/interrupt.h"

#define MILLISECOND UINT64_C(1000000)
/* A thread in uninterruptible sleep (state D: a vfork parent, NFS) is believed to stay out of user code after this. */
#define STUCK_AFTER (300 * MILLISECOND)
#define GIVE_UP_AFTER (5000 * MILLISECOND)
/* Scans of the threads that find nothing new, where the kernel's count never agrees with its list. */
#define CLEAN_SCANS 20

bool tasks_overdue(const struct tasks *s)
{
	return s->budget_ns != 0 && s->began_ns != 0 && clock_now_ns() - s->began_ns > s->budget_ns;
}

struct error *tasks_over_budget(const struct tasks *s)
{
	return error_hint(error_new(ERROR_TARGET, "process %d: it would stand for longer than the pause budget of %g ms", (int)s->pid,
				    (double)s->budget_ns / 1e6),
			  "it runs on; --snapshot pauses it for less, --no-stop not at all, a larger --pause-budget for longer");
}

/*
 * Whether a tracer that we see is one of our own threads, about to end: pthread_join() returns a little before the
 * kernel lets its tracees go.
 */
static bool is_our_thread(pid_t tracer)
{
	struct process_status status;
	struct error *error = process_status(tracer, &status);

	if (error == NULL)
		return status.process == getpid();
	error_free(error);
	return true; /* has ended since */
}

/*
 * Why PTRACE_SEIZE was refused. The kernel says EPERM for zombies, for what is traced already and for what we may not
 * trace (kernel/ptrace.c, ptrace_attach). Returns true where it is worth another try.
 */
static bool seize_refused(struct tasks *s, struct task *task, int number, unsigned attempt)
{
	struct process_status status;
	struct error *error = process_status(task->tid, &status);

	if (error != NULL || process_state_is_dead(status.state)) {
		error_free(error);
		task->gone = true;
		return false;
	}
	if (status.tracer != 0 && is_our_thread(status.tracer) && attempt < 100)
		return true;
	if (status.tracer != 0)
		s->tracer = status.tracer;
	else if (attempt < 3)
		return true; /* traced a moment ago, not any more */
	else
		s->error = permission_hint("", s->pid, error_new(ERROR_TARGET, "process %d: cannot stop its thread %d: %s", (int)s->pid,
								 (int)task->tid, strerror(number)));
	task->gone = true;
	return false;
}

static void seize(struct tasks *s, struct task *task)
{
	if (s->began_ns == 0)
		s->began_ns = clock_now_ns();
	for (unsigned attempt = 0; ptrace(PTRACE_SEIZE, task->tid, NULL, NULL) != 0; attempt++) {
		int number = errno;

		if (number == ESRCH) {
			task->gone = true;
			return;
		}
		if (!seize_refused(s, task, number, attempt))
			return;
		clock_sleep_us(1000);
	}
	ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL); /* ESRCH: it ends, as waiting will tell */
}

static struct task *task_of(struct tasks *s, pid_t tid)
{
	uint64_t *known = table_get(&s->index, (uint64_t)tid);

	if (known != NULL)
		return &s->items[*known];
	ARRAY_RESERVE(s->items, s->count, s->capacity);
	s->items[s->count] = (struct task){ .tid = tid, .gone = true };
	table_put(&s->index, (uint64_t)tid, s->count);
	return &s->items[s->count++];
}

/* A thread that the list shows. Returns whether it was new and is traced now. */
static bool meet(struct tasks *s, struct task *task)
{
	if (!task->gone || process_state_is_dead(process_state(task->tid)))
		return false; /* traced already, or a leader that ended before its other threads */
	*task = (struct task){ .tid = task->tid };
	seize(s, task);
	return !task->gone;
}

/*
 * Seizes threads that are new in the list. *found: how many. *complete: no others exist, provided that those known
 * stand still: as many as the kernel counts, none of which can have ended since and made room for another in the
 * count. (A leader that has ended is counted as long as its other threads live.)
 */
static struct error *scan(struct tasks *s, size_t *found, bool *complete)
{
	pid_t *threads;
	size_t count;

	*found = 0;
	TRY(process_threads(s->pid, &threads, &count, complete));
	for (size_t i = 0; i < count && s->tracer == 0 && s->error == NULL; i++) {
		struct task *task = task_of(s, threads[i]);

		*found += meet(s, task);
		if (task->gone && task->tid != s->pid)
			*complete = false;
	}
	free(threads);
	return s->error;
}

/*
 * Looks whether a thread has stopped, without taking the report away (WNOWAIT): so the same can be asked again, and a
 * signal that it stopped for is still delivered by the kernel when we are killed.
 */
static void look_at(struct task *task)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)task->tid, &info, WSTOPPED | WEXITED | __WALL | WNOHANG | WNOWAIT) != 0) {
		task->gone = errno == ECHILD;
		return;
	}
	task->stopped = info.si_pid == task->tid && (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED);
	if (task->stopped) {
		/* The interrupt's own stop and a group-stop carry PTRACE_EVENT_STOP: they consumed no signal. */
		task->signal = info.si_status >> 8 == 0 ? info.si_status : 0;
	} else if (info.si_pid == task->tid) {
		waitpid(task->tid, NULL, __WALL | WNOHANG); /* ended: now the kernel may forget it */
		task->gone = true;
	}
}

/* What becomes of a thread that has not stopped after `waited` nanoseconds. */
static struct error *settle_slow(struct tasks *s, struct task *task, uint64_t waited)
{
	char state = process_state(task->tid);

	if (process_state_is_dead(state)) /* a leader that ended before the others: no report comes before they end */
		task->gone = true;
	else if (state == 'D')
		task->stopped = true;
	else if (waited > GIVE_UP_AFTER)
		return error_new(ERROR_TARGET, "process %d: its thread %d does not stop (state %c)", (int)s->pid,
				 (int)task->tid, state);
	return NULL;
}

static struct error *look_at_all(struct tasks *s, uint64_t waited, size_t *running)
{
	*running = 0;
	s->stopped = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct task *task = &s->items[i];

		if (!task->gone)
			look_at(task);
		if (!task->gone && !task->stopped && waited > STUCK_AFTER)
			TRY(settle_slow(s, task, waited));
		if (!task->gone) {
			s->stopped += task->stopped;
			*running += !task->stopped;
		}
	}
	return NULL;
}

static struct error *wait_for_all(struct tasks *s)
{
	uint64_t began = clock_now_ns();
	size_t running;

	for (long pause = 20;; pause = pause < 500 ? pause * 2 : 1000) {
		TRY(interrupt_check());
		if (tasks_overdue(s))
			return tasks_over_budget(s);
		TRY(look_at_all(s, clock_now_ns() - began, &running));
		if (running == 0)
			return NULL;
		clock_sleep_us(pause);
	}
}

/*
 * A thread that is seized but runs on for a moment may start others, which nobody seized: so it takes a scan that
 * finds nothing new while all known ones stand still.
 */
struct error *tasks_stop(struct tasks *s)
{
	unsigned clean = 0;

	while (clean < CLEAN_SCANS) {
		size_t found;
		bool complete;

		TRY(scan(s, &found, &complete));
		if (s->tracer != 0)
			return NULL;
		if (found == 0 && s->count != 0)
			clean += complete ? CLEAN_SCANS : 1;
		else
			clean = 0;
		TRY(wait_for_all(s));
	}
	if (s->stopped == 0)
		return error_new(ERROR_TARGET, "process %d: it has ended", (int)s->pid);
	return NULL;
}

/* Returns whether the kernel has let it go: not while it hangs there. */
static bool release(struct task *task)
{
	look_at(task); /* one that was stuck may have stopped since, for a signal */
	return task->gone || ptrace(PTRACE_DETACH, task->tid, NULL, (void *)(intptr_t)task->signal) == 0 ||
	       process_state_is_dead(process_state(task->tid));
}

size_t tasks_release(struct tasks *s)
{
	size_t stuck = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct task *task = &s->items[i];

		if (!task->gone)
			task->gone = release(task);
		stuck += !task->gone;
	}
	if (s->began_ns != 0 && !s->released)
		s->pause_ns += clock_now_ns() - s->began_ns;
	s->released = true;
	return stuck;
}

bool tasks_dead(const struct tasks *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!s->items[i].gone && !process_state_is_dead(process_state(s->items[i].tid)))
			return false; /* the first one, as a rule */
	return true;
}

/* The leader last, which is the first: of its end the kernel does not tell while another is left. */
void tasks_bury(struct tasks *s)
{
	for (size_t i = s->count; i-- > 0;)
		if (!s->items[i].gone)
			waitpid(s->items[i].tid, NULL, __WALL | WNOHANG);
	tasks_release(s);
}

void tasks_forget(struct tasks *s)
{
	table_clear(&s->index);
	s->count = 0;
	s->began_ns = 0;
	s->released = false;
}

void tasks_free(struct tasks *s)
{
	table_free(&s->index);
	free(s->items);
}
