/* The memory that GDB reads for us, served here by a thread: an honest one, and those that cut, lie, and hang up. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "target/remote.h"
#include "target/wire.h"
#include "util/alloc.h"

/* What the server has: some pages from START on, byte i is i * 7 + i / 256, without the page at HOLE. */
#define START UINT64_C(0x7000003000)
#define LENGTH ((size_t)3 << 20)
#define HOLE (START + 0x9000)

enum manner {
	HONEST,
	SHORT_REPLY,  /* half of a reply, then hangs up */
	LYING_LENGTH, /* says that it sends more than was asked for */
	FEWER,        /* sends less than was asked for, as if that were an answer */
	SILENT,       /* hangs up instead of answering */
	GARBAGE,      /* bytes that are no reply */
};

struct server {
	int socket;
	enum manner manner;
	unsigned requests;
	uint64_t longest; /* request */
	pthread_t thread;
};

static uint8_t byte_at(uint64_t address)
{
	uint64_t i = address - START;

	return (uint8_t)(i * 7 + i / 256);
}

static bool readable(uint64_t address, uint64_t length)
{
	bool inside = address >= START && length <= LENGTH && address - START <= LENGTH - length;

	return inside && (address + length <= HOLE || address >= HOLE + 0x1000);
}

static void put(const struct server *server, const void *bytes, size_t length)
{
	for (const uint8_t *at = bytes; length > 0;) {
		ssize_t sent = send(server->socket, at, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		at += sent;
		length -= (size_t)sent;
	}
}

static void reply(const struct server *server, const struct wire_request *request, uint64_t said, uint64_t sent)
{
	struct wire_reply head = { said };
	uint8_t *bytes = malloc(sent + 1);

	for (uint64_t i = 0; i < sent; i++)
		bytes[i] = byte_at(request->address + i);
	put(server, &head, sizeof(head));
	put(server, bytes, sent);
	free(bytes);
}

/* False where it hangs up then. */
static bool serve_one(const struct server *server, const struct wire_request *request)
{
	uint64_t length = readable(request->address, request->length) ? request->length : 0;

	switch (server->manner) {
	case HONEST:
		reply(server, request, length, length);
		return true;
	case SHORT_REPLY:
		reply(server, request, length, length / 2);
		return false;
	case LYING_LENGTH:
		reply(server, request, UINT64_MAX, length);
		return true;
	case FEWER:
		reply(server, request, length - 1, length - 1);
		return true;
	case SILENT:
		return false;
	case GARBAGE:
		put(server, "no reply of any kind, but many bytes", 36);
		return true;
	}
	return false;
}

static void *serve(void *argument)
{
	struct server *server = argument;
	struct wire_request request;

	while (recv(server->socket, &request, sizeof(request), MSG_WAITALL) == sizeof(request)) {
		server->requests++;
		server->longest = request.length > server->longest ? request.length : server->longest;
		if (!serve_one(server, &request))
			break;
	}
	shutdown(server->socket, SHUT_RDWR);
	return NULL;
}

static struct target *start(struct server *server, enum manner manner)
{
	int ends[2];

	*server = (struct server){ .manner = manner };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		exit(2);
	server->socket = ends[0];
	if (pthread_create(&server->thread, NULL, serve, server) != 0)
		exit(2);

	struct target *target = remote_create(ends[1], "/nowhere/at/all", 0x401000);

	remote_use_executable(target, &(struct machine){ .elf_machine = 62, .word_size = 8 }, 0x400040);
	return target;
}

/* The server's figures are good behind this. */
static void end(struct server *server, struct target *target)
{
	target_destroy(target);
	pthread_join(server->thread, NULL);
	close(server->socket);
}

static bool reads(struct target *target, uint64_t address, size_t length)
{
	uint8_t *bytes = malloc(length + 1);
	size_t got = target_read_some(target, taddr_of(address), bytes, length);
	bool good = got == length;

	for (size_t i = 0; i < got; i++)
		good &= bytes[i] == byte_at(address + i);
	free(bytes);
	return good;
}

/* How many good bytes there are from an address on. */
static size_t reads_some(struct target *target, uint64_t address, size_t length)
{
	uint8_t *bytes = malloc(length);
	size_t got = target_read_some(target, taddr_of(address), bytes, length);

	for (size_t i = 0; i < got; i++)
		CHECK(bytes[i] == byte_at(address + i));
	free(bytes);
	return got;
}

static void test_reads(void)
{
	struct server server;
	struct target *target = start(&server, HONEST);

	CHECK_TEXT(target->executable.path, "/nowhere/at/all");
	CHECK(target->executable.fd < 0);
	CHECK_UINT(target->executable.entry, 0x401000);
	CHECK_UINT(target->executable.phdr_address, 0x400040);
	CHECK(reads(target, START + 0x10000, 8));
	CHECK(reads(target, START + 0x1fffc, 8)); /* across blocks */
	CHECK(reads(target, START + 0x10001, 100000));
	CHECK(reads(target, START + 0x10000, LENGTH - 0x10000)); /* longer than a request may be */
	CHECK(reads(target, START, 1));
	CHECK(reads(target, START + LENGTH - 1, 1));
	CHECK(!reads(target, START - 1, 1));
	CHECK(!reads(target, START + LENGTH, 1));
	CHECK(!reads(target, 0, 8));
	CHECK(!reads(target, UINT64_MAX - 3, 8));
	end(&server, target);
	CHECK_UINT(server.longest, WIRE_LENGTH_MAX);
}

/* Up to the hole, which lies in the middle of a block, and behind it. */
static void test_hole(void)
{
	struct server server;
	struct target *target = start(&server, HONEST);

	CHECK(reads(target, HOLE - 8, 8));
	CHECK(reads(target, HOLE + 0x1000, 8));
	CHECK_UINT(reads_some(target, HOLE - 100, 200), 100);
	CHECK_UINT(reads_some(target, HOLE - 0x2010, 0x3000), 0x2010);
	CHECK_UINT(reads_some(target, HOLE - 0x5000, 100000), 0x5000); /* past the blocks */
	CHECK_UINT(reads_some(target, HOLE, 8), 0);
	CHECK_UINT(reads_some(target, START + LENGTH - 0x1800, 100000), 0x1800);

	struct error *error = target_read(target, taddr_of(HOLE - 4), (uint8_t[8]){ 0 }, 8);

	if (CHECK(error != NULL)) {
		CHECK_UINT(error->code, ERROR_MEMORY);
		CHECK_TEXT(error->message, "0x700000c000: GDB cannot read it");
	}
	error_free(error);
	end(&server, target);
}

/* What lies side by side costs one round trip. */
static void test_round_trips(void)
{
	struct server server;
	struct target *target = start(&server, HONEST);
	struct remote_stats stats;

	for (uint64_t at = START + 0x11000; at < START + 0x15000; at += 8) /* 0x7000014000 up to 0x7000018000: one block */
		CHECK(reads(target, at, 8));
	remote_stats(target, &stats);
	CHECK_UINT(stats.round_trips, 1);
	CHECK_UINT(stats.bytes, 0x4000);
	CHECK(!reads(target, START - 0x1000, 8)); /* its block begins where nothing is: asked for twice, then once */
	CHECK(!reads(target, START - 0x2000, 8));
	remote_stats(target, &stats);
	CHECK_UINT(stats.round_trips, 4);
	for (uint64_t at = HOLE + 0x1000; at < HOLE + 0x2000; at += 8) /* the hole's block, in vain, and a page */
		CHECK(reads(target, at, 8));
	remote_stats(target, &stats);
	CHECK_UINT(stats.round_trips, 6);
	end(&server, target);
	CHECK_UINT(server.requests, 6);
}

/* More blocks than are kept. */
static void test_many_blocks(void)
{
	struct server server;
	struct target *target = start(&server, HONEST);

	for (unsigned round = 0; round < 60; round++)
		for (uint64_t at = 0x10000; at < LENGTH; at += 0x4000)
			CHECK(reads(target, START + at, 2));
	for (uint64_t at = 0; at < 6000; at++)
		CHECK(!reads(target, at * 0x4000, 1));
	CHECK(reads(target, START + 0x10000, 2));
	end(&server, target);
}

/* Whatever the other side does, a read ends, and the next one too. */
static void test_hostile(void)
{
	static const enum manner manners[] = { SHORT_REPLY, LYING_LENGTH, FEWER, SILENT, GARBAGE };

	for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
		struct server server;
		struct target *target = start(&server, manners[i]);

		CHECK_UINT(reads_some(target, START + 0x10000, 64), 0);
		CHECK_UINT(reads_some(target, START + 0x20000, 70000), 0);

		struct error *error = target_read(target, taddr_of(START + 0x10000), (uint8_t[8]){ 0 }, 8);

		if (CHECK(error != NULL)) {
			CHECK_UINT(error->code, ERROR_TARGET);
			CHECK_TEXT(error->message, "GDB does not answer any more");
		}
		error_free(error);
		end(&server, target);
		CHECK_UINT(server.requests, 1);
	}
}

