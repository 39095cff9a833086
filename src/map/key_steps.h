/* A key's type as steps of hashing. For key_hash.c, which takes them, and key_steps.c, which makes them. */
#ifndef MAP_KEY_STEPS_H
#define MAP_KEY_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gotype/gotype.h"
#include "util/error.h"

enum key_step_kind {
	STEP_MEMORY,    /* memhash of `size` bytes, 0 too */
	STEP_MEMORY32,  /* memhash32 */
	STEP_MEMORY64,  /* memhash64 */
	STEP_STRING,    /* strhash */
	STEP_FLOAT32,   /* f32hash */
	STEP_FLOAT64,   /* f64hash */
	STEP_INTERFACE, /* interhash or nilinterhash of `type` */
	STEP_REPEAT,    /* the next `steps` ones `count` times, at offsets `size` apart; theirs count from this one's */
};

struct key_step {
	enum key_step_kind kind;
	uint32_t steps;
	uint64_t offset; /* bytes from the key's start, or from the element's within a repetition */
	uint64_t size;
	uint64_t count;
	struct gotype *type;
};

struct key_steps {
	struct key_step *list;
	size_t count;
	size_t capacity;
};

/* Which function is to be followed. */
enum key_steps_how {
	HOW_COMPILER, /* the function that the compiler makes for a map type */
	HOW_TYPEHASH, /* runtime.typehash, Go >= 1.14 */
};

/* An error where the type has no hash: it is not comparable, or its parts make no sense. `out` must be all zeroes. */
struct error *key_steps_make(struct gotype *type, int go_minor, enum key_steps_how how, struct key_steps *out) MUST_CHECK;
void key_steps_free(struct key_steps *steps);

#endif
