/*
 * Where keys are, and where lookups of them come by. Classic: mapaccess1() of runtime/map.go: the bucket is the hash's low
 * bits, the tophash its upper byte. Swiss: the directory slot is the hash's upper bits, H2 its lower seven, and the groups of
 * the table are probed in steps of 1, 2, 3 ... from H1 on, to the first that has an empty slot (table.go, probeSeq).
 */
#include "analysis/verify_private.h"

#include <stdlib.h>

#include "util/alloc.h"

/* So many keys in place prove a hash function right. */
enum { PROOF = 8 };
/* Of so many keys or more one of so many is in place, and one by chance: the seed is another. */
enum { SEED_KEYS = 4, SEED_PLACED = 16 };

/* The units that a key can be among. */
struct home {
	const struct map_table *table; /* Swiss; NULL: a small map */
	const struct map_unit *units;
	size_t count;
	uint64_t mask; /* of buckets, or of the table's groups */
	/* Swiss: the table's directory slots, and how far a hash is shifted for its own; all fit where there is no directory */
	uint64_t first, slots;
	unsigned shift;
};

/* --- hashers ---------------------------------------------------------------------------------------------------- */

/* Most keys are integers: a step of hashing that needs no looking up of steps (genhash: memhash32, memhash64). */
static verify_plain_hash *plain_hash(const struct go_map *map, const struct hash_state *state)
{
	const struct gotype *key = map->type->key;
	bool plain = gotype_is_integer(key) || key->kind == GO_POINTER || key->kind == GO_CHAN || key->kind == GO_UNSAFE_POINTER;

	if (!plain || map->layout->key_indirect)
		return NULL;
	return key->size == 8 ? hash_functions_of(state)->memory64 : key->size == 4 ? hash_functions_of(state)->memory32 : NULL;
}

static struct error *open_hashers(struct verify *verify)
{
	struct gotype *key = verify->map->type->key;
	const struct hash_state *state = &verify->verifier->state;
	/* reflect.MapOf makes types whose maps hash by runtime.typehash; of structs that differs from 1.17 on */
	bool two_ways = state->go_minor >= 17 && (key->kind == GO_STRUCT || key->kind == GO_ARRAY);

	verify->plain = plain_hash(verify->map, state);
	TRY(key_hasher_create(state, key, false, &verify->hasher));
	return two_ways ? key_hasher_create(state, key, true, &verify->other) : NULL;
}

void verify_placement_open(struct verify *verify)
{
	struct report_check *check = verify_check_of(verify, VERIFY_PLACEMENT);

	if (verify->verifier->no_hashes != NULL) {
		report_detail(check, "nothing: %s", verify->verifier->no_hashes);
		return;
	}

	struct error *error = open_hashers(verify);

	if (error != NULL)
		report_detail(check, "nothing: %s", error->message);
	error_free(error);
}

/* Where next to no key is where it belongs, it is not the keys that are wrong. */
static void judge_seed(struct verify *verify)
{
	const struct go_map *map = verify->map;
	bool classic = map->layout->implementation == MAP_CLASSIC;
	uint64_t judged = verify->live - verify->nan - verify->unreadable;

	if (judged < SEED_KEYS || verify->placed > judged / SEED_PLACED + 1)
		return;
	verify_wrong_header(verify, classic ? "hash0" : "seed", classic ? map->layout->classic.hash0 : map->layout->swiss.seed,
			    xstrdup("the seed that the keys were hashed with"),
			    xasprintf("0x%llx: %llu of %llu keys are where it leads",
				      (unsigned long long)(classic ? map->classic.hash0 : map->swiss.seed),
				      (unsigned long long)verify->placed, (unsigned long long)judged));
}

