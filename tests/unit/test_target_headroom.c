/* Room for a snapshot, by files as /proc and the cgroups of both versions have them, below a folder of the test's own. */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "target/headroom.h"
#include "util/alloc.h"

#define MB (UINT64_C(1) << 20)

static char root[] = "/tmp/mapscope-headroom-XXXXXX";

static void put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", root, name);

	for (char *at = strchr(path + sizeof(root), '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0700);
		*at = '/';
	}

	FILE *file = fopen(path, "w");

	if (CHECK(file != NULL)) {
		fputs(text, file);
		fclose(file);
	}
	free(path);
}

static void put_number(const char *name, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 "\n", number);
	put(name, text);
}

static void machine(const char *overcommit)
{
	put("proc/meminfo", "MemTotal:       2000000 kB\nMemAvailable:    1048576 kB\nCommitLimit:     1024000 kB\nCommitted_AS:     512000 kB\n");
	put("proc/sys/vm/overcommit_memory", overcommit);
	put("proc/sys/vm/panic_on_oom", "0\n");
	put("proc/sys/vm/oom_kill_allocating_task", "0\n");
	put("proc/7/status", "Name:\tserver\nVmPTE:\t    2048 kB\nRssAnon:\t  102400 kB\nVmData:\t  204800 kB\n");
}

static struct headroom now(void)
{
	struct headroom headroom;

	headroom_read(root, 7, &headroom);
	return headroom;
}

/* What is said against it; "" where nothing is. */
static bool says(const char *word)
{
	struct headroom headroom = now();
	struct error *error = headroom_check(root, 7, &headroom);
	bool good = word[0] == '\0' ? error == NULL : error != NULL && strstr(error->message, word) != NULL && error->hint != NULL;

	if (!good)
		fprintf(stderr, "\tis: %s\n", error ? error->message : "(no error)");
	error_free(error);
	return good;
}

static void test_machine(void)
{
	machine("0\n");
	CHECK_UINT(now().memory, 1024 * MB);
	CHECK_UINT(now().commitment, UINT64_MAX);
	CHECK_UINT(now().tasks, UINT64_MAX);
	CHECK(!now().in_cgroup && now().whole == NULL);
	CHECK(says(""));
	put("proc/meminfo", "MemAvailable:    7000 kB\n"); /* twice 2 MB of page tables and 4 MB are more */
	CHECK(says("the machine has 7.2 MB left"));
	put("proc/meminfo", "MemAvailable:    9000 kB\n");
	CHECK(says(""));
	put("proc/sys/vm/oom_kill_allocating_task", "1\n");
	CHECK(says("vm.oom_kill_allocating_task"));
	put("proc/sys/vm/panic_on_oom", "2\n");
	CHECK(says("vm.panic_on_oom"));
	put("proc/meminfo", "MemAvailable:    120000 kB\n"); /* all of its 100 MB may be copied */
	CHECK(says(""));
}

static void test_commitment(void)
{
	machine("2\n");
	CHECK_UINT(now().commitment, 500 * MB);
	CHECK(says("")); /* 200 MB twice */
	put("proc/7/status", "VmPTE:\t    2048 kB\nRssAnon:\t  102400 kB\nVmData:\t  300000 kB\n");
	CHECK(says("vm.overcommit_memory is 2"));
	put("proc/sys/vm/overcommit_memory", "1\n");
	CHECK(says(""));
}

