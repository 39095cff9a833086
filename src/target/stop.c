#include "target/stop.h"

#include <elf.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>

#include "target/process.h"
#include "target/snapshot.h"
#include "target/tasks.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/interrupt.h"

#define MILLISECOND UINT64_C(1000000)
/* Copying page tables takes longer: 13 ms to 22 ms a MB were measured, 20 in docs/PAUSE.md. */
#define FORK_PER_MB (10 * MILLISECOND)

/* How often it is looked whether the process has been killed while it stands, for as long as that takes. */
#define LOOK_EVERY (100 * MILLISECOND)

/* Bytes; struct user_regs_struct is smaller on all machines. Of this program's own it would be too small for those of a wider one. */
#define REGISTERS_MOST 512

/* All threads may be about to take a signal: so often it is tried again. */
enum { SNAPSHOT_ATTEMPTS = 20 };

struct stopper {
	struct tasks tasks;
	struct snapshot snapshot;
	struct error *error;
	size_t stuck; /* threads that cannot be let go yet, while the others run on */
	atomic_bool late; /* the budget is spent, and the process runs on */
	uint64_t reap_ns;
	bool snapshot_left;

	/* What stopper_threads() asks the thread for: only a tracer may read registers. */
	const struct machine *machine; /* NULL: nothing is asked */
	struct target_thread *threads;
	size_t thread_count;

	pthread_t thread;
	sem_t settled; /* the thread has stopped all, or failed, or has read the registers */
	sem_t release; /* the thread shall do what is asked, else let go */
};

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		continue; /* EINTR */
}

/* --- the tracer's thread -------------------------------------------------------------------------------------- */

static bool read_registers(const struct machine *machine, const struct task *task, struct target_thread *out)
{
	uint8_t bytes[REGISTERS_MOST];
	struct iovec all = { bytes, sizeof(bytes) };

	if (task->gone || ptrace(PTRACE_GETREGSET, task->tid, (void *)(intptr_t)NT_PRSTATUS, &all) != 0)
		return false; /* ESRCH: it is stuck in the kernel, not stopped */
	*out = (struct target_thread){ .tid = task->tid, .signal = task->signal };
	return registers_from_user(machine, bytes, all.iov_len, &out->registers);
}

static void read_all_registers(struct stopper *s, const struct machine *machine)
{
	s->threads = xcalloc(s->tasks.count, sizeof(*s->threads));
	s->thread_count = 0;
	for (size_t i = 0; i < s->tasks.count; i++)
		s->thread_count += read_registers(machine, &s->tasks.items[i], &s->threads[s->thread_count]);
}

/* In another PID namespace threads have other ids there. One that has been killed is found no more, by whatever id. */
static void set_inner_ids(struct stopper *s)
{
	struct process_status status;
	struct error *error = process_status(s->tasks.pid, &status);
	bool other = error == NULL && status.inner != s->tasks.pid;

	error_free(error);
	for (size_t i = 0; i < s->thread_count && other; i++) {
		error = process_status(s->threads[i].tid, &status);
		if (error == NULL)
			s->threads[i].tid = status.inner;
		error_free(error);
	}
}

static void answer(struct stopper *s)
{
	if (s->snapshot.child == 0) {
		read_all_registers(s, s->machine);
		set_inner_ids(s);
	}
	s->machine = NULL;
	sem_post(&s->settled);
}

/* What is certain to take too long is not begun: a fork cannot be stopped half way. */
static struct error *check_budget(const struct stopper *s)
{
	struct process_status status;

	if (s->tasks.budget_ns == 0)
		return NULL;
	TRY(process_status(s->tasks.pid, &status));

	uint64_t least = clock_now_ns() - s->tasks.began_ns + (status.page_tables * FORK_PER_MB >> 20);

	return least > s->tasks.budget_ns ? tasks_over_budget(&s->tasks) : NULL;
}

static struct error *take_snapshot(struct stopper *s, const struct machine *machine)
{
	TRY(check_budget(s));
	if (machine != NULL) {
		free(s->threads);
		read_all_registers(s, machine);
	}
	TRY(snapshot_fork(&s->tasks, &s->snapshot));
	s->stuck = tasks_release(&s->tasks);
	if (s->snapshot.child == 0)
		return NULL;
	set_inner_ids(s);
	TRY(snapshot_hold(&s->snapshot));
	if (s->tasks.budget_ns != 0 && s->tasks.pause_ns > s->tasks.budget_ns)
		return tasks_over_budget(&s->tasks);
	return NULL;
}

static bool is_well(const struct stopper *s)
{
	return s->error == NULL && s->tasks.tracer == 0;
}

static struct error *always_signals(const struct stopper *s)
{
	return error_new(ERROR_TARGET, "process %d: no snapshot can be made of it: all its threads take signals all the time", (int)s->tasks.pid);
}

/* From the second on it runs for a moment first. */
static struct error *try_snapshot(struct stopper *s, const struct machine *machine, int attempt)
{
	if (attempt > 1) {
		clock_sleep_us(attempt * 1000);
		tasks_forget(&s->tasks);
		TRY(tasks_stop(&s->tasks));
	}
	return s->tasks.tracer == 0 ? take_snapshot(s, machine) : NULL;
}

/* In this order: who reads asks only afterwards whether it was in time. */
static void run_out(struct stopper *s)
{
	atomic_store(&s->late, true);
	interrupt_give_up("the process has been stopped for as long as --pause-budget allows, and runs on",
			  "--snapshot pauses it for less, --no-stop not at all, a larger --pause-budget for longer");
	s->stuck = tasks_release(&s->tasks);
}

