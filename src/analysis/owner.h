/*
 * Who keeps an object alive: the way to it from a variable, as Go source would name it, as far as Go has names for it. The walk over the
 * heap has noted which object led to each first, so the way is a shortest one.
 */
#ifndef ANALYSIS_OWNER_H
#define ANALYSIS_OWNER_H

#include "heap/walk.h"
#include "util/buffer.h"

struct owner_path {
	char *text;      /* for people: main.cache.items[3], (closure main.f.func1).m, goroutine 7: stack 0xc000040f20 */
	bool is_map_form; /* `text` is a MAP: show finds the same value by it */
	unsigned hops;   /* pointers on the way */
};

/* A variable of a frame. */
struct owner_local {
	uint64_t goroutine;
	unsigned frame;   /* as in goroutine G: frame F: NAME */
	const char *name;
	struct gotype *type;
	uint64_t address; /* where it lies */
	bool escaped;     /* in the heap: the frame has a pointer to it */
	bool hidden;      /* another variable of that name hides it */
};

/* Where ways come from; all of it must outlive the owners, and the memory must be that which was walked. */
struct owner_source {
	struct program *program;
	struct heap_walk *walk;
	struct heap_spans *spans;
	struct heap_types *types;
	const struct owner_local *locals;
	size_t local_count;
};

struct owners;

struct error *owners_create(const struct owner_source *source, struct owners **out) MUST_CHECK;
/* NULL is allowed. */
void owners_destroy(struct owners *owners);

/* The way to an object, by its slot number, that was reached. */
void owner_of_slot(struct owners *owners, uint64_t slot, struct owner_path *out);
/* The way to what the word at `address` (of an object, a variable, a stack) leads to. */
void owner_of_word(struct owners *owners, taddr address, struct owner_path *out);
/* The way to the value that lies at `address`, in an object or a variable. */
void owner_of_place(struct owners *owners, taddr address, struct owner_path *out);
void owner_path_free(struct owner_path *path);

#endif
