/*
 * Does to a reference map what the recorder (testdata/recorder) has written down in its memory, step by step, and compares
 * what both tell on the way: what lookups find, what iterations visit, when there are new seeds.
 */
#ifndef TESTS_REFMAP_PLAY_H
#define TESTS_REFMAP_PLAY_H

#include "gotype/program.h"
#include "map/hash.h"
#include "refmap/refmap.h"

struct play {
	struct program *program; /* its memory is the process with `arena` laid over it */
	struct target *arena;
	const struct hash_state *hash_state;
	const char *kind; /* of the recorder's kinds */
};

struct play_result {
	struct gotype *type;   /* the map's */
	struct refmap *map;    /* the caller destroys it */
	taddr go_header;
	uint64_t steps;        /* entries of the log that were played */
	char *difference;      /* at the last one of them; NULL: none. The caller frees it */
};

struct error *play_log(const struct play *play, struct play_result *out) MUST_CHECK;

#endif
