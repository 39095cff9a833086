/* Live targets: children of this test that count, start threads, take signals; what they do is seen in shared memory. */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "target/live.h"

#define THREADS 20
#define PAGE ((size_t)4096)

/* What a child shows us. */
static struct shared {
	volatile uint64_t counters[THREADS];
	volatile uint64_t started; /* threads, by churn */
	volatile uint64_t plain_signals;
	volatile uint64_t queued_signals;
	volatile bool ready;
} *shared;

static void sleep_ms(long milliseconds)
{
	nanosleep(&(struct timespec){ milliseconds / 1000, milliseconds % 1000 * 1000000 }, NULL);
}

static uint64_t total(void)
{
	uint64_t sum = shared->started;

	for (unsigned i = 0; i < THREADS; i++)
		sum += shared->counters[i];
	return sum;
}

static void *count(void *counter)
{
	for (;;) {
		for (unsigned i = 0; i < 1000; i++)
			++*(volatile uint64_t *)counter;
		usleep(200); /* the machine has others to serve */
	}
	return NULL;
}

static void *count_once(void *counter)
{
	__atomic_add_fetch((uint64_t *)counter, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void on_signal(int number)
{
	if (number == SIGUSR1)
		shared->plain_signals++;
	else
		__atomic_add_fetch(&shared->queued_signals, 1, __ATOMIC_RELAXED);
}

static void start_counters(unsigned threads)
{
	pthread_t thread;

	for (unsigned i = 0; i < threads; i++)
		pthread_create(&thread, NULL, count, (void *)&shared->counters[i]);
}

static void counting(void)
{
	signal(SIGUSR1, on_signal);
	signal(SIGRTMIN, on_signal);
	start_counters(THREADS - 1);
	shared->ready = true;
	count((void *)&shared->counters[THREADS - 1]);
}

static void *churn(void *unused)
{
	for (;;) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, count_once, (void *)&shared->started) == 0)
			pthread_join(thread, NULL);
		shared->ready = true;
	}
	return unused;
}

static void churning(void)
{
	pthread_t thread;

	for (unsigned i = 0; i < 3; i++)
		pthread_create(&thread, NULL, churn, NULL);
	churn(NULL);
}

static void leaderless(void)
{
	start_counters(2);
	shared->ready = true;
	pthread_exit(NULL);
}

/* A parent in vfork() cannot be stopped: it sleeps in the kernel until the child ends. */
static void vforking(void)
{
	start_counters(1);
	shared->ready = true;
	if (vfork() == 0) {
		sleep(1); /* not allowed by the book, harmless on Linux */
		_exit(0);
	}
	count((void *)&shared->counters[1]);
}

static void idle(void)
{
	shared->ready = true;
	for (;;)
		pause();
}

