/*
 * sources PID | EXE: DWARF, the table of versions and the runtime's descriptors say the same of all maps of a Go program, and in
 * one that runs what is changed in any of them is found. Not a unit test by itself: tests/run calls it with programs of each
 * version.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "analysis/verify_sources.h"
#include "gotype/map_descriptor.h"
#include "layout/map.h"
#include "target/live.h"
#include "util/alloc.h"
#include "check.h"

/* --- a target with bytes that differ -------------------------------------------------------------------------- */

struct patched {
	struct target target;
	struct target *base;
	uint64_t from;
	size_t length;
	uint8_t bytes[8];
};

static void patched_read(struct target *target, struct target_piece *pieces, size_t count)
{
	struct patched *patched = (struct patched *)target;

	target_read_pieces(patched->base, pieces, count);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < patched->length; k++) {
			uint64_t skip = patched->from + k - pieces[i].address.v;

			if (skip < pieces[i].got)
				((uint8_t *)pieces[i].to)[skip] = patched->bytes[k];
		}
}

static struct error *patched_unreadable(struct target *target, taddr address)
{
	return target_unreadable(((struct patched *)target)->base, address);
}

static const struct target_ops patched_ops = { .kind = "fake", .read_pieces = patched_read, .unreadable = patched_unreadable };

/* --- the program's map types ---------------------------------------------------------------------------------- */

static struct binary *binary;
static struct target *live;

struct types {
	struct program *program;
	struct gotype **list;
	size_t count, capacity;
	size_t most;
};

static bool add_type(void *context, const char *name, uint64_t die)
{
	struct types *types = context;
	struct gotype *type;

	if (!CHECK(program_type_at(types->program, die, &type) == NULL) || type->kind != GO_MAP || type->die != die)
		return true;
	ARRAY_RESERVE(types->list, types->count, types->capacity);
	types->list[types->count++] = type;
	return types->count < types->most;
}

/* The zoo has a map in an interface whose type is made by reflect, not by the compiler. */
static void add_reflected(struct types *types, struct target *memory)
{
	struct debug_variable variable;
	struct gotype *interface, *dynamic = NULL;
	uint8_t words[16];
	taddr value;
	bool inside;

	if (memory == NULL || !debug_find_variable(binary->debug, "main.heapMapOf", &variable))
		return;

	taddr address = taddr_of(variable.address + types->program->bias);

	if (!CHECK(program_type_at(types->program, variable.type, &interface) == NULL) ||
	    !CHECK(target_read(memory, address, words, interface->size) == NULL) ||
	    !CHECK(gotype_of_interface(interface, address, words, &dynamic, &value, &inside) == NULL && dynamic != NULL))
		return;
	CHECK(dynamic->kind == GO_MAP && dynamic->die == 0);
	ARRAY_RESERVE(types->list, types->count, types->capacity);
	types->list[types->count++] = dynamic;
}

static void types_open(struct target *memory, size_t most, struct types *out)
{
	*out = (struct types){ .most = most };
	CHECK(program_create(binary, memory, &out->program) == NULL);
	debug_each_type(binary->debug, add_type, out);
}

static void types_close(struct types *types)
{
	free(types->list);
	program_destroy(types->program);
}

static struct report verify(const struct types *types)
{
	struct report report = { 0 };

	CHECK(verify_sources(types->program, types->list, types->count, &report) == NULL);
	return report;
}

static size_t wrong_of(const struct report *report, const char *name)
{
	size_t wrong = 0;

	for (size_t i = 0; i < report->count; i++)
		if (strcmp(report->checks[i].name, name) == 0)
			wrong += report->checks[i].wrong_total;
	return wrong;
}

static size_t count_details(const struct report *report, const char *part)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += strstr(report->checks[i].detail, part) != NULL;
	return count;
}

/* --- all as it is --------------------------------------------------------------------------------------------- */

static void check_agreement(struct target *memory)
{
	struct types types;
	bool descriptors = memory != NULL || !binary->position_independent;

	types_open(memory, SIZE_MAX, &types);
	add_reflected(&types, memory);

	struct report report = verify(&types);

	for (size_t i = 0; i < report.count; i++) {
		const struct report_check *check = &report.checks[i];

		if (!CHECK(check->ok) || getenv("SOURCES_SHOW"))
			fprintf(stderr, "%s %s: %s\n", check->name, check->subject, check->detail);
		for (size_t k = 0; k < check->wrong_count; k++)
			fprintf(stderr, "\t%s: %s, should be %s\n", check->wrong[k].place, check->wrong[k].found,
				check->wrong[k].expected);
	}
	CHECK(types.count >= 20);
	/* 1.8 has no mapextra */
	CHECK_UINT(count_details(&report, "against the table of Go 1.") - types.count, binary->go_minor == 8 ? 2 : 3);
	/* a few types have none: no interface holds them */
	CHECK(count_details(&report, "the runtime's descriptor at 0x") >= (descriptors ? types.count * 3 / 4 : 0));
	CHECK_UINT(wrong_of(&report, "type") + wrong_of(&report, "offsets"), 0);
	report_free(&report);
	types_close(&types);
}

