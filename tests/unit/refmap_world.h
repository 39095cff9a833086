/*
 * A reference map beside a plain dictionary, for tests of either implementation: each operation goes to both, and what differs
 * is counted in `failed`. Keys are numbers in the first two bytes of a key; a third one is a spelling that equality does not look
 * at, like the sign of a zero or, in its first word, where a string's bytes are.
 */
#ifndef TESTS_REFMAP_WORLD_H
#define TESTS_REFMAP_WORLD_H

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout/table.h"
#include "refmap/refmap.h"

/* An emulator keeps tables of the pages of all arenas that there ever were: not more than is needed. */
enum { WORLD_NUMBERS = 1 << 14, WORLD_ITERATORS = 2, WORLD_BYTES = 64 << 20 };

enum world_hash {
	WORLD_HASH_GOOD,
	WORLD_HASH_HIGH,     /* one home group for all, in many tables */
	/* The same high bits for all. No directory can part them: a few hundred keys at most. */
	WORLD_HASH_ORDERED,  /* group and control byte are the number's low bits */
	WORLD_HASH_FEW,      /* of four hashes */
	WORLD_HASH_CONSTANT,
	WORLD_HASHES,
};

struct world_key {
	uint32_t size; /* 0: two words */
	bool pointers, irreflexive, need_update;
	enum refmap_variant variant;
};

static const struct world_key world_keys[] = {
	{ .size = 8, .variant = REFMAP_FAST64 },
	{ .size = 4, .variant = REFMAP_FAST32 },
	{ .size = 0, .pointers = true, .need_update = true, .variant = REFMAP_FASTSTR },
	{ .size = 8, .pointers = true, .variant = REFMAP_FAST64PTR },
	{ .size = 1 },
	{ .size = 12 },
	{ .size = 24, .pointers = true },
	{ .size = 8, .irreflexive = true, .need_update = true },
	{ .size = 136 },
	{ .size = 200, .pointers = true, .irreflexive = true, .need_update = true },
};

static const struct world_elem {
	uint32_t size;
	bool pointers;
} world_elems[] = { { 8, false }, { 0, false }, { 1, false }, { 24, true }, { 130, false }, { 256, true } };

enum { WORLD_KEYS = sizeof(world_keys) / sizeof(world_keys[0]), WORLD_ELEMS = sizeof(world_elems) / sizeof(world_elems[0]) };

struct world_shape {
	enum map_implementation implementation;
	int minor;
	struct machine machine;
	unsigned key, elem; /* rows of the tables above */
	bool split_groups, slow;
	enum world_hash hash;
	uint64_t hint, random; /* where random numbers begin */
};

struct world_entry {
	bool present;
	uint8_t spelling;
	uint8_t steady, visited; /* a bit an iterator: there since it began; has come */
	uint64_t value;
};

struct refmap_world {
	struct world_shape shape;
	const struct go_version *version;
	struct map_layout layout;
	struct refmap_type type;
	struct target *arena;
	struct refmap *map; /* NULL: there is no such implementation */
	taddr key;          /* of the operation */
	uint64_t random;    /* state */
	uint64_t events[REFMAP_RESEED + 1], event_a[REFMAP_RESEED + 1], event_b[REFMAP_RESEED + 1]; /* how many; the last one's */
	struct refmap_iterator *iterators[WORLD_ITERATORS];
	bool emptied[WORLD_ITERATORS]; /* the map was empty since it began */
	struct world_entry entries[WORLD_NUMBERS];
	uint32_t end; /* above all numbers that were put */
	uint64_t length;
	unsigned long failed;
};

static inline uint64_t world_mix(uint64_t x)
{
	x = (x ^ x >> 31) * UINT64_C(0x7fb5d329728ea185);
	x = (x ^ x >> 27) * UINT64_C(0x81dadef4bc2dd44d);
	return x ^ x >> 33;
}

static inline uint64_t world_random(void *context)
{
	struct refmap_world *world = context;

	return world_mix(world->random += UINT64_C(0x9e3779b97f4a7c15));
}

static inline bool world_expect(struct refmap_world *world, bool good, const char *what)
{
	if (!good && world->failed++ == 0)
		fprintf(stderr, "Go 1.%d, key %u, elem %u, hash %d, %u-bit: %s\n", world->version->minor, world->shape.key,
			world->shape.elem, (int)world->shape.hash, 8 * world->shape.machine.word_size, what);
	return good;
}

