#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render/layout.h"
#include "util/alloc.h"

/* "runtime.g.goid", "runtime.minTopHash", "map[string]int, key_offset". The caller frees it. */
static char *subject_of(const struct layout_difference *difference)
{
	if (difference->name == NULL)
		return xstrdup(difference->owner);
	if (difference->part == LAYOUT_MAP)
		return xasprintf("%s, %s", difference->owner, difference->name);
	return xasprintf("%s.%s", difference->owner, difference->name);
}

static bool is_there(const struct layout_difference *difference, const struct layout_place *place)
{
	return !(difference->change == LAYOUT_ADDED && place == &difference->a) &&
	       !(difference->change == LAYOUT_REMOVED && place == &difference->b);
}

char *layout_place_text(const struct layout_difference *difference, const struct layout_place *place)
{
	if (!is_there(difference, place))
		return xstrdup("nothing");
	switch (difference->part) {
	case LAYOUT_STRUCT:
		return xasprintf("%" PRIu64 " bytes", place->size);
	case LAYOUT_FIELD:
		return xasprintf("offset %" PRIu64 ", %" PRIu64 " bytes", place->offset, place->size);
	case LAYOUT_CONSTANT:
		return xasprintf("%" PRIu64, place->value);
	case LAYOUT_MAP:
		return difference->name != NULL ? xasprintf("%" PRIu64, place->value) : xstrdup("a map type");
	case LAYOUT_HEAD:
		break;
	}
	return xstrdup(place->text != NULL ? place->text : "none");
}

void layout_difference_write_text(const struct text *text, const struct layout_difference *difference)
{
	char *subject = subject_of(difference);
	char *a = layout_place_text(difference, &difference->a), *b = layout_place_text(difference, &difference->b);

	output_format(text->output, "%-8s ", layout_change_name(difference->change));
	text_begin(text, TEXT_HEADING);
	text_plain(text->output, subject);
	text_end(text, TEXT_HEADING);
	output_text(text->output, ": ");
	if (difference->change != LAYOUT_ADDED)
		text_plain(text->output, a);
	if (is_there(difference, &difference->a) && is_there(difference, &difference->b))
		output_text(text->output, " -> ");
	if (difference->change != LAYOUT_REMOVED)
		text_plain(text->output, b);
	output_char(text->output, '\n');
	free(subject);
	free(a);
	free(b);
}

static void write_place(struct json *json, const char *key, const struct layout_difference *difference,
			const struct layout_place *place)
{
	json_key(json, key);
	if (!is_there(difference, place)) {
		json_null(json);
		return;
	}
	switch (difference->part) {
	case LAYOUT_STRUCT:
		json_object_begin(json);
		json_field_unsigned(json, "size", place->size);
		json_object_end(json);
		break;
	case LAYOUT_FIELD:
		json_object_begin(json);
		json_field_unsigned(json, "offset", place->offset);
		json_field_unsigned(json, "size", place->size);
		json_object_end(json);
		break;
	case LAYOUT_CONSTANT:
	case LAYOUT_MAP:
		json_unsigned(json, place->value);
		break;
	case LAYOUT_HEAD:
		json_name(json, place->text);
		break;
	}
}

void layout_difference_write_json(struct json *json, const struct layout_difference *difference)
{
	json_object_begin(json);
	json_field_name(json, "part", layout_part_name(difference->part));
	json_field_name(json, "change", layout_change_name(difference->change));
	json_field_name(json, "owner", difference->owner);
	json_field_name(json, "name", difference->name);
	write_place(json, "a", difference, &difference->a);
	write_place(json, "b", difference, &difference->b);
	json_object_end(json);
}
