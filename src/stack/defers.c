/* tracebackdefers() (Go <= 1.17) and scanstack() of runtime/mgcmark.go; type g, type _defer of runtime/runtime2.go. */
#include "stack/defers.h"

#include "stack/stack_private.h"

enum {
	RECORDS_MAX = 1 << 20, /* of one goroutine */
	RECORD_LIMIT = 512,    /* bytes; all versions have less than 128 */
	ARGS_LIMIT = 1 << 16,  /* bytes of arguments; few have 100 */
};

static struct error *load_goroutine_fields(struct binary *binary, const struct layout_struct *g,
					   struct defer_layout *out)
{
	const struct layout_field *saved = layout_field_find(g, "sched");
	struct layout_struct gobuf;

	TRY(layout_field_at(g, "_defer", false, &out->defer));
	TRY(layout_field_at(g, "_panic", false, &out->panic));
	if (saved == NULL)
		return error_new(ERROR_TARGET, "struct %s has no field sched: an unknown layout", g->name);
	TRY(layout_struct_at(binary, saved->type_die, &gobuf));

	struct error *error = layout_field_at(&gobuf, "ctxt", false, &out->context);

	out->context.offset += (uint32_t)saved->offset;
	layout_struct_free(&gobuf);
	return error;
}

static struct error *load_record_fields(const struct layout_struct *record, struct defer_layout *out)
{
	out->record_size = record->size;
	if (record->size > RECORD_LIMIT)
		return error_new(ERROR_TARGET, "struct %s: an unknown layout", record->name);
	TRY(layout_field_at(record, "siz", true, &out->args));
	TRY(layout_field_at(record, "fn", false, &out->function));
	TRY(layout_field_at(record, "sp", false, &out->sp));
	TRY(layout_field_at(record, "pc", false, &out->pc));
	return layout_field_at(record, "link", false, &out->link);
}

struct error *defer_layout_load(struct program *program, struct defer_layout *out)
{
	struct layout_struct layout;
	struct error *error;

	TRY(layout_struct_named(program->binary, (const char *const[]){ "runtime.g", NULL }, &layout));
	error = load_goroutine_fields(program->binary, &layout, out);
	layout_struct_free(&layout);
	if (error != NULL)
		return error;
	TRY(layout_struct_named(program->binary, (const char *const[]){ "runtime._defer", NULL }, &layout));
	error = load_record_fields(&layout, out);
	layout_struct_free(&layout);
	return error;
}

struct defer_visit {
	struct stack *stack;
	const struct defer_layout *layout;
	void (*visit)(void *context, uint64_t address, uint64_t value);
	void *context;
};

static uint64_t visit_field(const struct defer_visit *to, uint64_t at, struct field_at field, bool in_record)
{
	uint64_t value = 0;

	if (!stack_read_word(to->stack, at + field.offset, &value) || value == 0)
		return 0;
	to->visit(to->context, in_record ? at + field.offset : 0, value);
	return value;
}

/* Maps of these are those of the function; taken whole here. */
static void visit_args(const struct defer_visit *to, uint64_t record)
{
	unsigned word = to->stack->program->machine.word_size;
	uint64_t bytes = 0, value;
	uint8_t size[8];

	if (to->layout->args.size == 0 ||
	    !stack_read(to->stack, record + to->layout->args.offset, size, to->layout->args.size))
		return;
	bytes = load_uint(&to->stack->program->machine, size, to->layout->args.size);
	for (uint64_t at = 0; at + word <= bytes && bytes <= ARGS_LIMIT; at += word)
		if (stack_read_word(to->stack, record + to->layout->record_size + at, &value) && value != 0)
			to->visit(to->context, record + to->layout->record_size + at, value);
}

void defers_each_word(struct stack *stack, const struct defer_layout *layout, const struct goroutine *goroutine,
		      void (*visit)(void *context, uint64_t address, uint64_t value), void *context)
{
	const struct defer_visit to = { stack, layout, visit, context };
	uint64_t record = visit_field(&to, goroutine->g.v, layout->defer, false);

	visit_field(&to, goroutine->g.v, layout->context, false);
	visit_field(&to, goroutine->g.v, layout->panic, false);
	for (int i = 0; record != 0 && i < RECORDS_MAX; i++) {
		visit_field(&to, record, layout->function, true);
		visit_args(&to, record);
		record = visit_field(&to, record, layout->link, true);
	}
}

uint64_t defers_find(struct stack *stack, const struct defer_layout *layout, const struct goroutine *goroutine,
		     uint64_t sp)
{
	uint64_t record = 0, found, pc;

	stack_read_word(stack, goroutine->g.v + layout->defer.offset, &record);
	for (int i = 0; record != 0 && i < RECORDS_MAX; i++) {
		if (!stack_read_word(stack, record + layout->sp.offset, &found))
			return 0;
		if (found == sp)
			return stack_read_word(stack, record + layout->pc.offset, &pc) ? pc : 0;
		if (!stack_read_word(stack, record + layout->link.offset, &record))
			return 0;
	}
	return 0;
}
