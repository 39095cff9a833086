/*
 * runtime_rows BINARY: what the DWARF of a binary says of the runtime's structs, constants and variables that
 * layout/runtime.h names, as JSON. Not a test: scripts/layout-rows makes the rows of the table of versions from it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary/debug.h"
#include "layout/map.h"
#include "layout/runtime.h"
#include "layout/struct.h"
#include "util/alloc.h"

static const char *separator = "";

/* What cannot be read of a binary that was built for this is an end. */
static void must(struct error *error)
{
	if (error == NULL)
		return;
	fprintf(stderr, "runtime_rows: %s\n", error->message);
	exit(1);
}

static void print_fields(const struct layout_struct *layout)
{
	const char *comma = "";

	printf("%s\n\"%s\": {\"size\": %llu, \"fields\": {", separator, layout->name, (unsigned long long)layout->size);
	for (size_t i = 0; i < layout->field_count; i++) {
		const struct layout_field *field = &layout->fields[i];

		printf("%s\"%s", comma, field->name);
		if (strcmp(field->name, "_") == 0)
			printf("%zu", i); /* a struct can have several */
		printf("\": {\"offset\": %llu, \"size\": %llu, \"type\": \"%s\"}", (unsigned long long)field->offset,
		       (unsigned long long)field->size, field->type);
		comma = ", ";
	}
	printf("}}");
	separator = ",";
}

/* False where there is none of that name. */
static bool print_struct(struct binary *binary, const char *name)
{
	struct layout_struct layout;
	uint64_t die;

	if (!debug_find_type(binary->debug, name, &die))
		return false;
	must(layout_struct_at(binary, die, &layout));
	print_fields(&layout);
	layout_struct_free(&layout);
	return true;
}

static void print_constants(struct binary *binary, const char *const *names)
{
	for (; *names != NULL; names++) {
		uint64_t value;

		if (!debug_find_constant(binary->debug, *names, &value))
			continue;
		printf("%s\n\"%s\": %llu", separator, *names, (unsigned long long)value);
		separator = ",";
	}
}

static void print_variables(struct binary *binary)
{
	for (const char *const *name = layout_own_variables; *name != NULL; name++) {
		struct debug_variable variable;
		Dwarf_Die die;

		if (!debug_find_variable(binary->debug, *name, &variable) || !debug_die(binary->debug, variable.type, &die))
			continue;
		printf("%s\n\"%s\": \"%s\"", separator, *name, dwarf_diename(&die));
		separator = ",";
	}
}

static void print_all(struct binary *binary)
{
	struct map_layout header;

	must(map_layout_load_header(binary, &header));
	printf("{\"word_size\": %u, \"implementation\": \"%s\", \"structs\": {", binary->machine.word_size,
	       map_implementation_name(header.implementation));
	for (const struct runtime_name *row = layout_runtime_structs; row->names[0] != NULL; row++)
		for (size_t i = 0; i < ARRAY_SIZE(row->names) && row->names[i] != NULL && !print_struct(binary, row->names[i]); i++)
			;
	for (const char *const *name = layout_own_structs; *name != NULL; name++)
		print_struct(binary, *name);
	separator = "";
	printf("},\n\"constants\": {");
	print_constants(binary, layout_runtime_constants);
	print_constants(binary, layout_own_constants);
	separator = "";
	printf("},\n\"variables\": {");
	print_variables(binary);
	printf("}}\n");
}

int main(int argc, char **argv)
{
	struct binary *binary;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0) {
		fprintf(stderr, "usage: runtime_rows BINARY\n");
		return 2;
	}
	must(binary_open(fd, argv[1], &binary));
	close(fd);
	must(debug_open(binary, NULL));
	print_all(binary);
	binary_destroy(binary);
	return 0;
}
