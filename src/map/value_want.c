/* What decoding a value will read: the same way through it as value.c goes, noting memory instead of writing. */
#include <stdlib.h>
#include <string.h>

#include "map/sync_map.h"
#include "map/value_private.h"
#include "util/alloc.h"
#include "util/limits.h"

static bool has_references(struct gotype *type, unsigned depth);

static bool looks_further(struct gotype *type, unsigned depth)
{
	struct error *error = depth > NESTING_LIMIT ? NULL : gotype_complete(type);

	if (error != NULL || depth > NESTING_LIMIT) {
		error_free(error);
		return true; /* value_emit() finds out what is wrong with it */
	}
	switch (type->kind) {
	case GO_STRING:
	case GO_SLICE:
	case GO_INTERFACE:
	case GO_MAP:
		return true;
	case GO_ARRAY:
		return has_references(type->elem, depth + 1);
	case GO_STRUCT:
		if (gotype_is_sync(type))
			return true;
		for (size_t i = 0; i < type->field_count; i++)
			if (has_references(type->fields[i].type, depth + 1))
				return true;
		return false;
	default:
		return false;
	}
}

static bool has_references(struct gotype *type, unsigned depth)
{
	if (type->references == 0)
		type->references = looks_further(type, depth) ? 1 : -1;
	return type->references > 0;
}

bool value_has_references(struct gotype *type)
{
	return has_references(type, 0);
}

static void note(struct value_wanted *wanted, taddr address, uint64_t length)
{
	if (length != 0 && length <= limit_of(LIMIT_VALUE) && !mirror_want(wanted->mirror, address, length))
		wanted->full = true;
}

/* Whether these values were gone through with as many levels before: what many lead to is gone through once. */
static bool seen_before(struct value_wanted *wanted, const struct gotype *type, taddr address, uint64_t count, unsigned levels)
{
	/* odd constants: a key that two share by accident costs late reads, no more */
	uint64_t key = address.v ^ (uint64_t)(uintptr_t)type * UINT64_C(0x9e3779b97f4a7c15) ^
		       (count << 8 ^ wanted->limits.depth) * UINT64_C(0xc2b2ae3d27d4eb4f);
	uint64_t *deepest = table_get(&wanted->seen, key);

	if (deepest == NULL) {
		table_put(&wanted->seen, key, levels);
		return false;
	}
	if (*deepest >= levels)
		return true;
	*deepest = levels;
	return false;
}

void value_wanted_free(struct value_wanted *wanted)
{
	table_free(&wanted->seen);
}

/* Notes `length` bytes of values of `type` and, where levels allow, what those lead to. */
static void want_behind(struct value_wanted *wanted, struct gotype *type, taddr address, uint64_t count, unsigned levels)
{
	struct loan loan;

	note(wanted, address, count * type->size);
	if (count == 0 || !value_has_references(type))
		return;
	if (levels == 0) {
		wanted->deeper = true;
		return;
	}
	if (seen_before(wanted, type, address, count, levels))
		return;

	struct error *error = value_borrow(type->program, address, count * type->size, &loan);

	if (error != NULL) {
		error_free(error); /* value_emit() meets it again and says so */
		return;
	}
	for (uint64_t i = 0; i < count && !wanted->full; i++)
		value_want(wanted, type, loan.bytes + i * type->size, levels - 1);
	free(loan.owned);
}

static void want_interface(struct value_wanted *wanted, struct gotype *type, const uint8_t *bytes, unsigned levels)
{
	struct gotype *dynamic;
	taddr value;
	bool inside;
	struct error *error = gotype_of_interface(type, taddr_of(0), bytes, &dynamic, &value, &inside);

	if (error != NULL)
		error_free(error);
	else if (dynamic != NULL && inside)
		value_want(wanted, dynamic, bytes + type->program->machine.word_size, levels);
	else if (dynamic != NULL)
		want_behind(wanted, dynamic, value, 1, levels);
}

static void want_entries(struct value_wanted *wanted, const struct go_map *map, unsigned levels)
{
	struct findings findings = { 0 };
	struct map_walk *walk = map_walk_create(map, MAP_WALK_LIVE, &findings);
	struct map_batch batch = { 0 };
	uint64_t entries = 0, most = least(map->length, wanted->limits.entries);

	do {
		struct error *error = map_walk_next(walk, &batch);

		if (error != NULL) {
			error_free(error);
			break;
		}
		for (size_t i = 0; i < batch.table_count; i++)
			note(wanted, batch.tables[i].address, map->layout->swiss.table_size);
		for (size_t i = 0; i < batch.count; i++) {
			note(wanted, batch.units[i].address, map->layout->unit.size);
			for (unsigned live = batch.units[i].live; live != 0; live &= live - 1, entries++)
				map_entry_want(map, &batch.units[i], (unsigned)__builtin_ctz(live), true, true, wanted, levels);
		}
	} while (entries <= most && !wanted->full && is_worth_it(&findings, &batch, &wanted->fruitless));
	map_walk_destroy(walk);
	findings_free(&findings);
}

