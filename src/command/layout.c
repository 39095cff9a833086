#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/expression.h"
#include "binary/debug.h"
#include "command/command.h"
#include "util/alloc.h"
#include "util/table.h"

/* The runtime's structs of both implementations; a binary has some of them. */
static const char *const struct_names[] = {
	"runtime.hmap",	      "runtime.mapextra",		  "runtime.bmap",
	"internal/runtime/maps.Map", "internal/runtime/maps.table", "internal/runtime/maps.groupsReference",
};

struct layouts {
	struct layout_struct structs[ARRAY_SIZE(struct_names)];
	size_t struct_count;
	struct gotype **maps; /* completed */
	size_t map_count, map_capacity;
	struct table seen;
	struct session *session;
	char *wanted; /* the one type asked for; NULL: all */
};

/* --- collecting --------------------------------------------------------------------------------------------------- */

static bool keep_map_type(void *context, const char *name, uint64_t die)
{
	struct layouts *layouts = context;
	Dwarf_Die typedef_die;
	uint64_t kind;
	struct gotype *type;

	if (layouts->wanted != NULL && strcmp(name, layouts->wanted) != 0)
		return true;
	if (!debug_die(layouts->session->binary->debug, die, &typedef_die) ||
	    !debug_number(&typedef_die, DW_AT_go_kind, &kind) || (kind & 0x1f) != GO_MAP)
		return true;

	struct error *error = program_type_at(layouts->session->program, die, &type);

	if (error == NULL)
		error = gotype_complete(type);
	if (error != NULL) {
		findings_add_error(&layouts->session->findings, taddr_of(0), error, "%s", name);
		return true;
	}
	if (type->kind == GO_MAP && table_put(&layouts->seen, (uintptr_t)type, 0)) {
		ARRAY_RESERVE(layouts->maps, layouts->map_count, layouts->map_capacity);
		layouts->maps[layouts->map_count++] = type;
	}
	return true;
}

static struct error *collect(struct layouts *layouts)
{
	struct session *session = layouts->session;
	const char *wanted = session->invocation->argument_count != 0 ? session->invocation->arguments[0] : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(struct_names); i++) {
		uint64_t die;

		if (!debug_find_type(session->binary->debug, struct_names[i], &die))
			continue;
		TRY(layout_struct_at(session->binary, die, &layouts->structs[layouts->struct_count]));
		layouts->struct_count++;
	}
	if (wanted != NULL)
		layouts->wanted = expression_type_spelling(wanted);
	debug_each_type(session->binary->debug, keep_map_type, layouts);
	if (layouts->map_count == 0 && wanted != NULL)
		return error_hint(error_new(ERROR_TARGET, "%s: no such map type in %s", wanted,
					    session->binary->path),
				  "mapscope layout without a type lists them");
	return NULL;
}

static void forget(struct layouts *layouts)
{
	for (size_t i = 0; i < layouts->struct_count; i++)
		layout_struct_free(&layouts->structs[i]);
	free(layouts->maps);
	free(layouts->wanted);
	table_free(&layouts->seen);
}

/* --- machines and implementations ----------------------------------------------------------------------------------- */

static const char *architecture(const struct machine *machine)
{
	switch (machine->elf_machine) {
	case EM_X86_64:
		return "amd64";
	case EM_386:
		return "386";
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "arm";
	case EM_PPC64:
		return machine->big_endian ? "ppc64" : "ppc64le";
	case EM_S390:
		return "s390x";
	case EM_RISCV:
		return "riscv64";
	default:
		return "unknown";
	}
}

