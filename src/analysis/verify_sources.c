#include "analysis/verify_sources.h"

#include <stdlib.h>
#include <string.h>

#include "binary/debug.h"
#include "binary/image.h"
#include "gotype/map_descriptor.h"
#include "layout/table.h"
#include "util/alloc.h"
#include "util/buffer.h"

static void wrong_number(struct report_check *check, taddr address, uint64_t expected, uint64_t found, const char *part,
			 const char *what)
{
	char *wanted = xasprintf("%llu", (unsigned long long)expected), *is = xasprintf("%llu", (unsigned long long)found);

	report_wrong(check, address, wanted, is, "%s, %s", part, what);
	free(wanted);
	free(is);
}

/* --- offsets: structs of the runtime, DWARF against the table --------------------------------------------------- */

static const char *const classic_structs[] = { "runtime.hmap", "runtime.mapextra", "runtime.bmap", NULL };
static const char *const swiss_structs[] = { "internal/runtime/maps.Map", "internal/runtime/maps.table",
					      "internal/runtime/maps.groupsReference", NULL };

/* The table ends with a version; what comes after it is decoded by its DWARF alone. What differs from the table is said, but may be so. */
static bool is_newer(const struct program *program)
{
	const struct go_version *newest;
	bool newer = false;

	error_free(go_version_find(program->binary->go_minor, &newest, &newer));
	return newer;
}

static void compare_struct(const struct layout_struct *known, const struct layout_struct *dwarf, struct report_check *check)
{
	for (size_t i = 0; i < known->field_count; i++) {
		const struct layout_field *want = &known->fields[i], *is = layout_field_find(dwarf, want->name);

		if (is == NULL) {
			report_wrong(check, taddr_of(0), "a field", "none in the DWARF", "%s", want->name);
			continue;
		}
		if (is->offset != want->offset)
			wrong_number(check, taddr_of(0), want->offset, is->offset, want->name, "offset");
		if (is->size != want->size)
			wrong_number(check, taddr_of(0), want->size, is->size, want->name, "size");
	}
	for (size_t i = 0; i < dwarf->field_count; i++)
		if (layout_field_find(known, dwarf->fields[i].name) == NULL && strcmp(dwarf->fields[i].name, "_") != 0)
			report_wrong(check, taddr_of(0), "no such field", "one in the DWARF", "%s", dwarf->fields[i].name);
	if (known->size != dwarf->size)
		wrong_number(check, taddr_of(0), known->size, dwarf->size, known->name, "size");
}

static void excuse_newer(const struct program *program, struct report_check *check)
{
	char *why = xasprintf("Go 1.%d is newer than the table, which ends with Go 1.%d", program->binary->go_minor, program->version->minor);

	report_excuse(check, why);
	free(why);
}

static void check_struct(struct program *program, const char *name, struct report *report)
{
	const char *const names[] = { name, NULL };
	struct layout_struct known, dwarf;

	if (!layout_struct_known(name, program->version, program->machine.word_size, &known))
		return; /* 1.8 has no mapextra */

	struct report_check *check = report_check_begin(report, "offsets", name);
	struct error *error = layout_struct_named(program->binary, names, &dwarf);

	if (error != NULL) {
		report_detail(check, "not compared: %s", error->message);
	} else {
		compare_struct(&known, &dwarf, check);
		report_detail(check, "DWARF against the table of Go 1.%d: %zu fields, %llu bytes", program->version->minor,
			      known.field_count, (unsigned long long)known.size);
		if (!check->ok && is_newer(program))
			excuse_newer(program, check);
	}
	if (error == NULL)
		layout_struct_free(&dwarf);
	error_free(error);
	layout_struct_free(&known);
}

static void check_structs(struct program *program, struct report *report)
{
	struct map_layout header;
	struct error *error = map_layout_load_header(program->binary, &header);

	if (error != NULL) {
		report_detail(report_check_begin(report, "offsets", "structs of maps"), "not compared: %s", error->message);
		error_free(error);
		return;
	}

	const char *const *name = header.implementation == MAP_CLASSIC ? classic_structs : swiss_structs;

	for (; *name != NULL; name++)
		check_struct(program, *name, report);
}

