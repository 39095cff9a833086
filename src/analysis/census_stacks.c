/*
 * Stacks as roots: the words of them that the collector would follow, and the variables of their frames, which say of
 * what type things are. What DWARF calls a variable may be dead long since: of its words only those count that are
 * followed anyway.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/census_private.h"
#include "binary/debug.h"
#include "stack/live.h"
#include "stack/roots.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/limits.h"

enum {
	READ_LIMIT = 1 << 20,     /* bytes of a stack that are read together; of one variable */
	PAGE = 8192,              /* of the runtime: _PageSize, runtime/sizeclasses.go, all versions */
	FRAME_WORDS = 1 << 16, /* of a frame that are looked through for a variable that is not in memory as a whole */
};

struct visit {
	struct census *census;
	struct stack_live live;
	const struct stack_frame *frame;
	const struct stack_live_frame *alive; /* the same frame; NULL: nothing is known of it, and all in it counts */
	struct error *error;
	uint8_t *buffer; /* of READ_LIMIT bytes */
};

/* --- words ---------------------------------------------------------------------------------------------------- */

/*
 * Bytes of the range in front of the first object. Stacks have spans of their own (runtime/stack.go, stackalloc()):
 * where objects are, the bounds are damaged, and every word of the heap would be a root.
 */
static uint64_t length_without_objects(struct census *census, const struct stack_root_range *range)
{
	for (uint64_t at = 0; at < range->length; at += PAGE - (range->start.v + at) % PAGE) {
		if (heap_span_find(census->spans, range->start.v + at) == NULL)
			continue;
		findings_add(&census->findings, taddr_add(range->start, at),
			     "the stack of goroutine %llu would go on in objects of the heap",
			     (unsigned long long)range->goroutine);
		return at;
	}
	return range->length;
}

/* [start, end), every word of it. */
static void seed_whole(struct visit *visit, const struct stack_root_range *range, uint64_t start, uint64_t end)
{
	struct census *census = visit->census;

	for (uint64_t at = start; at < end; at += READ_LIMIT) {
		uint64_t some = end - at < READ_LIMIT ? end - at : READ_LIMIT;
		size_t got = target_read_some(census->program->memory, taddr_of(at), visit->buffer, (size_t)some);

		heap_walk_seed_stack(census->walk, range->goroutine, taddr_of(at), visit->buffer, got);
		if (got < some) {
			findings_add(&census->findings, taddr_of(at + got),
				     "the stack of goroutine %llu cannot be read",
				     (unsigned long long)range->goroutine);
			return;
		}
	}
}

static void seed_elsewhere(struct visit *visit, uint64_t goroutine)
{
	const struct stack_live *live = &visit->live;
	const struct machine *machine = &visit->census->program->machine;
	uint8_t bytes[8];

	for (size_t i = 0; i < live->elsewhere_count; i++) {
		store_word(machine, bytes, live->elsewhere[i].value);
		heap_walk_seed_stack(visit->census->walk, goroutine, live->elsewhere[i].address, bytes,
				     machine->word_size);
	}
}

/* Headers of maps that frames have in them: where DWARF has variables these say so. */
static void add_objects(struct visit *visit)
{
	const struct stack_live *live = &visit->live;

	for (size_t i = 0; i < live->object_count; i++) {
		const struct stack_object *object = live->objects[i].object;

		if (object->mask != NULL)
			heap_walk_add_stack_object(visit->census->walk, &(struct heap_stack_object){
				taddr_of(live->objects[i].address), object->size, object->words, object->mask });
	}
}

static struct error *seed_words(struct visit *visit, const struct stack_root_range *range)
{
	struct census *census = visit->census;
	const struct stack_live *live = &visit->live;
	unsigned word = census->program->machine.word_size;

	TRY(stack_live_find(census->stack, census->stack_maps, range, &visit->live));
	heap_walk_seed_live(census->walk, range->goroutine, range->start, live->bytes, live->words * word, live->bits);
	seed_whole(visit, range, range->start.v + live->words * word, range->start.v + range->length);
	seed_elsewhere(visit, range->goroutine);
	if (debug_is_made(census->program->binary->debug))
		add_objects(visit);
	return NULL;
}

/* --- what of a variable is alive ------------------------------------------------------------------------------ */

static const struct heap_span *span_of(const struct visit *visit, uint64_t value)
{
	return heap_span_find(visit->census->spans, value);
}

/* Whether a word of a variable says what lives: it leads into the heap or to the goroutine's own stack. */
static bool leads_on(const struct visit *visit, uint64_t value)
{
	const struct goroutine *goroutine = visit->frame->goroutine;

	return (value >= goroutine->stack_low && value < goroutine->stack_high) || span_of(visit, value) != NULL;
}

static bool is_same_object(const struct visit *visit, uint64_t a, uint64_t b)
{
	const struct heap_span *span = span_of(visit, a);

	return a == b ||
	       (span != NULL && b >= span->start && b < span->end && heap_slot_in(span, a) == heap_slot_in(span, b));
}

static uint64_t live_value(const struct visit *visit, size_t i)
{
	unsigned word = visit->census->program->machine.word_size;

	return load_word(&visit->census->program->machine, visit->live.bytes + i * word);
}

static bool is_live_word(const struct visit *visit, size_t i)
{
	return visit->live.bits[i / 8] >> i % 8 & 1;
}

/* Whether the frame holds a pointer to what the value leads to. */
static bool is_held(const struct visit *visit, uint64_t value)
{
	const struct stack_live *live = &visit->live;
	unsigned word = visit->census->program->machine.word_size;
	size_t i = (size_t)((visit->alive->sp - live->start) / word),
	       end = (size_t)((visit->alive->end - live->start) / word);

	if (end > live->words)
		end = live->words;
	if (end > i + FRAME_WORDS)
		end = i + FRAME_WORDS;
	for (; i < end; i++)
		if (is_live_word(visit, i) && is_same_object(visit, value, live_value(visit, i)))
			return true;
	return false;
}

