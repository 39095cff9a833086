/* Between the files that read roots; for this folder only. */
#ifndef HEAP_ROOTS_PRIVATE_H
#define HEAP_ROOTS_PRIVATE_H

#include "heap/roots.h"
#include "layout/heap_roots.h"

struct roots_loader {
	struct program *program;
	const struct heap_spans *spans;
	const struct heap_roots_layout *layout;
	struct findings *findings;
	struct heap_roots *roots;
	size_t range_capacity, special_capacity;
};

/* As heap_roots_load(), with a layout that stays the caller's. */
struct error *heap_roots_create(struct program *program, const struct heap_roots_layout *layout, const struct heap_spans *spans,
				struct findings *findings, struct heap_roots *out) MUST_CHECK;

/* specials.c: of all spans. */
void heap_specials_load(struct roots_loader *loader);

#endif
