#include "analysis/sync_key.h"

#include <stdlib.h>

#include "util/alloc.h"

/* Whether the entry's key is the literal. `bytes`: room for a key. */
static struct error *key_equals(const struct sync_map *map, const struct sync_entry *entry, const struct literal *key, uint8_t *bytes,
				bool *equal)
{
	struct gotype *type = map->layout->key;

	TRY(target_read(map->program->memory, entry->key, bytes, type->size));
	return literal_equals(key, type, bytes, entry->key, equal);
}

struct error *sync_key_find(const struct sync_map *map, const struct literal *key, taddr *value, bool *found, bool *whole)
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
