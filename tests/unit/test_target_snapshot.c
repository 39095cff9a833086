/*
 * Snapshots of children of this test, each in a system call or a loop that would show it if it were disturbed: a call that returns
 * before its time, a register or the signal mask changed, a handler run.
 */
#include "check.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target/live.h"
#include "util/interrupt.h"

/* What the injection looks for in a program: Go's have both. */
__asm__(".text\n.byte 0x0f, 0x05, 0xc3\n.byte 0xb8, 0xe7, 0, 0, 0, 0x0f, 0x05\n");

enum { SNAPSHOTS = 40 };

static struct shared {
	volatile uint64_t rounds;
	volatile uint64_t disturbed;
	volatile uint64_t signals;
	volatile bool ready;
	volatile pid_t vforked;
} *shared;

/* In private memory: a snapshot has it as it was. */
static volatile uint64_t frozen;

static void sleep_ms(long milliseconds)
{
	nanosleep(&(struct timespec){ milliseconds / 1000, milliseconds % 1000 * 1000000 }, NULL);
}

static void on_signal(int number)
{
	shared->signals += (uint64_t)number;
}

static void round_done(bool good)
{
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int i = 1; i < 64; i++)
		good &= sigismember(&mask, i) == (i == SIGUSR2);
	shared->rounds++;
	shared->disturbed += !good;
	frozen++;
}

static void in_nanosleep(void)
{
	round_done(nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL) == 0);
}

static void in_poll(void)
{
	round_done(poll(NULL, 0, 30) == 0);
}

static void in_futex(void)
{
	uint32_t word = 0;

	round_done(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &(struct timespec){ .tv_nsec = 30000000 }, NULL, 0) == -1 &&
		   errno == ETIMEDOUT);
}

static void in_read(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) != 0)
		return;
	if (fork() == 0) {
		sleep_ms(20);
		_exit(write(ends[1], "x", 1) != 1);
	}
	round_done(read(ends[0], &byte, 1) == 1 && byte == 'x');
	close(ends[0]);
	close(ends[1]);
	while (wait(NULL) > 0)
		continue;
}

/* No good moment half of the time: for the snapshot, and again to reap it. */
static void in_and_out(void)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, 64);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sleep_ms(20);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	sleep_ms(20);
	round_done(true);
}

/* All registers that a call may keep, the flags, and vector registers. */
static void in_a_loop(void)
{
	uint64_t good;

	__asm__ volatile("movq $0x1234567, %%r8\n\tmovq $0x89abcde, %%r11\n\tmovq %%r8, %%xmm7\n\tmovq %%r11, %%xmm15\n\t"
			 "fld1\n\tmovl $20000000, %%ecx\n\tstc\n"
			 "1:\tdecl %%ecx\n\tjnz 1b\n\t"
			 "setc %%al\n\tmovzbq %%al, %%rax\n\t"
			 "movq %%xmm7, %%rdx\n\tcmpq %%r8, %%rdx\n\tsete %%dl\n\tmovzbq %%dl, %%rdx\n\tandq %%rdx, %%rax\n\t"
			 "movq %%xmm15, %%rdx\n\tcmpq %%r11, %%rdx\n\tsete %%dl\n\tmovzbq %%dl, %%rdx\n\tandq %%rdx, %%rax\n\t"
			 "cmpq $0x1234567, %%r8\n\tsete %%dl\n\tmovzbq %%dl, %%rdx\n\tandq %%rdx, %%rax\n\t"
			 "fld1\n\tfcomip %%st(1), %%st\n\tfstp %%st(0)\n\tsete %%dl\n\tmovzbq %%dl, %%rdx\n\tandq %%rdx, %%rax"
			 : "=a"(good) : : "rcx", "rdx", "r8", "r11", "xmm7", "xmm15", "cc", "memory");
	round_done(good == 1);
}

static pid_t spawn(void (*body)(void))
{
	memset(shared, 0, sizeof(*shared));

	pid_t pid = fork();

	if (pid == 0) {
		struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
		sigset_t blocked;

		alarm(100); /* whatever becomes of the test */
		sigfillset(&action.sa_mask);
		sigaction(64, &action, NULL);
		sigaction(SIGCHLD, &action, NULL);
		sigemptyset(&blocked);
		sigaddset(&blocked, SIGUSR2);
		sigprocmask(SIG_SETMASK, &blocked, NULL);
		if (body == in_read)
			signal(SIGCHLD, SIG_DFL);
		shared->ready = true;
		for (;;)
			body();
	}
	while (!shared->ready)
		sleep_ms(1);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool succeeded(struct error *error)
{
	if (error != NULL)
		fprintf(stderr, "error: %s\n", error->message);
	error_free(error);
	return error == NULL;
}

static uint64_t read_frozen(struct target *target)
{
	uint64_t value = 0;

	CHECK(succeeded(target_read(target, taddr_of((uintptr_t)&frozen), &value, sizeof(value))));
	return value;
}

static void look(struct target *target)
{
	uint64_t before, rounds;

	CHECK(succeeded(target_stop(target)));
	before = read_frozen(target);
	rounds = shared->rounds;
	CHECK(before <= rounds);
	for (int i = 0; i < 5000 && shared->rounds == rounds; i++)
		sleep_ms(1);
	CHECK(shared->rounds != rounds); /* the process goes on, the copy does not */
	CHECK_UINT(read_frozen(target), before);
	target_resume(target);
	CHECK_UINT(read_frozen(target), before);
	live_forget_snapshot(target);
}

static void test_undisturbed(void (*body)(void))
{
	const struct live_options options = { .snapshot = true };
	pid_t pid = spawn(body);
	struct live_stats stats;
	struct target *target;

	if (CHECK(succeeded(live_open(pid, &options, &target)))) {
		for (int i = 0; i < SNAPSHOTS; i++)
			look(target);
		live_stats(target, &stats);
		CHECK_UINT(stats.mode, LIVE_SNAPSHOT);
		CHECK_UINT(stats.stops, SNAPSHOTS);
		CHECK_UINT(stats.left, 0);
		target_destroy(target);
	}
	CHECK(shared->rounds > 0);
	CHECK_UINT(shared->disturbed, 0);
	CHECK_UINT(shared->signals, 0);
	end(pid);
}

static void refused_within(pid_t pid, uint64_t budget_ns, const char *why)
{
	const struct live_options options = { .snapshot = true, .budget_ns = budget_ns };
	struct target *target;

	if (!CHECK(succeeded(live_open(pid, &options, &target))))
		return;

	struct error *error = target_stop(target);

	if (!CHECK(error != NULL && strstr(error->message, why) != NULL))
		fprintf(stderr, "%s\n", error ? error->message : "no error");
	error_free(error);
	target_destroy(target);
}

static void refused(pid_t pid, const char *why)
{
	refused_within(pid, 0, why);
}

/* What a program must be like; nothing comes of it where it is not. */
static void test_refused(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(100);
		for (;;)
			pause();
	}
	sleep_ms(20);
	refused(pid, "does not catch signal 64");
	end(pid);
}

