#include <string.h>

#include "analysis/list_private.h"
#include "stack/variables.h"
#include "util/alloc.h"

/* What a variable points to, no further: the same structures hang on many frames. */
static const struct list_limits limits = { .depth = 1, .elements = 100, .values = 1000 };

struct walk {
	struct stack *stack;
	struct lister lister;
	struct list_cut *cut;
	const struct stack_frame *frame;
	struct error *error;
};

/* --- values in registers ---------------------------------------------------------------------------------------- */

static void visit_bytes(struct lister *lister, struct gotype *type, const uint8_t *bytes, const uint8_t *known);

/* A map or pointer whose bytes may be lost. */
static void visit_word(struct lister *lister, struct gotype *type, const uint8_t *bytes, const uint8_t *known)
{
	const struct machine *machine = &lister->program->machine;

	if (memchr(known, 0, machine->word_size) != NULL)
		return;
	if (type->kind == GO_MAP)
		lister_report(lister, type, load_word(machine, bytes));
	else if (type->elem != NULL && load_word(machine, bytes) != 0)
		lister_visit_value(lister, type->elem, load_address(machine, bytes));
}

static void visit_fields(struct lister *lister, struct gotype *type, const uint8_t *bytes, const uint8_t *known)
{
	size_t length = lister->name.length;

	for (size_t i = 0; i < type->field_count && !lister->stop; i++) {
		const struct gotype_field *field = &type->fields[i];

		buffer_append_format(&lister->name, ".%s", field->name);
		visit_bytes(lister, field->type, bytes + field->offset, known + field->offset);
		lister->name.length = length;
	}
}

/* Structs, pointers and maps: what a compiler keeps in registers and leads to maps, but for slices and interfaces. */
static void visit_bytes(struct lister *lister, struct gotype *type, const uint8_t *bytes, const uint8_t *known)
{
	if (!lister_leads_to_maps(lister, type))
		return;
	if (type->kind == GO_MAP || type->kind == GO_POINTER)
		visit_word(lister, type, bytes, known);
	else if (type->kind == GO_STRUCT)
		visit_fields(lister, type, bytes, known);
}

/* --- variables -------------------------------------------------------------------------------------------------- */

static void report_gone(struct lister *lister, struct gotype *type)
{
	struct listed_map gone = { .name = buffer_text(&lister->name), .type = type, .has_memory = true, .gone = true };

	lister->stop = !lister->visit(lister->context, &gone);
}

static bool visit_variable(void *context, const struct stack_variable *variable)
{
	struct walk *walk = context;
	struct lister *lister = &walk->lister;

	if (variable->shadowed || !lister_leads_to_maps(lister, variable->type))
		return true;
	lister->name.length = 0;
	buffer_append_format(&lister->name, "goroutine %llu: frame %u: %s",
			     (unsigned long long)walk->frame->goroutine->id, walk->frame->number, variable->name);
	lister->values_left = limits.values;
	table_clear(&lister->seen);
	if (variable->where == STACK_IN_MEMORY)
		lister_visit_value(lister, variable->type, variable->address);
	else if (variable->where == STACK_IN_BYTES)
		visit_bytes(lister, variable->type, variable->bytes, variable->known);
	else if (variable->type->kind == GO_MAP)
		report_gone(lister, variable->type);
	return !lister->stop;
}

static bool visit_frame(void *context, const struct stack_frame *frame)
{
	struct walk *walk = context;

	walk->frame = frame;
	if (walk->cut != NULL && frame->point->go && !stack_knows_variables(frame))
		walk->cut->nameless++;
	walk->error = stack_each_variable(walk->stack, frame, visit_variable, walk);
	return walk->error == NULL && !walk->lister.stop;
}

static bool visit_goroutine(void *context, const struct goroutine *goroutine)
{
	struct walk *walk = context;
	const char *why;
	struct error *error = stack_each_frame(walk->stack, goroutine, visit_frame, walk, &why);

	if (why != NULL && walk->cut->stacks++ == 0)
		walk->cut->why = xasprintf("goroutine %llu: %s", (unsigned long long)goroutine->id, why);
	if (walk->error == NULL)
		walk->error = error;
	else
		error_free(error);
	return walk->error == NULL && !walk->lister.stop;
}

struct error *list_locals(struct program *program, struct findings *findings, struct list_cut *cut,
			  bool (*visit)(void *context, const struct listed_map *map), void *context)
{
	struct walk walk = { .lister = { .program = program, .limits = limits, .visit = visit, .context = context },
			    .cut = cut };

	*cut = (struct list_cut){ 0 };
	if (program->stack == NULL)
		TRY(stack_open(program, &program->stack));
	walk.stack = program->stack;
	TRY(stack_load(walk.stack, findings));

	struct error *error = stack_each_goroutine(walk.stack, visit_goroutine, &walk);

	lister_free(&walk.lister);
	if (walk.error == NULL)
		return error;
	error_free(error);
	return walk.error;
}

struct error *list_frame(struct program *program, const struct stack_frame *frame,
			 bool (*visit)(void *context, const struct listed_map *map), void *context)
{
	struct walk walk = { .stack = program->stack,
			    .lister = { .program = program, .limits = limits, .visit = visit, .context = context } };

	visit_frame(&walk, frame);
	lister_free(&walk.lister);
	return walk.error;
}
