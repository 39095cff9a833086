#include "refmap/classic_private.h"

static void put_pointer(struct classic *h, struct classic_bucket bucket, uint32_t offset, taddr value)
{
	store_word(&h->map.type.machine, bucket.bytes + offset, value.v);
}

/* Where an entry's key and elem are to be; memory for those that do not lie in the cell. */
static void make_room(struct classic *h, struct classic_cell cell)
{
	const struct refmap_type *type = &h->map.type;

	if (type->layout->key_indirect)
		put_pointer(h, cell.bucket, classic_key_offset(h, cell.slot), arena_allocate(h->map.arena, type->key_size));
	if (type->layout->elem_indirect)
		put_pointer(h, cell.bucket, classic_elem_offset(h, cell.slot), arena_allocate(h->map.arena, type->elem_size));
}

static void copy_key(struct classic *h, struct classic_cell cell, taddr key, size_t size)
{
	memmove(arena_at(h->map.arena, classic_key(h, cell.bucket, cell.slot)), arena_at(h->map.arena, key), size);
}

/* An assignment to a key that is there: mapassign() writes it again where that may make a difference. */
static void update_key(struct classic *h, struct classic_cell cell, taddr key)
{
	if (h->variant == REFMAP_SLOW && h->map.type.need_key_update)
		copy_key(h, cell, key, h->map.type.key_size);
	else if (h->variant == REFMAP_FASTSTR && h->how->string_key_update)
		copy_key(h, cell, key, h->map.type.machine.word_size); /* its pointer; the length is the same */
}

static struct classic_cell insert(struct classic *h, const struct classic_search *search, uint64_t index, taddr key, uint8_t top)
{
	struct classic_cell cell = search->free;

	if (cell.bucket.bytes == NULL)
		cell = (struct classic_cell){ classic_add_overflow(h, search->last, index), 0 };
	make_room(h, cell);
	copy_key(h, cell, key, h->map.type.key_size);
	cell.bucket.bytes[cell.slot] = top;
	h->count++;
	return cell;
}

/* mapassign(), mapassign_fast*() */
taddr classic_assign(struct refmap *map, taddr key)
{
	struct classic *h = classic_of(map);
	uint64_t hash = refmap_hash(map, key, h->hash0);
	uint8_t top = classic_tophash(h, hash);
	struct classic_cell cell;

	if (h->buckets.v == 0)
		h->buckets = classic_array_create(h, h->b);
	for (;;) {
		uint64_t index = hash & classic_mask(h->b);

		if (classic_growing(h))
			key = classic_grow_work(h, index, key);

		struct classic_search search = classic_search(h, classic_bucket(h, h->buckets, index), key, top);

		if (search.found.bucket.bytes != NULL) {
			cell = search.found;
			update_key(h, cell, key);
			break;
		}
		if (classic_growing(h) || !classic_must_grow(h)) {
			cell = insert(h, &search, index, key, top);
			break;
		}
		classic_grow(h);
	}
	classic_publish(h);
	return classic_elem(h, cell.bucket, cell.slot);
}
