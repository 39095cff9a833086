#include <inttypes.h>
#include <stdio.h>

#include "compare_private.h"

enum { CHAIN_LIMIT = 1 << 20 };

/* The pointers of two buckets to their overflow buckets. */
static bool same_overflow(struct comparison *c, const char *place, struct both bucket, struct both *next)
{
	return load_words(c, place, both_add(bucket, c->layout->unit.overflow_offset), next) && same_pointer(c, place, *next);
}

static bool same_chain(struct comparison *c, const char *place, struct both bucket)
{
	char text[128];

	for (unsigned i = 0; i < CHAIN_LIMIT; i++) {
		snprintf(text, sizeof(text), "%s.overflow %u", place, i);
		if (!same_overflow(c, text, bucket, &bucket))
			return false;
		if (bucket.refmap == 0)
			return true;
		if (!same_units(c, text, bucket, 1))
			return false;
	}
	return differ(c, "%s: a chain without end", place);
}

static bool same_buckets(struct comparison *c, const char *place, struct both array, uint64_t count)
{
	if (!same_pointer(c, place, array))
		return false;
	if (array.refmap == 0)
		return true;
	if (!same_units(c, place, array, count))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s[%" PRIu64 "]", place, i);
		if (!same_chain(c, text, both_add(array, i * c->layout->unit.size)))
			return false;
	}
	return true;
}

/* Overflow buckets made with the array that nobody took yet; the last points to the array (runtime/map.go, makeBucketArray). */
static bool same_spares(struct comparison *c, struct both spare)
{
	struct both next;

	for (unsigned i = 0; i < CHAIN_LIMIT; i++, spare = both_add(spare, c->layout->unit.size)) {
		char place[64];

		snprintf(place, sizeof(place), "spare bucket %u", i);
		if (!same_units(c, place, spare, 1) || !same_overflow(c, place, spare, &next))
			return false;
		if (next.refmap != 0)
			return true;
	}
	return differ(c, "spare buckets without end");
}

/* mapextra.nextOverflow, as a bucket's number. */
static bool same_next_overflow(struct comparison *c, struct both extra, struct both buckets)
{
	struct both next;

	if (!load_words(c, "nextOverflow", both_add(extra, c->layout->classic.next_overflow.offset), &next))
		return false;
	if ((next.go == 0) != (next.refmap == 0))
		return differ(c, "nextOverflow: Go %s, refmap %s", next.go ? "has one" : "nil", next.refmap ? "has one" : "nil");
	if (next.go == 0)
		return true;
	if (next.go - buckets.go != next.refmap - buckets.refmap)
		return differ(c, "nextOverflow: Go 0x%" PRIx64 " bytes behind the first bucket, refmap 0x%" PRIx64,
			      next.go - buckets.go, next.refmap - buckets.refmap);
	return same_spares(c, next);
}

/* The slice of overflow buckets that a pointer leads to; its capacity is the allocator's business. */
static bool same_list(struct comparison *c, const char *place, struct both at)
{
	unsigned word = c->machine.word_size;
	struct both slice, array, length, bucket;

	if (!load_words(c, place, at, &slice) || !same_pointer(c, place, slice))
		return false;
	if (slice.refmap == 0)
		return true;
	if (!load_words(c, place, slice, &array) || !load_words(c, place, both_add(slice, word), &length))
		return false;
	if (length.go != length.refmap)
		return differ(c, "%s: Go has %" PRIu64 " buckets, refmap %" PRIu64, place, length.go, length.refmap);
	for (uint64_t i = 0; i < length.go; i++)
		if (!load_words(c, place, both_add(array, i * word), &bucket) || !same_pointer(c, place, bucket))
			return false;
	return true;
}

/* The first two words of mapextra, overflow and oldoverflow, keep overflow buckets alive; up to 1.9 they are an array. */
static bool same_extra(struct comparison *c, struct both extra, struct both buckets)
{
	if (!same_pointer(c, "header.extra", extra))
		return false;
	if (extra.refmap == 0)
		return true;
	return same_list(c, "extra.overflow", extra) &&
	       same_list(c, "extra.oldoverflow", both_add(extra, c->machine.word_size)) &&
	       (c->layout->classic.next_overflow.size == 0 || same_next_overflow(c, extra, buckets));
}

/* In 1.8, which has no mapextra, the header's last word is `overflow`, what mapextra begins with since. */
static struct field_at extra_field(const struct comparison *c)
{
	uint8_t word = c->machine.word_size;
	struct field_at extra = c->layout->classic.extra;

	return extra.size != 0 ? extra : (struct field_at){ c->layout->header_size - word, word };
}

static bool same_fields(struct comparison *c, const struct both_structs *headers)
{
	const struct classic_header_layout *at = &c->layout->classic;

	return same_field(c, "header", "count", at->count, headers) && same_field(c, "header", "flags", at->flags, headers) &&
	       same_field(c, "header", "B", at->b, headers) && same_field(c, "header", "noverflow", at->noverflow, headers) &&
	       same_field(c, "header", "hash0", at->hash0, headers) &&
	       same_field(c, "header", "nevacuate", at->nevacuate, headers);
}

bool same_classic(struct comparison *c, struct both header)
{
	enum { SAME_SIZE_GROW = 8 }; /* hmap.flags, runtime/map.go */
	const struct classic_header_layout *at = &c->layout->classic;
	struct both_structs headers;

	if (!load_structs(c, "header", header, c->layout->header_size, &headers) || !same_fields(c, &headers))
		return false;

	uint64_t count = UINT64_C(1) << (field_of(c, &headers, at->b).refmap & 63);
	uint64_t old_count = field_of(c, &headers, at->flags).refmap & SAME_SIZE_GROW ? count : count / 2;
	struct both buckets = take_field(c, &headers, at->buckets), old = take_field(c, &headers, at->oldbuckets);
	struct both extra = take_field(c, &headers, extra_field(c));

	return same_bytes(c, "header", headers.go, headers.refmap, c->layout->header_size) &&
	       same_buckets(c, "buckets", buckets, count) && same_buckets(c, "oldbuckets", old, old_count) &&
	       same_extra(c, extra, buckets);
}
