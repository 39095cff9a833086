/* The registers of all threads, as GDB prints them: for commands that look at goroutines, of which some are on threads. */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "command/command.h"
#include "command/gdb.h"
#include "target/remote.h"
#include "target/thread.h"
#include "target/wire.h"
#include "util/alloc.h"

/* GDB's names, in the order of DWARF's numbers (System V ABI, AMD64, figure 3.36). */
static const char *const names[] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
				     "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip" };

/* Before the registers of a thread; GDB has said before which thread it is. */
static const char mark[] = "mapscope-registers";

/* Of a program with more no command is quick any more. */
enum { THREADS_LIMIT = 100000 };

bool gdb_needs_threads(const struct command *command, char *const *words, size_t count)
{
	if (command == &command_top || command == &command_who || command == &command_races)
		return true;
	for (size_t i = 0; i < count; i++)
		if (strncmp(words[i], "-g", 2) == 0 || strncmp(words[i], "--g", 3) == 0 || strncmp(words[i], "--a", 3) == 0 ||
		    strstr(words[i], "goroutine ") != NULL)
			return true;
	return false;
}

/* A thread without them is left out; so are all, on other machines. */
void gdb_write_thread_steps(FILE *steps)
{
	fprintf(steps, "pipe thread apply all -s printf \"%s", mark);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		fputs(" %lx", steps);
	fputs("\\n\"", steps);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		fprintf(steps, ", $%s", names[i]);
	fprintf(steps, " | " GDB_INTO_FILE "\n", PLUGIN_THREADS);
}

/*
 * The number that the system has for the thread of a line like these, the last one before `end`:
 *	Thread 2 (LWP 4712):
 *	Thread 2 (Thread 0x7f7e1f7fe6c0 (LWP 4712) "name"):
 *	Thread 2 (Thread 4711.4712):                        (of a gdbserver)
 */
static pid_t parse_thread(const char *text, const char *end)
{
	static const char lwp[] = "LWP ", pair[] = "(Thread ";
	const char *at = NULL;
	bool is_lwp = false;

	for (const char *next = text; next < end; next++) {
		if (strncmp(next, lwp, sizeof(lwp) - 1) == 0) {
			at = next + sizeof(lwp) - 1;
			is_lwp = true;
		} else if (strncmp(next, pair, sizeof(pair) - 1) == 0) {
			at = next + sizeof(pair) - 1;
			is_lwp = false;
		}
	}
	if (at != NULL && !is_lwp) {
		at += strspn(at, "0123456789");
		at = *at == '.' ? at + 1 : NULL;
	}
	return at != NULL ? (pid_t)strtol(at, NULL, 10) : 0;
}

/* Returns where the text goes on; NULL where a register is missing. */
static const char *parse_registers(const char *text, struct registers *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		char *end;
		uint64_t value = strtoull(text, &end, 16);

		if (end == text || *text != ' ')
			return NULL;
		registers_set(out, i, value);
		text = end;
	}
	return text;
}

void gdb_take_threads(struct target *target, const char *text)
{
	struct target_thread *threads = NULL;
	size_t count = 0, capacity = 0;
	const char *at;

	while ((at = strstr(text, mark)) != NULL && count < THREADS_LIMIT) {
		struct target_thread thread = { .tid = parse_thread(text, at) };

		text = at + sizeof(mark) - 1;
		at = parse_registers(text, &thread.registers);
		if (at == NULL || thread.tid <= 0)
			continue;
		text = at;
		ARRAY_RESERVE(threads, count, capacity);
		threads[count++] = thread;
	}
	if (count != 0)
		remote_set_threads(target, threads, count);
}
