/*
 * The reference map: both of Go's map implementations in C. Fed the same operations as a Go map with the same seed, it ends in
 * the same bytes: headers, tophash bytes and control words, keys, chains, tables, directory. It lives in an arena, in the shape
 * that the layout says, so that all that reads maps of a target reads it too.
 *
 * Behaviour is that of the version's runtime; facts are cited where they are used:
 * classic: runtime/hashmap.go (<= 1.10), runtime/map.go (1.11-1.23), runtime/map_noswiss.go (1.24, 1.25), and map_fast*.go
 * Swiss:   internal/runtime/maps/{map,table,group,runtime_fast*}.go (>= 1.24)
 */
#ifndef REFMAP_REFMAP_H
#define REFMAP_REFMAP_H

#include "gotype/gotype.h"
#include "layout/map.h"
#include "layout/version.h"
#include "target/arena.h"

/* Which functions of the runtime the compiler calls for a map type (cmd/compile, mapfast()): what they leave in
 * deleted slots differs. */
enum refmap_variant {
	REFMAP_SLOW,      /* mapassign, mapdelete: also through reflect */
	REFMAP_FAST32,    /* mapassign_fast32 */
	REFMAP_FAST32PTR,
	REFMAP_FAST64,
	REFMAP_FAST64PTR,
	REFMAP_FASTSTR,
};

/* A map type, as far as the runtime's algorithms look at it. */
struct refmap_type {
	const struct go_version *version;
	struct machine machine;
	const struct map_layout *layout;
	uint32_t key_size, elem_size; /* bytes of the values, also where slots hold pointers to them */
	bool key_pointers, elem_pointers; /* they contain pointers (ptrdata is not 0) */
	bool reflexive_key;   /* k == k for all keys: no floats, no interfaces inside */
	bool need_key_update; /* an assignment to a key that is there writes the key again: +0 and -0, strings */
	enum refmap_variant variant;
};

/* The refmap_type of a Go map type whose layout is `layout`; the variant is the compiler's choice. */
struct error *refmap_type_of(struct gotype *map, const struct map_layout *layout, struct refmap_type *out) MUST_CHECK;

/* What steps of the map say of themselves, for who shows them. Numbers are of buckets, groups, directory slots or entries. */
enum refmap_event {
	REFMAP_GROW,        /* classic: growing to `a` buckets begins; b: 1 for a same-size grow */
	REFMAP_EVACUATE,    /* classic: old bucket a evacuated: b entries to bucket a (X), c to bucket a + old count (Y) */
	REFMAP_GROWN,       /* classic: the last of `a` old buckets was evacuated */
	REFMAP_OVERFLOW,    /* classic: an overflow bucket was added to bucket a; b: 1 where it is a preallocated one */
	REFMAP_TO_TABLE,    /* Swiss: the small map's group became a table of `a` slots */
	REFMAP_REHASH,      /* Swiss: the table of directory slot a was replaced by one of b slots */
	REFMAP_SPLIT,       /* Swiss: the table of directory slot a was split in two; b: local depth of both */
	REFMAP_DIRECTORY,   /* Swiss: the directory was doubled to `a` slots */
	REFMAP_PRUNE,       /* Swiss >= 1.25: `b` tombstones of the table of directory slot a became empty slots */
	REFMAP_RESEED,      /* the map became empty: new seed a */
};

/* What a reference map asks for, and tells. Keys lie in the arena. */
struct refmap_callbacks {
	/* The hash of a key as the map's hasher computes it; for a NaN whatever it likes. */
	uint64_t (*hash)(void *context, taddr key, uint64_t seed);
	bool (*equal)(void *context, taddr a, taddr b);
	/* 64 random bits: seeds, where iterations begin, the estimate in noverflow. The first call is for the seed. */
	uint64_t (*random)(void *context);
	/* May be NULL. */
	void (*event)(void *context, enum refmap_event event, uint64_t a, uint64_t b, uint64_t c);
	void *context;
};

struct refmap;

/* make(map[K]V, hint). `type->layout`, `type->version` and `arena` must outlive it; the rest is copied. */
struct refmap *refmap_create(const struct refmap_type *type, struct target *arena, const struct refmap_callbacks *callbacks,
			     uint64_t hint);
/* Gives all its memory back to the arena. NULL is allowed. */
void refmap_destroy(struct refmap *map);

/* Of the header: what map_open() takes. It stays. */
taddr refmap_address(const struct refmap *map);
uint64_t refmap_length(const struct refmap *map);

/* m[key] = ...: the elem's place, elem_size bytes, for the caller to fill; good until the next operation. */
taddr refmap_assign(struct refmap *map, taddr key);
/* m[key]: the elem's place; 0 where there is no such key. */
taddr refmap_find(const struct refmap *map, taddr key);
/* delete(m, key) */
void refmap_delete(struct refmap *map, taddr key);
/* clear(m), or the loop that the compiler takes for it */
void refmap_clear(struct refmap *map);

/* for k, v := range m: entries that the body deletes or adds are treated as the runtime treats them. */
struct refmap_iterator;

struct refmap_iterator *refmap_iterate(struct refmap *map);
/* False at the end. The places are good until the next operation. */
bool refmap_iterator_next(struct refmap_iterator *iterator, taddr *key, taddr *elem);
void refmap_iterator_destroy(struct refmap_iterator *iterator);

#endif
