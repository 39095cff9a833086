/*
 * known_debug BINARY: the DWARF that is made from the tables of versions, against the binary's own: each struct, constant and variable,
 * and all layouts that are loaded from both. Not a unit test by itself: tests/run calls it with programs of each version.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary/debug.h"
#include "layout/heap.h"
#include "layout/heap_figures.h"
#include "layout/heap_roots.h"
#include "layout/known_debug.h"
#include "layout/map.h"
#include "layout/pclntab.h"
#include "layout/runtime.h"
#include "layout/struct.h"
#include "layout/table.h"
#include "util/alloc.h"
#include "check.h"

struct pair {
	struct binary *own, *made;
};

/* Checks that say which struct, field or layout it was about. */
static bool same(const char *what, const char *part, uint64_t made, uint64_t own)
{
	bool good = check_report(made == own, __FILE__, __LINE__, what);

	if (!good)
		fprintf(stderr, "\t%s: made %llu, own %llu\n", part, (unsigned long long)made, (unsigned long long)own);
	return good;
}

static void same_at(const char *what, const char *part, struct field_at made, struct field_at own)
{
	same(what, part, made.offset, own.offset);
	same(what, part, made.size, own.size);
}

static void same_text(const char *what, const char *made, const char *own)
{
	if (!check_report((made == NULL) == (own == NULL), __FILE__, __LINE__, what))
		fprintf(stderr, "\tmade: %s\n\town: %s\n", made ? made : "(known)", own ? own : "(known)");
}

/* --- structs, constants, variables ------------------------------------------------------------------------------ */

/* The field at which a struct begins to be another on other machines than those the rows are of (layout/table.h); NULL: it does not. */
static const char *end_of(const struct pair *pair, const char *name)
{
	uint16_t machine = pair->own->machine.elf_machine;

	if (machine == EM_X86_64 || machine == EM_386)
		return NULL;
	return strcmp(name, "runtime.mheap") == 0 ? "central" : NULL;
}

static void compare_structs(const struct pair *pair, const char *name, const struct layout_struct *made, const struct layout_struct *own)
{
	const char *end = end_of(pair, name);
	size_t named = 0;

	if (end != NULL && layout_field_find(own, end) == NULL)
		end = NULL;
	if (end == NULL)
		same(name, "size", made->size, own->size);
	for (size_t i = 0; i < own->field_count; i++) {
		const struct layout_field *field = layout_field_find(made, own->fields[i].name);

		if (end != NULL && strcmp(own->fields[i].name, end) == 0)
			return;
		if (strcmp(own->fields[i].name, "_") == 0)
			continue;
		named++;
		if (!same(name, own->fields[i].name, field != NULL, true))
			continue;
		same(name, field->name, field->offset, own->fields[i].offset);
		same(name, field->name, field->size, own->fields[i].size);
	}
	same(name, "fields", made->field_count, named);
}

/* False where the binary has no such struct: what its code does not use is not in its DWARF. */
static bool check_struct(const struct pair *pair, const char *name)
{
	struct layout_struct made, own;
	uint64_t own_die, made_die;

	if (!debug_find_type(pair->own->debug, name, &own_die))
		return false;
	if (!same(name, "is known", debug_find_type(pair->made->debug, name, &made_die), true))
		return true;
	if (!CHECK(layout_struct_at(pair->own, own_die, &own) == NULL) || !CHECK(layout_struct_at(pair->made, made_die, &made) == NULL))
		return true;
	compare_structs(pair, name, &made, &own);
	layout_struct_free(&made);
	layout_struct_free(&own);
	return true;
}

static void check_structs(const struct pair *pair)
{
	unsigned found = 0;

	for (const struct runtime_name *row = layout_runtime_structs; row->names[0] != NULL; row++) {
		bool one = false;

		for (size_t i = 0; !one && i < ARRAY_SIZE(row->names) && row->names[i] != NULL; i++)
			one = check_struct(pair, row->names[i]);
		found += one;
	}
	for (const char *const *name = layout_own_structs; *name != NULL; name++)
		found += check_struct(pair, *name);
	CHECK(found >= 35);
}

static void check_constants(const struct pair *pair, const char *const *names)
{
	for (; *names != NULL; names++) {
		uint64_t made, own;

		if (!debug_find_constant(pair->own->debug, *names, &own))
			continue;
		if (same(*names, "is known", debug_find_constant(pair->made->debug, *names, &made), true))
			same(*names, "value", made, own);
	}
}

