#include <stdlib.h>

#include "refmap/classic_private.h"
#include "util/alloc.h"

/* --- header ----------------------------------------------------------------------------------------------------- */

/* Up to 1.8 the word is hmap.overflow, a [2]*[]*bmap, the last one of the header (runtime/hashmap.go). */
static struct field_at extra_field(const struct classic *h)
{
	const struct map_layout *layout = h->map.type.layout;
	uint8_t word = h->map.type.machine.word_size;

	return layout->classic.extra.size != 0 ? layout->classic.extra : (struct field_at){ layout->header_size - word, word };
}

/* hmap.clearSeq, behind nevacuate (1.24, 1.25: runtime/map_noswiss.go). */
static struct field_at clear_seq_field(const struct classic *h)
{
	struct field_at nevacuate = h->map.type.layout->classic.nevacuate;

	return (struct field_at){ nevacuate.offset + nevacuate.size, h->how->clear_counts ? 8 : 0 };
}

void classic_publish(struct classic *h)
{
	const struct classic_header_layout *at = &h->map.type.layout->classic;
	const struct machine *machine = &h->map.type.machine;
	uint8_t *header = arena_at(h->map.arena, h->map.header);
	struct field_at clear_seq = clear_seq_field(h), extra = extra_field(h);

	store_uint(machine, header + at->count.offset, at->count.size, h->count);
	store_uint(machine, header + at->flags.offset, at->flags.size, h->flags);
	store_uint(machine, header + at->b.offset, at->b.size, h->b);
	store_uint(machine, header + at->noverflow.offset, at->noverflow.size, h->noverflow);
	store_uint(machine, header + at->hash0.offset, at->hash0.size, h->hash0);
	store_uint(machine, header + at->buckets.offset, at->buckets.size, h->buckets.v);
	store_uint(machine, header + at->oldbuckets.offset, at->oldbuckets.size, h->old_buckets.v);
	store_uint(machine, header + at->nevacuate.offset, at->nevacuate.size, h->nevacuate);
	store_uint(machine, header + clear_seq.offset, clear_seq.size, h->clear_seq);
	store_uint(machine, header + extra.offset, extra.size, h->extra.v);
}

/* Whoever listens sees the map as it is now. */
void classic_tell(struct classic *h, enum refmap_event event, uint64_t a, uint64_t b, uint64_t c)
{
	if (h->map.callbacks.event == NULL)
		return;
	classic_publish(h);
	refmap_tell(&h->map, event, a, b, c);
}

/* --- search ----------------------------------------------------------------------------------------------------- */

/* Keys of the fast functions are compared as integers. */
static inline bool same_key(const struct classic *h, taddr key, const void *key_bytes, struct classic_bucket bucket,
			    unsigned slot)
{
	switch (h->variant) {
	case REFMAP_FAST32:
	case REFMAP_FAST32PTR: return memcmp(key_bytes, bucket.bytes + classic_key_offset(h, slot), 4) == 0;
	case REFMAP_FAST64:
	case REFMAP_FAST64PTR: return memcmp(key_bytes, bucket.bytes + classic_key_offset(h, slot), 8) == 0;
	default: return refmap_equal(&h->map, key, classic_key(h, bucket, slot));
	}
}

/* The eight tophash bytes as one number, the first cell's lowest; and 0x80 for each byte of such a number that is 0. */
static inline uint64_t load_tophashes(struct classic_bucket bucket)
{
	uint64_t tophashes;

	memcpy(&tophashes, bucket.bytes, sizeof(tophashes));
	return le64toh(tophashes);
}

static inline uint64_t zero_bytes(uint64_t x)
{
	const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);

	return ~(((x & low) + low) | x | low);
}

static inline uint64_t all_bytes(uint8_t value)
{
	return value * UINT64_C(0x0101010101010101);
}

static inline unsigned first_slot(uint64_t marks)
{
	return (unsigned)__builtin_ctzll(marks) / 8;
}

struct classic_search classic_search(const struct classic *h, struct classic_bucket first, taddr key, uint8_t top)
{
	struct classic_search search = { .last = first };
	const void *key_bytes = arena_at(h->map.arena, key);

