/*
 * A Go map in a target's memory: its header, and one walk over its buckets (classic) or groups (Swiss). Both are
 * called units here: eight slots with a control byte each.
 *
 * Classic: runtime/hashmap.go (<= 1.10), runtime/map.go (1.11-1.23), runtime/map_noswiss.go (1.24, 1.25).
 * Swiss: internal/runtime/maps/{map,table,group}.go (>= 1.24).
 */
#ifndef MAP_MAP_H
#define MAP_MAP_H

#include "gotype/program.h"
#include "layout/map.h"
#include "map/finding.h"

/* hmap.flags */
enum {
	CLASSIC_ITERATOR = 1,
	CLASSIC_OLD_ITERATOR = 2,
	CLASSIC_HASH_WRITING = 4,
	CLASSIC_SAME_SIZE_GROW = 8,
};

struct classic_header {
	uint8_t flags;
	uint8_t b;           /* 2^b buckets */
	uint16_t noverflow;  /* exact for b < 16, else an estimate */
	uint32_t hash0;
	taddr buckets;       /* 0: none yet, the map is empty */
	taddr old_buckets;   /* 0: not growing */
	uint64_t bucket_count;
	uint64_t old_count;  /* old buckets; 0 where not growing */
	uint64_t nevacuate;  /* old buckets below it are evacuated; stale where not growing */
	taddr extra;
};

struct swiss_header {
	uint64_t seed;
	taddr directory;     /* of table pointers; with dir_len 0 the one group; 0: none yet */
	uint64_t dir_len;    /* 0: small map of one group; else 2^global_depth */
	uint8_t global_depth;
	uint8_t global_shift;
	uint8_t writing;
	bool tombstone_possible;
	uint64_t clear_seq;
};

struct go_map {
	struct program *program;
	struct gotype *type;            /* completed, of kind map */
	const struct map_layout *layout;
	taddr address;                  /* of the header; 0: nil map */
	uint64_t length;                /* live entries, by the header */
	union {
		struct classic_header classic;
		struct swiss_header swiss;
	};
};

/*
 * Reads and checks the header at `address` (0: a nil map, no error). `type` is a map type. ERROR_MEMORY where the header
 * contradicts itself; the message says how.
 */
struct error *map_open(struct gotype *type, taddr address, struct go_map *out) MUST_CHECK;

/* The writing flag is set: the map is being written, or its writer died in the middle. */
bool map_being_written(const struct go_map *map);

/* A table of a Swiss map. */
struct map_table {
	taddr address;
	uint64_t directory_index; /* its first slot in the directory */
	uint64_t directory_slots; /* how many it fills */
	uint64_t index;           /* as it says itself; the same as directory_index in a sound map */
	uint32_t used, capacity, growth_left;
	uint8_t local_depth;
	taddr groups;
	uint64_t group_count;
};

/* A bucket or a group. */
struct map_unit {
	taddr address;
	const uint8_t *bytes; /* layout->unit.size of them */
	uint64_t index;       /* of the bucket, or of the group in its table */
	uint32_t chain;       /* classic: 0 in the array, n: the n-th overflow bucket behind it */
	uint32_t table;       /* swiss: index in the batch's tables; 0 in a small map */
	bool old;             /* classic: of the old buckets */
	bool evacuated;       /* classic: an old bucket whose entries have moved */
	bool waiting;         /* classic: a new bucket whose old bucket is not evacuated: nothing is in it yet */
	uint8_t live;         /* bit i: slot i holds an entry of the map */
};

/* How many entries the unit holds. */
static inline unsigned map_live_count(const struct map_unit *unit)
{
	/* eight 1-bit counts, added up in nibbles and bytes: not every x86-64 has popcnt */
	unsigned bits = unit->live;

	bits -= bits >> 1 & 0x55;
	bits = (bits & 0x33) + (bits >> 2 & 0x33);
	return (bits + (bits >> 4)) & 0x0f;
}

struct map_batch {
	const struct map_unit *units;
	size_t count;
	const struct map_table *tables; /* swiss, not small: those that units[].table index */
	size_t table_count;
};

enum map_walk_what {
	MAP_WALK_LIVE, /* units that hold entries; others may be left out */
	MAP_WALK_ALL,  /* all: evacuated, waiting, empty ones too */
};

struct map_walk;

/*
 * Walks the units in storage order, classic: new buckets with their chains, then old ones. Each entry of a sound map
 * comes exactly once. What is unsound (cycles, absurd lengths, unreadable memory) goes to `findings`, and the walk ends
 * all the same. `map` and `findings` must outlive the walk.
 */
struct map_walk *map_walk_create(const struct go_map *map, enum map_walk_what what, struct findings *findings);
/* Only this bucket (index) with its chain, or old bucket; Swiss: this table (by directory slot) and, unless UINT64_MAX, this group. */
struct map_walk *map_walk_create_bucket(const struct go_map *map, uint64_t index, bool old, struct findings *findings);
struct map_walk *map_walk_create_table(const struct go_map *map, uint64_t slot, struct findings *findings);
/* The next units; none at the end. They are good until the next call. Errors: interrupted, out of memory. */
struct error *map_walk_next(struct map_walk *walk, struct map_batch *out) MUST_CHECK;
void map_walk_destroy(struct map_walk *walk);

/* --- slots ------------------------------------------------------------------------------------------------- */

/* The control byte of a slot: tophash, or a byte of the control word. */
static inline uint8_t map_control(const struct go_map *map, const struct map_unit *unit, unsigned slot)
{
	const uint8_t *control = unit->bytes + map->layout->unit.control_offset;

	/* a control word is one 64-bit integer: on big-endian machines slot 0 is its last byte */
	if (map->layout->implementation == MAP_SWISS && map->program->machine.big_endian)
		return control[MAP_SLOTS - 1 - slot];
	return control[slot];
}

static inline const uint8_t *map_key_slot(const struct go_map *map, const struct map_unit *unit, unsigned slot)
{
	return unit->bytes + map->layout->unit.key_offset + slot * map->layout->unit.key_stride;
}

static inline const uint8_t *map_elem_slot(const struct go_map *map, const struct map_unit *unit, unsigned slot)
{
	return unit->bytes + map->layout->unit.elem_offset + slot * map->layout->unit.elem_stride;
}

static inline taddr map_key_slot_address(const struct go_map *map, const struct map_unit *unit, unsigned slot)
{
	return taddr_add(unit->address, map->layout->unit.key_offset + (uint64_t)slot * map->layout->unit.key_stride);
}

static inline taddr map_elem_slot_address(const struct go_map *map, const struct map_unit *unit, unsigned slot)
{
	return taddr_add(unit->address, map->layout->unit.elem_offset + (uint64_t)slot * map->layout->unit.elem_stride);
}

/* --- what control bytes mean ----------------------------------------------------------------------------------- */

enum slot_state {
	SLOT_EMPTY,           /* never used since the last rebuild, or free for good (emptyRest, 0x80) */
	SLOT_DELETED,         /* emptyOne, or a tombstone (0xfe) */
	SLOT_LIVE,
	SLOT_EVACUATED,       /* an old bucket's slot, its entry moved */
	SLOT_EVACUATED_EMPTY, /* an old bucket's slot that was empty when its bucket was evacuated */
	SLOT_BAD,             /* no state at all */
};

/* The state that a control byte stands for, and the runtime's name of it ("emptyRest", "evacuatedX", "deleted", ...). */
enum slot_state map_slot_state(const struct go_map *map, uint8_t control, const char **name);

/* The least tophash of a live slot in a classic map of this version: 4 or 5. */
uint8_t classic_min_tophash(const struct program *program);

#endif
