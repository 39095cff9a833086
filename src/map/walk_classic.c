/*
 * Walking hmap and bmap. While a map grows, the entries of new bucket i are in old bucket i & (old_count - 1) until
 * that is evacuated, which the first tophash byte of the old bucket tells (evacuated(), runtime/map.go). The state is a
 * stable one: a map that is only read stays half-grown.
 */
#include <stdlib.h>
#include <string.h>

#include "map/walk.h"
#include "util/address_set.h"
#include "util/alloc.h"
#include "util/limits.h"

enum { PAGE = 4096 };
#define NONE SIZE_MAX

/* A unit being collected: an array bucket, or an overflow bucket behind another. */
struct link {
	struct map_unit unit;
	size_t parent; /* the link it overflows; NONE: an array bucket */
	size_t next;   /* its overflow bucket's link; NONE: none */
	taddr overflow;
};

struct classic_walk {
	struct map_walk walk;
	uint64_t bucket;      /* the next one to read */
	uint64_t end;         /* buckets to read in this array */
	uint64_t single;      /* the one bucket asked for; UINT64_MAX: all */
	bool old;             /* reading the old array */
	bool finished;
	uint64_t overflow_left; /* overflow buckets that a sound map may still have */
	struct address_set visited; /* overflow buckets: each is in one chain, once */
	struct link *links;
	size_t link_count, link_capacity;
	uint8_t **blocks;     /* memory of overflow buckets of this window */
	size_t block_count, block_capacity;
	struct target_piece *pieces;
	size_t piece_capacity;
};

static bool is_evacuated(const struct program *program, uint8_t first_tophash)
{
	uint8_t empty = program->version->tophash == TOPHASH_EMPTY_ZERO ? 0 : 1;

	return first_tophash > empty && first_tophash < classic_min_tophash(program);
}

/* Bit i: slot i's tophash is at least minTopHash. */
static uint8_t live_slots(const struct go_map *map, const uint8_t *bytes)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t tophash, least = classic_min_tophash(map->program);

	memcpy(&tophash, bytes + map->layout->unit.control_offset, sizeof(tophash));
	tophash = le64toh(tophash); /* bytes, not an integer: slot 0's comes first on all machines */

	/* of each byte the top bit, or the carry into it: 128 and more, or 128 - least and least or more */
	return walk_gather((((tophash & ~(each << 7)) + each * (0x80 - least)) | tophash) & (each << 7));
}

/* The array that is read now, and how many buckets the window takes of it. */
static taddr array_of(const struct classic_walk *walk, bool old)
{
	const struct classic_header *header = &walk->walk.map->classic;

	return old ? header->old_buckets : header->buckets;
}

static uint64_t window_buckets(const struct classic_walk *walk)
{
	const struct go_map *map = walk->walk.map;
	uint64_t most = 1;

	/* a power of two, so that a window of new buckets has its old ones side by side */
	while (most * 2 * map->layout->unit.size <= WALK_WINDOW)
		most *= 2;
	if (map->classic.old_count != 0 && most > map->classic.old_count)
		most = map->classic.old_count;

	uint64_t left = walk->end - walk->bucket;
	uint64_t aligned = most - (walk->bucket & (most - 1));

	return left < aligned ? left : aligned;
}

/*
 * Reads `count` buckets of an array at `to`. Where memory is missing, goes on behind it; `good` (a byte a bucket) says
 * which were read. Missing ones are one finding.
 */
static void read_buckets(struct classic_walk *walk, taddr array, uint64_t first, uint64_t count, uint8_t *to, uint8_t *good)
{
	const struct go_map *map = walk->walk.map;
	struct target *memory = map->program->memory;
	uint32_t size = map->layout->unit.size;
	uint64_t missing = 0, at = 0, first_missing = 0, most = count; /* of one reading: behind a hole 1, then twice as many each time */
	taddr first_hole = array;

	while (at < count) {
		taddr address = taddr_add(array, (first + at) * size);
		uint64_t some = count - at < most ? count - at : most;
		size_t got = target_read_some(memory, address, to + at * size, some * size);
		uint64_t whole = got / size;

		memset(good + at, 1, whole);
		at += whole;
		if (whole == some) {
			most *= 2;
			continue;
		}

		/* on to the first bucket that starts on a later page */
		taddr hole = taddr_add(array, (first + at) * size + got % size);

		if (missing == 0) {
			first_missing = at;
			first_hole = hole;
		}

		uint64_t skip = (PAGE - hole.v % PAGE + got % size + size - 1) / size;

		if (skip > count - at)
			skip = count - at;
		memset(good + at, 0, skip);
		missing += skip;
		at += skip;
		most = 1;
	}
	if (missing == 0)
		return;

	taddr address = taddr_add(array, (first + first_missing) * size);

	findings_add_error(walk->walk.findings, address, target_unreadable(memory, first_hole),
			   "%llu buckets of %llu from bucket %llu on", (unsigned long long)missing, (unsigned long long)count,
			   (unsigned long long)first);
}

