/* Where the collector begins: variables with pointers, and records that hang on objects. Stacks are in stack/. */
#ifndef HEAP_ROOTS_H
#define HEAP_ROOTS_H

#include "gotype/program.h"
#include "heap/spans.h"

/* Words of the variables of a module: data or bss. */
struct heap_root_range {
	taddr start;
	uint64_t words;
	const uint8_t *mask; /* bit i (of byte i / 8): word i may hold a pointer; owned by the roots */
};

enum heap_special_kind {
	HEAP_SPECIAL_FINALIZER, /* runtime.SetFinalizer: fn and all that the object leads to are kept alive, not the object */
	HEAP_SPECIAL_CLEANUP,   /* runtime.AddCleanup (>= 1.24): fn is kept alive */
	HEAP_SPECIAL_WEAK,      /* a weak pointer's handle (>= 1.23) is kept alive by the object, not the object by it */
	HEAP_SPECIAL_OTHER,     /* profile buckets and such: no pointers into the heap */
};

struct heap_special {
	enum heap_special_kind kind;
	uint64_t object; /* slot number */
	uint64_t offset; /* bytes into the slot: of the object that the record is about */
	taddr function;  /* FINALIZER, CLEANUP: the func value, a closure in the heap or read-only data */
};

struct heap_roots {
	struct heap_root_range *ranges;
	size_t range_count;
	struct heap_special *specials;
	size_t special_count;
};

/* Reads masks and records; `spans` of the same moment. What is unsound goes to `findings`. */
struct error *heap_roots_load(struct program *program, const struct heap_spans *spans, struct findings *findings,
			      struct heap_roots *out) MUST_CHECK;
void heap_roots_free(struct heap_roots *roots);

/* What the runtime itself says of its heap; UINT64_MAX: this version does not say. */
struct heap_figures {
	uint64_t live;   /* bytes of objects: gcController.heapLive, memstats.heap_live: marked ones and those allocated since */
	uint64_t marked; /* bytes found alive by the last collection */
	uint64_t goal;   /* bytes at which the next collection is to end */
	uint64_t in_use; /* bytes of spans in use */
	uint64_t cycles; /* collections that have ended */
};

struct error *heap_figures_read(struct program *program, struct heap_figures *out) MUST_CHECK;

#endif
