/* One table: internal/runtime/maps/table.go. */
#include <string.h>

#include "refmap/swiss_private.h"

/* maxGrowthLeft */
static uint64_t slots_to_fill(uint64_t slots)
{
	return slots * GROUP_LOAD / MAP_SLOTS;
}

static uint64_t tombstones(const struct swiss *map, taddr table)
{
	return slots_to_fill(SWISS_GET(map, table, table_capacity)) - SWISS_GET(map, table, table_used) -
	       SWISS_GET(map, table, table_growth_left);
}

taddr swiss_table_create(const struct swiss *map, uint64_t slots, uint64_t index, uint64_t local_depth)
{
	taddr table = arena_allocate(map->base.arena, swiss_fields(map)->table_size);
	uint64_t capacity = MAP_SLOTS;

	while (capacity < slots)
		capacity *= 2;
	SWISS_SET(map, table, table_capacity, capacity);
	SWISS_SET(map, table, table_growth_left, slots_to_fill(capacity));
	SWISS_SET(map, table, table_local_depth, local_depth);
	SWISS_SET(map, table, table_index, index);
	SWISS_SET(map, table, table_groups_data, swiss_groups_create(map, capacity / MAP_SLOTS).v);
	SWISS_SET(map, table, table_groups_mask, capacity / MAP_SLOTS - 1);
	return table;
}

void swiss_table_discard(struct swiss *map, taddr table)
{
	uint64_t groups = SWISS_GET(map, table, table_groups_mask) + 1;

	swiss_discard(map, taddr_of(SWISS_GET(map, table, table_groups_data)), groups * map->base.type.layout->unit.size);
	swiss_discard(map, table, swiss_fields(map)->table_size);
}

taddr swiss_table_group(const struct swiss *map, taddr table, uint64_t index)
{
	return taddr_add(taddr_of(SWISS_GET(map, table, table_groups_data)), index * map->base.type.layout->unit.size);
}

static void make_stale(const struct swiss *map, taddr table)
{
	SWISS_SET(map, table, table_index, UINT64_MAX);
}

bool swiss_table_is_stale(const struct swiss *map, taddr table)
{
	struct field_at at = swiss_fields(map)->table_index;

	return load_int(&map->base.type.machine, (uint8_t *)swiss_at(map, table) + at.offset, at.size) < 0;
}

bool swiss_table_find(const struct swiss *map, taddr table, uint64_t hash, taddr key, struct swiss_slot *out)
{
	for (struct swiss_probe probe = swiss_probe_start(map, table, hash);; swiss_probe_next(&probe)) {
		taddr group = swiss_probe_group(map, &probe);
		uint64_t control = swiss_control(map, group);

		if (swiss_group_find(map, group, control, hash, key, out))
			return true;
		if (swiss_empty(control) != 0)
			return false;
	}
}

/* uncheckedPutSlot: the first free slot for an entry that the table does not have. Values elsewhere move with their pointers. */
static void take_entry(const struct swiss *map, taddr table, uint64_t hash, struct swiss_slot from)
{
	struct swiss_probe probe = swiss_probe_start(map, table, hash);
	uint64_t control = swiss_control(map, swiss_probe_group(map, &probe));

	while (swiss_empty_or_deleted(control) == 0) {
		swiss_probe_next(&probe);
		control = swiss_control(map, swiss_probe_group(map, &probe));
	}

	struct swiss_slot to = { swiss_probe_group(map, &probe), swiss_first(swiss_empty_or_deleted(control)) };

	memcpy(swiss_at(map, swiss_slot_key(map, to)), swiss_at(map, swiss_slot_key(map, from)), map->key_bytes);
	memcpy(swiss_at(map, swiss_slot_elem(map, to)), swiss_at(map, swiss_slot_elem(map, from)), map->elem_bytes);
	swiss_control_set(map, to, hash & 0x7f);
	SWISS_SET(map, table, table_growth_left, SWISS_GET(map, table, table_growth_left) - 1);
	SWISS_SET(map, table, table_used, SWISS_GET(map, table, table_used) + 1);
}

void swiss_table_take_group(const struct swiss *map, taddr group, const taddr to[2], uint64_t mask)
{
	for (uint64_t full = swiss_full(swiss_control(map, group)); full != 0; full &= full - 1) {
		struct swiss_slot from = { group, swiss_first(full) };
		uint64_t hash = swiss_hash(map, swiss_key(map, from));

		take_entry(map, to[(hash & mask) != 0], hash, from);
	}
}

