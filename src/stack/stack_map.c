/* getStackMap() of runtime/stkframe.go (runtime/stack.go before Go 1.21). */
#include "stack/stack_map.h"

#include <inttypes.h>
#include <stdlib.h>

#include "stack/defers.h"
#include "util/alloc.h"

enum {
	STRUCT_LIMIT = 4096,     /* layout/pclntab.c has none that is larger */
	MASK_BYTES = 1 << 20,    /* of a frame, of an object: 64 MB; longer ones are not read */
	ALL_MASK_BYTES = 1 << 28,
	OBJECTS = 1 << 16,       /* of a function */
	KIND_GC_PROGRAM = 1 << 6 /* runtime/typekind.go (Go <= 1.16): gcdata is a program that makes the mask */
};

struct map_memory {
	struct map_memory *next;
	max_align_t bytes[];
};

struct object_list {
	size_t count;
	struct stack_object items[];
};

struct stack_maps {
	struct program *program;
	struct pclntab *pclntab;
	struct defer_layout defers;
	struct table by_pc;             /* struct stack_map */
	struct table objects_by_entry;  /* struct object_list */
	struct map_memory *memory;
	size_t mask_bytes;
};

struct error *stack_maps_open(struct program *program, struct stack_maps **out)
{
	struct stack_maps *maps = xcalloc(1, sizeof(*maps));
	struct error *error = pclntab_open(program, &maps->pclntab);

	maps->program = program;
	if (error == NULL)
		error = defer_layout_load(program, &maps->defers);
	if (error != NULL) {
		stack_maps_close(maps);
		return error;
	}
	*out = maps;
	return NULL;
}

void stack_maps_close(struct stack_maps *maps)
{
	if (maps == NULL)
		return;
	while (maps->memory != NULL) {
		struct map_memory *next = maps->memory->next;

		free(maps->memory);
		maps->memory = next;
	}
	table_free(&maps->by_pc);
	table_free(&maps->objects_by_entry);
	pclntab_close(maps->pclntab);
	free(maps);
}

const struct defer_layout *stack_maps_defers(const struct stack_maps *maps)
{
	return &maps->defers;
}

static void *allocate(struct stack_maps *maps, size_t size)
{
	struct map_memory *block = xcalloc(1, sizeof(*block) + size);

	block->next = maps->memory;
	maps->memory = block;
	return block->bytes;
}

static uint64_t load(const struct stack_maps *maps, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&maps->program->machine, bytes + at.offset, at.size);
}

static int64_t load_signed(const struct stack_maps *maps, const uint8_t *bytes, struct field_at at)
{
	return load_int(&maps->program->machine, bytes + at.offset, at.size);
}

static struct error *read_mask(struct stack_maps *maps, uint64_t address, uint64_t words, const uint8_t **out)
{
	uint64_t length = (words + 7) / 8;

	if (length > MASK_BYTES || length > ALL_MASK_BYTES - maps->mask_bytes)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": a mask of %" PRIu64 " bytes", address, length);

	uint8_t *mask = allocate(maps, length);

	maps->mask_bytes += length;
	TRY(target_read(maps->program->memory, taddr_of(address), mask, length));
	*out = mask;
	return NULL;
}

/* --- locals and arguments ------------------------------------------------------------------------------------- */

static struct error *read_bitmap(struct stack_maps *maps, const struct pclntab_function *function, uint32_t which,
				 int32_t number, bool *has, uint64_t *words, const uint8_t **mask)
{
	const struct pclntab_layout *layout = pclntab_layout(maps->pclntab);
	uint8_t bytes[STRUCT_LIMIT];
	int64_t count, bits;
	taddr at;

	TRY(pclntab_data(maps->pclntab, function, which, &at));
	if (at.v == 0)
		return NULL;
	TRY(target_read(maps->program->memory, at, bytes, layout->map_size));
	count = load_signed(maps, bytes, layout->map_count);
	bits = load_signed(maps, bytes, layout->map_bits);
	if (count <= 0)
		return NULL;
	if (bits < 0 || (bits > 0 && (number < 0 || number >= count)))
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": map %d of %" PRId64 " maps of %" PRId64 " words", at.v,
				 number, count, bits);
	if (bits > 0)
		TRY(read_mask(maps, at.v + layout->map_size + (uint64_t)number * (((uint64_t)bits + 7) / 8),
			      (uint64_t)bits, mask));
	*words = (uint64_t)bits;
	*has = true;
	return NULL;
}

/* --- objects -------------------------------------------------------------------------------------------------- */

/* Go <= 1.16: a record names a type. */
static struct error *describe_typed(struct stack_maps *maps, const uint8_t *record, struct stack_object *out)
{
	const struct pclntab_layout *layout = pclntab_layout(maps->pclntab);
	unsigned word = maps->program->machine.word_size;
	uint64_t descriptor = load(maps, record, layout->object_type);
	uint8_t type[STRUCT_LIMIT];

