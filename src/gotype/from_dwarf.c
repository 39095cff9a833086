/* Types from DWARF: cmd/link/internal/ld/dwarf.go writes them. */
#include <dwarf.h>
#include <string.h>

#include "gotype/private.h"
#include "gotype/spelling.h"
#include "layout/map.h"
#include "util/alloc.h"

/* DW_AT_go_kind holds a reflect.Kind; old versions put flags above. */
enum { KIND_MASK = 0x1f };

/* C's types (cgo) have no go_kind. */
static enum go_kind kind_of_base(Dwarf_Die *die, uint64_t size)
{
	uint64_t encoding = 0;
	int power = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;

	debug_number(die, DW_AT_encoding, &encoding);
	switch (encoding) {
	case DW_ATE_boolean:
		return GO_BOOL;
	case DW_ATE_float:
		return size == 4 ? GO_FLOAT32 : size == 8 ? GO_FLOAT64 : GO_INVALID;
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		return power < 0 ? GO_INVALID : (enum go_kind)(GO_INT8 + power);
	case DW_ATE_unsigned:
	case DW_ATE_unsigned_char:
		return power < 0 ? GO_INVALID : (enum go_kind)(GO_UINT8 + power);
	default:
		return GO_INVALID;
	}
}

static bool is_named(Dwarf_Die *die, const char *wanted)
{
	const char *name = dwarf_diename(die);

	return name != NULL && strcmp(name, wanted) == 0;
}

static enum go_kind kind_of(Dwarf_Die *die, uint64_t size)
{
	uint64_t kind = 0;

	debug_number(die, DW_AT_go_kind, &kind);
	kind &= KIND_MASK;
	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		return kind ? (enum go_kind)kind : kind_of_base(die, size);
	case DW_TAG_structure_type:
		return kind ? (enum go_kind)kind : GO_STRUCT; /* hash<K,V> and the like say 0 */
	case DW_TAG_array_type:
		return GO_ARRAY;
	case DW_TAG_subroutine_type:
		return GO_FUNC;
	case DW_TAG_pointer_type: /* until 1.22 unsafe.Pointer's says no kind (cmd/link/internal/ld/dwarf.go, BARE_PTRTYPE) */
		return kind == GO_UNSAFE_POINTER || is_named(die, "unsafe.Pointer") ? GO_UNSAFE_POINTER : GO_POINTER;
	case DW_TAG_typedef: /* map, chan and interface types are typedefs with a kind */
		return (enum go_kind)kind;
	default:
		return GO_INVALID;
	}
}

static struct error *bad_die(struct program *program, uint64_t die, const char *why)
{
	return error_new(ERROR_TARGET, "%s: DWARF offset 0x%llx: %s", program->binary->path, (unsigned long long)die, why);
}

/* A typedef without a kind only names another type: the type of that one is taken. */
static struct error *alias(struct program *program, Dwarf_Die *die, struct gotype **out)
{
	uint64_t next;

	if (!debug_reference(die, DW_AT_type, &next))
		return bad_die(program, dwarf_dieoffset(die), "a typedef of nothing");
	return program_type_at(program, next, out);
}

static struct error *create(struct program *program, Dwarf_Die *die, struct gotype **out)
{
	uint64_t offset = dwarf_dieoffset(die);
	struct gotype *type = program_allocate(program, sizeof(*type));
	const char *name = dwarf_diename(die);

	type->program = program;
	type->die = offset;
	type->name = name ? name : "?";
	/* a base type without a size, or a type of C that Go has none for, is kept with kind 0: only printing it fails */
	if (!layout_size(program->binary, offset, &type->size))
		type->size = 0;
	type->kind = kind_of(die, type->size);
	debug_number(die, DW_AT_go_runtime_type, &type->runtime_offset);
	if (!gotype_size_fits(type->kind, type->size, program->machine.word_size))
		type->kind = GO_INVALID;
	table_put(&program->types_by_die, offset, (uintptr_t)type);
	*out = type;
	return NULL;
}

struct error *program_type_at(struct program *program, uint64_t offset, struct gotype **out)
{
	const uint64_t *known = table_get(&program->types_by_die, offset);
	Dwarf_Die die;
	uint64_t kind;

	if (known != NULL) {
		*out = (struct gotype *)(uintptr_t)*known;
		return NULL;
	}
	if (!debug_die(program->binary->debug, offset, &die))
		return bad_die(program, offset, "no DIE");
	if (program->depth == GOTYPE_DEPTH_LIMIT)
		return bad_die(program, offset, "typedefs nested too deeply");
	if (dwarf_tag(&die) != DW_TAG_typedef || debug_number(&die, DW_AT_go_kind, &kind))
		return create(program, &die, out);
	program->depth++;

	struct error *error = alias(program, &die, out);

	program->depth--;
	return error;
}

struct error *program_type_named(struct program *program, const char *name, struct gotype **out)
{
	uint64_t die;

	if (program->binary == NULL)
		return gotype_of_spelling(program, name, out);
	/* without DWARF it is asked for by what the program itself says of its types; of most of the runtime's that is nothing */
	if (debug_is_made(program->binary->debug) && program->memory != NULL) {
		struct error *error = gotype_find_described(program, name, out);

		if (error == NULL)
			return NULL;
		error_free(error);
	}
	if (!debug_find_type(program->binary->debug, name, &die))
		return error_new(ERROR_TARGET, "%s: no such type in %s", name, program->binary->path);
	return program_type_at(program, die, out);
}

