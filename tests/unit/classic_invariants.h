/* What holds of a classic map in a refmap_world at any time. The bytes are read by the layout, not by the code under test. */
#ifndef TESTS_CLASSIC_INVARIANTS_H
#define TESTS_CLASSIC_INVARIANTS_H

#include "refmap_world.h"

enum { CLASSIC_ITERATING = 3, CLASSIC_WRITING = 4, CLASSIC_SAME_SIZE = 8 }; /* of hmap.flags */

struct classic_sum {
	uint64_t live, overflow;
};

static inline uint64_t classic_field(const struct refmap_world *world, taddr address, struct field_at at)
{
	return load_uint(&world->shape.machine, (const uint8_t *)arena_at(world->arena, address) + at.offset, at.size);
}

static inline uint64_t classic_header(const struct refmap_world *world, struct field_at at)
{
	return classic_field(world, refmap_address(world->map), at);
}

static inline taddr classic_bucket_of(const struct refmap_world *world, uint64_t array, uint64_t index)
{
	return taddr_of(array + index * world->layout.unit.size);
}

static inline const uint8_t *classic_tophashes(const struct refmap_world *world, taddr bucket)
{
	return arena_at(world->arena, bucket);
}

static inline taddr classic_overflow_of(const struct refmap_world *world, taddr bucket)
{
	return load_address(&world->shape.machine, classic_tophashes(world, bucket) + world->layout.unit.overflow_offset);
}

static inline taddr classic_key_of(const struct refmap_world *world, taddr bucket, unsigned slot)
{
	taddr place = taddr_add(bucket, world->layout.unit.key_offset + slot * world->layout.unit.key_stride);

	return world->layout.key_indirect ? load_address(&world->shape.machine, arena_at(world->arena, place)) : place;
}

static inline taddr classic_elem_of(const struct refmap_world *world, taddr bucket, unsigned slot)
{
	taddr place = taddr_add(bucket, world->layout.unit.elem_offset + slot * world->layout.unit.elem_stride);

	return world->layout.elem_indirect ? load_address(&world->shape.machine, arena_at(world->arena, place)) : place;
}

static inline bool classic_has_rest(const struct refmap_world *world)
{
	return world->version->tophash == TOPHASH_EMPTY_REST;
}

static inline unsigned classic_minimum(const struct refmap_world *world)
{
	return classic_has_rest(world) ? 5 : 4;
}

static inline bool classic_is_evacuated(const struct refmap_world *world, taddr bucket)
{
	uint8_t first = classic_tophashes(world, bucket)[0];

	return first > classic_has_rest(world) && first < classic_minimum(world);
}

/* A live cell is in the bucket that its hash says, of an array of `mask` + 1, with the hash's high byte. */
static inline void classic_check_cell(struct refmap_world *world, taddr key, uint8_t top, uint64_t index, uint64_t mask)
{
	uint64_t hash;
	uint8_t expected;

	if (world_is_nan(world, world_number(world, key)))
		return;
	hash = world_hash(world, key, classic_header(world, world->layout.classic.hash0));
	expected = (uint8_t)(hash >> (8 * world->shape.machine.word_size - 8));
	expected = (uint8_t)(expected + (expected < classic_minimum(world) ? classic_minimum(world) : 0));
	world_expect(world, top == expected, "a tophash is the hash's high byte");
	world_expect(world, (hash & mask) == index, "a key is in its bucket");
}

/* A chain that is not evacuated. */
static inline struct classic_sum classic_sum_chain(struct refmap_world *world, taddr first, uint64_t index, uint64_t mask)
{
	struct classic_sum sum = { 0 };
	bool rest = false;
	uint8_t before = 0xff;

	for (taddr bucket = first; bucket.v != 0; bucket = classic_overflow_of(world, bucket)) {
		sum.overflow += bucket.v != first.v;
		for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
			uint8_t top = classic_tophashes(world, bucket)[slot];

			world_expect(world, !rest || top == 0, "behind emptyRest all is emptyRest");
			world_expect(world, !classic_has_rest(world) || top != 0 || before != 1, "emptyOne before emptyRest");
			world_expect(world, top <= classic_has_rest(world) || top >= classic_minimum(world), "a tophash's value");
			rest = classic_has_rest(world) && top == 0;
			before = top;
			if (top < classic_minimum(world))
				continue;
			sum.live++;
			classic_check_cell(world, classic_key_of(world, bucket, slot), top, index, mask);
		}
	}
	world_expect(world, !classic_has_rest(world) || before != 1, "no emptyOne at a chain's end");
	return sum;
}

