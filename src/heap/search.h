/*
 * The runtime's variables in a program without symbols and DWARF: found by what they hold, each proved before it is believed. What a
 * version calls them and how it lays them out is known (layout/known_debug.h), where they are is not.
 */
#ifndef HEAP_SEARCH_H
#define HEAP_SEARCH_H

#include "gotype/program.h"
#include "layout/module.h"
#include "map/hash.h"

/* What was found, and by how much. */
struct search_proof {
	uint64_t spans;      /* mspans that both lists of the heap name alike */
	uint64_t goroutines; /* gs that name themselves */
	uint64_t maps, keys; /* whose hashes the state that was found makes; 0: no map has enough entries to tell */
	unsigned bits;       /* of evidence in these keys */
	struct hash_state state; /* program->hash_state then */
};

/*
 * Tells binary->debug (which layout_known_debug() made) where runtime.firstmoduledata, mheap_, allgs and allm are, and sets
 * program->hash_state. ERROR_MEMORY: one that every program has was not found, so that the program is not what the version says. A hash state
 * that is not found is no error: `proof->maps` is 0 then. Reads no more of the heap than its spans and some maps. `proof` must outlive
 * the program.
 */
struct error *search_variables(struct program *program, const struct module_place *module, struct search_proof *proof) MUST_CHECK;

#endif
