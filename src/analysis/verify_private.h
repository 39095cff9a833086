/* Between the verify files of this folder only. */
#ifndef ANALYSIS_VERIFY_PRIVATE_H
#define ANALYSIS_VERIFY_PRIVATE_H

#include "heap/place.h"
#include "analysis/verify.h"
#include "map/hash_state.h"
#include "map/key_equal.h"
#include "map/key_hash.h"
#include "util/buffer.h"

struct verify_leftovers;
struct verify_pointers;
struct verify_replay;

struct verifier {
	struct program *program;
	uint64_t replay_most;
	struct hash_state state;
	char *no_hashes; /* why hashes cannot be recomputed; NULL where they can */
	struct heap *heap;
	char *no_heap; /* why heap is NULL */
	struct verify_pointers *pointers; /* of the map that is verified now; NULL: not looked at */
	struct verify_leftovers *leftovers; /* the same */
};

/* memhash32 or memhash64. */
typedef uint64_t verify_plain_hash(const struct hash_state *state, const void *key, uint64_t seed);

/* One map being verified. */
struct verify {
	struct verifier *verifier;
	const struct go_map *map;
	struct report *report;
	size_t first; /* index of its first check in the report */
	struct map_scratch scratch;

	/* what went by */
	uint64_t live, units, old_units, overflow, evacuated, tables, deleted;
	uint64_t table_used; /* sum of what the tables say */
	bool partial;        /* an error ended it: what is compared with all of the map is not */

	/* keys */
	verify_plain_hash *plain; /* where hashing a key is this and nothing else; NULL: `hasher` has to be asked */
	struct key_hasher *hasher;
	struct key_hasher *other; /* the way that is tried while `hasher` is not proved right; NULL: there is none */
	bool by_typehash;         /* `hasher` is runtime.typehash */
	struct key_comparer *comparer;
	uint64_t placed;     /* keys that are where they belong */
	uint64_t nan;        /* keys that can be anywhere */
	uint64_t unreadable; /* keys that cannot be read, or not hashed */
	uint64_t compared;   /* pairs of keys */
	uint64_t incomparable;
	uint64_t long_chains; /* too long to look for a key twice */

	struct verify_replay *replay; /* NULL: none */
};

/* The part of a map that something is wrong with. */
struct verify_site {
	const struct map_table *table; /* swiss; NULL: a small map, or classic */
	const struct map_unit *unit;   /* NULL: the header or table itself */
	int slot;                      /* -1: none */
	const char *field;             /* "tophash", "key"; NULL: the whole of it */
	taddr address;                 /* of the bytes */
};

static inline struct report_check *verify_check_of(const struct verify *verify, enum verify_check which)
{
	return &verify->report->checks[verify->first + which];
}

/*
 * True where as many wrong things are kept as will be: this one is counted and needs no words. A map that is garbage has
 * millions of them.
 */
bool verify_only_counted(struct verify *verify, enum verify_check which);
/* Takes the two texts over. */
void verify_wrong(struct verify *verify, enum verify_check which, const struct verify_site *site, char *expected, char *found);
/* A field of the header. */
void verify_wrong_header(struct verify *verify, const char *field, struct field_at at, char *expected, char *found);
/* "bucket 3, overflow 1, slot 5, tophash", into `out`. */
void verify_name_site(const struct verify *verify, const struct verify_site *site, struct buffer *out);

/* The control bytes of a unit as one integer, slot 0's lowest. */
static inline uint64_t verify_controls(const struct go_map *map, const struct map_unit *unit)
{
	const uint8_t *at = unit->bytes + map->layout->unit.control_offset;
	uint64_t controls;

	if (map->layout->implementation == MAP_SWISS)
		return load_u64(&map->program->machine, at);
	memcpy(&controls, at, sizeof(controls));
	return le64toh(controls);
}

#define VERIFY_EACH UINT64_C(0x0101010101010101)
#define VERIFY_TOPS (VERIFY_EACH << 7)

/* Of each byte that is 0 the top bit. */
static inline uint64_t verify_zero_bytes(uint64_t word)
{
	return ~(((word & ~VERIFY_TOPS) + ~VERIFY_TOPS) | word) & VERIFY_TOPS;
}

/* --- verify_header.c -------------------------------------------------------------------------------------------- */

/* After all units: figures of the header. */
void verify_header_report(struct verify *verify);

/* --- verify_classic.c, verify_swiss.c: slots -------------------------------------------------------------------- */

