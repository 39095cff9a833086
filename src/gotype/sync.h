/*
 * sync.Map, and the generic internal/sync.HashTrieMap that it is made of from Go 1.24 on: where their parts are, from the type graph
 * by the names of fields.
 *
 * Go 1.9-1.23, and 1.24 and 1.25 with GOEXPERIMENT=nosynchashtriemap: sync/map.go (sync/oldmap.go), a read and a dirty map.
 * Go >= 1.24: internal/sync/hashtriemap.go.
 */
#ifndef GOTYPE_SYNC_H
#define GOTYPE_SYNC_H

#include "gotype/gotype.h"
#include "layout/struct.h"

enum sync_form {
	SYNC_READ_DIRTY, /* two maps of entries */
	SYNC_TRIE,       /* a trie over the keys' hashes, four bits a level */
};

enum { SYNC_CHILDREN = 16, SYNC_CHILD_BITS = 4 };

struct sync_layout {
	enum sync_form form;
	uint32_t size;             /* bytes of the map itself: it is a struct, it lies where it is used */
	struct gotype *key, *value; /* of sync.Map: interface {} */
	struct field_at mutex;     /* the state word of mu or initMu: bit 0 is "locked" */

	/* read and dirty */
	struct field_at read;      /* the pointer to readOnly: atomic.Pointer's, or the data word in atomic.Value's interface */
	struct field_at dirty, misses;
	struct gotype *inner;      /* map[any]*entry, completed */
	struct field_at read_m, read_amended; /* in readOnly */
	uint32_t read_only_size;
	struct field_at entry_p;   /* in entry: the pointer to the value, an any of its own */

	/* trie */
	struct field_at inited, root, seed;
	struct field_at is_entry;  /* in both kinds of node */
	struct field_at dead, node_mutex, parent; /* in an indirect node */
	uint32_t children;         /* offset of SYNC_CHILDREN pointers */
	uint32_t node_size;        /* of an indirect node */
	struct field_at overflow;  /* in an entry */
	uint32_t key_offset, value_offset;

	uint32_t entry_size;       /* both forms */
	bool entry_derived;        /* trie: the DWARF lacks the entry's type (1.27 has it in its shape form only): Go's rules of layout */
};

/* By its name; nothing is looked up. True also of a type that turns out to have another inside. */
bool gotype_is_sync(const struct gotype *type);
/* ERROR_TARGET where it is no such map, or one whose parts are not known. Good for the program's life. */
struct error *gotype_sync_layout(struct gotype *type, const struct sync_layout **out) MUST_CHECK;

#endif
