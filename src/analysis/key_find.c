#include "analysis/key_find.h"

#include <stdlib.h>

#include "map/value.h"
#include "util/alloc.h"

/* Looks through a batch for the key. */
static struct error *find_in_batch(const struct go_map *map, const struct map_batch *batch, const struct literal *key,
				   struct map_scratch *scratch, bool *found, taddr *elem)
{
	for (size_t i = 0; i < batch->count; i++) {
		for (unsigned live = batch->units[i].live; live != 0; live &= live - 1) {
			struct map_entry entry;

			TRY(map_entry_load(map, &batch->units[i], (unsigned)__builtin_ctz(live), scratch, &entry));
			TRY(literal_equals(key, map->type->key, entry.key, entry.key_address, found));
			if (*found) {
				*elem = entry.elem_address;
				return NULL;
			}
		}
	}
	return NULL;
}

struct error *key_find(const struct go_map *map, const struct literal *key, taddr *elem, bool *found, bool *whole)
{
	struct findings findings = { 0 };
	struct map_scratch scratch = { 0 };
	struct map_walk *walk = map_walk_create(map, MAP_WALK_LIVE, &findings);
	struct map_batch batch;
	struct error *error;

	*found = false;
	do {
		error = map_walk_next(walk, &batch);
		if (error == NULL)
			error = find_in_batch(map, &batch, key, &scratch, found, elem);
	} while (error == NULL && !*found && batch.count != 0);
	*whole = findings.total == 0;
	map_walk_destroy(walk);
	map_scratch_free(&scratch);
	findings_free(&findings);
	return error;
}

/* Whether the entry's key is the literal. `bytes`: room for a key. */
static struct error *key_equals(const struct sync_map *map, const struct sync_entry *entry, const struct literal *key, uint8_t *bytes,
				bool *equal)
{
	struct gotype *type = map->layout->key;

	TRY(target_read(map->program->memory, entry->key, bytes, type->size));
	return literal_equals(key, type, bytes, entry->key, equal);
}

struct error *key_find_sync(const struct sync_map *map, const struct literal *key, taddr *value, bool *found, bool *whole)
{
	struct findings findings = { 0 };
	struct sync_contents contents = { 0 };
	uint8_t *bytes = xmalloc(map->layout->key->size + 1);
	struct error *error = sync_contents_load(map, NULL, &findings, &contents);

	*found = false;
	for (size_t i = 0; i < contents.count && error == NULL && !*found; i++) {
		if (!sync_entry_counts(&contents, i))
			continue;
		error = key_equals(map, &contents.entries[i], key, bytes, found);
		if (*found)
			*value = contents.entries[i].value;
	}
	*whole = findings.total == 0;
	sync_contents_free(&contents);
	findings_free(&findings);
	free(bytes);
	return error;
}