/* Without an address there is no variable; with it, it is the binary's. */
static void check_variables(const struct pair *pair)
{
	unsigned found = 0;

	CHECK(!debug_set_variable(pair->made->debug, "main.main", 1));
	for (const char *const *name = layout_own_variables; *name != NULL; name++) {
		struct debug_variable made, own;
		uint64_t made_size = 0, own_size = 0;

		CHECK(!debug_find_variable(pair->made->debug, *name, &made));
		if (!debug_find_variable(pair->own->debug, *name, &own))
			continue;
		found++;
		if (!same(*name, "is known", debug_set_variable(pair->made->debug, *name, own.address), true) ||
		    !same(*name, "is found", debug_find_variable(pair->made->debug, *name, &made), true))
			continue;
		same(*name, "address", made.address, own.address);
		CHECK(layout_size(pair->made, made.type, &made_size) && layout_size(pair->own, own.type, &own_size));
		if (strcmp(*name, "runtime.mheap_") != 0 || end_of(pair, "runtime.mheap") == NULL)
			same(*name, "size", made_size, own_size);
	}
	CHECK(found >= 12);
}

/* --- layouts ---------------------------------------------------------------------------------------------------- */

#define SAME(field) same(what, #field, made.field, own.field)
#define SAME_AT(field) same_at(what, #field, made.field, own.field)

static void check_heap(const struct pair *pair)
{
	static const char what[] = "heap_layout";
	struct heap_layout made, own;

	heap_layout_load(pair->made, &made);
	heap_layout_load(pair->own, &own);
	same_text(what, made.no_spans, own.no_spans);
	same_text(what, made.no_collector, own.no_collector);
	same_text(what, made.no_modules, own.no_modules);
	SAME(mheap), SAME(page_size), SAME(l1_length), SAME(l2_length), SAME(arena_pages), SAME(origin), SAME(arenas_at);
	SAME(spans_at), SAME_AT(arena_start), SAME(span_size), SAME_AT(start), SAME_AT(pages), SAME_AT(elem_size), SAME_AT(count);
	SAME_AT(free_index), SAME_AT(alloc_bits), SAME_AT(state), SAME_AT(span_class), SAME(noscan_in_class), SAME(all_spans_at);
	SAME_AT(heap_sweepgen), SAME_AT(sweepgen), SAME_AT(alloc_count), SAME_AT(mark_bits), SAME_AT(large_type), SAME_AT(user_arena);
	SAME_AT(specials), SAME(bitmap), SAME(bitmap_at), SAME(bitmap_bytes), SAME(inline_size), SAME(inline_marks_at);
	SAME_AT(type_size), SAME_AT(type_pointers), SAME_AT(type_flags), SAME_AT(type_kind), SAME_AT(type_mask), SAME(type_bytes);
	SAME(mask_on_demand), SAME(unrolled_mask), SAME(mask_program), SAME(mask_in_progress), SAME(header_size), SAME(header_above);
	SAME(first_module), SAME(module_size), SAME_AT(next);
	for (int i = 0; i < MODULE_RANGES; i++)
		SAME_AT(ranges[i][0]), SAME_AT(ranges[i][1]);
	heap_layout_free(&made);
	heap_layout_free(&own);
}

static void compare_queues(const char *what, struct heap_queue_layout made, struct heap_queue_layout own)
{
	SAME(head), SAME_AT(next), SAME_AT(count), SAME(records_at), SAME(record_size), SAME(record_limit), SAME(mask), SAME(block_size);
}

static void check_roots(const struct pair *pair)
{
	static const char what[] = "heap_roots_layout";
	struct heap_roots_layout made, own;

	heap_roots_layout_load(pair->made, &made);
	heap_roots_layout_load(pair->own, &own);
	same_text(what, made.unknown, own.unknown);
	SAME(first_module), SAME(module_size), SAME_AT(next_module), SAME(special_size), SAME_AT(special_next);
	SAME_AT(special_offset), SAME_AT(special_kind), SAME(finalizer_kind), SAME(cleanup_kind), SAME(weak_kind);
	SAME_AT(finalizer_function), SAME_AT(cleanup_function), SAME_AT(weak_handle), SAME_AT(cleanup_argument), SAME_AT(cleanup_caller);
	for (int i = 0; i < MASKED_RANGES; i++)
		SAME_AT(ranges[i].start), SAME_AT(ranges[i].end), SAME_AT(ranges[i].bits), SAME_AT(ranges[i].bytes);
	compare_queues("finalizers", made.finalizers, own.finalizers);
	compare_queues("cleanups", made.cleanups, own.cleanups);
	heap_roots_layout_free(&made);
	heap_roots_layout_free(&own);
}

