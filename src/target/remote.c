#include "target/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "target/wire.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/table.h"

/* What a small read brings along: neighbours are mostly asked for next. A block is aligned, so that it ends where pages do. */
enum { BLOCK = 16 << 10, PAGE = 4096 };
/* Blocks, and pages of those that cannot be read as a whole, that are kept; then all are forgotten. */
enum { BLOCKS_LIMIT = 4096 };
/* Requests that are under way together: these few bytes find room in the socket, so that nobody waits while the other side does. */
enum { AHEAD = 64 };

struct remote {
	struct target target;
	int socket; /* -1: the other side is gone, or speaks nonsense */
	struct table index; /* address of a block, plus 1 of a page -> its place in blocks; UNREADABLE */
	uint8_t **blocks;
	size_t block_count, block_capacity;
	struct remote_stats stats;
	struct target_thread *threads; /* NULL: nobody has said */
	size_t thread_count;
};

#define UNREADABLE UINT64_MAX

static struct remote *remote_of(struct target *target)
{
	return (struct remote *)target;
}

/* --- the wire ------------------------------------------------------------------------------------------------ */

static void hang_up(struct remote *remote)
{
	if (remote->socket >= 0)
		close(remote->socket);
	remote->socket = -1;
}

/* Sends or receives all of it, unless the other side goes or a signal comes. */
static bool transfer(const struct remote *remote, void *bytes, size_t length, bool sending)
{
	for (uint8_t *at = bytes; length > 0;) {
		ssize_t n = sending ? send(remote->socket, at, length, MSG_NOSIGNAL) : recv(remote->socket, at, length, 0);

		if (n < 0 && errno == EINTR && !interrupt_pending())
			continue;
		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

static void ask(struct remote *remote, uint64_t address, size_t length)
{
	struct wire_request request = { address, length };

	if (remote->socket < 0)
		return;
	remote->stats.round_trips++;
	if (!transfer(remote, &request, sizeof(request), true))
		hang_up(remote);
}

/* What was asked for first and has not come yet. False where these bytes, or one of them, cannot be read. */
static bool receive(struct remote *remote, void *to, size_t length)
{
	struct wire_reply reply;

	if (remote->socket < 0)
		return false;
	if (!transfer(remote, &reply, sizeof(reply), false) || (reply.length != 0 && reply.length != length) ||
	    !transfer(remote, to, reply.length, false)) {
		hang_up(remote);
		return false;
	}
	remote->stats.bytes += reply.length;
	return reply.length == length;
}

/* One round trip. */
static bool fetch(struct remote *remote, uint64_t address, void *to, size_t length)
{
	ask(remote, address, length);
	return receive(remote, to, length);
}

/* --- blocks --------------------------------------------------------------------------------------------------- */

static void forget_blocks(struct remote *remote)
{
	for (size_t i = 0; i < remote->block_count; i++)
		free(remote->blocks[i]);
	remote->block_count = 0;
	table_clear(&remote->index);
}

/* The block or page around an address; NULL where it cannot be read as a whole. */
static const uint8_t *find_block(struct remote *remote, uint64_t address, size_t size)
{
	uint64_t start = address / size * size, key = start + (size == PAGE);
	const uint64_t *known = table_get(&remote->index, key);

	if (known != NULL)
		return *known == UNREADABLE ? NULL : remote->blocks[*known];
	if (remote->index.count >= BLOCKS_LIMIT)
		forget_blocks(remote);

	uint8_t *bytes = xmalloc(size);

	if (!fetch(remote, start, bytes, size)) {
		free(bytes);
		table_put(&remote->index, key, UNREADABLE);
		return NULL;
	}
	ARRAY_RESERVE(remote->blocks, remote->block_count, remote->block_capacity);
	table_put(&remote->index, key, remote->block_count);
	return remote->blocks[remote->block_count++] = bytes;
}

/* Reads past the cache; where that fails, page by page up to the one that is not there. Returns how many bytes came. */
static size_t read_exactly(struct remote *remote, uint64_t address, uint8_t *to, size_t length)
{
	size_t got = 0;

	if (fetch(remote, address, to, length))
		return length;
	while (got < length) {
		size_t part = PAGE - (address + got) % PAGE;

		if (part > length - got)
			part = length - got;
		if (part == length || !fetch(remote, address + got, to + got, part))
			break;
		got += part;
	}
	return got;
}

/* Of a block that cannot be read as a whole. */
static size_t read_in_pages(struct remote *remote, uint64_t address, uint8_t *to, size_t length)
{
	size_t got = 0;

	while (got < length) {
		const uint8_t *page = find_block(remote, address + got, PAGE);
		size_t at = (address + got) % PAGE, part = PAGE - at < length - got ? PAGE - at : length - got;

		if (page == NULL)
			break;
		memcpy(to + got, page + at, part);
		got += part;
	}
	return got;
}

/* The part of a read that lies in one block. */
static size_t read_in_block(struct remote *remote, uint64_t address, uint8_t *to, size_t length)
{
	const uint8_t *block = find_block(remote, address, BLOCK);

	if (block == NULL)
		return read_in_pages(remote, address, to, length);
	memcpy(to, block + address % BLOCK, length);
	return length;
}

static void read_piece(struct remote *remote, struct target_piece *piece)
{
	piece->got = 0;
	while (piece->got < piece->length) {
		uint64_t address = piece->address.v + piece->got;
		uint8_t *to = (uint8_t *)piece->to + piece->got;
		size_t left = piece->length - piece->got, part, got;

		if (left >= BLOCK) {
			part = left < WIRE_LENGTH_MAX ? left : WIRE_LENGTH_MAX;
			got = read_exactly(remote, address, to, part);
		} else {
			part = BLOCK - address % BLOCK < left ? BLOCK - address % BLOCK : left;
			got = read_in_block(remote, address, to, part);
		}
		piece->got += got;
		if (got < part)
			return;
	}
}

/* --- the target ----------------------------------------------------------------------------------------------- */

/* Pieces that are read past the cache, and at once. */
static bool is_long(const struct target_piece *piece)
{
	return piece->length >= BLOCK && piece->length <= WIRE_LENGTH_MAX;
}

/* How many of the pieces from `from` on can be asked for together. */
static size_t count_long(const struct target_piece *pieces, size_t from, size_t count)
{
	size_t end = from;

	while (end < count && end - from < AHEAD && is_long(&pieces[end]))
		end++;
	return end - from;
}

/* Asks for all of them before the first one comes: so GDB reads one while we receive another. */
static void read_together(struct remote *remote, struct target_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ask(remote, pieces[i].address.v, pieces[i].length);
	for (size_t i = 0; i < count; i++)
		pieces[i].got = receive(remote, pieces[i].to, pieces[i].length) ? pieces[i].length : 0;
	for (size_t i = 0; i < count; i++)
		if (pieces[i].got == 0)
			read_piece(remote, &pieces[i]);
}

static void remote_read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count;) {
		size_t together = count_long(pieces, i, count);

		if (together > 1)
			read_together(remote_of(target), &pieces[i], together);
		else
			read_piece(remote_of(target), &pieces[i]);
		i += together > 1 ? together : 1;
	}
}

