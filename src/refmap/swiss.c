/* The map as a whole: internal/runtime/maps/map.go. A map is small, with one group or none and dirLen 0, or has a directory. */
#include <assert.h>
#include <stdlib.h>

#include "refmap/swiss_private.h"
#include "util/alloc.h"

/*
 * From internal/runtime/maps of 1.24.13, 1.25.8, 1.26.8 and 1.27.0. Clearing: table.Clear in table.go. Pruning: the calls of
 * pruneTombstones in runtime_fast{32,64,str}*.go; runtime.mapassign, in runtime*.go, has none in any version. Updates of full
 * small maps: putSlotSmall*, which runs before the count is looked at from 1.27 on.
 */
enum {
	PRUNING_1_25 = 1 << REFMAP_FAST32 | 1 << REFMAP_FAST64 | 1 << REFMAP_FASTSTR,
	PRUNING_1_27 = PRUNING_1_25 | 1 << REFMAP_FAST32PTR | 1 << REFMAP_FAST64PTR,
};

static const struct swiss_behaviour behaviours[] = {
	{ .minor = 27, .clear = CLEAR_BY_LOAD, .pruning = PRUNING_1_27, .full_small_updates = true },
	{ .minor = 26, .clear = CLEAR_BY_LOAD, .pruning = PRUNING_1_25 },
	{ .minor = 25, .clear = CLEAR_USED, .pruning = PRUNING_1_25 },
	{ .minor = 0, .clear = CLEAR_ALL },
};

static const struct swiss_behaviour *behaviour_of(const struct go_version *version)
{
	const struct swiss_behaviour *row = behaviours;

	while (version->minor < row->minor)
		row++;
	return row;
}

static inline struct swiss *swiss_of(const struct refmap *map)
{
	return (struct swiss *)map;
}

static uint64_t word_mask(const struct swiss *map)
{
	return UINT64_MAX >> (64 - map->hash_bits);
}

uint64_t swiss_hash(const struct swiss *map, taddr key)
{
	return refmap_hash(&map->base, key, HEADER_GET(map, seed)) & word_mask(map);
}

static taddr directory_slot(const struct swiss *map, uint64_t index)
{
	return taddr_of(HEADER_GET(map, dir_ptr) + index * map->base.type.machine.word_size);
}

taddr swiss_directory_at(const struct swiss *map, uint64_t index)
{
	return swiss_load_pointer(map, directory_slot(map, index));
}

/* The table that has the keys of this hash. */
static taddr table_of(const struct swiss *map, uint64_t hash)
{
	if (HEADER_GET(map, dir_len) == 1)
		return swiss_directory_at(map, 0);
	return swiss_directory_at(map, hash >> (HEADER_GET(map, global_shift) & 63));
}

/* How many directory slots a table fills. */
static uint64_t slots_of(const struct swiss *map, taddr table)
{
	return UINT64_C(1) << (HEADER_GET(map, global_depth) - SWISS_GET(map, table, table_local_depth));
}

void swiss_directory_place(const struct swiss *map, taddr table)
{
	uint64_t first = SWISS_GET(map, table, table_index), count = slots_of(map, table);

	for (uint64_t i = first; i < first + count; i++)
		swiss_store_pointer(map, directory_slot(map, i), table);
}

static void set_directory(const struct swiss *map, taddr directory, uint64_t length, unsigned depth)
{
	HEADER_SET(map, dir_ptr, directory.v);
	HEADER_SET(map, dir_len, length);
	HEADER_SET(map, global_depth, depth);
	HEADER_SET(map, global_shift, map->hash_bits - depth);
}

static void double_directory(struct swiss *map)
{
	uint64_t length = HEADER_GET(map, dir_len), word = map->base.type.machine.word_size;
	taddr old = taddr_of(HEADER_GET(map, dir_ptr));
	taddr doubled = arena_allocate(map->base.arena, 2 * length * word);

	for (uint64_t i = 0; i < length; i++) {
		taddr table = swiss_directory_at(map, i);

		swiss_store_pointer(map, taddr_add(doubled, 2 * i * word), table);
		swiss_store_pointer(map, taddr_add(doubled, (2 * i + 1) * word), table);
		if (SWISS_GET(map, table, table_index) == i)
			SWISS_SET(map, table, table_index, 2 * i);
	}
	set_directory(map, doubled, 2 * length, HEADER_GET(map, global_depth) + 1);
	arena_free(map->base.arena, old, length * word); /* iterators hold tables, not the directory */
	refmap_tell(&map->base, REFMAP_DIRECTORY, 2 * length, 0, 0);
}

