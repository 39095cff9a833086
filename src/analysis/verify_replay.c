/*
 * The entries as they were decoded, put into a reference map of the same seed: every key must be found there with its own elem,
 * and the reference map, which has seen nothing but inserts, must not have had to grow larger than the map it is compared with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verify_private.h"
#include "refmap/refmap.h"
#include "util/alloc.h"
#include "util/table.h"

/* Of keys and elems that are kept; and addresses that the reference map may take up. */
enum { BYTES_LIMIT = 16 << 20, ARENA_BASE = 1 << 16, ARENA_LIMIT = 1 << 30 };
/*
 * Entries whose hashes agree in so many bits of those that tell tables or buckets apart. A table of more would be split again and
 * again: no hash function does that, but bytes that are no map may.
 */
enum { PREFIX_BITS = 22, PREFIX_ENTRIES = 896 };

struct verify_replay {
	struct verify *verify;
	size_t key_size, elem_size, stride; /* bytes; an entry is a key, then its elem */
	uint64_t most;     /* entries */
	uint64_t every;    /* one chain or table of so many */
	uint64_t ordinal;
	struct buffer entries;
	uint64_t count;    /* of them */
	uint64_t left_out; /* NaN, or not readable */
	uint64_t random;
	bool seeded;
	struct target *arena;
	taddr key; /* where the reference map reads a key from */
};

/* --- collecting ------------------------------------------------------------------------------------------------- */

void verify_replay_open(struct verify *verify)
{
	const struct go_map *map = verify->map;
	uint64_t most = verify->verifier->replay_most, stride = map->type->key->size + map->type->elem->size;

	if (most == 0 || verify->hasher == NULL || stride > BYTES_LIMIT)
		return;
	if (stride != 0 && most > BYTES_LIMIT / stride)
		most = BYTES_LIMIT / stride;

	struct verify_replay *replay = xcalloc(1, sizeof(*replay));

	replay->verify = verify;
	replay->key_size = map->type->key->size;
	replay->elem_size = map->type->elem->size;
	replay->stride = stride;
	replay->most = most;
	replay->every = map->length / most + (map->length % most != 0);
	if (replay->every == 0)
		replay->every = 1;
	buffer_reserve(&replay->entries, 1); /* keys and elems may be of no bytes */
	verify->replay = replay;
}

static void add_slot(struct verify_replay *replay, const struct map_unit *unit, unsigned slot)
{
	struct map_entry entry;
	struct error *error = map_entry_load(replay->verify->map, unit, slot, &replay->verify->scratch, &entry);

	if (error != NULL) {
		error_free(error);
		replay->left_out++;
		return;
	}
	buffer_append(&replay->entries, entry.key, replay->key_size);
	buffer_append(&replay->entries, entry.elem, replay->elem_size);
	replay->count++;
}

void verify_replay_add(struct verify *verify, const struct map_unit *units, size_t count)
{
	struct verify_replay *replay = verify->replay;
	uint64_t live = 0;

	if (replay == NULL || replay->ordinal++ % replay->every != 0)
		return;
	for (size_t i = 0; i < count; i++)
		live += map_live_count(&units[i]);
	if (live > replay->most - replay->count)
		return;
	for (size_t i = 0; i < count; i++)
		for (unsigned left = units[i].live; left != 0; left &= left - 1)
			add_slot(replay, &units[i], (unsigned)__builtin_ctz(left));
}

/* --- what the reference map asks ---------------------------------------------------------------------------------- */

static const uint8_t *key_of(const struct verify_replay *replay, uint64_t i)
{
	return replay->entries.bytes + i * replay->stride;
}

static struct key_place place_of(const struct verify_replay *replay, taddr key)
{
	return (struct key_place){ arena_at(replay->arena, key), key };
}

static uint64_t hash(void *context, taddr key, uint64_t seed)
{
	struct verify_replay *replay = context;
	struct key_place place = place_of(replay, key);
	uint64_t value = 0;

	/* those that have no hash are not put in */
	key_hash(replay->verify->hasher, place.bytes, place.address, seed, &value);
	return value;
}

static bool equal(void *context, taddr a, taddr b)
{
	struct verify_replay *replay = context;

	return key_equal(replay->verify->comparer, place_of(replay, a), place_of(replay, b)) == KEYS_EQUAL;
}

static uint64_t seed_of(const struct go_map *map)
{
	return map->layout->implementation == MAP_CLASSIC ? map->classic.hash0 : map->swiss.seed;
}

static uint64_t draw(void *context)
{
	struct verify_replay *replay = context;

	if (!replay->seeded) {
		replay->seeded = true;
		return seed_of(replay->verify->map);
	}
	replay->random = replay->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return replay->random ^ replay->random >> 29;
}

/* --- replaying ---------------------------------------------------------------------------------------------------- */

/* Drops the entries whose keys have no hash; false where the others' hashes are such that no map can be made of them. */
static bool choose_entries(struct verify_replay *replay)
{
	const struct go_map *map = replay->verify->map;
	unsigned shift = map->layout->implementation == MAP_SWISS ? 8u * map->program->machine.word_size - PREFIX_BITS : 0;
	struct table prefixes = { 0 };
	uint64_t kept = 0, most = 0;

	for (uint64_t i = 0; i < replay->count; i++) {
		uint64_t value, *same;

		if (key_hash(replay->verify->hasher, key_of(replay, i), taddr_of(0), seed_of(map), &value) != HASH_OK) {
			replay->left_out++;
			continue;
		}
		value = value >> shift & ((1u << PREFIX_BITS) - 1);
		table_put(&prefixes, value, 0);
		same = table_get(&prefixes, value);
		most = ++*same > most ? *same : most;
		memmove(replay->entries.bytes + kept++ * replay->stride, key_of(replay, i), replay->stride);
	}
	table_free(&prefixes);
	replay->count = kept;
	return most <= PREFIX_ENTRIES;
}

