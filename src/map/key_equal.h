/*
 * Whether two keys of a map are equal, as Go's == says of values of the key's type: NaN is not equal to itself, +0 equals -0,
 * blank fields and padding do not count, interfaces are equal by dynamic type and value.
 *
 * A key_comparer is prepared once for a key type. Strings and what interfaces hold are read from the program's memory.
 */
#ifndef MAP_KEY_EQUAL_H
#define MAP_KEY_EQUAL_H

#include "gotype/gotype.h"
#include "util/error.h"

struct key_comparer;

/* A key: its bytes, all of its type's size, and where they lie in the target. */
struct key_place {
	const uint8_t *bytes;
	taddr address;
};

enum key_equality {
	KEYS_EQUAL,
	KEYS_DIFFERENT,
	KEYS_UNKNOWN, /* not different as far as they can be read; see key_equal_reason() */
};

/* `key` and its program must outlive the comparer. An error where values of the type cannot be compared. */
struct error *key_comparer_create(struct gotype *key, struct key_comparer **out) MUST_CHECK;
/* NULL is allowed. */
void key_comparer_destroy(struct key_comparer *comparer);

enum key_equality key_equal(struct key_comparer *comparer, struct key_place a, struct key_place b);
/* Why the last result was KEYS_UNKNOWN, one line; good until the next key_equal(). */
const char *key_equal_reason(const struct key_comparer *comparer);

#endif