static void take_table(const struct swiss *map, taddr from, const taddr to[2], uint64_t mask)
{
	for (uint64_t i = 0; i <= SWISS_GET(map, from, table_groups_mask); i++)
		swiss_table_take_group(map, swiss_table_group(map, from, i), to, mask);
}

static void grow(struct swiss *map, taddr table)
{
	uint64_t index = SWISS_GET(map, table, table_index), slots = 2 * SWISS_GET(map, table, table_capacity);
	taddr larger = swiss_table_create(map, slots, index, SWISS_GET(map, table, table_local_depth));

	take_table(map, table, (taddr[2]){ larger }, 0);
	swiss_directory_place(map, larger);
	make_stale(map, table);
	refmap_tell(&map->base, REFMAP_REHASH, index, slots, 0);
}

static void split(struct swiss *map, taddr table)
{
	uint64_t depth = SWISS_GET(map, table, table_local_depth) + 1;
	taddr halves[2] = { swiss_table_create(map, TABLE_SLOTS_MOST, UINT64_MAX, depth),
			    swiss_table_create(map, TABLE_SLOTS_MOST, UINT64_MAX, depth) };

	take_table(map, table, halves, UINT64_C(1) << (map->hash_bits - depth));
	swiss_directory_split(map, table, halves[0], halves[1]);
	make_stale(map, table);
	refmap_tell(&map->base, REFMAP_SPLIT, SWISS_GET(map, halves[0], table_index), depth, 0);
}

static void rehash(struct swiss *map, taddr table)
{
	if (SWISS_GET(map, table, table_capacity) < TABLE_SLOTS_MOST)
		grow(map, table);
	else
		split(map, table);
	swiss_table_discard(map, table);
}

/* Marks the groups that a lookup of this key passes. */
static void mark_passed(const struct swiss *map, taddr table, taddr key, uint64_t home, bool *needed)
{
	struct swiss_probe probe = swiss_probe_start(map, table, swiss_hash(map, key));

	for (; probe.offset != home; swiss_probe_next(&probe))
		needed[probe.offset] = true;
}

/* The groups whose tombstones cannot go: lookups pass them, or they have none. A key that is not equal to itself is never
 * looked up. */
static void mark_needed(const struct swiss *map, taddr table, uint64_t groups, bool *needed)
{
	for (uint64_t i = 0; i < groups; i++) {
		taddr group = swiss_table_group(map, table, i);

		for (uint64_t full = swiss_full(swiss_control(map, group)); full != 0; full &= full - 1) {
			taddr key = swiss_key(map, (struct swiss_slot){ group, swiss_first(full) });

			if (refmap_equal(&map->base, key, key))
				mark_passed(map, table, key, i, needed);
		}
		if (swiss_empty(swiss_control(map, group)) != 0)
			needed[i] = true;
	}
}

static void prune_group(const struct swiss *map, taddr group)
{
	for (uint64_t deleted = swiss_empty_or_deleted(swiss_control(map, group)); deleted != 0; deleted &= deleted - 1)
		swiss_control_set(map, (struct swiss_slot){ group, swiss_first(deleted) }, CONTROL_EMPTY);
}

/* pruneTombstones: makes empty slots of tombstones, where a tenth of the table's slots is won by it. */
static void prune(struct swiss *map, taddr table)
{
	uint64_t slots = SWISS_GET(map, table, table_capacity), groups = slots / MAP_SLOTS, won = 0;
	bool needed[TABLE_SLOTS_MOST / MAP_SLOTS] = { false };

	if (tombstones(map, table) * 10 < slots)
		return;
	mark_needed(map, table, groups, needed);
	for (uint64_t i = 0; i < groups; i++)
		if (!needed[i])
			won += __builtin_popcountll(swiss_empty_or_deleted(swiss_control(map, swiss_table_group(map, table, i))));
	if (won * 10 < slots)
		return;
	for (uint64_t i = 0; i < groups; i++)
		if (!needed[i])
			prune_group(map, swiss_table_group(map, table, i));
	SWISS_SET(map, table, table_growth_left, SWISS_GET(map, table, table_growth_left) + won);
	refmap_tell(&map->base, REFMAP_PRUNE, SWISS_GET(map, table, table_index), won, 0);
}

