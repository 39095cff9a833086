#include "map/walk.h"

#include <stdlib.h>

#include "util/alloc.h"
#include "util/interrupt.h"

struct error *walk_reserve(struct map_walk *walk, size_t size)
{
	if (size <= walk->bytes_capacity)
		return NULL;
	free(walk->bytes);
	walk->bytes = NULL;
	walk->bytes_capacity = 0;

	void *bytes;

	TRY(alloc_checked(size, 1, "buckets", &bytes));
	walk->bytes = bytes;
	walk->bytes_capacity = size;
	return NULL;
}

struct map_unit *walk_add_unit(struct map_walk *walk)
{
	ARRAY_RESERVE(walk->units, walk->unit_count, walk->unit_capacity);
	return &walk->units[walk->unit_count++];
}

struct map_walk *map_walk_create(const struct go_map *map, enum map_walk_what what, struct findings *findings)
{
	return map->layout->implementation == MAP_CLASSIC ? classic_walk_create(map, what, UINT64_MAX, false, findings)
							  : swiss_walk_create(map, what, UINT64_MAX, findings);
}

struct map_walk *map_walk_create_bucket(const struct go_map *map, uint64_t index, bool old, struct findings *findings)
{
	return classic_walk_create(map, MAP_WALK_ALL, index, old, findings);
}

struct map_walk *map_walk_create_table(const struct go_map *map, uint64_t slot, struct findings *findings)
{
	return swiss_walk_create(map, MAP_WALK_ALL, slot, findings);
}

/*
 * With so many findings and far more entries than the header counts, what is walked is no map but other memory: a wrong
 * B or pointer leads through the whole heap. A wrong count alone never ends a walk.
 */
static void check_hope(struct map_walk *walk)
{
	enum { FINDINGS = 100, ENTRIES = 1024 };

	for (size_t i = 0; i < walk->unit_count; i++)
		walk->live += (unsigned)__builtin_popcount(walk->units[i].live);
	if (walk->hopeless || walk->findings->total < FINDINGS || walk->live < ENTRIES || walk->live / 2 < walk->map->length)
		return;
	walk->hopeless = true;
	findings_add(walk->findings, walk->map->address,
		     "far more entries than its header says, and much that is unsound: given up");
}

struct error *map_walk_next(struct map_walk *walk, struct map_batch *out)
{
	uint64_t before = walk->findings->total;

	*out = (struct map_batch){ 0 };
	TRY(interrupt_check());
	check_hope(walk);
	walk->unit_count = 0;
	walk->table_count = 0;
	if (walk->map->address.v != 0 && !findings_give_up(walk->findings) && !walk->hopeless)
		TRY(walk->next(walk));
	/* the walk ends here: where reads fail because they were given up, no batch is left to say so */
	if (walk->unit_count == 0 && walk->findings->total != before)
		TRY(interrupt_check());
	*out = (struct map_batch){ walk->units, walk->unit_count, walk->tables, walk->table_count };
	return NULL;
}

void map_walk_destroy(struct map_walk *walk)
{
	if (walk == NULL)
		return;
	if (walk->destroy != NULL)
		walk->destroy(walk);
	free(walk->units);
	free(walk->tables);
	free(walk->bytes);
	free(walk);
}
