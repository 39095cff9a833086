/* The structs through which the runtime finds the span of an address, and the ranges of a module's data, from DWARF. */
#ifndef LAYOUT_HEAP_H
#define LAYOUT_HEAP_H

#include "layout/struct.h"

/* noptrdata, data, bss, noptrbss: a start and an end each. */
enum { MODULE_RANGES = 4 };
/* No struct that is read whole is larger: moduledata has 600 bytes, mspan 160. */
enum { HEAP_STRUCT_LIMIT = 4096 };

struct heap_layout {
	char *no_spans;   /* why the heap's part is not known; NULL where it is */
	char *no_modules; /* the same of moduledata */

	uint64_t mheap;   /* runtime.mheap_, in the file's addressing */
	uint64_t page_size;
	/*
	 * Go >= 1.11: mheap.arenas, an array of `l1_length` pointers to arrays of `l2_length` pointers to heapArenas, each
	 * with an array of `arena_pages` span pointers. The first arena begins at address `origin`, all sums mod 2^64.
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

	uint64_t first_module; /* runtime.firstmoduledata, in the file's addressing */
	uint64_t module_size;
	struct field_at ranges[MODULE_RANGES][2], next;
};

/* What the DWARF lacks is said in no_spans and no_modules. */
void heap_layout_load(struct binary *binary, struct heap_layout *out);
void heap_layout_free(struct heap_layout *layout);

#endif
