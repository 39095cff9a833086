/* The heap's parts, for the files heap*.c and their tests only. */
#ifndef ANALYSIS_HEAP_PRIVATE_H
#define ANALYSIS_HEAP_PRIVATE_H

#include "analysis/heap.h"
#include "layout/struct.h"
#include "util/table.h"

/* data, bss, noptrdata, noptrbss: a start and an end each. */
enum { MODULE_RANGES = 4 };

/* What the DWARF says of the heap's structs. Addresses are those in memory. */
struct heap_layout {
	char *no_spans;   /* why the heap's part is not known; NULL where it is */
	char *no_modules; /* the same of moduledata */

	taddr mheap;
	uint64_t page_size;
	/*
	 * Go >= 1.11: mheap.arenas, an array of `l1_length` pointers to arrays of `l2_length` pointers to heapArenas, each
	 * with an array of `arena_pages` span pointers. Address 0 of the first arena's memory is `origin`, mod 2^64.
	 * Go <= 1.10 (l1_length 0): one slice of span pointers, mheap.spans; mheap.arena_start is the origin.
	 */
	uint64_t l1_length, l2_length, arena_pages, origin;
	uint64_t arenas_at; /* in mheap: arenas, or the slice */
	uint64_t spans_at;  /* in heapArena */
	struct field_at arena_start;

	uint64_t span_size; /* of struct mspan */
	struct field_at start, pages, elem_size, count, free_index, alloc_bits, state, span_class;
	bool noscan_in_class; /* spanclass is sizeclass<<1 | noscan (>= 1.9) */
	/* Objects in scannable spans of small objects larger than `header_above` begin with a malloc header (>= 1.22). */
	uint64_t header_size, header_above;

	taddr first_module;
	uint64_t module_size;
	struct field_at ranges[MODULE_RANGES][2], next;
};

/* Fills in what the DWARF has; what it lacks is in no_spans and no_modules, allocated. */
void heap_layout_load(struct program *program, struct heap_layout *out);
void heap_layout_free(struct heap_layout *layout);

/* Takes over the layout. Only program->memory and machine are used. */
struct heap *heap_create(struct program *program, const struct heap_layout *layout);

#endif
