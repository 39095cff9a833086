/* From frame to frame. */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stack/location.h"
#include "stack/stack_private.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/limits.h"

/*
 * A goroutine's stack has at most 1 GB (runtime/proc.go, maxstacksize); a stack that has overflowed has millions of
 * frames, which nobody reads. Stacks change from signal to system to own; a signal handler may be interrupted by
 * another.
 */
enum { SWITCHES_MAX = 16 };

enum place { OWN, SYSTEM, SIGNAL, ELSEWHERE };

struct cursor {
	struct stack *stack;
	const struct goroutine *goroutine;
	const struct goroutine_thread *thread; /* that runs it; NULL: none */
	struct registers registers;
	bool trampoline;  /* the pc is where signal handlers return to: perhaps libc's, whose code a core does not have */
	bool exact;       /* the pc is where it stands; else a return address, behind the call */
	enum place place;
	uint64_t low, high; /* of the stack that it is on; 0, UINT64_MAX: not known */
	unsigned number, switches;
	bool vdso_left;   /* has gone on behind a call into the vDSO */
	bool (*visit)(void *, const struct stack_frame *);
	void *context;
	bool stop;
};

static uint64_t pc_of(const struct cursor *cursor)
{
	return cursor->registers.values[cursor->stack->roles->pc];
}

static uint64_t sp_of(const struct cursor *cursor)
{
	return cursor->registers.values[cursor->stack->roles->sp];
}

/* Ends the stack short, with the reason. */
static void missing(struct cursor *cursor, const char *format, ...) PRINTF(2, 3);
static void missing(struct cursor *cursor, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	free(cursor->stack->why);
	cursor->stack->why = xvasprintf(format, arguments);
	va_end(arguments);
	cursor->stop = true;
}

/*
 * The same; on the stack of a goroutine that stands it is a finding too: of one that runs, a moment between two
 * instructions may look so.
 */
static void broken(struct cursor *cursor, uint64_t address, const char *what)
{
	missing(cursor, "0x%" PRIx64 ": %s", address, what);
	if (cursor->place == OWN && (cursor->goroutine->parked || cursor->goroutine->in_syscall))
		findings_add(cursor->stack->findings, taddr_of(address), "the stack of goroutine %" PRIu64 ": %s",
			     cursor->goroutine->id, what);
}

/* --- which stack ------------------------------------------------------------------------------------------------ */

static bool within(uint64_t address, uint64_t low, uint64_t high)
{
	return address >= low && address < high;
}

static void find_place(struct cursor *cursor)
{
	const struct goroutine *goroutine = cursor->goroutine;
	const struct goroutine_thread *thread = cursor->thread;
	uint64_t sp = sp_of(cursor);

	cursor->place = ELSEWHERE;
	cursor->low = 0;
	cursor->high = UINT64_MAX;
	if (within(sp, goroutine->stack_low, goroutine->stack_high)) {
		cursor->place = OWN;
		cursor->low = goroutine->stack_low;
		cursor->high = goroutine->stack_high;
	} else if (thread != NULL && within(sp, thread->signal_low, thread->signal_high)) {
		cursor->place = SIGNAL;
		cursor->low = thread->signal_low;
		cursor->high = thread->signal_high;
	} else if (thread != NULL && within(sp, thread->system_low, thread->system_high)) {
		cursor->place = SYSTEM; /* its bounds are estimates where C made it (runtime/proc.go, mstart0) */
	}
}

static bool may_switch(struct cursor *cursor)
{
	if (++cursor->switches <= SWITCHES_MAX)
		return true;
	missing(cursor, "it changes between stacks without end");
	return false;
}

static void resume_at(struct cursor *cursor, uint64_t pc, uint64_t sp, bool exact)
{
	cursor->registers.known = 0;
	registers_set(&cursor->registers, cursor->stack->roles->pc, pc);
	registers_set(&cursor->registers, cursor->stack->roles->sp, sp);
	cursor->exact = exact;
	find_place(cursor);
}

/*
 * Where the goroutine was left: behind a call; of one that has not begun, at a function's entry; of systemstack_switch
 * there or behind its prologue; by morestack() before the function had a frame, its return address still in the link
 * register.
 */
