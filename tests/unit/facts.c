/*
 * facts BINARY: what this tree knows of Go versions by heart, against what the DWARF of a binary of that version says. Not
 * a unit test by itself: tests/run calls it with a program of each version.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "binary/debug.h"
#include "gotype/spelling.h"
#include "layout/descriptor.h"
#include "layout/map.h"
#include "layout/table.h"
#include "layout/version.h"
#include "check.h"

/* Constants of the runtime and what we take them for; those that a version does not have are left out. */
static void check_constant(struct debug *debug, const char *name, uint64_t expected, unsigned *found)
{
	uint64_t value;

	if (!debug_find_constant(debug, name, &value))
		return;
	(*found)++;
	if (value != expected)
		printf("%s is %llu\n", name, (unsigned long long)value);
	CHECK_UINT(value, expected);
}

static void check_constants(struct debug *debug, const struct go_version *version, bool classic)
{
	bool rest = version->tophash == TOPHASH_EMPTY_REST;
	unsigned found = 0;

	if (classic) {
		check_constant(debug, "runtime.minTopHash", rest ? 5 : 4, &found);
		check_constant(debug, "runtime.emptyOne", 1, &found);
		check_constant(debug, "runtime.evacuatedX", 2, &found);
		check_constant(debug, "runtime.evacuatedY", 3, &found);
		check_constant(debug, "runtime.evacuatedEmpty", rest ? 4 : 1, &found);
		check_constant(debug, "runtime.sameSizeGrow", 8, &found);
		check_constant(debug, "runtime.hashWriting", 4, &found);
		check_constant(debug, "runtime.loadFactorNum", version->load_numerator, &found);
		check_constant(debug, "runtime.loadFactorDen", version->load_denominator, &found);
		check_constant(debug, "runtime.bucketCnt", MAP_SLOTS, &found);
		check_constant(debug, "runtime.maxKeySize", MAP_INDIRECT_ABOVE, &found);
	} else {
		check_constant(debug, "internal/runtime/maps.ctrlEmpty", 0x80, &found);
		check_constant(debug, "internal/runtime/maps.ctrlDeleted", 0xfe, &found);
		check_constant(debug, "internal/runtime/maps.maxTableCapacity", 1024, &found);
		check_constant(debug, "internal/abi.MapMaxKeyBytes", MAP_INDIRECT_ABOVE, &found);
	}
	/* DW_TAG_constant came with Go 1.10 */
	CHECK(version->minor < 10 || found >= 3);
}

/* Descriptors whose DWARF some binaries lack: where it is there, it says the same. */
static void check_descriptors(struct binary *binary)
{
	static const char *const names[] = { "internal/abi.ArrayType", "internal/abi.InterfaceType", "internal/abi.PtrType",
					     "internal/abi.SliceType", "internal/abi.StructType", "internal/abi.StructField" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *const wanted[] = { names[i], NULL };
		struct layout_struct known, dwarf;
		struct error *error = layout_struct_named(binary, wanted, &dwarf);

		if (error != NULL) { /* before 1.21 they have other names */
			error_free(error);
			continue;
		}
		CHECK(layout_descriptor_known(names[i], binary->machine.word_size, &known));
		for (size_t k = 0; k < known.field_count; k++) {
			const struct layout_field *field = layout_field_find(&dwarf, known.fields[k].name);

			CHECK(field != NULL && field->offset == known.fields[k].offset && field->size == known.fields[k].size);
		}
		layout_struct_free(&known);
		layout_struct_free(&dwarf);
	}
}

/* --- maps by version alone ----------------------------------------------------------------------------------- */

static void differs(void *context, const char *part, const char *what, uint64_t known, uint64_t found)
{
	printf("%s: %s, %s: %llu, should be %llu\n", (const char *)context, part, what, (unsigned long long)known,
	       (unsigned long long)found);
	CHECK(!"a map's layout differs from its DWARF");
}

struct map_visit {
	struct program *program;
	unsigned maps;
};

