#include <string.h>

#include "render/layout.h"

static void write_struct(struct json *json, const struct layout_struct *layout)
{
	json_key(json, layout->name);
	json_object_begin(json);
	json_field_unsigned(json, "size", layout->size);
	json_key(json, "fields");
	json_object_begin(json);
	for (size_t i = 0; i < layout->field_count; i++) {
		const struct layout_field *field = &layout->fields[i];

		if (strcmp(field->name, "_") == 0) /* a struct can have several */
			continue;
		json_key(json, field->name);
		json_object_begin(json);
		json_field_unsigned(json, "offset", field->offset);
		json_field_unsigned(json, "size", field->size);
		json_field_name(json, "type", field->type);
		json_object_end(json);
	}
	json_object_end(json);
	json_object_end(json);
}

static void write_map(struct json *json, const struct layout_map_type *map)
{
	const struct map_unit_layout *unit = &map->unit;
	bool classic = map->implementation == MAP_CLASSIC;

	json_object_begin(json);
	json_key(json, classic ? "bucket" : "group");
	json_object_begin(json);
	json_field_unsigned(json, "size", unit->size);
	json_field_unsigned(json, "slots", MAP_SLOTS);
	json_field_unsigned(json, classic ? "tophash_offset" : "control_offset", unit->control_offset);
	json_field_unsigned(json, "key_offset", unit->key_offset);
	json_field_unsigned(json, "key_stride", unit->key_stride);
	json_field_unsigned(json, "elem_offset", unit->elem_offset);
	json_field_unsigned(json, "elem_stride", unit->elem_stride);
	if (classic)
		json_field_unsigned(json, "overflow_offset", unit->overflow_offset);
	json_object_end(json);
	json_field_unsigned(json, "key_size", map->key_size);
	json_field_unsigned(json, "elem_size", map->elem_size);
	json_field_bool(json, "key_indirect", map->key_indirect);
	json_field_bool(json, "elem_indirect", map->elem_indirect);
	json_object_end(json);
}

static void write_head(struct json *json, const struct layout_set *set)
{
	json_field_name(json, "go", set->go);
	json_field_name(json, "arch", set->architecture);
	json_field_unsigned(json, "word_size", set->word_size);
	json_field_name(json, "byte_order", set->big_endian ? "big" : "little");
	json_field_name(json, "implementation", set->implementation);
	json_field_name(json, "source", set->source);
}

void layout_json_write(struct json *json, const struct layout_set *set)
{
	json_object_begin(json);
	write_head(json, set);
	json_key(json, "structs");
	json_object_begin(json);
	for (size_t i = 0; i < set->struct_count; i++)
		write_struct(json, &set->structs[i]);
	json_object_end(json);
	json_key(json, "constants");
	json_object_begin(json);
	for (size_t i = 0; i < set->constant_count; i++)
		json_field_unsigned(json, set->constants[i].name, set->constants[i].value);
	json_object_end(json);
	json_key(json, "maps");
	json_object_begin(json);
	for (size_t i = 0; i < set->map_count; i++) {
		json_key(json, set->maps[i].name);
		write_map(json, &set->maps[i]);
	}
	json_object_end(json);
	json_object_end(json);
}

void layout_json_write_lines(struct json *json, const struct layout_set *set)
{
	for (size_t i = 0; i < set->map_count; i++) {
		json_object_begin(json);
		json_field_name(json, "type", set->maps[i].name);
		json_key(json, "layout");
		write_map(json, &set->maps[i]);
		json_object_end(json);
		json_end_line(json);
	}
}
