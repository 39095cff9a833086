/* Stored layouts: what is read back, and that damaged ones are errors and no more. */
#include <stdlib.h>
#include <string.h>

#include "analysis/layout_diff.h"
#include "check.h"
#include "util/alloc.h"

static const char stored[] =
	"{\"go\": \"go1.26.8\", \"arch\": \"amd64\", \"word_size\": 8, \"byte_order\": \"little\",\n"
	" \"implementation\": \"swiss\", \"source\": \"dwarf\", \"later\": [1, {\"x\": [null, -2.5e3]}],\n"
	" \"structs\": {\"runtime.g\": {\"size\": 16,\n"
	"  \"fields\": {\"m\": {\"offset\": 8, \"size\": 8, \"type\": \"*runtime.m\"}}}},\n"
	" \"constants\": {\"runtime._Gscan\": 4096, \"large\": 18446744073709551615},\n"
	" \"maps\": {\"map[string]\\u00e4\": {\"group\": {\"size\": 200, \"slots\": 8, \"control_offset\": 0,\n  \"key_offset\": 8,"
	"  \"key_stride\": 24, \"elem_offset\": 24, \"elem_stride\": 24}, \"key_size\": 16, \"elem_size\": 8,\n"
	"  \"key_indirect\": false, \"elem_indirect\": true}}}\n";

static void count_difference(void *context, const struct layout_difference *difference)
{
	(void)difference;
	++*(unsigned *)context;
}

static void test_read(void)
{
	struct layout_set set;
	unsigned differences = 0;

	if (!CHECK(layout_set_parse_text("stored", stored, strlen(stored), &set) == NULL))
		return;
	CHECK(strcmp(set.go, "go1.26.8") == 0 && strcmp(set.architecture, "amd64") == 0 && set.word_size == 8);
	CHECK(set.struct_count == 1 && set.structs[0].size == 16 && set.structs[0].fields[0].offset == 8);
	CHECK(strcmp(set.structs[0].fields[0].type, "*runtime.m") == 0);
	CHECK(set.constant_count == 2 && set.constants[1].value == UINT64_MAX);

	const struct layout_map_type *map = layout_set_map(&set, "map[string]\xc3\xa4");

	if (CHECK(map != NULL))
		CHECK(map->implementation == MAP_SWISS && map->unit.key_stride == 24 && map->elem_indirect);
	CHECK(layout_diff(&set, &set, true, count_difference, &differences) == 0 && differences == 0);
	layout_set_free(&set);
}

/* Every beginning of it is an error; every byte changed is one, or another layout. */
static void test_damage(void)
{
	size_t length = strlen(stored), whole = length - 1; /* the line break need not be there */
	char *text = xstrndup(stored, length);
	struct layout_set set;

	for (size_t cut = 0; cut < whole; cut++) {
		struct error *error = layout_set_parse_text("cut", stored, cut, &set);

		CHECK(error != NULL && error->code == ERROR_TARGET);
		error_free(error);
		layout_set_free(&set);
	}
	for (size_t i = 0; i < length; i++)
		for (unsigned byte = 0; byte < 256; byte++) {
			text[i] = (char)byte;
			error_free(layout_set_parse_text("damaged", text, length, &set));
			layout_set_free(&set);
			text[i] = stored[i];
		}
	free(text);
}

int main(void)
{
	test_read();
	test_damage();
	return check_done();
}
