/*
 * Made by scripts/layout-rows from the DWARF of real binaries of Go 1.8 to 1.27 for amd64 and 386. Not edited by hand.
 */
#include "layout/table_private.h"

static const struct table_field runtime_hmap[] = {
	{ "count", "int", 8, 8, 4, 4, 8, 25 },
	{ "flags", "uint8", 1, 1, 1, 1, 8, 25 },
	{ "B", "uint8", 1, 1, 1, 1, 8, 25 },
	{ "noverflow", "uint16", 2, 2, 2, 2, 8, 25 },
	{ "hash0", "uint32", 4, 4, 4, 4, 8, 25 },
	{ "buckets", "unsafe.Pointer", 8, 8, 4, 4, 8, 25 },
	{ "oldbuckets", "unsafe.Pointer", 8, 8, 4, 4, 8, 25 },
	{ "nevacuate", "uintptr", 8, 8, 4, 4, 8, 25 },
	{ "clearSeq", "uint64", 8, 8, 8, 4, 24, 25 },
	{ "extra", "*runtime.mapextra", 8, 8, 4, 4, 9, 25 },
	{ "overflow", "*[2]*[]*runtime.bmap", 8, 8, 4, 4, 8, 8 },
};

static const struct table_field runtime_bmap[] = {
	{ "tophash", "[8]uint8", 8, 8, 8, 4, 8, 25 },
};

static const struct table_field runtime_mapextra[] = {
	{ "overflow", "*[]*runtime.bmap", 8, 8, 4, 4, 10, 25 },
	{ "oldoverflow", "*[]*runtime.bmap", 8, 8, 4, 4, 10, 25 },
	{ "overflow", "[2]*[]*runtime.bmap", 16, 8, 8, 4, 9, 9 },
	{ "nextOverflow", "*runtime.bmap", 8, 8, 4, 4, 9, 25 },
};

static const struct table_field sync_Map[] = {
	{ "_", "sync.noCopy", 0, 1, 0, 1, 24, 0 },
	{ "m", "internal/sync.HashTrieMap[interface {},interface {}]", 48, 8, 28, 4, 24, 0 },
	{ "mu", "sync.Mutex", 8, 8, 8, 4, 9, 23 },
	{ "read", "sync/atomic.Pointer[sync.readOnly]", 8, 8, 4, 4, 20, 23 },
	{ "read", "sync/atomic.Value", 16, 8, 8, 4, 9, 19 },
	{ "dirty", "map[interface {}]*sync.entry", 8, 8, 4, 4, 9, 23 },
	{ "misses", "int", 8, 8, 4, 4, 9, 23 },
};

static const struct table_field sync_readOnly[] = {
	{ "m", "map[interface {}]*sync.entry", 8, 8, 4, 4, 9, 23 },
	{ "amended", "bool", 1, 1, 1, 1, 9, 23 },
};

static const struct table_field sync_entry[] = {
	{ "p", "sync/atomic.Pointer[interface {}]", 8, 8, 4, 4, 20, 23 },
	{ "p", "unsafe.Pointer", 8, 8, 4, 4, 9, 19 },
};

static const struct table_field internal_runtime_maps_Map[] = {
	{ "used", "uint64", 8, 8, 8, 4, 24, 0 },
	{ "seed", "uintptr", 8, 8, 4, 4, 24, 0 },
	{ "dirPtr", "unsafe.Pointer", 8, 8, 4, 4, 24, 0 },
	{ "dirLen", "int", 8, 8, 4, 4, 24, 0 },
	{ "globalDepth", "uint8", 1, 1, 1, 1, 24, 0 },
	{ "globalShift", "uint8", 1, 1, 1, 1, 24, 0 },
	{ "writing", "uint8", 1, 1, 1, 1, 24, 0 },
	{ "tombstonePossible", "bool", 1, 1, 1, 1, 25, 0 },
	{ "clearSeq", "uint64", 8, 8, 8, 4, 24, 0 },
};

static const struct table_field internal_runtime_maps_table[] = {
	{ "used", "uint16", 2, 2, 2, 2, 24, 0 },
	{ "capacity", "uint16", 2, 2, 2, 2, 24, 0 },
	{ "growthLeft", "uint16", 2, 2, 2, 2, 24, 0 },
	{ "localDepth", "uint8", 1, 1, 1, 1, 24, 0 },
	{ "index", "int", 8, 8, 4, 4, 24, 0 },
	{ "groups", "internal/runtime/maps.groupsReference", 16, 8, 12, 4, 24, 0 },
};

static const struct table_field internal_runtime_maps_groupsReference[] = {
	{ "data", "unsafe.Pointer", 8, 8, 4, 4, 24, 0 },
	{ "lengthMask", "uint64", 8, 8, 8, 4, 24, 0 },
};

