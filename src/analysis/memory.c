#include "analysis/memory.h"

#include <stdlib.h>

#include "util/alloc.h"
#include "util/table.h"

/* From 16 buckets on overflow buckets are made along with the array (makeBucketArray(), runtime/map.go, >= 1.9). */
enum { SPARES_SINCE = 9, SPARES_FROM_B = 4 };

struct memory_source {
	struct program *program;
	struct heap *heap;
	char *no_heap; /* why it is NULL */
	size_t most;
};

const char *memory_kind_name(enum memory_kind kind)
{
	static const char *const names[MEMORY_KINDS] = {
		"header", "buckets", "old buckets", "overflow", "extra", "directory", "table", "groups", "key", "elem",
		"readOnly", "node", "entry", "value",
	};

	return names[kind];
}

struct memory_source *memory_source_create(struct program *program, size_t most)
{
	struct memory_source *source = xcalloc(1, sizeof(*source));
	struct error *error = program->binary != NULL ? heap_open(program, &source->heap)
						      : error_new(ERROR_TARGET, "the map is made here: there is no heap");

	source->program = program;
	source->most = most;
	source->no_heap = error ? xstrdup(error->message) : NULL;
	error_free(error);
	return source;
}

void memory_source_destroy(struct memory_source *source)
{
	if (source == NULL)
		return;
	heap_close(source->heap);
	free(source->no_heap);
	free(source);
}

void memory_free(struct memory *memory)
{
	free(memory->blocks);
	free(memory->unknown);
}

/* --- collecting ------------------------------------------------------------------------------------------------- */

static void add(struct memory *memory, enum memory_kind kind, taddr address, uint64_t size)
{
	if (address.v == 0)
		return;
	if (memory->count == memory->most) {
		memory->cut = true;
		return;
	}
	ARRAY_RESERVE(memory->blocks, memory->count, memory->capacity);
	memory->blocks[memory->count++] = (struct memory_block){ .kind = kind, .address = address, .size = size };
}

static void add_header(struct memory *memory, const struct go_map *map)
{
	const struct map_layout *layout = map->layout;
	const struct classic_header *classic = &map->classic;
	unsigned word = map->program->machine.word_size;

	add(memory, MEMORY_HEADER, map->address, layout->header_size);
	if (layout->implementation == MAP_SWISS) {
		if (map->swiss.dir_len != 0)
			add(memory, MEMORY_DIRECTORY, map->swiss.directory, map->swiss.dir_len * word);
		return;
	}
	add(memory, MEMORY_BUCKETS, classic->buckets, classic->bucket_count * layout->unit.size);
	add(memory, MEMORY_OLD_BUCKETS, classic->old_buckets, classic->old_count * layout->unit.size);
	if (layout->classic.next_overflow.size != 0) /* mapextra's last field */
		add(memory, MEMORY_EXTRA, classic->extra, layout->classic.next_overflow.offset + word);
}

static void add_indirect(struct memory *memory, const struct go_map *map, const struct map_unit *unit)
{
	const struct machine *machine = &map->program->machine;

	for (unsigned live = unit->live; live != 0; live &= live - 1) {
		unsigned slot = (unsigned)__builtin_ctz(live);

		if (map->layout->key_indirect)
			add(memory, MEMORY_KEY, load_address(machine, map_key_slot(map, unit, slot)), map->type->key->size);
		if (map->layout->elem_indirect)
			add(memory, MEMORY_ELEM, load_address(machine, map_elem_slot(map, unit, slot)), map->type->elem->size);
	}
}

static void add_batch(struct memory *memory, const struct go_map *map, const struct map_batch *batch)
{
	uint64_t size = map->layout->unit.size;

	for (size_t i = 0; i < batch->table_count; i++) {
		add(memory, MEMORY_TABLE, batch->tables[i].address, map->layout->swiss.table_size);
		add(memory, MEMORY_GROUPS, batch->tables[i].groups, batch->tables[i].group_count * size);
	}
	for (size_t i = 0; i < batch->count; i++) {
		const struct map_unit *unit = &batch->units[i];

		if (unit->chain != 0)
			add(memory, MEMORY_OVERFLOW, unit->address, size);
		if (map->layout->implementation == MAP_SWISS && batch->table_count == 0)
			add(memory, MEMORY_GROUPS, unit->address, size);
		add_indirect(memory, map, unit);
	}
}

/* A table's groups may come in several batches: its own block and theirs once. */
static void drop_doubles(struct memory *memory)
{
	struct table seen = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < memory->count; i++)
		if (table_put(&seen, memory->blocks[i].address.v, 0))
			memory->blocks[kept++] = memory->blocks[i];
	memory->count = kept;
	table_free(&seen);
}

static struct error *collect(const struct go_map *map, struct memory *memory)
{
	struct findings findings = { 0 }; /* whoever reads the map has the same ones */
	struct map_walk *walk = map_walk_create(map, MAP_WALK_ALL, &findings);
	struct map_batch batch;
	struct error *error;
	size_t units = 0;

	add_header(memory, map);
	do {
		error = map_walk_next(walk, &batch);
		if (error == NULL)
			add_batch(memory, map, &batch);
		units += batch.count;
		memory->cut |= units > memory->most;
	} while (error == NULL && batch.count != 0 && !memory->cut);
	map_walk_destroy(walk);
	findings_free(&findings);
	drop_doubles(memory);
	return error;
}

/* --- looking up --------------------------------------------------------------------------------------------------- */

