#include <inttypes.h>

#include "render/layout.h"

static void write_row(struct text_table *table, uint64_t offset, uint64_t size, const char *name, const char *type)
{
	text_table_row(table);
	text_table_cell(table, "%" PRIu64, offset);
	text_table_cell(table, "%" PRIu64, size);
	text_table_cell(table, "%s", name);
	text_table_cell(table, "%s", type);
}

static struct error *write_struct(const struct text *text, const struct layout_struct *layout)
{
	struct text_table *table = text_table_create(text);
	uint64_t end = 0;

	text_begin(text, TEXT_HEADING);
	text_plain(text->output, layout->name);
	text_end(text, TEXT_HEADING);
	output_format(text->output, ", %" PRIu64 " bytes\n", layout->size);
	text_table_column(table, "OFFSET", TEXT_RIGHT);
	text_table_column(table, "SIZE", TEXT_RIGHT);
	text_table_column(table, "FIELD", TEXT_LEFT);
	text_table_column(table, "TYPE", TEXT_LEFT);
	for (size_t i = 0; i < layout->field_count; i++) {
		const struct layout_field *field = &layout->fields[i];

		if (field->offset > end)
			write_row(table, end, field->offset - end, "(hole)", "");
		write_row(table, field->offset, field->size, field->name, field->type);
		end = field->offset + field->size;
	}
	if (layout->size > end)
		write_row(table, end, layout->size - end, "(hole)", "");

	struct error *error = text_table_write(table);

	output_char(text->output, '\n');
	return error;
}

static void write_map_row(struct text_table *table, const struct layout_map_type *map, bool classic)
{
	const struct map_unit_layout *unit = &map->unit;

	text_table_row(table);
	text_table_cell(table, "%s", map->name);
	text_table_cell(table, "%u", unit->size);
	text_table_cell(table, "%u + i*%u", unit->key_offset, unit->key_stride);
	text_table_cell(table, "%u + i*%u", unit->elem_offset, unit->elem_stride);
	if (classic)
		text_table_cell(table, "%u", unit->overflow_offset);
	text_table_cell(table, "%s",
			map->key_indirect && map->elem_indirect ? "key, elem"
			: map->key_indirect			? "key"
			: map->elem_indirect			? "elem"
								: "");
}

static struct error *write_maps(const struct text *text, const struct layout_set *set)
{
	bool classic = set->map_count != 0 && set->maps[0].implementation == MAP_CLASSIC;
	struct text_table *table = text_table_create(text);

	text_table_column(table, "MAP TYPE", TEXT_LEFT);
	text_table_column(table, classic ? "BUCKET" : "GROUP", TEXT_RIGHT);
	text_table_column(table, "KEY i AT", TEXT_LEFT);
	text_table_column(table, "ELEM i AT", TEXT_LEFT);
	if (classic)
		text_table_column(table, "OVERFLOW", TEXT_RIGHT);
	text_table_column(table, "INDIRECT", TEXT_LEFT);
	for (size_t i = 0; i < set->map_count; i++)
		write_map_row(table, &set->maps[i], classic);
	return text_table_write(table);
}

/* The structs that are not shown, by name. */
static void write_others(const struct text *text, const struct layout_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->struct_count; i++) {
		if (layout_set_is_of_maps(set->structs[i].name))
			continue;
		output_text(text->output, count++ == 0 ? "Others, shown where named: " : ", ");
		text_plain(text->output, set->structs[i].name);
	}
	if (count != 0)
		output_text(text->output, "\n\n");
}

struct error *layout_text_write(const struct text *text, const struct layout_set *set, bool all)
{
	output_format(text->output, "%s %s, %s maps, from %s\n\n", set->go ? set->go : "Go", set->architecture,
		      set->implementation ? set->implementation : "no",
		      set->source[0] == 'd' ? "DWARF" : "the table of versions");
	for (size_t i = 0; i < set->struct_count; i++)
		if (all || layout_set_is_of_maps(set->structs[i].name))
			TRY(write_struct(text, &set->structs[i]));
	if (!all)
		write_others(text, set);
	return set->map_count != 0 ? write_maps(text, set) : NULL;
}
