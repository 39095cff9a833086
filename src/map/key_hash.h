/*
 * The hash of a map's key, by its type, as the compiler and the runtime of that Go version compute it.
 *
 * A key_hasher is prepared once for a map type: it holds the key's type as a short list of steps. What it hashes are
 * the key's bytes as they lie in the target; strings and what interfaces hold are read from the program's memory.
 */
#ifndef MAP_KEY_HASH_H
#define MAP_KEY_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "gotype/gotype.h"
#include "map/hash.h"
#include "util/error.h"

struct key_hasher;

enum key_hash_result {
	HASH_OK,
	HASH_NAN,     /* a NaN is part of the key: its hash was random, the entry can be anywhere */
	HASH_UNKNOWN, /* see key_hash_reason() */
};

/*
 * How maps of `key` hash. `by_typehash`: the map type was made by reflect.MapOf, whose hasher is runtime.typehash; from
 * Go 1.17 it differs from the compiler's for structs. Copies `state`, which must be hash_supported(); `key` and its
 * program must outlive the hasher. An error where the type cannot be a key.
 */
struct error *key_hasher_create(const struct hash_state *state, struct gotype *key, bool by_typehash,
				struct key_hasher **out) MUST_CHECK;
/*
 * For keys that are only guessed to be of their type: strings of which `may_be` says no are not read, and the result is HASH_UNKNOWN.
 */
void key_hasher_doubt(struct key_hasher *hasher, bool (*may_be)(const void *context, taddr address, uint64_t length), const void *context);
/* NULL is allowed. */
void key_hasher_destroy(struct key_hasher *hasher);

/*
 * `bytes` are the key's, all key->size of them, which lie at `address` in the target. `seed`: hmap.hash0 or Map.seed.
 * `out` is set where the result is HASH_OK.
 */
enum key_hash_result key_hash(struct key_hasher *hasher, const uint8_t *bytes, taddr address, uint64_t seed,
			      uint64_t *out);
/* Why the last result was HASH_UNKNOWN, one line; good until the next key_hash(). */
const char *key_hash_reason(const struct key_hasher *hasher);

#endif
