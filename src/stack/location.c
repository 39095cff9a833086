#include "stack/location.h"

#include <dwarf.h>
#include <string.h>

#include "stack/stack_private.h"

enum { DEPTH = 64 };

/* What one simple location description says. */
enum simple_kind { EMPTY, ADDRESS, IN_REGISTER, VALUE, IMPLICIT, LOST };

struct machine_state {
	struct stack *stack;
	const struct location_frame *frame;
	uint64_t items[DEPTH];
	size_t depth;
	bool lost; /* something on the way is not known: whatever comes behind */
	enum simple_kind kind;
	unsigned number;         /* IN_REGISTER */
	const Dwarf_Op *implicit;
};

static void push(struct machine_state *state, uint64_t value)
{
	if (state->depth == DEPTH)
		state->lost = true;
	else
		state->items[state->depth++] = value;
}

static uint64_t pop(struct machine_state *state)
{
	if (state->depth == 0) {
		state->lost = true;
		return 0;
	}
	return state->items[--state->depth];
}

static void push_register(struct machine_state *state, unsigned number, uint64_t offset)
{
	uint64_t value = 0;

	if (!registers_get(state->frame->registers, number, &value))
		state->lost = true;
	push(state, value + offset);
}

static void push_cfa(struct machine_state *state, uint64_t offset)
{
	if (state->frame->cfa == 0)
		state->lost = true;
	push(state, state->frame->cfa + offset);
}

static void dereference(struct machine_state *state, size_t size)
{
	const struct machine *machine = &state->stack->program->machine;
	uint64_t address = pop(state);
	uint8_t bytes[8] = { 0 };

	if (state->lost)
		return;
	if ((size != 1 && size != 2 && size != 4 && size != 8) || !stack_read(state->stack, address, bytes, size))
		state->lost = true;
	push(state, load_uint(machine, bytes, size));
}

static void pick(struct machine_state *state, uint64_t index)
{
	if (index >= state->depth)
		state->lost = true;
	else
		push(state, state->items[state->depth - 1 - index]);
}

static void swap(struct machine_state *state)
{
	uint64_t b = pop(state), a = pop(state);

	push(state, b);
	push(state, a);
}

/* Operations of two numbers. False: it is none. */
static bool binary_operation(struct machine_state *state, const Dwarf_Op *op)
{
	uint64_t b, a;

	switch (op->atom) {
	case DW_OP_plus: b = pop(state), a = pop(state), push(state, a + b); return true;
	case DW_OP_minus: b = pop(state), a = pop(state), push(state, a - b); return true;
	case DW_OP_mul: b = pop(state), a = pop(state), push(state, a * b); return true;
	case DW_OP_and: b = pop(state), a = pop(state), push(state, a & b); return true;
	case DW_OP_or: b = pop(state), a = pop(state), push(state, a | b); return true;
	case DW_OP_xor: b = pop(state), a = pop(state), push(state, a ^ b); return true;
	case DW_OP_shl: b = pop(state), a = pop(state), push(state, b < 64 ? a << b : 0); return true;
	case DW_OP_shr: b = pop(state), a = pop(state), push(state, b < 64 ? a >> b : 0); return true;
	case DW_OP_shra:
		b = pop(state), a = pop(state), push(state, (uint64_t)((int64_t)a >> (b < 63 ? b : 63)));
		return true;
	case DW_OP_eq: b = pop(state), a = pop(state), push(state, a == b); return true;
	case DW_OP_ne: b = pop(state), a = pop(state), push(state, a != b); return true;
	case DW_OP_ge: b = pop(state), a = pop(state), push(state, (int64_t)a >= (int64_t)b); return true;
	case DW_OP_gt: b = pop(state), a = pop(state), push(state, (int64_t)a > (int64_t)b); return true;
	case DW_OP_le: b = pop(state), a = pop(state), push(state, (int64_t)a <= (int64_t)b); return true;
	case DW_OP_lt: b = pop(state), a = pop(state), push(state, (int64_t)a < (int64_t)b); return true;
	default: return false;
	}
}

/* Operations that push a constant, or that come in 32 variants. False: it is none. */
static bool leaf_operation(struct machine_state *state, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
		push(state, op->atom - DW_OP_lit0);
	} else if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		push_register(state, op->atom - DW_OP_breg0, op->number);
	} else if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) {
		state->kind = IN_REGISTER;
		state->number = op->atom - DW_OP_reg0;
	} else if (op->atom >= DW_OP_const1u && op->atom <= DW_OP_consts) {
		push(state, op->number);
	} else {
		return false;
	}
	return true;
}

