/* target/cache.h: what is read through it is what is there, in any order and mix of sizes. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "target/cache.h"
#include "util/alloc.h"

enum { PAGES = 8, SPAN = 64 * 4096, ROUNDS = 20000, PIECES = 40 };

static uint64_t state = 1;

static uint64_t next(uint64_t below)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (state >> 33) % below;
}

struct memory {
	struct target target;
	uint8_t bytes[SPAN];
	uint64_t base;
	uint64_t reads;
};

static void read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	struct memory *memory = (struct memory *)target;

	memory->reads++;
	for (size_t i = 0; i < count; i++) {
		uint64_t at = pieces[i].address.v - memory->base;

		pieces[i].got = at < SPAN ? (SPAN - at < pieces[i].length ? SPAN - at : pieces[i].length) : 0;
		memcpy(pieces[i].to, memory->bytes + (pieces[i].got ? at : 0), pieces[i].got);
	}
}

static struct error *unreadable(struct target *target, taddr address)
{
	return error_new(ERROR_MEMORY, "0x%llx is not mapped", (unsigned long long)address.v);
}

static const struct target_ops ops = { .kind = "fake", .read_pieces = read_pieces, .unreadable = unreadable };

static void check_piece(const struct memory *memory, const struct target_piece *piece)
{
	uint64_t at = piece->address.v - memory->base;
	size_t there = at < SPAN ? (SPAN - at < piece->length ? SPAN - at : piece->length) : 0;

	CHECK(piece->got == there);
	CHECK(piece->got == 0 || memcmp(piece->to, memory->bytes + at, piece->got) == 0);
}

static void read_at_random(struct memory *memory, struct cache *cache)
{
	static uint8_t to[PIECES][2 * 4096 + 64];
	struct target_piece pieces[PIECES];
	size_t count = 1 + next(PIECES);

	for (size_t i = 0; i < count; i++) {
		size_t length = next(20) == 0 ? next(sizeof(to[0])) : next(200);

		pieces[i] = (struct target_piece){ taddr_of(memory->base + next(SPAN + 4096)), to[i], length, 77 };
	}
	target_read_pieces(cache_target(cache), pieces, count);
	for (size_t i = 0; i < count; i++)
		check_piece(memory, &pieces[i]);
}

int main(void)
{
	struct memory *memory = xcalloc(1, sizeof(*memory));
	struct cache *cache = cache_create(&memory->target, PAGES);
	uint8_t byte;

	memory->target.ops = &ops;
	memory->base = 0xc000000000;
	for (size_t i = 0; i < SPAN; i++)
		memory->bytes[i] = (uint8_t)next(256);
	for (int i = 0; i < ROUNDS; i++)
		read_at_random(memory, cache);

	memory->reads = 0;
	for (int i = 0; i < 1000; i++)
		CHECK(target_read_some(cache_target(cache), taddr_of(memory->base + 8192 + (unsigned)i), &byte, 1) == 1);
	CHECK(memory->reads <= 1);
	cache_destroy(cache);
	free(memory);
	return check_done();
}
