#include "command/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "render/diagnostics.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/limits.h"
#include "util/sanitizer.h"

/* A child that a signal asked to end has so long before a further one kills it. */
enum { PATIENCE_SECONDS = 2 };
/* So long may it take to clear away what somebody who was killed has left. */
enum { CLEAR_SECONDS = 5 };
/* How often a child is asked to end: it may have begun to wait, for a full pipe, when it had been asked and had not looked yet. */
enum { ASK_EVERY_MS = 200 };
/* Tells the child that its parent was killed: also one that is stopped gets it, and goes on. */
enum { ORPHAN_SIGNAL = SIGCONT };

/* In memory that both processes have. */
struct notes {
	bool open; /* all files are */
	char path[512];
};

static struct notes *notes;
static pid_t supervisor;

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

void supervisor_opening(const char *path)
{
	if (notes != NULL)
		snprintf(notes->path, sizeof(notes->path), "%s", path ? path : "");
}

void supervisor_opened(void)
{
	if (notes != NULL)
		notes->open = true;
}

/* --- the child --------------------------------------------------------------------------------------------------- */

static void limit_memory(void)
{
#ifndef ADDRESS_SANITIZER
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	rlim_t most = limit_of(LIMIT_MEMORY) != 0 ? limit_of(LIMIT_MEMORY) : machine / 4 * 3;
	struct rlimit limits;

	if (getrlimit(RLIMIT_DATA, &limits) != 0 || (limits.rlim_cur != RLIM_INFINITY && limits.rlim_cur <= most))
		return;
	limits.rlim_cur = most;
	setrlimit(RLIMIT_DATA, &limits);
#endif
}

/* SIGALRM ends this process then, whatever it inherited. */
static void end_within(unsigned seconds)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGALRM);
	signal(SIGALRM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	alarm(seconds);
}

static void ask_again(int number)
{
	static volatile sig_atomic_t times;

	times++;
	if (times == CLEAR_SECONDS * 1000 / ASK_EVERY_MS)
		signal(number, SIG_DFL);
}

static void go_on(int number)
{
	static const struct itimerval often = { { .tv_usec = ASK_EVERY_MS * 1000 }, { .tv_usec = ASK_EVERY_MS * 1000 } };

	(void)number;
	if (getppid() == supervisor) /* the signal is what it is by itself: it was stopped */
		return;
	interrupt_raise(SIGTERM);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void handle(int number, void (*handler)(int number), sigset_t *mask)
{
	struct sigaction action = { .sa_handler = handler }; /* no SA_RESTART: whoever waits shall look */

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
	sigdelset(mask, number);
}

static _Noreturn void be_child(sigset_t *mask, const struct supervised *what)
{
	if (what->clear != NULL) {
		handle(SIGALRM, ask_again, mask);
		handle(ORPHAN_SIGNAL, go_on, mask);
	}
	/* where the parent is killed the child must not go on, least of all hold a process */
	prctl(PR_SET_PDEATHSIG, what->clear ? ORPHAN_SIGNAL : SIGKILL);
	if (getppid() != supervisor)
		_exit(ERROR_TARGET);
	sigprocmask(SIG_SETMASK, mask, NULL);
	limit_memory();
	exit(what->work(what->context));
}

/* --- the parent -------------------------------------------------------------------------------------------------- */

static bool is_passed_on(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		if (passed_on[i] == number)
			return true;
	return false;
}

/* Dies of it, as the child did. */
static int die_of(int number)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	signal(number, SIG_DFL);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	return 128 + number; /* it is one that kills nobody */
}

static int report(int number)
{
	enum error_code code = notes->open ? ERROR_MEMORY : ERROR_TARGET;
	const char *path = notes->path[0] != '\0' ? notes->path : "the target", *output = notes->open ? "; what was printed is not all" : "";
	struct error *error = number == SIGKILL
		? error_new(code, "%s: its reader was killed (signal %d), maybe for want of memory%s", path, number, output)
		: error_hint(error_new(code, "%s: its reader died of signal %d (%s)%s", path, number, strsignal(number), output),
			     "this is a defect of mapscope or of a library of it, maybe called up by a damaged file; a process that was looked at runs on");

	diagnostics_error(error);
	error_free(error);
	return (int)code;
}

static int status_of_dead(int number)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGKILL, SIGXCPU };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (faults[i] == number)
			return report(number);
	return die_of(number);
}

/* In a process of its own: it takes as long as it may, and ends as it will. */
static void clear_away(const struct supervised *what)
{
	pid_t child = what->clear != NULL ? fork() : -1;

	if (child == 0) {
		end_within(CLEAR_SECONDS);
		what->clear(what->context);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* False while it lives. */
static bool has_ended(pid_t child, const struct supervised *what, int *exit_status)
{
	int status;
	pid_t found = waitpid(child, &status, WNOHANG | WUNTRACED);

	if (found == child && WIFSTOPPED(status)) { /* so that a shell sees a job that is stopped */
		raise(SIGSTOP);
		kill(child, SIGCONT);
		return false;
	}
	if (found != child)
		return false;
	if (WIFSIGNALED(status) && !is_passed_on(WTERMSIG(status))) /* of those it dies when it has cleared away itself */
		clear_away(what);
	*exit_status = WIFSIGNALED(status) ? status_of_dead(WTERMSIG(status)) : WEXITSTATUS(status);
	return true;
}

/* The next signal; -1: none for a while, where the child has been asked to end. */
static int next_signal(const sigset_t *awaited, bool asked)
{
	static const struct timespec soon = { .tv_nsec = ASK_EVERY_MS * 1000000 };

	return asked ? sigtimedwait(awaited, NULL, &soon) : sigwaitinfo(awaited, NULL);
}

static int watch(pid_t child, const struct supervised *what, const sigset_t *awaited)
{
	time_t asked = 0; /* when a signal was first passed on */
	int status, asked_by = 0;

	while (!has_ended(child, what, &status)) {
		int number = next_signal(awaited, asked_by != 0);

		if (number < 0 && asked_by != 0)
			kill(child, asked_by);
		if (!is_passed_on(number))
			continue;

		time_t now = time(NULL);
		bool deaf = asked != 0 && now - asked >= PATIENCE_SECONDS;

		kill(child, deaf ? SIGKILL : number);
		if (deaf) {
			waitpid(child, NULL, 0);
			clear_away(what);
			return die_of(number);
		}
		if (asked == 0)
			asked = now;
		asked_by = number;
	}
	return status;
}

int supervisor_run(const struct supervised *what)
{
	sigset_t awaited, mask;

	supervisor = getpid();
	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (notes == MAP_FAILED) {
		notes = NULL;
		return what->work(what->context);
	}
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		sigaddset(&awaited, passed_on[i]);
	sigprocmask(SIG_BLOCK, &awaited, &mask);
	signal(SIGCHLD, SIG_DFL); /* where it was ignored nobody could be waited for */

	pid_t child = fork();

	if (child == 0)
		be_child(&mask, what);
	if (child > 0)
		return watch(child, what, &awaited);
	sigprocmask(SIG_SETMASK, &mask, NULL); /* no process to be had: without one, then */
	return what->work(what->context);
}
