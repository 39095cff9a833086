/* Between maps_shapes.c, maps_hashes.c and maps_judge.c only. */
#ifndef HEAP_MAPS_JUDGE_H
#define HEAP_MAPS_JUDGE_H

#include "heap/maps_private.h"

enum { MASK_WORDS = 8 }; /* 512 words: units above 512 bytes are known by their malloc headers, or too rare to matter */

/* A map type, or all that have the same key and elem. */
struct shape {
	struct gotype *type;
	uint64_t unit_size;
	bool pointers;            /* its units hold some */
	uint64_t must[MASK_WORDS]; /* words of a unit that are pointers */
	uint64_t may[MASK_WORDS];  /* and those that may be: the type words of interfaces were, once */
	struct key_hasher *hasher;
	bool no_hasher;
	struct gotype **names; /* all of the same key and elem */
	size_t name_count, name_capacity;
};

struct map_judge {
	struct heap_walk *walk;
	struct program *program;
	struct map_layout header; /* of any map type */
	uint64_t header_slot;
	struct shape *shapes;
	size_t shape_count, shape_capacity;
	struct table by_type; /* gotype -> index of its shape */
	struct hash_state state;
	bool hashes;
	uint64_t longest_string; /* bytes: longer ones are no keys */
	size_t parts; /* of an entry that is looked at: maps_contents.c */
};

/* --- maps_shapes.c --------------------------------------------------------------------------------------------------- */

/* The shape of a map type; made where there is none yet. */
struct shape *shape_of(struct map_judge *judge, struct gotype *type);

/* --- maps_hashes.c --------------------------------------------------------------------------------------------------- */

struct tally {
	uint64_t live, fits, differs, unknown;
};

/* Keys that are only guessed to be keys are not read where they cannot be strings. */
void map_judge_doubt(struct map_judge *judge, struct key_hasher *hasher);

enum verdict { REFUTED, POSSIBLE, CONFIRMED };

/* Whether the map at that address can be of the shape's type: its first keys tell. Sets *length where its header is sound. */
enum verdict judge_type(struct map_judge *judge, struct shape *shape, struct gotype *type, taddr address, uint64_t *length, struct tally *tally);

/* --- maps_contents.c ------------------------------------------------------------------------------------------------- */

/* Whether the first keys and elems of the map, which hash as those of that type, can be of it. For programs without DWARF. */
bool map_judge_contents_fit(struct map_judge *judge, struct gotype *type, taddr address);

#endif
