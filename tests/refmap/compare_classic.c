#include <inttypes.h>
#include <stdio.h>

#include "compare_private.h"

enum { CHAIN_LIMIT = 1 << 20 };

/* A pointer to an overflow bucket of both. */
static bool overflow_of(struct comparison *c, const char *place, uint64_t go, uint64_t refmap, uint64_t *go_next, uint64_t *refmap_next)
{
	uint8_t word[8];

	if (!load_go(c, place, go + c->layout->unit.overflow_offset, word, c->machine.word_size))
		return false;
	*go_next = load_word(&c->machine, word);
	*refmap_next = load_word(&c->machine, at_refmap(c, refmap + c->layout->unit.overflow_offset));
	return same_pointer(c, place, *go_next, *refmap_next);
}

static bool same_chain(struct comparison *c, const char *bucket, uint64_t go, uint64_t refmap)
{
	char place[128];

	for (unsigned i = 0; i < CHAIN_LIMIT; i++) {
		uint64_t go_next, refmap_next;

		snprintf(place, sizeof(place), "%s.overflow %u", bucket, i);
		if (!overflow_of(c, place, go, refmap, &go_next, &refmap_next))
			return false;
		if (refmap_next == 0)
			return true;
		if (!same_units(c, place, go_next, refmap_next, 1))
			return false;
		go = go_next;
		refmap = refmap_next;
	}
	return differ(c, "%s: a chain without end", bucket);
}

static bool same_buckets(struct comparison *c, const char *array, uint64_t go, uint64_t refmap, uint64_t count)
{
	uint32_t size = c->layout->unit.size;

	if (!same_pointer(c, array, go, refmap))
		return false;
	if (refmap == 0)
		return true;
	if (!same_units(c, array, go, refmap, count))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		char place[64];

		snprintf(place, sizeof(place), "%s[%" PRIu64 "]", array, i);
		if (!same_chain(c, place, go + i * size, refmap + i * size))
			return false;
	}
	return true;
}

/* Overflow buckets made with the array that nobody took yet; the last one points to the array (makeBucketArray, runtime/map.go). */
static bool same_spares(struct comparison *c, uint64_t go, uint64_t refmap)
{
	uint32_t size = c->layout->unit.size;
	uint64_t go_next, refmap_next;

	for (unsigned i = 0; i < CHAIN_LIMIT; i++, go += size, refmap += size) {
		char place[64];

		snprintf(place, sizeof(place), "spare bucket %u", i);
		if (!same_units(c, place, go, refmap, 1) || !overflow_of(c, place, go, refmap, &go_next, &refmap_next))
			return false;
		if (refmap_next != 0)
			return true;
	}
	return differ(c, "spare buckets without end");
}

/* mapextra.nextOverflow, as a bucket's number. */
static bool same_next_overflow(struct comparison *c, uint64_t go_extra, uint64_t refmap_extra, uint64_t go_buckets, uint64_t refmap_buckets)
{
	struct field_at at = c->layout->classic.next_overflow;
	uint32_t size = c->layout->unit.size;
	uint8_t bytes[8];

	if (!load_go(c, "nextOverflow", go_extra + at.offset, bytes, at.size))
		return false;

	uint64_t go = load_uint(&c->machine, bytes, at.size);
	uint64_t refmap = load_uint(&c->machine, at_refmap(c, refmap_extra + at.offset), at.size);

	if ((go == 0) != (refmap == 0))
		return differ(c, "nextOverflow: Go %s, refmap %s", go ? "has one" : "nil", refmap ? "has one" : "nil");
	if (go == 0)
		return true;
	if (go - go_buckets != refmap - refmap_buckets)
		return differ(c, "nextOverflow: Go %" PRIu64 ", refmap %" PRIu64, (go - go_buckets) / size, (refmap - refmap_buckets) / size);
	return same_spares(c, go, refmap);
}

