/* Every pointer to an object, not only the one that reached it first. */
#ifndef HEAP_REFERRERS_H
#define HEAP_REFERRERS_H

#include "heap/walk.h"

struct heap_pointer {
	taddr from;    /* the word that holds it: of a reached object, a variable, a stack; 0: a register */
	uint64_t slot; /* of the object that it leads to, one of those asked for; UINT64_MAX: not in the heap */
	uint64_t value;
	uint64_t goroutine; /* of a stack or register */
	enum { HEAP_POINTER_OBJECT, HEAP_POINTER_DATA, HEAP_POINTER_STACK } in;
};

struct heap_pointers {
	struct heap_pointer *items;
	size_t count, capacity;
	uint64_t total; /* all that there are: `count` of them were kept */
};

/*
 * Finds the pointers to the addresses in [starts[i], ends[i]), which are in order and do not overlap, by a second walk over what was
 * reached, the variables of `roots` and the stacks. At most `most` are kept.
 */
struct error *heap_referrers_find(struct heap_walk *walk, const struct heap_roots *roots, const uint64_t *starts, const uint64_t *ends,
				  size_t count, size_t most, struct heap_pointers *out) MUST_CHECK;
void heap_pointers_free(struct heap_pointers *pointers);

#endif