/* The array buckets of the window. */
static struct error *read_array(struct classic_walk *walk, taddr array, uint64_t count, uint8_t *good, const uint8_t **bytes)
{
	TRY(walk_reserve(&walk->walk, count * walk->walk.map->layout->unit.size));
	read_buckets(walk, array, walk->bucket, count, walk->walk.bytes, good);
	*bytes = walk->walk.bytes;
	return NULL;
}

static size_t add_link(struct classic_walk *walk, const struct map_unit *unit, size_t parent)
{
	const struct go_map *map = walk->walk.map;

	ARRAY_RESERVE(walk->links, walk->link_count, walk->link_capacity);

	struct link *link = &walk->links[walk->link_count];

	*link = (struct link){ .unit = *unit, .parent = parent, .next = NONE };
	link->overflow = load_address(&map->program->machine, unit->bytes + map->layout->unit.overflow_offset);
	if (parent != NONE)
		walk->links[parent].next = walk->link_count;
	return walk->link_count++;
}

/* --- chains ------------------------------------------------------------------------------------------------ */

static bool inside_array(taddr address, taddr array, uint64_t count, uint32_t size)
{
	return count != 0 && address.v >= array.v && address.v - array.v < count * size;
}

/* NULL where the overflow bucket of `link` may be read, and is visited by that; else why not. */
static const char *visit_overflow(struct classic_walk *walk, const struct link *link)
{
	const struct go_map *map = walk->walk.map;
	const struct classic_header *header = &map->classic;

	if (link->unit.chain >= limit_of(LIMIT_CHAIN))
		return "the chain is longer than any hash function makes it (--limit chain=N)";
	if (walk->overflow_left == 0)
		return "there are more overflow buckets than a map of this size can have";
	if (inside_array(link->overflow, header->buckets, header->bucket_count, map->layout->unit.size) ||
	    inside_array(link->overflow, header->old_buckets, header->old_count, map->layout->unit.size))
		return "it points back into the array of buckets";
	if (!address_set_add(&walk->visited, link->overflow))
		return "that bucket is in a chain already: a circle, or two chains in one";
	walk->overflow_left--;
	return NULL;
}

/* Notes the overflow buckets of links [from, to) as pieces to read; their `to` is set later. Returns how many. */
static size_t note_overflow(struct classic_walk *walk, size_t from, size_t to, size_t *parents)
{
	size_t count = 0;

	for (size_t i = from; i < to; i++) {
		const struct link *link = &walk->links[i];

		if (link->overflow.v == 0)
			continue;

		const char *why = visit_overflow(walk, link);

		if (why != NULL) {
			findings_add(walk->walk.findings, link->unit.address,
				     "bucket %llu, overflow pointer 0x%llx: %s; the chain is cut here",
				     (unsigned long long)link->unit.index, (unsigned long long)link->overflow.v, why);
			continue;
		}
		parents[count++] = i;
	}
	return count;
}

static struct error *overflow_block(struct classic_walk *walk, size_t count, uint8_t **out)
{
	void *block;

	TRY(alloc_checked(count, walk->walk.map->layout->unit.size, "overflow buckets", &block));
	ARRAY_RESERVE(walk->blocks, walk->block_count, walk->block_capacity);
	walk->blocks[walk->block_count++] = block;
	*out = block;
	return NULL;
}

/* Reads the overflow buckets of `parents` in one go and links them. */
static struct error *read_overflow(struct classic_walk *walk, const size_t *parents, size_t count)
{
	const struct go_map *map = walk->walk.map;
	uint32_t size = map->layout->unit.size;
	uint8_t *block;

