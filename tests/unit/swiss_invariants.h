/* What holds of a Swiss map in a refmap_world at any time: internal/runtime/maps/table_debug.go, and more. */
#ifndef TESTS_SWISS_INVARIANTS_H
#define TESTS_SWISS_INVARIANTS_H

#include "refmap_world.h"

struct swiss_sum {
	uint64_t full, empty, deleted;
};

static inline uint64_t swiss_field(const struct refmap_world *world, taddr address, struct field_at at)
{
	return load_uint(&world->shape.machine, (const uint8_t *)arena_at(world->arena, address) + at.offset, at.size);
}

static inline uint64_t swiss_header(const struct refmap_world *world, struct field_at at)
{
	return swiss_field(world, refmap_address(world->map), at);
}

static inline uint8_t swiss_control_byte(const struct refmap_world *world, taddr group, unsigned slot)
{
	const uint8_t *control = (const uint8_t *)arena_at(world->arena, group) + world->layout.unit.control_offset;

	return control[world->shape.machine.big_endian ? 7 - slot : slot];
}

static inline taddr swiss_directory(const struct refmap_world *world, uint64_t index)
{
	const struct machine *machine = &world->shape.machine;
	uint64_t directory = swiss_header(world, world->layout.swiss.dir_ptr);

	return load_address(machine, arena_at(world->arena, taddr_of(directory + index * machine->word_size)));
}

static inline taddr swiss_group_of(const struct refmap_world *world, taddr table, uint64_t index)
{
	return taddr_of(swiss_field(world, table, world->layout.swiss.table_groups_data) + index * world->layout.unit.size);
}

