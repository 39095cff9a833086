/*
 * Little maps made by hand in a fake target's memory: map[uint32]uint32 of any implementation, word size and byte order.
 * A program that includes this has its own gotype_complete() and gotype_of_interface(): no binary stands behind the types.
 */
#ifndef TESTS_MAP_WORLD_H
#define TESTS_MAP_WORLD_H

#include "gotype/program.h"
#include "map/map.h"
#include "target/fake.h"

enum { WORLD_BASE = 0x10000, WORLD_SIZE = 1 << 16 };

struct world {
	struct program program;
	struct target_ops plain_ops; /* the fake's, without view */
	struct gotype number, map;
	struct map_layout layout;
	uint8_t bytes[WORLD_SIZE];   /* at WORLD_BASE; put into the fake by world_publish() */
};

static inline void world_poke(struct world *world, uint64_t address, unsigned size, uint64_t value)
{
	uint8_t *to = world->bytes + (address - WORLD_BASE);

	for (unsigned i = 0; i < size; i++)
		to[world->program.machine.big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static inline void world_poke_field(struct world *world, uint64_t address, struct field_at at, uint64_t value)
{
	world_poke(world, address + at.offset, at.size, value);
}

static inline void world_classic_layout(struct map_layout *layout, unsigned w)
{
	uint32_t at = w; /* behind count */

	layout->implementation = MAP_CLASSIC;
	layout->header_size = 5 * w + 8;
	layout->classic = (struct classic_header_layout){
		.count = { 0, (uint8_t)w }, .flags = { at, 1 }, .b = { at + 1, 1 }, .noverflow = { at + 2, 2 }, .hash0 = { at + 4, 4 },
		.buckets = { at + 8, (uint8_t)w }, .oldbuckets = { at + 8 + w, (uint8_t)w },
		.nevacuate = { at + 8 + 2 * w, (uint8_t)w }, .extra = { at + 8 + 3 * w, (uint8_t)w },
	};
	layout->unit = (struct map_unit_layout){
		.size = 72 + w, .key_offset = 8, .key_stride = 4, .elem_offset = 40, .elem_stride = 4, .overflow_offset = 72
	};
}

static inline void world_swiss_layout(struct map_layout *layout, unsigned w)
{
	uint32_t at = 8 + 3 * w; /* behind used, seed, dirPtr, dirLen */

	layout->implementation = MAP_SWISS;
	layout->header_size = at + 8 + 8;
	layout->swiss = (struct swiss_header_layout){
		.used = { 0, 8 }, .seed = { 8, (uint8_t)w }, .dir_ptr = { 8 + w, (uint8_t)w }, .dir_len = { 8 + 2 * w, (uint8_t)w },
		.global_depth = { at, 1 }, .global_shift = { at + 1, 1 }, .writing = { at + 2, 1 },
		.tombstone_possible = { at + 3, 1 }, .clear_seq = { at + 8, 8 },
		.table_used = { 0, 2 }, .table_capacity = { 2, 2 }, .table_growth_left = { 4, 2 }, .table_local_depth = { 6, 1 },
		.table_index = { 8, (uint8_t)w }, .table_groups_data = { 8 + w, (uint8_t)w }, .table_groups_mask = { 8 + 2 * w, 8 },
		.table_size = 16 + 2 * w,
	};
	layout->unit = (struct map_unit_layout){ .size = 72, .key_offset = 8, .key_stride = 8, .elem_offset = 12, .elem_stride = 8 };
}

static inline void world_open(struct world *world, enum map_implementation implementation, int go_minor, struct machine machine)
{
	bool newer;

	memset(world, 0, sizeof(*world));
	world->program.machine = machine;
	world->program.memory = fake_create(&machine);
	error_free(go_version_find(go_minor, &world->program.version, &newer));
	world->number = (struct gotype){ .program = &world->program, .kind = GO_UINT32, .name = "uint32", .size = 4, .completed = true };
	world->map = (struct gotype){
		.program = &world->program, .kind = GO_MAP, .name = "map[uint32]uint32", .size = machine.word_size, .completed = true,
		.key = &world->number, .elem = &world->number, .map_layout = &world->layout,
	};
	if (implementation == MAP_CLASSIC)
		world_classic_layout(&world->layout, machine.word_size);
	else
		world_swiss_layout(&world->layout, machine.word_size);
}

/* Makes the bytes readable, but for `hole_length` of them from `hole` on. `view`: in place, as a core's are. */
static inline void world_publish(struct world *world, bool view, uint64_t hole, uint64_t hole_length)
{
	struct target *memory = world->program.memory;
	uint64_t end = hole_length ? hole : WORLD_BASE + WORLD_SIZE;

	fake_put(memory, taddr_of(WORLD_BASE), world->bytes, end - WORLD_BASE);
	if (hole_length != 0)
		fake_put(memory, taddr_of(hole + hole_length), world->bytes + (hole + hole_length - WORLD_BASE),
			 WORLD_BASE + WORLD_SIZE - hole - hole_length);
	if (!view) {
		world->plain_ops = *memory->ops;
		world->plain_ops.view = NULL;
		memory->ops = &world->plain_ops;
	}
}

static inline void world_close(struct world *world)
{
	target_destroy(world->program.memory);
}

#endif
