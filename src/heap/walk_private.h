/* Between the walk*.c files of this folder only. */
#ifndef HEAP_WALK_PRIVATE_H
#define HEAP_WALK_PRIVATE_H

#include "heap/walk.h"
#include "util/alloc.h"
#include "util/table.h"

/* Parents at and above this are roots; slots are fewer. */
#define ROOT_CODES UINT32_C(0x80000000)
/* The parent of an edge from a root word: becomes a root of its own where it is the first to reach an object. */
#define PARENT_IS_ROOT UINT32_MAX

/* In a record's type: not a pointer of that type led there, but somebody found out otherwise (heap_walk_claim()). */
#define GUESSED HEAP_TYPE_GUESS

/* What is kept of an object that can hold pointers: 8 bytes. */
struct record {
	uint32_t parent; /* slot + 1, or ROOT_CODES + index of a root; 0: not reached */
	heap_type_id type; /* perhaps with GUESSED */
};

static inline heap_type_id type_of(const struct record *record)
{
	return record->type & ~GUESSED;
}

/* A pointer on its way. */
struct edge {
	uint64_t value;
	uint64_t from;  /* the address of the word that holds it; 0: a register */
	uint64_t count; /* values that it leads to; 0: not said */
	uint32_t parent;
	heap_type_id type; /* perhaps with GUESSED */
	const struct heap_span *span;
};

/* Enough for the loads of one to be on their way while others are looked at. */
enum { EDGES = 64 };

/* A value of known type that is not known to be a whole object. */
struct part {
	struct heap_place_outside place;
	uint64_t count;
	bool inside; /* of an object */
};

struct stack_range {
	uint64_t low, high, goroutine;
};

struct heap_walk {
	struct program *program;
	struct heap_spans *spans;
	struct heap_types *types;
	struct heap_walk_options options;
	struct findings *findings;
	const uint64_t *allocated;
	uint64_t slots;
	uint64_t *seen;   /* bit: reached */
	uint64_t *queued; /* bit: in `next` */
	struct record *records;

	/* slot numbers; a level is all that the last one led to */
	uint32_t *next;
	size_t next_count, next_capacity;

	struct edge edges[EDGES];
	unsigned edge_count;
	struct heap_origin root; /* what edges with PARENT_IS_ROOT come from; `address` is the edge's */

	struct heap_origin *roots;
	size_t root_count, root_capacity;

	struct part *parts;
	size_t part_count, part_capacity, parts_done_outside, parts_done_inside;
	struct table parts_seen;
	struct heap_place_outside *outside; /* the parts that are not inside, in one array */
	size_t outside_count, outside_capacity;

	struct stack_range *stacks;
	size_t stack_count, stack_capacity;
	struct heap_stack_object *objects; /* in the order of `stacks` */
	size_t object_count, object_capacity;
	bool stacks_sorted;
	struct heap_root_range *data; /* without masks */
	size_t data_count;
	uint64_t image_low, image_high; /* the binary in memory */

	uint64_t scanned, total; /* bytes, for progress */
	uint64_t pointers;
	bool sniffed;
	uint8_t *buffer; /* of READ_LIMIT bytes */
	uint64_t *mask;
};

static inline bool bit_test(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static inline void bit_set(uint64_t *bits, uint64_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static inline void bit_clear(uint64_t *bits, uint64_t i)
{
	bits[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/* --- walk_edge.c --------------------------------------------------------------------------------------------------- */

void walk_flush(struct heap_walk *walk);
void walk_queue(struct heap_walk *walk, uint64_t slot);
void walk_note_part(struct heap_walk *walk, const struct edge *edge, bool inside);

/* The stack, the data of the binary that the address lies in; NULL: in none. */
const struct stack_range *walk_stack_of(const struct heap_walk *walk, uint64_t address);
const struct heap_root_range *walk_data_of(const struct heap_walk *walk, uint64_t address);

static inline void walk_add_edge(struct heap_walk *walk, uint64_t value, uint64_t from, uint64_t count, uint32_t parent,
				 heap_type_id type)
{
	struct edge *edge = &walk->edges[walk->edge_count++];

	*edge = (struct edge){ value, from, count, parent, type, NULL };
	if (walk->edge_count == EDGES)
		walk_flush(walk);
}

/* --- walk_seed.c --------------------------------------------------------------------------------------------------- */

/* Where the binary is in memory. */
void walk_find_image(struct heap_walk *walk);
/* By address, for lookups. */
void walk_sort_stacks(struct heap_walk *walk);

/* --- walk_scan.c --------------------------------------------------------------------------------------------------- */

/* A run of bytes that belongs to an object (or to memory outside the heap), or a part of it. */
struct scan {
	const uint8_t *bytes;
	uint64_t address; /* of bytes[0] */
	size_t length;    /* bytes that are there */
	size_t starts;    /* of these, where words may begin that this scan is to look at */
	uint32_t parent;
};

/*
 * What the words of values of that type lead to. The values lie from `start` on (an address, at or before the scan's), as many as
 * `count` says (UINT64_MAX: to the end).
 */
void walk_scan_typed(struct heap_walk *walk, const struct scan *scan, heap_type_id id, uint64_t start, uint64_t count);
/* All objects of the level; empties it. */
struct error *walk_scan_level(struct heap_walk *walk, uint32_t *slots, size_t count) MUST_CHECK;
/* Looks for interfaces and closures in objects of unknown type. */
struct error *walk_sniff(struct heap_walk *walk) MUST_CHECK;

#endif
