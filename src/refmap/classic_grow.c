#include "refmap/classic_private.h"
#include "refmap/size_class.h"

/* --- arrays of buckets ---------------------------------------------------------------------------------------------- */

/* makeBucketArray(): from 16 buckets on, one more for each 16, and what else fits into the memory that the allocator gives. */
uint64_t classic_array_buckets(const struct classic *h, unsigned b)
{
	const struct refmap_type *type = &h->map.type;
	uint64_t base = UINT64_C(1) << b, size = type->layout->unit.size;

	if (b < 4 || type->layout->classic.next_overflow.size == 0)
		return base;
	return size_class_round(type->version, type->machine.word_size, (base + base / 16) * size, h->bucket_pointers) / size;
}

taddr classic_array_create(struct classic *h, unsigned b)
{
	return arena_allocate(h->map.arena, classic_array_buckets(h, b) * h->map.type.layout->unit.size);
}

void classic_array_use_spares(struct classic *h, taddr array, unsigned b)
{
	uint64_t base = UINT64_C(1) << b, count = classic_array_buckets(h, b);
	struct field_at next_overflow = h->map.type.layout->classic.next_overflow;

	if (count == base)
		return;
	classic_link(h, classic_bucket(h, array, count - 1), array); /* any pointer: "this is the last one" */
	refmap_set(&h->map, classic_extra(h), next_overflow, classic_bucket(h, array, base).address.v);
}

/* --- when to grow --------------------------------------------------------------------------------------------------- */

bool classic_over_load(const struct classic *h, uint64_t count, unsigned b)
{
	const struct go_version *version = h->map.type.version;
	uint64_t buckets = UINT64_C(1) << b;

	if (h->how->load_float)
		return count >= MAP_SLOTS &&
		       (float)count >= (float)version->load_numerator / (float)version->load_denominator * (float)buckets;
	return count > MAP_SLOTS && count > version->load_numerator * (buckets / version->load_denominator);
}

/* The count that the runtime hands to overLoadFactor() before it adds an entry. */
static uint64_t next_count(const struct classic *h)
{
	return h->how->load_float ? h->count : h->count + 1;
}

bool classic_must_grow(const struct classic *h)
{
	unsigned b = h->b < 15 ? h->b : 15;

	return classic_over_load(h, next_count(h), h->b) || h->noverflow >= 1u << b; /* tooManyOverflowBuckets() */
}

/* hashGrow(). Where there are too many overflow buckets but not too many entries, the new array is of the same size. */
void classic_grow(struct classic *h)
{
	bool bigger = classic_over_load(h, next_count(h), h->b);
	uint8_t b = (uint8_t)(h->b + bigger);
	uint8_t flags = h->flags & (uint8_t) ~(CLASSIC_ITERATOR | CLASSIC_OLD_ITERATOR);
	struct classic_blocks no_overflow = h->old_overflow; /* empty; its memory is used again */

	if (!bigger)
		flags |= CLASSIC_SAME_SIZE_GROW;
	if (h->flags & CLASSIC_ITERATOR)
		flags |= CLASSIC_OLD_ITERATOR;
	h->flags = flags;
	h->b = b;
	h->old_buckets = h->buckets;
	h->buckets = classic_array_create(h, b);
	h->nevacuate = 0;
	h->noverflow = 0;
	h->old_overflow = h->overflow;
	h->overflow = no_overflow;
	classic_overflow_list_age(h);
	classic_array_use_spares(h, h->buckets, b);
	classic_tell(h, REFMAP_GROW, UINT64_C(1) << b, !bigger, 0);
}

/* --- evacuation ------------------------------------------------------------------------------------------------------ */

/* Where the entries of an old bucket go, X or Y: evacDst. */
struct destination {
	struct classic_bucket bucket;
	uint64_t index; /* of the new bucket whose chain it is */
	unsigned slot;  /* the next one */
	uint64_t moved; /* entries */
};

/*
 * Whether an entry goes to Y. A NaN has another hash each time; where iterators are about, the low bit of its tophash decides,
 * for they go by it too, and it gets a new tophash.
 */
static unsigned choose(struct classic *h, taddr key, uint8_t *top)
{
	if (classic_same_size(h))
		return 0;

	uint64_t hash = refmap_hash(&h->map, key, h->hash0);

	if (h->flags & CLASSIC_ITERATOR && !h->map.type.reflexive_key && !refmap_equal(&h->map, key, key)) {
		unsigned y = *top & 1;

		*top = classic_tophash(h, hash);
		return y;
	}
	return hash >> classic_old_b(h) & 1;
}