	TRY(overflow_block(walk, count, &block));
	if (count > walk->piece_capacity) {
		walk->pieces = xreallocarray(walk->pieces, count, sizeof(*walk->pieces));
		walk->piece_capacity = count;
	}
	for (size_t i = 0; i < count; i++)
		walk->pieces[i] = (struct target_piece){ walk->links[parents[i]].overflow, block + i * size, size, 0 };
	target_read_pieces(map->program->memory, walk->pieces, count);
	for (size_t i = 0; i < count; i++) {
		const struct map_unit *parent = &walk->links[parents[i]].unit;
		const struct target_piece *piece = &walk->pieces[i];
		struct map_unit unit = *parent;

		if (piece->got < size) {
			findings_add_error(walk->walk.findings, piece->address,
					   target_unreadable(map->program->memory, taddr_add(piece->address, piece->got)),
					   "overflow bucket %u of bucket %llu", parent->chain + 1,
					   (unsigned long long)parent->index);
			continue;
		}
		unit.address = piece->address;
		unit.bytes = piece->to;
		unit.chain++;
		unit.live = unit.evacuated || unit.waiting ? 0 : live_slots(map, unit.bytes);
		add_link(walk, &unit, parents[i]);
	}
	return NULL;
}

/* Follows all chains of the window together, a level at a time. */
static struct error *follow_chains(struct classic_walk *walk)
{
	size_t from = 0;

	while (from < walk->link_count) {
		size_t to = walk->link_count;
		size_t *parents = xreallocarray(NULL, to - from, sizeof(*parents));
		size_t count = note_overflow(walk, from, to, parents);
		struct error *error = count != 0 ? read_overflow(walk, parents, count) : NULL;

		free(parents);
		if (error != NULL)
			return error;
		from = to;
	}
	return NULL;
}

/* --- windows ----------------------------------------------------------------------------------------------- */

/* Which new buckets of the window wait for their old one: `waiting`, a byte a bucket. */
static struct error *find_waiting(struct classic_walk *walk, uint64_t count, uint8_t *waiting)
{
	const struct go_map *map = walk->walk.map;
	const struct classic_header *header = &map->classic;
	uint32_t size = map->layout->unit.size;
	uint64_t first = walk->bucket & (header->old_count - 1);
	void *bytes = NULL, *good = NULL;

	TRY(alloc_checked(count, size, "old buckets", &bytes));

	struct error *error = alloc_checked(count, 1, "old buckets", &good);

	if (error == NULL) {
		read_buckets(walk, header->old_buckets, first, count, bytes, good);
		for (uint64_t i = 0; i < count; i++) {
			const uint8_t *old = (uint8_t *)bytes + i * size + map->layout->unit.control_offset;

			waiting[i] = ((uint8_t *)good)[i] && !is_evacuated(map->program, *old);
		}
	}
	free(bytes);
	free(good);
	return error;
}

/* The window: its buckets' bytes, and a byte a bucket each: whether it was read, whether it waits (NULL: none does). */
struct window {
	const uint8_t *bytes;
	const uint8_t *good;
	const uint8_t *waiting;
	uint64_t count;
};

/* Array bucket i of the window; false where it is left out. */
static bool make_unit(const struct classic_walk *walk, const struct window *window, uint64_t i, struct map_unit *out)
{
	const struct go_map *map = walk->walk.map;
	uint32_t size = map->layout->unit.size;

	if (!window->good[i])
		return false;
	*out = (struct map_unit){ .index = walk->bucket + i, .old = walk->old, .bytes = window->bytes + i * size };
	out->address = taddr_add(array_of(walk, walk->old), out->index * size);
	out->waiting = window->waiting != NULL && window->waiting[i];
	out->evacuated = walk->old && is_evacuated(map->program, out->bytes[map->layout->unit.control_offset]);
	if (out->waiting || out->evacuated)
		return walk->walk.what != MAP_WALK_LIVE;
	out->live = live_slots(map, out->bytes);
	return true;
}

