/*
 * Layouts as a header in C. Mirrors are packed, with padding of their own, so that they are laid out alike on every
 * machine, but aligned as a whole, so that compilers know which fields they may load at once.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "render/layout.h"
#include "render/layout_name.h"
#include "util/alloc.h"

struct c_header {
	struct output *output;
	struct layout_names names;
	const struct layout_set *set;
};

static void write_comment(struct c_header *header, const char *indent, const char *text)
{
	struct buffer comment = { 0 };

	layout_name_comment(&comment, text);
	output_format(header->output, "%s/* %s */\n", indent, buffer_text(&comment));
	buffer_free(&comment);
}

/* A name of the whole file: what stands there already gets a number. The caller frees it. */
static char *settle(struct c_header *header, const char *format, ...) PRINTF(2, 3);
static char *settle(struct c_header *header, const char *format, ...)
{
	struct buffer name = { 0 };
	va_list arguments;

	va_start(arguments, format);
	char *text = xvasprintf(format, arguments);
	va_end(arguments);

	buffer_append_text(&name, text);
	layout_name_settle(&header->names, &name);
	free(text);
	text = xstrdup(buffer_text(&name));
	buffer_free(&name);
	return text;
}

/* An enum's constant is an int; larger ones are macros. */
static void write_constant(struct c_header *header, const char *name, uint64_t value)
{
	if (value <= INT_MAX)
		output_format(header->output, "enum { %s = %" PRIu64 " };\n", name, value);
	else
		output_format(header->output, "#define %s UINT64_C(%" PRIu64 ")\n", name, value);
}

/* --- structs ------------------------------------------------------------------------------------------------------ */

static void pad(struct c_header *header, uint64_t from, uint64_t to)
{
	if (to > from)
		output_format(header->output, "\tuint8_t pad_%" PRIu64 "[%" PRIu64 "];\n", from, to - from);
}

static void write_member(struct c_header *header, const struct layout_field *field, const char *name)
{
	struct buffer comment = { 0 };
	bool number = field->type[0] != '[' && field->size <= 8 && (field->size & (field->size - 1)) == 0;

	layout_name_comment(&comment, field->type);
	if (number)
		output_format(header->output, "\tuint%u_t %s; /* %s */\n", (unsigned)field->size * 8, name,
			      buffer_text(&comment));
	else
		output_format(header->output, "\tuint8_t %s[%" PRIu64 "]; /* %s */\n", name, field->size,
			      buffer_text(&comment));
	buffer_free(&comment);
}

/* How far the whole can be aligned without growing. */
static uint64_t alignment(const struct layout_struct *layout, unsigned word_size)
{
	uint64_t align = word_size;

	while (align > 1 && layout->size % align != 0)
		align /= 2;
	return align;
}

/* Whether fields lie side by side inside the struct, as those of Go do; what does not gets no mirror. */
static bool is_sound(const struct layout_struct *layout)
{
	uint64_t end = 0;

	for (size_t i = 0; i < layout->field_count; i++) {
		const struct layout_field *field = &layout->fields[i];

		if (field->offset < end || field->size > layout->size || field->offset > layout->size - field->size)
			return false;
		end = field->offset + field->size;
	}
	return layout->size != 0;
}

static bool has_name(const struct layout_field *field)
{
	return strcmp(field->name, "_") != 0;
}

static void write_mirror(struct c_header *header, const struct layout_struct *layout, const char *name,
			 char *const *members)
{
	uint64_t end = 0;

	output_format(header->output, "struct %s {\n", name);
	for (size_t i = 0; i < layout->field_count; i++) {
		const struct layout_field *field = &layout->fields[i];

		if (members[i] == NULL || field->size == 0)
			continue;
		pad(header, end, field->offset);
		write_member(header, field, members[i]);
		end = field->offset + field->size;
	}
	pad(header, end, layout->size);
	output_format(header->output, "} __attribute__((packed, aligned(%" PRIu64 ")));\n",
		      alignment(layout, header->set->word_size));
}