static inline uint32_t world_number(const struct refmap_world *world, taddr key)
{
	uint16_t number = 0;

	memcpy(&number, arena_at(world->arena, key), world->type.key_size < 2 ? world->type.key_size : 2);
	return number;
}

static inline bool world_is_nan(const struct refmap_world *world, uint32_t number)
{
	return !world->type.reflexive_key && number % 4 == 3;
}

static inline bool world_has_spelling(const struct refmap_world *world)
{
	return world->type.key_size >= 4 && (world->type.variant == REFMAP_SLOW || world->type.variant == REFMAP_FASTSTR);
}

static inline uint64_t world_hash_of(struct refmap_world *world, uint32_t number, uint64_t seed)
{
	uint64_t good = world_mix(number ^ seed), top = UINT64_C(0xffff) << (8 * world->shape.machine.word_size - 16);

	if (world_is_nan(world, number))
		good = world_random(world);
	switch (world->shape.hash) {
	case WORLD_HASH_GOOD: return good;
	case WORLD_HASH_HIGH: return good & (top | 0x7f);
	case WORLD_HASH_ORDERED: return number << 7 | (number & 0x7f);
	case WORLD_HASH_FEW: return good & 0x101;
	default: return 0x1234;
	}
}

static inline uint64_t world_hash(void *context, taddr key, uint64_t seed)
{
	return world_hash_of(context, world_number(context, key), seed);
}

static inline bool world_equal(void *context, taddr a, taddr b)
{
	uint32_t number = world_number(context, a);

	return number == world_number(context, b) && !world_is_nan(context, number);
}

static inline void world_event(void *context, enum refmap_event event, uint64_t a, uint64_t b, uint64_t c)
{
	struct refmap_world *world = context;

	world->events[event]++;
	world->event_a[event] = a;
	world->event_b[event] = b;
}

/* The compiler's choice, mapfast() in cmd/compile/internal/walk/walk.go; in 1.8 there are fast lookups only. */
static inline enum refmap_variant world_variant(const struct world_shape *shape, uint32_t elem_size)
{
	enum refmap_variant variant = world_keys[shape->key].variant;

	if (shape->slow || shape->minor < 9 || elem_size > MAP_INDIRECT_ABOVE)
		return REFMAP_SLOW;
	return variant == REFMAP_FAST64PTR && shape->machine.word_size == 4 ? REFMAP_FAST32PTR : variant;
}

static inline void world_make_type(struct refmap_world *world)
{
	const struct world_shape *shape = &world->shape;
	const struct world_key *key = &world_keys[shape->key];
	const struct world_elem *elem = &world_elems[shape->elem];
	uint32_t word = shape->machine.word_size;

	world->type = (struct refmap_type){
		.version = world->version, .machine = shape->machine, .layout = &world->layout,
		.key_size = key->size ? key->size : 2 * word, .elem_size = elem->size,
		.key_pointers = key->pointers, .elem_pointers = elem->pointers,
		.reflexive_key = !key->irreflexive, .need_key_update = key->need_update,
		.variant = world_variant(shape, elem->size),
	};
	if (key->variant == REFMAP_FAST64PTR)
		world->type.key_size = word;
}

static inline uint64_t world_alignment(uint64_t size)
{
	return size % 8 == 0 && size != 0 ? 8 : size % 4 == 0 && size != 0 ? 4 : 1;
}

static inline void world_create_map(struct refmap_world *world)
{
	const struct refmap_callbacks callbacks = {
		.hash = world_hash, .equal = world_equal, .random = world_random, .event = world_event, .context = world
	};

	world->map = refmap_create(&world->type, world->arena, &callbacks, world->shape.hint);
}

/* False where that version has no such maps. */
static inline bool world_open(struct refmap_world *world, const struct world_shape *shape)
{
	bool newer;

	memset(world, 0, sizeof(*world));
	world->shape = *shape;
	world->random = shape->random;
	error_free(go_version_find(shape->minor, &world->version, &newer));
	world_make_type(world);

	struct map_layout_request request = {
		.version = world->version, .machine = shape->machine, .implementation = shape->implementation,
		.key_size = world->type.key_size, .key_align = world_alignment(world->type.key_size),
		.elem_size = world->type.elem_size, .elem_align = world_alignment(world->type.elem_size),
		.split_groups = shape->split_groups,
	};
	struct error *error = map_layout_known(&request, &world->layout);

	if (error != NULL) {
		error_free(error);
		return false;
	}
	world->arena = arena_create(&shape->machine, taddr_of(0x100000), WORLD_BYTES);
	world->key = arena_allocate(world->arena, 256);
	world_create_map(world);
	return true;
}

