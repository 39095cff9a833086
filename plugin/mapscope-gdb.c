/*
 * mapscope inside GDB: reads memory for the program and has GDB print what that says.
 *
 * To GDB this is a JIT reader (jit-reader-load) that knows no JIT code. GDB asks it to unwind each frame that it builds, and it
 * declines, but for frame 0 where another goroutine is to be seen behind it. And where the commands in mapscope.gdb have left a
 * request in our files, it first runs mapscope as a child and answers its reads with GDB's own: of a process, a core, whatever GDB
 * looks at. What the child printed becomes a script of printf commands, which mapscope.gdb sources, so that it goes where all
 * that GDB prints goes.
 *
 * GDB's functions may throw a C++ exception through these here, when Ctrl-C was typed: hence -fexceptions, and cleanup attributes
 * on all that must not be left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <gdb/jit-reader.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/wire.h"

#define EXPORT __attribute__((visibility("default")))

extern EXPORT int plugin_is_GPL_compatible(void);
extern EXPORT struct gdb_reader_funcs *gdb_init_reader(void);
GDB_DECLARE_GPL_COMPATIBLE_READER

extern char **environ;

enum {
	ARGUMENTS_LIMIT = 1000,
	REQUEST_LIMIT = 1 << 20, /* bytes */
	PATIENCE_MS = 50,        /* Ctrl-C is looked for so often while the child computes */
	LINE_LIMIT = 4000,       /* bytes of text in one printf command */
	ABOVE_OURS = PLUGIN_END, /* descriptors from here on are in nobody's way */
};

static bool usable; /* our files are open */
static bool busy;   /* a request is being run: frames that are built meanwhile are none of our business */

/* --- files in memory ------------------------------------------------------------------------------------------ */

static bool create_file(int number)
{
	if (fcntl(number, F_GETFD) >= 0)
		return false; /* somebody else's */

	int fd = memfd_create("mapscope", MFD_CLOEXEC);

	if (fd < 0)
		return false;

	bool good = dup3(fd, number, O_CLOEXEC) >= 0;

	close(fd);
	return good;
}

static void empty(int fd)
{
	if (ftruncate(fd, 0) == 0)
		lseek(fd, 0, SEEK_SET);
}

/* By lseek(), for fstat() is a new symbol of glibc 2.33: GDBs beside an older one could not load us. */
static off_t size_of(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);

	return size > 0 ? size : 0;
}

/* --- the child ------------------------------------------------------------------------------------------------ */

struct service {
	int socket;      /* our end; -1: none */
	pid_t child;     /* 0: none */
	char *request;   /* the bytes that arguments point into */
	uint8_t *memory; /* WIRE_LENGTH_MAX bytes, for replies */
};

/* Also where an exception passes by: nothing of a service stays. */
static void service_end(struct service *service)
{
	busy = false;
	free(service->request);
	free(service->memory);
	if (service->socket >= 0)
		close(service->socket);
	if (service->child <= 0)
		return;
	kill(service->child, SIGKILL);
	while (waitpid(service->child, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* The words of PLUGIN_REQUEST, with NULL behind them. False where there are none, or absurdly many. */
static bool read_request(struct service *service, char **words)
{
	off_t size = size_of(PLUGIN_REQUEST);
	size_t count = 0;

	if (size <= 0 || size > REQUEST_LIMIT)
		return false;
	service->request = calloc(1, (size_t)size + 1);
	if (service->request == NULL || pread(PLUGIN_REQUEST, service->request, (size_t)size, 0) != size)
		return false;
	for (char *at = service->request; at < service->request + size && count < ARGUMENTS_LIMIT; at += strlen(at) + 1)
		words[count++] = at;
	words[count] = NULL;
	return count < ARGUMENTS_LIMIT;
}

/* Two connected sockets above the numbers that a child's descriptors get. */
static bool connect_sockets(int ends[2])
{
	int low[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, ABOVE_OURS);
		close(low[i]);
	}
	if (ends[0] >= 0 && ends[1] >= 0)
		return true;
	close(ends[0]);
	close(ends[1]);
	return false;
}

/* The child's descriptors, and signals as a shell would give them: GDB blocks and ignores some. Returns an errno. */
static int spawn(pid_t *child, char **words, int socket)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, PLUGIN_TEXT, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, PLUGIN_TEXT, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&actions, socket, WIRE_SOCKET);
	for (int fd = WIRE_FILES; fd < WIRE_END; fd++)
		posix_spawn_file_actions_adddup2(&actions, PLUGIN_FILES + fd - WIRE_FILES, fd);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

	int number = posix_spawn(child, words[0], &actions, &attributes, words, environ);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return number;
}

static bool start(struct service *service, char **words)
{
	int ends[2];

	service->memory = malloc(WIRE_LENGTH_MAX);
	if (service->memory == NULL || !connect_sockets(ends)) {
		dprintf(PLUGIN_TEXT, "mapscope: GDB is out of memory or descriptors\n");
		return false;
	}
	service->socket = ends[0];

	int number = spawn(&service->child, words, ends[1]);

	close(ends[1]);
	if (number == 0)
		return true;
	service->child = 0;
	dprintf(PLUGIN_TEXT, "mapscope: %s: it cannot be run: %s\n", words[0], strerror(number));
	return false;
}

