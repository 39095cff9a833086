/*
 * DWARF 4 as cmd/link/internal/ld/dwarf.go writes it, as far as it is read: one unit, types, constants, and variables without a
 * location. What a type is made of is in layout/known_types.h.
 */
#include "layout/known_debug.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "binary/debug.h"
#include "binary/elf_writer.h"
#include "layout/known_types.h"
#include "layout/runtime.h"
#include "layout/table.h"
#include "util/alloc.h"
#include "util/buffer.h"

enum { DWARF_VERSION = 4, UNIT_HEADER = 11, REFERENCE = 4 };

enum abbreviation {
	END, UNIT, BASE, STRUCT, DECLARED, MEMBER, POINTER, UNSAFE, REFERENCE_TYPE, ARRAY, COUNT, FUNCTION, INTERFACE, VARIABLE, CONSTANT,
	ABBREVIATIONS,
};

static const struct {
	uint16_t tag;
	uint8_t has_children;
	struct {
		uint16_t attribute, form;
	} attributes[5]; /* attribute 0 behind the last */
} abbreviations[ABBREVIATIONS] = {
	[UNIT] = { DW_TAG_compile_unit, 1, { { DW_AT_name, DW_FORM_string }, { DW_AT_language, DW_FORM_data1 } } },
	[BASE] = { DW_TAG_base_type, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_encoding, DW_FORM_data1 },
					  { DW_AT_byte_size, DW_FORM_udata }, { DW_AT_go_kind, DW_FORM_data1 } } },
	[STRUCT] = { DW_TAG_structure_type, 1, { { DW_AT_name, DW_FORM_string }, { DW_AT_byte_size, DW_FORM_udata },
						 { DW_AT_go_kind, DW_FORM_data1 } } },
	[DECLARED] = { DW_TAG_structure_type, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_byte_size, DW_FORM_udata },
						   { DW_AT_declaration, DW_FORM_flag_present } } },
	[MEMBER] = { DW_TAG_member, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_data_member_location, DW_FORM_udata },
					 { DW_AT_type, DW_FORM_ref4 } } },
	[POINTER] = { DW_TAG_pointer_type, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_go_kind, DW_FORM_data1 },
						{ DW_AT_type, DW_FORM_ref4 } } },
	[UNSAFE] = { DW_TAG_pointer_type, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_go_kind, DW_FORM_data1 } } },
	[REFERENCE_TYPE] = { DW_TAG_pointer_type, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_go_kind, DW_FORM_data1 },
						       { DW_AT_declaration, DW_FORM_flag_present } } },
	[ARRAY] = { DW_TAG_array_type, 1, { { DW_AT_name, DW_FORM_string }, { DW_AT_byte_size, DW_FORM_udata },
					    { DW_AT_go_kind, DW_FORM_data1 }, { DW_AT_type, DW_FORM_ref4 } } },
	[COUNT] = { DW_TAG_subrange_type, 0, { { DW_AT_count, DW_FORM_udata } } },
	[FUNCTION] = { DW_TAG_subroutine_type, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_go_kind, DW_FORM_data1 } } },
	[INTERFACE] = { DW_TAG_typedef, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_go_kind, DW_FORM_data1 },
					     { DW_AT_type, DW_FORM_ref4 } } },
	[VARIABLE] = { DW_TAG_variable, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_type, DW_FORM_ref4 } } },
	[CONSTANT] = { DW_TAG_constant, 0, { { DW_AT_name, DW_FORM_string }, { DW_AT_const_value, DW_FORM_udata } } },
};

/* Where a reference stands in the section, and to which type. */
struct reference {
	size_t at, type;
};

struct writer {
	const struct machine *machine;
	struct known_types types;
	struct buffer info;
	size_t *dies; /* of each type */
	struct reference *references;
	size_t reference_count, reference_capacity;
};

/* --- values of attributes --------------------------------------------------------------------------------------- */

static void put_number(struct buffer *to, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)(value & 0x7f);

		value >>= 7;
		byte |= value ? 0x80 : 0;
		buffer_append(to, &byte, 1);
	} while (value != 0);
}

static void put_fixed(struct writer *writer, size_t size, uint64_t value)
{
	uint8_t bytes[8];

	store_uint(writer->machine, bytes, size, value);
	buffer_append(&writer->info, bytes, size);
}

static void put_text(struct writer *writer, const char *text)
{
	buffer_append(&writer->info, text, strlen(text) + 1);
}

static void put_reference(struct writer *writer, size_t type)
{
	ARRAY_RESERVE(writer->references, writer->reference_count, writer->reference_capacity);
	writer->references[writer->reference_count++] = (struct reference){ writer->info.length, type };
	put_fixed(writer, REFERENCE, 0);
}

