/*
 * Which words of a frame are pointers where it goes on: the compiler's maps of locals and arguments at a pc, and of the
 * variables in it whose address was taken (Go >= 1.12). Found once per pc.
 */
#ifndef STACK_STACK_MAP_H
#define STACK_STACK_MAP_H

#include "map/finding.h"
#include "stack/pclntab.h"

struct stack_maps;
struct defer_layout;

/* A variable of a frame that is found by pointers to it only: what is in it is alive if one of these is. */
struct stack_object {
	int64_t offset;       /* bytes: negative from the end of the locals, else from the start of the arguments */
	uint64_t size;        /* bytes */
	uint64_t words;       /* words from its start that may be pointers */
	const uint8_t *mask;  /* bit i % 8 of byte i / 8: word i is one; NULL: all may be */
};

/* Bitmaps as in stack_object. */
struct stack_map {
	const struct pclntab_function *function; /* NULL: none is known at the pc, and nothing of what follows */
	bool has_locals; /* there is a map of the locals; what has none (assembly) may only have a frame without locals
			  */
	uint64_t local_words; /* that end where the locals end */
	const uint8_t *locals;
	bool has_args; /* the same of arguments and results */
	uint64_t arg_words; /* from the start of the arguments */
	const uint8_t *args;
	const struct stack_object *objects;
	size_t object_count;
};

/* Looks only into the DWARF. `program` must outlive it. */
struct error *stack_maps_open(struct program *program, struct stack_maps **out) MUST_CHECK;
/* NULL is allowed. */
void stack_maps_close(struct stack_maps *maps);

/*
 * Of a frame that goes on at `pc`: a return address, or a function's entry. Never NULL, good until stack_maps_close().
 * What is unsound in the program's tables is told to `findings` once, and is not known then.
 */
const struct stack_map *stack_map_find(struct stack_maps *maps, uint64_t pc, struct findings *findings);
/* Where the fields of goroutines' other roots are: for stack/live.c. */
const struct defer_layout *stack_maps_defers(const struct stack_maps *maps);

#endif
