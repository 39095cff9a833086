/* How maps of one type lie in memory: header, then buckets (classic) or groups (Swiss). From DWARF, by field name. */
#ifndef LAYOUT_MAP_H
#define LAYOUT_MAP_H

#include "layout/struct.h"

enum map_implementation { MAP_CLASSIC, MAP_SWISS };

/* "classic", "swiss" */
const char *map_implementation_name(enum map_implementation implementation);

/* A bucket and a group both have eight slots: bucketCnt of runtime/map.go, MapGroupSlots of internal/abi/map_swiss.go. */
enum { MAP_SLOTS = 8 };
/* Keys and elems of more bytes are stored behind a pointer (maxKeySize, MapMaxKeyBytes: 128 in all versions). */
enum { MAP_INDIRECT_ABOVE = 128 };

/* A bucket or a group: `slots` control bytes, eight keys and elems, and classic: a pointer to the overflow bucket. */
struct map_unit_layout {
	uint32_t size;          /* bytes; buckets and groups lie side by side at this stride */
	uint32_t control_offset; /* tophash bytes (classic) or control word (swiss) */
	uint32_t key_offset;    /* of slot 0's key */
	uint32_t key_stride;    /* to the next slot's key */
	uint32_t elem_offset;
	uint32_t elem_stride;
	uint32_t overflow_offset; /* classic: of the pointer to the overflow bucket */
};

struct classic_header_layout {
	struct field_at count, flags, b, noverflow, hash0, buckets, oldbuckets, nevacuate, extra;
	struct field_at next_overflow; /* in mapextra; size 0: this version has no preallocated overflow buckets (1.8) */
};

struct swiss_header_layout {
	struct field_at used, seed, dir_ptr, dir_len, global_depth, global_shift, writing;
	struct field_at tombstone_possible, clear_seq; /* size 0: the version has none */
	/* in a table */
	struct field_at table_used, table_capacity, table_growth_left, table_local_depth, table_index;
	struct field_at table_groups_data, table_groups_mask;
	uint32_t table_size;
};

struct map_layout {
	enum map_implementation implementation;
	uint32_t header_size;
	union {
		struct classic_header_layout classic;
		struct swiss_header_layout swiss;
	};
	struct map_unit_layout unit;
	bool key_indirect;
	bool elem_indirect;
	/* For listing: DIEs of the structs. */
	uint64_t header_die, unit_die, table_die;
};

/*
 * The layout of the map type whose typedef's DIE this is (DW_AT_go_kind 21). `key_size` and `elem_size` are the sizes
 * of its key and elem types. All offsets of the result are checked to lie inside header and unit.
 */
struct error *map_layout_load(struct binary *binary, uint64_t typedef_die, uint64_t key_size, uint64_t elem_size,
			      struct map_layout *out) MUST_CHECK;

/*
 * Only the header (and Swiss table) of the layout, from runtime.hmap or internal/runtime/maps.Map: the same for all
 * map types. For maps whose type has no DWARF; the unit is the caller's to fill in and to check with map_layout_check().
 */
struct error *map_layout_load_header(struct binary *binary, struct map_layout *out) MUST_CHECK;
/* Whether keys and elems of these sizes fit the unit. `name` is for the message. */
struct error *map_layout_check(const struct map_layout *map, uint64_t key_size, uint64_t elem_size, unsigned word,
			       const char *name) MUST_CHECK;

#endif
