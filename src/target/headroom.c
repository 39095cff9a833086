#include "target/headroom.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/alloc.h"

#define MEGABYTE (UINT64_C(1) << 20)
/* Beside page tables: mappings, a kernel stack, and what each processor charges in advance (mm/memcontrol.c, MEMCG_CHARGE_BATCH). */
#define FORK_BESIDES (4 * MEGABYTE)
/* Threads that a Go program may want to start while the child exists; where it cannot it dies (runtime/os_linux.go, newosproc). */
#define TASKS_BESIDES 16

/* --- files ---------------------------------------------------------------------------------------------------- */

static FILE *open_below(const char *root, const char *folder, const char *name)
{
	char *path = xasprintf("%s%s/%s", root, folder, name);
	FILE *file = fopen(path, "re");

	free(path);
	return file;
}

/* The number of a file that has nothing else; `otherwise` where there is none ("max"). */
static uint64_t number_in(const char *root, const char *folder, const char *name, uint64_t otherwise)
{
	FILE *file = open_below(root, folder, name);
	uint64_t number;

	if (file == NULL)
		return otherwise;
	if (fscanf(file, "%" SCNu64, &number) != 1)
		number = otherwise;
	fclose(file);
	return number;
}

/* Of lines "KEY NUMBER" or "KEY: NUMBER". */
static uint64_t field_in(const char *root, const char *folder, const char *name, const char *key, uint64_t otherwise)
{
	FILE *file = open_below(root, folder, name);
	uint64_t found = otherwise;
	char line[256];
	size_t length = strlen(key);

	if (file == NULL)
		return otherwise;
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, key, length) == 0 && strchr(": \t", line[length]) != NULL)
			sscanf(line + length, "%*[: \t]%" SCNu64, &found);
	fclose(file);
	return found;
}

/* Kilobytes there, bytes here. */
static uint64_t bytes_in(const char *root, const char *folder, const char *name, const char *key, uint64_t otherwise)
{
	uint64_t kilobytes = field_in(root, folder, name, key, UINT64_MAX);

	return kilobytes < UINT64_MAX >> 10 ? kilobytes << 10 : otherwise;
}

static uint64_t process_bytes(const char *root, pid_t pid, const char *key)
{
	char folder[32];

	snprintf(folder, sizeof(folder), "/proc/%d", (int)pid);
	return bytes_in(root, folder, "status", key, 0);
}

/* --- cgroups -------------------------------------------------------------------------------------------------- */

/* The folder of a process's cgroup, and how much of it is the hierarchy's own. */
struct place {
	char *folder; /* NULL: not seen from here */
	size_t top;
	bool unified; /* cgroup v2 */
};

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
		if ((at == words || at[-1] == ',') && strchr(",\n", at[length]) != NULL)
			return true;
	return false;
}

/* Of /proc/PID/cgroup: "NUMBER:CONTROLLERS:PATH", the unified hierarchy has none (cgroups(7)). */
static char *path_of(const char *root, pid_t pid, const char *controller, bool *unified)
{
	char folder[32], line[4096], controllers[256], path[4000], *found = NULL;

	snprintf(folder, sizeof(folder), "/proc/%d", (int)pid);

	FILE *file = open_below(root, folder, "cgroup");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		bool v2 = sscanf(line, "0::%3999[^\n]", path) == 1;

		if ((v2 && found == NULL) || (!v2 && sscanf(line, "%*u:%255[^:]:%3999[^\n]", controllers, path) == 2 && has_word(controllers, controller))) {
			free(found);
			found = xstrdup(path);
			*unified = v2;
		}
	}
	if (file != NULL)
		fclose(file);
	return found;
}

/*
 * Of /proc/self/mountinfo: "ID PARENT DEVICE ROOT POINT OPTIONS... - TYPE SOURCE OPTIONS". A container may have its own part of a
 * hierarchy mounted: ROOT then.
 */