static void count_entry(const struct swiss *map, taddr table)
{
	SWISS_SET(map, table, table_used, SWISS_GET(map, table, table_used) + 1);
	HEADER_SET(map, used, HEADER_GET(map, used) + 1);
}

/* An empty slot may be filled only while the table has growth left. */
static bool take_empty(struct swiss *map, taddr table)
{
	uint64_t left = SWISS_GET(map, table, table_growth_left);

	if (left == 0 && (map->behaviour->pruning >> map->base.type.variant & 1) != 0) {
		prune(map, table);
		left = SWISS_GET(map, table, table_growth_left);
	}
	if (left == 0)
		return false;
	SWISS_SET(map, table, table_growth_left, left - 1);
	return true;
}

bool swiss_table_assign(struct swiss *map, taddr table, uint64_t hash, taddr key, struct swiss_slot *out)
{
	struct swiss_slot deleted = { taddr_of(0), 0 };

	for (struct swiss_probe probe = swiss_probe_start(map, table, hash);; swiss_probe_next(&probe)) {
		taddr group = swiss_probe_group(map, &probe);
		uint64_t control = swiss_control(map, group), available = swiss_empty_or_deleted(control);

		if (swiss_group_find(map, group, control, hash, key, out)) {
			swiss_slot_update(map, *out, key);
			return true;
		}
		if (available == 0)
			continue;
		*out = (struct swiss_slot){ group, swiss_first(available) };
		/* A group has empty slots or tombstones, never both: see swiss_table_vacate() and prune_group(). */
		if (swiss_empty(control) != 0)
			break;
		if (deleted.group.v == 0)
			deleted = *out;
	}
	if (deleted.group.v != 0) {
		*out = deleted;
	} else if (!take_empty(map, table)) {
		rehash(map, table);
		return false;
	}
	swiss_slot_fill(map, *out, hash, key);
	count_entry(map, table);
	return true;
}

void swiss_table_vacate(struct swiss *map, taddr table, struct swiss_slot slot)
{
	SWISS_SET(map, table, table_used, SWISS_GET(map, table, table_used) - 1);
	if (swiss_empty(swiss_control(map, slot.group)) != 0) {
		swiss_control_set(map, slot, CONTROL_EMPTY);
		SWISS_SET(map, table, table_growth_left, SWISS_GET(map, table, table_growth_left) + 1);
	} else {
		swiss_control_set(map, slot, CONTROL_DELETED);
		HEADER_SET(map, tombstone_possible, 1);
	}
}

/* typ.SlotSize; with GOEXPERIMENT=mapsplitgroup, where a slot's key and elem lie apart, KeyStride + ElemStride. */
static uint32_t slot_size(const struct map_unit_layout *unit)
{
	bool split_groups = unit->elem_offset >= unit->key_offset + unit->key_stride;

	return split_groups ? unit->key_stride + unit->elem_stride : unit->key_stride;
}

static bool clears_all_groups(const struct swiss *map, taddr table)
{
	bool few = SWISS_GET(map, table, table_used) * 4 <= SWISS_GET(map, table, table_groups_mask);

	switch (map->behaviour->clear) {
	case CLEAR_ALL: return true;
	case CLEAR_BY_LOAD: return !few && slot_size(&map->base.type.layout->unit) <= 32;
	default: return false;
	}
}

void swiss_table_clear(struct swiss *map, taddr table)
{
	uint64_t slots = SWISS_GET(map, table, table_capacity), left = SWISS_GET(map, table, table_growth_left);
	bool all = clears_all_groups(map, table);

	if (map->behaviour->clear != CLEAR_ALL && SWISS_GET(map, table, table_used) == 0 && left == slots_to_fill(slots))
		return;
	for (uint64_t i = 0; i < slots / MAP_SLOTS; i++) {
		taddr group = swiss_table_group(map, table, i);
		uint64_t control = swiss_control(map, group);

		swiss_group_discard_values(map, group);
		if (all || swiss_full(control) != 0)
			swiss_group_clear(map, group);
		else
			prune_group(map, group);
	}
	SWISS_SET(map, table, table_used, 0);
	SWISS_SET(map, table, table_growth_left, slots_to_fill(slots));
}
