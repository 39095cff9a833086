/* Between the files that read spans, their bits and bitmaps; for this folder only. */
#ifndef HEAP_SPANS_PRIVATE_H
#define HEAP_SPANS_PRIVATE_H

#include "heap/arenas.h"
#include "heap/spans.h"
#include "layout/heap.h"

struct type_masks;

/* What of an mspan is needed while all is loaded. */
struct span_source {
	uint64_t address;    /* of the mspan */
	uint64_t size;       /* bytes of its pages */
	uint64_t alloc_bits, mark_bits;
	uint32_t free_index;
	bool small;          /* of a size class */
	bool being_swept;
};

struct heap_spans_private {
	struct program *program;
	struct findings *findings;
	struct heap_layout layout;
	struct heap_arenas arenas; /* while all is loaded */
	struct heap_span *spans; /* [1, count]; 0 is of no address */
	struct span_source *sources; /* the same order from 0; NULL when all is loaded */
	size_t count;
	uint64_t slots;
	uint32_t *by_slot;       /* of each 64th slot: the span that has it */
	uint32_t *blocks, *pages;
	uint64_t *allocated, *survived; /* the same where nothing waits to be swept */
	uint64_t *bitmap;        /* pointer bitmaps of all spans, each from a word on; a guard word at the end */
	struct type_masks *masks;
};

/* heap_span.flags: a finding tells of it; it is a chunk of a user arena (GOEXPERIMENT=arenas, Go >= 1.20). */
enum { HEAP_SPAN_NOTED = 1, HEAP_SPAN_USER_ARENA = 2 };

/* heap_span.pointers: there is no bitmap. */
#define HEAP_NO_BITMAP UINT32_MAX

/* As heap_spans_load(), with a layout that the caller made; it is owned then. */
struct error *heap_spans_create(struct program *program, const struct heap_layout *layout, struct findings *findings,
				struct heap_spans **out) MUST_CHECK;

/* page_table.c: spans are sorted and do not overlap. */
struct error *heap_page_table_make(struct heap_spans *spans) MUST_CHECK;
/* span_bits.c: which slots are allocated, which survived. */
struct error *heap_span_bits_load(struct heap_spans *spans) MUST_CHECK;
/* Whether span `i` (from 1 on) ends in mark bits, Go >= 1.25 with Green Tea; its sources are there. */
bool heap_has_inline_marks(const struct heap_spans_private *private, size_t i);
/* pointer_bitmap.c: the collector's bitmaps. */
struct error *heap_pointer_bitmap_load(struct heap_spans *spans) MUST_CHECK;

/* Once a span. Takes `error` over. */
void heap_span_note(struct heap_spans *spans, const struct heap_span *span, struct error *error);

#endif
