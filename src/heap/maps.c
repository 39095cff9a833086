#include "heap/maps.h"

#include <stdlib.h>
#include <string.h>

#include "binary/debug.h"
#include "heap/maps_holders.h"
#include "heap/maps_private.h"
#include "heap/maps_sync.h"
#include "util/interrupt.h"

/* New types show new maps, which show new types: so often, no more. */
enum { ROUNDS = 8 };

struct finder {
	struct heap_walk *walk;
	struct map_judge *judge;
	struct map_holders *holders; /* NULL: DWARF says what types there are */
	struct sync_finder *syncs;   /* and where variables of them are */
	struct heap_maps *maps;
	bool garbage;
	bool learnt; /* a type that the walk did not know */
	struct table on_stacks; /* addresses of maps that were claimed to be there */
};

static void forget(struct heap_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		free(maps->items[i].candidates);
	maps->count = 0;
}

void heap_maps_free(struct heap_maps *maps)
{
	forget(maps);
	free(maps->items);
	free(maps->syncs);
	*maps = (struct heap_maps){ 0 };
}

static void keep(struct finder *finder, const struct heap_map *map)
{
	struct heap_maps *maps = finder->maps;

	ARRAY_RESERVE(maps->items, maps->count, maps->capacity);
	maps->items[maps->count++] = *map;
}

/* --- in the heap ---------------------------------------------------------------------------------------------------- */

static void look_at_typed(struct finder *finder, struct heap_map *map, heap_type_id id)
{
	map->type = heap_type_preferred(finder->walk->types, heap_type_at(finder->walk->types, id)->type);
	map->evidence = HEAP_MAP_REFERRED;
	if (map_judge_confirms(finder->judge, map))
		keep(finder, map);
}

/* A type of the same key and elem as the map's; NULL: it is not known. */
static struct gotype *like_of(const struct heap_map *map)
{
	return map->type ? map->type : map->same_parts ? map->candidates[0] : NULL;
}

static void look_at_untyped(struct finder *finder, struct heap_map *map, const struct heap_span *span, uint32_t index,
			    const uint8_t *bytes)
{
	struct heap_walk *walk = finder->walk;
	uint64_t mask[2] = { 0 };

	heap_pointer_mask_part(walk->spans, span, index, bytes, 0, span->elem_size / walk->program->machine.word_size, mask);
	map->guess = heap_walk_guessed(walk, map->slot) ? heap_type_at(walk->types, heap_walk_type(walk, map->slot))->type : NULL;
	if (!map_judge_looks_like_header(finder->judge, bytes, mask) || !map_judge_settle(finder->judge, bytes, map))
		return;
	if (finder->holders != NULL && map->reached)
		map_holders_narrow(finder->holders, map);
	keep(finder, map);

	struct gotype *like = like_of(map);

	if (like != NULL && map->reached && heap_walk_type(walk, map->slot) == 0) {
		heap_walk_claim(walk, map->slot, heap_type_of(walk->types, HEAP_MAP, like));
		finder->learnt = true;
	}
}

static void look_at_slot(struct finder *finder, const struct heap_span *span, uint32_t index, const uint8_t *bytes)
{
	struct heap_walk *walk = finder->walk;
	uint64_t slot = span->first + index;
	struct heap_map map = { .address = taddr_of(heap_slot_address(span, index)), .slot = slot, .evidence = HEAP_MAP_NONE };

	map.reached = heap_walk_reached(walk, slot);
	if (!bit_test(walk->allocated, slot) || (!map.reached && !finder->garbage))
		return;

	heap_type_id id = heap_walk_type(walk, slot);

	if (id == 0 || heap_walk_guessed(walk, slot))
		look_at_untyped(finder, &map, span, index, bytes);
	else if (heap_type_at(walk->types, id)->form == HEAP_MAP)
		look_at_typed(finder, &map, id);
}

static void look_at_span(struct finder *finder, const struct heap_span *span)
{
	struct heap_walk *walk = finder->walk;
	size_t size = (size_t)(span->end - span->start);
	const uint8_t *bytes = target_view(walk->program->memory, taddr_of(span->start), size);
	uint8_t *copy = NULL;

	if (bytes == NULL) {
		copy = xmalloc(size);
		size = target_read_some(walk->program->memory, taddr_of(span->start), copy, size);
		bytes = copy;
	}
	if (size < span->end - span->start)
		findings_add(walk->findings, taddr_of(span->start + size), "a span of %llu bytes cannot be read to its end",
			     (unsigned long long)(span->end - span->start));
	for (uint32_t i = 0; i < size / span->elem_size; i++)
		look_at_slot(finder, span, i, bytes + i * span->elem_size);
	free(copy);
}

/* --- on stacks ------------------------------------------------------------------------------------------------------- */

static void look_at_outside(struct finder *finder)
{
	size_t count;
	const struct heap_place_outside *outside = heap_walk_outside(finder->walk, &count);

	for (size_t i = 0; i < count; i++) {
		const struct heap_type *type = heap_type_at(finder->walk->types, outside[i].type);
		struct heap_map map = { .address = outside[i].address, .slot = UINT64_MAX, .reached = true, .type = type->type,
					.from = outside[i].from, .evidence = HEAP_MAP_REFERRED };

		if (type->form == HEAP_MAP && table_get(&finder->on_stacks, map.address.v) == NULL && map_judge_confirms(finder->judge, &map))
			keep(finder, &map);
	}
}