static pid_t spawn(void (*body)(void))
{
	memset(shared, 0, sizeof(*shared));

	pid_t pid = fork();

	if (pid == 0) {
		alarm(100); /* whatever becomes of the test */
		body();
		_exit(0);
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

static struct target *open_live(pid_t pid)
{
	struct target *target = NULL;

	CHECK(succeeded(live_open(pid, NULL, &target)));
	return target;
}

static bool stands_still(long milliseconds)
{
	uint64_t before = total();

	sleep_ms(milliseconds);
	return total() == before;
}

static bool goes_on(void)
{
	uint64_t before = total();

	for (unsigned i = 0; i < 2000 && total() == before; i++)
		sleep_ms(1);
	return total() != before;
}

static char state_of(pid_t pid)
{
	char path[64], state = '?';

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);

	FILE *file = fopen(path, "r");

	if (file == NULL || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (file != NULL)
		fclose(file);
	return state;
}

static void test_stop(void)
{
	pid_t pid = spawn(counting);
	struct target *target = open_live(pid);
	struct live_stats stats;

	for (unsigned i = 0; i < 10; i++) {
		CHECK(succeeded(target_stop(target)));
		CHECK(stands_still(20));
		target_resume(target);
		target_resume(target);
		CHECK(goes_on());
	}
	for (unsigned i = 0; i < 20; i++) {
		CHECK(succeeded(target_stop(target)));
		target_resume(target);
	}
	live_stats(target, &stats);
	CHECK_UINT(stats.stops, 30);
	CHECK_UINT(stats.threads, THREADS);
	CHECK_UINT(stats.mode, LIVE_STOPPED);

	uint64_t before = stats.pause_ns;

	for (unsigned i = 0; i < 50; i++) {
		CHECK(succeeded(target_stop(target)));
		target_resume(target);
	}
	live_stats(target, &stats);
	fprintf(stderr, "stop and release of %u threads: %u us\n", stats.threads,
		(unsigned)((stats.pause_ns - before) / 50 / 1000));
	CHECK(succeeded(target_stop(target)));
	target_destroy(target); /* resumes */
	CHECK(goes_on());
	end(pid);
}

static void test_signals(void)
{
	pid_t pid = spawn(counting);
	struct target *target = open_live(pid);
	uint64_t queued = 0;

	for (unsigned i = 0; i < 50; i++) {
		uint64_t before = shared->plain_signals;

		for (unsigned k = 0; k < 5; k++, queued++)
			sigqueue(pid, SIGRTMIN, (union sigval){ 0 }); /* some arrive as the threads are being stopped */
		CHECK(succeeded(target_stop(target)));
		kill(pid, SIGUSR1);
		for (unsigned k = 0; k < 5; k++, queued++)
			sigqueue(pid, SIGRTMIN, (union sigval){ 0 });
		CHECK(shared->plain_signals == before);
		target_resume(target);
		for (unsigned k = 0; k < 2000 && shared->plain_signals == before; k++)
			sleep_ms(1);
		CHECK_UINT(shared->plain_signals, before + 1);
	}
	for (unsigned k = 0; k < 2000 && shared->queued_signals < queued; k++)
		sleep_ms(1);
	CHECK_UINT(shared->queued_signals, queued);
	target_destroy(target);
	end(pid);
}

static void test_job_control(void)
{
	pid_t pid = spawn(counting);
	struct target *target = open_live(pid);

	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	for (unsigned i = 0; i < 5; i++) {
		CHECK(succeeded(target_stop(target)));
		target_resume(target);
		for (unsigned k = 0; k < 1000 && state_of(pid) != 'T'; k++)
			sleep_ms(1); /* let go, it takes a moment to stand as SIGSTOP had it */
		CHECK(stands_still(10));
		CHECK(state_of(pid) == 'T');
	}
	kill(pid, SIGCONT);
	CHECK(goes_on());
	CHECK(succeeded(target_stop(target)));
	kill(pid, SIGSTOP); /* while it is stopped: takes effect at the release */
	target_resume(target);
	for (unsigned i = 0; i < 1000 && state_of(pid) != 'T'; i++)
		sleep_ms(1);
	CHECK(state_of(pid) == 'T' && stands_still(10));
	kill(pid, SIGCONT);
	CHECK(goes_on());
	target_destroy(target);
	end(pid);
}

static void test_killed_tool(void)
{
	pid_t pid = spawn(counting);
	uint64_t signals;
	pid_t tool = fork();

	if (tool == 0) {
		struct target *target = open_live(pid);

		_exit(succeeded(target_stop(target)) && pause() ? 0 : 1);
	}
	for (unsigned i = 0; i < 2000 && state_of(pid) != 't'; i++)
		sleep_ms(1);
	sleep_ms(50);
	CHECK(stands_still(20));
	signals = shared->plain_signals;
	kill(pid, SIGUSR1);
	end(tool);
	CHECK(goes_on());
	for (unsigned k = 0; k < 2000 && shared->plain_signals == signals; k++)
		sleep_ms(1);
	CHECK_UINT(shared->plain_signals, signals + 1);
	end(pid);
}

static void test_churn(void)
{
	pid_t pid = spawn(churning);
	struct target *target = open_live(pid);
	unsigned moved = 0;

	for (unsigned i = 0; i < 200; i++) {
		if (!CHECK(succeeded(target_stop(target))))
			break;
		moved += !stands_still(i % 20 == 0 ? 10 : 1);
		target_resume(target);
		if (i % 20 == 0)
			CHECK(goes_on());
	}
	CHECK_UINT(moved, 0);
	target_destroy(target);
	CHECK(goes_on());
	end(pid);
}

static void test_leaderless(void)
{
	pid_t pid = spawn(leaderless);
	struct live_stats stats;
	uint32_t magic = 0;

	for (unsigned i = 0; i < 1000 && state_of(pid) != 'Z'; i++)
		sleep_ms(1);

	struct target *target = open_live(pid);

	if (target != NULL) {
		CHECK(succeeded(target_stop(target)));
		CHECK(stands_still(10));
		CHECK(succeeded(target_read(target, taddr_of(target->executable.phdr_address & ~4095ULL), &magic, 4)));
		CHECK(memcmp(&magic, "\177ELF", 4) == 0);
		target_resume(target);
		live_stats(target, &stats);
		CHECK_UINT(stats.threads, 2);
		CHECK(goes_on());
		target_destroy(target);
	}
	end(pid);
}

static void test_vfork(void)
{
	pid_t pid = spawn(vforking);
	struct target *target = open_live(pid);

	sleep_ms(20);
	CHECK(succeeded(target_stop(target)));
	CHECK(stands_still(10));
	target_resume(target);
	CHECK(goes_on());
	for (unsigned i = 0; i < 3000 && shared->counters[1] == 0; i++)
		sleep_ms(1);
	CHECK(shared->counters[1] != 0); /* it left the kernel after the release, and nobody held it */
	target_destroy(target);
	end(pid);
}

static void check_open_fails(pid_t pid, const char *why)
{
	struct target *target = NULL;
	struct error *error = live_open(pid, NULL, &target);
	char expected[100];

	snprintf(expected, sizeof(expected), "process %d: %s", (int)pid, why);
	if (CHECK(error != NULL)) {
		CHECK_TEXT(error->message, expected);
		CHECK_UINT(error->code, ERROR_TARGET);
	}
	error_free(error);
	target_destroy(target);
}

static void test_errors(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	for (unsigned i = 0; i < 1000 && state_of(pid) != 'Z'; i++)
		sleep_ms(1);
	check_open_fails(pid, "it is a zombie");
	waitpid(pid, NULL, 0);
	check_open_fails(pid, "no such process");
	check_open_fails(0, "no such process");
	check_open_fails(-1, "no such process");
	if (access("/proc/2/exe", F_OK) != 0 && state_of(2) != '?' && getpgid(2) == 0)
		check_open_fails(2, "it is a kernel thread");
	target_destroy(NULL);
}

static void test_ended(void)
{
	pid_t pid = spawn(counting);
	struct target *target = open_live(pid);
	struct error *error;
	uint64_t word;

	CHECK(succeeded(target_stop(target)));
	kill(pid, SIGKILL);
	target_resume(target); /* before its parent, which we are, can see it end: the tracer sees it first */
	for (unsigned i = 0; i < 2; i++) {
		error = target_stop(target);
		CHECK(error != NULL && error->code == ERROR_TARGET);
		error_free(error);
		if (i == 0)
			end(pid);
	}
	error = target_read_word(target, taddr_of(target->executable.entry), &word);
	CHECK(error != NULL);
	error_free(error);
	target_destroy(target);
}

static void test_held(void)
{
	pid_t pid = spawn(counting);
	struct target *before = open_live(pid); /* opened before the other came */
	struct live_stats stats;
	int go[2], done[2];
	char byte;

	CHECK(pipe(go) == 0 && pipe(done) == 0);

	pid_t tracer = fork();

	if (tracer == 0) {
		int bad = ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 ||
			  waitpid(pid, NULL, __WALL) != pid;

		_exit(write(done[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1 && !bad ? 0 : 1);
	}
	CHECK(read(done[0], &byte, 1) == 1);

	struct target *after = open_live(pid);

	live_stats(after, &stats);
	CHECK_UINT(stats.mode, LIVE_HELD);
	CHECK_UINT(stats.tracer, tracer);
	CHECK(!stats.held_stopped); /* one thread only */
	CHECK(succeeded(target_stop(after)));
	CHECK(goes_on());
	target_resume(after);
	CHECK(succeeded(target_stop(before)));
	live_stats(before, &stats);
	CHECK_UINT(stats.mode, LIVE_HELD);
	CHECK_UINT(stats.tracer, tracer);
	CHECK(goes_on()); /* those that were seized already are released */
	CHECK(state_of(pid) == 't');
	CHECK(write(go[1], "x", 1) == 1);
	waitpid(tracer, NULL, 0);
	target_destroy(before);
	target_destroy(after);
	end(pid);
}

static void test_no_stop(void)
{
	pid_t pid = spawn(counting);
	struct target *target;
	struct live_options options = { .no_stop = true };
	struct live_stats stats;

	if (CHECK(succeeded(live_open(pid, &options, &target)))) {
		CHECK(succeeded(target_stop(target)));
		CHECK(goes_on());
		live_stats(target, &stats);
		CHECK_UINT(stats.mode, LIVE_UNSTOPPED);
		CHECK_UINT(stats.stops, 0);
		target_destroy(target);
	}
	end(pid);
}

/* Four pages, the third one unmapped: inherited by the child at the same address. */
static void test_reads(void)
{
	uint8_t *bytes = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static uint8_t to[4][4 * 4096];
	uint64_t at = (uintptr_t)bytes;

	for (size_t i = 0; i < 4 * PAGE; i++)
		bytes[i] = (uint8_t)(i * 31 + i / PAGE);

	uint8_t copy[2 * 4096];

	memcpy(copy, bytes, sizeof(copy));
	munmap(bytes + 2 * PAGE, PAGE);

	pid_t pid = spawn(idle);
	struct target *target = open_live(pid);
	struct target_piece pieces[] = {
		{ taddr_of(at + 16), to[0], 3 * PAGE, 99 },
		{ taddr_of(0x10), to[1], 8, 99 },
		{ taddr_of(at), to[1], 0, 99 },
		{ taddr_of(at + 3 * PAGE), to[2], PAGE, 99 },
		{ taddr_of(UINT64_MAX - 7), to[3], 16, 99 },
		{ taddr_of(at + 2 * PAGE - 1), to[3], 2, 99 },
		{ taddr_of(at + 3 * PAGE - 1), to[3] + 8, 2, 99 },
	};
	char expected[100];
	struct error *error;

	target_read_pieces(target, pieces, 7);
	CHECK_UINT(pieces[0].got, 2 * PAGE - 16);
	CHECK(memcmp(to[0], copy + 16, 2 * PAGE - 16) == 0);
	CHECK_UINT(pieces[1].got, 0);
	CHECK_UINT(pieces[2].got, 0);
	CHECK_UINT(pieces[3].got, PAGE);
	CHECK_UINT(to[2][5], bytes[3 * PAGE + 5]);
	CHECK_UINT(pieces[4].got, 0);
	CHECK_UINT(pieces[5].got, 1);
	CHECK_UINT(pieces[6].got, 0);
	error = target_read(target, taddr_of(at + 100), to[0], 3 * PAGE);
	snprintf(expected, sizeof(expected), "0x%" PRIx64 ": not mapped", at + 2 * PAGE);
	if (CHECK(error != NULL)) {
		CHECK_TEXT(error->message, expected);
		CHECK_UINT(error->code, ERROR_MEMORY);
	}
	error_free(error);
	target_destroy(target);
	end(pid);
	munmap(bytes, 4 * PAGE);
}

/* More pieces than one system call takes, and pieces larger than one element. */
static void test_many_reads(void)
{
	size_t large = (size_t)5 << 20, count = 5000;
	uint8_t *bytes = malloc(large), *to = malloc(large);
	struct target_piece *pieces = calloc(count, sizeof(*pieces));
	unsigned wrong = 0;

	for (size_t i = 0; i < large; i++)
		bytes[i] = (uint8_t)(i >> 8 ^ i);

	pid_t pid = spawn(idle);
	struct target *target = open_live(pid);
	struct live_stats stats;

	CHECK(succeeded(target_read(target, taddr_of((uintptr_t)bytes), to, large)) && memcmp(bytes, to, large) == 0);
	memset(to, 0, large);
	for (size_t i = 0; i < count; i++)
		pieces[i] = (struct target_piece){ taddr_of((uintptr_t)bytes + i * 1000), to + i * 1000, i % 1001, 0 };
	target_read_pieces(target, pieces, count);
	for (size_t i = 0; i < count; i++)
		wrong += pieces[i].got != pieces[i].length || memcmp(to + i * 1000, bytes + i * 1000, pieces[i].got) != 0;
	CHECK_UINT(wrong, 0);
	live_stats(target, &stats);
	CHECK(stats.read_calls < 10 && stats.read_bytes > large);
	target_destroy(target);
	end(pid);
	free(bytes);
	free(to);
	free(pieces);
}

#ifdef __x86_64__
#define MAGIC UINT64_C(0x1122334455667700)

/* Registers that are known, in a loop without end. */
static void with_registers(void)
{
	__asm__ volatile("movq %0, %%r12\n\tleaq 1(%%r12), %%r13\n\tleaq 2(%%r12), %%r14\n\tleaq 3(%%r12), %%r15\n\t"
			 "movb $1, (%1)\n1:\tpause\n\tjmp 1b"
			 :
			 : "r"(MAGIC), "r"(&shared->ready)
			 : "r12", "r13", "r14", "r15", "memory");
}

static void test_registers(void)
{
	pid_t pid = spawn(with_registers);
	struct target *target = open_live(pid);
	struct target_thread *threads = NULL;
	size_t count = 0;
	struct error *error = target_threads(target, &threads, &count);

	CHECK(error != NULL && strstr(error->message, "not stopped") != NULL);
	error_free(error);
	CHECK(succeeded(target_stop(target)));
	if (CHECK(succeeded(target_threads(target, &threads, &count)))) {
		CHECK_UINT(count, 1);
		CHECK_UINT(threads[0].tid, pid);
		CHECK_UINT(threads[0].registers.known, (UINT64_C(1) << 17) - 1);
		for (unsigned i = 0; i < 4; i++)
			CHECK_UINT(threads[0].registers.values[12 + i], MAGIC + i);
		free(threads);
	}
	/* again, of the same stop */
	CHECK(succeeded(target_threads(target, &threads, &count)));
	free(threads);
	target_destroy(target);
	end(pid);
}

/* All threads have some, and other ids than the process. */
static void test_many_registers(void)
{
	pid_t pid = spawn(counting);
	struct target *target = open_live(pid);
	struct target_thread *threads = NULL;
	size_t count = 0;

	CHECK(succeeded(target_stop(target)));
	if (CHECK(succeeded(target_threads(target, &threads, &count)))) {
		CHECK_UINT(count, THREADS);
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < i; j++)
				CHECK(threads[i].tid != threads[j].tid && threads[i].registers.values[7] != threads[j].registers.values[7]);
		free(threads);
	}
	target_resume(target);
	CHECK(goes_on());
	target_destroy(target);
	end(pid);
}
#endif

int main(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_reads();
	test_many_reads();
	test_errors();
	test_stop();
	test_signals();
	test_job_control();
	test_killed_tool();
	test_churn();
	test_leaderless();
	test_vfork();
	test_ended();
	test_held();
	test_no_stop();
#ifdef __x86_64__
	test_registers();
	test_many_registers();
#endif
	return check_done();
}
