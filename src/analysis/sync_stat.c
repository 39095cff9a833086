#include "analysis/sync_stat.h"

#include <stdlib.h>

void sync_stat_free(struct sync_stat *stat)
{
	free(stat->levels.items);
	free(stat->chain_lengths.items);
}

/* --- read and dirty ---------------------------------------------------------------------------------------------- */

/* The memory of an inner map, as stat of it says. What is wrong in it was found when its entries were read. */
static struct error *measure_inner(const struct go_map *inner, struct sync_inner_stat *out)
{
	struct reader_options options = { .most_entries = UINT64_MAX, .limits = value_limits_now() };
	struct findings findings = { 0 };
	struct map_stat stat = { 0 };
	struct reader *reader;

	if (inner->address.v == 0)
		return NULL;
	stat_reader_options(inner->type, &options);
	TRY(reader_create(inner->type, inner->address, &options, &findings, &reader));

	struct error *error = reader_open(reader, inner->address);

	if (error == NULL) {
		stat_read_spares(inner, &stat);
		error = stat_compute(reader, &findings, &stat);
	}
	out->capacity = stat.capacity;
	out->load_factor = stat.load_factor;
	out->bytes = stat.bytes;
	out->wasted_bytes = stat.wasted_bytes;
	map_stat_free(&stat);
	reader_close(reader);
	findings_free(&findings);
	return error;
}

/* The entries [from, to) are those of this inner map. A slot that leads to a dead entry serves nobody. */
static void count_inner(const struct sync_contents *contents, size_t from, size_t to, struct sync_inner_stat *out)
{
	const struct map_unit_layout *unit = &contents->map->layout->inner->map_layout->unit;
	bool swiss = contents->map->layout->inner->map_layout->implementation == MAP_SWISS;
	uint64_t slot = 1 + unit->key_stride + (swiss ? 0 : unit->elem_stride);

	out->entries = to - from;
	for (size_t i = from; i < to; i++) {
		out->deleted += contents->entries[i].state == SYNC_DELETED;
		out->expunged += contents->entries[i].state == SYNC_EXPUNGED;
	}
	out->wasted_bytes += slot * (out->deleted + out->expunged);
}

static struct error *compute_read_dirty(const struct sync_contents *contents, struct sync_stat *out)
{
	const struct sync_map *map = contents->map;
	const struct sync_inner_stat *whole = map->amended ? &out->dirty : &out->read;

	TRY(measure_inner(&contents->read, &out->read));
	TRY(measure_inner(&contents->dirty, &out->dirty));
	count_inner(contents, 0, contents->read_count, &out->read);
	count_inner(contents, contents->read_count, contents->count, &out->dirty);
	for (size_t i = 0; i < contents->count; i++) {
		const struct sync_entry *entry = &contents->entries[i];

		if (i >= contents->read_count && entry->in_read)
			continue; /* the read map's, once */
		out->deleted += entry->state == SYNC_DELETED;
		out->expunged += entry->state == SYNC_EXPUNGED;
	}
	out->bytes += out->read.bytes + out->dirty.bytes;
	out->wasted_bytes += out->read.wasted_bytes + out->dirty.wasted_bytes +
			     (out->deleted + out->expunged) * map->layout->entry_size;
	out->capacity = whole->capacity;
	out->load_factor = whole->load_factor;
	/* sync/map.go, missLocked: a miss is counted, then that many as dirty has entries promote it */
	if (map->amended)
		out->until_promotion = map->misses < out->dirty.entries ? out->dirty.entries - map->misses : 1;
	return NULL;
}

/* --- trie -------------------------------------------------------------------------------------------------------- */

static void count_chains(const struct sync_contents *contents, struct sync_stat *out)
{
	for (size_t i = 0; i < contents->count; i++) {
		const struct sync_entry *entry = &contents->entries[i];
		bool last = i + 1 == contents->count || contents->entries[i + 1].chain == 0;

		out->overflow_entries += entry->chain != 0;
		histogram_add(&out->levels, contents->nodes[entry->node].level + 1u);
		if (last)
			histogram_add(&out->chain_lengths, entry->chain + 1u);
	}
}

static void compute_trie(const struct sync_contents *contents, struct sync_stat *out)
{
	const struct sync_layout *layout = contents->map->layout;
	unsigned word = contents->map->program->machine.word_size;

	for (size_t i = 0; i < contents->node_count; i++) {
		unsigned children = 0;

		for (unsigned slot = 0; slot < SYNC_CHILDREN; slot++)
			children += contents->nodes[i].children[slot].v != 0;
		out->fill[children]++;
		out->child_slots_used += children;
		out->wasted_bytes += children == 0 ? layout->node_size : (SYNC_CHILDREN - children) * word;
		out->empty_nodes += children == 0 && i != 0;
	}
	count_chains(contents, out);
	out->child_slots = out->capacity = contents->node_count * SYNC_CHILDREN;
	out->load_factor = out->child_slots ? (double)out->child_slots_used / (double)out->child_slots : 0;
}

/* --- both -------------------------------------------------------------------------------------------------------- */

static bool add_block(void *context, const struct sync_block *block)
{
	struct sync_stat *out = context;

	out->bytes += block->size;
	return true;
}

struct error *sync_stat_compute(const struct sync_contents *contents, struct sync_stat *out)
{
	out->bytes = contents->map->layout->size;
	sync_each_block(contents, add_block, out);
	if (contents->map->layout->form == SYNC_READ_DIRTY)
		return compute_read_dirty(contents, out);
	compute_trie(contents, out);
	return NULL;
}