static const char *implementation(const struct layouts *layouts)
{
	struct map_layout header;
	struct error *error = map_layout_load_header(layouts->session->binary, &header);
	const char *name = error ? NULL : map_implementation_name(header.implementation);

	error_free(error);
	return name;
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void json_struct(struct json *json, const struct layout_struct *layout)
{
	json_key(json, layout->name);
	json_object_begin(json);
	json_field_unsigned(json, "size", layout->size);
	json_key(json, "fields");
	json_object_begin(json);
	for (size_t i = 0; i < layout->field_count; i++) {
		const struct layout_field *field = &layout->fields[i];

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

static void json_map(struct json *json, const struct gotype *type)
{
	const struct map_layout *layout = type->map_layout;
	const struct map_unit_layout *unit = &layout->unit;
	bool classic = layout->implementation == MAP_CLASSIC;

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
	json_field_unsigned(json, "key_size", type->key->size);
	json_field_unsigned(json, "elem_size", type->elem->size);
	json_field_bool(json, "key_indirect", layout->key_indirect);
	json_field_bool(json, "elem_indirect", layout->elem_indirect);
	json_object_end(json);
}

static void print_json(const struct layouts *layouts)
{
	struct session *session = layouts->session;
	struct json *json = session->json;

	json_object_begin(json);
	json_field_name(json, "go", session->binary->go_version);
	json_field_name(json, "arch", architecture(&session->binary->machine));
	json_field_name(json, "implementation", implementation(layouts));
	json_field_name(json, "source", "dwarf");
	json_key(json, "structs");
	json_object_begin(json);
	for (size_t i = 0; i < layouts->struct_count; i++)
		json_struct(json, &layouts->structs[i]);
	json_object_end(json);
	json_key(json, "maps");
	json_object_begin(json);
	for (size_t i = 0; i < layouts->map_count; i++) {
		json_key(json, layouts->maps[i]->name);
		json_map(json, layouts->maps[i]);
	}
	json_object_end(json);
	json_object_end(json);
	json_end_line(json);
}

/* A line a map type. */
static void print_ndjson(const struct layouts *layouts)
{
	struct json *json = layouts->session->json;

	for (size_t i = 0; i < layouts->map_count; i++) {
		json_object_begin(json);
		json_field_name(json, "type", layouts->maps[i]->name);
		json_key(json, "layout");
		json_map(json, layouts->maps[i]);
		json_object_end(json);
		json_end_line(json);
	}
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static void struct_row(struct text_table *table, uint64_t offset, uint64_t size, const char *name, const char *type)
{
	text_table_row(table);
	text_table_cell(table, "%" PRIu64, offset);
	text_table_cell(table, "%" PRIu64, size);
	text_table_cell(table, "%s", name);
	text_table_cell(table, "%s", type);
}

static struct error *print_struct(const struct text *text, const struct layout_struct *layout)
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
			struct_row(table, end, field->offset - end, "(hole)", "");
		struct_row(table, field->offset, field->size, field->name, field->type);
		end = field->offset + field->size;
	}
	if (layout->size > end)
		struct_row(table, end, layout->size - end, "(hole)", "");

	struct error *error = text_table_write(table);

	output_char(text->output, '\n');
	return error;
}

static void map_row(struct text_table *table, const struct gotype *type, bool classic)
{
	const struct map_layout *layout = type->map_layout;
	const struct map_unit_layout *unit = &layout->unit;

	text_table_row(table);
	text_table_cell(table, "%s", type->name);
	text_table_cell(table, "%u", unit->size);
	text_table_cell(table, "%u + i*%u", unit->key_offset, unit->key_stride);
	text_table_cell(table, "%u + i*%u", unit->elem_offset, unit->elem_stride);
	if (classic)
		text_table_cell(table, "%u", unit->overflow_offset);
	text_table_cell(table, "%s", layout->key_indirect && layout->elem_indirect ? "key, elem"
				     : layout->key_indirect			    ? "key"
				     : layout->elem_indirect			    ? "elem"
										    : "");
}

static struct error *print_text(const struct layouts *layouts)
{
	const struct text *text = &layouts->session->text;
	bool classic = layouts->map_count != 0 && layouts->maps[0]->map_layout->implementation == MAP_CLASSIC;

	output_format(text->output, "%s %s, %s maps, from DWARF\n\n", layouts->session->binary->go_version ? layouts->session->binary->go_version : "Go",
		      architecture(&layouts->session->binary->machine), implementation(layouts) ? implementation(layouts) : "no");
	for (size_t i = 0; i < layouts->struct_count; i++)
		TRY(print_struct(text, &layouts->structs[i]));

	struct text_table *table = text_table_create(text);

	text_table_column(table, "MAP TYPE", TEXT_LEFT);
	text_table_column(table, classic ? "BUCKET" : "GROUP", TEXT_RIGHT);
	text_table_column(table, "KEY i AT", TEXT_LEFT);
	text_table_column(table, "ELEM i AT", TEXT_LEFT);
	if (classic)
		text_table_column(table, "OVERFLOW", TEXT_RIGHT);
	text_table_column(table, "INDIRECT", TEXT_LEFT);
	for (size_t i = 0; i < layouts->map_count; i++)
		map_row(table, layouts->maps[i], classic);
	return text_table_write(table);
}

static struct error *run(struct session *session)
{
	struct layouts layouts = { .session = session };
	struct error *error = collect(&layouts);

	if (error == NULL) {
		if (session->invocation->format == FORMAT_JSON)
			print_json(&layouts);
		else if (session->invocation->format == FORMAT_NDJSON)
			print_ndjson(&layouts);
		else
			error = print_text(&layouts);
	}
	forget(&layouts);
	return error;
}

const struct command command_layout = {
	.name = "layout",
	.summary = "Show how this binary's maps lie in memory",
	.arguments = "[TYPE]",
	.arguments_most = 1,
	.target = TARGET_ANY,
	.options = OPTIONS_PROGRAM,
	.description = "The runtime's map structs field by field, then for each map type its bucket (classic) or group (Swiss): its size, where "
		       "key i and elem i lie in it for i from 0 to 7, and whether they are stored behind a pointer (more than "
		       "128 bytes). All sizes and offsets are bytes.",
	.run = run,
};
