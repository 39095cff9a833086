/* Between races.c, races_names.c and races_evidence.c only. */
#ifndef ANALYSIS_RACES_PRIVATE_H
#define ANALYSIS_RACES_PRIVATE_H

#include "analysis/races.h"

/* What a function takes first. */
enum race_shape {
	RACE_TYPE_MAP, /* a map type's descriptor, the map, then perhaps a key */
	RACE_MAP_TYPE, /* the map, its receiver, then the descriptor */
	RACE_ITER,     /* an iterator */
	RACE_SYNC,     /* a sync.Map, its receiver */
	RACE_OTHER,    /* something else */
};

enum race_key {
	RACE_NO_KEY,
	RACE_KEY_POINTER, /* a pointer to it */
	RACE_KEY_STRING,  /* a string, by value */
	RACE_KEY_WORD,    /* an integer or pointer, by value */
};

struct race_function {
	const char *name;
	bool prefix; /* names that begin so, else the whole name */
	enum race_kind kind;
	enum race_shape shape;
};

/* NULL: it is none of a map. */
const struct race_function *race_function_find(const char *name);
enum race_key race_key_of(const struct race_function *function, const char *name);

/* A frame that is kept, of an operation: those of the map's functions, innermost first. */
struct race_inside {
	const struct race_function *function;
	struct stack_frame frame;
};

enum { RACE_INSIDE = 16 };

struct race_group {
	struct race_inside inside[RACE_INSIDE];
	size_t count;
	struct stack_frame caller; /* that called the outermost of them */
	bool has_caller;
};

/* Where a function's parameters on the stack begin; 0 where that is not known. */
uint64_t race_slots(const struct program *program, const struct stack_frame *frame);
/* Finds map, type and key of an operation. */
struct error *race_find_evidence(struct program *program, const struct race_group *group,
				 struct race_operation *operation) MUST_CHECK;

#endif