static inline void classic_check_evacuated(struct refmap_world *world, taddr bucket)
{
	uint8_t empty = classic_has_rest(world) ? 4 : 1;

	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		uint8_t top = classic_tophashes(world, bucket)[slot];

		world_expect(world, top == 2 || top == 3 || top == empty, "cells of an evacuated bucket are evacuated");
	}
}

static inline uint64_t classic_old_mask(const struct refmap_world *world)
{
	uint64_t b = classic_header(world, world->layout.classic.b);

	if (!(classic_header(world, world->layout.classic.flags) & CLASSIC_SAME_SIZE))
		b--;
	return (UINT64_C(1) << b) - 1;
}

static inline uint64_t classic_check_old(struct refmap_world *world, uint64_t array)
{
	uint64_t mask = classic_old_mask(world), mark = classic_header(world, world->layout.classic.nevacuate), live = 0;

	world_expect(world, mark <= mask, "nevacuate");
	for (uint64_t i = 0; i <= mask; i++) {
		taddr bucket = classic_bucket_of(world, array, i);

		if (classic_is_evacuated(world, bucket)) {
			classic_check_evacuated(world, bucket);
			continue;
		}
		world_expect(world, i >= mark, "buckets below nevacuate are evacuated");
		live += classic_sum_chain(world, bucket, i, mask).live;
	}
	return live;
}

static inline struct classic_sum classic_check_new(struct refmap_world *world, uint64_t array, uint64_t old)
{
	uint64_t mask = (UINT64_C(1) << classic_header(world, world->layout.classic.b)) - 1;
	struct classic_sum sum = { 0 };

	for (uint64_t i = 0; i <= mask; i++) {
		struct classic_sum chain = classic_sum_chain(world, classic_bucket_of(world, array, i), i, mask);

		if (old != 0 && !classic_is_evacuated(world, classic_bucket_of(world, old, i & classic_old_mask(world))))
			world_expect(world, chain.live + chain.overflow == 0, "a bucket that waits is empty");
		sum.live += chain.live;
		sum.overflow += chain.overflow;
	}
	return sum;
}

/* mapextra.overflow (0) or oldoverflow (1); 0 where there is none. */
static inline uint64_t classic_overflow_list(const struct refmap_world *world, unsigned which)
{
	uint8_t word = world->shape.machine.word_size;
	struct field_at extra = world->layout.classic.extra, list = { which * word, word };

	if (extra.size == 0) /* 1.8: hmap.overflow */
		extra = (struct field_at){ world->layout.header_size - word, word };

	uint64_t address = classic_header(world, extra);

	return address != 0 ? classic_field(world, taddr_of(address), list) : 0;
}

/* Of a map without pointers the list is as long as there are overflow buckets. */
static inline void classic_check_overflow_list(struct refmap_world *world, uint64_t overflow)
{
	uint8_t word = world->shape.machine.word_size;
	struct field_at length = { word, word };
	uint64_t list = classic_overflow_list(world, 0);

	if (world->type.key_pointers || world->type.elem_pointers || world->layout.key_indirect || world->layout.elem_indirect)
		overflow = 0;
	world_expect(world, (list ? classic_field(world, taddr_of(list), length) : 0) == overflow, "the overflow list");
}

static inline void classic_check_load(struct refmap_world *world, uint64_t count)
{
	uint64_t buckets = UINT64_C(1) << classic_header(world, world->layout.classic.b);
	uint64_t most = world->version->load_numerator * buckets / world->version->load_denominator;

	world_expect(world, count <= MAP_SLOTS || count <= most, "the load factor");
}

static inline void classic_check(struct refmap_world *world)
{
	const struct classic_header_layout *fields = &world->layout.classic;
	uint64_t buckets = classic_header(world, fields->buckets), old = classic_header(world, fields->oldbuckets);
	uint64_t flags = classic_header(world, fields->flags), count = classic_header(world, fields->count), live = 0;

	world_expect(world, !(flags & CLASSIC_WRITING), "nobody is writing");
	world_expect(world, old != 0 || !(flags & CLASSIC_SAME_SIZE), "sameSizeGrow only while growing");
	if (buckets != 0) {
		struct classic_sum sum = classic_check_new(world, buckets, old);

		live = sum.live;
		world_expect(world, sum.overflow == classic_header(world, fields->noverflow), "noverflow");
		classic_check_overflow_list(world, sum.overflow);
	}
	if (old != 0)
		live += classic_check_old(world, old);
	else
		world_expect(world, classic_overflow_list(world, 1) == 0, "oldoverflow only while growing");
	world_expect(world, live == count && count == world->length, "the count");
	classic_check_load(world, count);
}

#endif
