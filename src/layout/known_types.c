#include "layout/known_types.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "layout/table.h"
#include "util/alloc.h"

/* reflect.Kind of types that are not basic, the same in all versions. */
enum { KIND_ARRAY = 17, KIND_FUNC = 19, KIND_INTERFACE, KIND_POINTER = 22, KIND_SLICE, KIND_STRING, KIND_STRUCT, KIND_UNSAFE };

static const struct basic {
	const char *name;
	uint8_t kind, encoding, size; /* 0: a word */
} basics[] = {
	{ "bool", 1, DW_ATE_boolean, 1 },	   { "int", 2, DW_ATE_signed, 0 },
	{ "int8", 3, DW_ATE_signed, 1 },	   { "int16", 4, DW_ATE_signed, 2 },
	{ "int32", 5, DW_ATE_signed, 4 },	   { "int64", 6, DW_ATE_signed, 8 },
	{ "uint", 7, DW_ATE_unsigned, 0 },	   { "uint8", 8, DW_ATE_unsigned, 1 },
	{ "uint16", 9, DW_ATE_unsigned, 2 },	   { "uint32", 10, DW_ATE_unsigned, 4 },
	{ "uint64", 11, DW_ATE_unsigned, 8 },	   { "uintptr", 12, DW_ATE_unsigned, 0 },
	{ "float32", 13, DW_ATE_float, 4 },	   { "float64", 14, DW_ATE_float, 8 },
	{ "complex64", 15, DW_ATE_complex_float, 8 }, { "complex128", 16, DW_ATE_complex_float, 16 },
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void fill_pointer(struct known_types *types, size_t index, const char *target)
{
	size_t elem = known_type_named(types, target, 0);

	types->items[index].form = KNOWN_POINTER;
	types->items[index].kind = KIND_POINTER;
	types->items[index].elem = elem;
	types->items[index].size = types->machine->word_size;
}

/* "[N]T" */
static void fill_array(struct known_types *types, size_t index, const char *name, uint64_t size)
{
	char *end;
	uint64_t length = strtoull(name + 1, &end, 10);
	size_t elem = known_type_named(types, end + 1, length ? size / length : 0);

	types->items[index].form = KNOWN_ARRAY;
	types->items[index].kind = KIND_ARRAY;
	types->items[index].elem = elem;
	types->items[index].length = length;
	types->items[index].size = types->items[elem].size * length;
}

static void fill_members(struct known_types *types, size_t index, struct layout_struct layout)
{
	size_t *members = xcalloc(layout.field_count, sizeof(*members));

	for (size_t i = 0; i < layout.field_count; i++)
		members[i] = known_type_named(types, layout.fields[i].type, layout.fields[i].size);
	types->items[index].form = KNOWN_STRUCT;
	types->items[index].size = layout.size;
	types->items[index].layout = layout;
	types->items[index].members = members;
}

/* The header of a slice or string: a pointer to `elem`, and one or two ints. */
static void fill_header(struct known_types *types, size_t index, uint8_t kind, const char *elem)
{
	static const char *const slice_names[] = { "array", "len", "cap" }, *const string_names[] = { "str", "len" };
	const char *const *names = kind == KIND_SLICE ? slice_names : string_names;
	struct layout_struct layout = { .field_count = kind == KIND_SLICE ? 3 : 2 };
	char *pointer = xasprintf("*%s", elem);

	layout.size = layout.field_count * types->machine->word_size;
	layout.fields = xcalloc(layout.field_count, sizeof(*layout.fields));
	for (size_t i = 0; i < layout.field_count; i++)
		layout.fields[i] = (struct layout_field){ .name = names[i], .offset = i * types->machine->word_size,
							  .size = types->machine->word_size, .type = i == 0 ? pointer : "int" };
	types->items[index].kind = kind;
	fill_members(types, index, layout);
	free(pointer);
}

/* cmd/link/internal/ld/dwarf.go: an interface type is a typedef of runtime.eface or iface. */
static void fill_interface(struct known_types *types, size_t index, const char *name)
{
	bool empty = strcmp(name, "interface {}") == 0;
	size_t header = known_type_named(types, empty ? "runtime.eface" : "runtime.iface", 2 * types->machine->word_size);

	types->items[index].form = KNOWN_INTERFACE;
	types->items[index].kind = KIND_INTERFACE;
	types->items[index].elem = header;
	types->items[index].size = 2 * types->machine->word_size;
}

static bool fill_basic(struct known_type *type, unsigned word_size)
{
	for (size_t i = 0; i < ARRAY_SIZE(basics); i++) {
		if (strcmp(basics[i].name, type->name) != 0)
			continue;
		type->form = KNOWN_BASE;
		type->kind = basics[i].kind;
		type->encoding = basics[i].encoding;
		type->size = basics[i].size ? basics[i].size : word_size;
		return true;
	}
	return false;
}

static bool is_reference(const char *name)
{
	return begins(name, "map[") || begins(name, "chan ") || begins(name, "<-chan ");
}

bool known_types_have(const struct known_types *types, const char *name)
{
	struct layout_struct layout;

	if (!layout_struct_goes_with(name, types->implementation) ||
	    !layout_struct_known_on(name, types->version, types->machine, &layout))
		return false;
	layout_struct_free(&layout);
	return true;
}

static void fill_named(struct known_types *types, size_t index, const char *name)
{
	struct layout_struct layout;

	if (!known_types_have(types, name) || !layout_struct_known_on(name, types->version, types->machine, &layout))
		return; /* it stays opaque */
	types->items[index].kind = KIND_STRUCT;
	fill_members(types, index, layout);
}

static void fill(struct known_types *types, size_t index, const char *name, uint64_t size)
{
	struct known_type *type = &types->items[index];

	type->size = size;
	if (is_reference(name) || strcmp(name, "unsafe.Pointer") == 0) {
		type->form = is_reference(name) ? KNOWN_REFERENCE : KNOWN_UNSAFE;
		type->kind = KIND_UNSAFE;
		type->size = types->machine->word_size;
	} else if (name[0] == '*') {
		fill_pointer(types, index, name + 1);
	} else if (begins(name, "[]")) {
		fill_header(types, index, KIND_SLICE, name + 2);
	} else if (name[0] == '[') {
		fill_array(types, index, name, size);
	} else if (strcmp(name, "string") == 0) {
		fill_header(types, index, KIND_STRING, "uint8");
	} else if (begins(name, "func(")) {
		type->form = KNOWN_FUNCTION;
		type->kind = KIND_FUNC;
		type->size = types->machine->word_size;
	} else if (begins(name, "interface {") || strcmp(name, "error") == 0) {
		fill_interface(types, index, name);
	} else if (!fill_basic(type, types->machine->word_size)) {
		fill_named(types, index, name);
	}
}

size_t known_type_named(struct known_types *types, const char *name, uint64_t size)
{
	size_t index = 0;

	while (index < types->count && strcmp(types->items[index].name, name) != 0)
		index++;
	if (index < types->count) {
		if (types->items[index].form == KNOWN_OPAQUE && types->items[index].size == 0)
			types->items[index].size = size; /* a pointer to it came first */
		return index;
	}
	ARRAY_RESERVE(types->items, types->count, types->capacity);
	types->items[types->count++] = (struct known_type){ .name = xstrdup(name) };
	fill(types, index, name, size);
	return index;
}

void known_types_free(struct known_types *types)
{
	for (size_t i = 0; i < types->count; i++) {
		free(types->items[i].name);
		layout_struct_free(&types->items[i].layout);
		free(types->items[i].members);
	}
	free(types->items);
}