static void operate(struct machine_state *state, const Dwarf_Op *op)
{
	if (leaf_operation(state, op) || binary_operation(state, op))
		return;
	switch (op->atom) {
	case DW_OP_nop: break;
	case DW_OP_addr: push(state, op->number + state->frame->bias); break;
	case DW_OP_bregx: push_register(state, (unsigned)op->number, op->number2); break;
	case DW_OP_regx:
		state->kind = IN_REGISTER;
		state->number = op->number < REGISTERS_MAX ? (unsigned)op->number : REGISTERS_MAX;
		break;
	case DW_OP_fbreg: push_cfa(state, op->number); break;
	case DW_OP_call_frame_cfa: push_cfa(state, 0); break;
	case DW_OP_plus_uconst: push(state, pop(state) + op->number); break;
	case DW_OP_neg: push(state, -pop(state)); break;
	case DW_OP_not: push(state, ~pop(state)); break;
	case DW_OP_dup: pick(state, 0); break;
	case DW_OP_over: pick(state, 1); break;
	case DW_OP_pick: pick(state, op->number); break;
	case DW_OP_drop: pop(state); break;
	case DW_OP_swap: swap(state); break;
	case DW_OP_deref: dereference(state, state->stack->program->machine.word_size); break;
	case DW_OP_deref_size: dereference(state, op->number); break;
	case DW_OP_stack_value: state->kind = VALUE; break;
	case DW_OP_implicit_value:
		state->kind = IMPLICIT;
		state->implicit = op;
		break;
	default: state->lost = true; break; /* entry values and typed operations too: Go writes none */
	}
}

/* Where the description that ends here leads: on an empty stack to nothing. */
static void settle(struct machine_state *state)
{
	if (state->kind == EMPTY && state->depth != 0)
		state->kind = ADDRESS;
	if (state->lost || (state->kind == VALUE && state->depth == 0))
		state->kind = LOST;
}

/* The bytes of a piece; false where they are not known. */
static bool load_piece(struct machine_state *state, uint8_t *to, size_t size)
{
	const struct machine *machine = &state->stack->program->machine;
	uint8_t bytes[8];
	uint64_t value;

	switch (state->kind) {
	case ADDRESS:
		return stack_read(state->stack, state->items[state->depth - 1], to, size);
	case IN_REGISTER:
		if (size > 8 || !registers_get(state->frame->registers, state->number, &value))
			return false;
		break;
	case VALUE:
		if (size > 8)
			return false;
		value = state->items[state->depth - 1];
		break;
	default:
		return false; /* what implicit values say is kept in libdw's own form: Go writes none */
	}
	store_uint(machine, bytes, 8, value);
	memcpy(to, bytes + (machine->big_endian ? 8 - size : 0), size);
	return true;
}

struct assembly {
	struct location *out;
	size_t size, at;
	bool in_memory; /* all pieces so far lie side by side, from out->address on */
	bool any;
};

static void add_piece(struct assembly *assembly, struct machine_state *state, size_t size)
{
	struct location *out = assembly->out;

	settle(state);
	if (size > assembly->size - assembly->at)
		size = assembly->size - assembly->at;
	if (state->kind == ADDRESS && assembly->at == 0)
		out->address = state->items[state->depth - 1];
	assembly->in_memory &= state->kind == ADDRESS && state->items[state->depth - 1] == out->address + assembly->at;
	if (size != 0 && load_piece(state, out->bytes + assembly->at, size)) {
		memset(out->known + assembly->at, 1, size);
		assembly->any = true;
	}
	assembly->at += size;
	state->kind = EMPTY;
	state->lost = false;
	state->depth = 0;
}

static void evaluate_pieces(struct machine_state *state, const Dwarf_Op *ops, size_t count, size_t size,
			    struct location *out)
{
	struct assembly assembly = { .out = out, .size = size, .in_memory = true };

	memset(out->known, 0, size);
	memset(out->bytes, 0, size);
	for (size_t i = 0; i < count; i++) {
		if (ops[i].atom == DW_OP_piece)
			add_piece(&assembly, state, ops[i].number);
		else
			operate(state, &ops[i]);
	}
	if (assembly.in_memory && assembly.at == size)
		out->kind = LOCATION_MEMORY;
	else
		out->kind = assembly.any ? LOCATION_PIECES : LOCATION_GONE;
}

static bool has_pieces(const Dwarf_Op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ops[i].atom == DW_OP_piece)
			return true;
	return false;
}

void location_evaluate(struct stack *stack, const Dwarf_Op *ops, size_t count, const struct location_frame *frame,
		       size_t size, struct location *out)
{
	struct machine_state state = { .stack = stack, .frame = frame };

	out->kind = LOCATION_GONE;
	if (has_pieces(ops, count)) {
		if (size <= LOCATION_BYTES)
			evaluate_pieces(&state, ops, count, size, out);
		return;
	}
	for (size_t i = 0; i < count; i++)
		operate(&state, &ops[i]);
	settle(&state);
	if (state.kind == ADDRESS) {
		out->kind = LOCATION_MEMORY;
		out->address = state.items[state.depth - 1];
	} else if (size <= 8 && load_piece(&state, out->bytes, size)) {
		out->kind = LOCATION_PIECES;
		memset(out->known, 1, size);
	}
}

bool location_value(struct stack *stack, const Dwarf_Op *ops, size_t count, const struct registers *registers,
		    uint64_t bias, uint64_t *out)
{
	struct location_frame frame = { .registers = registers, .bias = bias };
	struct machine_state state = { .stack = stack, .frame = &frame };

	for (size_t i = 0; i < count; i++)
		operate(&state, &ops[i]);
	settle(&state);
	if (state.kind != ADDRESS && state.kind != VALUE)
		return false;
	*out = state.items[state.depth - 1];
	return true;
}