/* The header, the directory and the units of a map inside a value. */
static void want_map(struct value_wanted *wanted, struct gotype *type, taddr address, unsigned levels)
{
	struct go_map map;
	struct error *error;

	if (address.v == 0 || type->map_layout == NULL)
		return;
	note(wanted, address, type->map_layout->header_size);
	if (wanted->limits.depth == 0 || seen_before(wanted, type, address, 1, levels))
		return;
	error = map_open(type, address, &map);
	if (error != NULL) {
		error_free(error);
		return;
	}
	if (type->map_layout->implementation == MAP_SWISS)
		note(wanted, map.swiss.directory, map.swiss.dir_len * type->program->machine.word_size);
	wanted->limits.depth--;
	want_entries(wanted, &map, levels);
	wanted->limits.depth++;
}

static bool want_block(void *context, const struct sync_block *block)
{
	struct value_wanted *wanted = context;

	note(wanted, block->address, block->size);
	return !wanted->full;
}

static void want_sync_entries(struct value_wanted *wanted, const struct sync_contents *contents, unsigned levels)
{
	const struct sync_map *map = contents->map;
	uint64_t entries = 0;

	sync_each_block(contents, want_block, wanted);
	if (map->layout->inner != NULL) {
		want_map(wanted, map->layout->inner, map->read_map, levels);
		want_map(wanted, map->layout->inner, map->dirty_map, levels);
	}
	for (size_t i = 0; i < contents->count && entries < wanted->limits.entries && !wanted->full; i++) {
		if (!sync_entry_counts(contents, i))
			continue;
		entries++;
		want_behind(wanted, map->layout->key, contents->entries[i].key, 1, levels);
		want_behind(wanted, map->layout->value, contents->entries[i].value, 1, levels);
	}
}

/* False where its parts are not known. */
static bool want_sync(struct value_wanted *wanted, struct gotype *type, const uint8_t *bytes, unsigned levels)
{
	struct findings findings = { 0 };
	struct sync_contents contents = { 0 };
	struct sync_map map;
	struct error *error;

	if (levels == 0) { /* it has to be gone through, which the next level does */
		wanted->deeper = true;
		return true;
	}
	error = sync_map_decode(type, taddr_of(0), bytes, &map);
	if (error != NULL && error->code == ERROR_TARGET) {
		error_free(error);
		return false;
	}
	if (error == NULL && !seen_before(wanted, type, map.root.v ? map.root : map.read_only, 1, levels))
		error = sync_contents_load(&map, NULL, &findings, &contents);
	if (error == NULL && contents.map != NULL && wanted->limits.depth != 0) {
		wanted->limits.depth--;
		want_sync_entries(wanted, &contents, levels - 1);
		wanted->limits.depth++;
	}
	error_free(error);
	sync_contents_free(&contents);
	findings_free(&findings);
	return true;
}

static void want_compound(struct value_wanted *wanted, struct gotype *type, const uint8_t *bytes, unsigned levels)
{
	struct slice_header header;

	switch (type->kind) {
	case GO_ARRAY:
		for (uint64_t i = 0; i < least(type->length, wanted->limits.elements) && !wanted->full; i++)
			value_want(wanted, type->elem, bytes + i * type->elem->size, levels);
		break;
	case GO_STRUCT:
		if (gotype_is_sync(type) && want_sync(wanted, type, bytes, levels))
			break;
		for (size_t i = 0; i < type->field_count; i++)
			value_want(wanted, type->fields[i].type, bytes + type->fields[i].offset, levels);
		break;
	case GO_SLICE:
		header = load_slice(type->program, bytes);
		if (slice_is_sound(type->program, bytes, &header))
			want_behind(wanted, type->elem, header.data, least(header.length, wanted->limits.elements), levels);
		break;
	case GO_INTERFACE:
		want_interface(wanted, type, bytes, levels);
		break;
	default:
		want_map(wanted, type, load_address(&type->program->machine, bytes), levels);
	}
}

void value_want(struct value_wanted *wanted, struct gotype *type, const uint8_t *bytes, unsigned levels)
{
	if (type->kind == GO_STRING) {
		struct slice_header header = load_slice(type->program, bytes);

		note(wanted, header.data, least(header.length, wanted->limits.string_bytes));
		return;
	}
	if (wanted->full || wanted->nesting == NESTING_LIMIT || !value_has_references(type) || !type->completed)
		return;
	wanted->nesting++;
	want_compound(wanted, type, bytes, levels);
	wanted->nesting--;
}

void value_want_at(struct value_wanted *wanted, struct gotype *type, taddr address, unsigned levels)
{
	want_behind(wanted, type, address, 1, levels);
}

static void want_slot(const struct go_map *map, struct gotype *type, const uint8_t *slot, bool indirect,
		      struct value_wanted *wanted, unsigned levels)
{
	if (indirect)
		want_behind(wanted, type, load_address(&map->program->machine, slot), 1, levels);
	else
		value_want(wanted, type, slot, levels);
}

void map_entry_want(const struct go_map *map, const struct map_unit *unit, unsigned slot, bool keys, bool elems,
		    struct value_wanted *wanted, unsigned levels)
{
	if (keys)
		want_slot(map, map->type->key, map_key_slot(map, unit, slot), map->layout->key_indirect, wanted, levels);
	if (elems)
		want_slot(map, map->type->elem, map_elem_slot(map, unit, slot), map->layout->elem_indirect, wanted, levels);
}