void verify_placement_report(struct verify *verify)
{
	const struct hash_state *state = &verify->verifier->state;
	struct buffer detail = { 0 };

	if (verify->hasher == NULL)
		return;
	judge_seed(verify);
	buffer_append_format(&detail, "%llu of %llu keys are where their %s hash%s leads", (unsigned long long)verify->placed,
			     (unsigned long long)verify->live, state->aes ? "AES" : "non-AES",
			     verify->by_typehash ? " by runtime.typehash (reflect.MapOf)" : "");
	if (verify->nan != 0)
		buffer_append_format(&detail, "; %llu with a NaN can be anywhere", (unsigned long long)verify->nan);
	if (verify->unreadable != 0)
		buffer_append_format(&detail, "; %llu cannot be read", (unsigned long long)verify->unreadable);
	report_detail(verify_check_of(verify, VERIFY_PLACEMENT), "%s", buffer_text(&detail));
	buffer_free(&detail);
}

/* --- what is wrong with a slot ---------------------------------------------------------------------------------- */

struct verify_site verify_key_site(const struct verify *verify, const struct verify_slot *at, const char *field)
{
	return (struct verify_site){ .table = at->table, .unit = at->unit, .slot = (int)at->slot, .field = field,
				     .address = map_key_slot_address(verify->map, at->unit, at->slot) };
}

struct verify_site verify_control_site(const struct verify *verify, const struct map_table *table, const struct map_unit *unit,
				       unsigned slot)
{
	const struct go_map *map = verify->map;
	bool swiss = map->layout->implementation == MAP_SWISS;
	unsigned byte = swiss && map->program->machine.big_endian ? MAP_SLOTS - 1 - slot : slot;

	return (struct verify_site){ .table = table, .unit = unit, .slot = (int)slot, .field = swiss ? "control" : "tophash",
				     .address = taddr_add(unit->address, map->layout->unit.control_offset + byte) };
}

static void unreadable_key(struct verify *verify, const struct verify_slot *at, const char *why)
{
	struct verify_site site = verify_key_site(verify, at, "key");

	verify->unreadable++;
	if (!verify_only_counted(verify, VERIFY_PLACEMENT))
		verify_wrong(verify, VERIFY_PLACEMENT, &site, xstrdup("a key that can be read and hashed"), xstrdup(why));
}

static void wrong_byte(struct verify *verify, const struct verify_slot *at, unsigned expected)
{
	struct verify_site site = verify_control_site(verify, at->table, at->unit, at->slot);

	verify_wrong(verify, VERIFY_PLACEMENT, &site, xasprintf("0x%02x", expected),
		     xasprintf("0x%02x", map_control(verify->map, at->unit, at->slot)));
}

static void wrong_key(struct verify *verify, const struct verify_slot *at, char *expected, char *found)
{
	struct verify_site site = verify_key_site(verify, at, "key");

	verify_wrong(verify, VERIFY_PLACEMENT, &site, expected, found);
}

/* --- hashing ---------------------------------------------------------------------------------------------------- */

/* The hash of a slot's key; false where there is none to judge by, and that is noted. */
static inline bool hash_key(struct verify *verify, const struct verify_slot *at, struct key_hasher *hasher, uint64_t seed,
			    uint64_t *hash)
{
	struct map_entry entry;
	struct error *error = map_entry_load(verify->map, at->unit, at->slot, &verify->scratch, &entry);

	if (error != NULL) {
		unreadable_key(verify, at, error->message);
		error_free(error);
		return false;
	}
	switch (key_hash(hasher, entry.key, entry.key_address, seed, hash)) {
	case HASH_OK:
		return true;
	case HASH_NAN:
		verify->nan++;
		return false;
	case HASH_UNKNOWN:
		unreadable_key(verify, at, key_hash_reason(hasher));
	}
	return false;
}

/* The same by the function that is taken for the map's. */
static inline bool hash_slot(struct verify *verify, const struct verify_slot *at, uint64_t seed, uint64_t *hash)
{
	if (verify->plain == NULL)
		return hash_key(verify, at, verify->hasher, seed, hash);
	*hash = verify->plain(&verify->verifier->state, map_key_slot(verify->map, at->unit, at->slot), seed);
	return true;
}

/* Judges one slot by a hash: true where a lookup comes by it. */
typedef bool fits_function(const struct verify *verify, const struct home *home, const struct verify_slot *at, uint64_t hash);

