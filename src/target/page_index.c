#include "target/page_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

static void insert(struct page_index *index, uint64_t key, uint32_t value)
{
	size_t i = ((key - 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

	for (i &= index->capacity - 1; index->keys[i] != 0; i = (i + 1) & (index->capacity - 1))
		continue;
	index->keys[i] = key;
	index->values[i] = value;
	index->count++;
}

static void grow(struct page_index *index)
{
	struct page_index old = *index;

	index->capacity = old.capacity ? old.capacity * 2 : 64;
	index->count = 0;
	index->keys = xcalloc(index->capacity, sizeof(*index->keys));
	index->values = xcalloc(index->capacity, sizeof(*index->values));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.keys[i] != 0)
			insert(index, old.keys[i], old.values[i]);
	page_index_free(&old);
}

void page_index_put(struct page_index *index, uint64_t page, uint32_t value)
{
	if (index->count >= index->capacity / 4 * 3)
		grow(index);
	insert(index, page + 1, value);
}

void page_index_clear(struct page_index *index)
{
	if (index->count != 0)
		memset(index->keys, 0, index->capacity * sizeof(*index->keys));
	index->count = 0;
}

void page_index_free(struct page_index *index)
{
	free(index->keys);
	free(index->values);
	*index = (struct page_index){ 0 };
}

static bool is_sorted(const uint64_t *pages, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (pages[i - 1] > pages[i])
			return false;
	return true;
}

/* Distributes by one byte of the numbers, keeping the order of equals; false where all have the same there. */
static bool distribute(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
	size_t ends[256] = { 0 };
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		ends[from[i] >> shift & 255]++;
	if (ends[from[0] >> shift & 255] == count)
		return false;
	for (size_t byte = 0; byte < 256; byte++) {
		size_t here = ends[byte];

		ends[byte] = total;
		total += here;
	}
	for (size_t i = 0; i < count; i++)
		to[ends[from[i] >> shift & 255]++] = from[i];
	return true;
}

void page_numbers_sort(uint64_t *pages, size_t count)
{
	if (is_sorted(pages, count))
		return;

	uint64_t *room = xreallocarray(NULL, count, sizeof(*room));
	uint64_t *from = pages, *to = room;

	for (unsigned shift = 0; shift < 64; shift += 8) {
		if (distribute(from, to, count, shift)) {
			uint64_t *swap = from;

			from = to;
			to = swap;
		}
	}
	if (from != pages)
		memcpy(pages, from, count * sizeof(*pages));
	free(room);
}