static void write_assertions(struct c_header *header, const struct layout_struct *layout, const char *name,
			     char *const *members)
{
	output_format(header->output, "_Static_assert(sizeof(struct %s) == GO_%s_SIZE, \"%s\");\n", name,
		      name + strlen("go_"), name);
	for (size_t i = 0; i < layout->field_count; i++) {
		if (members[i] == NULL || layout->fields[i].size == 0)
			continue;
		output_format(header->output,
			      "_Static_assert(__builtin_offsetof(struct %s, %s) == GO_%s_%s_OFFSET &&\n"
			      "\t       sizeof(((struct %s *)0)->%s) == GO_%s_%s_SIZE, \"%s.%s\");\n",
			      name, members[i], name + strlen("go_"), members[i], name, members[i],
			      name + strlen("go_"), members[i], name, members[i]);
	}
}

/* Names of fields in C, each once; NULL for blank ones. */
static char **name_members(const struct layout_struct *layout)
{
	char **members = xcalloc(layout->field_count + 1, sizeof(*members));
	struct layout_names names = { 0 };

	for (size_t i = 0; i < layout->field_count; i++) {
		struct buffer name = { 0 };

		if (!has_name(&layout->fields[i]))
			continue;
		layout_name_word(&name, layout->fields[i].name);
		if (layout_name_is_keyword(buffer_text(&name)) || (name.bytes[0] >= '0' && name.bytes[0] <= '9'))
			buffer_append_text(&name, "_");
		layout_name_settle(&names, &name);
		members[i] = xstrdup(buffer_text(&name));
		buffer_free(&name);
	}
	table_free(&names.given);
	return members;
}

static void write_struct(struct c_header *header, const struct layout_struct *layout)
{
	struct buffer plain = { 0 };
	char **members = name_members(layout);

	layout_name_struct(&plain, layout->name);

	char *name = settle(header, "go_%s", buffer_text(&plain));

	output_char(header->output, '\n');
	write_comment(header, "", layout->name);
	output_format(header->output, "enum {\n\tGO_%s_SIZE = %" PRIu64 ",\n", name + strlen("go_"), layout->size);
	for (size_t i = 0; i < layout->field_count; i++)
		if (members[i] != NULL)
			output_format(header->output,
				      "\tGO_%s_%s_OFFSET = %" PRIu64 ",\n\tGO_%s_%s_SIZE = %" PRIu64 ",\n",
				      name + strlen("go_"), members[i], layout->fields[i].offset, name + strlen("go_"),
				      members[i], layout->fields[i].size);
	output_text(header->output, "};\n");
	if (is_sound(layout)) {
		write_mirror(header, layout, name, members);
		write_assertions(header, layout, name, members);
	}
	for (size_t i = 0; i < layout->field_count; i++)
		free(members[i]);
	free(members);
	free(name);
	buffer_free(&plain);
}

/* --- map types ---------------------------------------------------------------------------------------------------- */

static void write_figure(struct c_header *header, const char *name, const char *figure, uint64_t value)
{
	output_format(header->output, "\t%s_%s = %" PRIu64 ",\n", name, figure, value);
}

/* All eight keys or elems lie inside a bucket or group. */
static void assert_slots(struct c_header *header, const char *name, const char *part)
{
	output_format(header->output,
		      "_Static_assert(%s_%s_OFFSET + (GO_MAP_SLOTS - 1) * %s_%s_STRIDE +\n"
		      "\t       (%s_%s_INDIRECT ? GO_WORD_SIZE : %s_%s_SIZE) <= %s_UNIT_SIZE, \"%s\");\n",
		      name, part, name, part, name, part, name, part, name, name);
}