static inline bool swiss_is_zero(const struct refmap_world *world, taddr address, uint32_t size)
{
	const uint8_t *bytes = arena_at(world->arena, address);

	for (uint32_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static inline taddr swiss_key_place(const struct refmap_world *world, taddr group, unsigned slot)
{
	return taddr_add(group, world->layout.unit.key_offset + slot * world->layout.unit.key_stride);
}

static inline taddr swiss_elem_place(const struct refmap_world *world, taddr group, unsigned slot)
{
	return taddr_add(group, world->layout.unit.elem_offset + slot * world->layout.unit.elem_stride);
}

/* Nothing that a collector would follow is left in a slot without an entry, and its elem is zero for the next one. */
static inline void swiss_check_vacant(struct refmap_world *world, taddr group, unsigned slot)
{
	uint32_t word = world->shape.machine.word_size;
	uint32_t key_size = world->layout.key_indirect ? word : world->type.key_size;
	uint32_t elem_size = world->layout.elem_indirect ? word : world->type.elem_size;

	world_expect(world, swiss_is_zero(world, swiss_elem_place(world, group, slot), elem_size), "the elem of a vacant slot");
	if (world->type.key_pointers || world->layout.key_indirect)
		world_expect(world, swiss_is_zero(world, swiss_key_place(world, group, slot), key_size), "a vacant key");
}

static inline struct swiss_sum swiss_sum_group(struct refmap_world *world, taddr group)
{
	struct swiss_sum sum = { 0 };

	for (unsigned i = 0; i < MAP_SLOTS; i++) {
		uint8_t control = swiss_control_byte(world, group, i);

		sum.full += control < 0x80;
		sum.empty += control == 0x80;
		sum.deleted += control == 0xfe;
		if (control >= 0x80)
			swiss_check_vacant(world, group, i);
	}
	world_expect(world, sum.full + sum.empty + sum.deleted == MAP_SLOTS, "control bytes are full, empty or deleted");
	return sum;
}

/* A lookup of the key in that group would come there: no group before it has an empty slot. */
static inline bool swiss_reaches(const struct refmap_world *world, taddr table, uint64_t hash, uint64_t group)
{
	uint64_t mask = swiss_field(world, table, world->layout.swiss.table_groups_mask);
	uint64_t at = hash >> 7 & mask;

	for (uint64_t step = 1; at != group; step++) {
		for (unsigned i = 0; i < MAP_SLOTS; i++)
			if (swiss_control_byte(world, swiss_group_of(world, table, at), i) == 0x80)
				return false;
		at = (at + step) & mask;
	}
	return true;
}

static inline void swiss_check_key(struct refmap_world *world, taddr table, uint64_t group, unsigned slot)
{
	taddr address = swiss_group_of(world, table, group), key = swiss_key_place(world, address, slot);
	unsigned bits = 8 * world->shape.machine.word_size;

	if (world->layout.key_indirect)
		key = load_address(&world->shape.machine, arena_at(world->arena, key));
	if (world_is_nan(world, world_number(world, key)))
		return;

	uint64_t hash = world_hash(world, key, swiss_header(world, world->layout.swiss.seed)) & UINT64_MAX >> (64 - bits);
	uint64_t depth = swiss_header(world, world->layout.swiss.global_depth);

	world_expect(world, swiss_control_byte(world, address, slot) == (hash & 0x7f), "a control byte is the hash's low bits");
	world_expect(world, swiss_reaches(world, table, hash, group), "a key is found where it is");
	world_expect(world, depth == 0 || swiss_directory(world, hash >> (bits - depth)).v == table.v, "a key is in its table");
}

static inline struct swiss_sum swiss_sum_table(struct refmap_world *world, taddr table)
{
	uint64_t groups = swiss_field(world, table, world->layout.swiss.table_groups_mask) + 1;
	struct swiss_sum sum = { 0 };

	for (uint64_t i = 0; i < groups; i++) {
		struct swiss_sum group = swiss_sum_group(world, swiss_group_of(world, table, i));

		world_expect(world, group.empty == 0 || group.deleted == 0, "no group has empty slots and tombstones");
		for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
			if (swiss_control_byte(world, swiss_group_of(world, table, i), slot) < 0x80)
				swiss_check_key(world, table, i, slot);
		sum.full += group.full;
		sum.empty += group.empty;
		sum.deleted += group.deleted;
	}
	return sum;
}

static inline uint64_t swiss_check_table(struct refmap_world *world, taddr table)
{
	const struct swiss_header_layout *fields = &world->layout.swiss;
	uint64_t capacity = swiss_field(world, table, fields->table_capacity);
	struct swiss_sum sum = swiss_sum_table(world, table);

	world_expect(world, capacity >= 16 && capacity <= 1024 && (capacity & (capacity - 1)) == 0, "a table's capacity");
	world_expect(world, swiss_field(world, table, fields->table_groups_mask) == capacity / 8 - 1, "a table's group mask");
	world_expect(world, swiss_field(world, table, fields->table_used) == sum.full, "a table's used slots");
	world_expect(world, swiss_field(world, table, fields->table_growth_left) + sum.full + sum.deleted == capacity * 7 / 8,
		     "a table's growthLeft");
	world_expect(world, sum.empty != 0, "a table has an empty slot");
	if (sum.deleted != 0 && fields->tombstone_possible.size != 0)
		world_expect(world, swiss_header(world, fields->tombstone_possible) == 1, "tombstonePossible");
	return sum.full;
}

static inline uint64_t swiss_check_directory(struct refmap_world *world)
{
	const struct swiss_header_layout *fields = &world->layout.swiss;
	uint64_t length = swiss_header(world, fields->dir_len), depth = swiss_header(world, fields->global_depth), full = 0;

	world_expect(world, length == UINT64_C(1) << depth, "dirLen and globalDepth");
	world_expect(world, swiss_header(world, fields->global_shift) + depth == 8U * world->shape.machine.word_size,
		     "globalShift");
	for (uint64_t i = 0; i < length;) {
		taddr table = swiss_directory(world, i);
		uint64_t local = swiss_field(world, table, fields->table_local_depth);

		if (!world_expect(world, local <= depth, "a local depth"))
			return full;
		world_expect(world, swiss_field(world, table, fields->table_index) == i, "a table's index");
		for (uint64_t end = i + (UINT64_C(1) << (depth - local)); i < end; i++)
			world_expect(world, swiss_directory(world, i).v == table.v, "a table's directory slots");
		full += swiss_check_table(world, table);
	}
	return full;
}

static inline void swiss_check(struct refmap_world *world)
{
	const struct swiss_header_layout *fields = &world->layout.swiss;
	uint64_t storage = swiss_header(world, fields->dir_ptr), full = 0;

	if (swiss_header(world, fields->dir_len) != 0) {
		full = swiss_check_directory(world);
	} else if (storage != 0) {
		struct swiss_sum sum = swiss_sum_group(world, taddr_of(storage));

		world_expect(world, sum.deleted == 0, "a small map has no tombstones");
		full = sum.full;
	}
	world_expect(world, full == world->length && swiss_header(world, fields->used) == full, "the map's used slots");
	world_expect(world, swiss_header(world, fields->writing) == 0, "nobody is writing");
}

#endif
