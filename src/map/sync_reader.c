#include "map/sync_reader.h"

#include <stdlib.h>

#include "util/alloc.h"

/* As in reader.c: what lies deeper than this many pointers is read one by one. */
enum { LEVEL_LIMIT = 16 };

struct sync_reader {
	struct gotype *type;
	struct sync_reader_options options;
	struct findings *findings;
	struct target *base;   /* program->memory as it was */
	struct mirror *mirror; /* NULL: a core, what values lead to is looked at where it is */
	bool captured;
	struct sync_map map;
	struct sync_contents contents;
};

struct error *sync_reader_create(struct gotype *type, const struct sync_reader_options *options, struct findings *findings,
				 struct sync_reader **out)
{
	struct target *memory = type->program->memory;
	const struct sync_layout *layout;

	TRY(gotype_sync_layout(type, &layout));
	TRY(gotype_complete(layout->key));
	TRY(gotype_complete(layout->value));

	struct sync_reader *reader = xcalloc(1, sizeof(*reader));

	reader->type = type;
	reader->options = *options;
	reader->findings = findings;
	reader->base = memory;
	if (memory->ops->view == NULL)
		reader->mirror = mirror_create(memory, options->memory_limit);
	*out = reader;
	return NULL;
}

/* Notes what the entries from `first` on lead to. False where the mirror is full. */
static bool want_entries(struct sync_reader *reader, size_t first, size_t count, unsigned levels, bool *deeper)
{
	const struct sync_reader_options *options = &reader->options;
	const struct sync_contents *contents = &reader->contents;
	struct value_wanted wanted = { .mirror = reader->mirror, .limits = options->limits };

	for (size_t i = first; i < first + count && !wanted.full; i++) {
		const struct sync_entry *entry = &contents->entries[i];

		if (options->keys)
			value_want_at(&wanted, reader->map.layout->key, entry->key, levels);
		if (options->values && entry->value.v != 0)
			value_want_at(&wanted, reader->map.layout->value, entry->value, levels);
	}
	*deeper |= wanted.deeper;
	value_wanted_free(&wanted);
	return !wanted.full;
}

/* Fetches level by level what these entries lead to. False where it does not fit. */
static struct error *fetch_entries(struct sync_reader *reader, size_t first, size_t count, bool *fits)
{
	bool deeper = true;

	*fits = true;
	for (unsigned levels = 0; deeper && levels < LEVEL_LIMIT && *fits; levels++) {
		deeper = false;
		*fits = want_entries(reader, first, count, levels, &deeper);
		TRY(mirror_fetch(reader->mirror));
	}
	return NULL;
}

/* The entries whose keys and values are decoded: with a limit, the first ones that the map has. */
static size_t wanted_count(const struct sync_reader *reader)
{
	const struct sync_contents *contents = &reader->contents;
	uint64_t left = reader->options.most_entries;
	size_t count = 0;

	while (count < contents->count && left != 0)
		left -= sync_entry_counts(contents, count++);
	return count;
}

struct error *sync_reader_open(struct sync_reader *reader, taddr address)
{
	bool fits;

	TRY(sync_map_open(reader->type, address, &reader->map));
	if (reader->mirror == NULL)
		return sync_contents_load(&reader->map, NULL, reader->findings, &reader->contents);
	reader->type->program->memory = mirror_target(reader->mirror);
	TRY(sync_contents_load(&reader->map, reader->mirror, reader->findings, &reader->contents));
	TRY(fetch_entries(reader, 0, wanted_count(reader), &fits));
	reader->captured = fits;
	if (fits)
		mirror_seal(reader->mirror);
	else
		mirror_clear(reader->mirror);
	return NULL;
}

const struct sync_contents *sync_reader_contents(const struct sync_reader *reader)
{
	return &reader->contents;
}

bool sync_reader_captured(const struct sync_reader *reader)
{
	return reader->captured;
}

static bool same_contents(const struct sync_contents *a, const struct sync_contents *b)
{
	if (a->count != b->count || a->node_count != b->node_count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct sync_entry *x = &a->entries[i], *y = &b->entries[i];

		if (x->address.v != y->address.v || x->key.v != y->key.v || x->value.v != y->value.v || x->state != y->state)
			return false;
	}
	for (size_t i = 0; i < a->node_count; i++)
		if (a->nodes[i].address.v != b->nodes[i].address.v || a->nodes[i].dead != b->nodes[i].dead)
			return false;
	return true;
}

static bool same_header(const struct sync_map *a, const struct sync_map *b)
{
	return a->read_only.v == b->read_only.v && a->read_map.v == b->read_map.v && a->dirty_map.v == b->dirty_map.v &&
	       a->amended == b->amended && a->misses == b->misses && a->root.v == b->root.v && a->seed == b->seed && !b->locked;
}

bool sync_reader_compare(struct sync_reader *reader)
{
	struct target *memory = reader->type->program->memory;
	struct findings findings = { 0 };
	struct sync_contents contents = { 0 };
	struct sync_map map;
	bool same;

	reader->type->program->memory = reader->base;

	struct error *error = sync_map_open(reader->type, reader->map.address, &map);

	if (error == NULL)
		error = sync_contents_load(&map, NULL, &findings, &contents);
	same = error == NULL && same_header(&reader->map, &map) && same_contents(&reader->contents, &contents) &&
	       (reader->mirror == NULL || mirror_unchanged(reader->mirror));
	error_free(error);
	sync_contents_free(&contents);
	findings_free(&findings);
	reader->type->program->memory = memory;
	return same;
}

struct error *sync_reader_prepare(struct sync_reader *reader, size_t first, size_t count)
{
	bool fits;

	if (reader->captured || reader->mirror == NULL)
		return NULL;
	TRY(fetch_entries(reader, first, count, &fits));
	if (fits)
		return NULL;
	mirror_clear(reader->mirror);
	return fetch_entries(reader, first, count, &fits); /* what does not fit now is read in place */
}

void sync_reader_close(struct sync_reader *reader)
{
	if (reader == NULL)
		return;
	reader->type->program->memory = reader->base;
	sync_contents_free(&reader->contents);
	mirror_destroy(reader->mirror);
	free(reader);
}
