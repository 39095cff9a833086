#include "analysis/who.h"

#include <stdlib.h>
#include <string.h>

#include "heap/referrers.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/limits.h"

enum { ARRAYS_LIMIT = 16, SLICES_LIMIT = 64 };

/* What pointers are looked for to: the map's header, and arrays on the way to it. In order of address. */
struct targets {
	uint64_t starts[1 + ARRAYS_LIMIT], ends[1 + ARRAYS_LIMIT];
	size_t count;
	uint64_t whole_start, whole_end; /* of what a sync.Map lies in */
};

static void add_target(struct targets *targets, uint64_t start, uint64_t end)
{
	size_t i = targets->count;

	if (i == ARRAY_SIZE(targets->starts))
		return;
	for (; i > 0 && targets->starts[i - 1] > start; i--) {
		targets->starts[i] = targets->starts[i - 1];
		targets->ends[i] = targets->ends[i - 1];
	}
	targets->starts[i] = start;
	targets->ends[i] = end;
	targets->count++;
}

static bool is_array(const struct census *census, uint64_t slot)
{
	heap_type_id id = heap_walk_type(census->walk, slot);

	return id != 0 && heap_type_at(census->types, id)->form == HEAP_VALUES;
}

static void add_arrays(struct census *census, uint64_t slot, struct targets *targets)
{
	enum { HOPS = 256 };

	for (int hops = 0; hops < HOPS; hops++) {
		struct heap_referrer referrer = heap_walk_referrer(census->walk, slot);

		if (referrer.is_root || referrer.slot == UINT64_MAX)
			return;
		slot = referrer.slot;
		if (!is_array(census, slot))
			continue;

		const struct heap_span *span = heap_span_of_slot(census->spans, slot);
		uint64_t start = heap_slot_address(span, (uint32_t)(slot - span->first));

		add_target(targets, start, start + span->elem_size);
	}
}

static enum who_kind kind_of(const struct heap_pointer *pointer, const struct owner_path *path)
{
	if (pointer->in == HEAP_POINTER_OBJECT || path->hops > 1)
		return WHO_OBJECT;
	if (pointer->in == HEAP_POINTER_DATA)
		return WHO_VARIABLE;
	return path->is_map_form ? WHO_LOCAL : WHO_WORD;
}

static void add_holder(struct who *who, struct owners *owners, const struct heap_pointer *pointer)
{
	struct who_holder *holder = &who->holders[who->count++];

	owner_of_word(owners, pointer->from, &holder->path);
	holder->kind = kind_of(pointer, &holder->path);
	holder->from = pointer->from;
	holder->goroutine = pointer->goroutine;
}

static int compare_holders(const void *a, const void *b)
{
	const struct who_holder *x = a, *y = b;

	if ((x->kind == WHO_WORD) != (y->kind == WHO_WORD))
		return x->kind == WHO_WORD ? 1 : -1;
	if (x->path.hops != y->path.hops)
		return x->path.hops < y->path.hops ? -1 : 1;
	return strcmp(x->path.text, y->path.text);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct owner_path *)a)->text, ((const struct owner_path *)b)->text);
}

/* Slices that lead to the array, where there are two or more by different names. */
static void add_array(struct who *who, struct owners *owners, const struct heap_pointers *pointers, uint64_t start, uint64_t end)
{
	struct who_array *array = &who->arrays[who->array_count];
	size_t kept = 0;

	*array = (struct who_array){ taddr_of(start), xcalloc(SLICES_LIMIT, sizeof(*array->slices)), 0 };
	for (size_t i = 0; i < pointers->count && array->count < SLICES_LIMIT; i++) {
		const struct heap_pointer *pointer = &pointers->items[i];

		if (pointer->value < start || pointer->value >= end)
			continue;
		owner_of_word(owners, pointer->from, &array->slices[array->count++]);
	}
	qsort(array->slices, array->count, sizeof(*array->slices), compare_paths);
	for (size_t i = 0; i < array->count; i++) {
		if (!array->slices[i].is_map_form || (kept != 0 && compare_paths(&array->slices[kept - 1], &array->slices[i]) == 0))
			owner_path_free(&array->slices[i]);
		else
			array->slices[kept++] = array->slices[i];
	}
	array->count = kept;
	if (kept > 1) {
		who->array_count++;
		return;
	}
	for (size_t i = 0; i < kept; i++)
		owner_path_free(&array->slices[i]);
	free(array->slices);
}

