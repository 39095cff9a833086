/* The AES variants of memhash. hash.h is the interface; this is for hash.c and its test. */
#ifndef MAP_HASH_AES_H
#define MAP_HASH_AES_H

#include <stdbool.h>

#include "map/hash.h"

/* With a portable AES round; NULL where the machine has no AES hash. */
const struct hash_functions *hash_aes_portable(const struct hash_state *state);

/* With the instructions of the machine we run on; only where hash_aes_native_usable(). */
const struct hash_functions *hash_aes_native(const struct hash_state *state);
bool hash_aes_native_usable(void);

#endif