	TRY(target_read(maps->program->memory, taddr_of(descriptor), type, layout->type_size));
	out->size = load(maps, type, layout->type_bytes);
	out->words = load(maps, type, layout->type_pointers) / word;
	if ((load(maps, type, layout->type_kind) & KIND_GC_PROGRAM) || out->words / 8 > MASK_BYTES)
		return NULL;
	return read_mask(maps, load(maps, type, layout->type_mask), out->words, &out->mask);
}

static struct error *describe_object(struct stack_maps *maps, const struct pclntab_function *function,
				     const uint8_t *record, struct stack_object *out)
{
	const struct pclntab_layout *layout = pclntab_layout(maps->pclntab);
	unsigned word = maps->program->machine.word_size;
	int64_t pointers;
	uint64_t mask;

	out->offset = load_signed(maps, record, layout->object_offset);
	if (layout->object_type.size != 0)
		return describe_typed(maps, record, out);
	out->size = load(maps, record, layout->object_bytes);
	pointers = load_signed(maps, record, layout->object_pointers);
	out->words = (uint64_t)(pointers < 0 ? -pointers : pointers) / word;
	mask = load(maps, record, layout->object_mask);
	if (layout->rodata.size != 0)
		mask = pclntab_rodata(function, mask).v;
 /* negative: a program that makes the mask; some words are taken for pointers then that are none */
	if (pointers < 0 || out->words / 8 > MASK_BYTES)
		return NULL;
	return read_mask(maps, mask, out->words, &out->mask);
}

static struct error *read_objects(struct stack_maps *maps, const struct pclntab_function *function,
				  struct object_list **out)
{
	const struct pclntab_layout *layout = pclntab_layout(maps->pclntab);
	unsigned word = maps->program->machine.word_size;
	uint8_t record[STRUCT_LIMIT];
	uint64_t count = 0;
	taddr at = { 0 };

	if (layout->object_size != 0)
		TRY(pclntab_data(maps->pclntab, function, layout->indexes->stack_objects, &at));
	if (at.v != 0)
		TRY(target_read_word(maps->program->memory, at, &count));
	if (count > OBJECTS)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": %" PRIu64 " objects in one frame", at.v, count);

	struct object_list *list = allocate(maps, sizeof(*list) + count * sizeof(list->items[0]));

	for (; list->count < count; list->count++) {
		TRY(target_read(maps->program->memory, taddr_add(at, word + list->count * layout->object_size), record,
				layout->object_size));
		TRY(describe_object(maps, function, record, &list->items[list->count]));
	}
	*out = list;
	return NULL;
}

static struct error *find_objects(struct stack_maps *maps, struct stack_map *map)
{
	const uint64_t *known = table_get(&maps->objects_by_entry, map->function->entry);
	struct object_list *list = known ? (struct object_list *)(uintptr_t)*known : NULL;

	if (list == NULL) {
		TRY(read_objects(maps, map->function, &list));
		table_put(&maps->objects_by_entry, map->function->entry, (uintptr_t)list);
	}
	map->objects = list->items;
	map->object_count = list->count;
	return NULL;
}

/* --- a pc ----------------------------------------------------------------------------------------------------- */

/* A goroutine that was interrupted where the compiler has no map: LivenessInvalid of cmd/compile/internal/gc/plive.go (>= 1.11). */
enum { UNSAFE_POINT = -2 };

/* In a function's prologue, and where it has not begun, there is no value (-1), and the first map is the one. */
static struct error *read_map(struct stack_maps *maps, uint64_t pc, struct stack_map *map)
{
	const struct pclntab_function *function;
	int32_t number = -1;

	TRY(pclntab_find(maps->pclntab, pc, &function));
	if (function == NULL)
		return NULL;
	if (pc != function->entry)
		TRY(pclntab_value(maps->pclntab, function, pclntab_layout(maps->pclntab)->indexes->stack_map, pc - 1,
				  &number));
	if (number == UNSAFE_POINT)
		return NULL;
	if (number == -1)
		number = 0;
	map->function = function;
	TRY(read_bitmap(maps, function, FUNCDATA_LOCALS, number, &map->has_locals, &map->local_words, &map->locals));
	TRY(read_bitmap(maps, function, FUNCDATA_ARGS, number, &map->has_args, &map->arg_words, &map->args));
	return find_objects(maps, map);
}

const struct stack_map *stack_map_find(struct stack_maps *maps, uint64_t pc, struct findings *findings)
{
	const uint64_t *known = table_get(&maps->by_pc, pc);

	if (known != NULL)
		return (const struct stack_map *)(uintptr_t)*known;

	struct stack_map *map = allocate(maps, sizeof(*map));
	struct error *error = read_map(maps, pc, map);

	if (error != NULL) {
		*map = (struct stack_map){ 0 };
		findings_add_error(findings, taddr_of(pc), error, "what is a pointer in the frame of 0x%" PRIx64, pc);
	}
	table_put(&maps->by_pc, pc, (uintptr_t)map);
	return map;
}
