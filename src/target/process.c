#include "target/process.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/buffer.h"

/* include/linux/sched.h; the ninth field of /proc/PID/stat. "Kthread:" in status exists from Linux 6.8 on only. */
#define PF_KTHREAD 0x00200000

static int open_proc(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* Files in /proc have no size: read until the end. Returns 0 or an errno. */
static int read_proc(pid_t pid, const char *name, struct buffer *out)
{
	int fd = open_proc(pid, name, O_RDONLY);

	if (fd < 0)
		return errno;
	for (;;) {
		ssize_t n = read(fd, buffer_reserve(out, 4096), 4096);

		if (n > 0)
			out->length += (size_t)n;
		else if (n == 0 || errno != EINTR) {
			int number = n < 0 ? errno : 0;

			close(fd);
			return number;
		}
	}
}

static struct error *proc_error(pid_t pid, const char *name, int number)
{
	if (number == ENOENT || number == ESRCH)
		return error_new(ERROR_TARGET, "process %d: no such process", (int)pid);
	return error_new(ERROR_TARGET, "process %d: cannot read /proc/%d/%s: %s", (int)pid, (int)pid, name,
			 strerror(number));
}

/*
 * State and flags from /proc/PID/stat: "PID (COMM) STATE PPID PGRP SESSION TTY TPGID FLAGS ...". COMM may hold
 * blanks and parentheses, so the last ')' ends it (proc_pid_stat(5)).
 */
static bool parse_stat(const char *text, char *state, unsigned *flags)
{
	const char *end = strrchr(text, ')');

	return end != NULL && sscanf(end, ") %c %*d %*d %*d %*d %*d %u", state, flags) == 2;
}

static int read_stat(pid_t pid, char *state, unsigned *flags)
{
	struct buffer text = { 0 };
	int number = read_proc(pid, "stat", &text);

	if (number == 0 && !parse_stat(buffer_text(&text), state, flags))
		number = EIO;
	buffer_free(&text);
	return number;
}

char process_state(pid_t tid)
{
	char state;
	unsigned flags;

	return read_stat(tid, &state, &flags) == 0 ? state : 0;
}

bool process_state_is_dead(char state)
{
	return state == 0 || state == 'Z' || state == 'X' || state == 'x';
}

/* "NSpid:\t4711\t12": from our namespace to its own (Linux >= 4.1). */
static pid_t last_number(const char *text)
{
	const char *tab = strrchr(text, '\t');

	return tab ? (pid_t)strtol(tab, NULL, 10) : 0;
}

static void parse_status(char *text, struct process_status *out)
{
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		int number;
		uint64_t set;

		if (sscanf(line, "Tgid: %d", &number) == 1)
			out->process = number;
		else if (sscanf(line, "PPid: %d", &number) == 1)
			out->parent = number;
		else if (sscanf(line, "TracerPid: %d", &number) == 1)
			out->tracer = number;
		else if (strncmp(line, "NSpid:", 6) == 0)
			out->inner = last_number(line);
		else if (sscanf(line, "SigPnd: %" SCNx64, &set) == 1)
			out->signals_pending = set;
		else if (sscanf(line, "ShdPnd: %" SCNx64, &set) == 1)
			out->signals_shared = set;
		else if (sscanf(line, "SigBlk: %" SCNx64, &set) == 1)
			out->signals_blocked = set;
		else if (sscanf(line, "SigCgt: %" SCNx64, &set) == 1)
			out->signals_caught = set;
		else if (sscanf(line, "VmPTE: %" SCNu64 " kB", &set) == 1)
			out->page_tables = set << 10;
		else if (sscanf(line, "Seccomp: %d", &number) == 1)
			out->seccomp = (unsigned)number;
		else if (strncmp(line, "x86_Thread_features:", 20) == 0)
			out->shadow_stack = strstr(line, "shstk") != NULL;
	}
}

struct error *process_status(pid_t pid, struct process_status *out)
{
	struct process_status status = { .inner = pid, .process = pid };
	struct buffer text = { 0 };
	unsigned flags;
	int number = read_stat(pid, &status.state, &flags);

	if (number == 0)
		number = read_proc(pid, "status", &text);
	if (number != 0) {
		buffer_free(&text);
		return proc_error(pid, "status", number);
	}
	buffer_text(&text); /* ends it with a NUL */
	parse_status((char *)text.bytes, &status);
	buffer_free(&text);
	status.kernel_thread = flags & PF_KTHREAD;
	*out = status;
	return NULL;
}

/* The kernel counts a process's threads in the links of its task directory (fs/proc/base.c, proc_task_getattr). */
static bool counts_as_many(DIR *directory, size_t count)
{
	struct stat info;

	return fstat(dirfd(directory), &info) == 0 && info.st_nlink == count + 2;
}