static bool parse_mount(const char *line, const char *controller, bool unified, char *mount_root, char *point)
{
	const char *rest = strstr(line, " - ");
	char type[32], options[256];

	if (rest == NULL || sscanf(line, "%*u %*u %*s %3999s %3999s", mount_root, point) != 2 ||
	    sscanf(rest, " - %31s %*s %255s", type, options) != 2)
		return false;
	return unified ? strcmp(type, "cgroup2") == 0 : strcmp(type, "cgroup") == 0 && has_word(options, controller);
}

static void find_below(const char *path, const char *mount_root, const char *point, struct place *out)
{
	size_t length = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);

	if (strncmp(path, mount_root, length) != 0 || strstr(path, "/..") != NULL)
		return; /* beside what can be seen */
	out->top = strlen(point);
	out->folder = xasprintf("%s%s", point, strcmp(path + length, "/") == 0 ? "" : path + length);
}

static struct place place_of(const char *root, pid_t pid, const char *controller)
{
	char line[10000], mount_root[4000], point[4000];
	struct place place = { 0 };
	char *path = path_of(root, pid, controller, &place.unified);
	FILE *file = path == NULL ? NULL : open_below(root, "/proc/self", "mountinfo");

	while (file != NULL && place.folder == NULL && fgets(line, sizeof(line), file) != NULL)
		if (parse_mount(line, controller, place.unified, mount_root, point))
			find_below(path, mount_root, point, &place);
	if (file != NULL)
		fclose(file);
	free(path);
	return place;
}

/* To the folder above; false at the top. */
static bool climb(struct place *place)
{
	char *last = strrchr(place->folder + place->top, '/');

	if (last == NULL)
		return false;
	*last = '\0';
	return true;
}

static uint64_t difference(uint64_t larger, uint64_t smaller)
{
	return larger > smaller ? larger - smaller : 0;
}

/* Pages of files that nobody has used lately are given up first, but not those that must be written before. */
static uint64_t spare_pages(const char *root, const char *folder, bool v2)
{
	static const char *const keys[2][3] = { { "total_inactive_file", "total_dirty", "total_writeback" },
						{ "inactive_file", "file_dirty", "file_writeback" } };
	uint64_t spare = field_in(root, folder, "memory.stat", keys[v2][0], 0);

	for (int i = 1; i < 3; i++)
		spare = difference(spare, field_in(root, folder, "memory.stat", keys[v2][i], 0));
	return spare;
}

static uint64_t memory_left(const char *root, const struct place *place)
{
	const char *folder = place->folder;
	bool v2 = place->unified;
	uint64_t most = number_in(root, folder, v2 ? "memory.max" : "memory.limit_in_bytes", UINT64_MAX);
	uint64_t high = number_in(root, folder, "memory.high", UINT64_MAX); /* beyond it the kernel slows a process down */
	uint64_t used = number_in(root, folder, v2 ? "memory.current" : "memory.usage_in_bytes", 0);
	uint64_t spare = spare_pages(root, folder, v2);

	if (high < most)
		most = high;
	return most == UINT64_MAX ? most : difference(most, difference(used, spare));
}

static const char *ends_more(const char *root, const struct place *place)
{
	if (number_in(root, place->folder, "memory.oom.group", 0) == 1)
		return "memory.oom.group has the kernel end all of the cgroup then";
	if (!place->unified && field_in(root, place->folder, "memory.oom_control", "oom_kill_disable", 0) == 1)
		return "memory.oom_control has all of the cgroup wait then";
	return NULL;
}

static void read_memory_cgroup(const char *root, pid_t pid, struct headroom *out)
{
	struct place place = place_of(root, pid, "memory");

	while (place.folder != NULL) {
		uint64_t left = memory_left(root, &place);
		const char *whole = ends_more(root, &place);

		if (left < out->memory) {
			out->memory = left;
			out->in_cgroup = true;
		}
		if (whole != NULL)
			out->whole = whole;
		if (!climb(&place))
			break;
	}
	free(place.folder);
}