/* installTableSplit */
void swiss_directory_split(struct swiss *map, taddr old, taddr left, taddr right)
{
	if (SWISS_GET(map, old, table_local_depth) == HEADER_GET(map, global_depth))
		double_directory(map);

	uint64_t index = SWISS_GET(map, old, table_index);

	SWISS_SET(map, left, table_index, index);
	SWISS_SET(map, right, table_index, index + slots_of(map, left));
	swiss_directory_place(map, left);
	swiss_directory_place(map, right);
}

static void reseed(struct swiss *map)
{
	HEADER_SET(map, seed, refmap_random(&map->base));
	refmap_tell(&map->base, REFMAP_RESEED, HEADER_GET(map, seed), 0, 0);
}

static bool is_small(const struct swiss *map)
{
	return HEADER_GET(map, dir_len) == 0;
}

static taddr small_group(const struct swiss *map)
{
	return taddr_of(HEADER_GET(map, dir_ptr));
}

static void grow_to_table(struct swiss *map)
{
	taddr group = small_group(map);
	taddr table = swiss_table_create(map, 2 * MAP_SLOTS, 0, 0);
	taddr directory = arena_allocate(map->base.arena, map->base.type.machine.word_size);

	swiss_table_take_group(map, group, (taddr[2]){ table }, 0);
	swiss_store_pointer(map, directory, table);
	set_directory(map, directory, 1, 0);
	swiss_discard(map, group, map->base.type.layout->unit.size);
	refmap_tell(&map->base, REFMAP_TO_TABLE, 2 * MAP_SLOTS, 0, 0);
}

/* False where the map has to become a large one first. */
static bool assign_small(struct swiss *map, uint64_t hash, taddr key, struct swiss_slot *out)
{
	taddr group = small_group(map);
	uint64_t control = swiss_control(map, group), empty = swiss_empty(control);

	if (empty == 0 && !map->behaviour->full_small_updates)
		return false;
	if (swiss_group_find(map, group, control, hash, key, out)) {
		swiss_slot_update(map, *out, key);
		return true;
	}
	if (empty == 0)
		return false;
	*out = (struct swiss_slot){ group, swiss_first(empty) };
	swiss_slot_fill(map, *out, hash, key);
	HEADER_SET(map, used, HEADER_GET(map, used) + 1);
	return true;
}

static taddr assign(struct refmap *base, taddr key)
{
	struct swiss *map = swiss_of(base);
	uint64_t hash = swiss_hash(map, key);
	struct swiss_slot slot;

	if (small_group(map).v == 0)
		HEADER_SET(map, dir_ptr, swiss_groups_create(map, 1).v);
	if (is_small(map)) {
		if (assign_small(map, hash, key, &slot))
			return swiss_elem(map, slot);
		grow_to_table(map);
	}
	while (!swiss_table_assign(map, table_of(map, hash), hash, key, &slot))
		continue;
	return swiss_elem(map, slot);
}

static bool find_hashed(const struct swiss *map, uint64_t hash, taddr key, struct swiss_slot *out)
{
	if (is_small(map))
		return swiss_group_find(map, small_group(map), swiss_control(map, small_group(map)), hash, key, out);
	return swiss_table_find(map, table_of(map, hash), hash, key, out);
}

bool swiss_find(const struct swiss *map, taddr key, struct swiss_slot *out)
{
	return HEADER_GET(map, used) != 0 && find_hashed(map, swiss_hash(map, key), key, out);
}

static taddr find(const struct refmap *base, taddr key)
{
	const struct swiss *map = swiss_of(base);
	struct swiss_slot slot;

	return swiss_find(map, key, &slot) ? swiss_elem(map, slot) : taddr_of(0);
}

static void remove_key(struct refmap *base, taddr key)
{
	struct swiss *map = swiss_of(base);
	struct swiss_slot slot;

	if (HEADER_GET(map, used) == 0)
		return;

	uint64_t hash = swiss_hash(map, key);

	if (!find_hashed(map, hash, key, &slot))
		return;
	swiss_slot_clear(map, slot);
	HEADER_SET(map, used, HEADER_GET(map, used) - 1);
	if (is_small(map))
		swiss_control_set(map, slot, CONTROL_EMPTY);
	else
		swiss_table_vacate(map, table_of(map, hash), slot);
	if (HEADER_GET(map, used) == 0)
		reseed(map);
}

