/* The functions of map operations, by name. */
#include <string.h>

#include "analysis/races_private.h"
#include "util/alloc.h"

/*
 * The first row that fits counts. Sources, in each release's src/:
 * runtime.map*              runtime/hashmap.go, hashmap_fast.go (<= 1.10), map.go and map_fast*.go (<= 1.23; in 1.24 and 1.25 with GOEXPERIMENT=noswissmap)
 * runtime.mapIterStart ...  runtime/map.go (>= 1.24): called by compiled code instead of mapiterinit and mapiternext
 * internal/runtime/maps.*   map.go, table.go, runtime*.go (>= 1.24); functions that compiled code calls are named runtime.* there too
 * reflect.map*              runtime/map.go, by linkname; called by reflect/value.go and map*.go
 * sync.(*Map).*             sync/map.go; from 1.24 on over internal/sync.(*HashTrieMap).* (1.24 and 1.25: sync/hashtriemap.go)
 */
static const struct race_function functions[] = {
	{ "runtime.mapaccess", true, RACE_ACCESS, RACE_TYPE_MAP },
	{ "runtime.mapassign", true, RACE_ASSIGN, RACE_TYPE_MAP },
	{ "runtime.mapdelete", true, RACE_DELETE, RACE_TYPE_MAP },
	{ "runtime.mapiterinit", false, RACE_ITERATE, RACE_TYPE_MAP },
	{ "runtime.mapIterStart", false, RACE_ITERATE, RACE_TYPE_MAP },
	{ "runtime.mapiternext", false, RACE_ITERATE, RACE_ITER },
	{ "runtime.mapIterNext", false, RACE_ITERATE, RACE_ITER },
	{ "runtime.mapclear", false, RACE_CLEAR, RACE_TYPE_MAP },
	{ "runtime.mapclone", true, RACE_CLONE, RACE_OTHER },
	{ "maps.clone", false, RACE_CLONE, RACE_OTHER },
	{ "runtime.moveToBmap", false, RACE_CLONE, RACE_TYPE_MAP },
	{ "runtime.hashGrow", false, RACE_GROW, RACE_TYPE_MAP },
	{ "runtime.growWork", true, RACE_GROW, RACE_TYPE_MAP },
	{ "runtime.evacuate", true, RACE_GROW, RACE_TYPE_MAP },
	{ "runtime.advanceEvacuationMark", false, RACE_GROW, RACE_OTHER },
	{ "runtime.(*hmap).", true, RACE_INNER, RACE_OTHER },
	{ "internal/runtime/maps.(*Iter).Init", false, RACE_ITERATE, RACE_ITER },
	{ "internal/runtime/maps.(*Iter).", true, RACE_ITERATE, RACE_ITER },
	{ "internal/runtime/maps.(*Map).Clear", true, RACE_CLEAR, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).clear", true, RACE_CLEAR, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).Clone", false, RACE_CLONE, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).Delete", false, RACE_DELETE, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).delete", true, RACE_DELETE, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).Put", true, RACE_ASSIGN, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).put", true, RACE_ASSIGN, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).get", true, RACE_ACCESS, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).Get", true, RACE_ACCESS, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*Map).growTo", true, RACE_GROW, RACE_MAP_TYPE },
	{ "internal/runtime/maps.(*table).rehash", false, RACE_GROW, RACE_OTHER },
	{ "internal/runtime/maps.(*table).grow", false, RACE_GROW, RACE_OTHER },
	{ "internal/runtime/maps.(*table).split", false, RACE_GROW, RACE_OTHER },
	{ "internal/runtime/maps.runtime_mapaccess", true, RACE_ACCESS, RACE_TYPE_MAP },
	{ "internal/runtime/maps.runtime_mapassign", true, RACE_ASSIGN, RACE_TYPE_MAP },
	{ "internal/runtime/maps.runtime_mapdelete", true, RACE_DELETE, RACE_TYPE_MAP },
	{ "internal/runtime/maps.mapclone", true, RACE_CLONE, RACE_OTHER },
	{ "internal/runtime/maps.", true, RACE_INNER, RACE_OTHER },
	{ "reflect.mapaccess", true, RACE_ACCESS, RACE_TYPE_MAP },
	{ "reflect.mapassign", true, RACE_ASSIGN, RACE_TYPE_MAP },
	{ "reflect.mapdelete", true, RACE_DELETE, RACE_TYPE_MAP },
	{ "reflect.mapiterinit", false, RACE_ITERATE, RACE_TYPE_MAP },
	{ "reflect.mapIterStart", false, RACE_ITERATE, RACE_TYPE_MAP },
	{ "reflect.mapiternext", false, RACE_ITERATE, RACE_ITER },
	{ "reflect.mapIterNext", false, RACE_ITERATE, RACE_ITER },
	{ "reflect.mapclear", false, RACE_CLEAR, RACE_TYPE_MAP },
	{ "reflect.Value.SetMapIndex", false, RACE_ASSIGN, RACE_OTHER },
	{ "reflect.Value.MapIndex", false, RACE_ACCESS, RACE_OTHER },
	{ "reflect.Value.MapKeys", false, RACE_ITERATE, RACE_OTHER },
	{ "reflect.(*MapIter).Next", false, RACE_ITERATE, RACE_OTHER },
	{ "sync.(*Map).Load", false, RACE_ACCESS, RACE_SYNC },
	{ "sync.(*Map).LoadOrStore", false, RACE_ASSIGN, RACE_SYNC },
	{ "sync.(*Map).LoadAndDelete", false, RACE_DELETE, RACE_SYNC },
	{ "sync.(*Map).Store", false, RACE_ASSIGN, RACE_SYNC },
	{ "sync.(*Map).Swap", false, RACE_ASSIGN, RACE_SYNC },
	{ "sync.(*Map).CompareAndSwap", false, RACE_ASSIGN, RACE_SYNC },
	{ "sync.(*Map).CompareAndDelete", false, RACE_DELETE, RACE_SYNC },
	{ "sync.(*Map).Delete", false, RACE_DELETE, RACE_SYNC },
	{ "sync.(*Map).Range", false, RACE_ITERATE, RACE_SYNC },
	{ "sync.(*Map).Clear", false, RACE_CLEAR, RACE_SYNC },
	{ "sync.(*Map).", true, RACE_INNER, RACE_SYNC },
	{ "internal/sync.(*HashTrieMap[", true, RACE_INNER, RACE_SYNC },
	{ "internal/concurrent.(*HashTrieMap[", true, RACE_INNER, RACE_SYNC },
};

