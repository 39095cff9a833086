/* Groups and their slots: internal/runtime/maps/group.go, and what map.go and table.go do with a slot. */
#include <string.h>

#include "refmap/swiss_private.h"
#include "util/alloc.h"

void swiss_discard(struct swiss *map, taddr address, size_t size)
{
	if (map->iterators == 0) {
		arena_free(map->base.arena, address, size);
		return;
	}
	ARRAY_RESERVE(map->garbage, map->garbage_count, map->garbage_capacity);
	map->garbage[map->garbage_count++] = (struct swiss_garbage){ address, size };
}

void swiss_collect(struct swiss *map)
{
	for (size_t i = 0; i < map->garbage_count; i++)
		arena_free(map->base.arena, map->garbage[i].address, map->garbage[i].size);
	map->garbage_count = 0;
}

static void set_control_word(const struct swiss *map, taddr group, uint64_t control)
{
	store_uint(&map->base.type.machine, (uint8_t *)swiss_at(map, group) + map->base.type.layout->unit.control_offset,
		   sizeof(control), control);
}

taddr swiss_groups_create(const struct swiss *map, uint64_t count)
{
	uint32_t size = map->base.type.layout->unit.size;
	taddr groups = arena_allocate(map->base.arena, count * size);

	for (uint64_t i = 0; i < count; i++)
		set_control_word(map, taddr_add(groups, i * size), EACH_BYTE * CONTROL_EMPTY);
	return groups;
}

void swiss_control_set(const struct swiss *map, struct swiss_slot slot, uint8_t control)
{
	unsigned at = map->base.type.machine.big_endian ? MAP_SLOTS - 1 - slot.index : slot.index;

	((uint8_t *)swiss_at(map, slot.group))[map->base.type.layout->unit.control_offset + at] = control;
}

void swiss_group_clear(const struct swiss *map, taddr group)
{
	memset(swiss_at(map, group), 0, map->base.type.layout->unit.size);
	set_control_word(map, group, EACH_BYTE * CONTROL_EMPTY);
}

taddr swiss_slot_key(const struct swiss *map, struct swiss_slot slot)
{
	const struct map_unit_layout *unit = &map->base.type.layout->unit;

	return taddr_add(slot.group, unit->key_offset + slot.index * unit->key_stride);
}

taddr swiss_slot_elem(const struct swiss *map, struct swiss_slot slot)
{
	const struct map_unit_layout *unit = &map->base.type.layout->unit;

	return taddr_add(slot.group, unit->elem_offset + slot.index * unit->elem_stride);
}

taddr swiss_key(const struct swiss *map, struct swiss_slot slot)
{
	taddr at = swiss_slot_key(map, slot);

	return map->base.type.layout->key_indirect ? swiss_load_pointer(map, at) : at;
}

taddr swiss_elem(const struct swiss *map, struct swiss_slot slot)
{
	taddr at = swiss_slot_elem(map, slot);

	return map->base.type.layout->elem_indirect ? swiss_load_pointer(map, at) : at;
}

static void discard_values(struct swiss *map, struct swiss_slot slot)
{
	if (map->base.type.layout->key_indirect)
		swiss_discard(map, swiss_key(map, slot), map->base.type.key_size);
	if (map->base.type.layout->elem_indirect)
		swiss_discard(map, swiss_elem(map, slot), map->base.type.elem_size);
}

void swiss_group_discard_values(struct swiss *map, taddr group)
{
	for (uint64_t full = swiss_full(swiss_control(map, group)); full != 0; full &= full - 1)
		discard_values(map, (struct swiss_slot){ group, swiss_first(full) });
}

bool swiss_group_find(const struct swiss *map, taddr group, uint64_t control, uint64_t hash, taddr key, struct swiss_slot *out)
{
	for (uint64_t match = swiss_matching(control, hash); match != 0; match &= match - 1) {
		struct swiss_slot slot = { group, swiss_first(match) };

		if (refmap_equal(&map->base, key, swiss_key(map, slot))) {
			*out = slot;
			return true;
		}
	}
	return false;
}

/* runtime_faststr.go writes the key whatever the type says: its bytes may lie elsewhere. The other fast variants never write
 * it; their keys are equal only where all bits are. */
void swiss_slot_update(const struct swiss *map, struct swiss_slot slot, taddr key)
{
	const struct refmap_type *type = &map->base.type;

	if (type->variant == REFMAP_FASTSTR || (type->variant == REFMAP_SLOW && type->need_key_update))
		memmove(swiss_at(map, swiss_key(map, slot)), swiss_at(map, key), type->key_size);
}

void swiss_slot_fill(const struct swiss *map, struct swiss_slot slot, uint64_t hash, taddr key)
{
	const struct refmap_type *type = &map->base.type;

	if (type->layout->key_indirect)
		swiss_store_pointer(map, swiss_slot_key(map, slot), arena_allocate(map->base.arena, type->key_size));
	memmove(swiss_at(map, swiss_key(map, slot)), swiss_at(map, key), type->key_size);
	if (type->layout->elem_indirect)
		swiss_store_pointer(map, swiss_slot_elem(map, slot), arena_allocate(map->base.arena, type->elem_size));
	swiss_control_set(map, slot, hash & 0x7f);
}

/* Map.deleteSmall and table.Delete: a key without pointers stays; the elem is cleared in any case (go.dev/issue/25936). */
void swiss_slot_clear(struct swiss *map, struct swiss_slot slot)
{
	const struct refmap_type *type = &map->base.type;

	discard_values(map, slot);
	if (type->layout->key_indirect || type->key_pointers)
		memset(swiss_at(map, swiss_slot_key(map, slot)), 0, map->key_bytes);
	memset(swiss_at(map, swiss_slot_elem(map, slot)), 0, map->elem_bytes);
}
