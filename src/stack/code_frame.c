/* Frame tables, through libdw: .debug_frame of Go, .eh_frame of C. */
#include <dwarf.h>
#include <stdlib.h>

#include "stack/code_private.h"
#include "util/alloc.h"

static Dwarf_Frame *find_frame(struct code *code, uint64_t pc)
{
	Dwarf_Frame *frame = NULL;

	if (code->debug_frame != NULL && dwarf_cfi_addrframe(code->debug_frame, pc, &frame) == 0)
		return frame;
	if (code->eh_frame != NULL && dwarf_cfi_addrframe(code->eh_frame, pc, &frame) == 0)
		return frame;
	return NULL;
}

/* Whether the CFA is a register and an offset; else the expression is kept, and with it the frame. */
static bool set_cfa(struct code_point *point, Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count == 0)
		return false;
	if (count == 1 && ops[0].atom == DW_OP_bregx && ops[0].number < REGISTERS_MAX) {
		point->cfa = CODE_CFA_REGISTER;
		point->cfa_register = (uint8_t)ops[0].number;
		point->cfa_offset = (int64_t)ops[0].number2;
		return false;
	}
	if (count == 1 && ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
		point->cfa = CODE_CFA_REGISTER;
		point->cfa_register = (uint8_t)(ops[0].atom - DW_OP_breg0);
		point->cfa_offset = (int64_t)ops[0].number;
		return false;
	}
	point->cfa = CODE_CFA_EXPRESSION;
	point->cfa_ops = ops;
	point->cfa_op_count = count;
	return true;
}

/*
 * libdw makes "at CFA + N" into call_frame_cfa, plus_uconst N or consts N and plus; "is CFA + N" has stack_value
 * behind.
 */
static struct code_rule parse_rule(const Dwarf_Op *ops, size_t count)
{
	struct code_rule rule = { .kind = CODE_SAVED };
	size_t at = 1;

	if (count == 0 || ops[0].atom != DW_OP_call_frame_cfa)
		return (struct code_rule){ CODE_UNKNOWN, 0 };
	if (at < count && ops[at].atom == DW_OP_plus_uconst) {
		rule.offset = (int64_t)ops[at++].number;
	} else if (at + 1 < count && ops[at].atom == DW_OP_consts && ops[at + 1].atom == DW_OP_plus) {
		rule.offset = (int64_t)ops[at].number;
		at += 2;
	}
	if (at < count && ops[at].atom == DW_OP_stack_value) {
		rule.kind = CODE_VALUE;
		at++;
	}
	return at == count ? rule : (struct code_rule){ CODE_UNKNOWN, 0 };
}

static struct code_rule rule_of(Dwarf_Frame *frame, int number)
{
	Dwarf_Op room[3], *ops;
	size_t count;

	if (dwarf_frame_register(frame, number, room, &ops, &count) != 0)
		return (struct code_rule){ CODE_UNKNOWN, 0 };
	if (count == 0)
		return (struct code_rule){ ops == NULL ? CODE_SAME : CODE_UNKNOWN, 0 };
	return parse_rule(ops, count);
}

/*
 * Go's functions keep no register for their callers but the stack and frame pointers, and say nothing of the latter,
 * which libdw takes for "the same": cmd/compile's ABIInternal (abi-internal.md) has no callee-saved registers,
 * obj6.go saves BP without a word in the tables.
 */
static void set_registers(struct code *code, struct code_point *point, Dwarf_Frame *frame)
{
	const struct register_roles *roles = register_roles_find(&code->program->machine);

	for (unsigned i = 0; roles != NULL && i < roles->count; i++)
		if (!point->go || i == roles->pc)
			point->rules[i] = rule_of(frame, (int)i);
	if (roles != NULL)
		point->rules[roles->sp] = (struct code_rule){ CODE_VALUE, 0 };
}

void code_set_rules(struct code *code, struct code_point *point)
{
	Dwarf_Frame *frame = find_frame(code, point->pc);

	if (frame == NULL)
		return;

	bool keep = set_cfa(point, frame);

	set_registers(code, point, frame);
	if (!keep) {
		free(frame);
		return;
	}
	ARRAY_RESERVE(code->frames, code->frame_count, code->frame_capacity);
	code->frames[code->frame_count++] = frame;
}
