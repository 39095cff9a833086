#include "analysis/layout_diff.h"

#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

const char *layout_change_name(enum layout_change change)
{
	static const char *const names[] = { "removed", "added", "moved", "resized", "changed" };

	return names[change];
}

const char *layout_part_name(enum layout_part part)
{
	static const char *const names[] = { "struct", "field", "constant", "map", "head" };

	return names[part];
}

struct diff {
	layout_diff_visit *visit;
	void *context;
	bool symmetric;
	size_t count;
};

static void tell(struct diff *diff, const struct layout_difference *difference)
{
	if (difference->change == LAYOUT_ADDED && !diff->symmetric)
		return;
	diff->count++;
	diff->visit(diff->context, difference);
}

static void tell_head(struct diff *diff, const char *what, const char *a, const char *b)
{
	struct layout_difference difference = {
		.part = LAYOUT_HEAD, .change = LAYOUT_CHANGED, .owner = what, .a.text = a, .b.text = b
	};

	if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
		tell(diff, &difference);
}

static void compare_heads(struct diff *diff, const struct layout_set *a, const struct layout_set *b)
{
	tell_head(diff, "arch", a->architecture, b->architecture);
	tell_head(diff, "byte_order", a->big_endian ? "big" : "little", b->big_endian ? "big" : "little");
	tell_head(diff, "implementation", a->implementation, b->implementation);
}

/* --- structs ------------------------------------------------------------------------------------------------------ */

static struct layout_place place_of(const struct layout_field *field)
{
	return (struct layout_place){ .offset = field->offset, .size = field->size };
}

static bool is_blank(const struct layout_field *field)
{
	return strcmp(field->name, "_") == 0;
}

static void compare_field(struct diff *diff, const char *owner, const struct layout_field *a,
			  const struct layout_field *b)
{
	struct layout_difference difference = {
		.part = LAYOUT_FIELD,
		.change = b == NULL		   ? LAYOUT_REMOVED
			  : a->offset != b->offset ? LAYOUT_MOVED
						   : LAYOUT_RESIZED,
		.owner = owner,
		.name = a->name,
		.a = place_of(a),
	};

	if (b != NULL && a->offset == b->offset && a->size == b->size)
		return;
	if (b != NULL)
		difference.b = place_of(b);
	tell(diff, &difference);
}

static void compare_struct(struct diff *diff, const struct layout_struct *a, const struct layout_struct *b)
{
	if (a->size != b->size) {
		struct layout_difference difference = { .part = LAYOUT_STRUCT,
							.change = LAYOUT_RESIZED,
							.owner = a->name,
							.a.size = a->size,
							.b.size = b->size };

		tell(diff, &difference);
	}
	for (size_t i = 0; i < a->field_count; i++)
		if (!is_blank(&a->fields[i]))
			compare_field(diff, a->name, &a->fields[i], layout_field_find(b, a->fields[i].name));
	for (size_t i = 0; i < b->field_count; i++) {
		struct layout_difference difference = { .part = LAYOUT_FIELD,
							.change = LAYOUT_ADDED,
							.owner = a->name,
							.name = b->fields[i].name,
							.b = place_of(&b->fields[i]) };

		if (!is_blank(&b->fields[i]) && layout_field_find(a, b->fields[i].name) == NULL)
			tell(diff, &difference);
	}
}

static void compare_structs(struct diff *diff, const struct layout_set *a, const struct layout_set *b)
{
	for (size_t i = 0; i < a->struct_count; i++) {
		const struct layout_struct *is = &a->structs[i], *other = layout_set_struct(b, is->name);
		struct layout_difference removed = {
			.part = LAYOUT_STRUCT, .change = LAYOUT_REMOVED, .owner = is->name, .a.size = is->size
		};

		if (other == NULL)
			tell(diff, &removed);
		else
			compare_struct(diff, is, other);
	}
	for (size_t i = 0; i < b->struct_count; i++) {
		struct layout_difference added = { .part = LAYOUT_STRUCT,
						   .change = LAYOUT_ADDED,
						   .owner = b->structs[i].name,
						   .b.size = b->structs[i].size };

		if (layout_set_struct(a, b->structs[i].name) == NULL)
			tell(diff, &added);
	}
}

/* --- constants ---------------------------------------------------------------------------------------------------- */