static void check_figures(const struct pair *pair)
{
	static const char what[] = "heap_figures_layout";
	struct heap_figures_layout made, own;

	if (!CHECK(heap_figures_layout_load(pair->made, &made) == NULL) || !CHECK(heap_figures_layout_load(pair->own, &own) == NULL))
		return;
	for (int i = 0; i < HEAP_FIGURES; i++)
		SAME(figures[i].address), SAME(figures[i].size);
	SAME(headroom), SAME(headroom_percent);
}

static void check_pclntab(const struct pair *pair, int minor)
{
	static const char what[] = "pclntab_layout";
	static const char *const slices[] = { "functions", "records", "values", "names", "text_sections" };
	struct pclntab_layout made, own;

	pclntab_layout_load(pair->made, minor, &made);
	pclntab_layout_load(pair->own, minor, &own);
	same_text(what, made.unknown, own.unknown);
	SAME(first_module), SAME(module_size), SAME_AT(next_module), SAME_AT(low), SAME_AT(high), SAME_AT(text), SAME_AT(rodata);
	SAME_AT(gofunc), SAME(entry_size), SAME_AT(entry), SAME_AT(record), SAME(relative), SAME(function_size);
	SAME_AT(function_entry), SAME_AT(name), SAME_AT(args), SAME_AT(defer_return), SAME_AT(pcdata_count), SAME_AT(funcdata_count);
	SAME(map_size), SAME_AT(map_count), SAME_AT(map_bits), SAME(object_size), SAME_AT(object_offset), SAME_AT(object_bytes);
	SAME_AT(object_pointers), SAME_AT(object_mask), SAME_AT(object_type), SAME(type_size), SAME_AT(type_bytes);
	SAME_AT(type_pointers), SAME_AT(type_mask), SAME_AT(type_kind);

	const struct slice_at made_slices[] = { made.functions, made.records, made.values, made.names, made.text_sections };
	const struct slice_at own_slices[] = { own.functions, own.records, own.values, own.names, own.text_sections };

	for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
		same_at(what, slices[i], made_slices[i].array, own_slices[i].array);
		same_at(what, slices[i], made_slices[i].length, own_slices[i].length);
	}
	pclntab_layout_free(&made);
	pclntab_layout_free(&own);
}

static void differs(void *context, const char *part, const char *what, uint64_t known, uint64_t found)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %s", part, what);
	same(context, text, known, found);
}

static void check_map_header(const struct pair *pair)
{
	static char what[] = "map header";
	struct map_layout made, own;

	if (CHECK(map_layout_load_header(pair->made, &made) == NULL) && CHECK(map_layout_load_header(pair->own, &own) == NULL))
		CHECK(map_layout_compare(&made, &own, differs, what) >= 20);
}

/* --- all -------------------------------------------------------------------------------------------------------- */

static void check_all(const struct pair *pair, int minor)
{
	CHECK(debug_is_made(pair->made->debug) && !debug_is_made(pair->own->debug));
	check_structs(pair);
	check_constants(pair, layout_runtime_constants);
	check_constants(pair, layout_own_constants);
	check_variables(pair);
	check_heap(pair);
	check_roots(pair);
	check_figures(pair);
	check_pclntab(pair, minor);
	check_map_header(pair);
}

static bool open_pair(int fd, const char *path, struct pair *out, const struct go_version **version)
{
	struct map_layout header;
	bool newer;

	return CHECK(binary_open(fd, path, &out->own) == NULL) && CHECK(binary_open(fd, path, &out->made) == NULL) &&
	       CHECK(debug_open(out->own, NULL) == NULL) && CHECK(map_layout_load_header(out->own, &header) == NULL) &&
	       CHECK(go_version_find(out->own->go_minor, version, &newer) == NULL) &&
	       CHECK(layout_known_debug(out->made, *version, header.implementation) == NULL);
}

int main(int argc, char **argv)
{
	struct pair pair = { 0 };
	const struct go_version *version;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0) {
		fputs("usage: known_debug BINARY\n", stderr);
		return 2;
	}
	if (open_pair(fd, argv[1], &pair, &version))
		check_all(&pair, version->minor);
	close(fd);
	binary_destroy(pair.made);
	binary_destroy(pair.own);
	return check_done();
}
