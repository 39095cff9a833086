#include "target/permission.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/alloc.h"

enum { CAP_DAC_OVERRIDE = 1, CAP_DAC_READ_SEARCH = 2, CAP_SYS_PTRACE = 19 }; /* uapi/linux/capability.h */

/* All that the kernel compares (kernel/ptrace.c, __ptrace_may_access; security/commoncap.c; security/yama/yama_lsm.c). */
struct identity {
	unsigned user;
	uint64_t permitted, effective; /* capabilities */
};

static FILE *open_below(const char *root, const char *name)
{
	char *path = xasprintf("%s/proc/%s", root, name);
	FILE *file = fopen(path, "re");

	free(path);
	return file;
}

static struct identity identity_of(const char *root, const char *name)
{
	struct identity identity = { .user = UINT32_MAX };
	FILE *file = open_below(root, name);
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Uid: %*u %u", &identity.user) != 1 && sscanf(line, "CapPrm: %" SCNx64, &identity.permitted) != 1)
			sscanf(line, "CapEff: %" SCNx64, &identity.effective);
	if (file != NULL)
		fclose(file);
	return identity;
}

static int ptrace_scope(const char *root)
{
	FILE *file = open_below(root, "sys/kernel/yama/ptrace_scope");
	int scope = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%d", &scope) != 1)
		scope = 0;
	fclose(file);
	return scope;
}

/* Only the first user namespace has all users (user_namespaces(7)). */
static bool in_user_namespace(const char *root)
{
	FILE *file = open_below(root, "self/uid_map");
	unsigned inside, outside, count = UINT32_MAX;

	if (file == NULL)
		return false;
	if (fscanf(file, "%u %u %u", &inside, &outside, &count) != 3)
		count = UINT32_MAX;
	fclose(file);
	return count != UINT32_MAX;
}

static struct error *hint_owner(struct error *error, unsigned user)
{
	const struct passwd *entry = getpwuid(user);

	if (entry != NULL)
		return error_hint(error, "it belongs to user %s: run mapscope as root or as that user", entry->pw_name);
	return error_hint(error, "it belongs to user %u: run mapscope as root or as that user", user);
}

/* A process of our own user. */
static struct error *hint_own(struct error *error, int scope, uint64_t more)
{
	if (scope == 1)
		return error_hint(error, "kernel.yama.ptrace_scope is 1: run mapscope as root, or set it to 0 (sysctl kernel.yama.ptrace_scope=0)");
	if (scope > 1)
		return error_hint(error, "kernel.yama.ptrace_scope is %d: run mapscope as root, or give it the capability (setcap cap_sys_ptrace=ep)", scope);
	if (more != 0)
		return error_hint(error, "the process has capabilities that mapscope has not (0x%" PRIx64 "): run mapscope as root, or give it "
					 "the capability SYS_PTRACE (setcap cap_sys_ptrace=ep)", more);
	return error_hint(error, "the process forbids it (prctl PR_SET_DUMPABLE, or a setuid program), or a container does: run mapscope as root, "
				 "the container with --cap-add=SYS_PTRACE");
}

/* As a program of 32 bits mapscope reads one of 64 through a file, which is the user's whose the process is. */
static bool cannot_open_memory(const struct identity *we, const struct identity *it)
{
	return sizeof(void *) < 8 && we->user != it->user && (we->effective & (1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)) == 0;
}

struct error *permission_hint(const char *root, pid_t pid, struct error *error)
{
	char name[32];
	int scope = ptrace_scope(root);

	snprintf(name, sizeof(name), "%d/status", (int)pid);

	struct identity we = identity_of(root, "self/status"), it = identity_of(root, name);
	bool capable = we.effective >> CAP_SYS_PTRACE & 1;

	if (scope == 3)
		return error_hint(error, "kernel.yama.ptrace_scope is 3: nobody may, until the machine is restarted");
	if (capable && in_user_namespace(root))
		return error_hint(error, "mapscope is in a user namespace, whose capabilities do not reach that far: run it outside of it");
	if (capable && cannot_open_memory(&we, &it))
		return error_hint(error, "a program of 32 bits opens the process's memory as a file: give it the capability DAC_READ_SEARCH too "
					 "(setcap cap_sys_ptrace,cap_dac_read_search=ep)");
	if (capable)
		return error_hint(error, "a security module (SELinux, AppArmor) or a seccomp filter forbids it, maybe of the container that mapscope is in: "
					 "start that with --security-opt apparmor=unconfined --security-opt seccomp=unconfined");
	if (we.user == 0)
		return error_hint(error, "root lacks the capability SYS_PTRACE here: start the container with --cap-add=SYS_PTRACE");
	if (we.user != it.user)
		return hint_owner(error, it.user);
	return hint_own(error, scope, it.permitted & ~we.permitted);
}

static bool may_open_memory(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno != EACCES;
	close(fd);
	return true;
}

/* It is by a signal that a thread is made to fork; and a copy is read through its file, which is the user's whose the process is. */
struct error *permission_to_copy(pid_t pid, pid_t tid)
{
	bool readable = may_open_memory(tid);

	if (readable && (kill(pid, 0) == 0 || errno != EPERM))
		return NULL;
	return error_hint(error_new(ERROR_TARGET, "process %d: not permitted to %s", (int)pid,
				    readable ? "send it a signal, by which snapshots are made" : "open its memory as a file, by which snapshots are read"),
			  "run mapscope as root or as the user whose the process is, or give it the capabilities DAC_READ_SEARCH and KILL "
			  "beside SYS_PTRACE; --no-stop and stopping take that one alone");
}
