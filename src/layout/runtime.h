/*
 * Which structs and constants of the Go runtime a tool outside of a program needs to reach its maps and to read them:
 * those of maps, of sync.Map, of goroutines and modules, type descriptors, and the headers of strings, slices,
 * interfaces and channels.
 */
#ifndef LAYOUT_RUNTIME_H
#define LAYOUT_RUNTIME_H

#include "layout/struct.h"

/* A struct under the names that it has had; a binary or a version has at most one of them. */
struct runtime_name {
	const char *names[4]; /* as DWARF spells them, the newest first; NULL behind the last */
	bool of_maps;	      /* what maps and sync.Maps themselves are made of */
};

extern const struct runtime_name layout_runtime_structs[]; /* names[0] is NULL at the end */
/* Names of constants as DW_TAG_constant has them, those of all versions. NULL at the end. */
extern const char *const layout_runtime_constants[];

/* What mapscope reads besides: names of all versions, of which a binary has some. NULL at the end of each. */
extern const char *const layout_own_structs[], *const layout_own_constants[], *const layout_own_variables[];

struct layout_constant {
	const char *name;
	uint64_t value;
};

#endif