	for (struct classic_bucket bucket = first; bucket.bytes != NULL; bucket = classic_next(h, bucket)) {
		uint64_t tophashes = load_tophashes(bucket);
		uint64_t empty = zero_bytes(tophashes & ~all_bytes(h->deleted)); /* `deleted` is 0 or 1 */

		search.last = bucket;
		for (uint64_t same = zero_bytes(tophashes ^ all_bytes(top)); same != 0; same &= same - 1) {
			if (same_key(h, key, key_bytes, bucket, first_slot(same))) {
				search.found = (struct classic_cell){ bucket, first_slot(same) };
				return search;
			}
		}
		if (empty != 0 && search.free.bucket.bytes == NULL)
			search.free = (struct classic_cell){ bucket, first_slot(empty) };
		if (h->rest && zero_bytes(tophashes) != 0)
			break;
	}
	return search;
}

struct classic_cell classic_lookup(const struct classic *h, taddr key)
{
	if (h->count == 0)
		return (struct classic_cell){ { { 0 }, NULL }, 0 };

	uint64_t hash = refmap_hash(&h->map, key, h->hash0);
	struct classic_bucket bucket = classic_bucket(h, h->buckets, hash & classic_mask(h->b));

	if (classic_growing(h)) {
		struct classic_bucket old = classic_bucket(h, h->old_buckets, hash & classic_mask(classic_old_b(h)));

		if (!classic_evacuated(h, old))
			bucket = old;
	}
	return classic_search(h, bucket, key, classic_tophash(h, hash)).found;
}

static taddr find(const struct refmap *map, taddr key)
{
	const struct classic *h = classic_of(map);
	struct classic_cell cell = classic_lookup(h, key);

	return cell.bucket.bytes != NULL ? classic_elem(h, cell.bucket, cell.slot) : taddr_of(0);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void destroy(struct refmap *map)
{
	struct classic *h = classic_of(map);

	h->iterators = 0;
	classic_discard_values(h);
	classic_extra_reset(h);
	classic_discard_buckets(h);
	if (classic_growing(h))
		classic_discard_old_buckets(h);
	classic_release(h);
	if (h->extra.v != 0)
		arena_free(h->map.arena, h->extra, classic_extra_size(h));
	if (h->kept_key.v != 0)
		arena_free(h->map.arena, h->kept_key, h->map.type.key_size);
	arena_free(h->map.arena, h->map.header, h->map.type.layout->header_size);
	free(h->overflow.items);
	free(h->old_overflow.items);
	free(h->discarded.items);
	free(h);
}

static const struct refmap_ops ops = {
	.destroy = destroy,
	.assign = classic_assign,
	.find = find,
	.remove = classic_remove,
	.clear = classic_clear,
	.iterate = classic_iterate,
};

/* The tophash bytes: runtime/hashmap.go (<= 1.10), runtime/map.go (>= 1.11). */
static void set_scheme(struct classic *h)
{
	h->rest = h->map.type.version->tophash == TOPHASH_EMPTY_REST;
	h->deleted = h->rest ? 1 : 0;
	h->evacuated_empty = h->rest ? 4 : 1;
	h->min_tophash = h->rest ? 5 : 4;
}

/* Hints beyond it count as none. 1.8 panics there. */
static uint64_t hint_limit(const struct classic *h)
{
	uint64_t bytes = h->how->hint_bytes;

	if (bytes == 0)
		return INT32_MAX;
	if (h->map.type.machine.word_size == 4)
		bytes = UINT32_MAX;
	return bytes / h->map.type.layout->unit.size;
}

/* makemap(). The map is taken for one on the heap: without a hint its first bucket comes with the first assignment. */
struct refmap *refmap_classic_create(const struct refmap *base, uint64_t hint)
{
	struct classic *h = xcalloc(1, sizeof(*h));
	const struct refmap_type *type = &base->type;

	h->map = *base;
	h->map.ops = &ops;
	h->how = classic_behaviour_find(type->version);
	h->variant = h->how->fast_functions ? type->variant : REFMAP_SLOW;
	h->bucket_pointers = type->key_pointers || type->elem_pointers || type->layout->key_indirect ||
			     type->layout->elem_indirect;
	set_scheme(h);
	h->hash0 = (uint32_t)refmap_random(&h->map);
	if (hint > hint_limit(h))
		hint = 0;
	while (classic_over_load(h, hint, h->b))
		h->b++;
	if (h->b != 0) {
		h->buckets = classic_array_create(h, h->b);
		classic_array_use_spares(h, h->buckets, h->b);
	}
	classic_publish(h);
	return &h->map;
}