/* --- type: a map type's layout against the table ---------------------------------------------------------------- */

struct type_check {
	struct program *program;
	struct gotype *type;
	struct report_check *check;
	const struct map_descriptor *descriptor;
	unsigned figures;      /* of the descriptor that were compared */
	struct buffer *detail; /* of the check */
};

static void layout_differs(void *context, const char *part, const char *what, uint64_t known, uint64_t found)
{
	wrong_number(context, taddr_of(0), known, found, part, what);
}

static void count_difference(void *context, const char *part, const char *what, uint64_t known, uint64_t found)
{
	++*(unsigned *)context;
}

static struct error *layout_of_table(struct type_check *of, struct map_layout *out)
{
	struct gotype *type = of->type;
	struct map_layout_request request = {
		.version = of->program->version,
		.machine = of->program->machine,
		.implementation = type->map_layout->implementation,
		.key_size = type->key->size,
		.elem_size = type->elem->size,
		.split_groups = map_layout_splits_groups(of->program->binary),
	};

	TRY(gotype_align(type->key, &request.key_align));
	TRY(gotype_align(type->elem, &request.elem_align));
	return map_layout_known(&request, out);
}

static void check_layout(struct type_check *of)
{
	const char *source = of->type->die != 0 ? "DWARF" : "the descriptor";
	bool newer = is_newer(of->program);
	unsigned different = 0;
	struct map_layout known;
	struct error *error = layout_of_table(of, &known);

	if (error != NULL) {
		buffer_append_format(of->detail, "not compared with the table: %s", error->message);
		error_free(error);
		return;
	}

	unsigned figures = newer ? map_layout_compare(&known, of->type->map_layout, count_difference, &different)
				 : map_layout_compare(&known, of->type->map_layout, layout_differs, of->check);

	buffer_append_format(of->detail, "%s against the table of Go 1.%d: %u figures", source, of->program->version->minor,
			     figures);
	if (newer)
		buffer_append_format(of->detail, ", of which Go 1.%d has %u otherwise", of->program->binary->go_minor, different);
}

/* --- type: against the runtime's descriptor --------------------------------------------------------------------- */

/* Of a field's names, that of internal/abi (>= 1.21) comes first. A version without it has nothing to compare. */
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void expect(struct type_check *of, const char *const *names, uint64_t expected)
{
	const struct map_descriptor_field *field = map_descriptor_find(of->descriptor, names);

	if (field == NULL)
		return;
	of->figures++;
	if (field->value != expected)
		wrong_number(of->check, field->address, expected, field->value, of->descriptor->name, field->name);
}

static const char *kind_name(enum go_kind kind)
{
	static const char *const names[] = { "no kind",	  "bool",   "int",    "int8",	 "int16",   "int32",	 "int64",
					     "uint",	  "uint8",  "uint16", "uint32",	 "uint64",  "uintptr",	 "float32",
					     "float64",	  "complex64", "complex128", "array", "chan",  "func",	 "interface",
					     "map",	  "pointer", "slice", "string",	 "struct",  "unsafe.Pointer" };

	return names[kind < ARRAY_SIZE(names) ? kind : 0];
}

/* DWARF has no kind for unsafe.Pointer: it is a pointer to nothing there (cmd/link/internal/ld/dwarf.go). */
static enum go_kind kind_in_dwarf(enum go_kind kind)
{
	return kind == GO_UNSAFE_POINTER ? GO_POINTER : kind;
}

/* A pointer to the descriptor of a type of that kind and size. */
static void expect_type(struct type_check *of, const char *const *names, enum go_kind kind, uint64_t size)
{
	const struct map_descriptor_field *field = map_descriptor_find(of->descriptor, names);
	struct gotype *part;

	if (field == NULL)
		return;
	of->figures++;

	struct error *error = gotype_of_descriptor(of->program, taddr_of(field->value), &part);

	if (error == NULL && kind_in_dwarf(part->kind) == kind_in_dwarf(kind) && part->size == size)
		return;

	char *expected = xasprintf("the descriptor of a %s of %llu bytes", kind_name(kind), (unsigned long long)size);
	char *found = error ? xstrdup(error->message)
			    : xasprintf("that of a %s of %llu bytes", kind_name(part->kind), (unsigned long long)part->size);

	report_wrong(of->check, field->address, expected, found, "%s, %s", of->descriptor->name, field->name);
	free(expected);
	free(found);
	error_free(error);
}

