/* The setting that is named where a process may not be read, by files as /proc has them below a folder of the test's own. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "target/permission.h"
#include "util/alloc.h"

#define NONE "0000000000000000"
#define TRACE "0000000000080000"

static char root[] = "/tmp/mapscope-permission-XXXXXX";

static void put(const char *name, const char *text)
{
	char *path = xasprintf("%s/proc/%s", root, name);
	FILE *file = fopen(path, "w");

	if (CHECK(file != NULL)) {
		fputs(text, file);
		fclose(file);
	}
	free(path);
}

static void put_identity(const char *name, unsigned user, const char *capabilities)
{
	char *text = xasprintf("Name:\tx\nUid:\t%u\t%u\t%u\t%u\nCapInh:\t" NONE "\nCapPrm:\t%s\nCapEff:\t%s\n", user, user, user, user,
			       capabilities, capabilities);

	put(name, text);
	free(text);
}

static bool says(const char *word)
{
	struct error *error = permission_hint(root, 7, error_new(ERROR_TARGET, "no"));
	bool good = error->hint != NULL && strstr(error->hint, word) != NULL && strchr(error->hint, '\n') == NULL;

	if (!good)
		fprintf(stderr, "\tis: %s\n", error->hint);
	error_free(error);
	return good;
}

static void test_yama(void)
{
	put_identity("self/status", 1000, NONE);
	put_identity("7/status", 1000, NONE);
	put("self/uid_map", "         0          0 4294967295\n");
	put("sys/kernel/yama/ptrace_scope", "0\n");
	CHECK(says("PR_SET_DUMPABLE"));
	put("sys/kernel/yama/ptrace_scope", "1\n");
	CHECK(says("sysctl kernel.yama.ptrace_scope=0"));
	put("sys/kernel/yama/ptrace_scope", "2\n");
	CHECK(says("kernel.yama.ptrace_scope is 2"));
	put("sys/kernel/yama/ptrace_scope", "3\n");
	CHECK(says("until the machine is restarted"));
	put_identity("self/status", 0, TRACE);
	CHECK(says("until the machine is restarted"));
	put("sys/kernel/yama/ptrace_scope", "1\n");
	CHECK(says(sizeof(void *) < 8 ? "DAC_READ_SEARCH" : "security module")); /* Yama lets the capability through */
	put_identity("7/status", 0, NONE);
	CHECK(says("security module"));
}

static void test_identities(void)
{
	put("sys/kernel/yama/ptrace_scope", "0\n");
	put_identity("self/status", 1000, NONE);
	put_identity("7/status", 1000, "0000000000000400");
	CHECK(says("the process has capabilities that mapscope has not (0x400)"));
	put_identity("7/status", 4000000000u, NONE);
	CHECK(says("it belongs to user 4000000000"));
	put_identity("7/status", 0, NONE);
	CHECK(says("it belongs to user root"));
	put_identity("self/status", 0, NONE);
	CHECK(says("--cap-add=SYS_PTRACE"));
	put_identity("self/status", 0, TRACE);
	put("self/uid_map", "         0       1000          1\n");
	CHECK(says("user namespace"));
}

int main(void)
{
	static const char *const folders[] = { "proc", "proc/self", "proc/7", "proc/sys", "proc/sys/kernel", "proc/sys/kernel/yama" };

	if (!CHECK(mkdtemp(root) != NULL))
		return check_done();
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char *path = xasprintf("%s/%s", root, folders[i]);

		CHECK(mkdir(path, 0700) == 0);
		free(path);
	}
	test_yama();
	test_identities();

	char *command = xasprintf("rm -r %s", root);

	CHECK(system(command) == 0);
	free(command);
	return check_done();
}
