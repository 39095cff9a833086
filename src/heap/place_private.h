/* Between place.c and place_bits.c only. */
#ifndef HEAP_PLACE_PRIVATE_H
#define HEAP_PLACE_PRIVATE_H

#include "heap/place.h"
#include "layout/heap.h"
#include "util/table.h"

/* mspan.state, the same from 1.8 (_MSpanDead, ...) to 1.27: runtime/mheap.go. 3 was a free span up to 1.13. */
enum span_state { SPAN_DEAD, SPAN_IN_USE, SPAN_MANUAL, SPAN_FREE };

enum {
	SLICE = 1024,        /* addresses that are looked up together */
	CHUNK = 512,         /* span pointers that are read together: of 4 MiB of heap */
	CHUNKS_KEPT = 8192,  /* 32 MiB of them */
	SPANS_KEPT = 1 << 18,
	KEYS_KEPT = 1 << 20, /* in any of the tables */
	MODULES_KEPT = 4096,
};

struct range {
	uint64_t start, end;
};

struct chunk {
	size_t good; /* bytes */
	uint8_t words[CHUNK * 8];
};

struct span {
	uint64_t start, size; /* bytes */
	uint64_t elem_size, count, free_index, alloc_bits, mark_bits;
	enum span_state state;
	uint32_t header;      /* bytes before each object */
	bool scannable, unsound;
	bool unswept, inline_marks; /* the mark bits are those of the last collection; there are more at the span's end */
};

struct heap {
	struct program *program;
	struct heap_layout layout;
	char *reason;

	/* Of the target's memory; heap_forget() ends it. */
	bool begun, spans_known, modules_known;
	struct range *ranges;
	size_t range_count, range_capacity;
	uint64_t *roots;       /* of mheap.arenas: l1_length of them */
	uint64_t origin, arena_pages, page_limit;
	uint64_t sweepgen;     /* of mheap; UINT64_MAX: not known */
	struct table arenas;   /* by number: the address of the arena's table of spans; 0: none */
	struct table chunks;   /* by number: an index into chunk_list */
	struct chunk **chunk_list;
	size_t chunk_count, chunk_capacity;
	struct table spans;    /* by the mspan's address: an index into span_list, or `unreadable` */
	struct span *span_list;
	size_t span_count, span_capacity;

	/* Of the slice of addresses that is looked up now. */
	uint64_t pages[SLICE], span_addresses[SLICE];
	struct target_piece pieces[SLICE];
	uint64_t keys[SLICE];  /* what each piece is of */
	size_t piece_count;
	uint8_t words[SLICE][8];
	uint8_t *span_bytes;   /* SLICE mspans */
};

static inline uint64_t place_field(const struct heap *heap, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&heap->program->machine, bytes + at.offset, at.size);
}

static inline void place_read_wanted(struct heap *heap)
{
	if (heap->piece_count != 0)
		target_read_pieces(heap->program->memory, heap->pieces, heap->piece_count);
}

/* What a span in use says of its marks, from the bytes of its mspan. */
void place_decode_marks(const struct heap *heap, const uint8_t *bytes, uint64_t size_class, struct span *span);
/* Whether the objects of the slice are allocated, and whether they are dead. */
void place_load_bits(struct heap *heap, size_t count, const enum heap_place *places, struct heap_object *objects);

#endif
