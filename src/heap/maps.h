/*
 * The maps of a heap that was walked: those that something of known type leads to, and those that only look like maps. Of the latter the
 * type is judged: by the type of their buckets, else by trying the program's map types until the hashes of keys fit.
 */
#ifndef HEAP_MAPS_H
#define HEAP_MAPS_H

#include "heap/walk.h"

enum heap_map_evidence {
	HEAP_MAP_REFERRED, /* a pointer of that type leads to it */
	HEAP_MAP_UNITS,    /* its buckets or groups are of that type */
	HEAP_MAP_HASHES,   /* of all types of the program only this one fits its memory, its keys' hashes, its contents, what holds it */
	HEAP_MAP_NONE,     /* not settled: several fit, or it is empty */
};

struct heap_map {
	taddr address;
	uint64_t slot;          /* UINT64_MAX: not in the heap: on a stack */
	bool reached;
	enum heap_map_evidence evidence;
	struct gotype *type;    /* NULL: not settled */
	struct gotype **candidates; /* the types that fit, where it is not settled; owned by heap_maps */
	size_t candidate_count;
	bool same_parts;        /* the candidates have the same key and elem: only the name is not settled */
	struct gotype *guess;   /* a type of the same key and elem, where that is known; NULL: it is not */
	uint64_t length;
	taddr from;             /* not in the heap: the word that led there */
};

/* A sync.Map that nothing of known type leads to. */
struct heap_sync_place {
	taddr address;
	uint64_t slot; /* of the object that it lies in; UINT64_MAX: not in the heap */
	struct gotype *type;
};

struct heap_maps {
	struct heap_map *items;
	size_t count, capacity;
	struct heap_sync_place *syncs; /* of programs without DWARF; others say where they are */
	size_t sync_count, sync_capacity;
};

/*
 * Finds them, in order of address. `garbage`: also those that nothing reaches and that no collection has freed yet. What it finds out
 * about types goes back into the walk, which is run again for what is behind. Reads through program->memory.
 */
struct error *heap_maps_find(struct heap_walk *walk, bool garbage, struct heap_maps *out) MUST_CHECK;
void heap_maps_free(struct heap_maps *maps);

#endif