static bool check_map_type(void *context, const char *name, uint64_t die)
{
	struct map_visit *visit = context;
	struct program *program = visit->program;
	struct map_layout_request request = { .version = program->version, .machine = program->machine };
	struct map_layout known;
	struct gotype *type;

	/* map.bucket[K]V and the like are no maps */
	if (!CHECK(program_type_at(program, die, &type) == NULL) || type->kind != GO_MAP || type->die != die)
		return true;
	if (!CHECK(gotype_complete(type) == NULL) || !CHECK(gotype_align(type->key, &request.key_align) == NULL) ||
	    !CHECK(gotype_align(type->elem, &request.elem_align) == NULL))
		return true;
	request.implementation = type->map_layout->implementation;
	request.split_groups = map_layout_splits_groups(program->binary);
	request.key_size = type->key->size;
	request.elem_size = type->elem->size;
	if (CHECK(map_layout_known(&request, &known) == NULL))
		CHECK(map_layout_compare(&known, type->map_layout, differs, (void *)name) > 28);
	visit->maps++;
	return true;
}

/* Every map type of the binary: what the table of versions says of it, against its DWARF. */
static void check_maps(struct binary *binary)
{
	struct map_visit visit = { 0 };

	if (!CHECK(program_create(binary, NULL, &visit.program) == NULL))
		return;
	debug_each_type(binary->debug, check_map_type, &visit);
	CHECK(visit.maps >= 5);
	program_destroy(visit.program);
}

/* --- types by their spelling ---------------------------------------------------------------------------------- */

struct spelling_visit {
	struct program *program, *alone;
	unsigned types;
};

/* What can be made from a type's name in DWARF is what DWARF describes, of the same name. */
static bool check_spelling(void *context, const char *name, uint64_t die)
{
	struct spelling_visit *visit = context;
	struct gotype *type, *made;
	uint64_t align, made_align;
	struct error *error = gotype_of_spelling(visit->alone, name, &made);

	if (error != NULL) { /* main.point, and what is made of it */
		error_free(error);
		return true;
	}
	/* unsafe.Pointer has no kind in DWARF; C's int is no int */
	if (!CHECK(program_type_at(visit->program, die, &type) == NULL) || made->kind == GO_UNSAFE_POINTER ||
	    type->kind == GO_INVALID || strcmp(type->name, name) != 0)
		return true;
	visit->types++;
	CHECK_TEXT(made->name, name);
	CHECK_UINT(made->kind, type->kind);
	CHECK_UINT(made->size, type->size);
	if (!CHECK(gotype_complete(type) == NULL) || !CHECK(gotype_align(type, &align) == NULL) ||
	    !CHECK(gotype_align(made, &made_align) == NULL))
		return true;
	CHECK_UINT(made_align, align);
	CHECK(made->length == type->length && made->field_count == type->field_count && made->has_methods == type->has_methods);
	for (size_t i = 0; i < type->field_count && i < made->field_count; i++) {
		CHECK_TEXT(made->fields[i].name, type->fields[i].name);
		CHECK_UINT(made->fields[i].offset, type->fields[i].offset);
	}
	if (type->kind == GO_MAP && type->map_layout->implementation == made->map_layout->implementation &&
	    !map_layout_splits_groups(visit->program->binary))
		map_layout_compare(made->map_layout, type->map_layout, differs, (void *)name);
	return true;
}

static void check_spellings(struct binary *binary)
{
	struct spelling_visit visit = { 0 };

	if (!CHECK(program_create(binary, NULL, &visit.program) == NULL) ||
	    !CHECK(program_create_alone(visit.program->version, &binary->machine, &visit.alone) == NULL))
		return;
	debug_each_type(binary->debug, check_spelling, &visit);
	CHECK(visit.types >= 40);
	program_destroy(visit.alone);
	program_destroy(visit.program);
}

int main(int argc, char **argv)
{
	struct binary *binary = NULL;
	const struct go_version *version;
	struct map_layout header;
	bool newer = true;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0) {
		fputs("usage: facts BINARY\n", stderr);
		return 2;
	}
	CHECK(binary_open(fd, argv[1], &binary) == NULL && debug_open(binary, NULL) == NULL);
	CHECK(go_version_find(binary->go_minor, &version, &newer) == NULL && !newer);
	CHECK(map_layout_load_header(binary, &header) == NULL);
	check_constants(binary->debug, version, header.implementation == MAP_CLASSIC);
	check_descriptors(binary);
	check_maps(binary);
	check_spellings(binary);
	binary_destroy(binary);
	close(fd);
	return check_done();
}
