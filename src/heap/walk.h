/*
 * Marks what a program can reach in its heap, as its collector would, and learns on the way what type the objects are and which
 * pointer led to each first: so breadth first, level by level, each level in order of address, which makes of a core or process one
 * nearly sequential read a level.
 *
 * Marks follow the collector's pointer bitmaps. Types follow from variables, from malloc headers (Go >= 1.22), from the type words of
 * interfaces, and from what is behind objects of known type. What is found there is claimed, not proved: maps.h has the judge.
 */
#ifndef HEAP_WALK_H
#define HEAP_WALK_H

#include "heap/roots.h"
#include "heap/spans.h"
#include "heap/types.h"

enum heap_origin_kind {
	HEAP_ORIGIN_DATA,     /* a word of a package-level variable, or of other data of the binary */
	HEAP_ORIGIN_STACK,    /* a word on a goroutine's stack */
	HEAP_ORIGIN_REGISTER, /* of a thread that runs a goroutine */
	HEAP_ORIGIN_QUEUE,    /* a word of what waits to be called: finalizers of objects found dead, cleanups */
	HEAP_ORIGIN_SPECIAL,  /* a finalizer or cleanup of an object: its function, or the object that it will get */
};

struct heap_origin {
	enum heap_origin_kind kind;
	taddr address;      /* of the word; SPECIAL: of the object that the record is about; REGISTER: 0 */
	uint64_t goroutine; /* goid: STACK, REGISTER */
};

/* What led to an object first. */
struct heap_referrer {
	bool is_root;
	struct heap_origin root; /* is_root */
	uint64_t slot;         /* else the object that holds the pointer; UINT64_MAX: it was not reached */
};

/* Memory of known type that is no object of the heap: on a stack, in data without a variable of its own. */
struct heap_place_outside {
	taddr address;
	heap_type_id type;
	taddr from;      /* the address of the word that led there; 0: a register */
	uint64_t size;   /* bytes: of one value, or of as many as were said to lie there */
};

/* A variable on a stack, as the compiler describes it to the collector: where its pointers are, not of what type it is. */
struct heap_stack_object {
	taddr address;
	uint64_t size;       /* bytes */
	uint64_t words;      /* that may be pointers; those behind are none */
	const uint8_t *mask; /* bit i % 8 of byte i / 8: word i is one */
};

struct heap_walk;

struct heap_walk_options {
	/* May be NULL. Called now and then: bytes of objects that were scanned, and of all that may be. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

/* `spans` and `types` must outlive it. */
struct error *heap_walk_create(struct program *program, struct heap_spans *spans, struct heap_types *types,
			       const struct heap_walk_options *options, struct findings *findings,
			       struct heap_walk **out) MUST_CHECK;
/* NULL is allowed. */
void heap_walk_free(struct heap_walk *walk);

/* --- where it begins: all of these before heap_walk_run(), roots first, then stacks, then values ------------------ */

/* Variables of the binary: those of known type, and every word that the roots' masks call a pointer. Takes care of specials too. */
struct error *heap_walk_seed_roots(struct heap_walk *walk, const struct heap_roots *roots) MUST_CHECK;
/* A stretch of stack that values can lie on. */
void heap_walk_add_stack(struct heap_walk *walk, uint64_t goroutine, taddr low, uint64_t size);
/* Every word of it may be a pointer: `bytes` are those of [low, low + size). */
void heap_walk_seed_stack(struct heap_walk *walk, uint64_t goroutine, taddr low, const uint8_t *bytes, size_t size);
/* Only those words of it whose bit is set: of word i bit i % 8 of mask[i / 8]. */
void heap_walk_seed_live(struct heap_walk *walk, uint64_t goroutine, taddr low, const uint8_t *bytes, size_t size, const uint8_t *mask);
void heap_walk_seed_register(struct heap_walk *walk, uint64_t goroutine, uint64_t value);
/* A value of known type: a local variable. `bytes` are type->size of them, which lie at `address` (0: in registers). */
void heap_walk_seed_value(struct heap_walk *walk, uint64_t goroutine, struct gotype *type, taddr address, const uint8_t *bytes);

/* A pointer to a value of known type: to a variable that was moved to the heap. */
void heap_walk_seed_pointer(struct heap_walk *walk, uint64_t goroutine, struct gotype *type, taddr value);

/* A variable of a frame that is alive. Its mask must outlive the walk. */
void heap_walk_add_stack_object(struct heap_walk *walk, const struct heap_stack_object *object);

/* Until nothing new is reached and no new type is learnt. May be called again after heap_walk_claim(). */
struct error *heap_walk_run(struct heap_walk *walk) MUST_CHECK;
/* Somebody has found out the type of an object: what is behind it is looked at in the next run. */
void heap_walk_claim(struct heap_walk *walk, uint64_t slot, heap_type_id type);

/* The same of what is no object, or not a whole one. */
void heap_walk_claim_value(struct heap_walk *walk, taddr address, heap_type_id type);

/* --- what it found -------------------------------------------------------------------------------------------------- */

bool heap_walk_reached(const struct heap_walk *walk, uint64_t slot);
heap_type_id heap_walk_type(const struct heap_walk *walk, uint64_t slot);
/* Its type was claimed, and no pointer of known type has led there since. */
bool heap_walk_guessed(const struct heap_walk *walk, uint64_t slot);
/* Of a reached object that can hold pointers. */
struct heap_referrer heap_walk_referrer(const struct heap_walk *walk, uint64_t slot);
const struct heap_place_outside *heap_walk_outside(const struct heap_walk *walk, size_t *count);
/* Those that were added, in order of address. */
const struct heap_stack_object *heap_walk_stack_objects(const struct heap_walk *walk, size_t *count);
/* The one that begins there; NULL: none does. */
const struct heap_stack_object *heap_walk_stack_object_at(const struct heap_walk *walk, uint64_t address);

struct heap_walk_figures {
	uint64_t objects, bytes; /* reached, slots as large as they are */
	uint64_t pointers;       /* that lead to objects */
	uint64_t typed;          /* of the reached ones that can hold pointers */
	uint64_t scannable;
};
void heap_walk_figures(const struct heap_walk *walk, struct heap_walk_figures *out);

#endif
