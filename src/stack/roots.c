#include "stack/roots.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stack/stack_private.h"
#include "util/alloc.h"

/* runtime/proc.go: maxstacksize is 1 GB, and a stack doubles. */
#define STACK_MAX (UINT64_C(1) << 31)
/* Below a stack pointer amd64's ABI lets C use 128 bytes; Go uses none. */
enum { RED_ZONE = 128 };

struct gathering {
	struct stack *stack;
	struct stack_roots *out;
	size_t range_capacity, word_capacity;
};

static bool within(uint64_t address, uint64_t low, uint64_t high)
{
	return address >= low && address < high;
}

static void add_range(struct gathering *gathering, uint64_t low, uint64_t high, uint64_t goroutine, const struct goroutine *owner)
{
	struct stack_roots *out = gathering->out;
	unsigned word = gathering->stack->program->machine.word_size;

	low = low / word * word;
	high = high / word * word;
	if (low >= high)
		return;
	ARRAY_RESERVE(out->ranges, out->range_count, gathering->range_capacity);
	out->ranges[out->range_count++] = (struct stack_root_range){ taddr_of(low), high - low, goroutine, owner == NULL, owner };
}

static bool sane(struct gathering *gathering, const struct goroutine *goroutine)
{
	if (goroutine->stack_low < goroutine->stack_high && goroutine->stack_high - goroutine->stack_low <= STACK_MAX)
		return true;
	findings_add(gathering->stack->findings, goroutine->g,
		     "goroutine %" PRIu64 ": its stack [0x%" PRIx64 ", 0x%" PRIx64 ") makes no sense", goroutine->id,
		     goroutine->stack_low, goroutine->stack_high);
	return false;
}

struct own_sp {
	unsigned number; /* of the stack pointer's register */
	uint64_t sp;     /* 0: not found */
};

static bool find_own_sp(void *context, const struct stack_frame *frame)
{
	struct own_sp *own = context;

	if (frame->system)
		return true;
	registers_get(&frame->registers, own->number, &own->sp);
	return false;
}

/* Behind signal handlers, and what runs on the system stack. Where that cannot be found all of the stack counts. */
static struct error *running_sp(struct gathering *gathering, const struct goroutine *goroutine, uint64_t *out)
{
	struct stack *stack = gathering->stack;
	struct own_sp own = { .number = stack->roles ? stack->roles->sp : 0 };
	const char *why;

	TRY(stack_each_frame(stack, goroutine, find_own_sp, &own, &why));
	*out = own.sp;
	if (!within(own.sp, goroutine->stack_low, goroutine->stack_high)) {
		gathering->out->whole++;
		*out = goroutine->stack_low;
	}
	return NULL;
}

static struct error *add_goroutine(struct gathering *gathering, const struct goroutine *goroutine)
{
	uint64_t sp = goroutine->in_syscall ? goroutine->syscall_sp : goroutine->sp;

	if (!sane(gathering, goroutine))
		return NULL;
	if (!goroutine->parked && !goroutine->in_syscall)
		TRY(running_sp(gathering, goroutine, &sp));
	if (!within(sp, goroutine->stack_low, goroutine->stack_high)) {
		findings_add(gathering->stack->findings, goroutine->g,
			     "goroutine %" PRIu64 ": its saved stack pointer 0x%" PRIx64 " is not on its stack",
			     goroutine->id, sp);
		sp = goroutine->stack_low;
	}
	add_range(gathering, sp, goroutine->stack_high, goroutine->id, goroutine);
	return NULL;
}

/* The system or signal stack that the thread is on. */
static void add_system_stack(struct gathering *gathering, uint64_t sp, uint64_t low, uint64_t high, uint64_t goroutine)
{
	if (high - low <= STACK_MAX && within(sp, low, high))
		add_range(gathering, sp - low > RED_ZONE ? sp - RED_ZONE : low, high, goroutine, NULL);
}

