/*
 * The Swiss half of the reference map, between its own files. Groups, tables and the directory are addresses in the arena, as
 * they are pointers in Go: what they hold is in the arena only. The runtime sets `writing` while it changes a map and clears
 * it before it returns; nobody can look in between, so here it stays 0.
 */
#ifndef REFMAP_SWISS_PRIVATE_H
#define REFMAP_SWISS_PRIVATE_H

#include "refmap/private.h"

enum {
	CONTROL_EMPTY = 0x80,   /* ctrlEmpty, internal/runtime/maps/group.go */
	CONTROL_DELETED = 0xfe, /* ctrlDeleted: a tombstone */
	GROUP_LOAD = 7,         /* maxAvgGroupLoad: slots of a group's eight that are filled before a table grows */
	TABLE_SLOTS_MOST = 1024, /* maxTableCapacity, table.go: a larger table is split */
};

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define TOP_BITS  (EACH_BYTE * 0x80)

/* table.Clear: which groups of a table it makes zeroes of. All of their control words are reset. */
enum swiss_clear {
	CLEAR_ALL,     /* 1.24: all, in all tables */
	CLEAR_USED,    /* 1.25: those with an entry, in tables that have entries or tombstones */
	CLEAR_BY_LOAD, /* 1.26: those with an entry where entries are few or slots large, else all, in the same tables */
};

/* What differs between the versions. */
struct swiss_behaviour {
	int minor; /* from this version on */
	enum swiss_clear clear;
	unsigned pruning;        /* bit REFMAP_...: an assignment of that variant prunes tombstones before it lets a table grow */
	bool full_small_updates; /* an assignment to a key of a small map that is full does not make a table of it */
};

/* What nothing in the map refers to any more, but an iterator may. */
struct swiss_garbage {
	taddr address;
	size_t size;
};

struct swiss {
	struct refmap base;
	const struct swiss_behaviour *behaviour;
	unsigned hash_bits;             /* of a hash: as many as a word has */
	uint32_t key_bytes, elem_bytes; /* in a slot: of the value, or of a pointer to it */
	size_t iterators;
	struct swiss_garbage *garbage;
	size_t garbage_count, garbage_capacity;
};

struct swiss_slot {
	taddr group;
	unsigned index; /* 0 ... 7 */
};

static inline const struct swiss_header_layout *swiss_fields(const struct swiss *map)
{
	return &map->base.type.layout->swiss;
}

#define SWISS_GET(map, address, field)	      refmap_get(&(map)->base, (address), swiss_fields(map)->field)
#define SWISS_SET(map, address, field, value) refmap_set(&(map)->base, (address), swiss_fields(map)->field, (value))
#define HEADER_GET(map, field)	      SWISS_GET(map, (map)->base.header, field)
#define HEADER_SET(map, field, value) SWISS_SET(map, (map)->base.header, field, value)

static inline void *swiss_at(const struct swiss *map, taddr address)
{
	return arena_at(map->base.arena, address);
}

static inline taddr swiss_load_pointer(const struct swiss *map, taddr address)
{
	return load_address(&map->base.type.machine, swiss_at(map, address));
}

static inline void swiss_store_pointer(const struct swiss *map, taddr address, taddr value)
{
	store_word(&map->base.type.machine, swiss_at(map, address), value.v);
}

/* Slot i's control byte is bits 8i ... 8i+7 of the word, whatever the byte order. */
static inline uint64_t swiss_control(const struct swiss *map, taddr group)
{
	return load_u64(&map->base.type.machine, (uint8_t *)swiss_at(map, group) + map->base.type.layout->unit.control_offset);
}

/* Of a control word: slots as the top bits of their bytes, the lowest slot first in swiss_first(). */
static inline uint64_t swiss_full(uint64_t control)
{
	return ~control & TOP_BITS;
}

static inline uint64_t swiss_empty(uint64_t control)
{
	return control & ~(control << 6) & TOP_BITS;
}

static inline uint64_t swiss_empty_or_deleted(uint64_t control)
{
	return control & TOP_BITS;
}

static inline uint64_t swiss_matching(uint64_t control, uint64_t hash)
{
	uint64_t difference = control ^ EACH_BYTE * (hash & 0x7f);

	return ~(((difference & ~TOP_BITS) + ~TOP_BITS) | difference) & TOP_BITS;
}

static inline unsigned swiss_first(uint64_t slots)
{
	return (unsigned)__builtin_ctzll(slots) / 8;
}