static void compare_constants(struct diff *diff, const struct layout_set *a, const struct layout_set *b)
{
	for (size_t i = 0; i < a->constant_count; i++) {
		const struct layout_constant *is = &a->constants[i], *other = layout_set_constant(b, is->name);
		struct layout_difference difference = { .part = LAYOUT_CONSTANT,
							.change = other == NULL ? LAYOUT_REMOVED : LAYOUT_CHANGED,
							.owner = is->name,
							.a.value = is->value };

		if (other != NULL)
			difference.b.value = other->value;
		if (other == NULL || other->value != is->value)
			tell(diff, &difference);
	}
	for (size_t i = 0; i < b->constant_count; i++) {
		struct layout_difference added = { .part = LAYOUT_CONSTANT,
						   .change = LAYOUT_ADDED,
						   .owner = b->constants[i].name,
						   .b.value = b->constants[i].value };

		if (layout_set_constant(a, b->constants[i].name) == NULL)
			tell(diff, &added);
	}
}

/* --- map types ---------------------------------------------------------------------------------------------------- */

static void compare_figure(struct diff *diff, const char *owner, const char *name, uint64_t a, uint64_t b)
{
	struct layout_difference difference = {
		.part = LAYOUT_MAP, .change = LAYOUT_CHANGED, .owner = owner, .name = name, .a.value = a, .b.value = b
	};

	if (a != b)
		tell(diff, &difference);
}

static void compare_map(struct diff *diff, const struct layout_map_type *a, const struct layout_map_type *b)
{
	const struct map_unit_layout *is = &a->unit, *other = &b->unit;

	compare_figure(diff, a->name, "size", is->size, other->size);
	compare_figure(diff, a->name, "control_offset", is->control_offset, other->control_offset);
	compare_figure(diff, a->name, "key_offset", is->key_offset, other->key_offset);
	compare_figure(diff, a->name, "key_stride", is->key_stride, other->key_stride);
	compare_figure(diff, a->name, "elem_offset", is->elem_offset, other->elem_offset);
	compare_figure(diff, a->name, "elem_stride", is->elem_stride, other->elem_stride);
	if (a->implementation == MAP_CLASSIC && b->implementation == MAP_CLASSIC)
		compare_figure(diff, a->name, "overflow_offset", is->overflow_offset, other->overflow_offset);
	compare_figure(diff, a->name, "key_size", a->key_size, b->key_size);
	compare_figure(diff, a->name, "elem_size", a->elem_size, b->elem_size);
	compare_figure(diff, a->name, "key_indirect", a->key_indirect, b->key_indirect);
	compare_figure(diff, a->name, "elem_indirect", a->elem_indirect, b->elem_indirect);
}

static int by_name(const void *a, const void *b)
{
	const struct layout_map_type *const *first = a, *const *second = b;

	return strcmp((*first)->name, (*second)->name);
}

/* Programs have thousands of map types: those of `b`, sorted. */
static const struct layout_map_type **sort_maps(const struct layout_set *set)
{
	const struct layout_map_type **sorted = xcalloc(set->map_count + 1, sizeof(*sorted));

	for (size_t i = 0; i < set->map_count; i++)
		sorted[i] = &set->maps[i];
	qsort(sorted, set->map_count, sizeof(*sorted), by_name);
	return sorted;
}

static void compare_maps(struct diff *diff, const struct layout_set *a, const struct layout_set *b, bool missing)
{
	const struct layout_map_type **sorted = sort_maps(b);

	for (size_t i = 0; i < a->map_count; i++) {
		const struct layout_map_type *is = &a->maps[i];
		const struct layout_map_type **other = bsearch(&is, sorted, b->map_count, sizeof(*sorted), by_name);
		struct layout_difference removed = { .part = LAYOUT_MAP, .change = LAYOUT_REMOVED, .owner = is->name };

		if (other != NULL)
			compare_map(diff, is, *other);
		else if (missing)
			tell(diff, &removed);
	}
	free(sorted);
}

size_t layout_diff(const struct layout_set *a, const struct layout_set *b, bool symmetric, layout_diff_visit *visit,
		   void *context)
{
	struct diff diff = { .visit = visit, .context = context, .symmetric = symmetric };

	compare_heads(&diff, a, b);
	compare_structs(&diff, a, b);
	compare_constants(&diff, a, b);
	compare_maps(&diff, a, b, !symmetric);
	return diff.count;
}