/* Makes links of those array buckets that others overflow: few of them. */
static void find_roots(struct classic_walk *walk, const struct window *window)
{
	const struct go_map *map = walk->walk.map;
	const uint8_t *overflow = window->bytes + map->layout->unit.overflow_offset;

	for (uint64_t i = 0; i < window->count; i++, overflow += map->layout->unit.size) {
		struct map_unit unit;

		if (window->good[i] && load_address(&map->program->machine, overflow).v != 0 &&
		    make_unit(walk, window, i, &unit))
			add_link(walk, &unit, NONE);
	}
}

/* Chains in order: each array bucket, then what overflows it. */
static void emit_units(struct classic_walk *walk, const struct window *window)
{
	size_t root = 0;
	struct map_unit unit;

	for (uint64_t i = 0; i < window->count; i++) {
		if (!make_unit(walk, window, i, &unit))
			continue;
		*walk_add_unit(&walk->walk) = unit;
		if (root == walk->link_count || walk->links[root].parent != NONE || walk->links[root].unit.index != unit.index)
			continue;
		for (size_t at = walk->links[root].next; at != NONE; at = walk->links[at].next)
			*walk_add_unit(&walk->walk) = walk->links[at].unit;
		root++;
	}
}

static void forget_window(struct classic_walk *walk)
{
	for (size_t i = 0; i < walk->block_count; i++)
		free(walk->blocks[i]);
	walk->block_count = 0;
	walk->link_count = 0;
}

static struct error *read_window(struct classic_walk *walk, uint64_t count)
{
	const struct go_map *map = walk->walk.map;
	void *good = NULL, *waiting = NULL;
	struct window window = { .count = count };

	TRY(alloc_checked(count, 2, "buckets", &good));
	if (!walk->old && map->classic.old_count != 0)
		waiting = (uint8_t *)good + count;
	window.good = good;
	window.waiting = waiting;

	struct error *error = waiting != NULL ? find_waiting(walk, count, waiting) : NULL;

	if (error == NULL)
		error = read_array(walk, array_of(walk, walk->old), count, good, &window.bytes);
	if (error == NULL) {
		find_roots(walk, &window);
		error = follow_chains(walk);
	}
	if (error == NULL)
		emit_units(walk, &window);
	free(good);
	return error;
}

/* The new buckets come first, then the old ones. */
static bool next_array(struct classic_walk *walk)
{
	const struct classic_header *header = &walk->walk.map->classic;

	if (walk->finished)
		return false;
	if (walk->bucket < walk->end)
		return true;
	if (walk->old || header->old_count == 0 || walk->single != UINT64_MAX) {
		walk->finished = true;
		return false;
	}
	walk->old = true;
	walk->bucket = 0;
	walk->end = header->old_count;
	return true;
}

static struct error *next_window(struct map_walk *base)
{
	struct classic_walk *walk = (struct classic_walk *)base;

	forget_window(walk);
	while (walk->walk.unit_count == 0 && next_array(walk) && !findings_give_up(base->findings)) {
		uint64_t count = window_buckets(walk);

		forget_window(walk);
		TRY(read_window(walk, count));
		walk->bucket += count;
	}
	return NULL;
}

static void destroy(struct map_walk *base)
{
	struct classic_walk *walk = (struct classic_walk *)base;

	forget_window(walk);
	free(walk->blocks);
	free(walk->links);
	free(walk->pieces);
	address_set_free(&walk->visited);
}

struct map_walk *classic_walk_create(const struct go_map *map, enum map_walk_what what, uint64_t bucket, bool old,
				     struct findings *findings)
{
	struct classic_walk *walk = xcalloc(1, sizeof(*walk));
	const struct classic_header *header = &map->classic;

	walk->walk = (struct map_walk){
		.map = map, .findings = findings, .what = what, .next = next_window, .destroy = destroy
	};
	walk->visited.size = map->layout->unit.size;
	walk->single = bucket;
	walk->old = old;
	walk->bucket = bucket == UINT64_MAX ? 0 : bucket;
	walk->end = bucket == UINT64_MAX ? header->bucket_count : bucket + 1;
	/* same-size growth begins at about 2^B overflow buckets (tooManyOverflowBuckets), B < 16 exactly, else about */
	walk->overflow_left = 4 * (header->bucket_count + header->old_count) + limit_of(LIMIT_CHAIN);
	return &walk->walk;
}
