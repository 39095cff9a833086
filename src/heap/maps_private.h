/* Between the maps*.c files of this folder only. */
#ifndef HEAP_MAPS_PRIVATE_H
#define HEAP_MAPS_PRIVATE_H

#include "heap/maps.h"
#include "heap/walk_private.h"
#include "layout/map.h"
#include "map/hash_state.h"
#include "map/key_hash.h"

enum { MAP_CANDIDATES = 64 }; /* that are kept at most */

struct map_judge;

/* ERROR_TARGET where the program has no map types. */
struct error *map_judge_create(struct heap_walk *walk, struct map_judge **out) MUST_CHECK;
/* NULL is allowed. */
void map_judge_destroy(struct map_judge *judge);

/* Whether the bytes of an object can be a header: of the only implementation that the program has. */
bool map_judge_looks_like_header(struct map_judge *judge, const uint8_t *bytes, const uint64_t *mask);
/* The size of slots that headers lie in. */
uint64_t map_judge_header_slot(const struct map_judge *judge);
/* The entries that a header says it has. */
uint64_t map_judge_length(const struct map_judge *judge, const uint8_t *header);
/* Where the header's buckets or groups (of its first table) are; 0: none. */
uint64_t map_judge_units(struct map_judge *judge, const uint8_t *header);
/* Sets type, evidence, candidates, length of a map that looks like one; false: it is none. */
bool map_judge_settle(struct map_judge *judge, const uint8_t *header, struct heap_map *map);
/* The same of a variable on a stack that may be a header. Candidates may be left in the map where it is none. */
bool map_judge_on_stack(struct map_judge *judge, const struct heap_stack_object *variable, struct heap_map *map);
/* Opens the map with its type; false where its memory contradicts that. */
bool map_judge_confirms(struct map_judge *judge, struct heap_map *map);

/* Takes out of the maps, which are in order of address, those that arrays of other things lead to. `header_slot` as above. */
void heap_maps_drop_others(struct heap_walk *walk, uint64_t header_slot, struct heap_maps *maps);

/* What the keys of one map say of a state of the hash functions. */
struct map_evidence {
	uint64_t keys; /* that hash to what their control bytes say; 0: nothing speaks for the state */
	unsigned bits; /* how unlikely that is by chance */
};

/* Judges with that state from now on; hash_supported(). */
void map_judge_use_state(struct map_judge *judge, const struct hash_state *state);
/* Of a map that looks like one: under the type that fits its keys best. */
struct map_evidence map_judge_evidence(struct map_judge *judge, const uint8_t *header, taddr address);

#endif
