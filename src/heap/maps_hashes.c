/* Whether the keys of a map hash to what the control bytes of their slots say. */
#include "heap/maps_judge.h"
#include "map/map.h"
#include "map/value.h"

enum {
	KEYS_TRIED = 64, /* of one map */
	SLACK = 2,       /* one that is being written may have a key or two in the air */
};

/*
 * Whether what is taken for a string can be one: its bytes lie in one object of the heap, or in the binary; elsewhere (memory of C, a
 * mapped file) they are not many. What is no string would have its length read.
 */
static bool may_be_string(const void *context, taddr address, uint64_t length)
{
	enum { ELSEWHERE = 1 << 20 };
	const struct map_judge *judge = context;
	uint64_t data = address.v;
	const struct heap_span *span = heap_span_find(judge->walk->spans, data);

	if (length > judge->longest_string)
		return false;
	if (span != NULL)
		return length <= heap_slot_address(span, heap_slot_in(span, data)) + span->elem_size - data;
	if (data - judge->walk->image_low < judge->walk->image_high - judge->walk->image_low)
		return length <= judge->walk->image_high - data;
	return length <= ELSEWHERE;
}

void map_judge_doubt(struct map_judge *judge, struct key_hasher *hasher)
{
	key_hasher_doubt(hasher, may_be_string, judge);
}

static struct key_hasher *hasher_of(struct map_judge *judge, struct shape *shape)
{
	if (shape->hasher == NULL && !shape->no_hasher) {
		struct error *error = judge->hashes ? key_hasher_create(&judge->state, shape->type->key, false, &shape->hasher) : NULL;

		shape->no_hasher = shape->hasher == NULL;
		if (shape->hasher != NULL)
			map_judge_doubt(judge, shape->hasher);
		error_free(error);
	}
	return shape->hasher;
}

void map_judge_use_state(struct map_judge *judge, const struct hash_state *state)
{
	judge->state = *state;
	judge->hashes = true;
	for (size_t i = 0; i < judge->shape_count; i++) {
		key_hasher_destroy(judge->shapes[i].hasher);
		judge->shapes[i].hasher = NULL;
		judge->shapes[i].no_hasher = false;
	}
}

/* What the control byte of a slot with that hash is: H2, or tophash(). */
static uint8_t control_of(const struct go_map *map, uint64_t hash)
{
	uint8_t top = (uint8_t)(hash >> (8u * map->program->machine.word_size - 8)), least;

	if (map->layout->implementation == MAP_SWISS)
		return hash & 0x7f;
	least = classic_min_tophash(map->program);
	return top < least ? (uint8_t)(top + least) : top;
}

static void try_slot(const struct go_map *map, struct key_hasher *hasher, const struct map_unit *unit, unsigned slot,
		     struct map_scratch *scratch, struct tally *tally)
{
	uint64_t seed = map->layout->implementation == MAP_SWISS ? map->swiss.seed : map->classic.hash0, hash;
	struct map_entry entry;
	struct error *error = map_entry_load(map, unit, slot, scratch, &entry);

	if (error != NULL || entry.key == NULL) {
		error_free(error);
		tally->differs++;
		return;
	}
	switch (key_hash(hasher, entry.key, entry.key_address, seed, &hash)) {
	case HASH_OK:
		if (control_of(map, hash) == map_control(map, unit, slot))
			tally->fits++;
		else
			tally->differs++;
		break;
	case HASH_NAN:
		tally->unknown++;
		break;
	case HASH_UNKNOWN:
		tally->differs++;
		break;
	}
}

static void try_batch(const struct go_map *map, struct key_hasher *hasher, const struct map_batch *batch,
		      struct map_scratch *scratch, struct tally *tally)
{
	for (size_t i = 0; i < batch->count; i++) {
		for (unsigned live = batch->units[i].live; live != 0; live &= live - 1) {
			tally->live++;
			if (hasher != NULL && tally->fits + tally->differs + tally->unknown < KEYS_TRIED)
				try_slot(map, hasher, &batch->units[i], (unsigned)__builtin_ctz(live), scratch, tally);
		}
	}
}

static enum verdict judge_tally(const struct go_map *map, const struct tally *tally, bool whole, const struct findings *findings)
{
	uint64_t slack = map_being_written(map) ? SLACK : 0;

	if (findings->total > slack || tally->differs > slack)
		return REFUTED;
	if (whole && (tally->live > map->length + slack || tally->live + slack < map->length))
		return REFUTED;
	return tally->fits != 0 ? CONFIRMED : POSSIBLE;
}

enum verdict judge_type(struct map_judge *judge, struct shape *shape, struct gotype *type, taddr address, uint64_t *length, struct tally *tally)
{
	struct findings findings = { 0 };
	struct map_scratch scratch = { 0 };
	struct map_batch batch = { 0 };
	struct go_map map;
	struct error *error = map_open(type, address, &map);

	*tally = (struct tally){ 0 };
	if (error != NULL) {
		error_free(error);
		return REFUTED;
	}
	*length = map.length;
	if (map.length == 0)
		return POSSIBLE;

	struct map_walk *walk = map_walk_create(&map, MAP_WALK_LIVE, &findings);
	struct key_hasher *hasher = hasher_of(judge, shape);
	bool whole = false;

	while (tally->live < KEYS_TRIED && tally->differs <= SLACK && error == NULL && !whole) {
		error = map_walk_next(walk, &batch);
		whole = error == NULL && batch.count == 0;
		if (!whole && error == NULL)
			try_batch(&map, hasher, &batch, &scratch, tally);
	}
	error_free(error);
	map_walk_destroy(walk);
	map_scratch_free(&scratch);

	enum verdict verdict = judge_tally(&map, tally, whole, &findings);

	findings_free(&findings);
	return verdict;
}
