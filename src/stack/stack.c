#include "stack/stack.h"

#include <stdlib.h>
#include <string.h>

#include "stack/stack_private.h"
#include "util/alloc.h"
#include "util/interrupt.h"

/* Stacks read ahead in one go, and how much of each: most frames of most goroutines lie in the first kilobyte. */
enum { AHEAD_STACKS = 256, AHEAD_BYTES = 2048, AHEAD_ONE = 16384 };

struct error *stack_open(struct program *program, struct stack **out)
{
	return stack_open_by(program, CODE_BY_ANY, out);
}

struct error *stack_open_by(struct program *program, enum code_choice choice, struct stack **out)
{
	struct stack *stack = xcalloc(1, sizeof(*stack));
	struct error *error = goroutine_layout_load(program, &stack->layout);

	stack->program = program;
	stack->roles = register_roles_find(&program->machine);
	stack->rules = frame_rules_find(&program->machine, program->version->minor);
	if (error == NULL)
		error = code_open(program, choice, &stack->code);
	if (error != NULL) {
		stack_close(stack);
		return error;
	}
	*out = stack;
	return NULL;
}

static void forget(struct stack *stack)
{
	goroutines_free(&stack->goroutines);
	free(stack->threads);
	free(stack->no_threads);
	table_free(&stack->thread_index);
	stack->threads = NULL;
	stack->no_threads = NULL;
	stack->thread_count = 0;
	stack->window.length = 0;
}

void stack_close(struct stack *stack)
{
	if (stack == NULL)
		return;
	forget(stack);
	table_free(&stack->captures);
	code_close(stack->code);
	free(stack->layout);
	free(stack->ahead);
	free(stack->why);
	free(stack);
}

static void load_threads(struct stack *stack)
{
	struct error *error = target_threads(stack->program->memory, &stack->threads, &stack->thread_count);

	if (error != NULL) {
		stack->no_threads = xstrdup(error->message);
		error_free(error);
		return;
	}
	for (size_t i = 0; i < stack->thread_count; i++)
		table_put(&stack->thread_index, (uint64_t)stack->threads[i].tid, i);
}

struct error *stack_load(struct stack *stack, struct findings *findings)
{
	forget(stack);
	stack->findings = findings;
	code_report_to(stack->code, findings);
	TRY(goroutines_load(stack->program, stack->layout, findings, &stack->goroutines));
	load_threads(stack);
	return NULL;
}

const struct goroutines *stack_goroutines(const struct stack *stack)
{
	return &stack->goroutines;
}

struct code *stack_code(struct stack *stack)
{
	return stack->code;
}

const struct target_thread *stack_thread(const struct stack *stack, uint64_t tid)
{
	const uint64_t *index = table_get(&stack->thread_index, tid);

	return index ? &stack->threads[*index] : NULL;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

bool stack_read(struct stack *stack, uint64_t address, void *to, size_t length)
{
	const struct stack_window *window = &stack->window;
	uint64_t at = address - window->start;

	if (at < window->length && length <= window->length - at) {
		memcpy(to, window->bytes + at, length);
		return true;
	}
	return target_read_some(stack->program->memory, taddr_of(address), to, length) == length;
}

bool stack_read_word(struct stack *stack, uint64_t address, uint64_t *out)
{
	uint8_t bytes[8];

	if (!stack_read(stack, address, bytes, stack->program->machine.word_size))
		return false;
	*out = load_word(&stack->program->machine, bytes);
	return true;
}

/* What of a goroutine's stack is in use, as far as it is worth reading ahead. */
static struct target_piece piece_of(const struct goroutine *goroutine, uint8_t *to, size_t most)
{
	uint64_t sp = goroutine->in_syscall ? goroutine->syscall_sp : goroutine->sp;
	struct target_piece piece = { .address = taddr_of(sp), .to = to };

	if (sp >= goroutine->stack_low && sp < goroutine->stack_high)
		piece.length = goroutine->stack_high - sp < most ? goroutine->stack_high - sp : most;
	return piece;
}

void stack_set_window(struct stack *stack, uint64_t start, const uint8_t *bytes, size_t length)
{
	stack->window = (struct stack_window){ start, length, bytes };
}

struct error *stack_each_goroutine(struct stack *stack, bool (*visit)(void *context, const struct goroutine *goroutine),
				   void *context)
{
	struct target_piece pieces[AHEAD_STACKS];
	struct error *error = NULL;
	bool more = true;

	if (stack->ahead == NULL)
		stack->ahead = xmalloc((size_t)AHEAD_STACKS * AHEAD_BYTES);
	for (size_t i = 0; i < stack->goroutines.count && more && error == NULL; i += AHEAD_STACKS) {
		const struct goroutine *first = &stack->goroutines.items[i];
		size_t count = stack->goroutines.count - i < AHEAD_STACKS ? stack->goroutines.count - i : AHEAD_STACKS;

		for (size_t j = 0; j < count; j++)
			pieces[j] = piece_of(&first[j], stack->ahead + j * AHEAD_BYTES, AHEAD_BYTES);
		target_read_pieces(stack->program->memory, pieces, count);
		for (size_t j = 0; j < count && more; j++) {
			stack_set_window(stack, pieces[j].address.v, pieces[j].to, pieces[j].got);
			more = visit(context, &first[j]);
		}
		error = interrupt_check();
	}
	stack->window.length = 0;
	return error;
}
