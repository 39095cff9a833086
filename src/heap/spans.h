/*
 * All objects of the heap at one moment: the spans in use, which of their slots are allocated, which words of these hold pointers.
 * One bulk read of the runtime's tables (mheap.allspans, allocBits, pointer bitmaps), none of the objects themselves. place.h
 * answers for a few addresses without reading all of this.
 *
 * Slots of all spans are numbered in order of address: a *slot number* names an object in bitmaps and arrays of this program.
 */
#ifndef HEAP_SPANS_H
#define HEAP_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gotype/program.h"
#include "map/finding.h"

/* 64 bytes: what the lookup of an address touches is one line of the cache. */
struct heap_span {
	uint64_t start;       /* address of its first slot */
	uint64_t end;         /* behind its last slot */
	uint64_t elem_size;   /* bytes of a slot */
	uint64_t first;       /* number of its first slot */
	uint32_t count;       /* slots; end - start == count * elem_size */
	uint32_t reciprocal;  /* private to heap_slot_in() */
	uint32_t pointers;    /* private: where its pointer bitmap is */
	uint8_t header;       /* bytes of the malloc header in front of each object (8, Go >= 1.22, > 512 bytes, scannable); else 0 */
	bool scannable;       /* its objects can hold pointers (always true in Go 1.8, which does not tell) */
	bool swept;           /* false: what the last collection found dead in it is still allocated */
	uint8_t flags;        /* private */
	taddr large_type;     /* Go >= 1.22, one scannable object > 32 KiB: the descriptor of its elements; 0: none yet */
	taddr specials;       /* the first of its records; 0: none */
};

/* How an address becomes a span; only heap_span_find() looks into it. Of a page's number the low bits select in a block, the others
 * a block. Pages of no span lead to span 0, which holds no address. */
struct heap_page_table {
	unsigned page_shift;
	uint64_t base, block_count; /* blocks of the address space: the first that has a span, and how many from there on */
	const uint32_t *blocks;     /* index of a block's first page in `pages` */
	const uint32_t *pages;      /* index of a page's span in `spans` */
	const struct heap_span *spans;
};

enum { HEAP_BLOCK_SHIFT = 10 };

struct heap_spans_private;

struct heap_spans {
	struct heap_page_table table;
	struct heap_spans_private *private;
};

/*
 * Reads everything. `program` must outlive it; the target stands still. What is unsound (spans that overlap, absurd counts, tables that
 * cannot be read) goes to `findings` and is left out; these must outlive it too, as masks are looked at later. ERROR_TARGET where the
 * DWARF lacks the heap's structs, ERROR_MEMORY where nothing at all can be read.
 */
struct error *heap_spans_load(struct program *program, struct findings *findings, struct heap_spans **out) MUST_CHECK;
/* NULL is allowed. */
void heap_spans_free(struct heap_spans *spans);

/* Spans in use, in order of address. */
size_t heap_span_count(const struct heap_spans *spans);
const struct heap_span *heap_span_at(const struct heap_spans *spans, size_t index);
/* Slots of all spans: the numbers are [0, heap_slot_count). */
uint64_t heap_slot_count(const struct heap_spans *spans);
/* The span of a slot number below heap_slot_count(). */
const struct heap_span *heap_span_of_slot(const struct heap_spans *spans, uint64_t slot);

/* The span in whose slots the address lies (start <= address < end); NULL: none. Fast: two loads before the span itself. */
static inline const struct heap_span *heap_span_find(const struct heap_spans *spans, uint64_t address)
{
	const struct heap_page_table *table = &spans->table;
	uint64_t page = address >> table->page_shift;
	uint64_t block = (page >> HEAP_BLOCK_SHIFT) - table->base;

	if (block >= table->block_count)
		return NULL;

	uint64_t at = table->blocks[block] + (page & ((1 << HEAP_BLOCK_SHIFT) - 1));
	const struct heap_span *span = &table->spans[table->pages[at]];

	return address - span->start < span->end - span->start ? span : NULL;
}

/* Which slot of the span holds the address, which lies in it. Fast: one multiplication. */
static inline uint32_t heap_slot_in(const struct heap_span *span, uint64_t address)
{
	uint64_t offset = address - span->start;

	/* computeDivMagic() of runtime/mksizeclasses.go; heap_spans_load() takes only spans for which it is exact */
	return span->reciprocal ? (uint32_t)(offset * span->reciprocal >> 32) : 0;
}

static inline uint64_t heap_slot_address(const struct heap_span *span, uint32_t index)
{
	return span->start + index * span->elem_size;
}

/* Bit `slot`: that slot is allocated: it holds an object, perhaps a dead one. heap_slot_count() bits, good until heap_spans_free(). */
const uint64_t *heap_allocated(const struct heap_spans *spans);
/* Bit `slot`: allocated, and not found dead by the last collection (allocBits, and in spans not swept yet gcmarkBits). */
bool heap_slot_survived(const struct heap_spans *spans, const struct heap_span *span, uint32_t index);

/*
 * Which words of an object hold pointers, as the collector knows it. `bytes` are the slot's first `length` bytes, or fewer than all;
 * where the object has a malloc header they must begin with it. Fills `mask`: bit i is word i of the slot (the header's word is 0),
 * (length / word + 63) / 64 words of mask. Returns false where the collector's data cannot be read (a finding once a span): every
 * bit is set then, as any word might be a pointer. Large arrays repeat their type's mask. Of a slot that is not allocated it says
 * what was there last, or noise.
 */
bool heap_pointer_mask(struct heap_spans *spans, const struct heap_span *span, uint32_t index, const uint8_t *bytes, size_t length,
		       uint64_t *mask);
/* The same of `count` words from word `first` on: an object of many megabytes in parts. `bytes` are the slot's first ones (of a
 * malloc header). */
bool heap_pointer_mask_part(struct heap_spans *spans, const struct heap_span *span, uint32_t index, const uint8_t *bytes,
			    uint64_t first, size_t count, uint64_t *mask);
/* Whether an object of `words` words with that mask has the pointers of one value of the descriptor's type, and no others. */
bool heap_mask_is_of(struct heap_spans *spans, taddr descriptor, const uint64_t *mask, size_t words);
/* Whether there can be a value of the descriptor's type at that offset of the object: pointers where its are, and nowhere else in it. As far as
 * can be told: of values larger than 512 bytes their beginning. */
bool heap_part_may_be(struct heap_spans *spans, const struct heap_span *span, uint32_t index, const uint8_t *bytes, uint64_t offset,
		      taddr descriptor);
/* The descriptor of the object's type (of its elements where it is an array), from its malloc header or large_type; 0: none. What
 * is not a descriptor that describes (the bitmap of a GC program, Go 1.22 and 1.23) is none. Whether it is sound, nobody has looked. */
taddr heap_slot_descriptor(const struct heap_spans *spans, const struct heap_span *span, const uint8_t *bytes);

#endif