/* The slice of overflow buckets that a pointer at these places leads to; its capacity is the allocator's business. */
static bool same_list(struct comparison *c, const char *place, uint64_t go_at, uint64_t refmap_at)
{
	unsigned word = c->machine.word_size;
	uint8_t bytes[3 * 8];

	if (!load_go(c, place, go_at, bytes, word))
		return false;

	uint64_t go = load_word(&c->machine, bytes), refmap = load_word(&c->machine, at_refmap(c, refmap_at));

	if (!same_pointer(c, place, go, refmap))
		return false;
	if (refmap == 0)
		return true;
	if (!load_go(c, place, go, bytes, 3 * word))
		return false;

	uint64_t go_length = load_word(&c->machine, bytes + word), length = load_word(&c->machine, at_refmap(c, refmap + word));
	uint64_t go_array = load_word(&c->machine, bytes), array = load_word(&c->machine, at_refmap(c, refmap));

	if (go_length != length)
		return differ(c, "%s: Go has %" PRIu64 " buckets, refmap %" PRIu64, place, go_length, length);
	for (uint64_t i = 0; i < length; i++)
		if (!load_go(c, place, go_array + i * word, bytes, word) ||
		    !same_pointer(c, place, load_word(&c->machine, bytes), load_word(&c->machine, at_refmap(c, array + i * word))))
			return false;
	return true;
}

/* The first two words of mapextra are overflow and oldoverflow, which keep overflow buckets alive; up to 1.9 as an array of two. */
static bool same_extra(struct comparison *c, uint64_t go_extra, uint64_t refmap_extra, uint64_t go_buckets, uint64_t refmap_buckets)
{
	unsigned word = c->machine.word_size;

	if (!same_pointer(c, "header.extra", go_extra, refmap_extra))
		return false;
	if (refmap_extra == 0)
		return true;
	return same_list(c, "extra.overflow", go_extra, refmap_extra) &&
	       same_list(c, "extra.oldoverflow", go_extra + word, refmap_extra + word) &&
	       (c->layout->classic.next_overflow.size == 0 || same_next_overflow(c, go_extra, refmap_extra, go_buckets, refmap_buckets));
}

/* In 1.8, which has no mapextra, the header's last word is `overflow`, what mapextra begins with since. */
static struct field_at extra_field(const struct comparison *c)
{
	uint8_t word = c->machine.word_size;
	struct field_at extra = c->layout->classic.extra;

	return extra.size != 0 ? extra : (struct field_at){ c->layout->header_size - word, word };
}

static bool same_fields(struct comparison *c, const uint8_t *go, const uint8_t *refmap)
{
	const struct classic_header_layout *at = &c->layout->classic;

	return same_field(c, "header", "count", at->count, go, refmap) && same_field(c, "header", "flags", at->flags, go, refmap) &&
	       same_field(c, "header", "B", at->b, go, refmap) && same_field(c, "header", "noverflow", at->noverflow, go, refmap) &&
	       same_field(c, "header", "hash0", at->hash0, go, refmap) &&
	       same_field(c, "header", "nevacuate", at->nevacuate, go, refmap);
}

bool same_classic(struct comparison *c, uint64_t go_header, uint64_t refmap_header)
{
	enum { SAME_SIZE_GROW = 8 }; /* hmap.flags, runtime/map.go */
	const struct classic_header_layout *at = &c->layout->classic;
	size_t size = c->layout->header_size;
	uint8_t go[512], refmap[512];

	if (!load_go(c, "header", go_header, go, size))
		return false;
	memcpy(refmap, at_refmap(c, refmap_header), size);
	if (!same_fields(c, go, refmap))
		return false;

	uint64_t count = UINT64_C(1) << (load_uint(&c->machine, refmap + at->b.offset, at->b.size) & 63);
	uint64_t old_count = refmap[at->flags.offset] & SAME_SIZE_GROW ? count : count / 2;
	uint64_t go_buckets = take_field(c, go, at->buckets), refmap_buckets = take_field(c, refmap, at->buckets);
	uint64_t go_old = take_field(c, go, at->oldbuckets), refmap_old = take_field(c, refmap, at->oldbuckets);
	uint64_t go_extra = take_field(c, go, extra_field(c)), refmap_extra = take_field(c, refmap, extra_field(c));

	return same_bytes(c, "header", go, refmap, size) && same_buckets(c, "buckets", go_buckets, refmap_buckets, count) &&
	       same_buckets(c, "oldbuckets", go_old, refmap_old, old_count) &&
	       same_extra(c, go_extra, refmap_extra, go_buckets, refmap_buckets);
}
