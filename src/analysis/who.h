/* Who keeps one map alive: every pointer to it, with the way to it; variables that are the same map; slices on the way that share their array. */
#ifndef ANALYSIS_WHO_H
#define ANALYSIS_WHO_H

#include "analysis/census.h"

enum who_kind {
	WHO_VARIABLE, /* a package-level variable, or a part of one, that is the map itself */
	WHO_LOCAL,    /* a variable of a frame, or a part of one, that is the map itself */
	WHO_OBJECT,   /* an object holds it: of the heap, or one that the linker or the compiler laid out and no variable is */
	WHO_WORD,     /* a word of a stack that belongs to no variable: what a function works with, or left over */
};

struct who_holder {
	enum who_kind kind;
	struct owner_path path;
	taddr from; /* the word */
	uint64_t goroutine; /* LOCAL, WORD */
};

/* An array on the way to the map that more than one slice leads to. */
struct who_array {
	taddr address;
	struct owner_path *slices;
	size_t count;
};

struct who {
	struct owner_path shortest; /* the way by which the walk came: NULL text where nothing reaches the map */
	bool in_object;             /* a sync.Map, which is a part of something: holders are those of the whole */
	struct who_holder *holders; /* shortest first */
	size_t count;
	uint64_t left_out;          /* there are more than are looked at */
	struct who_array *arrays;
	size_t array_count;
};

/*
 * Of the map whose header (of a sync.Map: it itself) is at `address`, `size` bytes. While the target still stands.
 */
struct error *who_holds(struct census *census, taddr address, uint64_t size, struct who *out) MUST_CHECK;
void who_free(struct who *who);

#endif