static void look_up(struct memory_source *source, struct memory *memory)
{
	size_t count = memory->count;
	taddr *addresses = xcalloc(count + 1, sizeof(*addresses));
	enum heap_place *places = xcalloc(count + 1, sizeof(*places));
	struct heap_object *objects = xcalloc(count + 1, sizeof(*objects));

	for (size_t i = 0; i < count; i++)
		addresses[i] = memory->blocks[i].address;
	heap_forget(source->heap);
	heap_find_many(source->heap, addresses, count, places, objects);
	for (size_t i = 0; i < count; i++) {
		memory->blocks[i].place = places[i];
		memory->blocks[i].object = objects[i];
	}
	free(addresses);
	free(places);
	free(objects);
}

/* The array's object is filled with buckets: those behind the array are its overflow buckets, in use or spare. */
static void measure_array(const struct go_map *map, struct memory_block *array)
{
	uint64_t size = map->layout->unit.size, filled = array->object.data_size / size * size;
	bool spares = map->program->version->minor >= SPARES_SINCE && array->size >= size << SPARES_FROM_B;

	if (array->place == HEAP_OBJECT && array->object.data.v == array->address.v && spares && filled > array->size)
		array->size = filled;
}

static bool lies_in(const struct memory_block *block, const struct memory_block *array)
{
	return array->place == HEAP_OBJECT && block->address.v >= array->address.v &&
	       block->address.v - array->address.v < array->size;
}

static bool lies_in_any(const struct memory_block *block, const struct memory_block *arrays, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lies_in(block, &arrays[i]))
			return true;
	return false;
}

/* The buckets and old buckets of the two maps that a sync.Map may have. */
enum { ARRAYS_MOST = 4 };

/* Overflow buckets behind an array are no blocks of their own. */
static void measure_arrays(const struct go_map *map, struct memory *memory)
{
	struct memory_block arrays[ARRAYS_MOST] = { 0 };
	size_t kept = 0, count = 0;

	for (size_t i = 0; i < memory->count; i++) {
		struct memory_block *block = &memory->blocks[i];

		if (count < ARRAYS_MOST && (block->kind == MEMORY_BUCKETS || block->kind == MEMORY_OLD_BUCKETS)) {
			measure_array(map, block);
			arrays[count++] = *block;
		}
		if (block->kind == MEMORY_OVERFLOW && lies_in_any(block, arrays, count))
			continue;
		memory->blocks[kept++] = *block;
	}
	memory->count = kept;
}

static void add_total(struct memory_total *total, const struct memory_block *block)
{
	total->count++;
	total->bytes += block->size;
	if (block->place != HEAP_OBJECT)
		return;
	total->in_heap++;
	total->slot_bytes += block->object.size;
	total->slack_bytes += memory_slack(block);
	total->pointer_free += !block->object.scannable;
}

static void sum_up(struct memory *memory, struct findings *findings)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct memory_block *block = &memory->blocks[i];

		add_total(&memory->totals[block->kind], block);
		add_total(&memory->all, block);
		if (block->place == HEAP_OBJECT && !block->object.allocated)
			findings_add(findings, block->address, "%s: it lies in a free slot of the heap: what is read there is no map any more",
				     memory_kind_name(block->kind));
		else if (block->place == HEAP_NOWHERE)
			findings_add(findings, block->address, "%s: it lies in no object of the heap, nor in data or on a stack: what is read "
				     "there is no map any more", memory_kind_name(block->kind));
		else if (block->place == HEAP_OBJECT && block->object.dead)
			findings_add(findings, block->address, "%s: nothing leads to it, the collector is about to free it",
				     memory_kind_name(block->kind));
	}
}

static bool begin(struct memory_source *source, struct memory *out)
{
	out->most = source->most;
	out->figures = (struct heap_figures){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	if (source->heap == NULL)
		out->unknown = xstrdup(source->no_heap);
	return source->heap != NULL;
}

static void finish(struct memory_source *source, struct findings *findings, struct memory *out)
{
	bool known = false;

	for (size_t i = 0; i < out->count; i++)
		known |= out->blocks[i].place != HEAP_UNKNOWN;
	if (!known && out->count != 0)
		out->unknown = xstrdup(heap_reason(source->heap) ? heap_reason(source->heap) : "the heap cannot be read");
	sum_up(out, findings);
	error_free(heap_figures_read(source->program, &out->figures)); /* figures that are not to be had stay unknown */
}

struct error *memory_look(struct memory_source *source, const struct go_map *map, struct findings *findings, struct memory *out)
{
	if (!begin(source, out) || map->address.v == 0)
		return NULL;
	TRY(collect(map, out));
	look_up(source, out);
	if (map->layout->implementation == MAP_CLASSIC)
		measure_arrays(map, out);
	finish(source, findings, out);
	return NULL;
}

/* --- sync.Maps ---------------------------------------------------------------------------------------------------- */

static bool add_sync_block(void *context, const struct sync_block *block)
{
	static const enum memory_kind kinds[] = {
		[SYNC_BLOCK_READ_ONLY] = MEMORY_READ_ONLY, [SYNC_BLOCK_ENTRY] = MEMORY_ENTRY, [SYNC_BLOCK_VALUE] = MEMORY_VALUE,
		[SYNC_BLOCK_NODE] = MEMORY_NODE,
	};
	struct memory *memory = context;

	add(memory, kinds[block->what], block->address, block->size);
	return !memory->cut;
}

struct error *memory_look_sync(struct memory_source *source, const struct sync_contents *contents, struct findings *findings,
			       struct memory *out)
{
	if (!begin(source, out))
		return NULL;
	sync_each_block(contents, add_sync_block, out);
	if (contents->read.address.v != 0)
		TRY(collect(&contents->read, out));
	if (contents->dirty.address.v != 0)
		TRY(collect(&contents->dirty, out));
	look_up(source, out);
	if (contents->map->layout->form == SYNC_READ_DIRTY && contents->read.layout->implementation == MAP_CLASSIC)
		measure_arrays(&contents->read, out);
	finish(source, findings, out);
	return NULL;
}