/* The other side is gone before anything was asked. */
static void test_closed(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		exit(2);
	close(ends[0]);

	struct target *target = remote_create(ends[1], NULL, 0);

	CHECK(target->executable.path == NULL);
	CHECK(!reads(target, START, 8));
	target_destroy(target);
	target = remote_create(-1, NULL, 0);
	CHECK(!reads(target, START, 8));
	target_destroy(target);
}

/* Many pieces at once, of which one has the hole in it, one lies outside, and some are short. */
#define PIECES 200

static void set_pieces(struct target_piece *pieces, uint8_t *bytes)
{
	for (size_t i = 0; i < PIECES; i++) {
		uint64_t address = START + 0x10000 + i * 0x2000;

		pieces[i] = (struct target_piece){ taddr_of(address), bytes + i * 0x5000, i % 50 == 3 ? 0x10 : 0x5000, 0 };
	}
	pieces[70].address = taddr_of(HOLE - 0x4001);
	pieces[71].address = taddr_of(START - 0x1000000);
}

static void test_together(void)
{
	static const enum manner manners[] = { HONEST, SHORT_REPLY, LYING_LENGTH, FEWER, SILENT, GARBAGE };
	struct target_piece pieces[PIECES];
	uint8_t *bytes = malloc(PIECES * 0x5000);

	for (size_t m = 0; m < sizeof(manners) / sizeof(manners[0]); m++) {
		struct server server;
		struct target *target = start(&server, manners[m]);

		set_pieces(pieces, bytes);
		target_read_pieces(target, pieces, PIECES);
		for (size_t i = 0; i < PIECES; i++) {
			size_t there = manners[m] != HONEST || i == 71 ? 0 : i == 70 ? 0x4001 : pieces[i].length;
			const uint8_t *at = pieces[i].to;

			CHECK_UINT(pieces[i].got, there);
			for (size_t k = 0; k < there; k += 97)
				CHECK(at[k] == byte_at(pieces[i].address.v + k));
		}
		end(&server, target);
	}
	free(bytes);
}

