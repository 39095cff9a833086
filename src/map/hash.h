/*
 * The hash functions of Go's runtime, recomputed from the process's own state. Facts and their Go sources are cited
 * in the .c files; they changed in Go 1.8 ... 1.27 as the machine, hash_state.go_minor and hash_state.aes say.
 */
#ifndef MAP_HASH_H
#define MAP_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"

/* The process's state that memhash depends on. */
struct hash_state {
	struct machine machine;
	int go_minor;            /* 8 ... 27: Go 1.N */
	bool aes;                /* runtime.useAeshash */
	uint8_t key_schedule[128]; /* runtime.aeskeysched: 128 bytes, 64 on 32-bit machines; needed where `aes` */
	uint64_t hash_key[4];    /* runtime.hashkey, words in our byte order; needed where not `aes` */
};

/*
 * The building blocks, by the runtime's names. `p` is readable for `n` bytes, n <= any size, at any alignment, and
 * nothing beyond is read; `seed` and the result are words of the target (zero-extended on 32-bit machines; the upper
 * half of such a seed is ignored). The bytes are in the target's own order. Needs hash_supported().
 */
uint64_t hash_memory(const struct hash_state *state, const void *p, size_t n, uint64_t seed); /* memhash, strhash's bytes */
uint64_t hash_memory32(const struct hash_state *state, const void *p, uint64_t seed);         /* memhash32 */
uint64_t hash_memory64(const struct hash_state *state, const void *p, uint64_t seed);         /* memhash64 */
/* f32hash, f64hash; false for a NaN, whose hash is random; `out` is untouched then. */
bool hash_float32(const struct hash_state *state, const void *p, uint64_t seed, uint64_t *out);
bool hash_float64(const struct hash_state *state, const void *p, uint64_t seed, uint64_t *out);
/* The two multipliers of float and interface hashes: c0 and c1 of runtime/alg.go. */
uint64_t hash_c0(const struct hash_state *state);
uint64_t hash_c1(const struct hash_state *state);

/* True where memhash of this machine and version is known; else nothing can be recomputed. */
bool hash_supported(const struct hash_state *state);

/*
 * The same three, chosen once for a machine and version: for loops over many keys. The choice depends on
 * machine, go_minor and aes only, not on the keys. NULL where not hash_supported().
 */
struct hash_functions {
	uint64_t (*memory)(const struct hash_state *state, const void *p, size_t n, uint64_t seed);
	uint64_t (*memory32)(const struct hash_state *state, const void *p, uint64_t seed);
	uint64_t (*memory64)(const struct hash_state *state, const void *p, uint64_t seed);
};

const struct hash_functions *hash_functions_of(const struct hash_state *state);

#endif
