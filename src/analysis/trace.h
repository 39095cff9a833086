/*
 * The lookup of one key, as the runtime of the program's Go version does it for m[k], step by step. Nothing but what that lookup
 * reads is read, and the map's header.
 *
 * Sources, in each release's src/: which function is called: cmd/compile/internal/walk/walk.go, mapfast (<= 1.16: gc/walk.go);
 * classic: runtime/hashmap.go, hashmap_fast.go (<= 1.10), map.go and map_fast*.go (>= 1.11);
 * Swiss: internal/runtime/maps/runtime.go and runtime_fast*.go (>= 1.24; 1.24 and 1.25: runtime_*swiss.go), map.go.
 */
#ifndef ANALYSIS_TRACE_H
#define ANALYSIS_TRACE_H

#include "map/map.h"

/* The function of the runtime. */
enum trace_access {
	TRACE_GENERIC, /* mapaccess1 */
	TRACE_FAST32,  /* mapaccess1_fast32: keys that are 4 bytes of memory */
	TRACE_FAST64,  /* mapaccess1_fast64 */
	TRACE_FASTSTR, /* mapaccess1_faststr */
};

/* By what a unit's slots are told apart before whole keys are compared. */
enum trace_search {
	TRACE_BY_CONTROL,        /* tophash or H2 */
	TRACE_BY_KEY,            /* nothing: each key is compared; fast32 and fast64 */
	TRACE_BY_LENGTH,         /* strings: the length */
	TRACE_BY_LENGTH_CONTROL, /* strings: the length, then the tophash */
	TRACE_BY_ENDS,           /* long strings: length, first and last bytes */
};

enum trace_verdict {
	TRACE_NOT_REACHED,      /* the search had ended */
	TRACE_FREE,             /* the slot holds nothing */
	TRACE_REST_FREE,        /* emptyRest: nor does any behind it, the search ends */
	TRACE_CONTROL_DIFFERS,
	TRACE_LENGTH_DIFFERS,
	TRACE_ENDS_DIFFER,
	TRACE_ENDS_EQUAL,       /* to be compared when all others have been looked at */
	TRACE_KEY_DIFFERS,
	TRACE_KEY_EQUAL,
	TRACE_KEY_UNREADABLE,
};

struct trace_slot {
	uint8_t control;
	enum trace_verdict verdict;
	taddr key; /* where the key that was compared lies; 0: none was */
};

enum trace_kind {
	TRACE_ACCESS,    /* the function; address: of the header */
	TRACE_HASH,      /* address 0 */
	TRACE_BUCKET,    /* classic: which bucket; address: of the one that is searched */
	TRACE_TOPHASH,   /* classic */
	TRACE_SPLIT,     /* swiss: H1 and H2 */
	TRACE_SMALL,     /* the map is one bucket or group; address: of it */
	TRACE_DIRECTORY, /* swiss; address: of the directory's slot */
	TRACE_TABLE,     /* swiss; address: of the table */
	TRACE_UNIT,      /* a bucket or group is searched; address: of it */
	TRACE_ELEM,      /* found; address: of the elem */
	TRACE_END,       /* not found: why; address: where the search ended, 0: nowhere */
};

struct trace_step {
	enum trace_kind kind;
	taddr address;
	union {
		struct {
			bool needed;  /* false: this lookup compares keys at once */
			bool known;   /* it could be computed; else `why` */
			uint64_t seed, value;
			char *why;    /* owned; NULL where it is known */
		} hash;
		struct {
			uint64_t mask, index;
			taddr address;
			bool growing, evacuated; /* evacuated: the old bucket is */
			uint64_t old_mask, old_index;
			taddr old_address;
		} bucket;
		uint8_t tophash;
		struct {
			uint64_t h1;
			uint8_t h2;
		} split;
		struct {
			uint64_t index; /* of the directory's slot */
			unsigned shift; /* the hash is shifted right by so many bits; the word's size: there is one table */
			taddr table;
		} directory;
		struct {
			unsigned local_depth;
			uint32_t capacity;
			taddr groups;
			uint64_t mask;
		} table;
		struct {
			enum trace_search search;
			uint64_t index; /* of the bucket or group */
			uint32_t probe; /* n-th unit: of the chain, of the probe sequence */
			bool old;       /* classic: an old bucket */
			bool has_empty; /* swiss: an empty slot, the probe sequence ends here */
			struct trace_slot slots[MAP_SLOTS];
			taddr overflow; /* classic: 0: none */
		} unit;
		const char *end; /* a whole phrase */
		struct {
			taddr slot;     /* where the elem's slot is: another place than the elem where `indirect` */
			bool indirect;
		} elem;
	};
};

struct trace {
	const struct go_map *map;
	enum trace_access access;
	bool writing;       /* the map is being written: the runtime would end the program */
	bool hash_known;
	uint64_t hash;
	bool aes;           /* hashed with AES; only where the hash is known */
	char *function;     /* the hash function in the runtime's names, "strhash" */
	struct trace_step *steps;
	size_t count, capacity;
	bool found;
	taddr elem;         /* where the elem lies, found */
};

/*
 * Looks up the key whose bytes, all of its type's size, lie at `key`: program->memory must have it (target/overlay.h). What
 * contradicts itself goes to `findings`, and ends the search; errors are those of the program, such as a hash function
 * that is not known. `map` must outlive the trace, which is ended with trace_free(), also after an error.
 */
struct error *trace_lookup(const struct go_map *map, taddr key, struct findings *findings, struct trace *out) MUST_CHECK;
void trace_free(struct trace *trace);

/* "mapaccess1_faststr" */
const char *trace_access_name(enum trace_access access);

#endif