/*
 * Only the size of a bucket's or group's type, which comes first in a descriptor: that of a bucket that reflect made ends behind
 * the part all types have (bucketOf() of reflect/type.go and reflect/map_noswiss.go).
 */
static void expect_unit_type(struct type_check *of, uint64_t size)
{
	const struct map_descriptor_field *field = map_descriptor_find(of->descriptor, NAMES("Bucket", "bucket", "Group"));
	uint64_t found = 0;

	if (field == NULL)
		return;
	of->figures++;

	struct error *error = target_read_word(of->program->memory, taddr_of(field->value), &found);

	if (error != NULL || found != size) {
		char *expected = xasprintf("the descriptor of a type of %llu bytes", (unsigned long long)size);
		char *is = error ? xstrdup(error->message) : xasprintf("that of one of %llu bytes", (unsigned long long)found);

		report_wrong(of->check, field->address, expected, is, "%s, %s", of->descriptor->name, field->name);
		free(expected);
		free(is);
	}
	error_free(error);
}

/* A pointer to the descriptor of a bucket or group, or of a header. */
static void expect_struct(struct type_check *of, const char *const *names, uint64_t size)
{
	const struct map_descriptor_field *field = map_descriptor_find(of->descriptor, names);
	uint64_t found;

	if (field == NULL)
		return;
	of->figures++;

	struct error *error = map_descriptor_size_at(of->program, taddr_of(field->value), &found);

	if (error != NULL)
		report_wrong(of->check, field->address, "a descriptor", error->message, "%s, %s", of->descriptor->name,
			     field->name);
	else if (found != size)
		wrong_number(of->check, field->address, size, found, field->name, "size");
	error_free(error);
}

static void expect_hasher(struct type_check *of)
{
	const struct map_descriptor_field *field = map_descriptor_find(of->descriptor, NAMES("Hasher", "hasher"));
	uint64_t code = 0;

	if (field == NULL)
		return; /* <= 1.13: it is in the key's descriptor */
	of->figures++;

	struct error *error = target_read_word(of->program->memory, taddr_of(field->value), &code);

	if (error != NULL || code == 0)
		report_wrong(of->check, field->address, "a function", error ? error->message : "nil", "%s, %s",
			     of->descriptor->name, field->name);
	error_free(error);
}

/* runtime/type.go, internal/abi/map*.go: the methods of maptype and MapType that test flags; <= 1.11 has fields. */
static uint64_t flags_of(const struct map_layout *layout, const struct gotype_traits *key)
{
	if (layout->implementation == MAP_CLASSIC)
		return (layout->key_indirect ? 1 : 0) | (layout->elem_indirect ? 2 : 0) | (key->reflexive ? 4 : 0) |
		       (key->key_update ? 8 : 0) | (key->hash_panics ? 16 : 0);
	return (key->key_update ? 1 : 0) | (key->hash_panics ? 2 : 0) | (layout->key_indirect ? 4 : 0) |
	       (layout->elem_indirect ? 8 : 0);
}

static void expect_flags(struct type_check *of)
{
	const struct map_layout *layout = of->type->map_layout;
	const struct gotype_traits *key;
	struct error *error = gotype_traits(of->type->key, &key);

	if (error == NULL) {
		expect(of, NAMES("Flags", "flags"), flags_of(layout, key));
		expect(of, NAMES("reflexivekey"), key->reflexive);
		expect(of, NAMES("needkeyupdate"), key->key_update);
	}
	expect(of, NAMES("indirectkey"), layout->key_indirect);
	expect(of, NAMES("indirectvalue"), layout->elem_indirect);
	error_free(error);
}

