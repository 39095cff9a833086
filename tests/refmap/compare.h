/*
 * Compares a map of a process with a reference map, both in full: header, buckets or groups, chains, tables and directory, also
 * what deleted slots and evacuated buckets still hold. Pointers between parts of the map are compared as what they lead to, and
 * each part of one must be one part of the other. Not compared: padding and blank fields of keys and elems, which Go copies or
 * not as it likes.
 */
#ifndef TESTS_REFMAP_COMPARE_H
#define TESTS_REFMAP_COMPARE_H

#include "gotype/program.h"
#include "layout/map.h"
#include "util/buffer.h"

struct compared_map {
	struct target *go, *refmap; /* the process, and the arena of the reference map */
	taddr go_header, refmap_header;
	struct gotype *type; /* its layout is complete */
};

/* The first difference: where it is and what both have. NULL: there is none. The caller frees it. */
char *compare_maps(const struct compared_map *maps);

#endif