/*
 * Where the first keys do not fit, the map may be one whose type reflect.MapOf made. Whichever function puts this one right
 * is taken for the map's.
 */
static bool other_fits(struct verify *verify, const struct home *home, const struct verify_slot *at, uint64_t seed,
		       fits_function *fits)
{
	struct key_hasher *other = verify->other;
	uint64_t hash;

	if (other == NULL || verify->placed >= PROOF || !hash_key(verify, at, other, seed, &hash))
		return false;
	if (!fits(verify, home, at, hash))
		return false;
	verify->other = verify->hasher;
	verify->hasher = other;
	verify->by_typehash = !verify->by_typehash;
	return true;
}

/* --- classic ---------------------------------------------------------------------------------------------------- */

static inline uint8_t tophash_of(const struct go_map *map, uint64_t hash)
{
	uint8_t top = (uint8_t)(hash >> (8 * map->program->machine.word_size - 8)), least = classic_min_tophash(map->program);

	return top < least ? (uint8_t)(top + least) : top;
}

static inline bool fits_bucket(const struct verify *verify, const struct home *home, const struct verify_slot *at, uint64_t hash)
{
	return (hash & home->mask) == at->unit->index &&
	       tophash_of(verify->map, hash) == map_control(verify->map, at->unit, at->slot);
}

static void judge_classic(struct verify *verify, const struct home *home, const struct verify_slot *at, uint64_t hash)
{
	uint8_t top = tophash_of(verify->map, hash);
	uint64_t bucket = hash & home->mask;

	if (other_fits(verify, home, at, verify->map->classic.hash0, fits_bucket))
		verify->placed++;
	else if (verify_only_counted(verify, VERIFY_PLACEMENT))
		return;
	else if (bucket == at->unit->index)
		wrong_byte(verify, at, top);
	else
		wrong_key(verify, at,
			  xasprintf("a key of %sbucket %llu", at->unit->old ? "old " : "", (unsigned long long)at->unit->index),
			  xasprintf("a key of bucket %llu, tophash 0x%02x (hash 0x%llx)", (unsigned long long)bucket, top,
				    (unsigned long long)hash));
}

static void place_bucket(struct verify *verify, const struct home *home, const struct map_unit *unit)
{
	uint64_t seed = verify->map->classic.hash0, hash, placed = 0;

	for (unsigned live = unit->live; live != 0; live &= live - 1) {
		struct verify_slot at = { NULL, unit, (unsigned)__builtin_ctz(live) };

		if (!hash_slot(verify, &at, seed, &hash))
			continue;
		if (__builtin_expect(fits_bucket(verify, home, &at, hash), true))
			placed++;
		else
			judge_classic(verify, home, &at, hash);
	}
	verify->placed += placed;
}

void verify_classic_keys(struct verify *verify, const struct map_unit *units, size_t count)
{
	const struct classic_header *header = &verify->map->classic;
	struct home home = { .units = units, .count = count };

	home.mask = (units->old ? header->old_count : header->bucket_count) - 1;
	for (size_t i = 0; i < count; i++) {
		if (verify->hasher != NULL)
			place_bucket(verify, &home, &units[i]);
		verify_find_twins(verify, NULL, &units[i]);
	}
	if (count > 1)
		verify_compare_chain(verify, units, count);
}

/* --- Swiss ------------------------------------------------------------------------------------------------------ */

static inline bool in_directory(const struct home *home, uint64_t hash)
{
	return (hash >> home->shift) - home->first < home->slots;
}

static inline bool has_empty_slot(const struct verify *verify, const struct map_unit *unit)
{
	return verify_zero_bytes(verify_controls(verify->map, unit) ^ 0x80 * VERIFY_EACH) != 0;
}

/* Follows a key's lookup up to the group that it is in: true where it comes there. *end: where it ended. */
static bool probe(const struct verify *verify, const struct home *home, uint64_t target, uint64_t hash, uint64_t *end)
{
	uint64_t at = (hash >> 7) & home->mask;

	for (uint64_t step = 1; step <= home->mask + 1; step++) {
		*end = at;
		if (at == target)
			return true;
		if (at < home->count && has_empty_slot(verify, &home->units[at]))
			return false;
		at = (at + step) & home->mask;
	}
	return false;
}