struct error *process_threads(pid_t pid, pid_t **out, size_t *count, bool *complete)
{
	int fd = open_proc(pid, "task", O_RDONLY | O_DIRECTORY);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	pid_t *threads = NULL;
	size_t thread_count = 0, capacity = 0;

	if (directory == NULL)
		return proc_error(pid, "task", errno);
	while ((entry = readdir(directory)) != NULL) {
		long tid = strtol(entry->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		ARRAY_RESERVE(threads, thread_count, capacity);
		threads[thread_count++] = (pid_t)tid;
	}
	*complete = counts_as_many(directory, thread_count);
	closedir(directory);
	*out = threads;
	*count = thread_count;
	return NULL;
}

/* Field 38 of /proc/PID/stat; field 3, the state, follows the last ')'. */
static bool is_silent(pid_t pid, bool dead)
{
	struct buffer text = { 0 };
	bool silent = false;

	if (read_proc(pid, "stat", &text) == 0) {
		const char *at = strrchr(buffer_text(&text), ')');

		silent = at != NULL && (strncmp(at, ") Z ", 4) == 0) == dead;
		for (int field = 2; field < 38 && at != NULL; field++) {
			at = strchr(at, ' ');
			at = at ? at + 1 : NULL;
		}
		silent = silent && at != NULL && strtol(at, NULL, 10) == 0;
	}
	buffer_free(&text);
	return silent;
}

/* Linux >= 3.5, with CONFIG_PROC_CHILDREN; else none are seen. */
static size_t silent_children_of_thread(pid_t tid, bool dead, pid_t *out, size_t room)
{
	struct buffer text = { 0 };
	size_t count = 0;
	char name[32], *rest;

	snprintf(name, sizeof(name), "task/%d/children", (int)tid);
	if (read_proc(tid, name, &text) == 0) {
		buffer_text(&text);
		for (char *word = strtok_r((char *)text.bytes, " ", &rest); word && count < room; word = strtok_r(NULL, " ", &rest)) {
			out[count] = (pid_t)strtol(word, NULL, 10);
			count += is_silent(out[count], dead);
		}
	}
	buffer_free(&text);
	return count;
}

size_t process_silent_children(pid_t pid, bool dead, pid_t *out, size_t room)
{
	pid_t *threads;
	size_t count, found = 0;
	bool complete;
	struct error *error = process_threads(pid, &threads, &count, &complete);

	if (error != NULL) {
		error_free(error);
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		found += silent_children_of_thread(threads[i], dead, out + found, room - found);
	free(threads);
	return found;
}

/* "START-END rwxp OFFSET MAJOR:MINOR INODE   PATH"; the kernel escapes newlines in PATH (proc_pid_maps(5)). */
static bool parse_mapping(const char *line, struct process_mapping *out)
{
	uint64_t start, end, offset, inode;
	char flags[5];
	int path_at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 "%n", &start, &end, flags, &offset, &inode,
		   &path_at) != 5 || path_at == 0 || strlen(flags) != 4)
		return false;
	*out = (struct process_mapping){
		.start = taddr_of(start), .end = taddr_of(end), .offset = offset, .inode = inode,
		.readable = flags[0] == 'r', .writable = flags[1] == 'w', .executable = flags[2] == 'x',
		.shared = flags[3] == 's',
		.path = xstrdup(line + path_at + strspn(line + path_at, " \t")),
	};
	return true;
}

struct error *process_maps(pid_t pid, struct process_mapping **out, size_t *count)
{
	struct buffer text = { 0 };
	int number = read_proc(pid, "maps", &text);
	struct process_mapping *mappings = NULL;
	size_t mapping_count = 0, capacity = 0;
	char *rest;

