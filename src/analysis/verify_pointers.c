/*
 * Where the map's own pointers lead: to the start of an object that is large enough. Overflow buckets may also be spare ones
 * behind the array of buckets (makeBucketArray(), runtime/map.go, >= 1.9); header and first unit of a map that does not escape
 * are on the stack, and those of the linker's own in the binary's data.
 *
 * All is looked up at one time, while the target stands: the heap changes when it runs on. So that it does not stand long,
 * only so many units are gone through.
 */
#include "analysis/verify_private.h"

#include <stdlib.h>

#include "util/alloc.h"
#include "util/interrupt.h"

enum { POINTERS_LIMIT = 8192, UNITS_LIMIT = 16384 };

enum pointer_kind {
	POINTER_ALONE,    /* to a map's header, or its first bucket or group: not always in the heap */
	POINTER_OBJECT,   /* to the start of an object */
	POINTER_OVERFLOW, /* to a bucket of its own, or behind the array */
};

struct pointer {
	enum pointer_kind kind;
	taddr at, to;  /* where it lies; 0: nowhere */
	uint64_t size; /* bytes that must be there */
	uint64_t too_many; /* so many are of another array; 0: as many as there are */
	const char *field;
	bool has_table, has_unit;
	struct map_table table;
	struct map_unit unit;
	int slot;
};

struct verify_pointers {
	struct pointer *items;
	taddr *addresses;
	enum heap_place *places;
	struct heap_object *objects;
	size_t count, capacity;
	uint64_t units;
	bool cut;
	struct error *error; /* why not all units were looked at; NULL: nothing was in the way */
};

void verify_pointers_free(struct verify_pointers *pointers)
{
	if (pointers == NULL)
		return;
	free(pointers->items);
	free(pointers->addresses);
	free(pointers->places);
	free(pointers->objects);
	error_free(pointers->error);
	free(pointers);
}

/* --- collecting ------------------------------------------------------------------------------------------------- */

static void add(struct verify_pointers *pointers, const struct pointer *pointer)
{
	if (pointer->to.v == 0)
		return;
	if (pointers->count == POINTERS_LIMIT) {
		pointers->cut = true;
		return;
	}
	ARRAY_RESERVE(pointers->items, pointers->count, pointers->capacity);
	pointers->items[pointers->count++] = *pointer;
}

static void add_field(struct verify_pointers *pointers, const struct go_map *map, enum pointer_kind kind, const char *field,
		      struct field_at at, taddr to, uint64_t size)
{
	add(pointers, &(struct pointer){ .kind = kind, .at = taddr_add(map->address, at.offset), .to = to, .size = size,
					 .field = field, .slot = -1 });
}

/*
 * makeBucketArray() allocates for 16 buckets or more a 16th more of them, for overflow, since Go 1.9. Size classes waste less
 * than what doubles an object: twice as much is an array of more buckets than B says.
 */
static void add_array(struct verify_pointers *pointers, const struct go_map *map, const char *field, struct field_at at, taddr to,
		      uint64_t buckets)
{
	uint64_t spare = map->program->version->minor >= 9 && buckets >= 16 ? buckets / 16 : 0, size = map->layout->unit.size;

	add(pointers, &(struct pointer){ .kind = buckets == 1 ? POINTER_ALONE : POINTER_OBJECT,
					 .at = taddr_add(map->address, at.offset), .to = to, .size = buckets * size,
					 .too_many = 2 * (buckets + spare) * size, .field = field, .slot = -1 });
}

static void add_header(struct verify_pointers *pointers, const struct go_map *map)
{
	const struct classic_header *classic = &map->classic;
	const struct swiss_header *swiss = &map->swiss;
	const struct map_layout *layout = map->layout;
	uint64_t size = layout->unit.size;

	add(pointers, &(struct pointer){ .kind = POINTER_ALONE, .to = map->address, .size = layout->header_size,
					 .field = "header", .slot = -1 });
	if (layout->implementation == MAP_SWISS) {
		add_field(pointers, map, swiss->dir_len ? POINTER_OBJECT : POINTER_ALONE, "header, dirPtr", layout->swiss.dir_ptr,
			  swiss->directory, swiss->dir_len ? swiss->dir_len * map->program->machine.word_size : size);
		return;
	}
	add_array(pointers, map, "header, buckets", layout->classic.buckets, classic->buckets, classic->bucket_count);
	add_array(pointers, map, "header, oldbuckets", layout->classic.oldbuckets, classic->old_buckets, classic->old_count);
	add_field(pointers, map, POINTER_OBJECT, "header, extra", layout->classic.extra, classic->extra, 1);
}

