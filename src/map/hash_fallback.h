/* memhash without AES. hash.h is the interface; this is for hash.c. */
#ifndef MAP_HASH_FALLBACK_H
#define MAP_HASH_FALLBACK_H

#include "map/hash.h"

/* Never NULL: every machine has it. */
const struct hash_functions *hash_fallback(const struct hash_state *state);

#endif