static void resume_saved(struct cursor *cursor)
{
	const struct goroutine *goroutine = cursor->goroutine;
	unsigned link = cursor->stack->roles->link;
	uint64_t own = goroutine->pc - cursor->stack->program->bias;
	const struct code_point *point = code_find(cursor->stack->code, own);

	resume_at(cursor, goroutine->pc, goroutine->sp, point->entry == own || point->role == CODE_LEFT);
	if (link != REGISTER_NONE && goroutine->lr != 0)
		registers_set(&cursor->registers, link, goroutine->lr);
}

/* From the system stack to the goroutine's own, where systemstack() or mcall() left it. */
static bool to_own_stack(struct cursor *cursor)
{
	const struct goroutine *goroutine = cursor->goroutine;

	if (cursor->thread == NULL || cursor->thread->current.v != goroutine->g.v ||
	    !within(goroutine->sp, goroutine->stack_low, goroutine->stack_high))
		return false;
	if (may_switch(cursor))
		resume_saved(cursor);
	return true;
}

/*
 * The instructions that the kernel returns to from a signal handler: mov $15 (rt_sigreturn) into eax or rax, syscall;
 * mov $173 into eax, int $0x80. They are Go's (runtime/sys_linux_amd64.s, sys_linux_386.s, sigreturn) or libc's
 * (__restore_rt).
 */
static bool is_signal_return(struct cursor *cursor)
{
	static const struct {
		uint16_t machine;
		uint8_t length, bytes[9];
	} forms[] = {
		{ EM_X86_64, 9, { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 } },
		{ EM_X86_64, 7, { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 } },
		{ EM_386, 7, { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80 } },
	};
	const struct program *program = cursor->stack->program;
	uint8_t bytes[9];
	size_t got = target_read_some(program->memory, taddr_of(pc_of(cursor)), bytes, sizeof(bytes));

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (forms[i].machine == program->machine.elf_machine && forms[i].length <= got &&
		    memcmp(bytes, forms[i].bytes, forms[i].length) == 0)
			return true;
	return false;
}

static bool find_ucontext(struct stack *stack, const struct signal_layout *layout, uint64_t sp, uint64_t *out)
{
	uint64_t pointer;

	*out = sp + layout->ucontext;
	if (layout->pointer == 0)
		return !layout->by_pointer || stack_read_word(stack, *out, out);
	if (!stack_read_word(stack, *out + layout->pointer, &pointer))
		return false;
	if (pointer != *out + layout->offset)
		*out += layout->further;
	return true;
}

/* The stack pointer is what it is on return to the trampoline. */
static void leave_signal(struct cursor *cursor)
{
	struct stack *stack = cursor->stack;
	struct signal_layout layout;
	uint8_t bytes[1024];
	struct registers interrupted;
	uint64_t at = sp_of(cursor), ucontext;

	if (!registers_signal_layout(&stack->program->machine, &layout) || layout.length > sizeof(bytes) ||
	    !find_ucontext(stack, &layout, at, &ucontext) ||
	    !stack_read(stack, ucontext + layout.offset, bytes, layout.length) ||
	    !registers_from_signal(&stack->program->machine, bytes, layout.length, &interrupted)) {
		broken(cursor, at, "the registers that a signal interrupted cannot be read");
		return;
	}
	if (!may_switch(cursor))
		return;
	cursor->registers = interrupted;
	cursor->trampoline = false;
	cursor->exact = true;
	find_place(cursor);
}

/*
 * On arm sigtramp() begins with stmdb sp!, {r4-r11}, of which the assembler tells its tables nothing (runtime/sys_linux_arm.s
 * from Go 1.13 on, cmd/internal/obj/arm/obj5.go). How many bytes that is where it is done.
 */