static void put_entry(struct writer *writer, enum abbreviation abbreviation, const char *name)
{
	put_number(&writer->info, abbreviation);
	if (name != NULL)
		put_text(writer, name);
}

/* --- entries ---------------------------------------------------------------------------------------------------- */

static void put_struct(struct writer *writer, const struct known_type *type)
{
	put_entry(writer, STRUCT, type->name);
	put_number(&writer->info, type->size);
	put_fixed(writer, 1, type->kind);
	for (size_t i = 0; i < type->layout.field_count; i++) {
		put_entry(writer, MEMBER, type->layout.fields[i].name);
		put_number(&writer->info, type->layout.fields[i].offset);
		put_reference(writer, type->members[i]);
	}
	put_entry(writer, END, NULL);
}

static void put_array(struct writer *writer, const struct known_type *type)
{
	put_entry(writer, ARRAY, type->name);
	put_number(&writer->info, type->size);
	put_fixed(writer, 1, type->kind);
	put_reference(writer, type->elem);
	put_entry(writer, COUNT, NULL);
	put_number(&writer->info, type->length);
	put_entry(writer, END, NULL);
}

/* Those whose entry is a name, a kind and, but for some, another type. */
static void put_small(struct writer *writer, enum abbreviation abbreviation, const struct known_type *type)
{
	put_entry(writer, abbreviation, type->name);
	put_fixed(writer, 1, type->kind);
	if (abbreviation == POINTER || abbreviation == INTERFACE)
		put_reference(writer, type->elem);
}

static void put_type(struct writer *writer, const struct known_type *type)
{
	switch (type->form) {
	case KNOWN_OPAQUE:
		put_entry(writer, DECLARED, type->name);
		put_number(&writer->info, type->size);
		break;
	case KNOWN_BASE:
		put_entry(writer, BASE, type->name);
		put_fixed(writer, 1, type->encoding);
		put_number(&writer->info, type->size);
		put_fixed(writer, 1, type->kind);
		break;
	case KNOWN_STRUCT: put_struct(writer, type); break;
	case KNOWN_ARRAY: put_array(writer, type); break;
	case KNOWN_POINTER: put_small(writer, POINTER, type); break;
	case KNOWN_UNSAFE: put_small(writer, UNSAFE, type); break;
	case KNOWN_REFERENCE: put_small(writer, REFERENCE_TYPE, type); break;
	case KNOWN_FUNCTION: put_small(writer, FUNCTION, type); break;
	case KNOWN_INTERFACE: put_small(writer, INTERFACE, type); break;
	}
}

/* --- the unit --------------------------------------------------------------------------------------------------- */

static void add_struct(struct known_types *types, const char *name)
{
	if (known_types_have(types, name))
		known_type_named(types, name, 0);
}

static void add_structs(struct known_types *types)
{
	for (const struct runtime_name *row = layout_runtime_structs; row->names[0] != NULL; row++)
		for (size_t i = 0; i < ARRAY_SIZE(row->names) && row->names[i] != NULL; i++)
			add_struct(types, row->names[i]);
	for (const char *const *name = layout_own_structs; *name != NULL; name++)
		add_struct(types, *name);
	known_type_named(types, "interface {}", 0);
	for (const char *const *name = layout_own_variables; *name != NULL; name++) {
		const char *type = layout_variable_known(*name, types->version, types->machine->word_size);

		if (type != NULL)
			known_type_named(types, type, 0);
	}
}

static void put_types(struct writer *writer)
{
	writer->dies = xcalloc(writer->types.count, sizeof(*writer->dies));
	for (size_t i = 0; i < writer->types.count; i++) {
		writer->dies[i] = writer->info.length;
		put_type(writer, &writer->types.items[i]);
	}
}

static void put_variables(struct writer *writer)
{
	struct known_types *types = &writer->types;

	for (const char *const *name = layout_own_variables; *name != NULL; name++) {
		const char *type = layout_variable_known(*name, types->version, types->machine->word_size);

		if (type == NULL)
			continue;
		put_entry(writer, VARIABLE, *name);
		put_reference(writer, known_type_named(types, type, 0)); /* add_structs() has made it */
	}
}

/* runtime/malloc.go, arenaBaseOffset: addresses begin in the middle of amd64's address space alone (on linux). */
static bool is_zero_here(const struct writer *writer, const char *name)
{
	return strncmp(name, "runtime.arenaBaseOffset", strlen("runtime.arenaBaseOffset")) == 0 &&
	       writer->machine->elf_machine != EM_X86_64;
}