/* --- completing -------------------------------------------------------------------------------------------- */

static struct error *type_of(struct gotype *type, Dwarf_Die *die, unsigned attribute, struct gotype **out)
{
	uint64_t reference;

	if (!debug_reference(die, attribute, &reference))
		return bad_die(type->program, dwarf_dieoffset(die), "its key, element or member type is missing");
	return program_type_at(type->program, reference, out);
}

/* Go 1.8 has no attribute for embedded fields and names them by their type: "*main.inner" is the field inner. */
static void name_field(const struct layout_field *from, struct gotype_field *field)
{
	const char *dot = strrchr(from->name, '.');

	field->name = dot ? dot + 1 : from->name[0] == '*' ? from->name + 1 : from->name;
	field->embedded = from->embedded || field->name != from->name;
}

static struct error *complete_struct(struct gotype *type, Dwarf_Die *die)
{
	struct layout_struct layout;

	TRY(layout_struct_at(type->program->binary, dwarf_dieoffset(die), &layout));

	struct error *error = NULL;

	type->fields = program_allocate(type->program, layout.field_count * sizeof(*type->fields));
	for (size_t i = 0; i < layout.field_count && error == NULL; i++) {
		const struct layout_field *from = &layout.fields[i];
		struct gotype_field *field = &type->fields[i];

		name_field(from, field);
		field->offset = from->offset;
		error = program_type_at(type->program, from->type_die, &field->type);
		if (error == NULL && (field->offset > type->size || field->type->size > type->size - field->offset))
			error = error_new(ERROR_TARGET, "field %s lies outside", field->name);
	}
	if (error == NULL)
		type->field_count = layout.field_count;
	layout_struct_free(&layout);
	return error;
}

static struct error *complete_map(struct gotype *type, Dwarf_Die *die)
{
	struct map_layout *layout = program_allocate(type->program, sizeof(*layout));

	TRY(type_of(type, die, DW_AT_go_key, &type->key));
	TRY(type_of(type, die, DW_AT_go_elem, &type->elem));
	TRY(map_layout_load(type->program->binary, dwarf_dieoffset(die), type->key->size, type->elem->size, layout));
	type->map_layout = layout;
	return NULL;
}

static struct error *complete_interface(struct gotype *type, Dwarf_Die *die)
{
	struct layout_struct layout;

	TRY(layout_struct_at(type->program->binary, dwarf_dieoffset(die), &layout)); /* runtime.eface or runtime.iface */
	type->has_methods = layout_field_find(&layout, "tab") != NULL;
	layout_struct_free(&layout);
	return NULL;
}

static struct error *complete_array(struct gotype *type, Dwarf_Die *die)
{
	uint64_t bytes;

	TRY(type_of(type, die, DW_AT_type, &type->elem));
	if (!layout_array_length(die, &type->length) || __builtin_mul_overflow(type->length, type->elem->size, &bytes) ||
	    bytes > type->size)
		return bad_die(type->program, dwarf_dieoffset(die), "an array without a sound length");
	return NULL;
}

static struct error *complete_slice(struct gotype *type, Dwarf_Die *die)
{
	struct layout_struct layout;

	if (debug_reference(die, DW_AT_go_elem, &(uint64_t){ 0 }))
		return type_of(type, die, DW_AT_go_elem, &type->elem);
	/* without Go's attribute: what the field array points to */
	TRY(layout_struct_at(type->program->binary, dwarf_dieoffset(die), &layout));

	const struct layout_field *array = layout_field_find(&layout, "array");
	struct gotype *pointer = NULL;
	struct error *error = array ? program_type_at(type->program, array->type_die, &pointer)
				    : bad_die(type->program, dwarf_dieoffset(die), "a slice without an element type");

	layout_struct_free(&layout);
	if (error == NULL)
		error = gotype_complete(pointer);
	if (error == NULL)
		type->elem = pointer->elem;
	if (error == NULL && type->elem == NULL)
		error = bad_die(type->program, dwarf_dieoffset(die), "a slice without an element type");
	return error;
}

struct error *gotype_complete_from_dwarf(struct gotype *type)
{
	Dwarf_Die die;

	if (!debug_die(type->program->binary->debug, type->die, &die))
		return bad_die(type->program, type->die, "no DIE");
	switch (type->kind) {
	case GO_STRUCT:
		return complete_struct(type, &die);
	case GO_MAP:
		return complete_map(type, &die);
	case GO_INTERFACE:
		return complete_interface(type, &die);
	case GO_ARRAY:
		return complete_array(type, &die);
	case GO_SLICE:
		return complete_slice(type, &die);
	case GO_CHAN:
		if (!debug_reference(&die, DW_AT_go_elem, &(uint64_t){ 0 }))
			return NULL;
		return type_of(type, &die, DW_AT_go_elem, &type->elem);
	case GO_POINTER: {
		uint64_t reference;

		if (!debug_reference(&die, DW_AT_type, &reference))
			return NULL; /* unsafe.Pointer-like */
		return program_type_at(type->program, reference, &type->elem);
	}
	default:
		return NULL;
	}
}