static struct error *remote_unreadable(struct target *target, taddr address)
{
	struct error *error = interrupt_check();

	if (error != NULL)
		return error;
	if (remote_of(target)->socket < 0)
		return error_new(ERROR_TARGET, "GDB does not answer any more");
	return error_new(ERROR_MEMORY, "0x%" PRIx64 ": GDB cannot read it", address.v);
}

static struct error *remote_threads(struct target *target, struct target_thread **out, size_t *count)
{
	const struct remote *remote = remote_of(target);

	if (remote->threads == NULL)
		return error_new(ERROR_TARGET, "GDB has not told the registers of threads");
	*out = xcalloc(remote->thread_count, sizeof(**out));
	memcpy(*out, remote->threads, remote->thread_count * sizeof(**out));
	*count = remote->thread_count;
	return NULL;
}

static void remote_destroy(struct target *target)
{
	struct remote *remote = remote_of(target);

	free(remote->threads);
	forget_blocks(remote);
	table_free(&remote->index);
	free(remote->blocks);
	hang_up(remote);
	if (target->executable.fd >= 0)
		close(target->executable.fd);
	free(target->executable.path);
	free(remote);
}

static const struct target_ops remote_ops = {
	.kind = "program in GDB",
	.read_pieces = remote_read_pieces,
	.unreadable = remote_unreadable,
	.threads = remote_threads,
	.destroy = remote_destroy,
};

struct target *remote_create(int socket, const char *path, uint64_t entry)
{
	struct remote *remote = xcalloc(1, sizeof(*remote));
	struct target_executable *executable = &remote->target.executable;

	remote->target.ops = &remote_ops;
	remote->socket = socket;
	executable->fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	executable->path = path ? xstrdup(path) : NULL;
	executable->entry = entry;
	return &remote->target;
}

void remote_use_executable(struct target *target, const struct machine *machine, uint64_t phdr_address)
{
	target->machine = *machine;
	target->executable.phdr_address = phdr_address;
}

void remote_set_threads(struct target *target, struct target_thread *threads, size_t count)
{
	struct remote *remote = remote_of(target);

	free(remote->threads);
	remote->threads = threads;
	remote->thread_count = count;
}

void remote_stats(const struct target *target, struct remote_stats *out)
{
	*out = ((const struct remote *)target)->stats;
}
