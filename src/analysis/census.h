/*
 * Every map of a process: in its heap and on its stacks, with what each owns and who holds it. The heap is walked once
 * (heap/walk.h), its maps are judged (heap/maps.h), measured and named (analysis/owner.h).
 */
#ifndef ANALYSIS_CENSUS_H
#define ANALYSIS_CENSUS_H

#include "analysis/owner.h"
#include "heap/maps.h"
#include "heap/roots.h"

struct census_options {
	bool garbage; /* also maps that nothing reaches and that are not freed yet */
	/* May be NULL. See heap/walk.h. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

struct census_map {
	struct heap_map found;
	struct gotype *like;   /* `type`, or the first candidate: all candidates lie alike in memory; NULL: nothing is known */
	uint64_t capacity;     /* slots, as stat has it */
	double load_factor;
	uint64_t bytes, wasted_bytes; /* as stat has them */
	bool is_sync;          /* a sync.Map: found.address is where the struct lies, found.slot the object that it lies in */
};

struct census {
	struct program *program;
	struct target *base;     /* program->memory before and after the census */
	struct cache *cache;     /* NULL: the target's memory is at hand as it is */
	struct heap_types *types;
	struct heap_spans *spans;
	struct heap_roots roots;
	struct heap_walk *walk;
	struct stack *stack;
	struct stack_maps *stack_maps; /* NULL: unknown, and all words of stacks may be pointers */
	struct owner_local *locals; /* variables of frames that lead into the heap */
	size_t local_count, local_capacity;
	struct heap_maps maps;
	struct census_map *items; /* in order of address */
	size_t count, capacity;
	struct heap_figures figures;
	struct heap_walk_figures reached;
	struct findings findings; /* of the heap itself; those of single maps are not kept: ask stat or verify */
};

/* What takes the DWARF of the whole program and no memory that changes: before the target is stopped. Ended with census_free(). */
struct error *census_create(struct program *program, struct census *out) MUST_CHECK;
/* While the target stands still. program->memory is something else from here to census_free(). */
struct error *census_take(struct census *census, const struct census_options *options) MUST_CHECK;
/* The one at an address; NULL: there is none. */
const struct census_map *census_find(const struct census *census, taddr address);
/* Who can name the owners of its maps, as long as the memory is that of the census. */
struct error *census_owners(struct census *census, struct owners **out) MUST_CHECK;
void census_free(struct census *census);

#endif
