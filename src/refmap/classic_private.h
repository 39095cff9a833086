/* Between the classic*.c files only. */
#ifndef REFMAP_CLASSIC_PRIVATE_H
#define REFMAP_CLASSIC_PRIVATE_H

#include "map/map.h"
#include "refmap/private.h"

enum classic_clear {
	CLASSIC_CLEAR_DELETES,   /* a loop over all keys that deletes them */
	CLASSIC_CLEAR_REFLEXIVE, /* mapclear(), but the loop where some keys cannot be deleted: NaN */
	CLASSIC_CLEAR_ALL,       /* mapclear() */
};

enum classic_random {
	CLASSIC_RANDOM_TWICE,  /* an iteration takes 32 bits, and 32 more for huge maps */
	CLASSIC_RANDOM_CHOICE, /* 32 bits, or 64 for huge maps */
	CLASSIC_RANDOM_64,
};

/* What the releases do differently, apart from what layout/version.h and the layout tell. */
struct classic_behaviour {
	int since; /* N of Go 1.N: holds until the next row's */
	bool load_float;          /* grows when count >= load * 2^B as float32, not when count + 1 > load * 2^B */
	bool fast_functions;      /* there are mapassign_fast32 and the like */
	bool wipe_plain_keys;     /* delete clears keys without pointers too, and the length of string keys */
	bool wipe_plain_elems;    /* delete clears elems without pointers too */
	bool wipe_plain_buckets;  /* evacuation clears buckets without pointers too */
	bool string_key_update;   /* mapassign_faststr writes the pointer of a key that is there */
	bool reseeds;             /* an emptied map gets a new seed */
	bool clear_marks;         /* mapclear() marks the cells of all buckets, overflow ones too, as empty */
	bool clear_counts;        /* mapclear() counts itself in hmap.clearSeq */
	uint16_t lookahead;       /* buckets that the evacuation mark advances over at a time, beyond the one just evacuated */
	enum classic_clear clear;
	enum classic_random iteration;
	uint64_t hint_bytes;      /* a hint for more than these in buckets counts as none; 0: one that is no int32 */
};

const struct classic_behaviour *classic_behaviour_find(const struct go_version *version);

/* Memory of the arena that the map is to give back. */
struct classic_block {
	taddr address;
	size_t size; /* bytes */
};

struct classic_blocks {
	struct classic_block *items;
	size_t count, capacity;
};

struct classic {
	struct refmap map;
	const struct classic_behaviour *how;
	enum refmap_variant variant; /* that this version has */
	bool bucket_pointers;        /* the garbage collector looks into buckets: bucket.ptrdata != 0 */

	/* What tophash bytes mean: emptyRest (if there is such a thing) is 0, evacuatedX 2, evacuatedY 3 in all versions. */
	bool rest;                   /* 0 says that all cells behind are empty too */
	uint8_t deleted;             /* emptyOne; all values up to it are empty cells */
	uint8_t evacuated_empty;
	uint8_t min_tophash;

	/* struct hmap; the header in the arena is written from it at the end of each operation, by classic_publish() */
	uint64_t count;
	uint8_t flags, b;
	uint16_t noverflow;
	uint32_t hash0;
	taddr buckets, old_buckets;
	uint64_t nevacuate, clear_seq;
	taddr extra;

	/* Overflow buckets that were allocated one by one: of `buckets`, and of `old_buckets` */
	struct classic_blocks overflow, old_overflow;
	/* What iterators or evacuated buckets may still lead to: given back when there are none */
	struct classic_blocks discarded;
	unsigned iterators;
	taddr kept_key; /* room for one */
};

enum { CLASSIC_EVACUATED_X = 2 };

static inline struct classic *classic_of(const struct refmap *map)
{
	return (struct classic *)map;
}

void classic_publish(struct classic *h);
void classic_tell(struct classic *h, enum refmap_event event, uint64_t a, uint64_t b, uint64_t c);

/* --- buckets and cells ---------------------------------------------------------------------------------------- */

struct classic_bucket {
	taddr address;
	uint8_t *bytes; /* NULL: there is none */
};

struct classic_cell {
	struct classic_bucket bucket; /* without bytes: there is no such cell */
	unsigned slot;
};

static inline struct classic_bucket classic_bucket(const struct classic *h, taddr array, uint64_t index)
{
	taddr address = taddr_add(array, index * h->map.type.layout->unit.size);

	return (struct classic_bucket){ address, arena_at(h->map.arena, address) };
}

static inline struct classic_bucket classic_next(const struct classic *h, struct classic_bucket bucket)
{
	taddr next = load_address(&h->map.type.machine, bucket.bytes + h->map.type.layout->unit.overflow_offset);

	return (struct classic_bucket){ next, next.v != 0 ? arena_at(h->map.arena, next) : NULL };
}

static inline void classic_link(const struct classic *h, struct classic_bucket bucket, taddr next)
{
	store_word(&h->map.type.machine, bucket.bytes + h->map.type.layout->unit.overflow_offset, next.v);
}

static inline uint32_t classic_key_offset(const struct classic *h, unsigned slot)
{
	return h->map.type.layout->unit.key_offset + slot * h->map.type.layout->unit.key_stride;
}