/* An array bucket and the overflow buckets behind it. */
void verify_classic_chain(struct verify *verify, const struct map_unit *units, size_t count);
/* All groups of a table that were read; `table` is NULL for the group of a small map. */
void verify_swiss_table(struct verify *verify, const struct map_table *table, const struct map_unit *units, size_t count);

/* --- verify_placement.c ----------------------------------------------------------------------------------------- */

/* A live slot whose key is looked at. */
struct verify_slot {
	const struct map_table *table; /* as in struct verify_site */
	const struct map_unit *unit;
	unsigned slot;
};

struct verify_site verify_key_site(const struct verify *verify, const struct verify_slot *at, const char *field);
/* Of the slot's tophash or control byte. */
struct verify_site verify_control_site(const struct verify *verify, const struct map_table *table, const struct map_unit *unit,
				       unsigned slot);
void verify_placement_open(struct verify *verify);
void verify_placement_report(struct verify *verify);
/* Strings of keys are fetched so many units before they are hashed. */
enum { VERIFY_AHEAD = 4 };

static inline void verify_prefetch(const struct go_map *map, const struct map_unit *unit)
{
	if (map->type->key->kind == GO_STRING)
		map_unit_prefetch(map, unit);
}

void verify_classic_keys(struct verify *verify, const struct map_unit *units, size_t count);
void verify_swiss_keys(struct verify *verify, const struct map_table *table, const struct map_unit *units, size_t count);

/* --- verify_duplicates.c ---------------------------------------------------------------------------------------- */

void verify_duplicates_open(struct verify *verify);
void verify_duplicates_report(struct verify *verify);
/* Compares the keys of a unit's slots that have the same control byte. */
void verify_compare_twins(struct verify *verify, const struct map_table *table, const struct map_unit *unit);

static inline uint64_t verify_rotate(uint64_t word, unsigned bytes)
{
	return word >> 8 * bytes | word << (64 - 8 * bytes);
}

/* The top bits of the live slots' bytes. */
static inline uint64_t verify_live_tops(const struct map_unit *unit)
{
	/* of eight copies each keeps its own bit, which is carried to the top */
	uint64_t bits = unit->live * VERIFY_EACH & UINT64_C(0x8040201008040201);

	return ((bits + ~VERIFY_TOPS) | bits) & VERIFY_TOPS;
}

/* The unit's slots among each other: those of equal keys have the same control byte. Each is held against those 1 to 4 on. */
static inline void verify_find_twins(struct verify *verify, const struct map_table *table, const struct map_unit *unit)
{
	uint64_t controls = verify_controls(verify->map, unit), live = verify_live_tops(unit), same = 0;

	for (unsigned i = 1; i <= MAP_SLOTS / 2; i++) {
		uint64_t difference = controls ^ verify_rotate(controls, i);

		/* the top bits of bytes that are 0, and perhaps of one above such a byte: good enough to look closer */
		same |= (difference - VERIFY_EACH) & ~difference & verify_rotate(live, i);
	}
	if (__builtin_expect((same & live) != 0, false))
		verify_compare_twins(verify, table, unit);
}

/* The slots of different buckets of a chain. */
void verify_compare_chain(struct verify *verify, const struct map_unit *units, size_t count);
/* The slot and those of another unit. */
void verify_compare_with(struct verify *verify, const struct map_unit *other, const struct verify_slot *at);

/* --- verify_pointers.c ------------------------------------------------------------------------------------------ */

/* Why not all pointers were looked at, which is the caller's now; NULL: they were. */
struct error *verify_pointers_error(struct verifier *verifier) MUST_CHECK;
void verify_pointers_report(struct verify *verify);
void verify_pointers_free(struct verify_pointers *pointers);

/* --- verify_leftovers.c ----------------------------------------------------------------------------------------- */

/* While the target stands. */
void verify_leftovers_look(struct verifier *verifier, const struct go_map *map, const struct map_batch *batch);
/* To the slots' check. Forgets what was found. */
void verify_leftovers_report(struct verify *verify);
void verify_leftovers_free(struct verify_leftovers *leftovers);

/* --- verify_replay.c -------------------------------------------------------------------------------------------- */

void verify_replay_open(struct verify *verify);
/* The live entries of a chain or table, where they belong to the sample. */
void verify_replay_add(struct verify *verify, const struct map_unit *units, size_t count);
/* Makes the reference map, asks it, reports, and frees what was kept. */
void verify_replay_close(struct verify *verify);

#endif