static void fill(struct verify_replay *replay, struct refmap *reference)
{
	for (uint64_t i = 0; i < replay->count; i++) {
		memcpy(arena_at(replay->arena, replay->key), key_of(replay, i), replay->key_size);

		taddr elem = refmap_assign(reference, replay->key);

		memcpy(arena_at(replay->arena, elem), key_of(replay, i) + replay->key_size, replay->elem_size);
	}
}

static void wrong_answer(struct verify_replay *replay, uint64_t i, const char *found)
{
	struct verify *verify = replay->verify;
	uint64_t h = 0;

	if (verify_only_counted(verify, VERIFY_REPLAY))
		return;
	key_hash(verify->hasher, key_of(replay, i), taddr_of(0), seed_of(verify->map), &h);
	report_wrong(verify_check_of(verify, VERIFY_REPLAY), taddr_of(0), "the elem of its slot", found,
		     "lookup of the key with hash 0x%llx", (unsigned long long)h);
}

static void ask(struct verify_replay *replay, const struct refmap *reference)
{
	for (uint64_t i = 0; i < replay->count; i++) {
		memcpy(arena_at(replay->arena, replay->key), key_of(replay, i), replay->key_size);

		taddr elem = refmap_find(reference, replay->key);

		if (elem.v == 0)
			wrong_answer(replay, i, "no such key");
		else if (memcmp(arena_at(replay->arena, elem), key_of(replay, i) + replay->key_size, replay->elem_size) != 0)
			wrong_answer(replay, i, "another elem: the key is there twice");
	}
}

static uint64_t field(const struct verify_replay *replay, const struct refmap *reference, struct field_at at)
{
	const uint8_t *header = arena_at(replay->arena, refmap_address(reference));

	return load_uint(&replay->verify->map->program->machine, header + at.offset, at.size);
}

/* The reference map grew no further than it had to. A classic map may be due to double: see check_load() of verify_header.c. */
static void compare_shape(struct verify_replay *replay, const struct refmap *reference)
{
	struct verify *verify = replay->verify;
	const struct map_layout *layout = verify->map->layout;
	bool classic = layout->implementation == MAP_CLASSIC;
	struct field_at at = classic ? layout->classic.b : layout->swiss.global_depth;
	uint64_t here = classic ? verify->map->classic.b : verify->map->swiss.global_depth;
	uint64_t there = field(replay, reference, at);
	char expected[64], found[64];

	if (there <= here + classic)
		return;
	snprintf(expected, sizeof(expected), "at least %llu for these entries", (unsigned long long)there);
	snprintf(found, sizeof(found), "%llu", (unsigned long long)here);
	report_wrong(verify_check_of(verify, VERIFY_REPLAY), taddr_add(verify->map->address, at.offset), expected, found,
		     "header, %s", classic ? "B" : "globalDepth");
}

static struct error *replay_all(struct verify_replay *replay)
{
	const struct go_map *map = replay->verify->map;
	struct refmap_callbacks callbacks = { .hash = hash, .equal = equal, .random = draw, .context = replay };
	struct refmap_type type;

	TRY(refmap_type_of(map->type, map->layout, &type));
	replay->arena = arena_create(&map->program->machine, taddr_of(ARENA_BASE), ARENA_LIMIT);
	replay->key = arena_allocate(replay->arena, replay->key_size + 1);

	struct refmap *reference = refmap_create(&type, replay->arena, &callbacks, 0);

	fill(replay, reference);
	ask(replay, reference);
	compare_shape(replay, reference);
	refmap_destroy(reference);
	target_destroy(replay->arena);
	return NULL;
}

static void run(struct verify_replay *replay)
{
	struct report_check *check = verify_check_of(replay->verify, VERIFY_REPLAY);
	struct error *error;

	if (replay->verify->comparer == NULL) {
		report_detail(check, "nothing: keys cannot be compared");
		return;
	}
	if (!choose_entries(replay)) {
		report_detail(check, "nothing: the keys' hashes agree as no hash function makes them");
		return;
	}
	error = replay_all(replay);
	if (error != NULL)
		report_detail(check, "nothing: %s", error->message);
	else
		report_detail(check, "%llu of %llu entries, put into a reference map of the same seed, are found there%s",
			      (unsigned long long)replay->count, (unsigned long long)replay->verify->live,
			      replay->every > 1 ? " (whole chains or tables, spread over the map)" : "");
	error_free(error);
}

void verify_replay_close(struct verify *verify)
{
	struct verify_replay *replay = verify->replay;

	if (replay == NULL) {
		const char *why = verify->hasher ? "not asked for, or the values are too large" : "hashes cannot be recomputed";

		report_detail(verify_check_of(verify, VERIFY_REPLAY), "nothing: %s", why);
		return;
	}
	if (verify->partial)
		report_detail(verify_check_of(verify, VERIFY_REPLAY), "nothing: not all of the map was read");
	else
		run(replay);
	buffer_free(&replay->entries);
	free(replay);
	verify->replay = NULL;
}
