/*
 * A hash table from page numbers to 32-bit values, for the mirror: 12 bytes a slot, where util/table.h takes 24, as a
 * mirror has a million pages. All zeroes is an empty index.
 */
#ifndef TARGET_PAGE_INDEX_H
#define TARGET_PAGE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_INDEX_PAGE ((uint64_t)4096) /* bytes; a page number is an address divided by this */

struct page_index {
	uint64_t *keys; /* page number + 1; 0 is an empty slot */
	uint32_t *values;
	size_t capacity; /* 0 or a power of two */
	size_t count;
};

/* The value of a page, or NULL. The pointer is good until the next page_index_put(). */
static inline uint32_t *page_index_get(const struct page_index *index, uint64_t page)
{
	if (index->count == 0)
		return NULL;
	for (size_t i = (page * UINT64_C(0x9e3779b97f4a7c15)) >> 32;; i++) {
		i &= index->capacity - 1;
		if (index->keys[i] == page + 1)
			return &index->values[i];
		if (index->keys[i] == 0)
			return NULL;
	}
}

/* The page must not be there yet. */
void page_index_put(struct page_index *index, uint64_t page, uint32_t value);
/* Forgets all pages, keeps the memory. */
void page_index_clear(struct page_index *index);
void page_index_free(struct page_index *index);

/* Sorts page numbers, ascending; in linear time, as the target may stand still meanwhile. */
void page_numbers_sort(uint64_t *pages, size_t count);

#endif
