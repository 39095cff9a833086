/*
 * What a map's memory is to the allocator: of each block that it owns the span, the size of its slot, whether that can hold
 * pointers, and how much of the slot the block does not need; and what part of the live heap all of them are.
 */
#ifndef ANALYSIS_MEMORY_H
#define ANALYSIS_MEMORY_H

#include "heap/place.h"
#include "heap/roots.h"
#include "map/sync_map.h"

enum memory_kind {
	MEMORY_HEADER, MEMORY_BUCKETS, MEMORY_OLD_BUCKETS, MEMORY_OVERFLOW, MEMORY_EXTRA, /* classic */
	MEMORY_DIRECTORY, MEMORY_TABLE, MEMORY_GROUPS,                                     /* Swiss */
	MEMORY_KEY, MEMORY_ELEM,                                                           /* behind pointers */
	MEMORY_READ_ONLY, MEMORY_NODE, MEMORY_ENTRY, MEMORY_VALUE,                         /* of a sync.Map */
	MEMORY_KINDS
};

/* "header", "buckets", "old buckets", "overflow", ... */
const char *memory_kind_name(enum memory_kind kind);

struct memory_block {
	enum memory_kind kind;
	taddr address;
	uint64_t size; /* bytes that it needs; of an array of buckets with the spare ones behind it */
	enum heap_place place;
	struct heap_object object; /* where place is HEAP_OBJECT; of HEAP_STACK its span */
};

/* The blocks of one kind. */
struct memory_total {
	uint64_t count, bytes;    /* all; what they need */
	uint64_t in_heap;         /* blocks that are objects of the heap; what follows is of these */
	uint64_t slot_bytes, slack_bytes, pointer_free;
};

struct memory {
	struct memory_block *blocks;
	size_t count, capacity;
	size_t most;
	bool cut;     /* there are more of them */
	char *unknown; /* why nothing of this is known; NULL where it is */
	struct memory_total totals[MEMORY_KINDS], all;
	struct heap_figures figures; /* UINT64_MAX each: not known */
};

/*
 * Learns from the DWARF what is needed: before the target is stopped. What is not known is said by memory_look(). `most`: so many
 * blocks are looked up, and so many buckets or groups gone through, that the target does not stand long.
 */
struct memory_source;
struct memory_source *memory_source_create(struct program *program, size_t most);
void memory_source_destroy(struct memory_source *source);

/*
 * While the target stands. `out` is all zeroes at first, and ended with memory_free() also after an error. A block in a slot that is
 * free, in none at all, or that the last collection found dead, is a finding: what is read there is no map, or will not be one for long.
 */
struct error *memory_look(struct memory_source *source, const struct go_map *map, struct findings *findings,
			  struct memory *out) MUST_CHECK;
struct error *memory_look_sync(struct memory_source *source, const struct sync_contents *contents, struct findings *findings,
			       struct memory *out) MUST_CHECK;
void memory_free(struct memory *memory);

static inline uint64_t memory_slack(const struct memory_block *block)
{
	return block->place == HEAP_OBJECT && block->object.size > block->size ? block->object.size - block->size : 0;
}

#endif