	if (number != 0) {
		buffer_free(&text);
		return proc_error(pid, "maps", number);
	}
	buffer_text(&text);
	for (char *line = strtok_r((char *)text.bytes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		ARRAY_RESERVE(mappings, mapping_count, capacity);
		if (parse_mapping(line, &mappings[mapping_count]))
			mapping_count++;
	}
	buffer_free(&text);
	*out = mappings;
	*count = mapping_count;
	return NULL;
}

void process_maps_free(struct process_mapping *mappings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(mappings[i].path);
	free(mappings);
}

uint64_t process_private_bytes(pid_t pid)
{
	struct buffer text = { 0 };
	uint64_t total = 0;
	char *rest;

	if (read_proc(pid, "smaps_rollup", &text) == 0) {
		buffer_text(&text);
		for (char *line = strtok_r((char *)text.bytes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			uint64_t kilobytes;

			if (sscanf(line, "Private_Clean: %" SCNu64, &kilobytes) == 1 ||
			    sscanf(line, "Private_Dirty: %" SCNu64, &kilobytes) == 1)
				total += kilobytes << 10;
		}
	}
	buffer_free(&text);
	return total;
}

/* Where the executable's first page is mapped, 0 where nowhere. */
static struct error *find_first_page(pid_t pid, int fd, uint64_t *out)
{
	struct process_mapping *mappings;
	size_t count;
	struct stat info;

	*out = 0;
	TRY(process_maps(pid, &mappings, &count));
	for (size_t i = 0; i < count && *out == 0 && fstat(fd, &info) == 0; i++)
		if (mappings[i].offset == 0 && mappings[i].inode == info.st_ino)
			*out = mappings[i].start.v;
	process_maps_free(mappings, count);
	return NULL;
}

/* What the auxiliary vector says, from the ELF header and where that is mapped. */
static struct error *guess_auxv(pid_t pid, const struct machine *machine, int fd, uint64_t *phdr, uint64_t *entry)
{
	uint8_t header[sizeof(Elf64_Ehdr)];
	bool wide = machine->word_size == 8;
	uint64_t start;

	TRY(find_first_page(pid, fd, &start));
	if (start == 0 || pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return NULL;
	*phdr = start + load_word(machine, header + (wide ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff)));
	*entry = load_word(machine, header + offsetof(Elf64_Ehdr, e_entry)); /* at 24 in both */
	if (load_u16(machine, header + offsetof(Elf64_Ehdr, e_type)) == ET_DYN)
		*entry += start;
	return NULL;
}

struct error *process_auxv(pid_t pid, const struct machine *machine, int fd, uint64_t *phdr, uint64_t *entry)
{
	struct buffer bytes = { 0 };
	int number = read_proc(pid, "auxv", &bytes);
	size_t word = machine->word_size;

	*phdr = *entry = 0;
	for (size_t at = 0; number == 0 && at + 2 * word <= bytes.length; at += 2 * word) {
		uint64_t type = load_word(machine, bytes.bytes + at);
		uint64_t value = load_word(machine, bytes.bytes + at + word);

		if (type == AT_NULL)
			break;
		if (type == AT_PHDR)
			*phdr = value;
		if (type == AT_ENTRY)
			*entry = value;
	}
	buffer_free(&bytes);
	if (number == EACCES) /* the file is its user's; who has the capability SYS_PTRACE alone may read the memory, and where it is mapped */
		return guess_auxv(pid, machine, fd, phdr, entry);
	return number ? proc_error(pid, "auxv", number) : NULL;
}

static char *executable_path(pid_t pid)
{
	static const char deleted[] = " (deleted)";
	struct buffer path = { 0 };
	char link[64];
	ssize_t n;
	size_t room = 256;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	while ((n = readlink(link, (char *)buffer_reserve(&path, room), room)) == (ssize_t)room)
		room *= 2;

	char *text = n < 0 ? xstrdup(link) : xstrndup((char *)path.bytes, (size_t)n);
	size_t length = strlen(text), tail = sizeof(deleted) - 1;

	if (length > tail && strcmp(text + length - tail, deleted) == 0)
		text[length - tail] = '\0';
	buffer_free(&path);
	return text;
}

int process_open_executable(pid_t pid, int *fd, char **path)
{
	/* The link leads to the file itself, not to its name: in any mount namespace, and when deleted (proc_pid_exe(5)). */
	int opened = open_proc(pid, "exe", O_RDONLY);

	if (opened < 0)
		return errno;
	*fd = opened;
	*path = executable_path(pid);
	return 0;
}

struct error *process_elf_machine(int fd, struct machine *out)
{
	uint8_t header[EI_NIDENT + 4];

	if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header) || memcmp(header, ELFMAG, SELFMAG) != 0)
		return error_new(ERROR_TARGET, "not an ELF file");
	if (header[EI_CLASS] != ELFCLASS32 && header[EI_CLASS] != ELFCLASS64)
		return error_new(ERROR_TARGET, "ELF class %u is unknown", header[EI_CLASS]);
	if (header[EI_DATA] != ELFDATA2LSB && header[EI_DATA] != ELFDATA2MSB)
		return error_new(ERROR_TARGET, "ELF byte order %u is unknown", header[EI_DATA]);
	out->word_size = header[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	out->big_endian = header[EI_DATA] == ELFDATA2MSB;
	out->elf_machine = load_u16(out, header + offsetof(Elf64_Ehdr, e_machine));
	return NULL;
}
