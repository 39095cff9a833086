/* What is known of all Go versions, as one document. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render/layout.h"
#include "render/layout_name.h"
#include "util/alloc.h"

void layout_table_write_json(struct json *json, const struct layout_sets *sets)
{
	json_object_begin(json);
	json_key(json, "versions");
	json_array_begin(json);
	for (size_t i = 0; i < sets->count; i++)
		layout_json_write(json, &sets->sets[i]);
	json_array_end(json);
	json_object_end(json);
}

/* --- every field that there is ---------------------------------------------------------------------------------- */

/* A field of a struct in some version; or the struct itself (field NULL). */
struct column {
	const char *owner, *field;
};

struct columns {
	struct column *items;
	size_t count, capacity;
};

static void add_column(struct columns *columns, const char *owner, const char *field)
{
	for (size_t i = columns->count; i-- > 0 && strcmp(columns->items[i].owner, owner) == 0;)
		if ((columns->items[i].field == NULL) == (field == NULL) &&
		    (field == NULL || strcmp(columns->items[i].field, field) == 0))
			return;
	ARRAY_RESERVE(columns->items, columns->count, columns->capacity);
	columns->items[columns->count++] = (struct column){ owner, field };
}

/* Struct by struct, in the order of layout_runtime_structs; fields in that of the versions. */
static void find_columns(const struct layout_sets *sets, struct columns *out)
{
	for (const struct runtime_name *row = layout_runtime_structs; row->names[0] != NULL; row++) {
		for (size_t i = 0; i < ARRAY_SIZE(row->names) && row->names[i] != NULL; i++) {
			for (size_t s = 0; s < sets->count; s++) {
				const struct layout_struct *layout = layout_set_struct(&sets->sets[s], row->names[i]);

				if (layout == NULL)
					continue;
				add_column(out, layout->name, NULL);
				for (size_t f = 0; f < layout->field_count; f++)
					add_column(out, layout->name, layout->fields[f].name);
			}
		}
	}
}