static const struct table_field internal_sync_HashTrieMap[] = {
	{ "inited", "sync/atomic.Uint32", 4, 4, 4, 4, 24, 0 },
	{ "initMu", "internal/sync.Mutex", 8, 4, 8, 4, 24, 0 },
	{ "root", "sync/atomic.Pointer[internal/sync.indirect[interface {},interface {}]]", 8, 8, 4, 4, 24, 0 },
	{ "keyHash", "internal/sync.hashFunc", 8, 8, 4, 4, 24, 0 },
	{ "valEqual", "internal/sync.equalFunc", 8, 8, 4, 4, 24, 0 },
	{ "seed", "uintptr", 8, 8, 4, 4, 24, 0 },
};

static const struct table_field internal_sync_node[] = {
	{ "isEntry", "bool", 1, 1, 1, 1, 24, 0 },
};

static const struct table_field internal_sync_indirect[] = {
	{ "node", "internal/sync.node[interface {},interface {}]", 1, 1, 1, 1, 24, 0 },
	{ "dead", "sync/atomic.Bool", 4, 4, 4, 4, 24, 0 },
	{ "mu", "internal/sync.Mutex", 8, 8, 8, 4, 24, 0 },
	{ "parent", "*internal/sync.indirect[interface {},interface {}]", 8, 8, 4, 4, 24, 0 },
	{ "children", "[16]sync/atomic.Pointer[internal/sync.node[interface {},interface {}]]", 128, 8, 64, 4, 24, 0 },
};

static const struct table_field internal_sync_entry[] = {
	{ "node", "internal/sync.node[interface {},interface {}]", 1, 1, 1, 1, 24, 26 },
	{ "overflow", "sync/atomic.Pointer[internal/sync.entry[interface {},interface {}]]", 8, 8, 4, 4, 24, 26 },
	{ "key", "interface {}", 16, 8, 8, 4, 24, 26 },
	{ "value", "interface {}", 16, 8, 8, 4, 24, 26 },
};

static const struct table_field internal_sync_entry_shape[] = {
	{ "node", "internal/sync.node[go.shape.interface {},go.shape.interface {}]", 1, 1, 1, 1, 27, 0 },
	{ "overflow", "sync/atomic.Pointer[internal/sync.entry[go.shape.interface {},go.shape.interface {}]]", 8, 8, 4, 4, 27, 0 },
	{ "key", "go.shape.interface {}", 16, 8, 8, 4, 27, 0 },
	{ "value", "go.shape.interface {}", 16, 8, 8, 4, 27, 0 },
};

const struct table_struct layout_table_maps[] = {
	{ "runtime.hmap", runtime_hmap, ARRAY_SIZE(runtime_hmap), TABLE_CLASSIC },
	{ "runtime.bmap", runtime_bmap, ARRAY_SIZE(runtime_bmap), TABLE_CLASSIC },
	{ "runtime.mapextra", runtime_mapextra, ARRAY_SIZE(runtime_mapextra), TABLE_CLASSIC },
	{ "sync.Map", sync_Map, ARRAY_SIZE(sync_Map), TABLE_BOTH },
	{ "sync.readOnly", sync_readOnly, ARRAY_SIZE(sync_readOnly), TABLE_CLASSIC },
	{ "sync.entry", sync_entry, ARRAY_SIZE(sync_entry), TABLE_CLASSIC },
	{ "internal/runtime/maps.Map", internal_runtime_maps_Map, ARRAY_SIZE(internal_runtime_maps_Map), TABLE_SWISS },
	{ "internal/runtime/maps.table", internal_runtime_maps_table, ARRAY_SIZE(internal_runtime_maps_table), TABLE_SWISS },
	{ "internal/runtime/maps.groupsReference", internal_runtime_maps_groupsReference, ARRAY_SIZE(internal_runtime_maps_groupsReference), TABLE_SWISS },
	{ "internal/sync.HashTrieMap[interface {},interface {}]", internal_sync_HashTrieMap, ARRAY_SIZE(internal_sync_HashTrieMap), TABLE_BOTH },
	{ "internal/sync.node[interface {},interface {}]", internal_sync_node, ARRAY_SIZE(internal_sync_node), TABLE_BOTH },
	{ "internal/sync.indirect[interface {},interface {}]", internal_sync_indirect, ARRAY_SIZE(internal_sync_indirect), TABLE_BOTH },
	{ "internal/sync.entry[interface {},interface {}]", internal_sync_entry, ARRAY_SIZE(internal_sync_entry), TABLE_BOTH },
	{ "internal/sync.entry[go.shape.interface {},go.shape.interface {}]", internal_sync_entry_shape, ARRAY_SIZE(internal_sync_entry_shape), TABLE_SWISS },
	{ NULL, NULL, 0, 0 },
};
