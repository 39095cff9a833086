#include <stdlib.h>

#include "refmap/classic_private.h"
#include "util/alloc.h"

/*
 * What Go leaves to its garbage collector is given back when nothing leads there any more: cells of evacuated buckets may go
 * on pointing to keys and elems of entries that were deleted since, and iterators to whole arrays.
 */

static void add_block(struct classic_blocks *blocks, taddr address, size_t size)
{
	ARRAY_RESERVE(blocks->items, blocks->count, blocks->capacity);
	blocks->items[blocks->count++] = (struct classic_block){ address, size };
}

void classic_discard(struct classic *h, taddr address, size_t size)
{
	if (h->iterators != 0 || classic_growing(h))
		add_block(&h->discarded, address, size);
	else
		arena_free(h->map.arena, address, size);
}

void classic_release(struct classic *h)
{
	if (h->iterators != 0 || classic_growing(h))
		return;
	for (size_t i = 0; i < h->discarded.count; i++)
		arena_free(h->map.arena, h->discarded.items[i].address, h->discarded.items[i].size);
	h->discarded.count = 0;
}

void classic_discard_blocks(struct classic *h, struct classic_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++)
		classic_discard(h, blocks->items[i].address, blocks->items[i].size);
	blocks->count = 0;
}

static void discard_array(struct classic *h, taddr array, unsigned b)
{
	classic_discard(h, array, classic_array_buckets(h, b) * h->map.type.layout->unit.size);
}

void classic_discard_buckets(struct classic *h)
{
	classic_discard_blocks(h, &h->overflow);
	if (h->buckets.v != 0)
		discard_array(h, h->buckets, h->b);
	h->buckets = taddr_of(0);
}

void classic_discard_old_buckets(struct classic *h)
{
	classic_discard_blocks(h, &h->old_overflow);
	discard_array(h, h->old_buckets, classic_old_b(h));
	h->old_buckets = taddr_of(0);
	classic_release(h);
}

void classic_iterator_gone(struct classic *h)
{
	h->iterators--;
	classic_release(h);
}

/* --- keys and elems behind pointers ------------------------------------------------------------------------------ */

static void discard_bucket_values(struct classic *h, struct classic_bucket bucket)
{
	const struct refmap_type *type = &h->map.type;

	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		if (bucket.bytes[slot] < h->min_tophash)
			continue;
		if (type->layout->key_indirect)
			classic_discard(h, classic_key(h, bucket, slot), type->key_size);
		if (type->layout->elem_indirect)
			classic_discard(h, classic_elem(h, bucket, slot), type->elem_size);
	}
}

static void discard_array_values(struct classic *h, taddr array, unsigned b)
{
	struct classic_bucket bucket;

	for (uint64_t i = 0; i <= classic_mask(b); i++)
		for (bucket = classic_bucket(h, array, i); bucket.bytes != NULL; bucket = classic_next(h, bucket))
			discard_bucket_values(h, bucket);
}

void classic_discard_values(struct classic *h)
{
	const struct map_layout *layout = h->map.type.layout;

	if (h->count == 0 || (!layout->key_indirect && !layout->elem_indirect))
		return;
	discard_array_values(h, h->buckets, h->b);
	if (classic_growing(h))
		discard_array_values(h, h->old_buckets, classic_old_b(h)); /* evacuated cells are not live ones */
}

/* --- overflow buckets ---------------------------------------------------------------------------------------------- */

/* incrnoverflow(): from 2^16 buckets on, every so many-th one counts on average. */
static void count_overflow(struct classic *h)
{
	if (h->b < 16 || ((uint32_t)refmap_random(&h->map) & (uint32_t)classic_mask(h->b - 15u)) == 0)
		h->noverflow++;
}

/* The next one at the end of the bucket array. The last of them is marked by a pointer to another bucket. */
static taddr take_spare(struct classic *h)
{
	struct field_at field = h->map.type.layout->classic.next_overflow;
	taddr spare = h->extra.v != 0 ? taddr_of(refmap_get(&h->map, h->extra, field)) : taddr_of(0);

	if (spare.v == 0)
		return spare;

	struct classic_bucket bucket = classic_bucket(h, spare, 0);
	bool last = classic_next(h, bucket).bytes != NULL;

	classic_link(h, bucket, taddr_of(0));
	refmap_set(&h->map, h->extra, field, last ? 0 : spare.v + h->map.type.layout->unit.size);
	return spare;
}

struct classic_bucket classic_add_overflow(struct classic *h, struct classic_bucket last, uint64_t index)
{
	uint32_t size = h->map.type.layout->unit.size;
	taddr address = take_spare(h);
	bool spare = address.v != 0;

	if (!spare) {
		address = arena_allocate(h->map.arena, size);
		add_block(&h->overflow, address, size);
	}
	count_overflow(h);
	if (!h->bucket_pointers)
		classic_overflow_list_add(h, address);
	classic_link(h, last, address);
	classic_tell(h, REFMAP_OVERFLOW, index, spare, 0);
	return classic_bucket(h, address, 0);
}

