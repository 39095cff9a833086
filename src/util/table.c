#include "util/table.h"

#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

struct table_slot {
	uint64_t key;
	uint64_t value;
	bool used;
};

static size_t home_of(const struct table *table, uint64_t key)
{
	/* Fibonacci hashing: the high bits of the product depend on all bits of the key. */
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (table->capacity - 1);
}

static struct table_slot *slot_of(const struct table *table, uint64_t key)
{
	size_t i = home_of(table, key);

	while (table->slots[i].used && table->slots[i].key != key)
		i = (i + 1) & (table->capacity - 1);
	return &table->slots[i];
}

uint64_t *table_get(const struct table *table, uint64_t key)
{
	if (table->count == 0)
		return NULL;

	struct table_slot *slot = slot_of(table, key);

	return slot->used ? &slot->value : NULL;
}

static void grow(struct table *table)
{
	struct table old = *table;

	table->capacity = old.capacity ? old.capacity * 2 : 16;
	table->slots = xcalloc(table->capacity, sizeof(*table->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].used)
			*slot_of(table, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

bool table_put(struct table *table, uint64_t key, uint64_t value)
{
	if (table->count >= table->capacity / 2)
		grow(table);

	struct table_slot *slot = slot_of(table, key);

	if (slot->used)
		return false;
	*slot = (struct table_slot){ key, value, true };
	table->count++;
	return true;
}

void table_clear(struct table *table)
{
	if (table->count != 0)
		memset(table->slots, 0, table->capacity * sizeof(*table->slots));
	table->count = 0;
}

void table_free(struct table *table)
{
	free(table->slots);
	*table = (struct table){ 0 };
}
