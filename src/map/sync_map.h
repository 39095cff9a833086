/*
 * A sync.Map (or internal/sync.HashTrieMap) in a target's memory. Its struct lies where it is used: `address` is that of the
 * variable or field itself. It has no count: how many entries it has is known once all of it was read.
 *
 *     struct sync_map map;
 *     struct sync_contents contents = { 0 };
 *     if (gotype_is_sync(type)) {
 *             TRY(sync_map_open(type, address, &map));
 *             TRY(sync_contents_load(&map, NULL, findings, &contents));
 *             for each of contents.entries: key at .key of type map.layout->key, value at .value of map.layout->value
 *             sync_each_block(&contents, visit, context);
 *     }
 *     sync_contents_free(&contents);
 */
#ifndef MAP_SYNC_MAP_H
#define MAP_SYNC_MAP_H

#include "gotype/sync.h"
#include "map/map.h"
#include "target/mirror.h"

struct sync_map {
	struct program *program;
	struct gotype *type;
	const struct sync_layout *layout;
	taddr address;
	bool locked; /* mu (initMu) is held: somebody is changing it, or died doing so */

	/* read and dirty */
	taddr read_only;  /* 0: none yet */
	taddr read_map;   /* headers of the inner maps; 0: nil */
	taddr dirty_map;
	bool amended;     /* dirty has keys that read lacks */
	uint64_t misses;
	taddr expunged;   /* the value of the variable sync.expunged: what p of an expunged entry equals; 0: not known */

	/* trie */
	uint64_t inited;  /* 0: no entry was ever stored, there is no root */
	taddr root;
	uint64_t seed;
};

/* Reads what lies at `address`. ERROR_TARGET where `type` is no such map; ERROR_MEMORY where it cannot be read. */
struct error *sync_map_open(struct gotype *type, taddr address, struct sync_map *out) MUST_CHECK;

/* The same from the bytes that were read there, all layout->size of them; readOnly is read. */
struct error *sync_map_decode(struct gotype *type, taddr address, const uint8_t *bytes, struct sync_map *out) MUST_CHECK;

enum sync_state {
	SYNC_LIVE,
	SYNC_DELETED,    /* p is nil */
	SYNC_EXPUNGED,   /* deleted, and dirty was made without it */
	SYNC_UNREADABLE,
};

struct sync_entry {
	taddr address; /* of struct entry */
	taddr key;     /* where the key lies: in a slot of the inner map, in the trie's entry */
	taddr value;   /* where the value lies; 0 where the entry is not live */
	uint64_t path; /* trie: the hash's first nibbles, from the top of a word: those that lead to the child slot */
	uint32_t node; /* trie: index of the node that has the child slot */
	uint32_t chain; /* trie: 0 in the child slot, n: the n-th behind it in its overflow chain */
	uint8_t slot;  /* trie: of the node's children */
	uint8_t state; /* enum sync_state */
	bool in_read, in_dirty; /* read and dirty: which of the inner maps lead to it */
};

/* An indirect node of a trie. */
struct sync_node {
	taddr address, parent; /* as it says itself; 0: the root */
	uint32_t holder;       /* index of the node whose child it is; of the root 0, its own */
	uint8_t level;         /* 0: the root */
	uint8_t slot;          /* of the holder's children */
	bool dead, locked;
	uint64_t path;         /* the nibbles that lead here */
	taddr children[SYNC_CHILDREN];
};

struct sync_contents {
	const struct sync_map *map;
	/*
	 * In storage order. Trie: as Range goes. Read and dirty: those of the read map, then those of the dirty map; an entry that both
	 * have comes once in each part, with in_read and in_dirty both set.
	 */
	struct sync_entry *entries;
	size_t count, capacity;
	size_t read_count; /* read and dirty: entries [0, read_count) are the read map's */
	uint64_t live;     /* entries that the map has, as len() would say if it could */

	struct sync_node *nodes; /* trie: the root first, then level by level */
	size_t node_count, node_capacity;
	uint64_t locked_nodes; /* whose mutex is held */

	struct go_map read, dirty; /* the inner maps, opened; address 0 where nil or not sound */
};

/*
 * Reads nodes and entries, not keys and values. What is unsound (cycles, depth, garbage) goes to `findings`. `mirror`: NULL, or
 * the mirror that program->memory is: what is read is fetched with it in bulk. `map` must outlive the contents. Errors:
 * interrupted, out of memory. `out` must be all zeroes; sync_contents_free() ends it also after an error.
 */
struct error *sync_contents_load(const struct sync_map *map, struct mirror *mirror, struct findings *findings,
				 struct sync_contents *out) MUST_CHECK;
void sync_contents_free(struct sync_contents *contents);

/* Whether the map has this entry: live, and the one of two parts that a lookup would find. */
bool sync_entry_counts(const struct sync_contents *contents, size_t index);

/* Trie: the entries of a node's child slot, the chain's head first: `count` of them from `first` on; 0 where it leads to none. */
size_t sync_slot_entries(const struct sync_contents *contents, size_t node, unsigned slot, size_t *first);
/* "live", "deleted", "expunged", "unreadable" */
const char *sync_state_name(enum sync_state state);

enum sync_block_what {
	SYNC_BLOCK_READ_ONLY, /* struct readOnly */
	SYNC_BLOCK_ENTRY,     /* struct entry, of either form */
	SYNC_BLOCK_VALUE,     /* the any that an entry's p points to */
	SYNC_BLOCK_NODE,      /* an indirect node */
};

/* "readOnly", "entry", "value", "node" */
const char *sync_block_name(enum sync_block_what what);

struct sync_block {
	enum sync_block_what what;
	taddr address;
	uint64_t size; /* bytes that are needed; the allocator's slot may be larger */
};

/*
 * Every block that the map owns, but not the inner maps (contents.read, contents.dirty: maps like any other) and not the struct itself.
 * Each once. `visit` returns false to stop.
 */
void sync_each_block(const struct sync_contents *contents, bool (*visit)(void *context, const struct sync_block *block), void *context);

#endif
