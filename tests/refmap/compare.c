#include "compare_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/alloc.h"

bool differ(struct comparison *c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (c->difference == NULL)
		c->difference = xvasprintf(format, arguments);
	va_end(arguments);
	return false;
}

static void append_hex(struct buffer *text, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length && i < 48; i++)
		buffer_append_format(text, "%02x", bytes[i]);
	if (length > 48)
		buffer_append_text(text, "...");
}

bool same_bytes(struct comparison *c, const char *place, const uint8_t *go, const uint8_t *refmap, size_t length)
{
	struct buffer text = { 0 };

	if (memcmp(go, refmap, length) == 0)
		return true;
	append_hex(&text, go, length);
	buffer_append_text(&text, ", refmap ");
	append_hex(&text, refmap, length);
	differ(c, "%s: Go %s", place, buffer_text(&text));
	buffer_free(&text);
	return false;
}

bool same_field(struct comparison *c, const char *place, const char *name, struct field_at at, const uint8_t *go, const uint8_t *refmap)
{
	uint64_t a = load_uint(&c->machine, go + at.offset, at.size), b = load_uint(&c->machine, refmap + at.offset, at.size);

	return a == b || differ(c, "%s.%s: Go %" PRIu64 ", refmap %" PRIu64, place, name, a, b);
}

static bool pair(struct comparison *c, const char *place, struct table *table, uint64_t from, uint64_t to)
{
	const uint64_t *known = table_get(table, from);

	if (known != NULL)
		return *known == to || differ(c, "%s: 0x%" PRIx64 " was 0x%" PRIx64 " elsewhere, is 0x%" PRIx64 " here", place, from, *known, to);
	table_put(table, from, to);
	return true;
}

bool same_pointer(struct comparison *c, const char *place, uint64_t go, uint64_t refmap)
{
	if (go == 0 && refmap == 0)
		return true;
	if (go == 0 || refmap == 0)
		return differ(c, "%s: Go %s, refmap %s", place, go ? "has one" : "nil", refmap ? "has one" : "nil");
	return pair(c, place, &c->to_refmap, go, refmap) && pair(c, place, &c->to_go, refmap, go);
}

bool load_go(struct comparison *c, const char *place, uint64_t address, void *to, size_t length)
{
	struct error *error = target_read(c->go, taddr_of(address), to, length);

	if (error == NULL)
		return true;
	differ(c, "%s: Go %s", place, error->message);
	error_free(error);
	return false;
}

const uint8_t *at_refmap(const struct comparison *c, uint64_t address)
{
	return arena_at(c->arena, taddr_of(address));
}

static bool same_masked(struct comparison *c, const char *place, uint8_t *go, uint8_t *refmap, const uint8_t *mask, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		go[i] &= mask[i];
		refmap[i] &= mask[i];
	}
	return same_bytes(c, place, go, refmap, length);
}

/* A key or elem, or the pointer to one. */
static bool same_value(struct comparison *c, const char *place, const uint8_t *go, const uint8_t *refmap, bool indirect,
		       const struct gotype *type, const uint8_t *mask)
{
	uint8_t *ours = xmalloc(type->size + 1), *theirs = xmalloc(type->size + 1);
	uint64_t go_at = load_word(&c->machine, go), refmap_at = load_word(&c->machine, refmap);
	bool same = true;

	if (!indirect) {
		memcpy(theirs, go, type->size);
		memcpy(ours, refmap, type->size);
		same = same_masked(c, place, theirs, ours, mask, type->size);
	} else if (go_at != 0 || refmap_at != 0) {
		same = same_pointer(c, place, go_at, refmap_at) && load_go(c, place, go_at, theirs, type->size);
		if (same) {
			memcpy(ours, at_refmap(c, refmap_at), type->size);
			same = same_masked(c, place, theirs, ours, mask, type->size);
		}
	}
	free(theirs);
	free(ours);
	return same;
}