/* Bytes of the arena that were ever allocated. */
static inline uint64_t world_high_water(const struct refmap_world *world)
{
	uint64_t low = world->key.v, high = low + WORLD_BYTES;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		*(arena_holds(world->arena, taddr_of(middle)) ? &low : &high) = middle;
	}
	return high;
}

static inline void world_write_key(struct refmap_world *world, uint16_t number, uint8_t spelling)
{
	uint8_t *key = arena_at(world->arena, world->key);
	uint32_t size = world->type.key_size;

	memset(key, 0x5a, size);
	memcpy(key, &number, size < 2 ? size : 2);
	if (world_has_spelling(world))
		key[2] = spelling;
}

static inline bool world_elem_is(const struct refmap_world *world, taddr elem, uint64_t value)
{
	const uint8_t *bytes = arena_at(world->arena, elem);
	bool same = true;

	for (uint32_t i = 0; i < world->type.elem_size; i++)
		same = same && bytes[i] == (uint8_t)(value >> i % 8 * 8);
	return same;
}

static inline bool world_key_is(const struct refmap_world *world, taddr key, uint32_t number)
{
	const uint8_t *bytes = arena_at(world->arena, key);

	return world_number(world, key) == number && (!world_has_spelling(world) || bytes[2] == world->entries[number].spelling);
}

/* Whether an assignment to a key that is there writes it again: map_faststr.go does so from Go 1.17 on, for all. */
static inline bool world_updates_keys(const struct refmap_world *world)
{
	if (world->type.variant == REFMAP_FASTSTR)
		return world->version->minor >= 17;
	return world->type.variant == REFMAP_SLOW && world->type.need_key_update;
}

static inline void world_set(struct refmap_world *world, uint32_t number, uint8_t spelling, taddr elem)
{
	struct world_entry *entry = &world->entries[number];
	uint8_t *bytes = arena_at(world->arena, elem);

	world->end = number < world->end ? world->end : number + 1;
	if (!entry->present) {
		world->length++;
		entry->steady = entry->visited = 0;
	}
	if (!entry->present || world_updates_keys(world))
		entry->spelling = spelling;
	entry->present = true;
	entry->value = world_random(world);
	for (uint32_t i = 0; i < world->type.elem_size; i++)
		bytes[i] = (uint8_t)(entry->value >> i % 8 * 8);
}

static inline void world_put(struct refmap_world *world, uint32_t number)
{
	struct world_entry *entry = &world->entries[number];
	uint8_t spelling = (uint8_t)world_random(world);

	if (entry->present && world_is_nan(world, number))
		return; /* it would be there twice */
	world_write_key(world, number, spelling);

	taddr elem = refmap_assign(world->map, world->key);

	if (entry->present)
		world_expect(world, world_elem_is(world, elem, entry->value), "the elem of an assigned key");
	else if (world->shape.implementation == MAP_SWISS)
		world_expect(world, world_elem_is(world, elem, 0), "the elem of a new key is zero");
	world_set(world, number, spelling, elem);
}

static inline void world_get(struct refmap_world *world, uint32_t number)
{
	const struct world_entry *entry = &world->entries[number];
	bool there = entry->present && !world_is_nan(world, number);

	world_write_key(world, number, 0);

	taddr elem = refmap_find(world->map, world->key);

	if (world_expect(world, (elem.v != 0) == there, "whether a key is there") && there)
		world_expect(world, world_elem_is(world, elem, entry->value), "the elem of a key");
}

/*
 * The seed changes with that. What a Swiss map gets afterwards may come twice in an iteration that began before: it is looked up
 * for the keys of a table that was replaced, and comes again with the table where the new hash has put it. Go does so.
 */
static inline void world_note_emptied(struct refmap_world *world)
{
	for (unsigned i = 0; i < WORLD_ITERATORS; i++)
		world->emptied[i] = true;
}

static inline void world_delete(struct refmap_world *world, uint32_t number)
{
	struct world_entry *entry = &world->entries[number];

	world_write_key(world, number, 0);
	refmap_delete(world->map, world->key);
	if (!entry->present || world_is_nan(world, number))
		return;
	entry->present = false;
	if (--world->length == 0)
		world_note_emptied(world);
}

