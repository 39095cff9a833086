/* The arenas that the heap consists of: what else is no memory of the heap. For this folder only. */
#ifndef HEAP_ARENAS_H
#define HEAP_ARENAS_H

#include "gotype/program.h"
#include "layout/heap.h"

struct heap_arenas {
	struct program *program;
	const struct heap_layout *layout;
	struct table known;      /* Go >= 1.11: by number: the address of a heapArena; 0: none */
	uint64_t last, last_arena; /* the one asked for last */
	uint64_t origin, end;    /* Go <= 1.10: the one arena is [origin, end) */
	uint64_t bitmap;         /* Go <= 1.10: mheap.bitmap */
};

/* Both must outlive it. */
struct error *heap_arenas_open(struct program *program, const struct heap_layout *layout, struct heap_arenas *out) MUST_CHECK;
void heap_arenas_close(struct heap_arenas *arenas);

/* The heapArena that an address belongs to (Go >= 1.11). */
struct error *heap_arena_of(struct heap_arenas *arenas, uint64_t address, uint64_t *out) MUST_CHECK;
/* That [start, end) is all in arenas; end > start. */
struct error *heap_arenas_check(struct heap_arenas *arenas, uint64_t start, uint64_t end) MUST_CHECK;

#endif
