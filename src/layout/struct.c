#include "layout/struct.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

/* No chain of typedefs, no array of arrays of ... is longer in a real program. */
enum { NESTING_LIMIT = 64, FIELD_LIMIT = 100000 };

bool layout_strip(struct binary *binary, uint64_t die, Dwarf_Die *out)
{
	if (!debug_die(binary->debug, die, out))
		return false;
	for (int i = 0; i < NESTING_LIMIT; i++) {
		uint64_t next;

		if (dwarf_tag(out) != DW_TAG_typedef)
			return true;
		if (!debug_reference(out, DW_AT_type, &next) || !debug_die(binary->debug, next, out))
			return false;
	}
	return false;
}

bool layout_array_length(Dwarf_Die *array, uint64_t *out)
{
	Dwarf_Die child;

	if (dwarf_child(array, &child) != 0)
		return false;
	do {
		uint64_t upper;

		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (debug_number(&child, DW_AT_count, out))
			return true;
		if (debug_number(&child, DW_AT_upper_bound, &upper)) {
			*out = upper + 1;
			return true;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static bool size_of(struct binary *binary, uint64_t offset, int depth, uint64_t *out)
{
	Dwarf_Die die;
	uint64_t elem, elem_size, length;

	if (depth > NESTING_LIMIT || !layout_strip(binary, offset, &die))
		return false;
	if (debug_number(&die, DW_AT_byte_size, out))
		return true;
	switch (dwarf_tag(&die)) {
	case DW_TAG_pointer_type:
	case DW_TAG_subroutine_type:
		*out = binary->machine.word_size;
		return true;
	case DW_TAG_array_type:
		return debug_reference(&die, DW_AT_type, &elem) && size_of(binary, elem, depth + 1, &elem_size) &&
		       layout_array_length(&die, &length) && !__builtin_mul_overflow(elem_size, length, out);
	default:
		return false;
	}
}

bool layout_size(struct binary *binary, uint64_t die, uint64_t *out)
{
	return size_of(binary, die, 0, out);
}

static struct error *read_field(struct binary *binary, Dwarf_Die *member, struct layout_field *out)
{
	Dwarf_Die type;
	const char *name = dwarf_diename(member);

	uint64_t embedded = 0;

	debug_number(member, DW_AT_go_embedded_field, &embedded);
	out->embedded = embedded != 0;
	out->name = name ? name : "_";
	if (!debug_member_offset(member, &out->offset) || !debug_reference(member, DW_AT_type, &out->type_die) ||
	    !debug_die(binary->debug, out->type_die, &type) || !layout_size(binary, out->type_die, &out->size))
		return error_new(ERROR_TARGET, "field %s: its offset or type is not in the DWARF", out->name);

	const char *type_name = dwarf_diename(&type);

	out->type = type_name ? type_name : "?";
	return NULL;
}

static struct error *read_fields(struct binary *binary, Dwarf_Die *die, struct layout_struct *out)
{
	Dwarf_Die member;
	size_t capacity = 0;

	if (dwarf_child(die, &member) != 0)
		return NULL;
	do {
		if (dwarf_tag(&member) != DW_TAG_member)
			continue;
		if (out->field_count == FIELD_LIMIT)
			return error_new(ERROR_TARGET, "more than %d fields are no sound struct", FIELD_LIMIT);
		ARRAY_RESERVE(out->fields, out->field_count, capacity);
		TRY(read_field(binary, &member, &out->fields[out->field_count]));
		out->field_count++;
	} while (dwarf_siblingof(&member, &member) == 0);
	return NULL;
}

struct error *layout_struct_at(struct binary *binary, uint64_t offset, struct layout_struct *out)
{
	Dwarf_Die die;
	struct layout_struct layout = { 0 };

	if (!layout_strip(binary, offset, &die) || dwarf_tag(&die) != DW_TAG_structure_type ||
	    !debug_number(&die, DW_AT_byte_size, &layout.size))
		return error_new(ERROR_TARGET, "%s: DWARF offset 0x%llx is not a struct with a size", binary->path,
				 (unsigned long long)offset);

	const char *name = dwarf_diename(&die);

	layout.name = name ? name : "struct";

	struct error *error = read_fields(binary, &die, &layout);

	if (error != NULL) {
		layout_struct_free(&layout);
		return error_wrap(error, "%s: struct %s", binary->path, layout.name);
	}
	*out = layout;
	return NULL;
}

struct error *layout_struct_named(struct binary *binary, const char *const *names, struct layout_struct *out)
{
	uint64_t die;

	for (size_t i = 0; names[i] != NULL; i++)
		if (debug_find_type(binary->debug, names[i], &die))
			return layout_struct_at(binary, die, out);
	return error_new(ERROR_TARGET, "%s: its DWARF has no type %s", binary->path, names[0]);
}

void layout_struct_free(struct layout_struct *layout)
{
	free(layout->fields);
	layout->fields = NULL;
	layout->field_count = 0;
}

const struct layout_field *layout_field_find(const struct layout_struct *layout, const char *name)
{
	for (size_t i = 0; i < layout->field_count; i++)
		if (strcmp(layout->fields[i].name, name) == 0)
			return &layout->fields[i];
	return NULL;
}

struct error *layout_field_at(const struct layout_struct *layout, const char *name, bool optional,
			      struct field_at *out)
{
	const struct layout_field *field = layout_field_find(layout, name);

	*out = (struct field_at){ 0 };
	if (field == NULL) {
		if (optional)
			return NULL;
		return error_new(ERROR_TARGET, "struct %s has no field %s: an unknown layout", layout->name, name);
	}
	if (field->size == 0 || field->size > 8 || (field->size & (field->size - 1)) != 0 ||
	    field->size > layout->size || field->offset > layout->size - field->size)
		return error_new(ERROR_TARGET, "struct %s, field %s: %llu bytes at %llu of %llu are no integer or pointer",
				 layout->name, name, (unsigned long long)field->size,
				 (unsigned long long)field->offset, (unsigned long long)layout->size);
	*out = (struct field_at){ (uint32_t)field->offset, (uint8_t)field->size };
	return NULL;
}

struct error *layout_inner_field_at(struct binary *binary, const struct layout_struct *outer, const char *name,
				    const char *inner_name, struct field_at *out)
{
	const struct layout_field *field = layout_field_find(outer, name);
	struct layout_struct inner;

	if (field == NULL)
		return error_new(ERROR_TARGET, "struct %s has no field %s: an unknown layout", outer->name, name);
	TRY(layout_struct_at(binary, field->type_die, &inner));

	struct error *error = layout_field_at(&inner, inner_name, false, out);

	layout_struct_free(&inner);
	out->offset += (uint32_t)field->offset;
	return error;
}
