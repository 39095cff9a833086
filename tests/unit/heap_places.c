/*
 * heap_places -p PID | -c CORE EXE: asks heap/place.h about addresses of a Go program of which something else says where
 * they lie: its maps, its goroutines, its global variables, the runtime's list of all spans, addresses nobody can read.
 * Not a unit test by itself: tests/run calls it with the zoo of each version.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gotype/sync.h"
#include "heap/place.h"
#include "analysis/list.h"
#include "layout/heap.h"
#include "map/map.h"
#include "target/core.h"
#include "target/live.h"
#include "util/alloc.h"
#include "check.h"

enum { SHOWN = 20 };

static struct heap *heap;
static struct program *program;
static unsigned maps_seen, spans_seen, stacks_seen, tables_seen, variables_seen;
static unsigned long asked, wrong;

/* One address; those of a map, or of a kind of thing, make one check: none_wrong(). */
static bool check_at(bool good, uint64_t address, const char *what, enum heap_place place, const struct heap_object *object)
{
	asked++;
	if (!good && wrong++ < SHOWN)
		fprintf(stderr, "0x%" PRIx64 ": %s: place %d, slot 0x%" PRIx64 " + %" PRIu64 ", data 0x%" PRIx64 "\n", address, what,
			(int)place, object->base.v, object->size, object->data.v);
	return good;
}

static void none_wrong(void)
{
	CHECK_UINT(wrong, 0);
	wrong = 0;
}

static enum heap_place ask(uint64_t address, struct heap_object *out)
{
	*out = (struct heap_object){ 0 };
	return heap_find(heap, taddr_of(address), out);
}

static void check_place(uint64_t address, enum heap_place expected, const char *what)
{
	struct heap_object object;
	enum heap_place place = ask(address, &object);

	check_at(place == expected, address, what, place, &object);
}

/* An object of `size` bytes begins here, and all its bytes are of the same slot. */
static void check_object(uint64_t address, uint64_t size, const char *what)
{
	struct heap_object object, inside;
	enum heap_place place = ask(address, &object);

	if (!check_at(place == HEAP_OBJECT && object.data.v == address && object.data_size >= size && object.allocated, address, what,
		      place, &object))
		return;
	for (int i = 1; i <= 4; i++) {
		place = ask(object.base.v + (object.size - 1) * i / 4, &inside);
		check_at(place == HEAP_OBJECT && inside.base.v == object.base.v && inside.size == object.size &&
			 inside.index == object.index && inside.data.v == object.data.v, address, "the same slot", place, &inside);
	}
}

/* --- maps --------------------------------------------------------------------------------------------------- */

static void check_unit(const struct go_map *map, const struct map_unit *unit)
{
	uint64_t size = map->layout->unit.size;
	struct heap_object object;
	enum heap_place place = ask(unit->address.v, &object);
	uint64_t offset = unit->address.v - object.data.v;

	check_at(place == HEAP_OBJECT && object.allocated && offset % size == 0 && offset + size <= object.data_size,
		 unit->address.v, "a bucket or group", place, &object);
	if (unit->index == 0 && unit->chain == 0 && !unit->old && map->layout->implementation == MAP_CLASSIC)
		check_object(unit->address.v, map->classic.bucket_count * size, "the array of buckets");
}

static void check_table(const struct go_map *map, const struct map_table *table)
{
	struct heap_object object;
	enum heap_place place = ask(table->address.v, &object);

	tables_seen++;
	check_at(place == HEAP_OBJECT && object.data.v == table->address.v, table->address.v, "a table", place, &object);
	check_object(table->groups.v, table->group_count * map->layout->unit.size, "the array of groups");
}

static void check_units(const struct go_map *map)
{
	struct findings findings = { 0 };
	struct map_walk *walk = map_walk_create(map, MAP_WALK_ALL, &findings);
	struct map_batch batch = { 0 };

	do {
		if (map_walk_next(walk, &batch) != NULL && !CHECK(false))
			break;
		for (size_t i = 0; i < batch.count; i++)
			check_unit(map, &batch.units[i]);
		for (size_t i = 0; i < batch.table_count; i++)
			check_table(map, &batch.tables[i]);
	} while (batch.count != 0);
	map_walk_destroy(walk);
	findings_free(&findings);
}