static void move(struct classic *h, struct classic_bucket from, unsigned slot, uint8_t top, struct destination *to)
{
	const struct map_unit_layout *unit = &h->map.type.layout->unit;

	if (to->slot == MAP_SLOTS) {
		to->bucket = classic_add_overflow(h, to->bucket, to->index);
		to->slot = 0;
	}
	to->bucket.bytes[to->slot] = top;
	memcpy(to->bucket.bytes + classic_key_offset(h, to->slot), from.bytes + classic_key_offset(h, slot), unit->key_stride);
	memcpy(to->bucket.bytes + classic_elem_offset(h, to->slot), from.bytes + classic_elem_offset(h, slot), unit->elem_stride);
	to->slot++;
	to->moved++;
}

static void evacuate_bucket(struct classic *h, struct classic_bucket from, struct destination xy[2])
{
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		uint8_t top = from.bytes[slot];

		if (classic_empty(h, top)) {
			from.bytes[slot] = h->evacuated_empty;
			continue;
		}

		unsigned y = choose(h, classic_key(h, from, slot), &top);

		from.bytes[slot] = (uint8_t)(CLASSIC_EVACUATED_X + y);
		move(h, from, slot, top, &xy[y]);
	}
}

static void evacuate_chain(struct classic *h, struct classic_bucket first, uint64_t index)
{
	uint64_t old_count = UINT64_C(1) << classic_old_b(h);
	struct destination xy[2] = { { .bucket = classic_bucket(h, h->buckets, index), .index = index } };

	if (!classic_same_size(h)) {
		xy[1].index = index + old_count;
		xy[1].bucket = classic_bucket(h, h->buckets, xy[1].index);
	}
	for (struct classic_bucket bucket = first; bucket.bytes != NULL; bucket = classic_next(h, bucket))
		evacuate_bucket(h, bucket, xy);
	/* keys, elems and the pointer to the overflow buckets, for the garbage collector; the marks have to stay */
	if (!(h->flags & CLASSIC_OLD_ITERATOR) && (h->bucket_pointers || h->how->wipe_plain_buckets))
		memset(first.bytes + MAP_SLOTS, 0, h->map.type.layout->unit.size - MAP_SLOTS);
	classic_tell(h, REFMAP_EVACUATE, index, xy[0].moved, xy[1].moved);
}

static void end_growth(struct classic *h, unsigned old_b)
{
	classic_discard_old_buckets(h);
	classic_overflow_list_drop_old(h);
	h->flags &= (uint8_t)~CLASSIC_SAME_SIZE_GROW;
	classic_tell(h, REFMAP_GROWN, UINT64_C(1) << old_b, 0, 0);
}

/* advanceEvacuationMark() */
static void advance_mark(struct classic *h)
{
	unsigned old_b = classic_old_b(h);
	uint64_t old_count = UINT64_C(1) << old_b;

	h->nevacuate++;

	uint64_t stop = h->nevacuate + h->how->lookahead;

	if (stop > old_count)
		stop = old_count;
	while (h->nevacuate != stop && classic_evacuated(h, classic_bucket(h, h->old_buckets, h->nevacuate)))
		h->nevacuate++;
	if (h->nevacuate == old_count)
		end_growth(h, old_b);
}

static void evacuate(struct classic *h, uint64_t index)
{
	struct classic_bucket bucket = classic_bucket(h, h->old_buckets, index);

	if (!classic_evacuated(h, bucket))
		evacuate_chain(h, bucket, index);
	if (index == h->nevacuate)
		advance_mark(h);
}

/* The runtime has its keys on the stack; ours may be one that an iterator showed, in a bucket that is about to be cleared. */
static taddr keep_key(struct classic *h, taddr key)
{
	uint32_t size = h->map.type.key_size;

	if (size == 0)
		return key;
	if (h->kept_key.v == 0)
		h->kept_key = arena_allocate(h->map.arena, size);
	memmove(arena_at(h->map.arena, h->kept_key), arena_at(h->map.arena, key), size);
	return h->kept_key;
}

taddr classic_grow_work(struct classic *h, uint64_t index, taddr key)
{
	key = keep_key(h, key);
	evacuate(h, index & classic_mask(classic_old_b(h)));
	if (classic_growing(h))
		evacuate(h, h->nevacuate);
	return key;
}
