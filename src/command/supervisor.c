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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "render/diagnostics.h"
#include "util/alloc.h"
#include "util/limits.h"
#include "util/sanitizer.h"

/* A child that a signal asked to end has so long before a further one kills it. */
enum { PATIENCE_SECONDS = 2 };

/* In memory that both processes have. */
struct notes {
	bool open; /* all files are */
	char path[512];
};

static struct notes *notes;

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

static _Noreturn void be_child(pid_t parent, const sigset_t *mask, int (*work)(void *), void *context)
{
	/* where the parent is killed the child must not go on, least of all hold a process */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(ERROR_TARGET);
	sigprocmask(SIG_SETMASK, mask, NULL);
	limit_memory();
	exit(work(context));
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

/* False while it lives. */
static bool has_ended(pid_t child, int *exit_status)
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
	*exit_status = WIFSIGNALED(status) ? status_of_dead(WTERMSIG(status)) : WEXITSTATUS(status);
	return true;
}

static int watch(pid_t child, const sigset_t *awaited)
{
	time_t asked = 0; /* when a signal was first passed on */
	int status;

	while (!has_ended(child, &status)) {
		int number = sigwaitinfo(awaited, NULL);

		if (!is_passed_on(number))
			continue;

		time_t now = time(NULL);
		bool deaf = asked != 0 && now - asked >= PATIENCE_SECONDS;

		kill(child, deaf ? SIGKILL : number);
		if (deaf) {
			waitpid(child, NULL, 0);
			return die_of(number);
		}
		if (asked == 0)
			asked = now;
	}
	return status;
}

int supervisor_run(int (*work)(void *context), void *context)
{
	pid_t parent = getpid();
	sigset_t awaited, mask;

	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (notes == MAP_FAILED) {
		notes = NULL;
		return work(context);
	}
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		sigaddset(&awaited, passed_on[i]);
	sigprocmask(SIG_BLOCK, &awaited, &mask);
	signal(SIGCHLD, SIG_DFL); /* where it was ignored nobody could be waited for */

	pid_t child = fork();

	if (child == 0)
		be_child(parent, &mask, work, context);
	if (child > 0)
		return watch(child, &awaited);
	sigprocmask(SIG_SETMASK, &mask, NULL); /* no process to be had: without one, then */
	return work(context);
}
