#include "analysis/stat.h"

#include <stdlib.h>

#include "map/hash_state.h"
#include "map/key_hash.h"
#include "util/alloc.h"

/* Chains and probe sequences longer than this are counted in the last item. */
enum { HISTOGRAM_LIMIT = 4096 };

void histogram_add(struct histogram *histogram, uint64_t length)
{
	size_t index = length > HISTOGRAM_LIMIT ? HISTOGRAM_LIMIT - 1 : length - 1;

	while (histogram->count <= index) {
		ARRAY_RESERVE(histogram->items, histogram->count, histogram->capacity);
		histogram->items[histogram->count++] = 0;
	}
	histogram->items[index]++;
}

void map_stat_free(struct map_stat *stat)
{
	free(stat->chain_lengths.items);
	free(stat->probe_lengths.items);
	free(stat->no_probe_lengths);
}

void stat_reader_options(struct gotype *type, struct reader_options *options)
{
	options->what = MAP_WALK_ALL;
	/* probe lengths need the keys' hashes */
	options->keys = type->map_layout != NULL && type->map_layout->implementation == MAP_SWISS;
	options->elems = false;
}

/* --- classic -------------------------------------------------------------------------------------------------- */

/*
 * Counts buckets from `next` on up to the first whose overflow pointer is set. *next goes on behind those that were
 * looked at; false once that bucket, or memory that cannot be read, was met.
 */
static bool count_spares(const struct go_map *map, uint64_t *next, uint64_t *count)
{
	enum { AT_ONCE = 64 };
	const struct map_layout *layout = map->layout;
	uint32_t size = layout->unit.size;
	uint8_t *bytes = xmalloc((size_t)size * AT_ONCE);
	size_t got = target_read_some(map->program->memory, taddr_of(*next), bytes, (size_t)size * AT_ONCE) / size;
	bool more = got == AT_ONCE;

	for (size_t i = 0; i < got; i++) {
		++*count;
		if (load_word(&map->program->machine, bytes + i * size + layout->unit.overflow_offset) != 0) {
			more = false;
			break;
		}
	}
	*next += (uint64_t)got * size;
	free(bytes);
	return more;
}

/*
 * Buckets allocated behind the array as overflow buckets to be, from mapextra.nextOverflow on (makeBucketArray,
 * runtime/map.go, >= 1.9): each but the last has a nil overflow pointer.
 */
void stat_read_spares(const struct go_map *map, struct map_stat *out)
{
	const struct field_at *at = &map->layout->classic.next_overflow;
	uint64_t next = 0;

	if (map->address.v == 0 || map->layout->implementation != MAP_CLASSIC || at->size == 0 || map->classic.extra.v == 0)
		return;

	struct error *error = target_read_word(map->program->memory, taddr_add(map->classic.extra, at->offset), &next);

	error_free(error);
	/* there are 2^(B-4) of them, and what the size class leaves room for */
	while (next != 0 && out->spare_buckets <= map->classic.bucket_count / 4 && count_spares(map, &next, &out->spare_buckets))
		;
}

static void count_chain(struct map_stat *stat, const struct map_batch *batch, size_t i)
{
	const struct map_unit *unit = &batch->units[i];
	bool last = i + 1 == batch->count || batch->units[i + 1].chain == 0;

	if (unit->chain != 0)
		stat->overflow_buckets++;
	if (unit->old && unit->chain == 0 && unit->evacuated)
		stat->evacuated++;
	if (!unit->old && last)
		histogram_add(&stat->chain_lengths, unit->chain + 1);
}

/* Bytes of a slot that serve an entry: its control byte, key and elem, and what these are stored behind. */
static uint64_t slot_bytes(const struct go_map *map)
{
	const struct map_unit_layout *unit = &map->layout->unit;
	bool together = map->layout->implementation == MAP_SWISS && unit->elem_offset < unit->key_offset + unit->key_stride;

	return 1 + unit->key_stride + (together ? 0 : unit->elem_stride);
}

static uint64_t indirect_bytes(const struct go_map *map)
{
	return (map->layout->key_indirect ? map->type->key->size : 0) + (map->layout->elem_indirect ? map->type->elem->size : 0);
}

static void classic_totals(const struct go_map *map, struct map_stat *stat)
{
	const struct classic_header *header = &map->classic;
	const struct go_version *version = map->program->version;
	uint64_t units = header->bucket_count + header->old_count + stat->overflow_buckets + stat->spare_buckets;

	stat->capacity = header->bucket_count * MAP_SLOTS;
	stat->load_factor = header->bucket_count ? (double)map->length / (double)header->bucket_count : 0;
	stat->limit = header->bucket_count <= 1
			      ? MAP_SLOTS
			      : header->bucket_count / version->load_denominator * version->load_numerator;
	stat->bytes = map->layout->header_size + units * map->layout->unit.size;
	stat->wasted_bytes += stat->spare_buckets * map->layout->unit.size;
}

/* --- swiss ---------------------------------------------------------------------------------------------------- */

struct prober {
	struct key_hasher *hasher;
	const struct go_map *map;
};

static void prober_open(struct prober *prober, const struct go_map *map, struct map_stat *stat)
{
	struct hash_state state;
	struct error *error = hash_state_read(map->program, &state);

	prober->map = map;
	prober->hasher = NULL;
	if (error == NULL)
		error = key_hasher_create(&state, map->type->key, false, &prober->hasher);
	if (error != NULL)
		stat->no_probe_lengths = xstrdup(error->message);
	error_free(error);
}