/* Registers are what GDB has told of them, and nothing where it has not. */
static void test_threads(void)
{
	struct server server;
	struct target *target = start(&server, HONEST);
	struct target_thread *told = xcalloc(2, sizeof(*told)), *threads = NULL;
	size_t count = 0;
	struct error *error = target_threads(target, &threads, &count);

	CHECK(error != NULL && error->code == ERROR_TARGET && strstr(error->message, "has not told the registers") != NULL && threads == NULL);
	error_free(error);
	told[0].tid = 11;
	told[1].tid = 12;
	told[1].registers.values[16] = 0x401000;
	remote_set_threads(target, told, 2);
	if (CHECK(target_threads(target, &threads, &count) == NULL)) {
		CHECK(count == 2 && threads != told && memcmp(threads, told, 2 * sizeof(*told)) == 0);
		free(threads);
	}
	remote_set_threads(target, xcalloc(1, sizeof(*told)), 1); /* another stop */
	CHECK(target_threads(target, &threads, &count) == NULL && count == 1 && threads[0].tid == 0);
	free(threads);
	end(&server, target);
}

int main(void)
{
	test_reads();
	test_hole();
	test_round_trips();
	test_many_blocks();
	test_hostile();
	test_closed();
	test_together();
	test_threads();
	return check_done();
}