static bool place_of(const struct layout_set *set, const struct column *column, struct layout_place *out)
{
	const struct layout_struct *layout = layout_set_struct(set, column->owner);
	const struct layout_field *field =
		layout != NULL && column->field != NULL ? layout_field_find(layout, column->field) : NULL;

	if (layout == NULL || (column->field != NULL && field == NULL))
		return false;
	*out = field != NULL ? (struct layout_place){ .offset = field->offset, .size = field->size }
			     : (struct layout_place){ .size = layout->size };
	return true;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* Where a field is in one version, with words of 8 and of 4 bytes. */
struct moment {
	const char *go;
	bool there;
	struct layout_place places[2];
};

/* A version has several sets: the first that has the struct counts, for they agree on it. */
static size_t find_moments(const struct layout_sets *sets, const struct column *column, struct moment *out)
{
	size_t count = 0;

	for (size_t i = 0; i < sets->count; i++) {
		const struct layout_set *set = &sets->sets[i];

		if (count == 0 || strcmp(out[count - 1].go, set->go) != 0)
			out[count++] = (struct moment){ .go = set->go };
		if (place_of(set, column, &out[count - 1].places[set->word_size == 4]))
			out[count - 1].there = true;
	}
	return count;
}

static bool is_same(const struct moment *a, const struct moment *b)
{
	return a->there == b->there && memcmp(a->places, b->places, sizeof(a->places)) == 0;
}

static void write_place(struct text_table *table, const struct column *column, const struct layout_place *place)
{
	if (column->field == NULL)
		text_table_cell(table, "%s", "");
	else
		text_table_cell(table, "%" PRIu64, place->offset);
	text_table_cell(table, "%" PRIu64, place->size);
}

static void write_moments(struct text_table *table, const struct column *column, const struct moment *moments,
			  size_t count)
{
	for (size_t i = 0; i < count;) {
		size_t end = i + 1;

		while (end < count && is_same(&moments[i], &moments[end]))
			end++;
		if (moments[i].there) {
			bool several = end - i > 1;

			text_table_row(table);
			text_table_cell(table, "%s", column->field == NULL ? "(whole)" : column->field);
			text_table_cell(table, "%s%s%s", moments[i].go + strlen("go"), several ? " ... " : "",
					several ? moments[end - 1].go + strlen("go") : "");
			write_place(table, column, &moments[i].places[0]);
			write_place(table, column, &moments[i].places[1]);
		}
		i = end;
	}
}

static struct error *write_owner(const struct text *text, const struct layout_sets *sets, const struct column *columns,
				 size_t count, struct moment *moments)
{
	struct text_table *table = text_table_create(text);

	text_begin(text, TEXT_HEADING);
	text_plain(text->output, columns[0].owner);
	text_end(text, TEXT_HEADING);
	output_char(text->output, '\n');
	text_table_column(table, "FIELD", TEXT_LEFT);
	text_table_column(table, "GO", TEXT_LEFT);
	text_table_column(table, "AMD64", TEXT_RIGHT);
	text_table_column(table, "SIZE", TEXT_RIGHT);
	text_table_column(table, "386", TEXT_RIGHT);
	text_table_column(table, "SIZE", TEXT_RIGHT);
	for (size_t i = 0; i < count; i++)
		write_moments(table, &columns[i], moments, find_moments(sets, &columns[i], moments));

	struct error *error = text_table_write(table);

	output_char(text->output, '\n');
	return error;
}

struct error *layout_table_write_text(const struct text *text, const struct layout_sets *sets)
{
	struct columns columns = { 0 };
	struct moment *moments = xcalloc(sets->count + 1, sizeof(*moments));
	struct error *error = NULL;

	find_columns(sets, &columns);
	for (size_t i = 0, end; i < columns.count && error == NULL; i = end) {
		for (end = i + 1; end < columns.count && strcmp(columns.items[end].owner, columns.items[i].owner) == 0;)
			end++;
		error = write_owner(text, sets, &columns.items[i], end - i, moments);
	}
	free(columns.items);
	free(moments);
	return error;
}

/* --- C ------------------------------------------------------------------------------------------------------------ */

static void write_member_name(struct output *output, struct layout_names *names, const struct column *column)
{
	struct buffer name = { 0 };

	layout_name_struct(&name, column->owner);
	/* of two instances of a generic type the second has to differ */
	if (strstr(column->owner, "go.shape") != NULL)
		buffer_append_text(&name, "_shape");
	if (column->field != NULL) {
		buffer_append_text(&name, "_");
		layout_name_word(&name, column->field);
	} else {
		buffer_append_text(&name, "_SIZE");
	}
	layout_name_settle(names, &name);
	output_format(output, "\t%s %s;\n", column->field != NULL ? "struct go_field" : "uint32_t", buffer_text(&name));
	buffer_free(&name);
}

static void write_constant_name(struct output *output, struct layout_names *names, const char *constant)
{
	struct buffer name = { 0 };

	layout_name_struct(&name, constant);
	layout_name_settle(names, &name);
	output_format(output, "\tuint32_t %s;\n", buffer_text(&name));
	buffer_free(&name);
}

static void write_declaration(struct output *output, const struct columns *columns)
{
	struct layout_names names = { 0 };

	output_text(output, "struct go_version_layout {\n\tuint32_t minor; /* N of Go 1.N */\n\tuint32_t word_size; /* "
			    "bytes: 8 linux/amd64, 4 "
			    "linux/386 */\n\tuint32_t swiss_maps; /* 0: classic */\n");
	for (size_t i = 0; i < columns->count; i++)
		write_member_name(output, &names, &columns->items[i]);
	for (const char *const *name = layout_runtime_constants; *name != NULL; name++)
		write_constant_name(output, &names, *name);
	output_text(output, "};\n\n");
	table_free(&names.given);
}

static void write_value(struct output *output, bool there, uint64_t value)
{
	if (there && value < UINT32_MAX)
		output_format(output, " %" PRIu64 ",", value);
	else
		output_text(output, " GO_ABSENT,");
}

static void write_row(struct output *output, const struct columns *columns, const struct layout_set *set)
{
	output_format(output, "\t{ /* %s %s, %s */\n\t %s, %u, %d,", set->go, set->architecture, set->implementation,
		      set->go + strlen("go1."), set->word_size, strcmp(set->implementation, "swiss") == 0);
	for (size_t i = 0; i < columns->count; i++) {
		struct layout_place place = { 0 };
		bool there = place_of(set, &columns->items[i], &place);

		if (columns->items[i].field == NULL) {
			output_text(output, "\n\t");
			write_value(output, there, place.size);
		} else if (there) {
			output_format(output, " { %" PRIu64 ", %" PRIu64 " },", place.offset, place.size);
		} else {
			output_text(output, " { GO_ABSENT, 0 },");
		}
	}
	output_text(output, "\n\t");
	for (const char *const *name = layout_runtime_constants; *name != NULL; name++) {
		const struct layout_constant *constant = layout_set_constant(set, *name);

		write_value(output, constant != NULL, constant != NULL ? constant->value : 0);
	}
	output_text(output, "\n\t},\n");
}

void layout_table_write_c(struct output *output, const struct layout_sets *sets)
{
	struct columns columns = { 0 };

	find_columns(sets, &columns);
	output_text(output, "/* Layouts of the Go runtime by version: written by mapscope layout --version-table "
			    "--format c. Sizes and offsets are bytes. */\n"
			    "#ifndef GO_VERSION_LAYOUT_H\n#define GO_VERSION_LAYOUT_H\n\n"
			    "#ifndef GO_LAYOUT_NO_STDINT /* define it where vmlinux.h has declared uint32_t "
			    "*/\n#include <stdint.h>\n#endif\n\n"
			    "/* An offset, size or constant that a version does not have. */\n#define GO_ABSENT "
			    "UINT32_C(0xffffffff)\n\n"
			    "struct go_field {\n\tuint32_t offset, size;\n};\n\n");
	write_declaration(output, &columns);
	output_text(output, "static const struct go_version_layout go_version_layouts[] = {\n");
	for (size_t i = 0; i < sets->count; i++)
		write_row(output, &columns, &sets->sets[i]);
	output_format(output, "};\n\nenum { GO_VERSION_LAYOUTS = %zu };\n", sets->count);
	output_text(output,
		    "_Static_assert(sizeof(go_version_layouts) == GO_VERSION_LAYOUTS * sizeof(go_version_layouts[0]), "
		    "\"rows\");\n\n"
		    "/* 0: not known. */\n"
		    "static inline const struct go_version_layout *go_version_layout(uint32_t minor, uint32_t "
		    "word_size, uint32_t swiss_maps)\n{\n"
		    "\tfor (uint32_t i = 0; i < GO_VERSION_LAYOUTS; i++)\n"
		    "\t\tif (go_version_layouts[i].minor == minor && go_version_layouts[i].word_size == word_size &&\n"
		    "\t\t    go_version_layouts[i].swiss_maps == swiss_maps)\n"
		    "\t\t\treturn &go_version_layouts[i];\n\treturn 0;\n}\n\n#endif\n");
	free(columns.items);
}