/* When the thread has something to do by itself; 0: not at all. */
static uint64_t next_duty(const struct stopper *s)
{
	uint64_t look = clock_now_ns() + LOOK_EVERY, spent = s->tasks.began_ns + s->tasks.budget_ns;

	if (s->stuck != 0)
		return clock_now_ns() + MILLISECOND;
	if (s->tasks.released)
		return 0;
	return s->tasks.budget_ns != 0 && spent < look ? spent : look;
}

/* Waits for what is asked, and does its duties meanwhile. False: it shall let go. */
static bool next_request(struct stopper *s)
{
	for (;;) {
		uint64_t duty = next_duty(s);
		const struct timespec until = { (time_t)(duty / (1000 * MILLISECOND)), (long)(duty % (1000 * MILLISECOND)) };

		if ((duty ? sem_clockwait(&s->release, CLOCK_MONOTONIC, &until) : sem_wait(&s->release)) == 0)
			return s->machine != NULL;
		if (s->stuck != 0)
			s->stuck = tasks_release(&s->tasks);
		else if (tasks_overdue(&s->tasks) && !s->tasks.released)
			run_out(s);
		else if (!s->tasks.released && tasks_dead(&s->tasks))
			tasks_bury(&s->tasks); /* whoever waits for it would not see its end before ours */
	}
}

static void end(struct stopper *s)
{
	tasks_release(&s->tasks);
	s->snapshot_left = !snapshot_end(&s->snapshot, &s->reap_ns);
}

static void *tracer_main(void *argument)
{
	struct stopper *s = argument;
	const struct machine *machine = s->machine;

	s->machine = NULL;
	/* Sleeps of 20 us would take 70 us with the default slack (PR_SET_TIMERSLACK(2const)). */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	s->error = tasks_stop(&s->tasks);
	for (int attempt = 1; is_well(s) && s->snapshot.code.call.v != 0 && s->snapshot.child == 0; attempt++)
		s->error = attempt > SNAPSHOT_ATTEMPTS ? always_signals(s) : try_snapshot(s, machine, attempt);
	if (s->error != NULL || s->tasks.tracer != 0) {
		end(s);
		sem_post(&s->settled);
		return NULL;
	}
	sem_post(&s->settled);
	while (next_request(s))
		answer(s);
	end(s);
	return NULL;
}

/* --- its master ----------------------------------------------------------------------------------------------- */

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
	tasks_free(&s->tasks);
	free(s->threads);
	free(s);
}

static struct stopper *stopper_create(pid_t pid, const struct stopper_options *options)
{
	struct stopper *s = xcalloc(1, sizeof(*s));

	s->tasks.pid = pid;
	if (options != NULL) {
		s->tasks.budget_ns = options->budget_ns;
		s->machine = options->machine;
		if (options->snapshot != NULL)
			s->snapshot.code = *options->snapshot;
	}
	sem_init(&s->settled, 0, 0);
	sem_init(&s->release, 0, 0);
	return s;
}

struct error *stopper_start(pid_t pid, const struct stopper_options *options, struct stopper **out, pid_t *tracer)
{
	struct stopper *s = stopper_create(pid, options);

	*out = NULL;
	*tracer = 0;

	int number = start_thread(s);

	if (number != 0) {
		stopper_free(s);
		return error_new(ERROR_TARGET, "process %d: cannot start a thread to stop it: %s", (int)pid,
				 strerror(number));
	}
	wait_for(&s->settled);
	if (s->error == NULL && s->tasks.tracer == 0) {
		*out = s;
		return NULL;
	}
	pthread_join(s->thread, NULL);

	struct error *error = s->error;

	*tracer = s->tasks.tracer;
	stopper_free(s);
	return error;
}

void stopper_figures(const struct stopper *s, struct stopper_figures *out)
{
	*out = (struct stopper_figures){
		.threads = s->tasks.stopped,
		.pause_ns = s->snapshot.child != 0 ? s->tasks.pause_ns : 0,
		.snapshot = s->snapshot.child,
	};
}

bool stopper_in_time(const struct stopper *s)
{
	return !atomic_load(&s->late);
}

struct error *stopper_over_budget(const struct stopper *s)
{
	return tasks_over_budget(&s->tasks);
}

static void ask(struct stopper *s, const struct machine *machine)
{
	s->machine = machine;
	sem_post(&s->release);
	wait_for(&s->settled);
}

struct error *stopper_threads(struct stopper *s, const struct machine *machine, struct target_thread **out, size_t *count)
{
	if (s->snapshot.child == 0) {
		free(s->threads);
		ask(s, machine);
	}
	*count = s->thread_count;
	if (*count == 0)
		return error_new(ERROR_TARGET, "process %d: its registers cannot be read", (int)s->tasks.pid);
	*out = xcalloc(*count, sizeof(**out));
	memcpy(*out, s->threads, *count * sizeof(**out));
	return NULL;
}

void stopper_end(struct stopper *s, struct stopper_figures *figures)
{
	pid_t snapshot = s->snapshot.child;

	sem_post(&s->release);
	pthread_join(s->thread, NULL);
	if (figures != NULL)
		*figures = (struct stopper_figures){ s->tasks.stopped, s->tasks.pause_ns, snapshot, s->reap_ns, s->snapshot_left };
	stopper_free(s);
}