static void put_constants(struct writer *writer, const char *const *names)
{
	const struct known_types *types = &writer->types;
	uint64_t value;

	for (; *names != NULL; names++) {
		if (!layout_constant_known(*names, types->version, types->machine->word_size, types->implementation, &value))
			continue;
		put_entry(writer, CONSTANT, *names);
		put_number(&writer->info, is_zero_here(writer, *names) ? 0 : value);
	}
}

static void put_unit(struct writer *writer)
{
	put_fixed(writer, 4, 0); /* the length of what follows */
	put_fixed(writer, 2, DWARF_VERSION);
	put_fixed(writer, 4, 0); /* offset in .debug_abbrev */
	put_fixed(writer, 1, writer->machine->word_size);
	put_entry(writer, UNIT, "runtime");
	put_fixed(writer, 1, DW_LANG_Go);
	add_structs(&writer->types);
	put_types(writer);
	put_variables(writer);
	put_constants(writer, layout_runtime_constants);
	put_constants(writer, layout_own_constants);
	put_entry(writer, END, NULL);
	for (size_t i = 0; i < writer->reference_count; i++)
		store_uint(writer->machine, writer->info.bytes + writer->references[i].at, REFERENCE,
			   writer->dies[writer->references[i].type]);
	store_uint(writer->machine, writer->info.bytes, 4, writer->info.length - 4);
}

static void put_abbreviations(struct buffer *to)
{
	for (unsigned i = 1; i < ABBREVIATIONS; i++) {
		put_number(to, i);
		put_number(to, abbreviations[i].tag);
		buffer_append(to, &abbreviations[i].has_children, 1);
		for (size_t k = 0; abbreviations[i].attributes[k].attribute != 0; k++) {
			put_number(to, abbreviations[i].attributes[k].attribute);
			put_number(to, abbreviations[i].attributes[k].form);
		}
		put_number(to, 0);
		put_number(to, 0);
	}
	put_number(to, 0);
}

/* --- the file --------------------------------------------------------------------------------------------------- */

/* The bytes are the file's then. */
static bool add_section(struct elf_writer *file, const char *name, struct buffer *content)
{
	struct elf_writer_section section = { .name = name, .size = content->length, .bytes = content->bytes };

	*content = (struct buffer){ 0 };
	return elf_writer_section(file, &section) != 0;
}

static bool write_file(int fd, struct writer *writer)
{
	struct elf_writer *file = elf_writer_begin(fd, writer->machine, 0);
	struct buffer abbreviated = { 0 };

	if (file == NULL)
		return false;
	put_abbreviations(&abbreviated);
	put_unit(writer);

	bool abbreviations_in = add_section(file, ".debug_abbrev", &abbreviated), info_in = add_section(file, ".debug_info", &writer->info);

	return elf_writer_end(file) && abbreviations_in && info_in;
}

static void writer_free(struct writer *writer)
{
	known_types_free(&writer->types);
	buffer_free(&writer->info);
	free(writer->dies);
	free(writer->references);
}

/* Those by which the runtime's structs or bitmaps are others than the tables have. */
static struct error *check_experiments(const struct binary *binary, int minor)
{
	static const struct {
		const char *name;
		int first, last; /* Go 1.N */
	} unknown[] = { { "noallocheaders", 22, 99 }, { "allocheaders", 21, 21 }, { "greenteagc", 25, 25 }, { "nogreenteagc", 26, 99 } };
	const char *experiments = binary->go_experiments ? binary->go_experiments : "";

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		const char *found = strstr(experiments, unknown[i].name);

		if (found != NULL && (found == experiments || found[-1] == ',') && minor >= unknown[i].first && minor <= unknown[i].last)
			return error_new(ERROR_TARGET, "%s: built with GOEXPERIMENT=%s, which the tables of versions do not know",
					 binary->path, unknown[i].name);
	}
	return NULL;
}

struct error *layout_known_debug(struct binary *binary, const struct go_version *version, enum map_implementation implementation)
{
	struct writer writer = {
		.machine = &binary->machine,
		.types = { .version = version, .implementation = implementation, .machine = &binary->machine },
	};

	if (!layout_implementation_known(version, implementation))
		return error_new(ERROR_TARGET, "Go 1.%d has no %s maps", version->minor, map_implementation_name(implementation));
	TRY(check_experiments(binary, version->minor));

	int fd = memfd_create("mapscope-known", MFD_CLOEXEC);

	if (fd < 0)
		return error_new(ERROR_TARGET, "%s: no memory for it: %s", binary->path, strerror(errno));

	bool good = write_file(fd, &writer);
	struct error *error = good ? debug_open_made(binary, fd) : error_new(ERROR_TARGET, "%s: libelf gave up: %s", binary->path, elf_errmsg(-1));

	writer_free(&writer);
	close(fd);
	return error;
}