static inline uint32_t classic_elem_offset(const struct classic *h, unsigned slot)
{
	return h->map.type.layout->unit.elem_offset + slot * h->map.type.layout->unit.elem_stride;
}

static inline taddr classic_value(const struct classic *h, struct classic_bucket bucket, uint32_t offset, bool indirect)
{
	return indirect ? load_address(&h->map.type.machine, bucket.bytes + offset) : taddr_add(bucket.address, offset);
}

/* Where the key and the elem themselves are, in the cell or behind its pointer. */
static inline taddr classic_key(const struct classic *h, struct classic_bucket bucket, unsigned slot)
{
	return classic_value(h, bucket, classic_key_offset(h, slot), h->map.type.layout->key_indirect);
}

static inline taddr classic_elem(const struct classic *h, struct classic_bucket bucket, unsigned slot)
{
	return classic_value(h, bucket, classic_elem_offset(h, slot), h->map.type.layout->elem_indirect);
}

static inline uint8_t classic_tophash(const struct classic *h, uint64_t hash)
{
	uint8_t top = (uint8_t)(hash >> (8 * h->map.type.machine.word_size - 8));

	return top < h->min_tophash ? (uint8_t)(top + h->min_tophash) : top;
}

static inline bool classic_empty(const struct classic *h, uint8_t tophash)
{
	return tophash <= h->deleted;
}

static inline bool classic_evacuated(const struct classic *h, struct classic_bucket bucket)
{
	return bucket.bytes[0] > h->deleted && bucket.bytes[0] < h->min_tophash;
}

static inline uint64_t classic_mask(unsigned b)
{
	return (UINT64_C(1) << b) - 1;
}

static inline bool classic_growing(const struct classic *h)
{
	return h->old_buckets.v != 0;
}

static inline bool classic_same_size(const struct classic *h)
{
	return h->flags & CLASSIC_SAME_SIZE_GROW;
}

static inline unsigned classic_old_b(const struct classic *h)
{
	return classic_same_size(h) ? h->b : h->b - 1u;
}

/* --- search ----------------------------------------------------------------------------------------------------- */

struct classic_search {
	struct classic_cell found;
	struct classic_cell free;   /* the first empty one, where nothing was found */
	struct classic_bucket last; /* where the search ended */
};

/* Looks for a key in a bucket and its overflow buckets. */
struct classic_search classic_search(const struct classic *h, struct classic_bucket first, taddr key, uint8_t top);
/* Looks for it in the map; mapaccessK(). */
struct classic_cell classic_lookup(const struct classic *h, taddr key);

/* --- the operations --------------------------------------------------------------------------------------------- */

taddr classic_assign(struct refmap *map, taddr key);
void classic_remove(struct refmap *map, taddr key);
void classic_clear(struct refmap *map);
struct refmap_iterator *classic_iterate(struct refmap *map);

/* --- arrays of buckets, growth ---------------------------------------------------------------------------------- */

/* Of an array of 2^b buckets: with the overflow buckets at its end. */
uint64_t classic_array_buckets(const struct classic *h, unsigned b);
taddr classic_array_create(struct classic *h, unsigned b);
/* Makes the overflow buckets at the array's end known to the map. */
void classic_array_use_spares(struct classic *h, taddr array, unsigned b);

bool classic_over_load(const struct classic *h, uint64_t count, unsigned b);
/* Whether one more entry makes the map grow. */
bool classic_must_grow(const struct classic *h);
void classic_grow(struct classic *h);
/* Evacuates the old bucket of new bucket `index`, and one more. `key` may lie in them: where it is to be found then. */
taddr classic_grow_work(struct classic *h, uint64_t index, taddr key);

/* Chains an overflow bucket behind `last`, of the chain of new bucket `index`. */
struct classic_bucket classic_add_overflow(struct classic *h, struct classic_bucket last, uint64_t index);

/* --- memory ----------------------------------------------------------------------------------------------------- */

/* Gives memory back, as soon as neither iterators nor evacuated buckets can lead there. */
void classic_discard(struct classic *h, taddr address, size_t size);
void classic_discard_blocks(struct classic *h, struct classic_blocks *blocks);
/* The array of buckets with its overflow buckets; the same of the old ones. */
void classic_discard_buckets(struct classic *h);
void classic_discard_old_buckets(struct classic *h);
/* Gives back what was discarded, where nothing can lead there any more. */
void classic_release(struct classic *h);
/* Gives back what the cells of indirect keys and elems point to. */
void classic_discard_values(struct classic *h);
void classic_iterator_gone(struct classic *h);

/* mapextra, made where there is none. */
taddr classic_extra(struct classic *h);
size_t classic_extra_size(const struct classic *h);
/* mapextra.overflow, so that the garbage collector sees overflow buckets of buckets without pointers. */
void classic_overflow_list_create(struct classic *h);
void classic_overflow_list_add(struct classic *h, taddr bucket);
/* Growth begins: overflow becomes oldoverflow. Growth ends: oldoverflow goes. */
void classic_overflow_list_age(struct classic *h);
void classic_overflow_list_drop_old(struct classic *h);
/* *h.extra = mapextra{} */
void classic_extra_reset(struct classic *h);

#endif