static uint64_t unseen_push(const struct cursor *cursor, uint64_t entry)
{
	const struct program *program = cursor->stack->program;
	uint64_t done = pc_of(cursor) - program->bias - entry;
	const uint8_t *code;
	uint64_t address;
	size_t size;

	if (program->machine.elf_machine != EM_ARM || !binary_section(program->binary, ".text", &code, &size, &address) ||
	    entry < address || size < 16 || entry - address > size - 16)
		return 0;
	for (size_t i = 0; i < 16 && i < done; i += 4)
		if (load_u32(&program->machine, code + (entry - address) + i) == UINT32_C(0xe92d0ff0))
			return 8u * program->machine.word_size;
	return 0;
}

static void leave_handler(struct cursor *cursor, const struct code_point *point, uint64_t cfa)
{
	registers_set(&cursor->registers, cursor->stack->roles->sp, cfa + unseen_push(cursor, point->entry));
	leave_signal(cursor);
}

/* --- a frame ---------------------------------------------------------------------------------------------------- */

static bool compute_cfa(struct cursor *cursor, const struct code_point *point, uint64_t *out)
{
	uint64_t base;

	switch (point->cfa) {
	case CODE_CFA_REGISTER:
		if (!registers_get(&cursor->registers, point->cfa_register, &base))
			return false;
		*out = base + (uint64_t)point->cfa_offset;
		return true;
	case CODE_CFA_EXPRESSION:
		return location_value(cursor->stack, point->cfa_ops, point->cfa_op_count, &cursor->registers, 0, out);
	default:
		return false;
	}
}

static void emit(struct cursor *cursor, struct code_point *point, uint64_t cfa)
{
	struct stack_frame frame = {
		.pc = pc_of(cursor),
		.sp = cfa,
		.system = cursor->place != OWN,
		.goroutine = cursor->goroutine,
		.registers = cursor->registers,
		.point = point,
		.function = "?",
	};

	if (point->scope_count == 0) {
		frame.number = cursor->number++;
		cursor->stop = !cursor->visit(cursor->context, &frame);
	}
	for (size_t i = 0; i < point->scope_count && !cursor->stop; i++) {
		const struct code_scope *scope = &point->scopes[i];

		frame.number = cursor->number++;
		frame.scope = i;
		frame.function = scope->function;
		frame.file = scope->file;
		frame.line = scope->line;
		frame.inlined = scope->inlined;
		cursor->stop = !cursor->visit(cursor->context, &frame);
	}
}

/* The caller's registers by the rules of the frame. False where one of them is to be read and cannot. */
static bool apply_rules(struct cursor *cursor, const struct code_point *point, uint64_t cfa)
{
	struct registers caller = { 0 };

	for (unsigned i = 0; i < cursor->stack->roles->count; i++) {
		const struct code_rule *rule = &point->rules[i];
		uint64_t value = cfa + (uint64_t)rule->offset;

		switch (rule->kind) {
		case CODE_SAME:
			if (registers_get(&cursor->registers, i, &value))
				registers_set(&caller, i, value);
			break;
		case CODE_SAVED:
			if (!stack_read_word(cursor->stack, value, &value))
				return false;
			registers_set(&caller, i, value);
			break;
		case CODE_VALUE:
			registers_set(&caller, i, value);
			break;
		case CODE_LINK:
			if (registers_get(&cursor->registers, cursor->stack->roles->link, &value))
				registers_set(&caller, i, value);
			break;
		case CODE_UNKNOWN:
			break;
		}
	}
	cursor->registers = caller;
	return registers_get(&caller, cursor->stack->roles->pc, &(uint64_t){ 0 });
}

/* A function without a frame that has not called anything: its caller's frame is where its own would be. */
static bool is_leaf(const struct cursor *cursor, const struct code_point *point)
{
	return point->rules[cursor->stack->roles->pc].kind == CODE_LINK &&
	       registers_get(&cursor->registers, cursor->stack->roles->link, &(uint64_t){ 0 });
}

/*
 * A signal handler that makes a function call sigpanic or asyncPreempt puts the link register below its frame, where
 * the call would have lost it (runtime/traceback.go, next()).
 */
