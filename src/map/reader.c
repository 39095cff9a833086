#include "map/reader.h"

#include <stdlib.h>
#include <string.h>

#include "map/capture.h"
#include "util/alloc.h"

/* Slices of structs of slices ...: what lies deeper than this many pointers is read one by one. */
enum { LEVEL_LIMIT = 16 };
/* Bytes that a string takes in the target, with some of what lies around it. */
enum { STRING_GUESS = 18 };
/* Less than this is taken when it is needed. */
enum { RESERVE_LEAST = 1 << 20 };

struct reader {
	struct go_map map;
	struct reader_options options;
	struct findings *findings;
	struct gotype *type;
	struct target *base;     /* program->memory as it was */
	struct map_walk *walk;   /* NULL once captured */
	struct mirror *mirror;   /* NULL: what values lead to is looked at where it is */
	struct capture *capture; /* NULL: not captured */
	uint64_t part;           /* one bucket or table; UINT64_MAX: all */
	bool part_old;
	uint64_t entries;        /* live ones that went by */
	uint64_t digest;         /* of the units that went by, for comparing two readings */
	bool cut, changed;
	bool ended; /* the walk is over */
	bool wants_keys, wants_elems; /* they lead to other memory that is to be read */
};

static struct map_walk *make_walk(struct reader *reader, struct findings *findings)
{
	if (reader->part == UINT64_MAX)
		return map_walk_create(&reader->map, reader->options.what, findings);
	if (reader->map.layout->implementation == MAP_CLASSIC)
		return map_walk_create_bucket(&reader->map, reader->part, reader->part_old, findings);
	return map_walk_create_table(&reader->map, reader->part, findings);
}

static void restart(struct reader *reader, struct findings *findings)
{
	map_walk_destroy(reader->walk);
	reader->walk = make_walk(reader, findings);
	reader->entries = 0;
	reader->digest = 0;
	reader->cut = false;
}