/* Methods of HashTrieMap by the last word, as it has them under other names of packages and type parameters. */
static const struct race_function trie_methods[] = {
	{ "Load", false, RACE_ACCESS, RACE_SYNC },
	{ "LoadOrStore", false, RACE_ASSIGN, RACE_SYNC },
	{ "LoadAndDelete", false, RACE_DELETE, RACE_SYNC },
	{ "Store", false, RACE_ASSIGN, RACE_SYNC },
	{ "Swap", false, RACE_ASSIGN, RACE_SYNC },
	{ "CompareAndSwap", false, RACE_ASSIGN, RACE_SYNC },
	{ "CompareAndDelete", false, RACE_DELETE, RACE_SYNC },
	{ "Delete", false, RACE_DELETE, RACE_SYNC },
	{ "Range", false, RACE_ITERATE, RACE_SYNC },
	{ "All", false, RACE_ITERATE, RACE_SYNC },
	{ "Clear", false, RACE_CLEAR, RACE_SYNC },
};

static bool fits(const struct race_function *row, const char *name)
{
	return row->prefix ? strncmp(name, row->name, strlen(row->name)) == 0 : strcmp(name, row->name) == 0;
}

/* "internal/sync.(*HashTrieMap[go.shape.interface {},go.shape.interface {}]).Swap" */
static const struct race_function *find_method(const char *name, const struct race_function *otherwise)
{
	const char *method = strstr(name, "]).");

	for (size_t i = 0; method != NULL && i < ARRAY_SIZE(trie_methods); i++)
		if (fits(&trie_methods[i], method + 3))
			return &trie_methods[i];
	return otherwise;
}

const struct race_function *race_function_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (fits(&functions[i], name))
			return strstr(functions[i].name, "HashTrieMap[") ? find_method(name, &functions[i])
									 : &functions[i];
	return NULL;
}

enum race_key race_key_of(const struct race_function *function, const char *name)
{
	if (function->shape != RACE_TYPE_MAP ||
	    (function->kind != RACE_ACCESS && function->kind != RACE_ASSIGN && function->kind != RACE_DELETE))
		return RACE_NO_KEY;
	if (strstr(name, "_faststr") != NULL)
		return RACE_KEY_STRING;
	return strstr(name, "_fast32") != NULL || strstr(name, "_fast64") != NULL ? RACE_KEY_WORD : RACE_KEY_POINTER;
}

const char *race_kind_name(enum race_kind kind)
{
	static const char *const names[] = {
		[RACE_ACCESS] = "access",   [RACE_ASSIGN] = "assign", [RACE_DELETE] = "delete",
		[RACE_ITERATE] = "iterate", [RACE_CLEAR] = "clear",   [RACE_CLONE] = "clone",
		[RACE_GROW] = "grow",	    [RACE_INNER] = "",
	};

	return names[kind];
}

bool race_kind_writes(enum race_kind kind)
{
	return kind == RACE_ASSIGN || kind == RACE_DELETE || kind == RACE_CLEAR || kind == RACE_GROW;
}