static void leave_injected(struct cursor *cursor)
{
	const struct stack *stack = cursor->stack;
	uint64_t sp = sp_of(cursor), link;

	if (stack->roles->link == REGISTER_NONE || !stack_read_word(cursor->stack, sp, &link))
		return;
	registers_set(&cursor->registers, stack->roles->link, link);
	registers_set(&cursor->registers, stack->roles->sp,
		      sp + (uint64_t)stack->rules->injected * stack->program->machine.word_size);
}

static void to_caller(struct cursor *cursor, const struct code_point *point, uint64_t cfa)
{
	uint64_t sp = sp_of(cursor);

	if (cfa < sp || (cfa == sp && !is_leaf(cursor, point)) || cfa % cursor->stack->program->machine.word_size != 0) {
		broken(cursor, sp, "its frame does not go up");
		return;
	}
	if (cfa > cursor->high) {
		broken(cursor, sp, "its frame goes beyond the stack");
		return;
	}
	if (!apply_rules(cursor, point, cfa)) {
		broken(cursor, cfa, "its return address cannot be read");
		return;
	}
	cursor->trampoline = point->role == CODE_HANDLER && cursor->place != OWN;
	cursor->exact = point->role == CODE_INJECTED || point->role == CODE_PREEMPTED || cursor->trampoline;
	if (point->role == CODE_INJECTED || point->role == CODE_PREEMPTED)
		leave_injected(cursor);
	if (point->role == CODE_PREEMPTED)
		stack_preempted_registers(cursor->stack, sp, &cursor->registers);
	if (pc_of(cursor) == 0) /* nobody called it */
		cursor->stop = true;
}

/*
 * The kernel maps a page of helpers into processes of arm, and Go's atomics jump there to compare and swap and to order memory
 * (runtime/internal/atomic/sys_linux_arm.s). They have no frame: the caller is in the link register.
 */
static bool leave_helper(struct cursor *cursor)
{
	const struct stack *stack = cursor->stack;
	uint64_t caller;

	if (stack->program->machine.elf_machine != EM_ARM || !cursor->exact ||
	    !within(pc_of(cursor), UINT64_C(0xffff0f60), UINT64_C(0xffff1000)) ||
	    !registers_get(&cursor->registers, stack->roles->link, &caller))
		return false;
	registers_set(&cursor->registers, stack->roles->pc, caller);
	cursor->exact = false;
	return true;
}

/* Where no frame table tells. */
static void leave_unknown(struct cursor *cursor)
{
	const struct goroutine_thread *thread = cursor->thread;

	if (leave_helper(cursor)) {
		/* on the same stack */
	} else if (is_signal_return(cursor)) {
		leave_signal(cursor);
	} else if (cursor->place != OWN && thread != NULL && thread->vdso_sp != 0 && !cursor->vdso_left &&
		   may_switch(cursor)) {
		cursor->vdso_left = true;
		resume_at(cursor, thread->vdso_pc, thread->vdso_sp, false);
	} else if (cursor->place != OWN && to_own_stack(cursor)) {
		/* C code that Go called on the system stack: its frames are not known, those of Go behind it are */
	} else if (cursor->place == OWN) {
		broken(cursor, pc_of(cursor), "it returns to what is no function of the program");
	} else {
		missing(cursor, "0x%" PRIx64 ": no frame table tells how to go on", pc_of(cursor));
	}
}

/*
 * Where calls leave their return address in a register, so does the kernel, and sigtramp() does not keep it where its
 * tables would say so; but when the kernel calls it the stack pointer is where it is on return.
 */
static bool is_handler_by_link(const struct cursor *cursor, const struct code_point *point)
{
	return point->role == CODE_HANDLER && cursor->place != OWN && cursor->stack->roles->link != REGISTER_NONE;
}

/*
 * Of a return address the call is in front. But cgocallback() returns, as far as frames go, to the very start of
 * systemstack_switch in older versions (runtime/asm_amd64.s, asm_386.s): functions of these machines begin at multiples of
 * FUNCTION_ALIGN at least (cmd/link, FuncAlign); other machines save what is behind its prologue.
 */
static struct code_point *find_point(const struct cursor *cursor)
{
	enum { FUNCTION_ALIGN = 16 };
	struct code *code = cursor->stack->code;
	uint64_t own = pc_of(cursor) - cursor->stack->program->bias;