static bool same_slot(struct comparison *c, const char *unit_place, unsigned slot, const uint8_t *go, const uint8_t *refmap)
{
	const struct map_unit_layout *unit = &c->layout->unit;
	size_t key = unit->key_offset + slot * unit->key_stride, elem = unit->elem_offset + slot * unit->elem_stride;
	char place[192];

	snprintf(place, sizeof(place), "%s slot %u key", unit_place, slot);
	if (!same_value(c, place, go + key, refmap + key, c->layout->key_indirect, c->key, c->key_mask))
		return false;
	snprintf(place, sizeof(place), "%s slot %u elem", unit_place, slot);
	return same_value(c, place, go + elem, refmap + elem, c->layout->elem_indirect, c->elem, c->elem_mask);
}

static bool same_unit(struct comparison *c, const char *place, const uint8_t *go, const uint8_t *refmap)
{
	const struct map_unit_layout *unit = &c->layout->unit;
	size_t length = c->layout->implementation == MAP_CLASSIC ? unit->overflow_offset : unit->size;
	bool indirect = c->layout->key_indirect || c->layout->elem_indirect;
	char control[160];

	if (!indirect && memcmp(go, refmap, length) == 0)
		return true;
	snprintf(control, sizeof(control), "%s %s", place, c->layout->implementation == MAP_CLASSIC ? "tophash" : "ctrl");
	if (!same_bytes(c, control, go + unit->control_offset, refmap + unit->control_offset, MAP_SLOTS))
		return false;
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		if (!same_slot(c, place, slot, go, refmap))
			return false;
	return true;
}

bool same_units(struct comparison *c, const char *place, uint64_t go, uint64_t refmap, uint64_t count)
{
	enum { WINDOW = 64 };
	size_t size = c->layout->unit.size;
	uint8_t *bytes = xmalloc(WINDOW * size);
	bool same = true;

	for (uint64_t i = 0; i < count && same; i++) {
		uint64_t left = count - i;
		char unit[128];

		if (i % WINDOW == 0 && !load_go(c, place, go + i * size, bytes, (left < WINDOW ? left : WINDOW) * size)) {
			same = false;
			break;
		}
		snprintf(unit, sizeof(unit), "%s[%" PRIu64 "]", place, i);
		same = same_unit(c, unit, bytes + i % WINDOW * size, at_refmap(c, refmap + i * size));
	}
	free(bytes);
	return same;
}

/* Marks the bytes of a value that are part of it. */
static void mark(struct gotype *type, uint8_t *mask)
{
	struct error *error = gotype_complete(type);

	if (error != NULL) {
		error_free(error);
		return;
	}
	if (type->kind == GO_STRUCT) {
		for (size_t i = 0; i < type->field_count; i++)
			if (strcmp(type->fields[i].name, "_") != 0)
				mark(type->fields[i].type, mask + type->fields[i].offset);
	} else if (type->kind == GO_ARRAY) {
		for (uint64_t i = 0; i < type->length; i++)
			mark(type->elem, mask + i * type->elem->size);
	} else {
		memset(mask, 0xff, type->size);
	}
}

static uint8_t *mask_of(struct gotype *type)
{
	uint8_t *mask = xcalloc(1, type->size + 1);

	mark(type, mask);
	return mask;
}

char *compare_maps(const struct compared_map *maps)
{
	struct comparison c = {
		.go = maps->go,
		.arena = maps->refmap,
		.layout = maps->type->map_layout,
		.machine = maps->type->program->machine,
		.key = maps->type->key,
		.elem = maps->type->elem,
		.key_mask = mask_of(maps->type->key),
		.elem_mask = mask_of(maps->type->elem),
	};

	if (c.layout->implementation == MAP_CLASSIC)
		same_classic(&c, maps->go_header.v, maps->refmap_header.v);
	else
		same_swiss(&c, maps->go_header.v, maps->refmap_header.v);
	table_free(&c.to_refmap);
	table_free(&c.to_go);
	free(c.key_mask);
	free(c.elem_mask);
	return c.difference;
}
