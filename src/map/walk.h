/* Between the walks of this folder only: what map_walk_next() is made of. */
#ifndef MAP_WALK_H
#define MAP_WALK_H

#include "map/map.h"

/* Bytes of buckets or groups that a walk holds at a time. */
enum { WALK_WINDOW = 1 << 18 };

struct map_walk {
	const struct go_map *map;
	struct findings *findings;
	enum map_walk_what what;
	/* Puts the next units into `units` (and `tables`), at least one while there are any. */
	struct error *(*next)(struct map_walk *walk);
	void (*destroy)(struct map_walk *walk); /* what `next` keeps beyond this struct; NULL: nothing */

	struct map_unit *units;
	size_t unit_count, unit_capacity;
	struct map_table *tables;
	size_t table_count, table_capacity;
	uint64_t live;  /* entries so far */
	bool hopeless;  /* given up */
	uint8_t *bytes; /* room for the window */
	size_t bytes_capacity;
};

/* Gathers the top bits of eight bytes into one, the lowest byte's first; all other bits must be 0. */
static inline uint8_t walk_gather(uint64_t top_bits)
{
	return (uint8_t)(((top_bits >> 7) * UINT64_C(0x0102040810204080)) >> 56);
}

/* Room for `size` bytes at walk->bytes. */
struct error *walk_reserve(struct map_walk *walk, size_t size) MUST_CHECK;
struct map_unit *walk_add_unit(struct map_walk *walk);

/* `bucket` is UINT64_MAX for all. */
struct map_walk *classic_walk_create(const struct go_map *map, enum map_walk_what what, uint64_t bucket, bool old,
				     struct findings *findings);
/* `slot` is UINT64_MAX for all. */
struct map_walk *swiss_walk_create(const struct go_map *map, enum map_walk_what what, uint64_t slot,
				   struct findings *findings);

#endif
