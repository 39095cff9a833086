/* sync.Maps: structs that lie in objects and variables of known type. Their inner maps and entries are theirs, not maps of their own. */
#include <stdlib.h>
#include <string.h>

#include "analysis/census_private.h"
#include "map/sync_map.h"
#include "util/alloc.h"
#include "util/interrupt.h"

struct collector {
	struct census *census;
	struct table seen;  /* addresses of sync.Maps */
	struct table inner; /* and of the headers of maps inside them */
};

static bool add_block(void *context, const struct sync_block *block)
{
	struct census_map *item = context;

	item->bytes += block->size;
	return true;
}

static void add_inner(struct collector *collector, struct census_map *item, const struct go_map *map)
{
	struct census_map inner = { .like = map->type, .found = { .address = map->address } };

	if (map->address.v == 0 || !table_put(&collector->inner, map->address.v, 0))
		return;
	census_measure(&inner);
	item->bytes += inner.bytes;
	item->wasted_bytes += inner.wasted_bytes;
}

static void measure_sync(struct collector *collector, struct census_map *item)
{
	struct findings findings = { 0 };
	struct sync_contents contents = { 0 };
	struct sync_map map;
	struct error *error = sync_map_open(item->found.type, item->found.address, &map);

	if (error == NULL)
		error = sync_contents_load(&map, NULL, &findings, &contents);
	if (error == NULL) {
		item->found.length = contents.live;
		item->bytes = map.layout->size;
		sync_each_block(&contents, add_block, item);
		add_inner(collector, item, &contents.read);
		add_inner(collector, item, &contents.dirty);
	}
	error_free(error);
	sync_contents_free(&contents);
	findings_free(&findings);
}

static void keep(struct collector *collector, uint64_t address, struct gotype *type, uint64_t slot)
{
	struct census *census = collector->census;
	struct census_map *item;

	if (!table_put(&collector->seen, address, 0))
		return;
	census_reserve(census);
	item = &census->items[census->count++];
	*item = (struct census_map){
		.found = { .address = taddr_of(address), .slot = slot, .reached = true, .type = type, .evidence = HEAP_MAP_REFERRED },
		.is_sync = true,
	};
	measure_sync(collector, item);
}

/* All sync.Maps in values of the type from `start` to `end`. */
static void look_at_values(struct collector *collector, heap_type_id id, uint64_t start, uint64_t end, uint64_t slot)
{
	/* copied: measuring makes new types, which move the others */
	const struct heap_type type = *heap_type_complete(collector->census->types, id);

	for (uint64_t at = start; type.sync_count != 0 && at + type.size <= end; at += type.size) {
		for (uint32_t i = 0; i < type.sync_count; i++)
			keep(collector, at + type.syncs[i].offset, type.syncs[i].type, slot);
		if (!type.repeats)
			return;
	}
}

static struct error *look_at_heap(struct collector *collector)
{
	struct census *census = collector->census;

	for (size_t s = 0; s < heap_span_count(census->spans); s++) {
		const struct heap_span *span = heap_span_at(census->spans, s);

		for (uint32_t i = 0; span->scannable && i < span->count; i++) {
			heap_type_id id = heap_walk_reached(census->walk, span->first + i) ? heap_walk_type(census->walk, span->first + i) : 0;
			uint64_t start = heap_slot_address(span, i);

			if (id != 0)
				look_at_values(collector, id, start + span->header, start + span->elem_size, span->first + i);
		}
		TRY(interrupt_check());
	}
	return NULL;
}

static void look_outside(struct collector *collector)
{
	size_t count;
	const struct heap_place_outside *outside = heap_walk_outside(collector->census->walk, &count);

	for (size_t i = 0; i < count; i++)
		look_at_values(collector, outside[i].type, outside[i].address.v, outside[i].address.v + outside[i].size, UINT64_MAX);
}

static void look_at_found(struct collector *collector)
{
	const struct heap_maps *maps = &collector->census->maps;

	for (size_t i = 0; i < maps->sync_count; i++)
		keep(collector, maps->syncs[i].address.v, maps->syncs[i].type, maps->syncs[i].slot);
}

/* The maps inside are part of those that were found. */
static void drop_inner(struct collector *collector)
{
	struct census *census = collector->census;
	size_t kept = 0;

	for (size_t i = 0; i < census->count; i++)
		if (table_get(&collector->inner, census->items[i].found.address.v) == NULL)
			census->items[kept++] = census->items[i];
	census->count = kept;
}

static int compare(const void *a, const void *b)
{
	const struct census_map *x = a, *y = b;

	return x->found.address.v < y->found.address.v ? -1 : x->found.address.v > y->found.address.v;
}

struct error *census_find_sync(struct census *census)
{
	struct collector collector = { .census = census };
	struct error *error = look_at_heap(&collector);

	look_outside(&collector);
	look_at_found(&collector);
	drop_inner(&collector);
	if (census->count != 0)
		qsort(census->items, census->count, sizeof(*census->items), compare);
	table_free(&collector.seen);
	table_free(&collector.inner);
	return error;
}
