/*
 * The structs through which the runtime finds the span of an address, what the collector knows of a span's objects, and the
 * ranges of a module's data, from DWARF.
 */
#ifndef LAYOUT_HEAP_H
#define LAYOUT_HEAP_H

#include "layout/struct.h"

/* noptrdata, data, bss, noptrbss: a start and an end each. */
enum { MODULE_RANGES = 4 };
/* No struct that is read whole is larger: moduledata has 600 bytes, mspan 160. */
enum { HEAP_STRUCT_LIMIT = 4096 };

/* Where the collector finds which words of an object hold pointers: runtime/mbitmap.go. */
enum heap_bitmap {
	HEAP_BITMAP_FLAT,   /* Go <= 1.10: two bits a word, in one bitmap that grows down from mheap.bitmap */
	HEAP_BITMAP_PAIRS,  /* 1.11 ... 1.19: two bits a word, in heapArena.bitmap */
	HEAP_BITMAP_ARENA,  /* 1.20, 1.21: one bit a word, in heapArena.bitmap */
	HEAP_BITMAP_SPAN,   /* >= 1.22: one bit a word at the end of spans of small objects; from their types for larger ones */
};

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
	char *no_collector; /* why what follows is not known; NULL where it is */
	uint64_t all_spans_at; /* in mheap: a slice of pointers to all mspans */
	struct field_at heap_sweepgen; /* in mheap */
	struct field_at sweepgen, alloc_count, mark_bits, large_type, user_arena, specials;
	enum heap_bitmap bitmap;
	uint64_t bitmap_at, bitmap_bytes; /* in heapArena: its offset and size; FLAT: offset in mheap of a pointer */
	/* Spans of scannable objects with a bitmap of their own, of 16 bytes or more, end in so many bytes with mark bits (Green Tea);
	 * 0: none. The marks are `inline_marks_at` bytes into them. */
	uint64_t inline_size, inline_marks_at;
	struct field_at type_size, type_pointers, type_flags, type_kind, type_mask; /* of runtime._type, internal/abi.Type */
	uint64_t type_bytes; /* of the struct */
	/* Bits of tflag: `type_mask` points to where a pointer to the mask will be, once needed (>= 1.24); no type at all, only a bitmap
	 * made from a program (1.22, 1.23). A bit of kind: `type_mask` is a program (<= 1.23). 0: not in this version. */
	uint64_t mask_on_demand, unrolled_mask, mask_program;
	uint64_t mask_in_progress; /* runtime.inProgress, in the file's addressing, stands where a mask is being made; 0: none */
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