/* A container's v2 folder in a slice: the narrowest of them counts, and pages of files are no hindrance. */
static void test_unified(void)
{
	machine("0\n");
	put("proc/7/cgroup", "0::/slice/pod\n");
	put("proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
	put_number("sys/fs/cgroup/slice/pod/memory.current", 200 * MB);
	put("sys/fs/cgroup/slice/pod/memory.max", "max\n");
	put("sys/fs/cgroup/slice/pod/pids.max", "max\n");
	CHECK_UINT(now().memory, 1024 * MB);
	CHECK(says(""));
	put_number("sys/fs/cgroup/slice/pod/memory.max", 250 * MB);
	CHECK_UINT(now().memory, 50 * MB);
	CHECK(now().in_cgroup);
	CHECK(says(""));
	put("sys/fs/cgroup/slice/pod/memory.oom.group", "1\n");
	CHECK(says("memory.oom.group"));
	put("sys/fs/cgroup/slice/pod/memory.stat", "anon 1\nfile 90000000\ninactive_file 83886080\nactive_file 5\n");
	CHECK_UINT(now().memory, 130 * MB);
	CHECK(says(""));
	put_number("sys/fs/cgroup/slice/memory.current", 300 * MB);
	put_number("sys/fs/cgroup/slice/memory.max", 304 * MB);
	CHECK_UINT(now().memory, 4 * MB);
	CHECK(says("its cgroup has 4.2 MB left"));
	put("sys/fs/cgroup/slice/memory.max", "max\n");
	put_number("sys/fs/cgroup/slice/pod/memory.high", 203 * MB);
	put("sys/fs/cgroup/slice/pod/memory.stat", "inactive_file 0\n");
	CHECK(says("its cgroup has 3.1 MB left"));
	put("sys/fs/cgroup/slice/pod/memory.high", "max\n");
	put("sys/fs/cgroup/slice/pod/memory.oom.group", "0\n");
	CHECK(says(""));
	put_number("sys/fs/cgroup/slice/pod/pids.max", 100);
	put_number("sys/fs/cgroup/slice/pod/pids.current", 90);
	CHECK_UINT(now().tasks, 10);
	CHECK(says("pids.max"));
	put_number("sys/fs/cgroup/slice/pod/pids.current", 80);
	CHECK(says(""));
}

/* v1, as a container without a cgroup namespace has it: its part is mounted, /proc tells the whole path. */
static void test_separate(void)
{
	machine("0\n");
	put("proc/7/cgroup", "12:pids:/docker/a1\n8:cpu,memory:/docker/a1\n0::/\n");
	put("proc/self/mountinfo", "31 30 0:27 /docker/a1 /sys/fs/cgroup/pids ro shared:1 - cgroup cgroup rw,pids\n"
				   "32 30 0:28 /docker/a1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
	put_number("sys/fs/cgroup/memory/memory.limit_in_bytes", 100 * MB);
	put_number("sys/fs/cgroup/memory/memory.usage_in_bytes", 60 * MB);
	put("sys/fs/cgroup/memory/memory.stat", "inactive_file 7\ntotal_inactive_file 10485760\n");
	put_number("sys/fs/cgroup/pids/pids.max", 32);
	put_number("sys/fs/cgroup/pids/pids.current", 10);
	CHECK_UINT(now().memory, 50 * MB);
	CHECK_UINT(now().tasks, 22);
	CHECK(says(""));
	put("sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 1\nunder_oom 0\n");
	CHECK(says("memory.oom_control"));
	put("proc/7/cgroup", "12:pids:/docker/b2\n8:cpu,memory:/../b2\n"); /* another container's: not to be seen */
	CHECK_UINT(now().memory, 1024 * MB);
	CHECK_UINT(now().tasks, UINT64_MAX);
	CHECK(says(""));
}

/* A process that has ended, a /proc that says nothing. */
static void test_nothing(void)
{
	struct headroom headroom;
	char empty[] = "/tmp/mapscope-headroom-XXXXXX";

	if (!CHECK(mkdtemp(empty) != NULL))
		return;
	headroom_read(empty, 7, &headroom);
	CHECK_UINT(headroom.memory, UINT64_MAX);
	CHECK(headroom_check(empty, 7, &headroom) == NULL);
	rmdir(empty);
}

int main(void)
{
	if (!CHECK(mkdtemp(root) != NULL))
		return check_done();
	test_machine();
	test_commitment();
	test_unified();
	test_separate();
	test_nothing();

	char *command = xasprintf("rm -r %s", root);

	CHECK(system(command) == 0);
	free(command);
	return check_done();
}
