/* Between the search*.c files of this folder only. */
#ifndef HEAP_SEARCH_PRIVATE_H
#define HEAP_SEARCH_PRIVATE_H

#include "heap/search.h"
#include "heap/spans.h"

/* The bytes of a module's variables, as they were when the search began. */
struct search_range {
	taddr start;
	uint8_t *bytes;
	size_t size;
};

struct search {
	struct program *program;
	const struct module_place *module;
	struct search_range ranges[MODULE_RANGES];
	struct search_proof *proof;
};

/*
 * Calls `visit` with every word of the variables that `length` bytes of the same range begin with, until it returns false.
 */
struct search_visit {
	size_t length;
	bool drawn; /* only variables that the file gives no value */
	bool (*visit)(void *context, taddr at, const uint8_t *bytes);
	void *context;
};
void search_each(const struct search *search, const struct search_visit *visit);
/* Where a variable is, from here on. */
void search_tell(const struct search *search, const char *name, taddr at);

/* Slices with something in them: pointer, length, capacity. */
struct search_slice {
	uint64_t first, length;
};
bool search_is_slice(const struct search *search, const uint8_t *bytes, uint64_t most, struct search_slice *out);
/* The `index`th word of what a slice of pointers leads to; 0: not to be read. */
uint64_t search_pointer(const struct search *search, const struct search_slice *slice, uint64_t index);

struct error *search_mheap(struct search *search) MUST_CHECK;
struct error *search_goroutines(struct search *search) MUST_CHECK;
/* Tells of sync.expunged where exactly one variable can be it. */
void search_expunged(struct search *search, const struct heap_spans *spans);
/* Tells of runtime.allfin where finalizers wait to be called. */
void search_finalizers(struct search *search, const struct heap_spans *spans);
struct error *search_hashes(struct search *search) MUST_CHECK;

#endif
