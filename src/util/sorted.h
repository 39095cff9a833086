/* Looking through an array that is in order of an address. */
#ifndef UTIL_SORTED_H
#define UTIL_SORTED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The index of the first of `count` items whose address, a uint64_t or taddr `offset` bytes into an item of `size` bytes, is above `address`;
 * `count` where none is.
 */
static inline size_t sorted_above(const void *items, size_t count, size_t size, size_t offset, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint64_t there;

		memcpy(&there, (const char *)items + middle * size + offset, sizeof(there));
		if (there <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The same of an array by the name of its items' field. */
#define SORTED_ABOVE(items, count, field, address) \
	sorted_above((items), (count), sizeof(*(items)), offsetof(__typeof__(*(items)), field), (address))

#endif
