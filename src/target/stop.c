#include "target/stop.h"

#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target/process.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/table.h"

#define MILLISECOND UINT64_C(1000000)
/* A thread in uninterruptible sleep (state D: a vfork parent, NFS) is believed to stay out of user code after this. */
#define STUCK_AFTER (300 * MILLISECOND)
#define GIVE_UP_AFTER (5000 * MILLISECOND)
/* Scans of the threads that find nothing new, where the kernel's count never agrees with its list. */
#define CLEAN_SCANS 20

/* Bytes; struct user_regs_struct is smaller on all machines. Of this program's own it would be too small for those of a wider one. */
#define REGISTERS_MOST 512

struct task {
	pid_t tid;
	bool gone;    /* ended, or a zombie: nothing to release */
	bool stopped; /* seen stopped, or taken for stopped */
	int signal;   /* that it stopped to receive; goes back to it at the release */
};

struct stopper {
	pid_t pid;
	pid_t tracer;
	unsigned stopped;
	uint64_t began_ns;
	uint64_t pause_ns;
	struct error *error;

	struct task *tasks;
	size_t task_count;
	size_t task_capacity;
	struct table index; /* thread id -> index in tasks */

	/* What stopper_threads() asks the thread for: only a tracer may read registers. */
	const struct machine *machine; /* NULL: nothing is asked */
	struct target_thread *threads;
	size_t thread_count;

	pthread_t thread;
	sem_t settled; /* the thread has stopped all, or failed, or has read the registers */
	sem_t release; /* the thread shall do what is asked, else let go */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MILLISECOND + (uint64_t)now.tv_nsec;
}

static void sleep_us(long microseconds)
{
	nanosleep(&(struct timespec){ .tv_nsec = microseconds * 1000 }, NULL);
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
static bool seize_refused(struct stopper *s, struct task *task, int number, unsigned attempt)
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
		s->error = error_new(ERROR_TARGET, "process %d: cannot stop its thread %d: %s", (int)s->pid,
				     (int)task->tid, strerror(number));
	task->gone = true;
	return false;
}

static void seize(struct stopper *s, struct task *task)
{
	if (s->began_ns == 0)
		s->began_ns = now_ns();
	for (unsigned attempt = 0; ptrace(PTRACE_SEIZE, task->tid, NULL, NULL) != 0; attempt++) {
		int number = errno;

		if (number == ESRCH) {
			task->gone = true;
			return;
		}
		if (!seize_refused(s, task, number, attempt))
			return;
		sleep_us(1000);
	}
	ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL); /* ESRCH: it ends, as waiting will tell */
}

static struct task *task_of(struct stopper *s, pid_t tid)
{
	uint64_t *known = table_get(&s->index, (uint64_t)tid);

	if (known != NULL)
		return &s->tasks[*known];
	ARRAY_RESERVE(s->tasks, s->task_count, s->task_capacity);
	s->tasks[s->task_count] = (struct task){ .tid = tid, .gone = true };
	table_put(&s->index, (uint64_t)tid, s->task_count);
	return &s->tasks[s->task_count++];
}

/* A thread that the list shows. Returns whether it was new and is traced now. */
static bool meet(struct stopper *s, struct task *task)
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
static struct error *scan(struct stopper *s, size_t *found, bool *complete)
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
static struct error *settle_slow(struct stopper *s, struct task *task, uint64_t waited)
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

