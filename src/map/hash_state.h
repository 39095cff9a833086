/* The state of a program's hash functions, read from its memory. */
#ifndef MAP_HASH_STATE_H
#define MAP_HASH_STATE_H

#include "gotype/program.h"
#include "map/hash.h"

/* Reads runtime.useAeshash, aeskeysched and hashkey (from 1.27 on in internal/runtime/maps). */
struct error *hash_state_read(struct program *program, struct hash_state *out) MUST_CHECK;

#endif