/* A table's groups in the order in which a key is looked for: probeSeq, table.go */
struct swiss_probe {
	taddr groups;
	uint64_t mask, offset, index;
};

static inline struct swiss_probe swiss_probe_start(const struct swiss *map, taddr table, uint64_t hash)
{
	uint64_t mask = SWISS_GET(map, table, table_groups_mask);

	return (struct swiss_probe){
		.groups = taddr_of(SWISS_GET(map, table, table_groups_data)), .mask = mask, .offset = hash >> 7 & mask
	};
}

static inline void swiss_probe_next(struct swiss_probe *probe)
{
	probe->index++;
	probe->offset = (probe->offset + probe->index) & probe->mask;
}

static inline taddr swiss_probe_group(const struct swiss *map, const struct swiss_probe *probe)
{
	return taddr_add(probe->groups, probe->offset * map->base.type.layout->unit.size);
}

/* swiss.c */

uint64_t swiss_hash(const struct swiss *map, taddr key);
taddr swiss_directory_at(const struct swiss *map, uint64_t index);
/* Puts a table into all the directory slots that its index and local depth give it. */
void swiss_directory_place(const struct swiss *map, taddr table);
/* Puts two tables into the slots of one, doubling the directory where one has no slot more to give. */
void swiss_directory_split(struct swiss *map, taddr old, taddr left, taddr right);
/* The slot of a key; false where it is not in the map. */
bool swiss_find(const struct swiss *map, taddr key, struct swiss_slot *out);
struct refmap_iterator *swiss_iterate(struct refmap *base);

/* swiss_slot.c */

/* Frees it now, or when no iterator is left. */
void swiss_discard(struct swiss *map, taddr address, size_t size);
void swiss_collect(struct swiss *map);

taddr swiss_groups_create(const struct swiss *map, uint64_t count);
void swiss_control_set(const struct swiss *map, struct swiss_slot slot, uint8_t control);
/* Zeroes: all but the control word of an empty group. */
void swiss_group_clear(const struct swiss *map, taddr group);
/* Keys and elems of its own that the group refers to. */
void swiss_group_discard_values(struct swiss *map, taddr group);
/* Where slots hold them: the values, or pointers to them. */
taddr swiss_slot_key(const struct swiss *map, struct swiss_slot slot);
taddr swiss_slot_elem(const struct swiss *map, struct swiss_slot slot);
/* The values. */
taddr swiss_key(const struct swiss *map, struct swiss_slot slot);
taddr swiss_elem(const struct swiss *map, struct swiss_slot slot);

/* A key among the group's slots whose control byte is that of its hash. */
bool swiss_group_find(const struct swiss *map, taddr group, uint64_t control, uint64_t hash, taddr key, struct swiss_slot *out);
/* A key that is there is assigned to. */
void swiss_slot_update(const struct swiss *map, struct swiss_slot slot, taddr key);
/* A new key into a slot without one. */
void swiss_slot_fill(const struct swiss *map, struct swiss_slot slot, uint64_t hash, taddr key);
/* Removes key and elem; the control byte stays. */
void swiss_slot_clear(struct swiss *map, struct swiss_slot slot);

/* swiss_table.c */

/* `index`: of the first directory slot, or UINT64_MAX. */
taddr swiss_table_create(const struct swiss *map, uint64_t slots, uint64_t index, uint64_t local_depth);
/* The table and its groups, not the values these refer to. */
void swiss_table_discard(struct swiss *map, taddr table);
taddr swiss_table_group(const struct swiss *map, taddr table, uint64_t index);
/* Whether another table has taken its place. */
bool swiss_table_is_stale(const struct swiss *map, taddr table);

bool swiss_table_find(const struct swiss *map, taddr table, uint64_t hash, taddr key, struct swiss_slot *out);
/* False where the table was replaced: the key's table has to be found again. */
bool swiss_table_assign(struct swiss *map, taddr table, uint64_t hash, taddr key, struct swiss_slot *out);
/* The entry in `slot` is gone: what its control byte becomes, and the table's counts. */
void swiss_table_vacate(struct swiss *map, taddr table, struct swiss_slot slot);
/* Puts the entries of a group that are in use into to[0], or to[1] where their hash has a bit of `mask`. */
void swiss_table_take_group(const struct swiss *map, taddr group, const taddr to[2], uint64_t mask);
void swiss_table_clear(struct swiss *map, taddr table);

#endif