static void add_table(struct verify_pointers *pointers, const struct go_map *map, const struct map_table *table)
{
	const struct swiss_header_layout *at = &map->layout->swiss;
	struct pointer pointer = { .kind = POINTER_OBJECT, .to = table->address, .size = at->table_size, .slot = -1,
				   .has_table = true, .table = *table };

	pointer.at = taddr_add(map->swiss.directory, table->directory_index * map->program->machine.word_size);
	add(pointers, &pointer);
	pointer.at = taddr_add(table->address, at->table_groups_data.offset);
	pointer.to = table->groups;
	pointer.size = table->group_count * map->layout->unit.size;
	pointer.field = "groups";
	add(pointers, &pointer);
}

static void add_slots(struct verify_pointers *pointers, const struct go_map *map, struct pointer *pointer)
{
	const struct machine *machine = &map->program->machine;
	const struct map_unit *unit = &pointer->unit;

	for (unsigned live = unit->live; live != 0; live &= live - 1) {
		unsigned slot = (unsigned)__builtin_ctz(live);

		pointer->slot = (int)slot;
		if (map->layout->key_indirect) {
			pointer->field = "key pointer";
			pointer->at = map_key_slot_address(map, unit, slot);
			pointer->to = load_address(machine, map_key_slot(map, unit, slot));
			pointer->size = map->type->key->size;
			add(pointers, pointer);
		}
		if (map->layout->elem_indirect) {
			pointer->field = "elem pointer";
			pointer->at = map_elem_slot_address(map, unit, slot);
			pointer->to = load_address(machine, map_elem_slot(map, unit, slot));
			pointer->size = map->type->elem->size;
			add(pointers, pointer);
		}
	}
}

static void add_unit(struct verify_pointers *pointers, const struct go_map *map, const struct map_batch *batch, size_t i)
{
	const struct map_unit *unit = &batch->units[i];
	struct pointer pointer = { .kind = POINTER_OVERFLOW, .to = unit->address, .size = map->layout->unit.size, .slot = -1,
				   .field = "overflow", .has_unit = true, .unit = *unit };

	if (map->layout->implementation == MAP_CLASSIC && unit->chain != 0 && i != 0) {
		pointer.at = taddr_add(batch->units[i - 1].address, map->layout->unit.overflow_offset);
		pointer.unit = batch->units[i - 1];
		add(pointers, &pointer);
		pointer.unit = *unit;
	}
	pointer.kind = POINTER_OBJECT;
	pointer.has_table = batch->table_count != 0;
	if (pointer.has_table)
		pointer.table = batch->tables[unit->table];
	if (map->layout->key_indirect || map->layout->elem_indirect)
		add_slots(pointers, map, &pointer);
}

static struct error *look_at_units(struct verifier *verifier, struct verify_pointers *pointers, struct map_walk *walk,
				   const struct go_map *map)
{
	struct map_batch batch;

	while (!pointers->cut) {
		TRY(map_walk_next(walk, &batch));
		if (batch.count == 0)
			return NULL;
		for (size_t i = 0; i < batch.table_count; i++)
			add_table(pointers, map, &batch.tables[i]);
		for (size_t i = 0; i < batch.count && !pointers->cut; i++)
			add_unit(pointers, map, &batch, i);
		verify_leftovers_look(verifier, map, &batch);
		pointers->units += batch.count;
		pointers->cut |= pointers->units >= UNITS_LIMIT;
	}
	return NULL;
}

static void look_up(struct verifier *verifier, struct verify_pointers *pointers)
{
	pointers->addresses = xreallocarray(NULL, pointers->count, sizeof(*pointers->addresses));
	pointers->places = xreallocarray(NULL, pointers->count, sizeof(*pointers->places));
	pointers->objects = xcalloc(pointers->count, sizeof(*pointers->objects));
	for (size_t i = 0; i < pointers->count; i++)
		pointers->addresses[i] = pointers->items[i].to;
	heap_forget(verifier->heap);
	heap_find_many(verifier->heap, pointers->addresses, pointers->count, pointers->places, pointers->objects);
}

void verify_look_at_pointers(struct verifier *verifier, const struct go_map *map)
{
	struct verify_pointers *pointers;
	struct findings findings = { 0 }; /* the reader's walk has the same ones */

	verify_pointers_free(verifier->pointers);
	verifier->pointers = NULL;
	verify_leftovers_free(verifier->leftovers);
	verifier->leftovers = NULL;
	if (verifier->heap == NULL || map->address.v == 0)
		return;
	pointers = xcalloc(1, sizeof(*pointers));
	add_header(pointers, map);

	struct map_walk *walk = map_walk_create(map, MAP_WALK_ALL, &findings);

	pointers->error = look_at_units(verifier, pointers, walk, map);
	map_walk_destroy(walk);
	findings_free(&findings);
	look_up(verifier, pointers);
	if (pointers->error == NULL)
		pointers->error = interrupt_check(); /* spans that are not read any more say nothing */
	verifier->pointers = pointers;
}

