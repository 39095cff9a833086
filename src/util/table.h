/* A hash table from 64-bit keys (addresses, offsets, page numbers) to 64-bit values. All zeroes is an empty table. */
#ifndef UTIL_TABLE_H
#define UTIL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot;

struct table {
	struct table_slot *slots;
	size_t capacity; /* 0 or a power of two */
	size_t count;
};

/* The value of `key`, or NULL. The pointer is good until the next table_put(). */
uint64_t *table_get(const struct table *table, uint64_t key);
/* Returns false where the key was there already; its value stays as it was then. */
bool table_put(struct table *table, uint64_t key, uint64_t value);
/* Forgets all keys, keeps the memory. */
void table_clear(struct table *table);
void table_free(struct table *table);

#endif