/* --- its requests --------------------------------------------------------------------------------------------- */

/*
 * Waits for the child's next request. GDB sees Ctrl-C only when it is asked for something: so it is asked, by a read of
 * `readable`, which does not return then. False once the child has ended.
 */
static bool wait_for_request(const struct service *service, gdb_target_read *target_read, uint64_t readable)
{
	struct pollfd from = { .fd = service->socket, .events = POLLIN };
	int ready;

	while ((ready = poll(&from, 1, PATIENCE_MS)) == 0 || (ready < 0 && errno == EINTR)) {
		uint8_t byte;

		target_read(readable, &byte, 1);
	}
	return ready > 0;
}

static bool receive(int socket, void *to, size_t length)
{
	ssize_t got;

	do {
		got = recv(socket, to, length, MSG_WAITALL);
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)length;
}

static bool send_all(int socket, const void *bytes, size_t length)
{
	for (const uint8_t *at = bytes; length > 0;) {
		ssize_t sent = send(socket, at, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

/* Answers until the child has ended, or asks for what nobody asks for. */
static void answer(const struct service *service, gdb_target_read *target_read, uint64_t readable)
{
	struct wire_request request;

	while (wait_for_request(service, target_read, readable) && receive(service->socket, &request, sizeof(request))) {
		struct wire_reply reply = { 0 };

		if (request.length == 0 || request.length > WIRE_LENGTH_MAX)
			return;
		if (target_read(request.address, service->memory, (int)request.length) == GDB_SUCCESS)
			reply.length = request.length;
		if (!send_all(service->socket, &reply, sizeof(reply)) ||
		    !send_all(service->socket, service->memory, reply.length))
			return;
	}
}

/* Waits for the child's end; returns its status as a shell would. */
static int wait_for_end(struct service *service)
{
	pid_t child = service->child;
	int status = 0;

	close(service->socket); /* a child that wants more learns that there is no more */
	service->socket = -1;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	service->child = 0;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) != SIGINT)
		dprintf(PLUGIN_TEXT, "mapscope: it died of a signal: %s\n", strsignal(WTERMSIG(status)));
	return 128 + WTERMSIG(status);
}

/* --- what it printed, as GDB commands ------------------------------------------------------------------------------ */

/* One byte inside the quotes of a printf command, which knows few escapes: control bytes the program has escaped itself. */
static void write_byte(FILE *script, uint8_t byte)
{
	if (byte == '\n')
		fputs("\\n", script);
	else if (byte == '%')
		fputs("%%", script);
	else if (byte == '"' || byte == '\\')
		fprintf(script, "\\%c", byte);
	else
		putc(byte, script);
}

/* Commands of bounded length that end with a line of text, where one ends in time. */
static void write_printf(FILE *script, const uint8_t *text, size_t length)
{
	while (length > 0) {
		size_t part = length < LINE_LIMIT ? length : LINE_LIMIT;
		const uint8_t *end = memrchr(text, '\n', part);

		if (end != NULL)
			part = (size_t)(end - text) + 1;
		while (part < length && part > 1 && (text[part] & 0xc0) == 0x80)
			part--; /* not in the middle of a character */
		fputs("printf \"", script);
		for (size_t i = 0; i < part; i++)
			write_byte(script, text[i]);
		fputs("\"\n", script);
		text += part;
		length -= part;
	}
}

/* Copies a file of ours into the script, as text to print or as the commands that it holds. */
static void write_file(FILE *script, int fd, bool as_text)
{
	size_t size = (size_t)size_of(fd);
	void *bytes = size != 0 ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;

	if (bytes == MAP_FAILED)
		return;
	if (as_text)
		write_printf(script, bytes, size);
	else
		fwrite(bytes, 1, size, script);
	munmap(bytes, size);
}

static void write_script(int status)
{
	int fd = fcntl(PLUGIN_SCRIPT, F_DUPFD_CLOEXEC, ABOVE_OURS);
	FILE *script = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (script == NULL)
		return;
	write_file(script, PLUGIN_TEXT, true);
	write_file(script, PLUGIN_VARIABLES, false);
	fprintf(script, "set $map_status = %d\n", status);
	fclose(script);
	empty(PLUGIN_TEXT);
}

/* --- another goroutine's frames --------------------------------------------------------------------------------------- */

/* What is shown now, and where frame 0 was when that began: it stays, and ends where the thread moves. */
static struct {
	bool on;
	struct wire_view registers;
	uint8_t saved[WIRE_SAVED_MAX];
	uint64_t pc, sp;
} view;

/* 0 where GDB does not know it. */
static uint64_t get_register(struct gdb_unwind_callbacks *callbacks, uint64_t number)
{
	struct gdb_reg_value *value = callbacks->reg_get(callbacks, (int)number);
	uint64_t bits = 0;

	if (value->defined && value->size <= (int)sizeof(bits))
		memcpy(&bits, value->value, (size_t)value->size);
	value->free(value);
	return bits;
}

static void free_register(struct gdb_reg_value *value)
{
	free(value);
}

static void set_register(struct gdb_unwind_callbacks *callbacks, uint64_t number, uint64_t bits, size_t size)
{
	struct gdb_reg_value *value = calloc(1, sizeof(*value) + sizeof(bits));

	if (value == NULL)
		return;
	value->size = (int)size;
	value->defined = 1;
	value->free = free_register;
	memcpy(value->value, &bits, size);
	callbacks->reg_set(callbacks, (int)number, value);
}

/* Takes up what the program asked for, if anything. */
static void change_view(struct gdb_unwind_callbacks *callbacks)
{
	struct wire_view *wanted = &view.registers;

	if (pread(PLUGIN_VIEW, wanted, sizeof(*wanted), 0) != sizeof(*wanted))
		return;
	empty(PLUGIN_VIEW);
	view.on = wanted->saved_length != 0 && wanted->saved_length <= WIRE_SAVED_MAX && wanted->registers >= 2 &&
		  wanted->registers <= WIRE_REGISTERS_MAX && wanted->size <= sizeof(uint64_t) &&
		  callbacks->target_read(wanted->saved, view.saved, (int)wanted->saved_length) == GDB_SUCCESS;
	if (!view.on)
		return;
	view.pc = get_register(callbacks, wanted->items[0].number);
	view.sp = get_register(callbacks, wanted->items[1].number);
}

/* Whether this is frame 0 as it was, and the goroutine still where it was. */
static bool view_holds(struct gdb_unwind_callbacks *callbacks)
{
	const struct wire_view *shown = &view.registers;
	uint8_t now[WIRE_SAVED_MAX];

	if (!view.on || get_register(callbacks, shown->items[0].number) != view.pc ||
	    get_register(callbacks, shown->items[1].number) != view.sp)
		return false;
	view.on = callbacks->target_read(shown->saved, now, (int)shown->saved_length) == GDB_SUCCESS &&
		  memcmp(now, view.saved, shown->saved_length) == 0;
	return view.on;
}

static void show_view(struct gdb_unwind_callbacks *callbacks)
{
	const struct wire_view *shown = &view.registers;

	for (size_t i = 0; i < shown->registers; i++)
		set_register(callbacks, shown->items[i].number, shown->items[i].value, shown->size);
}

/* --- GDB's side ----------------------------------------------------------------------------------------------------- */

static void run_request(gdb_target_read *target_read)
{
	struct service service __attribute__((cleanup(service_end))) = { .socket = -1 };
	char *words[ARGUMENTS_LIMIT + 1];
	uint64_t pc = 0;
	int status = 127; /* a shell's, for what cannot be run */

	busy = true;
	if (pread(PLUGIN_GO, &pc, sizeof(pc), 0) < 0)
		pc = 0;
	empty(PLUGIN_GO);
	empty(PLUGIN_TEXT);
	empty(PLUGIN_SCRIPT);
	empty(PLUGIN_VARIABLES);
	if (read_request(&service, words) && start(&service, words)) {
		answer(&service, target_read, pc);
		status = wait_for_end(&service);
	}
	empty(PLUGIN_REQUEST);
	write_script(status);
}

static enum gdb_status unwind(struct gdb_reader_funcs *self, struct gdb_unwind_callbacks *callbacks)
{
	if (!usable || busy)
		return GDB_FAIL;
	if (size_of(PLUGIN_GO) != 0) {
		run_request(callbacks->target_read);
		change_view(callbacks);
	}
	if (!view_holds(callbacks))
		return GDB_FAIL;
	show_view(callbacks);
	return GDB_SUCCESS;
}

static struct gdb_frame_id get_frame_id(struct gdb_reader_funcs *self, struct gdb_unwind_callbacks *callbacks)
{
	/* only of frame 0 of a view; its stack is below all others, so that GDB takes none of them for an inner one */
	return (struct gdb_frame_id){ .code_address = view.pc, .stack_address = 1 };
}

static enum gdb_status read_debug_info(struct gdb_reader_funcs *self, struct gdb_symbol_callbacks *callbacks, void *memory,
				       long size)
{
	return GDB_FAIL; /* GDB reads it as the object file that it may be */
}

static void destroy(struct gdb_reader_funcs *self)
{
	for (int fd = PLUGIN_FIRST; usable && fd < PLUGIN_END; fd++)
		close(fd);
	usable = false;
	view.on = false;
}

struct gdb_reader_funcs *gdb_init_reader(void)
{
	static struct gdb_reader_funcs functions = {
		.reader_version = GDB_READER_INTERFACE_VERSION,
		.read = read_debug_info,
		.unwind = unwind,
		.get_frame_id = get_frame_id,
		.destroy = destroy,
	};
	int fd = PLUGIN_FIRST;

	while (fd < PLUGIN_END && create_file(fd))
		fd++;
	usable = fd == PLUGIN_END;
	while (!usable && fd > PLUGIN_FIRST)
		close(--fd);
	return &functions;
}