/* --- mapextra ------------------------------------------------------------------------------------------------------ */

/*
 * overflow and oldoverflow are the first two words, pointers to slices, in all versions; up to 1.9 as an array of two. The slices
 * have Go's lengths and contents; their capacity doubles always, which in Go it does up to some hundred buckets.
 */
static struct field_at overflow_field(const struct classic *h, bool old)
{
	uint8_t word = h->map.type.machine.word_size;

	return (struct field_at){ old ? word : 0, word };
}

size_t classic_extra_size(const struct classic *h)
{
	return (h->map.type.layout->classic.next_overflow.size != 0 ? 3u : 2u) * h->map.type.machine.word_size;
}

taddr classic_extra(struct classic *h)
{
	if (h->extra.v == 0)
		h->extra = arena_allocate(h->map.arena, classic_extra_size(h));
	return h->extra;
}

/* Words of a slice */
enum { SLICE_ARRAY, SLICE_LENGTH, SLICE_CAPACITY, SLICE_WORDS };

static struct field_at slice_word(const struct classic *h, unsigned which)
{
	uint8_t word = h->map.type.machine.word_size;

	return (struct field_at){ which * word, word };
}

static uint64_t slice_get(const struct classic *h, taddr slice, unsigned which)
{
	return refmap_get(&h->map, slice, slice_word(h, which));
}

static void slice_set(struct classic *h, taddr slice, unsigned which, uint64_t value)
{
	refmap_set(&h->map, slice, slice_word(h, which), value);
}

void classic_overflow_list_create(struct classic *h)
{
	taddr extra = classic_extra(h);
	struct field_at field = overflow_field(h, false);

	if (refmap_get(&h->map, extra, field) == 0)
		refmap_set(&h->map, extra, field, arena_allocate(h->map.arena, SLICE_WORDS * h->map.type.machine.word_size).v);
}

static void slice_grow(struct classic *h, taddr slice)
{
	size_t word = h->map.type.machine.word_size;
	uint64_t capacity = slice_get(h, slice, SLICE_CAPACITY);
	taddr old = taddr_of(slice_get(h, slice, SLICE_ARRAY));
	taddr array = arena_allocate(h->map.arena, (capacity ? 2 * capacity : 1) * word);

	if (capacity != 0) {
		memcpy(arena_at(h->map.arena, array), arena_at(h->map.arena, old), capacity * word);
		arena_free(h->map.arena, old, capacity * word);
	}
	slice_set(h, slice, SLICE_ARRAY, array.v);
	slice_set(h, slice, SLICE_CAPACITY, capacity ? 2 * capacity : 1);
}

void classic_overflow_list_add(struct classic *h, taddr bucket)
{
	classic_overflow_list_create(h);

	taddr slice = taddr_of(refmap_get(&h->map, h->extra, overflow_field(h, false)));
	uint64_t length = slice_get(h, slice, SLICE_LENGTH);

	if (length == slice_get(h, slice, SLICE_CAPACITY))
		slice_grow(h, slice);

	taddr array = taddr_of(slice_get(h, slice, SLICE_ARRAY));

	refmap_set(&h->map, taddr_add(array, length * h->map.type.machine.word_size), slice_word(h, 0), bucket.v);
	slice_set(h, slice, SLICE_LENGTH, length + 1);
}

static void list_drop(struct classic *h, bool old)
{
	size_t word = h->map.type.machine.word_size;
	struct field_at field = overflow_field(h, old);
	taddr slice = h->extra.v != 0 ? taddr_of(refmap_get(&h->map, h->extra, field)) : taddr_of(0);

	if (slice.v == 0)
		return;

	uint64_t capacity = slice_get(h, slice, SLICE_CAPACITY);

	if (capacity != 0)
		arena_free(h->map.arena, taddr_of(slice_get(h, slice, SLICE_ARRAY)), capacity * word);
	arena_free(h->map.arena, slice, SLICE_WORDS * word);
	refmap_set(&h->map, h->extra, field, 0);
}

void classic_overflow_list_age(struct classic *h)
{
	uint64_t list = h->extra.v != 0 ? refmap_get(&h->map, h->extra, overflow_field(h, false)) : 0;

	if (list == 0)
		return;
	list_drop(h, true);
	refmap_set(&h->map, h->extra, overflow_field(h, true), list);
	refmap_set(&h->map, h->extra, overflow_field(h, false), 0);
}

void classic_overflow_list_drop_old(struct classic *h)
{
	list_drop(h, true);
}

void classic_extra_reset(struct classic *h)
{
	list_drop(h, false);
	list_drop(h, true);
	if (h->extra.v != 0)
		memset(arena_at(h->map.arena, h->extra), 0, classic_extra_size(h));
}
