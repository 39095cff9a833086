/* The figures of one sync.Map: what is in which part of it, what it owns and what of that is waste. */
#ifndef ANALYSIS_SYNC_STAT_H
#define ANALYSIS_SYNC_STAT_H

#include "analysis/stat.h"
#include "map/sync_map.h"

/* One of the two maps inside. */
struct sync_inner_stat {
	uint64_t entries, deleted, expunged; /* `deleted`: p is nil; both are counted in entries */
	uint64_t capacity;                   /* slots, as map_stat's */
	double load_factor;
	uint64_t bytes, wasted_bytes;        /* of the map alone, without what it leads to */
};

struct sync_stat {
	uint64_t bytes;        /* the struct itself, inner maps, readOnly, entries, values (the any boxes), nodes */
	uint64_t wasted_bytes; /* of these: what no live entry uses */
	uint64_t capacity;     /* slots of the inner map that holds all; child slots of all nodes */
	double load_factor;    /* that map's; child slots in use, of all */
	uint64_t deleted, expunged;

	/* read and dirty */
	struct sync_inner_stat read, dirty;
	uint64_t until_promotion; /* misses until the dirty map becomes the read map; 0: it is not amended, nothing is missed */

	/* trie */
	uint64_t child_slots, child_slots_used;
	uint64_t overflow_entries;       /* those behind another one of the same hash */
	uint64_t empty_nodes;            /* without a child, the root not counted */
	struct histogram levels;         /* item[i]: entries in child slots of nodes of level i; the root is level 0 */
	struct histogram chain_lengths;  /* item[i]: child slots that lead to i + 1 entries */
	uint64_t fill[SYNC_CHILDREN + 1]; /* [i]: nodes with i children */
};

/* While the target stands: the inner maps are walked. `out` must be all zeroes; sync_stat_free() ends it also after an error. */
struct error *sync_stat_compute(const struct sync_contents *contents, struct sync_stat *out) MUST_CHECK;
void sync_stat_free(struct sync_stat *stat);

#endif