	if (cursor->exact)
		return code_find(code, own);
	if (own % FUNCTION_ALIGN == 0) {
		struct code_point *point = code_find(code, own);

		if (point->role == CODE_LEFT && point->entry == own)
			return point;
	}
	return code_find(code, own - 1);
}

static void step(struct cursor *cursor)
{
	uint64_t cfa = 0;
	struct code_point *point = find_point(cursor);
	bool known = compute_cfa(cursor, point, &cfa);

	emit(cursor, point, known ? cfa : 0);
	if (cursor->stop)
		return;
	if (point->role == CODE_END)
		cursor->stop = true;
	else if (cursor->trampoline || (point->role == CODE_SIGNAL && cursor->exact))
		leave_signal(cursor);
	else if (point->role == CODE_SWITCH && cursor->place != OWN)
		cursor->stop = !to_own_stack(cursor) || cursor->stop;
	else if (!known)
		leave_unknown(cursor);
	else if (is_handler_by_link(cursor, point))
		leave_handler(cursor, point, cfa);
	else
		to_caller(cursor, point, cfa);
}

/* --- where it begins -------------------------------------------------------------------------------------------- */

/* A goroutine that runs: the registers of its thread. */
static void begin_on_thread(struct cursor *cursor)
{
	const struct stack *stack = cursor->stack;
	const struct target_thread *thread;

	if (stack->no_threads != NULL) {
		missing(cursor, "%s, registers not available: %s", cursor->goroutine->status, stack->no_threads);
		return;
	}
	if (cursor->thread == NULL || cursor->thread->tid == 0) {
		missing(cursor, "%s, but its thread is not known", cursor->goroutine->status);
		return;
	}
	thread = stack_thread(stack, cursor->thread->tid);
	if (thread == NULL) {
		missing(cursor, "%s on thread %" PRIu64 ", which has no registers here", cursor->goroutine->status,
			cursor->thread->tid);
		return;
	}
	cursor->registers = thread->registers;
	cursor->exact = true;
	find_place(cursor);
}

static void begin(struct cursor *cursor)
{
	const struct goroutine *goroutine = cursor->goroutine;

	if (cursor->stack->roles == NULL || cursor->stack->rules == NULL) {
		missing(cursor, "stacks of machine %u are not known", cursor->stack->program->machine.elf_machine);
		return;
	}
	if (goroutine->parked)
		resume_saved(cursor);
	else if (goroutine->in_syscall && goroutine->syscall_sp != 0)
		resume_at(cursor, goroutine->syscall_pc, goroutine->syscall_sp, false);
	else
		begin_on_thread(cursor);
	if (!cursor->stop && cursor->place != OWN && (goroutine->parked || goroutine->in_syscall))
		missing(cursor, "its saved stack pointer 0x%" PRIx64 " is not on its stack", sp_of(cursor));
	if (cursor->stop && (goroutine->parked || goroutine->in_syscall))
		findings_add(cursor->stack->findings, goroutine->g, "goroutine %" PRIu64 ": %s", goroutine->id,
			     cursor->stack->why);
}

struct error *stack_each_frame(struct stack *stack, const struct goroutine *goroutine,
			       bool (*visit)(void *context, const struct stack_frame *frame), void *context,
			       const char **why)
{
	struct cursor cursor = {
		.stack = stack,
		.goroutine = goroutine,
		.thread = goroutine->m.v ? goroutines_thread(&stack->goroutines, goroutine->m) : NULL,
		.visit = visit,
		.context = context,
	};
	struct error *error = NULL;

	free(stack->why);
	stack->why = NULL;
	begin(&cursor);
	for (uint64_t frames = 0; !cursor.stop && error == NULL; frames++) {
		if (frames >= limit_of(LIMIT_FRAMES))
			missing(&cursor, "it has more than %llu frames (--limit frames=N)", (unsigned long long)limit_of(LIMIT_FRAMES));
		else
			step(&cursor);
		if (frames % 4096 == 4095)
			error = interrupt_check();
	}
	*why = stack->why;
	return error;
}