static void expect_unit(struct type_check *of)
{
	const struct map_unit_layout *unit = &of->type->map_layout->unit;

	if (of->type->map_layout->implementation == MAP_CLASSIC) {
		expect(of, NAMES("KeySize", "keysize"), unit->key_stride);
		expect(of, NAMES("ValueSize", "elemsize", "valuesize"), unit->elem_stride);
		expect(of, NAMES("BucketSize", "bucketsize"), unit->size);
		return;
	}
	expect(of, NAMES("GroupSize"), unit->size);
	expect(of, NAMES("SlotSize"), unit->key_stride);
	expect(of, NAMES("KeysOff"), unit->key_offset);
	expect(of, NAMES("KeyStride"), unit->key_stride);
	expect(of, NAMES("ElemsOff"), unit->elem_offset);
	expect(of, NAMES("ElemStride"), unit->elem_stride);
	if (!map_layout_splits_groups(of->program->binary))
		expect(of, NAMES("ElemOff"), unit->elem_offset - unit->key_offset);
}

static void compare_descriptor(struct type_check *of)
{
	struct gotype *type = of->type;

	expect_type(of, NAMES("Key", "key"), type->key->kind, type->key->size);
	expect_type(of, NAMES("Elem", "elem"), type->elem->kind, type->elem->size);
	expect_unit_type(of, type->map_layout->unit.size);
	expect_struct(of, NAMES("hmap"), type->map_layout->header_size);
	expect_hasher(of);
	expect_unit(of);
	expect_flags(of);
}

static struct error *read_descriptor(struct type_check *of, struct map_descriptor *out)
{
	struct gotype *type;
	taddr address;

	if (of->program->memory == NULL)
		return error_new(ERROR_TARGET, "the loader fills in descriptors of a position-independent binary");
	TRY(gotype_descriptor(of->type, &address));
	TRY(gotype_of_descriptor(of->program, address, &type));
	if (type->kind != GO_MAP)
		return error_new(ERROR_TARGET, "0x%llx: the descriptor of a %s", (unsigned long long)address.v,
				 kind_name(type->kind));
	return map_descriptor_read(of->program, address, out);
}

static void check_descriptor(struct type_check *of)
{
	struct map_descriptor descriptor;
	struct error *error = read_descriptor(of, &descriptor);

	if (error != NULL) {
		buffer_append_format(of->detail, "; not compared with the runtime's descriptor: %s", error->message);
		error_free(error);
		return;
	}
	of->descriptor = &descriptor;
	compare_descriptor(of);
	of->descriptor = NULL;
	buffer_append_format(of->detail, "; the runtime's descriptor at 0x%llx: %u figures",
			     (unsigned long long)descriptor.address.v, of->figures);
}

static void check_type(struct program *program, struct gotype *type, struct report *report)
{
	struct report_check *check = report_check_begin(report, "type", type->name);
	struct buffer detail = { 0 };
	struct type_check of = { .program = program, .type = type, .check = check, .detail = &detail };
	struct error *error = gotype_complete(type);

	if (error == NULL && type->map_layout != NULL) {
		check_layout(&of);
		check_descriptor(&of);
	} else {
		buffer_append_format(&detail, "not compared: %s", error ? error->message : "nothing tells its layout");
	}
	report_detail(check, "%s", buffer_text(&detail));
	buffer_free(&detail);
	error_free(error);
}

struct error *verify_sources(struct program *program, struct gotype *const *types, size_t count, struct report *report)
{
	bool at_rest = program->memory == NULL && !program->binary->position_independent;
	struct target *image = at_rest ? image_create(program->binary) : NULL;

	if (at_rest)
		program->memory = image;
	if (!debug_is_made(program->binary->debug)) /* else there is the table alone: what is found by it has proved it */
		check_structs(program, report);
	for (size_t i = 0; i < count; i++)
		if (types[i]->kind == GO_MAP)
			check_type(program, types[i], report);
	if (at_rest)
		program->memory = NULL;
	target_destroy(image);
	return NULL;
}