/* Its parent stands in the kernel; what it has for memory is its parent's. */
static void in_vfork(void)
{
	if (vfork() == 0) {
		shared->vforked = getpid();
		sleep(1); /* not allowed by the book, harmless on Linux */
		_exit(0);
	}
	round_done(true);
}

static void test_vfork(void)
{
	pid_t pid = spawn(in_vfork);

	while (shared->vforked == 0)
		sleep_ms(1);
	refused(shared->vforked, "shares its memory");
	refused(pid, "stuck in the kernel");
	kill(shared->vforked, SIGKILL);
	end(pid);
}

/* Of a user who may have no process more. */
static void be_limited(void)
{
	static bool limited;

	if (!limited && (setresuid(65534, 65534, 65534) != 0 || setrlimit(RLIMIT_NPROC, &(struct rlimit){ 1, 1 }) != 0))
		_exit(1);
	limited = true;
	round_done(nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL) == 0);
}

static void test_limited(void)
{
	pid_t pid = spawn(be_limited);

	for (int i = 0; i < 1000 && shared->rounds == 0; i++)
		sleep_ms(1);
	for (int i = 0; i < 10; i++)
		refused(pid, "cannot be forked: Resource temporarily unavailable");
	CHECK(shared->rounds > 0);
	CHECK_UINT(shared->disturbed, 0);
	end(pid);
}

static void be_filtered(void)
{
	static bool filtered;
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = { 1, &all };

	if (!filtered && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0))
		_exit(1);
	filtered = true;
	round_done(nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL) == 0);
}

/* With the signal blocked, as while its handler runs: never a good moment. */
static void be_busy(void)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, 64);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	shared->rounds++;
	sleep_ms(1);
}

/* Nothing is injected into a process that it might harm, and it goes on as it was. */
static void test_unsafe(void (*body)(void), uint64_t budget_ns, const char *why)
{
	pid_t pid = spawn(body);

	for (int i = 0; i < 5000 && shared->rounds == 0; i++)
		sleep_ms(1);
	refused_within(pid, budget_ns, why);

	uint64_t rounds = shared->rounds;

	for (int i = 0; i < 5000 && shared->rounds == rounds; i++)
		sleep_ms(1);
	CHECK(rounds > 0 && shared->rounds != rounds);
	CHECK_UINT(shared->disturbed, 0);
	CHECK_UINT(shared->signals, 0);
	end(pid);
}

/*
 * Who forgets a process that stands for longer than it may: it runs on all the same, and what is read then is no answer. The last of the
 * tests: it cannot be taken back.
 */
static void test_budget(void)
{
	const struct live_options options = { .budget_ns = 30000000 };
	pid_t pid = spawn(in_nanosleep);
	struct target *target;
	struct error *error;
	uint64_t word, rounds;

	if (!CHECK(succeeded(live_open(pid, &options, &target))))
		return;
	error = target_stop(target); /* on a busy machine that alone may take too long */
	for (int i = 0; error == NULL && i < 5000 && !interrupt_ends(); i++)
		sleep_ms(1);
	rounds = shared->rounds;
	for (int i = 0; i < 5000 && shared->rounds == rounds; i++)
		sleep_ms(1);
	CHECK(shared->rounds != rounds);
	if (error == NULL)
		error = target_read_word(target, taddr_of((uintptr_t)&frozen), &word);
	CHECK(error != NULL && error->code == ERROR_TARGET && strstr(error->message, "longer than the pause budget of 30 ms") != NULL);
	error_free(error);
	target_destroy(target);
	end(pid);
}

int main(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	test_undisturbed(in_nanosleep);
	test_undisturbed(in_poll);
	test_undisturbed(in_futex);
	test_undisturbed(in_read);
	test_undisturbed(in_a_loop);
	test_undisturbed(in_and_out);
	test_refused();
	test_vfork();
	test_unsafe(be_filtered, 0, "seccomp filter");
	test_unsafe(be_busy, 0, "take signals all the time");
	test_unsafe(in_nanosleep, 1, "longer than the pause budget");
	if (geteuid() == 0) /* root alone can become another user, who is limited */
		test_limited();
	test_budget();
	return check_done();
}