/* Groups that a lookup of `hash` looks at until it comes to `group`: steps of 1, 2, 3 ... from H1 (probeSeq, table.go). */
static uint64_t probes_until(uint64_t hash, uint64_t group, uint64_t group_count)
{
	uint64_t at = (hash >> 7) & (group_count - 1);

	for (uint64_t probes = 1; probes <= group_count; probes++) {
		if (at == group)
			return probes;
		at = (at + probes) & (group_count - 1);
	}
	return 0;
}

static void probe_slot(struct prober *prober, const struct map_unit *unit, unsigned slot, uint64_t groups,
		       struct map_scratch *scratch, struct map_stat *stat)
{
	struct map_entry entry;
	uint64_t hash;
	struct error *error = map_entry_load(prober->map, unit, slot, scratch, &entry);

	if (error != NULL) {
		error_free(error);
		stat->misplaced++;
		return;
	}
	switch (key_hash(prober->hasher, entry.key, entry.key_address, prober->map->swiss.seed, &hash)) {
	case HASH_NAN:
		stat->unhashable++;
		return;
	case HASH_UNKNOWN:
		stat->misplaced++;
		return;
	default:
		break;
	}

	uint64_t probes = (hash & 0x7f) == map_control(prober->map, unit, slot) ? probes_until(hash, unit->index, groups) : 0;

	if (probes == 0)
		stat->misplaced++;
	else
		histogram_add(&stat->probe_lengths, probes);
}

static void count_tables(const struct map_batch *batch, struct map_stat *stat)
{
	for (size_t i = 0; i < batch->table_count; i++) {
		const struct map_table *table = &batch->tables[i];

		if (stat->tables++ == 0 || table->growth_left < stat->table_growth_left)
			stat->table_growth_left = table->growth_left;
		stat->capacity += table->capacity;
	}
}

static void swiss_totals(const struct go_map *map, struct map_stat *stat)
{
	const struct swiss_header *header = &map->swiss;

	if (header->dir_len == 0)
		stat->capacity = stat->groups * MAP_SLOTS;
	stat->load_factor = stat->capacity ? (double)map->length / (double)stat->capacity : 0;
	/* maxAvgGroupLoad: 7 of 8; a small map fills its group */
	stat->limit = header->dir_len == 0 ? MAP_SLOTS : stat->capacity / 8 * 7;
	stat->bytes = map->layout->header_size + stat->groups * map->layout->unit.size +
		      stat->tables * map->layout->swiss.table_size + header->dir_len * map->program->machine.word_size;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

static void count_unit(const struct go_map *map, const struct map_unit *unit, struct map_stat *stat)
{
	unsigned live = map_live_count(unit);

	stat->live += live;
	/* an evacuated bucket holds nothing; a waiting one nothing yet */
	stat->wasted_bytes += live == 0 ? map->layout->unit.size : (MAP_SLOTS - live) * slot_bytes(map);
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		const char *name;

		if (!unit->evacuated && map_slot_state(map, map_control(map, unit, slot), &name) == SLOT_DELETED)
			stat->deleted++;
	}
}

static void count_batch(const struct go_map *map, const struct map_batch *batch, struct prober *prober, struct map_scratch *scratch,
			struct map_stat *stat)
{
	count_tables(batch, stat);
	for (size_t i = 0; i < batch->count; i++) {
		const struct map_unit *unit = &batch->units[i];
		uint64_t groups = batch->table_count ? batch->tables[unit->table].group_count : 1;

		count_unit(map, unit, stat);
		if (map->layout->implementation == MAP_CLASSIC)
			count_chain(stat, batch, i);
		else
			stat->groups++;
		for (unsigned live = prober->hasher ? unit->live : 0; live != 0; live &= live - 1)
			probe_slot(prober, unit, (unsigned)__builtin_ctz(live), groups, scratch, stat);
	}
}

static struct error *count_batches(struct reader *reader, struct prober *prober, struct map_stat *stat)
{
	const struct go_map *map = reader_map(reader);
	struct map_scratch scratch = { 0 };
	struct map_batch batch;
	struct error *error;

	while ((error = reader_next(reader, &batch)) == NULL && batch.count != 0)
		count_batch(map, &batch, prober, &scratch, stat);
	map_scratch_free(&scratch);
	return error;
}

static void finish_totals(const struct go_map *map, struct map_stat *out)
{
	if (map->layout->implementation == MAP_CLASSIC)
		classic_totals(map, out);
	else
		swiss_totals(map, out);
	out->bytes += out->live * indirect_bytes(map);
}

struct error *stat_measure(const struct go_map *map, struct findings *findings, struct map_stat *out)
{
	struct prober none = { 0 };
	struct map_batch batch;
	struct error *error;

	if (map->address.v == 0)
		return NULL;
	stat_read_spares(map, out);

	struct map_walk *walk = map_walk_create(map, MAP_WALK_ALL, findings);

	while ((error = map_walk_next(walk, &batch)) == NULL && batch.count != 0)
		count_batch(map, &batch, &none, NULL, out);
	map_walk_destroy(walk);
	finish_totals(map, out);
	return error;
}

struct error *stat_compute(struct reader *reader, struct findings *findings, struct map_stat *out)
{
	const struct go_map *map = reader_map(reader);
	bool classic = map->layout->implementation == MAP_CLASSIC;
	struct prober prober = { 0 };

	if (map->address.v == 0)
		return NULL;
	if (!classic)
		prober_open(&prober, map, out);

	struct error *error = count_batches(reader, &prober, out);

	key_hasher_destroy(prober.hasher);
	if (error != NULL)
		return error;
	finish_totals(map, out);
	if (out->misplaced != 0)
		findings_add(findings, map->address, "%llu of its entries are not where a lookup of their keys looks",
			     (unsigned long long)out->misplaced);
	return NULL;
}
