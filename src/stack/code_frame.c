/*
 * Frame tables, through libdw: .debug_frame of Go, .eh_frame of C, which is loaded with the program and so in stripped
 * ones too.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "stack/code_private.h"
#include "util/alloc.h"

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
	const struct register_roles *roles = code->roles;

	for (unsigned i = 0; i < roles->count && !point->go; i++)
		point->rules[i] = rule_of(frame, (int)i);
	point->rules[roles->pc] = rule_of(frame, roles->return_column);
	if (roles->link != REGISTER_NONE && point->rules[roles->pc].kind == CODE_SAME)
		point->rules[roles->pc].kind = CODE_LINK;
	point->rules[roles->sp] = (struct code_rule){ CODE_VALUE, 0 };
}

bool code_apply_frames(struct code *code, Dwarf_CFI *frames, struct code_point *point)
{
	Dwarf_Frame *frame = NULL;

	if (frames == NULL || dwarf_cfi_addrframe(frames, point->pc, &frame) != 0)
		return false;

	bool keep = set_cfa(point, frame);

	set_registers(code, point, frame);
	if (!keep) {
		free(frame);
		return true;
	}
	ARRAY_RESERVE(code->frames, code->frame_count, code->frame_capacity);
	code->frames[code->frame_count++] = frame;
	return true;
}

/* --- .eh_frame -------------------------------------------------------------------------------------------------- */

struct eh_frame_source {
	struct code_source source;
	Dwarf_CFI *frames; /* NULL: none */
};

static bool describe(struct code *code, struct code_source *self, struct code_point *point)
{
	(void)code, (void)self, (void)point;
	return false;
}

static bool set_rules(struct code *code, struct code_source *self, struct code_point *point)
{
	return code_apply_frames(code, ((struct eh_frame_source *)self)->frames, point);
}

static void destroy(struct code_source *self)
{
	struct eh_frame_source *source = (struct eh_frame_source *)self;

	if (source->frames != NULL)
		dwarf_cfi_end(source->frames);
	free(source);
}

static const struct code_source_ops eh_frame_ops = { describe, set_rules, destroy };

struct code_source *code_eh_frame_open(struct code *code)
{
	struct eh_frame_source *source = xcalloc(1, sizeof(*source));

	source->source.ops = &eh_frame_ops;
	source->frames = dwarf_getcfi_elf(code->program->binary->elf);
	return &source->source;
}