static void look_at_variable(struct finder *finder, const struct heap_stack_object *variable)
{
	struct heap_walk *walk = finder->walk;
	struct heap_map map = { .address = variable->address, .slot = UINT64_MAX, .reached = true, .from = variable->address,
				.evidence = HEAP_MAP_NONE };

	if (!map_judge_on_stack(finder->judge, variable, &map)) {
		free(map.candidates);
		return;
	}
	keep(finder, &map);
	if (like_of(&map) != NULL && table_put(&finder->on_stacks, map.address.v, 0)) {
		heap_walk_claim_value(walk, map.address, heap_type_of(walk->types, HEAP_MAP, like_of(&map)));
		finder->learnt = true;
	}
}

static void look_at_variables(struct finder *finder)
{
	size_t count;
	const struct heap_stack_object *variables = heap_walk_stack_objects(finder->walk, &count);

	for (size_t i = 0; i < count; i++)
		look_at_variable(finder, &variables[i]);
}

/* --- copies of headers ------------------------------------------------------------------------------------------------ */

struct copy {
	uint64_t units;
	size_t index;
};

static int compare_copies(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;

	if (x->units != y->units)
		return x->units < y->units ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static uint64_t units_of(struct finder *finder, const struct heap_map *map)
{
	uint8_t header[64] = { 0 };

	target_read_some(finder->walk->program->memory, map->address, header, sizeof(header));
	return map_judge_units(finder->judge, header);
}

/* No two maps share buckets: of headers that do the one that a pointer of its type leads to is the map. */
static void drop_copies(struct finder *finder)
{
	struct heap_maps *maps = finder->maps;
	struct copy *copies = xcalloc(maps->count + 1, sizeof(*copies));
	bool *drop = xcalloc(maps->count + 1, sizeof(*drop));
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < maps->count; i++) {
		copies[count] = (struct copy){ units_of(finder, &maps->items[i]), i };
		count += copies[count].units != 0;
	}
	qsort(copies, count, sizeof(*copies), compare_copies);
	for (size_t i = 0, end; i < count; i = end) {
		bool referred = false;

		for (end = i; end < count && copies[end].units == copies[i].units; end++)
			referred |= maps->items[copies[end].index].evidence == HEAP_MAP_REFERRED;
		for (size_t k = i; k < end && end - i > 1 && referred; k++)
			drop[copies[k].index] = maps->items[copies[k].index].evidence != HEAP_MAP_REFERRED;
	}
	for (size_t i = 0; i < maps->count; i++) {
		if (drop[i])
			free(maps->items[i].candidates);
		else
			maps->items[kept++] = maps->items[i];
	}
	maps->count = kept;
	free(copies);
	free(drop);
}

/* --- all --------------------------------------------------------------------------------------------------------------- */

static int compare_maps(const void *a, const void *b)
{
	const struct heap_map *x = a, *y = b;

	return x->address.v < y->address.v ? -1 : x->address.v > y->address.v;
}

static void drop_twins(struct heap_maps *maps)
{
	size_t kept = 0;

	qsort(maps->items, maps->count, sizeof(*maps->items), compare_maps);
	for (size_t i = 0; i < maps->count; i++) {
		if (kept != 0 && maps->items[kept - 1].address.v == maps->items[i].address.v)
			free(maps->items[i].candidates);
		else
			maps->items[kept++] = maps->items[i];
	}
	maps->count = kept;
}

static struct error *look_once(struct finder *finder)
{
	const struct heap_spans *spans = finder->walk->spans;

	forget(finder->maps);
	finder->learnt = false;
	for (size_t i = 0; i < heap_span_count(spans); i++) {
		const struct heap_span *span = heap_span_at(spans, i);

		if (span->scannable && span->elem_size == map_judge_header_slot(finder->judge))
			look_at_span(finder, span);
		TRY(interrupt_check());
	}
	look_at_outside(finder);
	look_at_variables(finder);
	if (finder->syncs != NULL)
		finder->learnt |= sync_finder_look(finder->syncs, finder->maps);
	return NULL;
}

static void find_without_names(struct finder *finder)
{
	finder->holders = map_holders_create(finder->judge);
	finder->syncs = sync_finder_create(finder->judge);
}

struct error *heap_maps_find(struct heap_walk *walk, bool garbage, struct heap_maps *out)
{
	struct finder finder = { .walk = walk, .maps = out, .garbage = garbage };
	struct error *error = NULL;

	TRY(map_judge_create(walk, &finder.judge));
	if (debug_is_made(walk->program->binary->debug))
		find_without_names(&finder);
	for (int round = 0; round < ROUNDS && error == NULL; round++) {
		error = look_once(&finder);
		if (error != NULL || !finder.learnt)
			break;
		error = heap_walk_run(walk);
	}
	if (error == NULL) {
		drop_twins(out);
		drop_copies(&finder);
		heap_maps_drop_others(walk, map_judge_header_slot(finder.judge), out);
	}
	table_free(&finder.on_stacks);
	sync_finder_destroy(finder.syncs);
	map_holders_destroy(finder.holders);
	map_judge_destroy(finder.judge);
	return error;
}
