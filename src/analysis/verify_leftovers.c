/*
 * What is left in slots that are marked as empty. Deleting clears the elem, whatever it is, and the pointers of the key:
 * mapdelete() of runtime/hashmap.go and runtime/map.go, Map.Delete() of internal/runtime/maps. An entry that is still there has
 * lost its mark. Only Go 1.10 leaves elems without pointers as they are.
 *
 * Looked at with the pointers, while the target stands: of empty slots nothing is kept for later.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/verify_private.h"
#include "util/alloc.h"

enum { GO_WITH_LEFTOVERS = 10 };

struct leftover {
	bool has_table;
	struct map_table table;
	struct map_unit unit;
	unsigned slot;
	bool in_elem; /* else in the key */
};

struct verify_leftovers {
	struct leftover *items;
	size_t count, capacity;
};

void verify_leftovers_free(struct verify_leftovers *leftovers)
{
	if (leftovers == NULL)
		return;
	free(leftovers->items);
	free(leftovers);
}

static bool is_zero(const uint8_t *bytes, uint64_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Whether the first word of a key slot is a pointer, as far as that is plain. */
static bool begins_with_pointer(const struct go_map *map)
{
	switch (map->type->key->kind) {
	case GO_STRING:
	case GO_INTERFACE:
	case GO_POINTER:
	case GO_CHAN:
	case GO_UNSAFE_POINTER:
		return true;
	default:
		return map->layout->key_indirect;
	}
}

static bool is_left_in_elem(const struct go_map *map, const struct map_unit *unit, unsigned slot)
{
	uint64_t size = map->layout->elem_indirect ? map->program->machine.word_size : map->type->elem->size;

	return !is_zero(map_elem_slot(map, unit, slot), size);
}

static bool is_left_in_key(const struct go_map *map, const struct map_unit *unit, unsigned slot)
{
	return begins_with_pointer(map) && !is_zero(map_key_slot(map, unit, slot), map->program->machine.word_size);
}

static bool is_empty(const struct go_map *map, const struct map_unit *unit, unsigned slot)
{
	const char *name;
	enum slot_state state = map_slot_state(map, map_control(map, unit, slot), &name);

	return state == SLOT_EMPTY || state == SLOT_DELETED;
}

static void look_at_unit(struct verify_leftovers *leftovers, const struct go_map *map, const struct map_unit *unit,
			 const struct map_table *table)
{
	for (unsigned empty = ~unit->live & 0xffu; empty != 0; empty &= empty - 1) {
		struct leftover item = { .has_table = table != NULL, .unit = *unit, .slot = (unsigned)__builtin_ctz(empty) };

		item.in_elem = is_left_in_elem(map, unit, item.slot);
		if (!(item.in_elem || is_left_in_key(map, unit, item.slot)) || !is_empty(map, unit, item.slot))
			continue;
		if (leftovers->count == REPORT_WRONG_KEPT)
			return;
		if (table != NULL)
			item.table = *table;
		ARRAY_RESERVE(leftovers->items, leftovers->count, leftovers->capacity);
		leftovers->items[leftovers->count++] = item;
	}
}

void verify_leftovers_look(struct verifier *verifier, const struct go_map *map, const struct map_batch *batch)
{
	if (map->program->version->minor == GO_WITH_LEFTOVERS)
		return;
	if (verifier->leftovers == NULL)
		verifier->leftovers = xcalloc(1, sizeof(*verifier->leftovers));
	for (size_t i = 0; i < batch->count; i++) {
		const struct map_unit *unit = &batch->units[i];

		if (!unit->evacuated)
			look_at_unit(verifier->leftovers, map, unit, batch->table_count ? &batch->tables[unit->table] : NULL);
	}
}

void verify_leftovers_report(struct verify *verify)
{
	struct verify_leftovers *leftovers = verify->verifier->leftovers;

	for (size_t i = 0; leftovers != NULL && i < leftovers->count; i++) {
		const struct leftover *item = &leftovers->items[i];
		struct verify_site site = { .table = item->has_table ? &item->table : NULL, .unit = &item->unit,
					    .slot = (int)item->slot, .field = item->in_elem ? "elem" : "key" };

		site.address = item->in_elem ? map_elem_slot_address(verify->map, &item->unit, item->slot)
					     : map_key_slot_address(verify->map, &item->unit, item->slot);

		if (!verify_only_counted(verify, VERIFY_SLOTS))
			verify_wrong(verify, VERIFY_SLOTS, &site,
				     xstrdup("zeroes, as deleting leaves them: the slot is marked as empty"),
				     xstrdup("what an entry leaves that has lost its mark"));
	}
	verify_leftovers_free(leftovers);
	verify->verifier->leftovers = NULL;
}