static void read_tasks_cgroup(const char *root, pid_t pid, struct headroom *out)
{
	struct place place = place_of(root, pid, "pids");

	while (place.folder != NULL) {
		uint64_t most = number_in(root, place.folder, "pids.max", UINT64_MAX);
		uint64_t left = most == UINT64_MAX ? most : difference(most, number_in(root, place.folder, "pids.current", 0));

		if (left < out->tasks)
			out->tasks = left;
		if (!climb(&place))
			break;
	}
	free(place.folder);
}

/* Whether the child can be made the first to go (/proc/PID/oom_score_adj, which will be whose the process's is). */
static bool can_be_offered(const char *root, pid_t pid)
{
	char *path = xasprintf("%s/proc/%d/oom_score_adj", root, (int)pid);
	bool good = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 || errno == ENOENT;

	free(path);
	return good;
}

/* --- all of it ------------------------------------------------------------------------------------------------ */

void headroom_read(const char *root, pid_t pid, struct headroom *out)
{
	*out = (struct headroom){ UINT64_MAX, UINT64_MAX, UINT64_MAX, false, NULL };
	out->memory = bytes_in(root, "/proc", "meminfo", "MemAvailable", UINT64_MAX);
	if (!can_be_offered(root, pid))
		out->whole = "mapscope may not have the kernel end the snapshot first then (oom_score_adj)";
	if (number_in(root, "/proc/sys/vm", "panic_on_oom", 0) != 0)
		out->whole = "vm.panic_on_oom has the machine stop then";
	else if (number_in(root, "/proc/sys/vm", "oom_kill_allocating_task", 0) != 0)
		out->whole = "vm.oom_kill_allocating_task has the kernel end who asks for it then";
	if (number_in(root, "/proc/sys/vm", "overcommit_memory", 0) == 2)
		out->commitment = difference(bytes_in(root, "/proc", "meminfo", "CommitLimit", UINT64_MAX),
					     bytes_in(root, "/proc", "meminfo", "Committed_AS", 0));
	read_memory_cgroup(root, pid, out);
	read_tasks_cgroup(root, pid, out);
}

static struct error *refuse(struct error *error)
{
	return error_hint(error, "--no-stop reads it while it runs; without both it is stopped while it is read");
}

static double megabytes(uint64_t bytes)
{
	return (double)bytes / 1e6;
}

static struct error *check_memory(const char *root, pid_t pid, const struct headroom *headroom)
{
	const char *whose = headroom->in_cgroup ? "its cgroup" : "the machine";
	uint64_t fork = 2 * process_bytes(root, pid, "VmPTE") + FORK_BESIDES;
	uint64_t worst = fork + process_bytes(root, pid, "RssAnon");

	if (headroom->memory < fork)
		return refuse(error_new(ERROR_TARGET, "process %d: no snapshot is made of it: the fork may take %.1f MB, and %s has %.1f MB left",
					(int)pid, megabytes(fork), whose, megabytes(headroom->memory)));
	if (headroom->whole != NULL && headroom->memory < worst)
		return refuse(error_new(ERROR_TARGET, "process %d: no snapshot is made of it: it may take %.1f MB, %s has %.1f MB left, and %s",
					(int)pid, megabytes(worst), whose, megabytes(headroom->memory), headroom->whole));
	return NULL;
}

struct error *headroom_check(const char *root, pid_t pid, const struct headroom *headroom)
{
	uint64_t promised = process_bytes(root, pid, "VmData");

	TRY(check_memory(root, pid, headroom));
	/* as much again, for what it may ask for meanwhile */
	if (headroom->commitment / 2 < promised)
		return refuse(error_new(ERROR_TARGET, "process %d: no snapshot is made of it: that would leave it too little of the memory that the "
						      "kernel may promise (vm.overcommit_memory is 2): %.1f MB are free, and it has %.1f MB",
					(int)pid, megabytes(headroom->commitment), megabytes(promised)));
	if (headroom->tasks <= TASKS_BESIDES)
		return refuse(error_new(ERROR_TARGET, "process %d: no snapshot is made of it: its cgroup has room for %" PRIu64 " more threads and "
						      "processes, and it may need them (pids.max)", (int)pid, headroom->tasks));
	return NULL;
}
