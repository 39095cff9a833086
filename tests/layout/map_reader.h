/*
 * Reads the entries of a map[uint64]uint64 as a BPF program would: bounded loops, small buffers, every byte of the
 * target through one call that may fail. All it knows of Go is "layout.h", which mapscope layout --format c
 * 'map[uint64]uint64' wrote for that program.
 *
 * Whoever includes it provides read_user() (0: read) and emit(). Words of the target are 8 bytes.
 */
#include "layout.h"

#define MOST_BUCKETS (1u << 16)
#define MOST_CHAIN 64u

struct entry {
	uint64_t key, value;
};

static long read_user(void *to, uint32_t size, uint64_t from);
static void emit(const struct entry *entry);

_Static_assert(GO_WORD_SIZE == 8 && !GO_BIG_ENDIAN, "a program of 64 bits, little-endian");
_Static_assert(GO_map_uint64_uint64_KEY_SIZE == 8 && GO_map_uint64_uint64_ELEM_SIZE == 8, "map[uint64]uint64");
_Static_assert(!GO_map_uint64_uint64_KEY_INDIRECT && !GO_map_uint64_uint64_ELEM_INDIRECT, "map[uint64]uint64");

static long read_slot(uint64_t unit, uint32_t slot)
{
	struct entry entry;
	uint64_t key = unit + GO_map_uint64_uint64_KEY_OFFSET + slot * GO_map_uint64_uint64_KEY_STRIDE;
	uint64_t value = unit + GO_map_uint64_uint64_ELEM_OFFSET + slot * GO_map_uint64_uint64_ELEM_STRIDE;

	if (read_user(&entry.key, sizeof(entry.key), key) != 0 ||
	    read_user(&entry.value, sizeof(entry.value), value) != 0)
		return -1;
	emit(&entry);
	return 0;
}

#if GO_SWISS_MAPS

static long read_group(uint64_t group)
{
	uint8_t control[GO_MAP_SLOTS];

	if (read_user(control, sizeof(control), group + GO_map_uint64_uint64_CONTROL_OFFSET) != 0)
		return -1;
	for (uint32_t slot = 0; slot < GO_MAP_SLOTS; slot++)
		if (control[slot] != GO_maps_ctrlEmpty && control[slot] != GO_maps_ctrlDeleted &&
		    read_slot(group, slot) != 0)
			return -1;
	return 0;
}

static long read_table(const struct go_maps_table *table)
{
	struct go_maps_groupsReference groups;

	__builtin_memcpy(&groups, (const char *)table + GO_maps_table_groups_OFFSET, sizeof(groups));
	for (uint32_t i = 0; i <= groups.lengthMask && i < GO_maps_maxTableCapacity / GO_MAP_SLOTS; i++)
		if (read_group(groups.data + (uint64_t)i * GO_map_uint64_uint64_UNIT_SIZE) != 0)
			return -1;
	return 0;
}

/* A table stands in the directory 2^(globalDepth - localDepth) times, from its index on. */
static long read_map(uint64_t address)
{
	struct go_maps_Map map;

	if (read_user(&map, sizeof(map), address) != 0)
		return -1;
	if (map.dirLen == 0)
		return map.dirPtr == 0 ? 0 : read_group(map.dirPtr);
	for (uint32_t i = 0; i < map.dirLen && i < MOST_BUCKETS; i++) {
		struct go_maps_table table;
		uint64_t at;

		if (read_user(&at, sizeof(at), map.dirPtr + (uint64_t)i * GO_WORD_SIZE) != 0 ||
		    read_user(&table, sizeof(table), at) != 0)
			return -1;
		if (table.index == i && read_table(&table) != 0)
			return -1;
	}
	return 0;
}

#else

static int is_evacuated(uint8_t tophash)
{
	return tophash == GO_runtime_evacuatedX || tophash == GO_runtime_evacuatedY ||
	       tophash == GO_runtime_evacuatedEmpty;
}

static long read_chain(uint64_t bucket)
{
	for (uint32_t length = 0; bucket != 0 && length < MOST_CHAIN; length++) {
		struct go_runtime_bmap head;

		if (read_user(&head, sizeof(head), bucket + GO_map_uint64_uint64_CONTROL_OFFSET) != 0)
			return -1;
		for (uint32_t slot = 0; slot < GO_MAP_SLOTS; slot++)
			if (head.tophash[slot] >= GO_runtime_minTopHash && read_slot(bucket, slot) != 0)
				return -1;
		if (read_user(&bucket, sizeof(bucket), bucket + GO_map_uint64_uint64_OVERFLOW_OFFSET) != 0)
			return -1;
	}
	return 0;
}

/* While a map grows, what has not been moved is in the old buckets. */
static long read_buckets(uint64_t buckets, uint32_t count)
{
	for (uint32_t i = 0; i < count && i < MOST_BUCKETS; i++) {
		uint64_t bucket = buckets + (uint64_t)i * GO_map_uint64_uint64_UNIT_SIZE;
		uint8_t first;

		if (read_user(&first, 1, bucket + GO_map_uint64_uint64_CONTROL_OFFSET) != 0)
			return -1;
		if (!is_evacuated(first) && read_chain(bucket) != 0)
			return -1;
	}
	return 0;
}

static long read_map(uint64_t address)
{
	struct go_runtime_hmap map;

	if (read_user(&map, sizeof(map), address) != 0 || map.B > 16)
		return -1;
	if (map.buckets != 0 && read_buckets(map.buckets, 1u << map.B) != 0)
		return -1;
	if (map.oldbuckets == 0)
		return 0;
	return read_buckets(map.oldbuckets, (map.flags & GO_runtime_sameSizeGrow) ? 1u << map.B : 1u << map.B >> 1);
}

#endif
