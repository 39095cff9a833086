#include <stdlib.h>

#include "refmap/classic_private.h"
#include "util/alloc.h"

/* struct hiter */
struct classic_iterator {
	struct refmap_iterator iterator;
	struct classic *h; /* NULL: the map was empty at the beginning */
	taddr buckets;     /* the array of the beginning */
	uint8_t b;
	struct classic_bucket bucket; /* without bytes: the next chain begins */
	unsigned i;        /* cells of the bucket that were seen */
	unsigned offset;   /* the cell that they are counted from */
	uint64_t start, index;
	bool wrapped;      /* came back to bucket 0 */
	bool check;        /* the bucket is an old one: only entries that go to new bucket check_index are of interest */
	uint64_t check_index;
	uint64_t clear_seq;
};

/* Begins the next chain; false at the end. */
static bool next_chain(struct classic_iterator *it)
{
	struct classic *h = it->h;

	if (it->index == it->start && it->wrapped)
		return false;
	it->bucket = classic_bucket(h, it->buckets, it->index);
	it->check = false;
	if (classic_growing(h) && it->b == h->b) {
		struct classic_bucket old = classic_bucket(h, h->old_buckets, it->index & classic_mask(classic_old_b(h)));

		if (!classic_evacuated(h, old)) {
			it->bucket = old;
			it->check = true;
			it->check_index = it->index;
		}
	}
	it->index++;
	if (it->index == UINT64_C(1) << it->b) {
		it->index = 0;
		it->wrapped = true;
	}
	it->i = 0;
	return true;
}

static bool is_nan(const struct classic *h, taddr key)
{
	return !h->map.type.reflexive_key && !refmap_equal(&h->map, key, key);
}

/* Whether an entry of an old bucket will go to the new bucket that the iterator is at. */
static bool belongs(const struct classic_iterator *it, taddr key, uint8_t top)
{
	const struct classic *h = it->h;

	if (!it->check || classic_same_size(h))
		return true;
	if (is_nan(h, key))
		return it->check_index >> (it->b - 1) == (top & 1);
	return (refmap_hash(&h->map, key, h->hash0) & classic_mask(it->b)) == it->check_index;
}

/* Whether the iterator shows the entry of this cell. */
static bool show(struct classic_iterator *it, struct classic_cell cell, taddr *key, taddr *elem)
{
	struct classic *h = it->h;
	uint8_t top = cell.bucket.bytes[cell.slot];

	if (classic_empty(h, top) || top == h->evacuated_empty)
		return false;
	*key = classic_key(h, cell.bucket, cell.slot);
	if (!belongs(it, *key, top))
		return false;
	/* moved, or gone with a clear: shown as it is now. A NaN that moved can neither be found nor have changed. */
	if (it->clear_seq != h->clear_seq || (top < h->min_tophash && !is_nan(h, *key))) {
		cell = classic_lookup(h, *key);
		if (cell.bucket.bytes == NULL)
			return false;
		*key = classic_key(h, cell.bucket, cell.slot);
	}
	*elem = classic_elem(h, cell.bucket, cell.slot);
	return true;
}

/* mapiternext() */
static bool next(struct refmap_iterator *iterator, taddr *key, taddr *elem)
{
	struct classic_iterator *it = (struct classic_iterator *)iterator;

	if (it->h == NULL)
		return false;
	for (;;) {
		if (it->bucket.bytes == NULL && !next_chain(it))
			return false;
		while (it->i < MAP_SLOTS) {
			unsigned slot = (it->i + it->offset) % MAP_SLOTS;

			it->i++;
			if (show(it, (struct classic_cell){ it->bucket, slot }, key, elem))
				return true;
		}
		it->bucket = classic_next(it->h, it->bucket);
		it->i = 0;
	}
}

static void destroy(struct refmap_iterator *iterator)
{
	struct classic_iterator *it = (struct classic_iterator *)iterator;

	if (it->h != NULL)
		classic_iterator_gone(it->h);
	free(it);
}

/* fastrand() has 32 bits, rand() (>= 1.22) and fastrand64() have 64. */
static uint64_t random_start(const struct classic *h)
{
	bool huge = h->b > 31 - 3;
	uint64_t r = refmap_random(&h->map);

	if (h->map.type.machine.word_size == 4)
		return r & UINT32_MAX; /* a uintptr; no map is that huge there */
	if (h->how->iteration == CLASSIC_RANDOM_64 || (h->how->iteration == CLASSIC_RANDOM_CHOICE && huge))
		return r;
	r &= UINT32_MAX;
	return huge ? r + ((refmap_random(&h->map) & UINT32_MAX) << 31) : r;
}

/* mapiterinit() */
struct refmap_iterator *classic_iterate(struct refmap *map)
{
	struct classic *h = classic_of(map);
	struct classic_iterator *it = xcalloc(1, sizeof(*it));

	it->iterator = (struct refmap_iterator){ next, destroy };
	if (h->count == 0)
		return &it->iterator;
	it->h = h;
	it->b = h->b;
	it->buckets = h->buckets;
	it->clear_seq = h->clear_seq;
	if (!h->bucket_pointers)
		classic_overflow_list_create(h);

	uint64_t r = random_start(h);

	it->start = r & classic_mask(h->b);
	it->offset = r >> h->b & (MAP_SLOTS - 1);
	it->index = it->start;
	h->flags |= CLASSIC_ITERATOR | CLASSIC_OLD_ITERATOR;
	h->iterators++;
	classic_publish(h);
	return &it->iterator;
}
