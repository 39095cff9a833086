#include "target/arena.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/alloc.h"
#include "util/table.h"

enum { ALIGNMENT = 16, COMMIT_STEP = 16 << 20 };

struct arena {
	struct target target;
	uint64_t base;
	size_t limit;     /* bytes that are reserved */
	size_t committed; /* of these, that may be touched */
	size_t used;      /* of these, that were allocated once */
	uint8_t *bytes;
	struct table free; /* by size: the first block given back; each holds the address of the next one */
};

static struct arena *arena_of(const struct target *target)
{
	return (struct arena *)target;
}

static size_t rounded(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

bool arena_holds(const struct target *target, taddr address)
{
	const struct arena *arena = arena_of(target);

	return address.v - arena->base < arena->used;
}

void *arena_at(const struct target *target, taddr address)
{
	const struct arena *arena = arena_of(target);

	return arena->bytes + (address.v - arena->base);
}

/* The last block of that size that was given back; 0: none. */
static taddr reuse(struct arena *arena, size_t size)
{
	uint64_t *first = table_get(&arena->free, size);

	if (first == NULL || *first == 0)
		return taddr_of(0);

	taddr block = taddr_of(*first);

	memcpy(first, arena_at(&arena->target, block), sizeof(*first));
	return block;
}

/* A reservation alone is not counted as memory, by any rule of overcommitting. */
static void commit(struct arena *arena, size_t more)
{
	size_t missing = arena->used + more - arena->committed;
	size_t step = (missing + COMMIT_STEP - 1) / COMMIT_STEP * COMMIT_STEP;

	if (step > arena->limit - arena->committed)
		step = arena->limit - arena->committed;
	if (mprotect(arena->bytes + arena->committed, step, PROT_READ | PROT_WRITE) != 0)
		alloc_failed();
	arena->committed += step;
}

bool arena_fits(const struct target *target, size_t size)
{
	const struct arena *arena = arena_of(target);
	const uint64_t *block = table_get(&arena->free, rounded(size));

	return rounded(size) >= size && ((block != NULL && *block != 0) || rounded(size) <= arena->limit - arena->used);
}

taddr arena_allocate(struct target *target, size_t size)
{
	struct arena *arena = arena_of(target);
	size_t room = rounded(size);
	taddr block = reuse(arena, room);

	if (block.v != 0) {
		memset(arena_at(target, block), 0, size);
		return block;
	}
	if (room < size || room > arena->limit - arena->used)
		alloc_failed();
	if (room > arena->committed - arena->used)
		commit(arena, room);
	block = taddr_of(arena->base + arena->used);
	arena->used += room;
	return block;
}

void arena_free(struct target *target, taddr address, size_t size)
{
	struct arena *arena = arena_of(target);
	size_t room = rounded(size);
	uint64_t *first = table_get(&arena->free, room);
	uint64_t next = first ? *first : 0;

	memcpy(arena_at(target, address), &next, sizeof(next));
	if (first != NULL)
		*first = address.v;
	else
		table_put(&arena->free, room, address.v);
}

void arena_clear(struct target *target)
{
	struct arena *arena = arena_of(target);

	memset(arena->bytes, 0, arena->used);
	arena->used = 0;
	table_clear(&arena->free);
}

static void read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	const struct arena *arena = arena_of(target);

	for (size_t i = 0; i < count; i++) {
		uint64_t at = pieces[i].address.v - arena->base;

		pieces[i].got = 0;
		if (at >= arena->used)
			continue;
		pieces[i].got = pieces[i].length < arena->used - at ? pieces[i].length : arena->used - at;
		memcpy(pieces[i].to, arena->bytes + at, pieces[i].got);
	}
}

static struct error *unreadable(struct target *target, taddr address)
{
	return error_new(ERROR_MEMORY, "0x%" PRIx64 " was not allocated", address.v);
}

static const void *view(struct target *target, taddr address, size_t length)
{
	const struct arena *arena = arena_of(target);
	uint64_t at = address.v - arena->base;

	return at < arena->used && length <= arena->used - at ? arena->bytes + at : NULL;
}

static void destroy(struct target *target)
{
	struct arena *arena = arena_of(target);

	munmap(arena->bytes, arena->limit);
	table_free(&arena->free);
	free(arena);
}

static const struct target_ops ops = {
	.kind = "arena",
	.read_pieces = read_pieces,
	.unreadable = unreadable,
	.view = view,
	.destroy = destroy,
};

struct target *arena_create(const struct machine *machine, taddr base, size_t limit)
{
	struct arena *arena = xcalloc(1, sizeof(*arena));
	void *bytes = mmap(NULL, limit, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (bytes == MAP_FAILED)
		alloc_failed();
	arena->target.ops = &ops;
	arena->target.machine = *machine;
	arena->target.executable.fd = -1;
	arena->base = base.v;
	arena->limit = limit;
	arena->bytes = bytes;
	return &arena->target;
}
