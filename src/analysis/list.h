/*
 * Every map that a package-level variable leads to: through structs, arrays, slices, pointers, interfaces and
 * sync.Maps.
 */
#ifndef ANALYSIS_LIST_H
#define ANALYSIS_LIST_H

#include "gotype/program.h"
#include "map/finding.h"
#include "map/map.h"

struct listed_map {
	const char *name;     /* in the MAP form */
	struct gotype *type;   /* a map, or a sync.Map (gotype_is_sync()) */
	bool has_memory;      /* false for a binary at rest: type and name are all there is */
	taddr address;        /* of the header; 0: nil; of a sync.Map its own */
	uint64_t length;      /* of a sync.Map: as many entries as were found */
	bool gone;            /* a local variable that is optimised out where its goroutine stands: there is no address */
	const char *error;    /* NULL, or why the header is not sound; length is 0 then */
};

/* The variables that can lead to maps: found once, as that takes the DWARF of the whole program. */
struct list_variables;

struct error *list_variables_find(struct program *program, struct list_variables **out) MUST_CHECK;
/* NULL is allowed. */
void list_variables_free(struct list_variables *variables);

/* Calls `visit` for each map, in the order of the DWARF. `visit` returns false to stop. */
struct error *list_maps(struct program *program, const struct list_variables *variables,
			bool (*visit)(void *context, const struct listed_map *map), void *context) MUST_CHECK;

/* Of list_locals(): stacks that were not seen to their end. */
struct list_cut {
	uint64_t stacks;
	char *why; /* of the first one; freed by the caller; NULL: none */
	uint64_t nameless; /* frames of Go functions whose variables nothing tells: there is no DWARF of them */
};

/*
 * Calls `visit` for each map in a local variable or parameter of a goroutine: in the variable itself, its fields and
 * elements, and behind one pointer. Names are "goroutine 7: frame 2: cache". The target should stand; program->stack
 * is opened if it is not. A variable that is not written yet may hold anything: an unsound header says nothing of the
 * program.
 */
struct error *list_locals(struct program *program, struct findings *findings, struct list_cut *cut,
			  bool (*visit)(void *context, const struct listed_map *map), void *context) MUST_CHECK;

/* The same of one frame. The stacks have been read. */
struct stack_frame;
struct error *list_frame(struct program *program, const struct stack_frame *frame, bool (*visit)(void *context, const struct listed_map *map),
			 void *context) MUST_CHECK;

#endif
