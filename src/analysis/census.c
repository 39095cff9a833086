#include "analysis/census.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/census_private.h"
#include "analysis/stat.h"
#include "map/map.h"
#include "stack/stack.h"
#include "stack/stack_map.h"
#include "target/cache.h"
#include "util/alloc.h"
#include "util/interrupt.h"

/* With the collector off the goal is the memory limit, which is then the largest number there is but for what the runtime itself takes. */
#define MOST_GOAL (UINT64_C(1) << 60)

struct error *census_create(struct program *program, struct census *out)
{
	size_t count;

	*out = (struct census){ .program = program, .base = program->memory };
	out->types = heap_types_create(program);
	heap_map_types(out->types, &count);
	TRY(stack_open(program, &out->stack));
	heap_types_use_stack(out->types, out->stack);

	struct error *error = stack_maps_open(program, &out->stack_maps);

	if (error != NULL)
		findings_add_error(&out->findings, taddr_of(0), error, "stacks are taken whole");
	return interrupt_check();
}

void census_free(struct census *census)
{
	census->program->memory = census->base;
	cache_destroy(census->cache);
	heap_maps_free(&census->maps);
	heap_walk_free(census->walk);
	heap_roots_free(&census->roots);
	heap_spans_free(census->spans);
	heap_types_free(census->types);
	stack_maps_close(census->stack_maps);
	stack_close(census->stack);
	free(census->locals);
	findings_free(&census->findings);
	free(census->items);
	*census = (struct census){ 0 };
}

/* One that contradicts itself is as large as what could be read of it. */
void census_measure(struct census_map *item)
{
	struct findings findings = { 0 };
	struct map_stat stat = { 0 };
	struct go_map map;
	struct error *error = map_open(item->like, item->found.address, &map);

	if (error == NULL)
		error = stat_measure(&map, &findings, &stat);
	error_free(error);
	item->capacity = stat.capacity;
	item->load_factor = stat.load_factor;
	item->bytes = stat.bytes;
	item->wasted_bytes = stat.wasted_bytes;
	map_stat_free(&stat);
	findings_free(&findings);
}

void census_reserve(struct census *census)
{
	ARRAY_RESERVE(census->items, census->count, census->capacity);
}

static struct error *measure_all(struct census *census)
{
	for (size_t i = 0; i < census->maps.count; i++) {
		struct census_map item = { .found = census->maps.items[i] };

		item.like = item.found.type ? item.found.type : item.found.candidate_count ? item.found.candidates[0] : NULL;
		if (item.like != NULL)
			census_measure(&item);
		census_reserve(census);
		census->items[census->count++] = item;
		TRY(interrupt_check());
	}
	return NULL;
}

/* Headers, buckets, strings: many small things, in order of address for the most part. A core's are views. */
static void use_cache(struct census *census)
{
	enum { PAGES = 4096 };

	if (census->base->ops->view != NULL)
		return;
	census->cache = cache_create(census->base, PAGES);
	census->program->memory = cache_target(census->cache);
}

struct error *census_take(struct census *census, const struct census_options *options)
{
	const struct heap_walk_options walk = { options->progress, options->context };

	use_cache(census);
	TRY(heap_spans_load(census->program, &census->findings, &census->spans));
	TRY(heap_roots_load(census->program, census->spans, &census->findings, &census->roots));
	TRY(heap_walk_create(census->program, census->spans, census->types, &walk, &census->findings, &census->walk));
	TRY(heap_walk_seed_roots(census->walk, &census->roots));
	TRY(census_seed_stacks(census));
	TRY(heap_walk_run(census->walk));
	TRY(heap_maps_find(census->walk, options->garbage, &census->maps));
	TRY(measure_all(census));
	TRY(census_find_sync(census));
	heap_walk_figures(census->walk, &census->reached);
	error_free(heap_figures_read(census->program, &census->figures)); /* figures that are not to be had stay unknown */
	if (census->figures.goal > MOST_GOAL)
		census->figures.goal = UINT64_MAX;
	return NULL;
}

const struct census_map *census_find(const struct census *census, taddr address)
{
	size_t low = 0, high = census->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (census->items[middle].found.address.v < address.v)
			low = middle + 1;
		else
			high = middle;
	}
	return low < census->count && census->items[low].found.address.v == address.v ? &census->items[low] : NULL;
}

struct error *census_owners(struct census *census, struct owners **out)
{
	const struct owner_source source = {
		.program = census->program,
		.walk = census->walk,
		.spans = census->spans,
		.types = census->types,
		.locals = census->locals,
		.local_count = census->local_count,
	};

	return owners_create(&source, out);
}
