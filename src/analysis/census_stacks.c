/* Stacks as roots: every word of them, and the variables of their frames, which say of what type things are. */
#include <stdlib.h>
#include <string.h>

#include "analysis/census_private.h"
#include "stack/roots.h"
#include "util/alloc.h"
#include "util/interrupt.h"

enum {
	READ_LIMIT = 1 << 20,     /* bytes of a stack that are read together; of one variable */
	LOCALS_LIMIT = 1 << 22,
	PAGE = 8192,              /* of the runtime: _PageSize, runtime/sizeclasses.go, all versions */
};

/* --- words ------------------------------------------------------------------------------------------------------------ */

/*
 * Bytes of the range in front of the first object. Stacks have spans of their own (runtime/stack.go, stackalloc()): where objects are,
 * the bounds are damaged, and every word of the heap would be a root.
 */
static uint64_t length_without_objects(struct census *census, const struct stack_root_range *range)
{
	for (uint64_t at = 0; at < range->length; at += PAGE - (range->start.v + at) % PAGE) {
		if (heap_span_find(census->spans, range->start.v + at) == NULL)
			continue;
		findings_add(&census->findings, taddr_add(range->start, at), "the stack of goroutine %llu would go on in objects of the heap",
			     (unsigned long long)range->goroutine);
		return at;
	}
	return range->length;
}

static void seed_range(struct census *census, const struct stack_root_range *range, uint8_t *buffer)
{
	uint64_t length = length_without_objects(census, range);

	/* a stack is one range: what is looked up in it later is looked up once */
	heap_walk_add_stack(census->walk, range->goroutine, range->start, length);
	for (uint64_t at = 0; at < length; at += READ_LIMIT) {
		uint64_t some = length - at < READ_LIMIT ? length - at : READ_LIMIT;
		size_t got = target_read_some(census->program->memory, taddr_add(range->start, at), buffer, (size_t)some);

		heap_walk_seed_stack(census->walk, range->goroutine, taddr_add(range->start, at), buffer, got);
		if (got < some) {
			findings_add(&census->findings, taddr_add(range->start, at + got), "the stack of goroutine %llu cannot be read",
				     (unsigned long long)range->goroutine);
			return;
		}
	}
}

static struct error *seed_words(struct census *census)
{
	struct stack_roots roots;

	TRY(stack_roots_load(census->stack, &roots));

	uint8_t *buffer = xmalloc(READ_LIMIT);

	for (size_t i = 0; i < roots.range_count; i++)
		seed_range(census, &roots.ranges[i], buffer);
	for (size_t i = 0; i < roots.word_count; i++)
		heap_walk_seed_register(census->walk, roots.words[i].goroutine, roots.words[i].value);
	stack_roots_free(&roots);
	free(buffer);
	return NULL;
}

/* --- variables -------------------------------------------------------------------------------------------------------- */

struct visit {
	struct census *census;
	const struct stack_frame *frame;
	struct error *error;
	uint8_t *buffer;
};

static void keep_local(struct visit *visit, const struct stack_variable *variable)
{
	struct census *census = visit->census;

	if (census->local_count == LOCALS_LIMIT)
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

static bool visit_variable(void *context, const struct stack_variable *variable)
{
	struct visit *visit = context;
	struct census *census = visit->census;
	uint64_t goroutine = visit->frame->goroutine->id, size = variable->type->size;

	if (variable->where == STACK_GONE || size == 0 || size > READ_LIMIT ||
	    heap_type_of(census->types, HEAP_VALUE, variable->type) == 0)
		return true;
	if (variable->where == STACK_IN_BYTES) {
		heap_walk_seed_value(census->walk, goroutine, variable->type, taddr_of(0), variable->bytes);
		return true;
	}
	keep_local(visit, variable);
	if (variable->escaped)
		heap_walk_seed_pointer(census->walk, goroutine, variable->type, variable->address);
	else if (target_read_some(census->program->memory, variable->address, visit->buffer, (size_t)size) == size)
		heap_walk_seed_value(census->walk, goroutine, variable->type, variable->address, visit->buffer);
	return true;
}

static bool visit_frame(void *context, const struct stack_frame *frame)
{
	struct visit *visit = context;

	visit->frame = frame;
	visit->error = stack_each_variable(visit->census->stack, frame, visit_variable, visit);
	return visit->error == NULL;
}

static bool visit_goroutine(void *context, const struct goroutine *goroutine)
{
	struct visit *visit = context;
	const char *why;
	struct error *error = stack_each_frame(visit->census->stack, goroutine, visit_frame, visit, &why);

	if (visit->error == NULL)
		visit->error = error;
	else
		error_free(error);
	return visit->error == NULL;
}

struct error *census_seed_stacks(struct census *census)
{
	struct visit visit = { .census = census, .buffer = xmalloc(READ_LIMIT) };
	struct error *error = stack_load(census->stack, &census->findings);

	if (error == NULL)
		error = seed_words(census);
	if (error == NULL)
		error = stack_each_goroutine(census->stack, visit_goroutine, &visit);
	free(visit.buffer);
	if (error == NULL)
		return visit.error;
	error_free(visit.error);
	return error;
}
