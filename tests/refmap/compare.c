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

bool same_field(struct comparison *c, const char *place, const char *name, struct field_at at, const struct both_structs *structs)
{
	struct both value = field_of(c, structs, at);

	return value.go == value.refmap ||
	       differ(c, "%s.%s: Go %" PRIu64 ", refmap %" PRIu64, place, name, value.go, value.refmap);
}

static bool met_as(struct comparison *c, const char *place, struct table *table, uint64_t from, uint64_t to)
{
	const uint64_t *known = table_get(table, from);

	if (known != NULL && *known != to)
		return differ(c, "%s: 0x%" PRIx64 " is 0x%" PRIx64 " here, was 0x%" PRIx64, place, from, to, *known);
	table_put(table, from, to);
	return true;
}

bool same_pointer(struct comparison *c, const char *place, struct both at)
{
	if (at.go == 0 && at.refmap == 0)
		return true;
	if (at.go == 0 || at.refmap == 0)
		return differ(c, "%s: Go %s, refmap %s", place, at.go ? "has one" : "nil", at.refmap ? "has one" : "nil");
	return met_as(c, place, &c->to_refmap, at.go, at.refmap) && met_as(c, place, &c->to_go, at.refmap, at.go);
}

bool load(struct comparison *c, const char *place, uint64_t go, void *to, size_t length)
{
	struct error *error = target_read(c->go, taddr_of(go), to, length);

	if (error == NULL)
		return true;
	differ(c, "%s: Go %s", place, error->message);
	error_free(error);
	return false;
}

bool load_words(struct comparison *c, const char *place, struct both at, struct both *out)
{
	uint8_t word[8];

	if (!load(c, place, at.go, word, c->machine.word_size))
		return false;
	*out = (struct both){ load_word(&c->machine, word), load_word(&c->machine, at_refmap(c, at.refmap)) };
	return true;
}

bool load_structs(struct comparison *c, const char *place, struct both at, size_t size, struct both_structs *out)
{
	memcpy(out->refmap, at_refmap(c, at.refmap), size);
	return load(c, place, at.go, out->go, size);
}

static bool same_masked(struct comparison *c, const char *place, uint8_t *go, uint8_t *refmap, const uint8_t *mask, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		go[i] &= mask[i];
		refmap[i] &= mask[i];
	}
	return same_bytes(c, place, go, refmap, length);
}

/* What a type's values look like in slots. */
struct shape {
	const struct gotype *type;
	const uint8_t *mask;
	bool indirect;
};

/* A key or elem, or the pointer to one. */
static bool same_value(struct comparison *c, const char *place, const uint8_t *go, const uint8_t *refmap, struct shape shape)
{
	struct both at = { load_word(&c->machine, go), load_word(&c->machine, refmap) };
	size_t size = shape.type->size;
	uint8_t *copies;
	bool same = true;

	if (shape.indirect && at.go == 0 && at.refmap == 0)
		return true;
	copies = xmalloc(2 * size + 1);
	if (shape.indirect) {
		same = same_pointer(c, place, at) && load(c, place, at.go, copies, size);
		refmap = same ? at_refmap(c, at.refmap) : NULL;
	} else {
		memcpy(copies, go, size);
	}
	if (same) {
		memcpy(copies + size, refmap, size);
		same = same_masked(c, place, copies, copies + size, shape.mask, size);
	}
	free(copies);
	return same;
}

static bool same_slot(struct comparison *c, const char *unit_place, unsigned slot, const uint8_t *go, const uint8_t *refmap)
{
	const struct map_unit_layout *unit = &c->layout->unit;
	size_t key = unit->key_offset + slot * unit->key_stride, elem = unit->elem_offset + slot * unit->elem_stride;
	char place[192];

	snprintf(place, sizeof(place), "%s slot %u key", unit_place, slot);
	if (!same_value(c, place, go + key, refmap + key, (struct shape){ c->key, c->key_mask, c->layout->key_indirect }))
		return false;
	snprintf(place, sizeof(place), "%s slot %u elem", unit_place, slot);
	return same_value(c, place, go + elem, refmap + elem, (struct shape){ c->elem, c->elem_mask, c->layout->elem_indirect });
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

bool same_units(struct comparison *c, const char *place, struct both at, uint64_t count)
{
	enum { WINDOW = 64 };
	size_t size = c->layout->unit.size;
	uint8_t *bytes = xmalloc(WINDOW * size);
	bool same = true;

	for (uint64_t i = 0; i < count && same; i++) {
		uint64_t window = count - i < WINDOW ? count - i : WINDOW;
		struct both unit = both_add(at, i * size);
		char text[128];

		snprintf(text, sizeof(text), "%s[%" PRIu64 "]", place, i);
		same = (i % WINDOW != 0 || load(c, text, unit.go, bytes, window * size)) &&
		       same_unit(c, text, bytes + i % WINDOW * size, at_refmap(c, unit.refmap));
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
	struct both header = { maps->go_header.v, maps->refmap_header.v };

	if (c.layout->implementation == MAP_CLASSIC)
		same_classic(&c, header);
	else
		same_swiss(&c, header);
	table_free(&c.to_refmap);
	table_free(&c.to_go);
	free(c.key_mask);
	free(c.elem_mask);
	return c.difference;
}
