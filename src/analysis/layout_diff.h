/* What differs between two layouts. */
#ifndef ANALYSIS_LAYOUT_DIFF_H
#define ANALYSIS_LAYOUT_DIFF_H

#include "analysis/layout_set.h"

enum layout_change {
	LAYOUT_REMOVED, /* the first has it alone */
	LAYOUT_ADDED,	/* the second has it alone */
	LAYOUT_MOVED,	/* another offset, perhaps another size */
	LAYOUT_RESIZED,
	LAYOUT_CHANGED, /* another value */
};

/* "removed", "added", "moved", "resized", "changed" */
const char *layout_change_name(enum layout_change change);

enum layout_part { LAYOUT_STRUCT, LAYOUT_FIELD, LAYOUT_CONSTANT, LAYOUT_MAP, LAYOUT_HEAD };

/* "struct", "field", "constant", "map", "head" */
const char *layout_part_name(enum layout_part part);

struct layout_place {
	uint64_t offset, size; /* bytes; of a field both count, of a struct its size */
	uint64_t value;	       /* of constants and of a figure of a map type */
	const char *text;      /* HEAD: "amd64", "swiss"; NULL: none */
};

struct layout_difference {
	enum layout_part part;
	enum layout_change change;
	const char *owner;	  /* the struct, constant or map type; HEAD: "arch", "implementation" */
	const char *name;	  /* the field, or the figure of a map type: "key_offset"; NULL: the whole */
	struct layout_place a, b; /* where it is in either; what is not there is all zeroes */
};

typedef void layout_diff_visit(void *context, const struct layout_difference *difference);

/*
 * Calls `visit` for each difference, in the order of `a`. Names of types are not compared, nor versions. `symmetric`:
 * what only `b` has is a difference too, but map types that one of them lacks are not, for they belong to the program.
 * Else `a` is a promise that `b` is to keep: it may have more, but no less. How many differences.
 */
size_t layout_diff(const struct layout_set *a, const struct layout_set *b, bool symmetric, layout_diff_visit *visit,
		   void *context);

#endif
