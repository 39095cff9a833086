/* Which words of a bucket or group are pointers, for each of the program's map types. */
#include <stdlib.h>
#include <string.h>

#include "heap/maps_judge.h"
#include "refmap/size_class.h"

enum { NESTING_LIMIT = 64 };

static void mask_value(struct shape *shape, struct gotype *type, uint64_t offset, int nesting);

static void mask_word(struct shape *shape, uint64_t offset, bool certain)
{
	uint64_t word = offset / shape->type->program->machine.word_size;

	if (word >= MASK_WORDS * 64)
		return;
	bit_set(shape->may, word);
	if (certain)
		bit_set(shape->must, word);
}

static void mask_parts(struct shape *shape, struct gotype *type, uint64_t offset, int nesting)
{
	for (size_t i = 0; i < type->field_count; i++)
		mask_value(shape, type->fields[i].type, offset + type->fields[i].offset, nesting);
	for (uint64_t i = 0; type->kind == GO_ARRAY && i < type->length && i < MASK_WORDS * 64; i++)
		mask_value(shape, type->elem, offset + i * type->elem->size, nesting);
}

static void mask_value(struct shape *shape, struct gotype *type, uint64_t offset, int nesting)
{
	struct error *error = gotype_complete(type);

	error_free(error);
	switch (type->kind) {
	case GO_STRUCT:
	case GO_ARRAY:
		if (nesting < NESTING_LIMIT)
			mask_parts(shape, type, offset, nesting + 1);
		break;
	case GO_INTERFACE:
		mask_word(shape, offset, false);
		mask_word(shape, offset + shape->type->program->machine.word_size, true);
		break;
	case GO_POINTER:
	case GO_UNSAFE_POINTER:
	case GO_MAP:
	case GO_CHAN:
	case GO_FUNC:
	case GO_STRING:
	case GO_SLICE:
		mask_word(shape, offset, true);
		break;
	default:
		break;
	}
}

static void mask_slot(struct shape *shape, struct gotype *type, bool indirect, uint64_t offset)
{
	if (indirect)
		mask_word(shape, offset, true);
	else
		mask_value(shape, type, offset, 0);
}

static void make_masks(struct shape *shape)
{
	const struct map_layout *layout = shape->type->map_layout;
	const struct map_unit_layout *unit = &layout->unit;

	for (uint64_t i = 0; i < MAP_SLOTS; i++) {
		mask_slot(shape, shape->type->key, layout->key_indirect, unit->key_offset + i * unit->key_stride);
		mask_slot(shape, shape->type->elem, layout->elem_indirect, unit->elem_offset + i * unit->elem_stride);
	}
	for (int i = 0; i < MASK_WORDS; i++)
		shape->pointers |= shape->may[i] != 0;
	/* the overflow pointer of buckets without other pointers is none to the collector (runtime/map.go, mapextra) */
	if (layout->implementation == MAP_CLASSIC && shape->pointers)
		mask_word(shape, unit->overflow_offset, true);
}

static bool same_parts(const struct gotype *a, const struct gotype *b)
{
	return a->key == b->key && a->elem == b->elem;
}

static void add_name(struct shape *shape, struct gotype *type)
{
	ARRAY_RESERVE(shape->names, shape->name_count, shape->name_capacity);
	shape->names[shape->name_count++] = type;
}

static void add_shape(struct map_judge *judge, struct gotype *type)
{
	for (size_t i = 0; i < judge->shape_count; i++) {
		struct shape *shape = &judge->shapes[i];

		if (!same_parts(shape->type, type))
			continue;
		add_name(shape, type);
		if (strncmp(type->name, "map[", 4) == 0)
			shape->type = type;
		table_put(&judge->by_type, (uintptr_t)type, i);
		return;
	}
	ARRAY_RESERVE(judge->shapes, judge->shape_count, judge->shape_capacity);

	struct shape *shape = &judge->shapes[judge->shape_count];

	*shape = (struct shape){ .type = type, .unit_size = type->map_layout->unit.size };
	make_masks(shape);
	add_name(shape, type);
	table_put(&judge->by_type, (uintptr_t)type, judge->shape_count++);
}

struct shape *shape_of(struct map_judge *judge, struct gotype *type)
{
	/* a descriptor's type and DWARF's are two: one shape serves both */
	type = heap_type_preferred(judge->walk->types, type);

	const uint64_t *known = table_get(&judge->by_type, (uintptr_t)type);

	if (known == NULL) {
		add_shape(judge, type);
		known = table_get(&judge->by_type, (uintptr_t)type);
	}
	return &judge->shapes[*known];
}

struct error *map_judge_create(struct heap_walk *walk, struct map_judge **out)
{
	struct map_judge *judge = xcalloc(1, sizeof(*judge));
	size_t count;
	struct gotype *const *types = heap_map_types(walk->types, &count);
	struct error *error = map_layout_load_header(walk->program->binary, &judge->header);

	judge->walk = walk;
	judge->program = walk->program;
	judge->longest_string = UINT64_MAX;
	if (error != NULL) {
		map_judge_destroy(judge);
		return error;
	}
	judge->header_slot = size_class_round(walk->program->version, walk->program->machine.word_size, judge->header.header_size, true);
	for (size_t i = 0; i < count; i++)
		add_shape(judge, types[i]);
	error = hash_state_read(walk->program, &judge->state);
	judge->hashes = error == NULL;
	error_free(error);
	*out = judge;
	return NULL;
}

void map_judge_destroy(struct map_judge *judge)
{
	if (judge == NULL)
		return;
	for (size_t i = 0; i < judge->shape_count; i++) {
		key_hasher_destroy(judge->shapes[i].hasher);
		free(judge->shapes[i].names);
	}
	free(judge->shapes);
	table_free(&judge->by_type);
	free(judge);
}