static bool visit_map(void *context, const struct listed_map *listed)
{
	struct go_map map;

	(void)context;
	/* a sync.Map lies where its variable is, with no header of its own */
	if (listed->error != NULL || listed->address.v == 0 || gotype_is_sync(listed->type) || !CHECK(map_open(listed->type, listed->address, &map) == NULL))
		return true;
	maps_seen++;
	check_object(listed->address.v, 1, listed->name);
	if (map.layout->implementation == MAP_SWISS && map.swiss.directory.v != 0)
		check_object(map.swiss.directory.v,
			     map.swiss.dir_len ? map.swiss.dir_len * program->machine.word_size : map.layout->unit.size, "the directory");
	check_units(&map);
	none_wrong();
	return true;
}

static void check_maps(const struct list_variables *variables)
{
	CHECK(list_maps(program, variables, visit_map, NULL) == NULL);
	CHECK(maps_seen > 50);
}

/* --- what the runtime knows -------------------------------------------------------------------------------------- */

static uint64_t word_at(uint64_t address)
{
	uint64_t word = 0;

	if (target_read_word(program->memory, taddr_of(address), &word) != NULL)
		CHECK(false);
	return word;
}

static uint64_t integer_at(uint64_t address, struct field_at at)
{
	uint8_t bytes[8] = { 0 };

	if (target_read(program->memory, taddr_of(address + at.offset), bytes, at.size) != NULL)
		CHECK(false);
	return load_uint(&program->machine, bytes, at.size);
}

/* An in-use span's slots; what lies behind the last one is in none. */
static void check_span_in_use(uint64_t span, const struct heap_layout *layout, uint64_t start, uint64_t size)
{
	uint64_t elem_size = integer_at(span, layout->elem_size), count = integer_at(span, layout->count);
	const uint64_t slots[] = { 0, count / 2, count - 1 };

	for (int i = 0; i < 3; i++) {
		struct heap_object object;
		uint64_t base = start + slots[i] * elem_size;
		enum heap_place place = ask(base + elem_size / 2, &object);

		check_at(place == HEAP_OBJECT && object.base.v == base && object.size == elem_size && object.index == slots[i] &&
			 object.span_start == start && object.span_size == size, base, "a slot of a span", place, &object);
	}
	if (count * elem_size < size)
		check_place(start + size - 1, HEAP_NOWHERE, "behind a span's last slot");
}

/* mheap.allspans is the same in all versions, and knows nothing of pages. */
static void check_spans(void)
{
	struct heap_layout layout;
	struct debug_variable variable;
	struct layout_struct mheap;

	heap_layout_load(program->binary, &layout);
	CHECK(debug_find_variable(program->binary->debug, "runtime.mheap_", &variable));
	CHECK(layout_struct_at(program->binary, variable.type, &mheap) == NULL);

	uint64_t at = variable.address + program->bias + layout_field_find(&mheap, "allspans")->offset;
	uint64_t list = word_at(at), count = word_at(at + program->machine.word_size);

	for (uint64_t i = 0; i < count; i++) {
		uint64_t span = word_at(list + i * program->machine.word_size);
		uint64_t start = integer_at(span, layout.start), state = integer_at(span, layout.state);
		uint64_t size = integer_at(span, layout.pages) * layout.page_size;

		spans_seen++;
		if (state == 1)
			check_span_in_use(span, &layout, start, size);
		else if (state == 2)
			check_place(start + size / 2, HEAP_STACK, "a span managed by hand");
	}
	none_wrong();
	CHECK(spans_seen > 50);
	layout_struct_free(&mheap);
	heap_layout_free(&layout);
}

static void check_goroutines(void)
{
	static const char *const names[] = { "runtime.g", NULL };
	struct debug_variable variable;
	struct layout_struct layout;

	CHECK(debug_find_variable(program->binary->debug, "runtime.allgs", &variable));
	CHECK(layout_struct_named(program->binary, names, &layout) == NULL);

	unsigned word = program->machine.word_size;
	uint64_t at = variable.address + program->bias, list = word_at(at), count = word_at(at + word);
	uint64_t stack = layout_field_find(&layout, "stack")->offset;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t g = word_at(list + i * word), low = word_at(g + stack), high = word_at(g + stack + word);

		check_object(g, layout.size, "a goroutine");
		if (low == 0) /* dead, its stack is freed */
			continue;
		stacks_seen++;
		check_place(low, HEAP_STACK, "a stack's lowest byte");
		check_place(high - 1, HEAP_STACK, "a stack's highest byte");
	}
	none_wrong();
	CHECK(stacks_seen >= 3);
	layout_struct_free(&layout);
}

/* --- what is not the heap ----------------------------------------------------------------------------------------- */

