#include <stdlib.h>
#include <string.h>

#include "analysis/expression.h"
#include "analysis/layout_set.h"
#include "binary/debug.h"
#include "layout/table.h"
#include "util/alloc.h"

struct reading {
	struct program *program;
	char **wanted; /* as DWARF spells them */
	size_t wanted_count;
	struct table seen; /* gotypes */
	struct findings *findings;
	struct layout_set *set;
};

static bool is_wanted(const struct reading *reading, const char *name)
{
	for (size_t i = 0; i < reading->wanted_count; i++)
		if (strcmp(name, reading->wanted[i]) == 0)
			return true;
	return reading->wanted_count == 0;
}

static void add_map(struct layout_set *set, const struct gotype *type)
{
	const struct map_layout *layout = type->map_layout;
	struct layout_map_type map = {
		.name = type->name,
		.implementation = layout->implementation,
		.unit = layout->unit,
		.key_size = type->key->size,
		.elem_size = type->elem->size,
		.key_indirect = layout->key_indirect,
		.elem_indirect = layout->elem_indirect,
	};

	layout_set_add_map(set, &map);
}

static bool keep_map_type(void *context, const char *name, uint64_t die)
{
	struct reading *reading = context;
	Dwarf_Die typedef_die;
	uint64_t kind;
	struct gotype *type;

	if (!is_wanted(reading, name) || !debug_die(reading->program->binary->debug, die, &typedef_die) ||
	    !debug_number(&typedef_die, DW_AT_go_kind, &kind) || (kind & 0x1f) != GO_MAP)
		return true;

	struct error *error = program_type_at(reading->program, die, &type);

	if (error == NULL)
		error = gotype_complete(type);
	if (error != NULL) {
		findings_add_error(reading->findings, taddr_of(0), error, "%s", name);
		return true;
	}
	if (type->kind == GO_MAP && table_put(&reading->seen, (uintptr_t)type, 0))
		add_map(reading->set, type);
	return true;
}

static struct error *read_structs(struct binary *binary, struct layout_set *set)
{
	for (const struct runtime_name *row = layout_runtime_structs; row->names[0] != NULL; row++) {
		bool found = false;

		for (size_t i = 0; !found && i < ARRAY_SIZE(row->names) && row->names[i] != NULL; i++) {
			struct layout_struct layout;
			uint64_t die;

			found = debug_find_type(binary->debug, row->names[i], &die);
			if (!found)
				continue;
			TRY(layout_struct_at(binary, die, &layout));
			layout_set_add_struct(set, &layout);
		}
	}
	return NULL;
}

/* DWARF has constants from Go 1.10 on. */
static void read_constants(struct program *program, struct layout_set *set)
{
	bool older = program->binary->go_minor != 0 && program->binary->go_minor < 10;
	uint64_t value;

	for (const char *const *name = layout_runtime_constants; *name != NULL; name++)
		if (debug_find_constant(program->binary->debug, *name, &value) ||
		    (older && layout_constant_known(*name, program->version, set->word_size, MAP_CLASSIC, &value)))
			layout_set_add_constant(set, *name, value);
}

static void read_head(struct binary *binary, struct layout_set *set)
{
	struct map_layout header;
	struct error *error = map_layout_load_header(binary, &header);

	set->go = binary->go_version;
	set->architecture = layout_architecture(&binary->machine);
	set->implementation = error == NULL ? map_implementation_name(header.implementation) : NULL;
	set->source = debug_is_made(binary->debug) ? "table" : "dwarf";
	set->word_size = binary->machine.word_size;
	set->big_endian = binary->machine.big_endian;
	error_free(error);
}

static struct error *check_wanted(const struct reading *reading, char *const *wanted)
{
	for (size_t i = 0; i < reading->wanted_count; i++)
		if (layout_set_map(reading->set, reading->wanted[i]) == NULL)
			return error_hint(error_new(ERROR_TARGET, "%s: no such map type in %s", wanted[i],
						    reading->program->binary->path),
					  "mapscope layout without a type lists them");
	return NULL;
}

static struct error *read_all(struct reading *reading, char *const *wanted)
{
	struct binary *binary = reading->program->binary;

	read_head(binary, reading->set);
	TRY(read_structs(binary, reading->set));
	read_constants(reading->program, reading->set);
	debug_each_type(binary->debug, keep_map_type, reading);
	return check_wanted(reading, wanted);
}

struct error *layout_set_read(struct program *program, char *const *wanted, size_t count, struct findings *findings,
			      struct layout_set *out)
{
	struct layout_set set = { 0 };
	struct reading reading = { .program = program, .wanted_count = count, .findings = findings, .set = &set };

	reading.wanted = xcalloc(count + 1, sizeof(*reading.wanted));
	for (size_t i = 0; i < count; i++)
		reading.wanted[i] = expression_type_spelling(wanted[i]);

	struct error *error = read_all(&reading, wanted);

	for (size_t i = 0; i < count; i++)
		free(reading.wanted[i]);
	free(reading.wanted);
	table_free(&reading.seen);
	if (error != NULL)
		layout_set_free(&set);
	*out = set;
	return error;
}
