/* A pointer reaches an object: is it new, does it say what type the object is? */
#include "heap/walk_private.h"

#include <stdlib.h>

#include "refmap/size_class.h"
#include "util/sorted.h"

/* Distinct pointers of known type that lead elsewhere than to the start of an object. */
enum { PARTS_LIMIT = 1 << 22 };

void walk_queue(struct heap_walk *walk, uint64_t slot)
{
	if (bit_test(walk->queued, slot))
		return;
	bit_set(walk->queued, slot);
	ARRAY_RESERVE(walk->next, walk->next_count, walk->next_capacity);
	walk->next[walk->next_count++] = (uint32_t)slot;
}

/* The root of an edge becomes one that records can name. */
static uint32_t parent_of(struct heap_walk *walk, const struct edge *edge)
{
	if (edge->parent != PARENT_IS_ROOT)
		return edge->parent;
	ARRAY_RESERVE(walk->roots, walk->root_count, walk->root_capacity);
	walk->roots[walk->root_count] = walk->root;
	if (walk->root.kind != HEAP_ORIGIN_SPECIAL)
		walk->roots[walk->root_count].address = taddr_of(edge->from);
	return ROOT_CODES + (uint32_t)walk->root_count++;
}

void walk_note_part(struct heap_walk *walk, const struct edge *edge, bool inside)
{
	/* with another type, or for more values, it is another part */
	uint64_t key = edge->value * 31 + edge->type + edge->count * UINT64_C(0x9e3779b97f4a7c15);

	if (walk->part_count == PARTS_LIMIT || !table_put(&walk->parts_seen, key, 0))
		return;
	ARRAY_RESERVE(walk->parts, walk->part_count, walk->part_capacity);
	walk->parts[walk->part_count++] = (struct part){
		.place = { .address = taddr_of(edge->value), .type = edge->type, .from = taddr_of(edge->from) },
		.count = edge->count,
		.inside = inside,
	};
}

const struct stack_range *walk_stack_of(const struct heap_walk *walk, uint64_t address)
{
	size_t above = SORTED_ABOVE(walk->stacks, walk->stack_count, high, address);

	return above < walk->stack_count && address >= walk->stacks[above].low ? &walk->stacks[above] : NULL;
}

const struct heap_root_range *walk_data_of(const struct heap_walk *walk, uint64_t address)
{
	for (size_t i = 0; i < walk->data_count; i++)
		if (address - walk->data[i].start.v < walk->data[i].words * walk->program->machine.word_size)
			return &walk->data[i];
	return NULL;
}

/* How many bytes the allocator would have taken for the values; 0: that cannot be told from the pointer. */
static uint64_t slot_size_for(const struct heap_walk *walk, const struct heap_type *type, uint64_t count)
{
	uint64_t size = type->size;

	if (type->form == HEAP_VALUES && (count == 0 || __builtin_mul_overflow(size, count, &size)))
		return 0;
	if (type->form != HEAP_VALUE && type->form != HEAP_VALUES && type->form != HEAP_MAP)
		return 0;
	return size_class_round(walk->program->version, walk->program->machine.word_size, size, true);
}

/* Whether the pointer, which leads to the start of an object, says what all of that object is. */
static bool is_whole(const struct heap_walk *walk, const struct edge *edge, const struct heap_type *type)
{
	uint64_t size = slot_size_for(walk, type, edge->count);

	return size == 0 ? type->form != HEAP_VALUES : size + edge->span->header == edge->span->elem_size;
}

/* What a func value promises, as long as nobody has looked whether the object begins with the address of code. */
static bool is_mere_promise(const struct heap_type *type)
{
	return type->form == HEAP_FUNCTION && type->function == 0;
}

/* Of two claims for one object: a map's parts are what only maps lead to; a larger value holds the smaller one. */
static bool is_better(const struct heap_walk *walk, heap_type_id claim, heap_type_id known)
{
	if (known == 0 || claim & GUESSED)
		return known == 0;
	if (known & GUESSED)
		return true;

	const struct heap_type *a = heap_type_at(walk->types, claim), *b = heap_type_at(walk->types, known);

	if (is_mere_promise(b))
		return a->form != HEAP_FUNCTION;
	return a->form == HEAP_VALUE && b->form == HEAP_VALUE && a->size > b->size;
}

/* True where that made the object's type known, or better known. */
static bool claim(struct heap_walk *walk, const struct edge *edge, struct record *record, uint64_t start)
{
	const struct heap_type *type = heap_type_at(walk->types, edge->type & ~GUESSED);

	if (edge->value == start && is_whole(walk, edge, type)) {
		if (!is_better(walk, edge->type, record->type))
			return false;
		record->type = edge->type;
		return true;
	}
	if (record->type == 0 && !(edge->type & GUESSED))
		walk_note_part(walk, edge, true);
	return false;
}

/*
 * Whether a value of the edge's type can lie on a stack or among the variables. Tables of maps cannot; but a directory of one table has
 * 4 bytes on a machine of 32 bits, its object 8, and in the others an old pointer may stand.
 */
static bool may_be_outside(const struct heap_walk *walk, const struct edge *edge)
{
	return edge->type != 0 && !(edge->type & GUESSED) && heap_type_at(walk->types, edge->type)->form != HEAP_TABLE;
}

static void arrive(struct heap_walk *walk, struct edge *edge)
{
	const struct heap_span *span = edge->span;

	if (span == NULL) {
		if (may_be_outside(walk, edge) && (walk_stack_of(walk, edge->value) != NULL || walk_data_of(walk, edge->value) != NULL))
			walk_note_part(walk, edge, false);
		return;
	}

	uint32_t index = heap_slot_in(span, edge->value);
	uint64_t slot = span->first + index;

	if (!bit_test(walk->allocated, slot))
		return;
	walk->pointers++;

	bool fresh = !bit_test(walk->seen, slot);

	bit_set(walk->seen, slot);
	if (!span->scannable)
		return;

	struct record *record = &walk->records[slot];

	if (fresh)
		record->parent = parent_of(walk, edge);
	if (edge->type != 0)
		fresh |= claim(walk, edge, record, heap_slot_address(span, index) + span->header);
	if (fresh)
		walk_queue(walk, slot);
}

void walk_flush(struct heap_walk *walk)
{
	unsigned count = walk->edge_count;

	for (unsigned i = 0; i < count; i++) {
		struct edge *edge = &walk->edges[i];

		edge->span = heap_span_find(walk->spans, edge->value);
		if (edge->span == NULL)
			continue;

		uint64_t slot = edge->span->first + heap_slot_in(edge->span, edge->value);

		__builtin_prefetch(&walk->seen[slot / 64]);
		if (edge->span->scannable)
			__builtin_prefetch(&walk->records[slot]);
	}
	for (unsigned i = 0; i < count; i++)
		arrive(walk, &walk->edges[i]);
	walk->edge_count = 0;
}