static void write_map(struct c_header *header, const struct layout_map_type *map)
{
	const struct map_unit_layout *unit = &map->unit;
	struct buffer plain = { 0 };

	layout_name_word(&plain, map->name);

	char *name = settle(header, "GO_%s", buffer_text(&plain));

	output_char(header->output, '\n');
	write_comment(header, "", map->name);
	output_text(header->output, "enum {\n");
	write_figure(header, name, "UNIT_SIZE", unit->size); /* of a bucket or group */
	write_figure(header, name, "CONTROL_OFFSET", unit->control_offset);
	write_figure(header, name, "KEY_OFFSET", unit->key_offset);
	write_figure(header, name, "KEY_STRIDE", unit->key_stride);
	write_figure(header, name, "KEY_SIZE", map->key_size);
	write_figure(header, name, "KEY_INDIRECT", map->key_indirect);
	write_figure(header, name, "ELEM_OFFSET", unit->elem_offset);
	write_figure(header, name, "ELEM_STRIDE", unit->elem_stride);
	write_figure(header, name, "ELEM_SIZE", map->elem_size);
	write_figure(header, name, "ELEM_INDIRECT", map->elem_indirect);
	if (map->implementation == MAP_CLASSIC)
		write_figure(header, name, "OVERFLOW_OFFSET", unit->overflow_offset);
	output_text(header->output, "};\n");
	assert_slots(header, name, "KEY");
	assert_slots(header, name, "ELEM");
	output_format(header->output, "_Static_assert(%s_CONTROL_OFFSET + GO_MAP_SLOTS <= %s_UNIT_SIZE, \"%s\");\n", name, name,
		      name);
	if (map->implementation == MAP_CLASSIC)
		output_format(header->output,
			      "_Static_assert(%s_OVERFLOW_OFFSET + GO_WORD_SIZE <= %s_UNIT_SIZE, \"%s\");\n", name, name,
			      name);
	free(name);
	buffer_free(&plain);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void write_constants(struct c_header *header)
{
	const struct layout_set *set = header->set;

	output_text(header->output, "\n/* constants of the runtime, by their names in Go */\n");
	for (size_t i = 0; i < set->constant_count; i++) {
		struct buffer plain = { 0 };

		layout_name_struct(&plain, set->constants[i].name);

		char *name = settle(header, "GO_%s", buffer_text(&plain));

		write_constant(header, name, set->constants[i].value);
		free(name);
		buffer_free(&plain);
	}
}

static void write_head(struct c_header *header)
{
	const struct layout_set *set = header->set;
	char *title =
		xasprintf("Layouts of %s, GOARCH %s, %s maps, from %s: written by mapscope layout --format c.",
			  set->go ? set->go : "Go", set->architecture, set->implementation ? set->implementation : "no",
			  strcmp(set->source, "dwarf") == 0 ? "DWARF" : "the table of versions");

	write_comment(header, "", title);
	free(title);
	output_text(header->output, "/* GO_STRUCT_SIZE, GO_STRUCT_FIELD_OFFSET and GO_STRUCT_FIELD_SIZE are bytes. "
				    "struct go_STRUCT is what lies in memory, in the\n"
				    "   byte order of the program; pointers are numbers. */\n"
				    "#ifndef GO_LAYOUT_H\n#define GO_LAYOUT_H\n\n"
				    "#ifndef GO_LAYOUT_NO_STDINT /* define it where vmlinux.h has declared uint8_t to "
				    "uint64_t */\n#include <stdint.h>\n#endif\n\n");
	output_format(header->output,
		      "/* macros, for #if */\n#define GO_WORD_SIZE %u\n#define GO_BIG_ENDIAN %d\n#define GO_SWISS_MAPS "
		      "%d\n#define GO_MAP_SLOTS %d\n"
		      "#define GO_MAP_INDIRECT_ABOVE %d /* larger keys and elems are behind a pointer */\n",
		      set->word_size, set->big_endian,
		      set->implementation != NULL && strcmp(set->implementation, "swiss") == 0, MAP_SLOTS,
		      MAP_INDIRECT_ABOVE);
}

void layout_c_write(struct output *output, const struct layout_set *set, bool with_maps)
{
	struct c_header header = { .output = output, .set = set };

	write_head(&header);
	write_constants(&header);
	for (size_t i = 0; i < set->struct_count; i++)
		write_struct(&header, &set->structs[i]);
	for (size_t i = 0; with_maps && i < set->map_count; i++)
		write_map(&header, &set->maps[i]);
	output_text(output, "\n#endif\n");
	table_free(&header.names.given);
}
