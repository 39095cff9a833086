/*
 * Where the collector begins: variables with pointers, records that hang on objects, queues of finalizers and cleanups that wait to
 * be called. Stacks are in stack/. With them markroot() of runtime/mgcmark.go is complete.
 */
#ifndef HEAP_ROOTS_H
#define HEAP_ROOTS_H

#include "gotype/program.h"
#include "heap/spans.h"

enum heap_root_kind {
	HEAP_ROOT_DATA,     /* initialised variables of a module */
	HEAP_ROOT_BSS,      /* others */
	HEAP_ROOT_FINALIZER, /* objects found dead, with the finalizers that wait to be called on them (runtime.allfin) */
	HEAP_ROOT_CLEANUP,  /* cleanups that wait to be called (runtime.gcCleanups, Go >= 1.25; before, they are among the finalizers) */
};

/* Words outside the heap, some of which are pointers. */
struct heap_root_range {
	enum heap_root_kind kind;
	taddr start;
	uint64_t words;
	const uint8_t *mask; /* bit i (of byte i / 8): word i may hold a pointer; owned by the roots */
};

enum heap_special_kind {
	HEAP_SPECIAL_FINALIZER, /* runtime.SetFinalizer: fn and all that the object leads to are kept alive, not the object */
	HEAP_SPECIAL_CLEANUP,   /* runtime.AddCleanup (>= 1.24): fn is kept alive */
	HEAP_SPECIAL_WEAK,      /* a weak pointer's handle (>= 1.23) is kept alive as long as the object, not the object by it */
	HEAP_SPECIAL_OTHER,     /* profile buckets and such: no pointers into the heap */
};

struct heap_special {
	enum heap_special_kind kind;
	uint64_t object; /* slot number */
	uint64_t offset; /* bytes into the slot: of the object that the record is about */
	taddr function;  /* FINALIZER, CLEANUP: the func value, a closure in the heap or read-only data; WEAK: the handle; else 0 */
	taddr argument;  /* CLEANUP, Go >= 1.26: what it will be called with, and the closure that calls it: kept alive too; else 0 */
	taddr caller;
};

/* Owns all that it points to. */
struct heap_roots {
	struct heap_root_range *ranges;
	size_t range_count;
	struct heap_special *specials;
	size_t special_count;
};

/*
 * Reads masks, records and queues; `spans` are of the same moment. What is unsound goes to `findings` and is left out. ERROR_TARGET
 * where the DWARF lacks the structs.
 */
struct error *heap_roots_load(struct program *program, const struct heap_spans *spans, struct findings *findings,
			      struct heap_roots *out) MUST_CHECK;
void heap_roots_free(struct heap_roots *roots);

/* What the runtime itself says of its heap; UINT64_MAX: this version does not say, or the collector is off (goal). */
struct heap_figures {
	uint64_t live;   /* bytes of objects: marked ones and those allocated since, or about to be: whole spans that threads hold */
	uint64_t marked; /* bytes found alive by the last collection */
	uint64_t goal;   /* bytes at which the next collection is to end */
	uint64_t in_use; /* bytes of spans in use: their pages */
	uint64_t cycles; /* collections that have ended */
};

/* What is not known is UINT64_MAX; after an error all of it. */
struct error *heap_figures_read(struct program *program, struct heap_figures *out) MUST_CHECK;

#endif
