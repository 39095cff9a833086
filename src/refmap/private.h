/* Between the files of this folder only. */
#ifndef REFMAP_PRIVATE_H
#define REFMAP_PRIVATE_H

#include "refmap/refmap.h"
#include "util/bytes.h"

/* What the two implementations provide. The functions get the struct that embeds `struct refmap` as its first member. */
struct refmap_ops {
	void (*destroy)(struct refmap *map);
	taddr (*assign)(struct refmap *map, taddr key);
	taddr (*find)(const struct refmap *map, taddr key);
	void (*remove)(struct refmap *map, taddr key);
	void (*clear)(struct refmap *map);
	struct refmap_iterator *(*iterate)(struct refmap *map);
};

struct refmap {
	const struct refmap_ops *ops;
	struct refmap_type type;
	struct refmap_callbacks callbacks;
	struct target *arena;
	taddr header;
};

struct refmap_iterator {
	bool (*next)(struct refmap_iterator *iterator, taddr *key, taddr *elem);
	void (*destroy)(struct refmap_iterator *iterator);
};

/* Both get a zeroed header of layout->header_size bytes at map->header. */
struct refmap *refmap_classic_create(const struct refmap *base, uint64_t hint);
struct refmap *refmap_swiss_create(const struct refmap *base, uint64_t hint);

static inline uint64_t refmap_hash(const struct refmap *map, taddr key, uint64_t seed)
{
	return map->callbacks.hash(map->callbacks.context, key, seed);
}

static inline bool refmap_equal(const struct refmap *map, taddr a, taddr b)
{
	return map->callbacks.equal(map->callbacks.context, a, b);
}

static inline uint64_t refmap_random(const struct refmap *map)
{
	return map->callbacks.random(map->callbacks.context);
}

static inline void refmap_tell(const struct refmap *map, enum refmap_event event, uint64_t a, uint64_t b, uint64_t c)
{
	if (map->callbacks.event != NULL)
		map->callbacks.event(map->callbacks.context, event, a, b, c);
}

/* A field of a struct at `address`; size 0 (the version has none) reads as 0 and is not written. */
static inline uint64_t refmap_get(const struct refmap *map, taddr address, struct field_at at)
{
	return load_uint(&map->type.machine, (const uint8_t *)arena_at(map->arena, address) + at.offset, at.size);
}

static inline void refmap_set(const struct refmap *map, taddr address, struct field_at at, uint64_t value)
{
	store_uint(&map->type.machine, (uint8_t *)arena_at(map->arena, address) + at.offset, at.size, value);
}

#endif
