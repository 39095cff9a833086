/* sync.Maps that variables lead to, and the maps in their values. */
#include <stdlib.h>

#include "analysis/list_private.h"
#include "analysis/literal_text.h"
#include "map/sync_map.h"
#include "util/alloc.h"

/* What a value in an interface is called by its type and address, where its key has no name. False where that names nothing. */
static bool name_by_address(struct lister *lister, struct gotype *type, taddr address)
{
	struct program *program = lister->program;
	uint64_t word = address.v;

	/* (T)(ADDRESS) is the T there, but of what has a word's size it is the word */
	if (type->kind == GO_MAP || type->kind == GO_POINTER) {
		struct error *error = target_read_word(program->memory, address, &word);

		if (error != NULL) {
			error_free(error);
			return false;
		}
	} else if (type->size == program->machine.word_size) {
		return false;
	}
	lister->name.length = 0;
	buffer_append_format(&lister->name, "(%s)(0x%llx)", type->name, (unsigned long long)word);
	return true;
}

/* The value of an entry whose key cannot be written in an index. */
static struct error *visit_unnamed(struct lister *lister, struct gotype *type, taddr address)
{
	struct program *program = lister->program;
	char *name = xstrdup(buffer_text(&lister->name));
	struct gotype *dynamic = type;
	struct error *error = NULL;
	uint8_t bytes[16];
	bool inside;

	if (type->kind == GO_INTERFACE) {
		error = target_read(program->memory, address, bytes, 2u * program->machine.word_size);
		if (error == NULL)
			error = gotype_of_interface(type, address, bytes, &dynamic, &address, &inside);
	}
	if (error == NULL && dynamic != NULL && lister_leads_to_maps(lister, dynamic) && name_by_address(lister, dynamic, address) &&
	    lister_enter(lister, dynamic, address)) {
		lister_visit_value(lister, dynamic, address);
		lister->depth--;
	}
	lister->name.length = 0;
	buffer_append_text(&lister->name, name);
	free(name);
	return error;
}

/* Appends the index that names an entry. False, and nothing appended, where its key cannot be written so. */
static bool name_by_key(struct lister *lister, const struct sync_map *map, const struct sync_entry *entry)
{
	struct gotype *type = map->layout->key;
	uint8_t *bytes = xmalloc(type->size + 1);
	size_t length = lister->name.length;
	struct error *error = target_read(map->program->memory, entry->key, bytes, type->size);
	bool named;

	buffer_append_text(&lister->name, "[");
	named = error == NULL && literal_text(type, bytes, entry->key, &lister->name);
	buffer_append_text(&lister->name, "]");
	if (!named)
		lister->name.length = length;
	error_free(error);
	free(bytes);
	return named;
}

static void visit_entry(struct lister *lister, const struct sync_map *map, const struct sync_entry *entry)
{
	size_t length = lister->name.length;

	if (name_by_key(lister, map, entry)) {
		lister_visit_value(lister, map->layout->value, entry->value);
		lister->name.length = length;
	} else {
		error_free(visit_unnamed(lister, map->layout->value, entry->value));
	}
}

static void visit_entries(struct lister *lister, const struct sync_contents *contents)
{
	uint64_t visited = 0;

	if (!lister_leads_to_maps(lister, contents->map->layout->value) ||
	    !lister_enter(lister, contents->map->type, contents->map->address))
		return;
	for (size_t i = 0; i < contents->count && visited < lister->limits.elements && !lister->stop; i++) {
		if (!sync_entry_counts(contents, i))
			continue;
		visited++;
		visit_entry(lister, contents->map, &contents->entries[i]);
	}
	lister->depth--;
}

bool lister_visit_sync(struct lister *lister, struct gotype *type, taddr address)
{
	struct listed_map found = { .type = type, .has_memory = lister->program->memory != NULL };
	const struct sync_layout *layout;
	struct sync_contents contents = { 0 };
	struct findings findings = { 0 };
	struct sync_map map;
	struct error *error = gotype_sync_layout(type, &layout);

	if (error != NULL) {
		error_free(error);
		return false;
	}
	if (found.has_memory) {
		error = sync_map_open(type, address, &map);
		if (error == NULL)
			error = sync_contents_load(&map, NULL, &findings, &contents);
		found.address = address;
	}
	found.name = buffer_text(&lister->name);
	found.length = contents.live;
	found.error = error ? error->message : findings.count ? findings.items[0].what : NULL;
	lister->stop = !lister->visit(lister->context, &found);
	if (found.has_memory && error == NULL && !lister->stop)
		visit_entries(lister, &contents);
	error_free(error);
	sync_contents_free(&contents);
	findings_free(&findings);
	return true;
}