/* Before clear() came, with Go 1.21, a loop of deletes was all there was, and that leaves NaNs. */
static inline void world_clear(struct refmap_world *world)
{
	refmap_clear(world->map);
	world_note_emptied(world);
	for (uint32_t i = 0; i < world->end; i++) {
		struct world_entry *entry = &world->entries[i];

		if (entry->present && !(world->version->minor < 21 && world_is_nan(world, i))) {
			entry->present = false;
			world->length--;
		}
	}
}

static inline void world_iterate_begin(struct refmap_world *world, unsigned which)
{
	for (uint32_t i = 0; i < world->end; i++) {
		struct world_entry *entry = &world->entries[i];

		entry->visited &= ~(1U << which);
		entry->steady = (uint8_t)((entry->steady & ~(1U << which)) | (unsigned)entry->present << which);
	}
	world->iterators[which] = refmap_iterate(world->map);
	world->emptied[which] = false;
}

static inline void world_iterate_end(struct refmap_world *world, unsigned which)
{
	refmap_iterator_destroy(world->iterators[which]);
	world->iterators[which] = NULL;
}

/* Ends the iteration where it comes to its end, after a look at what did not come. */
static inline bool world_iterate_step(struct refmap_world *world, unsigned which)
{
	taddr key, elem;

	if (!refmap_iterator_next(world->iterators[which], &key, &elem)) {
		for (uint32_t i = 0; i < world->end; i++) {
			const struct world_entry *entry = &world->entries[i];

			world_expect(world, !entry->present || !(entry->steady & ~entry->visited & 1U << which),
				     "an entry that was there all the time came");
		}
		world_iterate_end(world, which);
		return false;
	}

	uint32_t number = world_number(world, key);

	if (!world_expect(world, number < WORLD_NUMBERS, "a key that came is a number"))
		return true;

	struct world_entry *entry = &world->entries[number];

	world_expect(world, entry->present && world_key_is(world, key, number), "a key that came is there, as it was written");
	world_expect(world, world_elem_is(world, elem, entry->value), "the elem that came with a key");
	if (world->shape.implementation != MAP_SWISS || !world->emptied[which])
		world_expect(world, !(entry->visited & 1U << which), "a key came once");
	entry->visited |= (uint8_t)(1U << which);
	return true;
}

static inline void world_check(struct refmap_world *world)
{
	world_expect(world, refmap_length(world->map) == world->length, "the length");
	for (uint32_t i = 0; i < world->end; i++)
		world_get(world, i);
}

static inline void world_close_map(struct refmap_world *world)
{
	for (unsigned i = 0; i < WORLD_ITERATORS; i++)
		if (world->iterators[i] != NULL)
			world_iterate_end(world, i);
	refmap_destroy(world->map);
	memset(world->entries, 0, sizeof(world->entries));
	world->length = 0;
}

static inline void world_close(struct refmap_world *world)
{
	world_close_map(world);
	target_destroy(world->arena);
}

/* --- many at once ------------------------------------------------------------------------------------------------ */

static inline void world_put_all(struct refmap_world *world, uint32_t first, uint32_t end, uint32_t step)
{
	for (uint32_t i = first; i < end; i += step)
		world_put(world, i);
}

static inline void world_delete_all(struct refmap_world *world, uint32_t first, uint32_t end, uint32_t step)
{
	for (uint32_t i = first; i < end; i += step)
		world_delete(world, i);
}

/* One of a hundred may clear the map, and of those one in `clears`; 0: none. Phase 0 grows it, 1 keeps it, 2 shrinks it. */
static inline void world_random_operation(struct refmap_world *world, uint32_t numbers, unsigned phase, unsigned clears)
{
	uint64_t random = world_random(world);
	uint32_t number = (uint32_t)(random >> 16) % numbers;
	unsigned which = random >> 8 & 1, chance = random % 100, puts = phase == 0 ? 75 : phase == 1 ? 40 : 10;

	if (chance < puts)
		world_put(world, number);
	else if (chance < 85)
		world_delete(world, number);
	else if (chance < 98 && world->iterators[which] != NULL)
		world_iterate_step(world, which);
	else if (chance < 99 && world->iterators[which] == NULL)
		world_iterate_begin(world, which);
	else if (chance == 99 && clears != 0 && (random >> 40) % clears == 0)
		world_clear(world);
}

/* All iterators there can be, begun where they are not, to their ends. */
static inline void world_iterate_all(struct refmap_world *world)
{
	for (unsigned which = 0; which < WORLD_ITERATORS; which++) {
		if (world->iterators[which] == NULL)
			world_iterate_begin(world, which);
		while (world_iterate_step(world, which))
			continue;
	}
}

#endif
