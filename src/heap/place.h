/*
 * Where an address lies in the memory of a Go process: in an object of the heap, on a goroutine's stack, in the data of
 * the binary, nowhere. As the runtime itself finds out (spanOf() of runtime/mheap.go): from the address to the page, from
 * the page to its span, from the span to the object.
 */
#ifndef HEAP_PLACE_H
#define HEAP_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gotype/program.h"
#include "util/bytes.h"
#include "util/error.h"

struct heap;
struct heap_layout;

enum heap_place {
	HEAP_UNKNOWN, /* cannot be told; see heap_reason() */
	HEAP_NOWHERE, /* in none of those below; in a free span, behind a span's last object, in memory of C */
	HEAP_OBJECT,  /* in a slot of a span in use, also in one that is not allocated */
	HEAP_STACK,   /* in a span that the runtime manages by hand: goroutine stacks, few buffers of the collector */
	HEAP_DATA,    /* in variables of the binary or a plugin: data, bss, noptrdata, noptrbss; not in read-only data */
};

/*
 * A slot of a span. What Go points to begins at `data`: that is `base`, or from 1.22 on behind the eight bytes of a malloc
 * header. So a pointer to the start of an object of N bytes is sound where it equals `data` and N <= data_size. Objects
 * without pointers below 16 bytes share a slot (the tiny allocator): for them any address inside it is sound.
 */
struct heap_object {
	taddr base;          /* where the slot begins */
	uint64_t size;       /* bytes of the slot: its size class, or the whole span of a large object */
	taddr data;          /* where the object in it begins; base <= data */
	uint64_t data_size;  /* bytes from `data` to the slot's end */
	uint64_t span_start; /* the span is [span_start, span_start + span_size) */
	uint64_t span_size;
	uint64_t index;      /* of the slot in its span */
	bool allocated;      /* not swept yet counts as allocated */
	bool dead;           /* allocated, but the last collection found nothing that leads to it: its span only waits to be swept */
	bool scannable;      /* can hold pointers; always true in Go 1.8, which does not tell */
};

/*
 * Learns from the DWARF where things are and reads no memory: call it before the target is stopped. An error where the program
 * has no memory. Where the DWARF lacks the heap's structs, all heap addresses are HEAP_UNKNOWN. `program` must outlive it.
 */
struct error *heap_open(struct program *program, struct heap **out) MUST_CHECK;
/* The same with a layout (layout/heap.h) that the caller made; the heap owns it then. */
struct heap *heap_create(struct program *program, const struct heap_layout *layout);
/* NULL is allowed. */
void heap_close(struct heap *heap);

/* *out is set for HEAP_OBJECT, and for HEAP_STACK its span_start and span_size. Reads through program->memory and keeps what it
 * read; a target that runs meanwhile gives mixed answers. */
enum heap_place heap_find(struct heap *heap, taddr address, struct heap_object *out);
/* The same for many addresses in few reads; `objects` may be NULL. */
void heap_find_many(struct heap *heap, const taddr *addresses, size_t count, enum heap_place *places,
		    struct heap_object *objects);
/* Forgets what was read of the target's memory: it has run on. */
void heap_forget(struct heap *heap);

/* Why something was HEAP_UNKNOWN, the first such thing; NULL where nothing was. Good until heap_close(). */
const char *heap_reason(const struct heap *heap);

#endif
