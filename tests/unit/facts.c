/*
 * facts BINARY: what this tree knows of Go versions by heart, against what the DWARF of a binary of that version says. Not
 * a unit test by itself: tests/run calls it with a program of each version.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "binary/debug.h"
#include "gotype/program.h"
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

#define AT(member) { #member, offsetof(struct map_layout, member) }

struct member {
	const char *name;
	size_t offset;
};

static const struct member classic_members[] = {
	AT(classic.count), AT(classic.flags), AT(classic.b), AT(classic.noverflow), AT(classic.hash0), AT(classic.buckets),
	AT(classic.oldbuckets), AT(classic.nevacuate), AT(classic.extra), AT(classic.next_overflow), { NULL, 0 },
};

static const struct member swiss_members[] = {
	AT(swiss.used), AT(swiss.seed), AT(swiss.dir_ptr), AT(swiss.dir_len), AT(swiss.global_depth), AT(swiss.global_shift),
	AT(swiss.writing), AT(swiss.tombstone_possible), AT(swiss.clear_seq), AT(swiss.table_used), AT(swiss.table_capacity),
	AT(swiss.table_growth_left), AT(swiss.table_local_depth), AT(swiss.table_index), AT(swiss.table_groups_data),
	AT(swiss.table_groups_mask), { NULL, 0 },
};

static const struct member unit_members[] = {
	AT(unit.size), AT(unit.control_offset), AT(unit.key_offset), AT(unit.key_stride), AT(unit.elem_offset),
	AT(unit.elem_stride), AT(unit.overflow_offset), AT(header_size), { NULL, 0 },
};

static void check_member(const char *type, const char *name, uint64_t known, uint64_t dwarf)
{
	if (!CHECK_UINT(known, dwarf))
		printf("%s: %s\n", type, name);
}

static void check_same(const char *type, const struct map_layout *known, const struct map_layout *dwarf)
{
	bool classic = dwarf->implementation == MAP_CLASSIC;

	for (const struct member *member = classic ? classic_members : swiss_members; member->name != NULL; member++) {
		const struct field_at *a = (const void *)((const char *)known + member->offset);
		const struct field_at *b = (const void *)((const char *)dwarf + member->offset);

		check_member(type, member->name, a->offset, b->offset);
		check_member(type, member->name, a->size, b->size);
	}
	for (const struct member *member = unit_members; member->name != NULL; member++)
		check_member(type, member->name, *(const uint32_t *)((const char *)known + member->offset),
			     *(const uint32_t *)((const char *)dwarf + member->offset));
	if (!classic)
		check_member(type, "table_size", known->swiss.table_size, dwarf->swiss.table_size);
	CHECK(known->implementation == dwarf->implementation && known->key_indirect == dwarf->key_indirect &&
	      known->elem_indirect == dwarf->elem_indirect);
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
	request.key_size = type->key->size;
	request.elem_size = type->elem->size;
	if (CHECK(map_layout_known(&request, &known) == NULL))
		check_same(name, &known, type->map_layout);
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
	binary_destroy(binary);
	close(fd);
	return check_done();
}
