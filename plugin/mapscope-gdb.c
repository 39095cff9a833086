/*
 * mapscope inside GDB: reads memory for the program and has GDB print what that says.
 *
 * To GDB this is a JIT reader (jit-reader-load) that knows no JIT code. GDB asks it to unwind each frame that it builds, and it
 * declines, but for frame 0 where another goroutine is to be seen behind it. And where the commands in mapscope.gdb have left a
 * request in our files, it first runs mapscope as a child and answers its reads with GDB's own: of a process, a core, whatever GDB
 * looks at. What the child printed GDB prints itself (print.h).
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "print.h"
#include "window.h"

#define EXPORT __attribute__((visibility("default")))

extern EXPORT int plugin_is_GPL_compatible(void);
extern EXPORT struct gdb_reader_funcs *gdb_init_reader(void);
GDB_DECLARE_GPL_COMPATIBLE_READER

extern char **environ;

enum {
	ARGUMENTS_LIMIT = 1000,
	REQUEST_LIMIT = 1 << 20,   /* bytes */
	PATIENCE_MS = 50,          /* Ctrl-C is looked for so often while the child computes */
};

static bool usable; /* our files are open */
static bool busy;   /* a request is being run: frames that are built meanwhile are none of our business */

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
	off_t size = file_size(PLUGIN_REQUEST);
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

/* GDB sees Ctrl-C only when it is asked for something: so it is asked, by a read of `readable`, which does not return then. */
static void look_for_interrupt(gdb_target_read *target_read, uint64_t readable)
{
	uint8_t byte;

	target_read(readable, &byte, 1);
}

/* Waits for the child's next request. False once the child has ended. */
static bool wait_for_request(const struct service *service, gdb_target_read *target_read, uint64_t readable)
{
	struct pollfd from = { .fd = service->socket, .events = POLLIN };
	int ready;

	while ((ready = poll(&from, 1, PATIENCE_MS)) == 0 || (ready < 0 && errno == EINTR))
		look_for_interrupt(target_read, readable);
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
	file_empty(PLUGIN_VIEW);
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

static void outlive(int number)
{
}

/*
 * `pipe mapscope show MAP | head` would kill a GDB without Python, by SIGPIPE; one with Python ignores it. A handler, as what is
 * ignored would be so in GDB's children too.
 */
static void catch_broken_pipes(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) != 0 || action.sa_handler != SIG_DFL)
		return;
	action.sa_handler = outlive;
	action.sa_flags = SA_RESTART;
	sigaction(SIGPIPE, &action, NULL);
}

/* Before our code is unmapped. */
static void leave_broken_pipes(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) != 0 || action.sa_handler != outlive)
		return;
	action.sa_handler = SIG_DFL;
	sigaction(SIGPIPE, &action, NULL);
}

/* `pc` is where memory can be read. */
static void run_request(gdb_target_read *target_read, uint64_t pc)
{
	struct service service __attribute__((cleanup(service_end))) = { .socket = -1 };
	char *words[ARGUMENTS_LIMIT + 1];
	int status = 127; /* a shell's, for what cannot be run */

	busy = true;
	file_empty(PLUGIN_SCRIPT);
	file_empty(PLUGIN_VARIABLES);
	print_end();
	if (read_request(&service, words) && start(&service, words)) {
		answer(&service, target_read, pc);
		status = wait_for_end(&service);
	}
	file_empty(PLUGIN_REQUEST);
	print_start(status);
	look_for_interrupt(target_read, pc); /* that came meanwhile */
}

/* What mapscope.gdb has written PLUGIN_GO for: a command, or more of what the last one printed. */
static void go(gdb_target_read *target_read)
{
	uint64_t word = 0; /* $pc, or the turn that has been printed */

	if (pread(PLUGIN_GO, &word, sizeof(word), 0) < 0)
		word = 0;
	file_empty(PLUGIN_GO);
	if (file_size(PLUGIN_REQUEST) == 0 && print_has_more(word))
		print_more();
	else
		run_request(target_read, word);
}

static enum gdb_status unwind(struct gdb_reader_funcs *self, struct gdb_unwind_callbacks *callbacks)
{
	if (!usable || busy)
		return GDB_FAIL;
	if (file_size(PLUGIN_GO) != 0) {
		go(callbacks->target_read);
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
	if (usable) {
		files_close();
		leave_broken_pipes();
	}
	window_forget();
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

	usable = files_open();
	if (usable)
		catch_broken_pipes();
	return &functions;
}
