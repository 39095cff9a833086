/* Layouts as constants in Go source: blocks of one column of names, as gofmt writes them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render/layout.h"
#include "render/layout_name.h"
#include "util/alloc.h"

struct go_constant {
	char *name;
	char *value;
};

struct go_source {
	struct output *output;
	struct layout_names names;
	struct go_constant *block; /* of the block that is being made */
	size_t count, capacity;
};

static void add(struct go_source *source, char *value, const char *format, ...) PRINTF(3, 4);
/* Takes `value` over. */
static void add(struct go_source *source, char *value, const char *format, ...)
{
	struct buffer name = { 0 };
	va_list arguments;

	va_start(arguments, format);
	char *text = xvasprintf(format, arguments);
	va_end(arguments);

	buffer_append_text(&name, text);
	free(text);
	if (name.length > 0 && name.bytes[0] >= 'a' && name.bytes[0] <= 'z')
		name.bytes[0] = (uint8_t)(name.bytes[0] - 'a' + 'A'); /* exported */
	layout_name_settle(&source->names, &name);
	ARRAY_RESERVE(source->block, source->count, source->capacity);
	source->block[source->count++] = (struct go_constant){ xstrdup(buffer_text(&name)), value };
	buffer_free(&name);
}

static char *number(uint64_t value)
{
	return xasprintf("%" PRIu64, value);
}

/* Writes the block, with a comment of one line before it, and begins a new one. */
static void end_block(struct go_source *source, const char *comment)
{
	struct buffer clean = { 0 };
	size_t width = 0;

	for (size_t i = 0; i < source->count; i++)
		width = strlen(source->block[i].name) > width ? strlen(source->block[i].name) : width;
	layout_name_comment(&clean, comment);
	if (source->count != 0)
		output_format(source->output, "\n// %s\nconst (\n", buffer_text(&clean));
	for (size_t i = 0; i < source->count; i++) {
		output_format(source->output, "\t%-*s = %s\n", (int)width, source->block[i].name,
			      source->block[i].value);
		free(source->block[i].name);
		free(source->block[i].value);
	}
	if (source->count != 0)
		output_text(source->output, ")\n");
	source->count = 0;
	buffer_free(&clean);
}

static void write_struct(struct go_source *source, const struct layout_struct *layout)
{
	struct buffer owner = { 0 };

	layout_name_struct(&owner, layout->name);
	add(source, number(layout->size), "%s_Size", buffer_text(&owner));
	for (size_t i = 0; i < layout->field_count; i++) {
		const struct layout_field *field = &layout->fields[i];
		struct buffer name = { 0 };

		if (strcmp(field->name, "_") == 0)
			continue;
		layout_name_word(&name, field->name);
		add(source, number(field->offset), "%s_%s_Offset", buffer_text(&owner), buffer_text(&name));
		add(source, number(field->size), "%s_%s_Size", buffer_text(&owner), buffer_text(&name));
		buffer_free(&name);
	}
	end_block(source, layout->name);
	buffer_free(&owner);
}

static void write_map(struct go_source *source, const struct layout_map_type *map)
{
	const struct map_unit_layout *unit = &map->unit;
	struct buffer plain = { 0 };

	layout_name_word(&plain, map->name);

	const char *name = buffer_text(&plain);

	add(source, number(unit->size), "%s_UnitSize", name);
	add(source, number(unit->control_offset), "%s_ControlOffset", name);
	add(source, number(unit->key_offset), "%s_KeyOffset", name);
	add(source, number(unit->key_stride), "%s_KeyStride", name);
	add(source, number(map->key_size), "%s_KeySize", name);
	add(source, xstrdup(map->key_indirect ? "true" : "false"), "%s_KeyIndirect", name);
	add(source, number(unit->elem_offset), "%s_ElemOffset", name);
	add(source, number(unit->elem_stride), "%s_ElemStride", name);
	add(source, number(map->elem_size), "%s_ElemSize", name);
	add(source, xstrdup(map->elem_indirect ? "true" : "false"), "%s_ElemIndirect", name);
	if (map->implementation == MAP_CLASSIC)
		add(source, number(unit->overflow_offset), "%s_OverflowOffset", name);
	end_block(source, map->name);
	buffer_free(&plain);
}

/* A Go string literal of what is expected to be a version; other bytes are left out. */
static char *quote(const char *text)
{
	struct buffer quoted = { 0 };

	buffer_append_text(&quoted, "\"");
	for (; text != NULL && *text != '\0'; text++)
		if (*text >= ' ' && *text < 0x7f && *text != '"' && *text != '\\')
			buffer_append(&quoted, text, 1);
	buffer_append_text(&quoted, "\"");

	char *literal = xstrdup(buffer_text(&quoted));

	buffer_free(&quoted);
	return literal;
}

static void write_constants(struct go_source *source, const struct layout_set *set)
{
	bool swiss = set->implementation != NULL && strcmp(set->implementation, "swiss") == 0;

	add(source, quote(set->go), "Version");
	add(source, quote(set->architecture), "Architecture");
	add(source, number(set->word_size), "WordSize");
	add(source, xstrdup(set->big_endian ? "true" : "false"), "BigEndian");
	add(source, xstrdup(swiss ? "true" : "false"), "SwissMaps");
	add(source, number(MAP_SLOTS), "MapSlots");
	add(source, number(MAP_INDIRECT_ABOVE), "MapIndirectAbove");
	end_block(source,
		  "What these layouts are of. Larger keys and elems than MapIndirectAbove bytes are behind a pointer.");
	for (size_t i = 0; i < set->constant_count; i++) {
		struct buffer name = { 0 };

		layout_name_struct(&name, set->constants[i].name);
		add(source, number(set->constants[i].value), "%s", buffer_text(&name));
		buffer_free(&name);
	}
	end_block(source, "Constants of the runtime.");
}

void layout_go_write(struct output *output, const struct layout_set *set, bool with_maps)
{
	struct go_source source = { .output = output };

	output_text(output, "// Package golayout says where the Go runtime keeps what its maps consist of. Sizes and "
			    "offsets are bytes.\n"
			    "//\n// Code generated by mapscope layout --format go. DO NOT EDIT.\npackage golayout\n");
	write_constants(&source, set);
	for (size_t i = 0; i < set->struct_count; i++)
		write_struct(&source, &set->structs[i]);
	for (size_t i = 0; with_maps && i < set->map_count; i++)
		write_map(&source, &set->maps[i]);
	free(source.block);
	table_free(&source.names.given);
}