static bool counts(const struct visit *visit, uint64_t address, uint64_t value)
{
	const struct stack_live *live = &visit->live;
	uint64_t i = (address - live->start) / visit->census->program->machine.word_size;

	if (!leads_on(visit, value))
		return true;
	return address >= live->start && i < live->words ? is_live_word(visit, (size_t)i) : is_held(visit, value);
}

/* Takes the dead pointers out of a variable's bytes, which lie at `address` (0: nowhere as a whole). */
static void drop_dead(const struct visit *visit, uint64_t address, uint8_t *bytes, size_t size)
{
	const struct machine *machine = &visit->census->program->machine;
	unsigned word = machine->word_size;

	for (size_t at = 0; at + word <= size; at += word)
		if (!counts(visit, address ? address + at : 0, load_word(machine, bytes + at)))
			memset(bytes + at, 0, word);
}

/* --- variables ------------------------------------------------------------------------------------------------ */

static void keep_local(struct visit *visit, const struct stack_variable *variable)
{
	struct census *census = visit->census;

	if (limit_reached(LIMIT_LOCALS, census->local_count))
		return;
	ARRAY_RESERVE(census->locals, census->local_count, census->local_capacity);
	census->locals[census->local_count++] = (struct owner_local){
		.goroutine = visit->frame->goroutine->id,
		.frame = visit->frame->number,
		.name = variable->name,
		.type = variable->type,
		.address = variable->address.v,
		.escaped = variable->escaped,
		.hidden = variable->shadowed,
	};
}

/* The variable's bytes into the buffer; false where there are none, or it is dead as a whole. */
static bool take_bytes(const struct visit *visit, const struct stack_variable *variable)
{
	size_t size = (size_t)variable->type->size;
	bool exact = visit->alive != NULL && visit->alive->exact, in_memory = variable->where == STACK_IN_MEMORY;

	if (in_memory && exact && span_of(visit, variable->address.v) != NULL && !is_held(visit, variable->address.v))
		return false;
	if (!in_memory)
		memcpy(visit->buffer, variable->bytes, size);
	else if (target_read_some(visit->census->program->memory, variable->address, visit->buffer, size) != size)
		return false;
	/* one that lies in the heap is alive as a whole */
	if (exact && (!in_memory || span_of(visit, variable->address.v) == NULL))
		drop_dead(visit, in_memory ? variable->address.v : 0, visit->buffer, size);
	return true;
}

static bool visit_variable(void *context, const struct stack_variable *variable)
{
	struct visit *visit = context;
	struct census *census = visit->census;
	uint64_t goroutine = visit->frame->goroutine->id, size = variable->type->size;

	if (variable->where == STACK_GONE || size == 0 || size > READ_LIMIT ||
	    heap_type_of(census->types, HEAP_VALUE, variable->type) == 0)
		return true;
	if (variable->where == STACK_IN_MEMORY)
		keep_local(visit, variable);
	if (variable->escaped) {
		if (visit->alive == NULL || !visit->alive->exact || is_held(visit, variable->address.v))
			heap_walk_seed_pointer(census->walk, goroutine, variable->type, variable->address);
	} else if (take_bytes(visit, variable)) {
		heap_walk_seed_value(census->walk, goroutine, variable->type,
				     variable->where == STACK_IN_MEMORY ? variable->address : taddr_of(0),
				     visit->buffer);
	}
	return true;
}

static bool visit_frame(void *context, const struct stack_frame *frame)
{
	struct visit *visit = context;

	visit->frame = frame;
	visit->alive = stack_live_frame_of(&visit->live, visit->census->stack, frame);
	visit->error = stack_each_variable(visit->census->stack, frame, visit_variable, visit);
	return visit->error == NULL;
}

static struct error *seed_variables(struct visit *visit, const struct goroutine *goroutine)
{
	const char *why;

	TRY(stack_each_frame(visit->census->stack, goroutine, visit_frame, visit, &why));
	return visit->error;
}

/* --- all of it ------------------------------------------------------------------------------------------------ */

static struct error *seed_ranges(struct visit *visit, const struct stack_roots *roots)
{
	for (size_t i = 0; i < roots->range_count; i++) {
		const struct stack_root_range *range = &roots->ranges[i];

		if (range->system) {
			seed_whole(visit, range, range->start.v, range->start.v + range->length);
			continue;
		}
		TRY(seed_words(visit, range));
		TRY(seed_variables(visit, range->owner));
		TRY(interrupt_check());
	}
	return NULL;
}

struct error *census_seed_stacks(struct census *census)
{
	struct visit visit = { .census = census };
	struct stack_roots roots;

	TRY(stack_load(census->stack, &census->findings));
	TRY(stack_roots_load(census->stack, &roots));
	visit.buffer = xmalloc(READ_LIMIT);
	/* a stack is one range, and all are known before the first pointer is looked at */
	for (size_t i = 0; i < roots.range_count; i++) {
		struct stack_root_range *range = &roots.ranges[i];

		range->length = length_without_objects(census, range);
		heap_walk_add_stack(census->walk, range->goroutine, range->start, range->length);
	}

	struct error *error = seed_ranges(&visit, &roots);

	for (size_t i = 0; i < roots.word_count && error == NULL; i++)
		heap_walk_seed_register(census->walk, roots.words[i].goroutine, roots.words[i].value);
	stack_roots_free(&roots);
	stack_live_free(&visit.live);
	free(visit.buffer);
	return error;
}