/* --- judging ---------------------------------------------------------------------------------------------------- */

static bool reaches_end(const struct pointer *pointer, const struct heap_object *object)
{
	uint64_t inside = pointer->to.v - object->data.v;

	return pointer->to.v >= object->data.v && inside <= object->data_size && pointer->size <= object->data_size - inside;
}

static bool is_start(const struct pointer *pointer, const struct heap_object *object)
{
	/* the tiny allocator puts several things without pointers into one slot of 16 bytes */
	bool tiny = pointer->size < 16 && !object->scannable;

	if (pointer->too_many != 0 && object->data_size >= pointer->too_many)
		return false;
	return reaches_end(pointer, object) && (tiny || object->data.v == pointer->to.v);
}

/* A bucket behind the array of buckets, in the same object. */
static bool is_spare(const struct go_map *map, const struct pointer *pointer, const struct heap_object *object)
{
	const struct classic_header *header = &map->classic;
	taddr array = pointer->unit.old ? header->old_buckets : header->buckets;
	uint64_t inside = pointer->to.v - array.v, count = pointer->unit.old ? header->old_count : header->bucket_count;

	return object->data.v == array.v && reaches_end(pointer, object) && inside >= count * map->layout->unit.size &&
	       inside % map->layout->unit.size == 0;
}

static bool is_sound(const struct go_map *map, const struct pointer *pointer, enum heap_place place,
		     const struct heap_object *object)
{
	switch (place) {
	case HEAP_OBJECT:
		return object->allocated && (is_start(pointer, object) ||
					     (pointer->kind == POINTER_OVERFLOW && is_spare(map, pointer, object)));
	case HEAP_STACK:
	case HEAP_DATA:
		return pointer->kind == POINTER_ALONE;
	case HEAP_NOWHERE:
		return false;
	case HEAP_UNKNOWN:
		break;
	}
	return true;
}

static char *describe(const struct pointer *pointer, enum heap_place place, const struct heap_object *object)
{
	unsigned long long to = pointer->to.v, inside = pointer->to.v - object->data.v;

	switch (place) {
	case HEAP_STACK: return xasprintf("0x%llx, on a stack", to);
	case HEAP_DATA: return xasprintf("0x%llx, in the data of the binary", to);
	case HEAP_OBJECT: break;
	default: return xasprintf("0x%llx, in no span of the heap", to);
	}
	if (!object->allocated)
		return xasprintf("0x%llx, a free slot of the heap", to);
	return xasprintf("0x%llx, %lld bytes into an object of %llu", to, inside, (unsigned long long)object->data_size);
}

static char *describe_expected(const struct pointer *pointer)
{
	unsigned long long size = pointer->size, too_many = pointer->too_many;

	if (too_many != 0)
		return xasprintf("the start of an object of %llu to %llu bytes", size, too_many - 1);
	return xasprintf("the start of an object of %llu bytes", size);
}

static void report_pointer(struct verify *verify, size_t i)
{
	const struct verify_pointers *pointers = verify->verifier->pointers;
	const struct pointer *pointer = &pointers->items[i];
	struct verify_site site = { .table = pointer->has_table ? &pointer->table : NULL, .slot = pointer->slot,
				    .unit = pointer->has_unit ? &pointer->unit : NULL, .field = pointer->field,
				    .address = pointer->at.v ? pointer->at : pointer->to };

	if (!verify_only_counted(verify, VERIFY_POINTERS))
		verify_wrong(verify, VERIFY_POINTERS, &site, describe_expected(pointer),
			     describe(pointer, pointers->places[i], &pointers->objects[i]));
}

struct error *verify_pointers_error(struct verifier *verifier)
{
	struct error *error = verifier->pointers != NULL ? verifier->pointers->error : NULL;

	if (error != NULL)
		verifier->pointers->error = NULL;
	return error;
}

void verify_pointers_report(struct verify *verify)
{
	const struct verifier *verifier = verify->verifier;
	const struct verify_pointers *pointers = verifier->pointers;
	struct report_check *check = verify_check_of(verify, VERIFY_POINTERS);
	size_t unknown = 0;

	if (pointers == NULL) {
		report_detail(check, "nothing: %s", verifier->no_heap ? verifier->no_heap : "the process runs");
		return;
	}
	for (size_t i = 0; i < pointers->count; i++) {
		unknown += pointers->places[i] == HEAP_UNKNOWN;
		if (!is_sound(verify->map, &pointers->items[i], pointers->places[i], &pointers->objects[i]))
			report_pointer(verify, i);
	}
	if (unknown == pointers->count)
		report_detail(check, "nothing: %s", heap_reason(verifier->heap) ? heap_reason(verifier->heap) : "no heap");
	else
		report_detail(check, "%zu pointers%s with the spans of the heap", pointers->count - unknown,
			      pointers->cut ? " of the first units" : "");
}