/* A multiply-and-rotate mix over the units: not for strangers, only for telling two readings apart. */
static uint64_t digest_units(uint64_t digest, const struct map_batch *batch, uint32_t size)
{
	for (size_t i = 0; i < batch->count; i++) {
		const uint8_t *at = batch->units[i].bytes;
		uint64_t word = batch->units[i].address.v;

		for (uint32_t left = size;; left -= 8, at += 8) {
			digest = (digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
			digest = digest << 29 | digest >> 35;
			if (left == 0)
				break;
			word = 0;
			memcpy(&word, at, left < 8 ? left : 8);
			if (left < 8)
				left = 8;
		}
	}
	return digest;
}

/* The walk's next batch, cut to the entries that are wanted. */
static struct error *walk_step(struct reader *reader, struct map_batch *batch)
{
	*batch = (struct map_batch){ 0 };
	if (reader->cut)
		return NULL;
	TRY(map_walk_next(reader->walk, batch));
	for (size_t i = 0; i < batch->count; i++) {
		struct map_unit *unit = (struct map_unit *)&batch->units[i]; /* the walk's own array */
		unsigned live = map_live_count(unit);

		while (reader->entries + live > reader->options.most_entries) {
			unit->live &= (uint8_t)~(0x80 >> __builtin_clz((unsigned)unit->live << 24));
			live--;
			reader->cut = true;
		}
		reader->entries += live;
		if (reader->cut)
			batch->count = i + 1;
	}
	if (reader->options.unstopped)
		reader->digest = digest_units(reader->digest, batch, reader->map.layout->unit.size);
	return NULL;
}

/* Notes what a batch's entries lead to. False where the mirror is full. */
static bool want_batch(struct reader *reader, const struct map_batch *batch, unsigned levels, bool *deeper)
{
	struct value_wanted wanted = { .mirror = reader->mirror, .limits = reader->options.limits };

	if (!reader->wants_keys && !reader->wants_elems)
		return true;
	for (size_t i = 0; i < batch->count && !wanted.full; i++)
		for (unsigned live = batch->units[i].live; live != 0; live &= live - 1)
			map_entry_want(&reader->map, &batch->units[i], (unsigned)__builtin_ctz(live), reader->wants_keys,
				       reader->wants_elems, &wanted, levels);
	*deeper |= wanted.deeper;
	value_wanted_free(&wanted);
	return !wanted.full;
}

/* --- capturing --------------------------------------------------------------------------------------------- */

static bool fits(const struct reader *reader)
{
	return capture_size(reader->capture) + mirror_size(reader->mirror) <= reader->options.memory_limit;
}

/* Copies all units and notes what they lead to directly. */
static struct error *capture_units(struct reader *reader, bool *full, bool *deeper)
{
	struct map_batch batch;

	do {
		TRY(walk_step(reader, &batch));
		if (batch.count == 0)
			return NULL;
		TRY(capture_add(reader->capture, &batch));
		*full = !want_batch(reader, &batch, 0, deeper) || !fits(reader);
	} while (!*full);
	return NULL;
}

/* Fetches what is noted, then goes a level deeper as long as anything leads there. */
static struct error *capture_levels(struct reader *reader, bool *full, bool deeper)
{
	struct map_batch batch;

	TRY(mirror_fetch(reader->mirror));
	for (unsigned levels = 1; deeper && levels < LEVEL_LIMIT && !*full; levels++) {
		deeper = false;
		capture_rewind(reader->capture, false);
		for (;;) {
			TRY(capture_next(reader->capture, &batch));
			if (batch.count == 0)
				break;
			*full |= !want_batch(reader, &batch, levels, &deeper);
		}
		TRY(mirror_fetch(reader->mirror));
		*full |= !fits(reader);
	}
	return NULL;
}

static bool same_fields(const struct go_map *a, const struct go_map *b)
{
	const struct classic_header *c = &a->classic, *d = &b->classic;
	const struct swiss_header *s = &a->swiss, *t = &b->swiss;

	if (a->length != b->length)
		return false;
	if (a->layout->implementation == MAP_CLASSIC)
		return c->flags == d->flags && c->b == d->b && c->hash0 == d->hash0 && c->buckets.v == d->buckets.v &&
		       c->old_buckets.v == d->old_buckets.v && c->nevacuate == d->nevacuate;
	return s->seed == t->seed && s->directory.v == t->directory.v && s->dir_len == t->dir_len &&
	       s->clear_seq == t->clear_seq;
}

static bool same_header(const struct reader *reader)
{
	struct go_map now;
	struct error *error = map_open(reader->map.type, reader->map.address, &now);

	if (error != NULL) {
		error_free(error);
		return false;
	}
	return same_fields(&now, &reader->map) && !map_being_written(&now);
}

/* Reads all once more and compares: a target that runs may have changed the map in between. */
static struct error *compare_again(struct reader *reader)
{
	struct findings again = { 0 };
	struct map_batch batch;
	uint64_t digest = reader->digest, entries = reader->entries;
	bool cut = reader->cut;
	struct error *error;

	restart(reader, &again);
	do {
		error = walk_step(reader, &batch);
	} while (error == NULL && batch.count != 0);
	reader->changed = reader->digest != digest || reader->entries != entries || !same_header(reader) ||
			  !mirror_unchanged(reader->mirror);
	reader->entries = entries;
	reader->cut = cut;
	findings_free(&again);
	return error;
}

static void drop_capture(struct reader *reader)
{
	capture_destroy(reader->capture);
	reader->capture = NULL;
	mirror_clear(reader->mirror);
	findings_free(reader->findings);
	restart(reader, reader->findings);
}

static struct error *capture_all(struct reader *reader)
{
	bool full = false, deeper = false;

	TRY(capture_units(reader, &full, &deeper));
	if (!full)
		TRY(capture_levels(reader, &full, deeper));
	if (full) {
		drop_capture(reader);
		return NULL;
	}
	if (reader->options.unstopped)
		TRY(compare_again(reader));
	map_walk_destroy(reader->walk);
	reader->walk = NULL;
	capture_rewind(reader->capture, true);
	mirror_seal(reader->mirror);
	return NULL;
}

/* --- the interface ----------------------------------------------------------------------------------------- */

/* Memory for the copy of the map, and for what its strings take: a guess, more is taken when it is needed. */
static void reserve(struct reader *reader, const struct go_map *map)
{
	const struct reader_options *options = &reader->options;
	size_t units = capture_estimate(map, options->whole), values = 0;

	if (options->most_entries < map->length)
		return;
	if (reader->wants_keys)
		values += map->length * STRING_GUESS;
	if (reader->wants_elems)
		values += map->length * STRING_GUESS;
	if (units > options->memory_limit) { /* not worth a try */
		capture_destroy(reader->capture);
		reader->capture = NULL;
		return;
	}
	if (units >= RESERVE_LEAST)
		capture_reserve(reader->capture, units);
	if (values >= RESERVE_LEAST && values <= options->memory_limit)
		mirror_reserve(reader->mirror, values);
}

struct error *reader_create(struct gotype *type, taddr address, const struct reader_options *options,
			    struct findings *findings, struct reader **out)
{
	struct reader *reader = xcalloc(1, sizeof(*reader));
	struct target *memory = type->program->memory;
	struct go_map map;
	struct error *error = map_open(type, address, &map);

	if (error != NULL) {
		free(reader);
		return error;
	}
	reader->type = type;
	reader->options = *options;
	reader->findings = findings;
	reader->base = memory;
	reader->part = UINT64_MAX;
	reader->wants_keys = options->keys && (type->map_layout->key_indirect || value_has_references(type->key));
	reader->wants_elems = options->elems && (type->map_layout->elem_indirect || value_has_references(type->elem));
	if (memory->ops->view == NULL) {
		reader->mirror = mirror_create(memory, options->memory_limit);
		reader->capture = capture_create(&reader->map, options->whole);
		reserve(reader, &map);
	}
	*out = reader;
	return NULL;
}

void reader_set_part(struct reader *reader, uint64_t part, bool old)
{
	reader->part = part;
	reader->part_old = old;
}

struct error *reader_open(struct reader *reader, taddr address)
{
	TRY(map_open(reader->type, address, &reader->map));
	reader->walk = make_walk(reader, reader->findings);
	if (reader->mirror == NULL)
		return NULL;
	reader->type->program->memory = mirror_target(reader->mirror);
	return reader->capture ? capture_all(reader) : NULL;
}

const struct go_map *reader_map(const struct reader *reader)
{
	return &reader->map;
}

bool reader_captured(const struct reader *reader)
{
	return reader->mirror == NULL || reader->capture != NULL;
}

bool reader_changed(const struct reader *reader)
{
	return reader->changed;
}

bool reader_cut(const struct reader *reader)
{
	return reader->cut;
}

/* Mirrors what a batch leads to; pages stay from batch to batch until there is no more room. */
static struct error *prepare_batch(struct reader *reader, const struct map_batch *batch)
{
	bool deeper = true;

	for (unsigned levels = 0; deeper && levels < LEVEL_LIMIT; levels++) {
		deeper = false;
		if (!want_batch(reader, batch, levels, &deeper)) {
			mirror_clear(reader->mirror);
			deeper = false;
			want_batch(reader, batch, levels, &deeper);
		}
		TRY(mirror_fetch(reader->mirror));
	}
	return NULL;
}

struct error *reader_next(struct reader *reader, struct map_batch *out)
{
	*out = (struct map_batch){ 0 };
	if (reader->capture != NULL)
		return capture_next(reader->capture, out);
	if (reader->ended)
		return NULL;
	TRY(walk_step(reader, out));
	if (out->count != 0)
		return reader->mirror ? prepare_batch(reader, out) : NULL;
	reader->ended = true;
	return reader->options.unstopped ? compare_again(reader) : NULL;
}

void reader_close(struct reader *reader)
{
	if (reader == NULL)
		return;
	reader->type->program->memory = reader->base;
	map_walk_destroy(reader->walk);
	capture_destroy(reader->capture);
	mirror_destroy(reader->mirror);
	free(reader);
}