static bool visit_variable(void *context, const struct debug_variable *variable)
{
	(void)context;
	/* the compiler's own statictmp_N can be read-only data */
	if (strcmp(variable->name, "runtime.worldsema") == 0) /* in noptrdata; the zoo's own are in the others */
		check_place(variable->address + program->bias, HEAP_DATA, variable->name);
	if (strncmp(variable->name, "main.", 5) == 0 && strchr(variable->name + 5, '.') == NULL &&
	    strncmp(variable->name + 5, "statictmp_", 10) != 0) {
		variables_seen++;
		check_place(variable->address + program->bias, HEAP_DATA, variable->name);
	}
	return true;
}

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Near the heap, and anywhere. */
static void check_unmapped(uint64_t near)
{
	const uint64_t some[] = { 0, 1, 4095, UINT64_MAX, UINT64_MAX / 2, UINT64_C(1) << 47, UINT64_C(0xffff800000000000) };
	unsigned unmapped = 0;

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t address = i < ARRAY_SIZE(some) ? some[i] : next_random() >> (next_random() % 40);
		uint8_t byte;

		if (i % 2 && i >= ARRAY_SIZE(some))
			address = near + (address & 0xffffffff);
		if (target_read_some(program->memory, taddr_of(address), &byte, 1) != 0)
			continue;
		unmapped++;
		check_place(address, HEAP_NOWHERE, "nobody can read it");
	}
	none_wrong();
	CHECK(unmapped > 1000);
}

/* Many at a time say the same as one at a time. */
static void check_many(uint64_t near)
{
	enum { MANY = 10000 };
	taddr *addresses = xcalloc(MANY, sizeof(*addresses));
	enum heap_place *places = xcalloc(MANY, sizeof(*places));
	struct heap_object *objects = xcalloc(MANY, sizeof(*objects));
	unsigned found = 0;

	for (size_t i = 0; i < MANY; i++)
		addresses[i] = taddr_of(near + next_random() % (64 << 20));
	heap_forget(heap);
	heap_find_many(heap, addresses, MANY, places, objects);
	for (size_t i = 0; i < MANY; i++) {
		struct heap_object object;
		enum heap_place place = ask(addresses[i].v, &object);

		found += place == HEAP_OBJECT;
		check_at(place == places[i] && (place != HEAP_OBJECT || (object.base.v == objects[i].base.v &&
			 object.allocated == objects[i].allocated)), addresses[i].v, "one of many", place, &objects[i]);
	}
	none_wrong();
	CHECK(found > 0);
	free(addresses);
	free(places);
	free(objects);
}

static int open_binary(struct target *target, const char *path, struct binary **out)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : target->executable.fd;

	CHECK(binary_open(fd, path ? path : "executable", out) == NULL && debug_open(*out, NULL) == NULL);
	if (path != NULL) {
		CHECK(core_use_executable(target, fd, path) == NULL);
		close(fd);
	}
	return check_failed == 0;
}

static void check_all(struct target *target)
{
	struct list_variables *variables;
	struct debug_variable any;

	CHECK(list_variables_find(program, &variables) == NULL);
	CHECK(heap_open(program, &heap) == NULL);
	CHECK(target_stop(target) == NULL);
	CHECK(debug_find_variable(program->binary->debug, "main.words", &any));

	uint64_t near = word_at(any.address + program->bias) & ~(uint64_t)0x3ffffff;

	check_maps(variables);
	check_spans();
	check_goroutines();
	debug_each_variable(program->binary->debug, visit_variable, NULL);
	none_wrong();
	CHECK(variables_seen > 50);
	check_unmapped(near);
	check_many(near);
	CHECK_TEXT(heap_reason(heap), NULL);
	target_resume(target);
	heap_close(heap);
	list_variables_free(variables);
}

int main(int argc, char **argv)
{
	bool live = argc == 3 && strcmp(argv[1], "-p") == 0;
	struct live_options options = { 0 };
	struct target *target = NULL;
	struct binary *binary = NULL;

	if (!live && (argc != 4 || strcmp(argv[1], "-c") != 0)) {
		fputs("usage: heap_places -p PID | -c CORE EXE\n", stderr);
		return 2;
	}
	if (CHECK((live ? live_open(atoi(argv[2]), &options, &target) : core_open(argv[2], &target)) == NULL) &&
	    open_binary(target, live ? NULL : argv[3], &binary) && CHECK(program_create(binary, target, &program) == NULL))
		check_all(target);
	fprintf(stderr, "%lu addresses of %u maps, %u tables, %u spans, %u stacks, %u variables\n", asked, maps_seen, tables_seen,
		spans_seen, stacks_seen, variables_seen);
	program_destroy(program);
	binary_destroy(binary);
	target_destroy(target);
	return check_done();
}
