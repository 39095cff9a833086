/* sync.Maps made by hand in a fake target's memory: the layouts of both forms, of any word size. */
#ifndef TESTS_SYNC_WORLD_H
#define TESTS_SYNC_WORLD_H

#include "map_world.h"
#include "map/sync_map.h"

struct sync_world {
	struct sync_layout layout;
	struct gotype pointer, inner;
	struct map_layout inner_layout;
};

/* As Go lays out sync.Map in 1.20-1.23, and an inner map whose keys are `any` and whose elems are pointers. */
static inline void sync_world_read_dirty(struct sync_world *sync, struct world *world, struct gotype *any)
{
	struct map_unit_layout *unit = &sync->inner_layout.unit;
	uint8_t w = world->program.machine.word_size;

	sync->layout = (struct sync_layout){
		.form = SYNC_READ_DIRTY, .size = 8 + 3u * w, .key = any, .value = any, .mutex = { 0, 4 }, .read = { 8, w },
		.dirty = { 8u + w, w }, .misses = { 8 + 2u * w, w }, .inner = &sync->inner, .read_m = { 0, w },
		.read_amended = { w, 1 }, .read_only_size = 2u * w, .entry_p = { 0, w }, .entry_size = w,
	};
	sync->pointer = (struct gotype){ .program = &world->program, .kind = GO_POINTER, .name = "*sync.entry", .size = w, .completed = true };
	sync->inner = (struct gotype){ .program = &world->program, .kind = GO_MAP, .name = "map[any]*sync.entry", .size = w,
				       .completed = true, .key = any, .elem = &sync->pointer, .map_layout = &sync->inner_layout };
	sync->inner_layout = world->layout;
	unit->key_stride = 2u * w;
	unit->elem_stride = w;
	if (sync->inner_layout.implementation == MAP_CLASSIC) {
		unit->elem_offset = unit->key_offset + MAP_SLOTS * unit->key_stride;
		unit->overflow_offset = unit->elem_offset + MAP_SLOTS * unit->elem_stride;
		unit->size = unit->overflow_offset + w;
	} else {
		unit->elem_offset = unit->key_offset + unit->key_stride;
		unit->elem_stride = unit->key_stride = 3u * w;
		unit->size = 8 + MAP_SLOTS * unit->key_stride;
	}
}

/* As Go lays out internal/sync.HashTrieMap[any, any]. */
static inline void sync_world_trie(struct sync_world *sync, struct world *world, struct gotype *any)
{
	uint8_t w = world->program.machine.word_size;
	uint32_t children = 16u + w;

	sync->layout = (struct sync_layout){
		.form = SYNC_TRIE, .size = 12 + 4u * w + (w == 8 ? 4 : 0), .key = any, .value = any, .mutex = { 4, 4 },
		.inited = { 0, 4 }, .root = { w == 8 ? 16 : 12, w }, .seed = { (w == 8 ? 16 : 12) + 3u * w, w }, .is_entry = { 0, 1 },
		.dead = { 4, 4 }, .node_mutex = { 8, 4 }, .parent = { 16, w }, .children = children,
		.node_size = children + SYNC_CHILDREN * w, .overflow = { w, w }, .key_offset = 2u * w, .value_offset = 4u * w,
		.entry_size = 6u * w,
	};
}

static inline void sync_world_layout(struct sync_world *sync, struct world *world, enum sync_form form, struct gotype *any)
{
	if (form == SYNC_TRIE)
		sync_world_trie(sync, world, any);
	else
		sync_world_read_dirty(sync, world, any);
}

#endif
