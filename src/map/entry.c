/* Keys and elems where they are: in their slots, or behind the pointers in them. */
#include <stdlib.h>

#include "map/value_private.h"
#include "util/alloc.h"
#include "util/limits.h"

/* The bytes of a key or elem whose slot holds a pointer to it. */
static struct error *load_indirect(const struct go_map *map, struct gotype *type, const uint8_t *slot, uint8_t **scratch,
				   const uint8_t **bytes, taddr *address)
{
	struct target *memory = map->program->memory;

	*address = load_address(&map->program->machine, slot);
	*bytes = target_view(memory, *address, type->size);
	if (*bytes != NULL)
		return NULL;
	if (type->size > limit_of(LIMIT_VALUE))
		return limit_passed(LIMIT_VALUE, "%llu", (unsigned long long)type->size);
	if (*scratch == NULL) {
		void *memory_for_it;

		TRY(alloc_checked(type->size, 1, "a key or elem", &memory_for_it));
		*scratch = memory_for_it;
	}
	TRY(target_read(memory, *address, *scratch, type->size));
	*bytes = *scratch;
	return NULL;
}

struct error *map_entry_follow(const struct go_map *map, struct map_scratch *scratch, struct map_entry *entry)
{
	if (map->layout->key_indirect)
		TRY(load_indirect(map, map->type->key, entry->key, &scratch->key, &entry->key, &entry->key_address));
	if (map->layout->elem_indirect)
		TRY(load_indirect(map, map->type->elem, entry->elem, &scratch->elem, &entry->elem, &entry->elem_address));
	return NULL;
}

static void prefetch_string(const struct program *program, const uint8_t *slot)
{
	const uint8_t *bytes = target_view(program->memory, load_address(&program->machine, slot), 1);

	if (bytes != NULL)
		__builtin_prefetch(bytes);
}

void map_unit_prefetch(const struct go_map *map, const struct map_unit *unit)
{
	bool keys = map->type->key->kind == GO_STRING, elems = map->type->elem->kind == GO_STRING;

	for (unsigned live = keys || elems ? unit->live : 0; live != 0; live &= live - 1) {
		unsigned slot = (unsigned)__builtin_ctz(live);

		if (keys)
			prefetch_string(map->program, map_key_slot(map, unit, slot));
		if (elems)
			prefetch_string(map->program, map_elem_slot(map, unit, slot));
	}
}

void map_scratch_free(struct map_scratch *scratch)
{
	free(scratch->key);
	free(scratch->elem);
	*scratch = (struct map_scratch){ 0 };
}