static struct error *look(struct census *census, struct owners *owners, taddr address, const struct targets *targets, struct who *out)
{
	struct heap_pointers pointers = { 0 };
	struct error *error = heap_referrers_find(census->walk, &census->roots, targets->starts, targets->ends, targets->count,
						  limit_of(LIMIT_HOLDERS) * targets->count, &pointers);

	out->holders = xcalloc(limit_of(LIMIT_HOLDERS), sizeof(*out->holders));
	out->arrays = xcalloc(targets->count, sizeof(*out->arrays));
	for (size_t i = 0; i < pointers.count && error == NULL; i++) {
		uint64_t value = pointers.items[i].value;

		if (out->in_object ? value < targets->whole_start || value >= targets->whole_end : value != address.v)
			continue;
		if (out->count >= limit_of(LIMIT_HOLDERS))
			out->left_out++;
		else
			add_holder(out, owners, &pointers.items[i]);
		error = interrupt_check();
	}
	if (out->count != 0)
		qsort(out->holders, out->count, sizeof(*out->holders), compare_holders);
	for (size_t i = 0; i < targets->count && error == NULL; i++)
		if (address.v < targets->starts[i] || address.v >= targets->ends[i])
			add_array(out, owners, &pointers, targets->starts[i], targets->ends[i]);
	heap_pointers_free(&pointers);
	return error;
}

/* A sync.Map has no header that pointers lead to: it lies in an object or a variable. */
static void find_whole(const struct census *census, taddr address, uint64_t size, struct targets *targets, struct who *who)
{
	const struct census_map *map = census_find(census, address);
	const struct heap_span *span = heap_span_find(census->spans, address.v);

	who->in_object = map != NULL && map->is_sync;
	targets->whole_start = address.v;
	targets->whole_end = address.v + size;
	if (who->in_object && span != NULL) {
		targets->whole_start = heap_slot_address(span, heap_slot_in(span, address.v));
		targets->whole_end = targets->whole_start + span->elem_size;
	}
}

struct error *who_holds(struct census *census, taddr address, uint64_t size, struct who *out)
{
	const struct heap_span *span = heap_span_find(census->spans, address.v);
	uint64_t slot = span ? span->first + heap_slot_in(span, address.v) : UINT64_MAX;
	struct targets targets = { .count = 0 };
	struct owners *owners;

	*out = (struct who){ 0 };
	TRY(census_owners(census, &owners));
	find_whole(census, address, size, &targets, out);
	if (out->in_object)
		owner_of_place(owners, address, &out->shortest);
	add_target(&targets, targets.whole_start, targets.whole_end);
	if (!out->in_object && span != NULL && span->scannable && heap_walk_reached(census->walk, slot)) {
		owner_of_slot(owners, slot, &out->shortest);
		add_arrays(census, slot, &targets);
	}

	struct error *error = look(census, owners, address, &targets, out);

	owners_destroy(owners);
	return error;
}

void who_free(struct who *who)
{
	owner_path_free(&who->shortest);
	for (size_t i = 0; i < who->count; i++)
		owner_path_free(&who->holders[i].path);
	for (size_t i = 0; i < who->array_count; i++) {
		for (size_t k = 0; k < who->arrays[i].count; k++)
			owner_path_free(&who->arrays[i].slices[k]);
		free(who->arrays[i].slices);
	}
	free(who->holders);
	free(who->arrays);
	*who = (struct who){ 0 };
}
