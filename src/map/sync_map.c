#include "map/sync_map.h"

#include "binary/debug.h"

enum { MUTEX_LOCKED = 1 }; /* sync/mutex.go, mutexLocked */

static uint64_t field(const struct sync_map *map, const uint8_t *bytes, struct field_at at)
{
	return at.size == 0 ? 0 : load_uint(&map->program->machine, bytes + at.offset, at.size);
}

/* sync/map.go: var expunged is a pointer to an any of its own; what entries hold is its value. */
static taddr find_expunged(struct program *program)
{
	struct debug_variable variable;
	uint64_t value = 0;

	if (program->binary != NULL && program->binary->debug != NULL &&
	    debug_find_variable(program->binary->debug, "sync.expunged", &variable))
		error_free(target_read_word(program->memory, taddr_of(variable.address + program->bias), &value));
	return taddr_of(value);
}

static struct error *open_read_dirty(struct sync_map *map, const uint8_t *bytes)
{
	const struct sync_layout *at = map->layout;
	uint8_t read_only[64];

	map->read_only = taddr_of(field(map, bytes, at->read));
	map->dirty_map = taddr_of(field(map, bytes, at->dirty));
	map->misses = field(map, bytes, at->misses);
	map->expunged = find_expunged(map->program);
	if (map->read_only.v == 0)
		return NULL;
	if (at->read_only_size > sizeof(read_only))
		return error_new(ERROR_TARGET, "sync.readOnly: %u bytes are too many", at->read_only_size);

	struct error *error = target_read(map->program->memory, map->read_only, read_only, at->read_only_size);

	if (error != NULL)
		return error_wrap(error, "sync.Map at 0x%llx: readOnly", (unsigned long long)map->address.v);
	map->read_map = taddr_of(field(map, read_only, at->read_m));
	map->amended = field(map, read_only, at->read_amended) != 0;
	return NULL;
}

static void open_trie(struct sync_map *map, const uint8_t *bytes)
{
	const struct sync_layout *at = map->layout;

	map->root = taddr_of(field(map, bytes, at->root));
	map->seed = field(map, bytes, at->seed);
	/* internal/concurrent's (1.23) is made by a function and always has a root */
	map->inited = at->inited.size ? field(map, bytes, at->inited) : map->root.v != 0;
}

struct error *sync_map_open(struct gotype *type, taddr address, struct sync_map *out)
{
	const struct sync_layout *layout;
	uint8_t bytes[4096];

	TRY(gotype_sync_layout(type, &layout));
	if (layout->size > sizeof(bytes))
		return error_new(ERROR_TARGET, "%s: %u bytes are too many", type->name, layout->size);

	struct error *error = target_read(type->program->memory, address, bytes, layout->size);

	if (error != NULL)
		return error_wrap(error, "%s at 0x%llx", type->name, (unsigned long long)address.v);
	return sync_map_decode(type, address, bytes, out);
}

struct error *sync_map_decode(struct gotype *type, taddr address, const uint8_t *bytes, struct sync_map *out)
{
	struct sync_map map = { .program = type->program, .type = type, .address = address };

	TRY(gotype_sync_layout(type, &map.layout));
	map.locked = (field(&map, bytes, map.layout->mutex) & MUTEX_LOCKED) != 0;
	if (map.layout->form == SYNC_READ_DIRTY)
		TRY(open_read_dirty(&map, bytes));
	else
		open_trie(&map, bytes);
	*out = map;
	return NULL;
}

const char *sync_state_name(enum sync_state state)
{
	static const char *const names[] = { "live", "deleted", "expunged", "unreadable" };

	return names[state];
}

const char *sync_block_name(enum sync_block_what what)
{
	static const char *const names[] = { "readOnly", "entry", "value", "node" };

	return names[what];
}
