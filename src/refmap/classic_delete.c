#include "refmap/classic_private.h"

/* --- delete ------------------------------------------------------------------------------------------------------- */

static void drop_pointer(struct classic *h, uint8_t *at, size_t size)
{
	classic_discard(h, load_address(&h->map.type.machine, at), size);
	store_word(&h->map.type.machine, at, 0);
}

/* What is cleared is what the garbage collector might follow, or, in some versions, all of it. */
static void wipe_key(struct classic *h, struct classic_cell cell)
{
	const struct refmap_type *type = &h->map.type;
	uint8_t *at = cell.bucket.bytes + classic_key_offset(h, cell.slot);

	if (type->layout->key_indirect)
		drop_pointer(h, at, type->key_size);
	else if (h->how->wipe_plain_keys)
		memset(at, 0, type->key_size);
	else if (h->variant == REFMAP_FASTSTR)
		store_word(&type->machine, at, 0); /* "k.str = nil": its length stays */
	else if (type->key_pointers)
		memset(at, 0, type->key_size);
}

static void wipe_elem(struct classic *h, struct classic_cell cell)
{
	const struct refmap_type *type = &h->map.type;
	uint8_t *at = cell.bucket.bytes + classic_elem_offset(h, cell.slot);

	if (type->layout->elem_indirect)
		drop_pointer(h, at, type->elem_size);
	else if (h->how->wipe_plain_elems || type->elem_pointers)
		memset(at, 0, type->elem_size);
}

static bool rest_is_empty(const struct classic *h, struct classic_cell cell)
{
	if (cell.slot + 1 < MAP_SLOTS)
		return cell.bucket.bytes[cell.slot + 1] == 0;

	struct classic_bucket next = classic_next(h, cell.bucket);

	return next.bytes == NULL || next.bytes[0] == 0;
}

/* Steps to the cell before in the chain that begins with `first`; false where there is none. */
static bool step_back(const struct classic *h, struct classic_bucket first, struct classic_cell *cell)
{
	struct classic_bucket before = first;

	if (cell->slot > 0) {
		cell->slot--;
		return true;
	}
	if (cell->bucket.address.v == first.address.v)
		return false;
	for (struct classic_bucket next = classic_next(h, before); next.address.v != cell->bucket.address.v;
	     next = classic_next(h, before))
		before = next;
	*cell = (struct classic_cell){ before, MAP_SLOTS - 1 };
	return true;
}

/* The cell becomes emptyOne, or emptyRest, and with it the deleted ones in front of it. */
static void mark_deleted(struct classic *h, struct classic_bucket first, struct classic_cell cell)
{
	cell.bucket.bytes[cell.slot] = h->deleted;
	if (!h->rest || !rest_is_empty(h, cell))
		return;
	do
		cell.bucket.bytes[cell.slot] = 0;
	while (step_back(h, first, &cell) && cell.bucket.bytes[cell.slot] == h->deleted);
}

static void reseed(struct classic *h)
{
	if (!h->how->reseeds)
		return;
	h->hash0 = (uint32_t)refmap_random(&h->map);
	classic_tell(h, REFMAP_RESEED, h->hash0, 0, 0);
}

/* mapdelete(), mapdelete_fast*() */
void classic_remove(struct refmap *map, taddr key)
{
	struct classic *h = classic_of(map);

	if (h->count == 0)
		return;

	uint64_t hash = refmap_hash(map, key, h->hash0);
	uint64_t index = hash & classic_mask(h->b);

	if (classic_growing(h))
		key = classic_grow_work(h, index, key);

	struct classic_bucket first = classic_bucket(h, h->buckets, index);
	struct classic_cell cell = classic_search(h, first, key, classic_tophash(h, hash)).found;

	if (cell.bucket.bytes != NULL) {
		wipe_key(h, cell);
		wipe_elem(h, cell);
		mark_deleted(h, first, cell);
		h->count--;
		if (h->count == 0)
			reseed(h);
	}
	classic_publish(h);
}

/* --- clear -------------------------------------------------------------------------------------------------------- */

/* markBucketsEmpty(): so that iterators find nothing in buckets that the map lets go. */
static void mark_buckets_empty(struct classic *h, taddr array, unsigned b)
{
	struct classic_bucket bucket;

	for (uint64_t i = 0; i <= classic_mask(b); i++)
		for (bucket = classic_bucket(h, array, i); bucket.bytes != NULL; bucket = classic_next(h, bucket))
			memset(bucket.bytes, 0, MAP_SLOTS);
}

static void clear_by_deleting(struct refmap *map)
{
	struct refmap_iterator *iterator = classic_iterate(map);
	taddr key, elem;

	while (refmap_iterator_next(iterator, &key, &elem))
		classic_remove(map, key);
	refmap_iterator_destroy(iterator);
}

static void drop_old_buckets(struct classic *h)
{
	if (!classic_growing(h))
		return;
	if (h->how->clear_marks)
		mark_buckets_empty(h, h->old_buckets, classic_old_b(h));
	classic_discard_old_buckets(h);
}

/* mapclear(): the array of buckets is kept, and the flags that say that there were iterators. */
static void clear_all(struct classic *h)
{
	if (h->count == 0)
		return;
	classic_discard_values(h);
	if (h->how->clear_marks)
		mark_buckets_empty(h, h->buckets, h->b);
	drop_old_buckets(h);
	classic_discard_blocks(h, &h->overflow);
	h->flags &= (uint8_t)~CLASSIC_SAME_SIZE_GROW;
	h->nevacuate = 0;
	h->clear_seq += h->how->clear_counts;
	h->noverflow = 0;
	h->count = 0;
	reseed(h);
	classic_extra_reset(h);
	memset(arena_at(h->map.arena, h->buckets), 0, classic_array_buckets(h, h->b) * h->map.type.layout->unit.size);
	classic_array_use_spares(h, h->buckets, h->b);
	classic_publish(h);
}

void classic_clear(struct refmap *map)
{
	struct classic *h = classic_of(map);
	enum classic_clear clear = h->how->clear;

	if (clear == CLASSIC_CLEAR_ALL || (clear == CLASSIC_CLEAR_REFLEXIVE && map->type.reflexive_key))
		clear_all(h);
	else
		clear_by_deleting(map);
}