/* --- a descriptor that is changed ----------------------------------------------------------------------------- */

static bool reports_address(const struct report *report, taddr address)
{
	for (size_t i = 0; i < report->count; i++)
		for (size_t k = 0; k < report->checks[i].wrong_count; k++)
			if (report->checks[i].wrong[k].address.v == address.v)
				return true;
	return false;
}

static void check_patch(size_t types_most, const struct map_descriptor_field *field, uint64_t value)
{
	struct patched patched = { .target = *live, .base = live, .from = field->address.v, .length = field->size };
	struct types types;

	patched.target.ops = &patched_ops;
	store_uint(&live->machine, patched.bytes, field->size, value);
	types_open(&patched.target, types_most, &types);

	struct report report = verify(&types);

	if (!CHECK(reports_address(&report, field->address)))
		fprintf(stderr, "\t%s = %llu\n", field->name, (unsigned long long)value);
	report_free(&report);
	types_close(&types);
}

static bool is_pointer(const char *name)
{
	static const char *const names[] = { "Key", "key", "Elem", "elem", "Bucket", "bucket", "Group", "hmap", "Hasher",
					     "hasher" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* The first type that has a descriptor: each field of it is changed. */
static void check_patches(void)
{
	struct map_descriptor descriptor;
	struct types types;
	struct error *error = NULL;
	size_t first = 0;
	taddr address;

	types_open(live, 20, &types);
	do {
		error_free(error);
		error = gotype_descriptor(types.list[first], &address);
	} while (error != NULL && ++first < types.count);
	if (CHECK(error == NULL) && CHECK(map_descriptor_read(types.program, address, &descriptor) == NULL)) {
		CHECK(descriptor.field_count >= 7);
		for (size_t i = 0; i < descriptor.field_count; i++) {
			const struct map_descriptor_field *field = &descriptor.fields[i];

			check_patch(first + 1, field, is_pointer(field->name) ? 0 : field->value ^ 1);
			if (is_pointer(field->name) && strcasecmp(field->name, "hasher") != 0) /* a map is none of its parts */
				check_patch(first + 1, field, address.v);
		}
	}
	error_free(error);
	types_close(&types);
}

/* --- a table, a layout that is wrong -------------------------------------------------------------------------- */

static void check_other_version(bool classic)
{
	int minor = binary->go_minor, other = classic ? (minor == 8 ? 9 : minor >= 24 ? 23 : 8) : (minor == 24 ? 25 : 24);
	struct types types;
	bool newer;

	types_open(live, 5, &types);
	CHECK(go_version_find(other, &types.program->version, &newer) == NULL);

	struct report report = verify(&types);

	CHECK(wrong_of(&report, "offsets") > 0);
	CHECK(wrong_of(&report, "type") >= types.count);
	report_free(&report);
	types_close(&types);
}

static void check_other_layout(void)
{
	struct types types;

	types_open(live, 20, &types);

	struct map_layout *changed = xcalloc(types.count, sizeof(*changed));

	for (size_t i = 0; i < types.count; i++) {
		CHECK(gotype_complete(types.list[i]) == NULL);
		changed[i] = *types.list[i]->map_layout;
		changed[i].unit.size += 8;
		types.list[i]->map_layout = &changed[i];
	}

	struct report report = verify(&types);

	/* by the table and, where there is a descriptor, by the size in it and the unit's own descriptor */
	CHECK(wrong_of(&report, "type") == types.count + 2 * count_details(&report, "the runtime's descriptor at 0x"));
	CHECK_UINT(wrong_of(&report, "offsets"), 0);
	report_free(&report);
	types_close(&types);
	free(changed);
}

static void check_running(pid_t pid)
{
	struct live_options options = { .no_stop = true };
	struct map_layout header;

	if (!CHECK(live_open(pid, &options, &live) == NULL) ||
	    !CHECK(binary_open(live->executable.fd, live->executable.path, &binary) == NULL) ||
	    !CHECK(debug_open(binary, live->executable.path) == NULL) || !CHECK(map_layout_load_header(binary, &header) == NULL))
		return;
	check_agreement(live);
	check_agreement(NULL);
	check_patches();
	check_other_version(header.implementation == MAP_CLASSIC);
	check_other_layout();
	target_destroy(live);
}

static void check_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (!CHECK(fd >= 0) || !CHECK(binary_open(fd, path, &binary) == NULL) || !CHECK(debug_open(binary, path) == NULL))
		return;
	check_agreement(NULL);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: sources PID | EXE\n", stderr);
		return 2;
	}
	if (strchr(argv[1], '/') == NULL)
		check_running(atoi(argv[1]));
	else
		check_file(argv[1]);
	binary_destroy(binary);
	return check_done();
}