static void clear_all(struct refmap *base)
{
	struct swiss *map = swiss_of(base);

	if (HEADER_GET(map, used) == 0 && HEADER_GET(map, tombstone_possible) == 0)
		return;
	if (is_small(map)) {
		swiss_group_discard_values(map, small_group(map));
		swiss_group_clear(map, small_group(map));
	}
	for (uint64_t i = 0; i < HEADER_GET(map, dir_len);) {
		taddr table = swiss_directory_at(map, i);

		swiss_table_clear(map, table);
		i += slots_of(map, table);
	}
	HEADER_SET(map, used, 0);
	HEADER_SET(map, tombstone_possible, 0);
	HEADER_SET(map, clear_seq, HEADER_GET(map, clear_seq) + 1);
	reseed(map);
}

static void discard_table(struct swiss *map, taddr table)
{
	for (uint64_t i = 0; i <= SWISS_GET(map, table, table_groups_mask); i++)
		swiss_group_discard_values(map, swiss_table_group(map, table, i));
	swiss_table_discard(map, table);
}

static void discard_storage(struct swiss *map)
{
	uint64_t length = HEADER_GET(map, dir_len);

	if (is_small(map)) {
		swiss_group_discard_values(map, small_group(map));
		swiss_discard(map, small_group(map), map->base.type.layout->unit.size);
		return;
	}
	for (uint64_t i = 0; i < length;) {
		taddr table = swiss_directory_at(map, i);

		i += slots_of(map, table);
		discard_table(map, table);
	}
	swiss_discard(map, taddr_of(HEADER_GET(map, dir_ptr)), length * map->base.type.machine.word_size);
}

static void destroy(struct refmap *base)
{
	struct swiss *map = swiss_of(base);

	assert(map->iterators == 0);
	if (HEADER_GET(map, dir_ptr) != 0)
		discard_storage(map);
	arena_free(base->arena, base->header, base->type.layout->header_size);
	free(map->garbage);
	free(map);
}

static const struct refmap_ops ops = {
	.destroy = destroy,
	.assign = assign,
	.find = find,
	.remove = remove_key,
	.clear = clear_all,
	.iterate = swiss_iterate,
};

/* Whether a product of lengths is more than the runtime would allocate: maxAlloc, runtime/malloc.go, in a uintptr. */
static bool too_large(const struct swiss *map, uint64_t count, uint64_t size)
{
	uint64_t most = map->hash_bits == 64 ? UINT64_C(1) << 48 : UINT32_MAX, bytes;

	return __builtin_mul_overflow(count, size, &bytes) || bytes > most;
}

/* NewMap, after makemap64 (runtime/map_swiss.go, from 1.26 map.go), which takes a hint that is no int for 0. */
static void make_directory(struct swiss *map, uint64_t hint)
{
	uint64_t wanted = (hint * MAP_SLOTS & word_mask(map)) / GROUP_LOAD, length = 1;
	unsigned depth = 0;

	if (hint <= MAP_SLOTS || hint > word_mask(map) / 2 || wanted < hint)
		return;
	for (; length < (wanted + TABLE_SLOTS_MOST - 1) / TABLE_SLOTS_MOST; length *= 2)
		depth++;
	if (too_large(map, length * TABLE_SLOTS_MOST, map->base.type.layout->unit.size))
		return;
	set_directory(map, arena_allocate(map->base.arena, length * map->base.type.machine.word_size), length, depth);
	for (uint64_t i = 0; i < length; i++)
		swiss_directory_place(map, swiss_table_create(map, wanted / length, i, depth));
}

struct refmap *refmap_swiss_create(const struct refmap *base, uint64_t hint)
{
	struct swiss *map = xcalloc(1, sizeof(*map));
	const struct map_layout *layout = base->type.layout;
	unsigned word = base->type.machine.word_size;

	map->base = *base;
	map->base.ops = &ops;
	map->behaviour = behaviour_of(base->type.version);
	map->hash_bits = 8 * word;
	map->key_bytes = layout->key_indirect ? word : base->type.key_size;
	map->elem_bytes = layout->elem_indirect ? word : base->type.elem_size;
	HEADER_SET(map, seed, refmap_random(base));
	make_directory(map, hint);
	return &map->base;
}