static struct error *look_at_all(struct stopper *s, uint64_t waited, size_t *running)
{
	*running = 0;
	s->stopped = 0;
	for (size_t i = 0; i < s->task_count; i++) {
		struct task *task = &s->tasks[i];

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

static struct error *wait_for_all(struct stopper *s)
{
	uint64_t began = now_ns();
	size_t running;

	for (long pause = 20;; pause = pause < 500 ? pause * 2 : 1000) {
		TRY(interrupt_check());
		TRY(look_at_all(s, now_ns() - began, &running));
		if (running == 0)
			return NULL;
		sleep_us(pause);
	}
}

/*
 * A thread that is seized but runs on for a moment may start others, which nobody seized: so it takes a scan that
 * finds nothing new while all known ones stand still.
 */
static struct error *stop_all(struct stopper *s)
{
	unsigned clean = 0;

	while (clean < CLEAN_SCANS) {
		size_t found;
		bool complete;

		TRY(scan(s, &found, &complete));
		if (s->tracer != 0)
			return NULL;
		if (found == 0 && s->task_count != 0)
			clean += complete ? CLEAN_SCANS : 1;
		else
			clean = 0;
		TRY(wait_for_all(s));
	}
	if (s->stopped == 0)
		return error_new(ERROR_TARGET, "process %d: it has ended", (int)s->pid);
	return NULL;
}

static void release_all(struct stopper *s)
{
	for (size_t i = 0; i < s->task_count; i++) {
		struct task *task = &s->tasks[i];

		if (task->gone)
			continue;
		look_at(task); /* one that was stuck may have stopped since, for a signal */
		if (!task->gone) /* ESRCH where it is still stuck: let go when this thread ends */
			ptrace(PTRACE_DETACH, task->tid, NULL, (void *)(intptr_t)task->signal);
	}
	if (s->began_ns != 0)
		s->pause_ns = now_ns() - s->began_ns;
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		continue; /* EINTR */
}

static bool read_registers(const struct machine *machine, const struct task *task, struct target_thread *out)
{
	uint8_t bytes[REGISTERS_MOST];
	struct iovec all = { bytes, sizeof(bytes) };

	if (task->gone || ptrace(PTRACE_GETREGSET, task->tid, (void *)(intptr_t)NT_PRSTATUS, &all) != 0)
		return false; /* ESRCH: it is stuck in the kernel, not stopped */
	*out = (struct target_thread){ .tid = task->tid, .signal = task->signal };
	return registers_from_user(machine, bytes, all.iov_len, &out->registers);
}

static void read_all_registers(struct stopper *s)
{
	s->threads = xcalloc(s->task_count, sizeof(*s->threads));
	s->thread_count = 0;
	for (size_t i = 0; i < s->task_count; i++)
		s->thread_count += read_registers(s->machine, &s->tasks[i], &s->threads[s->thread_count]);
	s->machine = NULL;
}

static void *tracer_main(void *argument)
{
	struct stopper *s = argument;

	/* Sleeps of 20 us would take 70 us with the default slack (PR_SET_TIMERSLACK(2const)). */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	s->error = stop_all(s);
	if (s->error != NULL || s->tracer != 0) {
		release_all(s);
		sem_post(&s->settled);
		return NULL;
	}
	sem_post(&s->settled);
	for (wait_for(&s->release); s->machine != NULL; wait_for(&s->release)) {
		read_all_registers(s);
		sem_post(&s->settled);
	}
	release_all(s);
	return NULL;
}

/* Signals are for the other threads of this program. */
static int start_thread(struct stopper *s)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int number = pthread_create(&s->thread, NULL, tracer_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return number;
}

static void stopper_free(struct stopper *s)
{
	sem_destroy(&s->settled);
	sem_destroy(&s->release);
	table_free(&s->index);
	free(s->tasks);
	free(s);
}

struct error *stopper_start(pid_t pid, struct stopper **out, pid_t *tracer, unsigned *threads)
{
	struct stopper *s = xcalloc(1, sizeof(*s));

	s->pid = pid;
	sem_init(&s->settled, 0, 0);
	sem_init(&s->release, 0, 0);
	*out = NULL;
	*tracer = 0;

	int number = start_thread(s);

	if (number != 0) {
		stopper_free(s);
		return error_new(ERROR_TARGET, "process %d: cannot start a thread to stop it: %s", (int)pid,
				 strerror(number));
	}
	wait_for(&s->settled);
	if (s->error == NULL && s->tracer == 0) {
		*threads = s->stopped;
		*out = s;
		return NULL;
	}
	pthread_join(s->thread, NULL);

	struct error *error = s->error;

	*tracer = s->tracer;
	stopper_free(s);
	return error;
}

/* In another PID namespace threads have other ids there. */
static void set_inner_ids(struct stopper *s, struct target_thread *threads, size_t count)
{
	struct process_status status;
	struct error *error = process_status(s->pid, &status);
	bool other = error == NULL && status.inner != s->pid;

	for (size_t i = 0; i < count && other && error == NULL; i++) {
		error = process_status(threads[i].tid, &status);
		if (error == NULL)
			threads[i].tid = status.inner;
	}
	error_free(error); /* it has been killed: its threads are found no more, by whatever id */
}

struct error *stopper_threads(struct stopper *s, const struct machine *machine, struct target_thread **out, size_t *count)
{
	s->machine = machine;
	sem_post(&s->release);
	wait_for(&s->settled);
	*out = s->threads;
	*count = s->thread_count;
	s->threads = NULL;
	if (*count == 0) {
		free(*out);
		return error_new(ERROR_TARGET, "process %d: its registers cannot be read", (int)s->pid);
	}
	set_inner_ids(s, *out, *count);
	return NULL;
}

uint64_t stopper_end(struct stopper *s)
{
	sem_post(&s->release);
	pthread_join(s->thread, NULL);

	uint64_t pause_ns = s->pause_ns;

	stopper_free(s);
	return pause_ns;
}