static void add_thread(struct gathering *gathering, const struct goroutine_thread *m,
		       const struct target_thread *thread, uint64_t goroutine)
{
	struct stack *stack = gathering->stack;
	struct stack_roots *out = gathering->out;
	uint64_t value;

	for (unsigned i = 0; i < stack->roles->count; i++) {
		if (i == stack->roles->pc || !registers_get(&thread->registers, i, &value))
			continue;
		ARRAY_RESERVE(out->words, out->word_count, gathering->word_capacity);
		out->words[out->word_count++] = (struct stack_root_word){ value, goroutine, (uint8_t)i };
		if (i == stack->roles->sp) {
			add_system_stack(gathering, value, m->system_low, m->system_high, goroutine);
			add_system_stack(gathering, value, m->signal_low, m->signal_high, goroutine);
		}
	}
}

static const struct goroutine *goroutine_of(const struct goroutines *goroutines, taddr g)
{
	for (size_t i = 0; i < goroutines->count; i++)
		if (goroutines->items[i].g.v == g.v)
			return &goroutines->items[i];
	return NULL;
}

/*
 * Where a thread of the runtime sleeps that has nothing to do: runtime/sys_linux_amd64.s, from Go 1.21 on for epoll_wait
 * runtime/internal/syscall, from 1.23 internal/runtime/syscall, from 1.26 internal/runtime/syscall/linux.
 */
static bool sleeps(const struct stack *stack, const struct target_thread *thread)
{
	static const char *const names[] = { "runtime.futex", "runtime.epollwait", "runtime.usleep", "runtime/internal/syscall.Syscall6",
					     "internal/runtime/syscall.Syscall6", "internal/runtime/syscall/linux.Syscall6" };
	uint64_t pc;

	if (!registers_get(&thread->registers, stack->roles->pc, &pc))
		return false;

	const struct code_point *point = code_find(stack->code, pc - stack->program->bias);
	const char *function = point->scope_count ? point->scopes[point->scope_count - 1].function : "?";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(function, names[i], strlen(names[i])) == 0 && strchr(".", function[strlen(names[i])]) != NULL)
			return true;
	return false;
}

/*
 * The collector looks at no thread: one that sleeps between two goroutines has nothing that lives on it, one in a system call nothing
 * that is not on its goroutine's stack. What they have is left over.
 */
static bool has_roots(const struct stack *stack, const struct target_thread *thread, const struct goroutine *goroutine)
{
	uint64_t sp;

	if (goroutine == NULL)
		return !sleeps(stack, thread);
	return !goroutine->in_syscall || !registers_get(&thread->registers, stack->roles->sp, &sp) ||
	       !within(sp, goroutine->stack_low, goroutine->stack_high);
}

struct error *stack_roots_load(struct stack *stack, struct stack_roots *out)
{
	struct stack_roots roots = { 0 };
	struct gathering gathering = { .stack = stack, .out = &roots };
	const struct goroutines *goroutines = &stack->goroutines;

	for (size_t i = 0; i < goroutines->count; i++) {
		struct error *error = add_goroutine(&gathering, &goroutines->items[i]);

		if (error != NULL) {
			stack_roots_free(&roots);
			return error;
		}
	}
	for (size_t i = 0; i < goroutines->thread_count && stack->roles != NULL; i++) {
		const struct goroutine_thread *m = &goroutines->threads[i];
		const struct target_thread *thread = stack_thread(stack, m->tid);
		const struct goroutine *goroutine = m->current.v ? goroutine_of(goroutines, m->current) : NULL;

		if (thread != NULL && has_roots(stack, thread, goroutine))
			add_thread(&gathering, m, thread, goroutine ? goroutine->id : STACK_NO_GOROUTINE);
	}
	*out = roots;
	return NULL;
}

void stack_roots_free(struct stack_roots *roots)
{
	free(roots->ranges);
	free(roots->words);
	*roots = (struct stack_roots){ 0 };
}