static bool fits_group(const struct verify *verify, const struct home *home, const struct verify_slot *at, uint64_t hash)
{
	uint64_t end;

	return (hash & 0x7f) == map_control(verify->map, at->unit, at->slot) && in_directory(home, hash) &&
	       probe(verify, home, at->unit->index, hash, &end);
}

/* The groups that the lookup of a key comes by before its own: the same key must not be there. */
static void compare_before(struct verify *verify, const struct home *home, const struct verify_slot *slot, uint64_t hash)
{
	uint64_t at = (hash >> 7) & home->mask;

	for (uint64_t step = 1; at != slot->unit->index; step++) {
		if (at < home->count)
			verify_compare_with(verify, &home->units[at], slot);
		at = (at + step) & home->mask;
	}
}

static void misplaced_swiss(struct verify *verify, const struct home *home, const struct verify_slot *at, uint64_t hash)
{
	uint64_t end;

	if (verify_only_counted(verify, VERIFY_PLACEMENT))
		return;
	if (!in_directory(home, hash))
		wrong_key(verify, at,
			  xasprintf("a key of table %llu", (unsigned long long)home->table->directory_index),
			  xasprintf("a key of directory slot %llu, H2 0x%02x (hash 0x%llx)",
				    (unsigned long long)(hash >> home->shift), (unsigned)hash & 0x7f, (unsigned long long)hash));
	else if (!probe(verify, home, at->unit->index, hash, &end))
		wrong_key(verify, at, xasprintf("a key whose lookup comes by group %llu", (unsigned long long)at->unit->index),
			  xasprintf("one whose lookup ends in group %llu, which has an empty slot (hash 0x%llx)",
				    (unsigned long long)end, (unsigned long long)hash));
	else
		wrong_byte(verify, at, hash & 0x7f);
}

/* A key that is not in the first group of its lookup, or not right at all. */
static void judge_swiss(struct verify *verify, const struct home *home, const struct verify_slot *at, uint64_t hash)
{
	if (fits_group(verify, home, at, hash)) {
		verify->placed++;
		compare_before(verify, home, at, hash);
	} else if (other_fits(verify, home, at, verify->map->swiss.seed, fits_group)) {
		verify->placed++;
	} else {
		misplaced_swiss(verify, home, at, hash);
	}
}

static void place_group(struct verify *verify, const struct home *home, const struct map_unit *unit)
{
	uint64_t seed = verify->map->swiss.seed, controls = verify_controls(verify->map, unit), hash, placed = 0;

	for (unsigned live = unit->live; live != 0; live &= live - 1) {
		struct verify_slot at = { home->table, unit, (unsigned)__builtin_ctz(live) };

		if (!hash_slot(verify, &at, seed, &hash))
			continue;

		bool fits = ((hash >> 7) & home->mask) == unit->index && (hash & 0x7f) == (controls >> 8 * at.slot & 0xff) &&
			    in_directory(home, hash);

		if (__builtin_expect(fits, true))
			placed++;
		else
			judge_swiss(verify, home, &at, hash);
	}
	verify->placed += placed;
}

void verify_swiss_keys(struct verify *verify, const struct map_table *table, const struct map_unit *units, size_t count)
{
	const struct go_map *map = verify->map;
	struct home home = { .table = table, .units = units, .count = count, .shift = 63, .slots = 2 };

	home.mask = table ? table->group_count - 1 : 0;
	if (map->swiss.dir_len > 1) {
		home.shift = (8u * map->program->machine.word_size - map->swiss.global_depth) & 63;
		home.first = table->directory_index;
		home.slots = table->directory_slots;
	}
	for (size_t i = 0; i < count; i++) {
		if (i + VERIFY_AHEAD < count)
			verify_prefetch(map, &units[i + VERIFY_AHEAD]);
		if (verify->hasher != NULL)
			place_group(verify, &home, &units[i]);
		verify_find_twins(verify, table, &units[i]);
	}
}
