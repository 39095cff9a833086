/* DWARF location expressions: what they say of a variable, of memory that is there and of some that is not. */
#include "check.h"

#include <dwarf.h>
#include <stdlib.h>

#include "stack/location.h"
#include "stack/stack_private.h"
#include "target/fake.h"
#include "util/alloc.h"

enum { CFA = 0x10000, RAX = 0, RBX = 3, RCX = 2 };

static struct program program;
static struct stack stack;
static struct registers registers;
static struct location out;

static Dwarf_Op op(uint8_t atom, uint64_t number)
{
	return (Dwarf_Op){ .atom = atom, .number = number };
}

#define EVALUATE(size, ...)                                                                            \
	do {                                                                                           \
		const Dwarf_Op ops_[] = { __VA_ARGS__ };                                               \
		struct location_frame frame_ = { &registers, CFA, 0x400000 };                          \
		memset(&out, 0xee, sizeof(out));                                                       \
		location_evaluate(&stack, ops_, ARRAY_SIZE(ops_), &frame_, (size), &out);              \
	} while (0)

static uint64_t word_at(size_t offset)
{
	uint64_t word;

	memcpy(&word, out.bytes + offset, sizeof(word));
	return word;
}

static void set_up(void)
{
	static const struct machine machine = { 62, 8, false };
	static const uint64_t words[] = { 0xaaaa, 0x20000, 0xcccc, 0xdddd };

	program.machine = machine;
	program.memory = fake_create(&machine);
	stack.program = &program;
	fake_put(program.memory, taddr_of(CFA - 16), words, sizeof(words));
	registers_set(&registers, RAX, 0x1111);
	registers_set(&registers, RBX, CFA - 8);
}

static void test_places(void)
{
	EVALUATE(8, op(DW_OP_fbreg, (uint64_t)-16));
	CHECK_UINT(out.kind, LOCATION_MEMORY);
	CHECK_UINT(out.address, CFA - 16);
	EVALUATE(24, op(DW_OP_call_frame_cfa, 0));
	CHECK_UINT(out.address, CFA);
	EVALUATE(8, op(DW_OP_breg3, 8));
	CHECK_UINT(out.address, CFA);
	EVALUATE(8, op(DW_OP_addr, 0x1000));
	CHECK_UINT(out.address, 0x401000);
	EVALUATE(8, op(DW_OP_fbreg, (uint64_t)-8), op(DW_OP_deref, 0), op(DW_OP_plus_uconst, 4));
	CHECK_UINT(out.kind, LOCATION_MEMORY);
	CHECK_UINT(out.address, 0x20004);
}

static void test_registers(void)
{
	EVALUATE(8, op(DW_OP_reg0, 0));
	CHECK_UINT(out.kind, LOCATION_PIECES);
	CHECK_UINT(word_at(0), 0x1111);
	EVALUATE(2, op(DW_OP_regx, RAX));
	CHECK_UINT(out.kind, LOCATION_PIECES);
	CHECK_UINT(out.bytes[0], 0x11);
	EVALUATE(8, op(DW_OP_reg2, 0));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(16, op(DW_OP_reg0, 0));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(DW_OP_regx, 1000000));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(DW_OP_breg2, 8));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(DW_OP_breg2, 8), op(DW_OP_stack_value, 0));
	CHECK_UINT(out.kind, LOCATION_GONE);
}

static void test_values(void)
{
	EVALUATE(8, op(DW_OP_lit7, 0), op(DW_OP_consts, (uint64_t)-2), op(DW_OP_mul, 0), op(DW_OP_stack_value, 0));
	CHECK_UINT(out.kind, LOCATION_PIECES);
	CHECK_UINT(word_at(0), (uint64_t)-14);
	EVALUATE(8, op(DW_OP_const1u, 1), op(DW_OP_const1u, 64), op(DW_OP_shl, 0), op(DW_OP_stack_value, 0));
	CHECK_UINT(word_at(0), 0);
	EVALUATE(8, op(DW_OP_const1u, 3), op(DW_OP_const1u, 5), op(DW_OP_swap, 0), op(DW_OP_minus, 0), op(DW_OP_stack_value, 0));
	CHECK_UINT(word_at(0), 2);
}

/* A string in two registers, one of them lost; a slice in pieces that lie side by side. */
static void test_pieces(void)
{
	EVALUATE(16, op(DW_OP_reg0, 0), op(DW_OP_piece, 8), op(DW_OP_reg2, 0), op(DW_OP_piece, 8));
	CHECK_UINT(out.kind, LOCATION_PIECES);
	CHECK_UINT(word_at(0), 0x1111);
	CHECK(memchr(out.known, 0, 8) == NULL && memchr(out.known + 8, 1, 8) == NULL);
	CHECK_UINT(word_at(8), 0);
	EVALUATE(16, op(DW_OP_fbreg, (uint64_t)-16), op(DW_OP_piece, 8), op(DW_OP_fbreg, (uint64_t)-8), op(DW_OP_piece, 8));
	CHECK_UINT(out.kind, LOCATION_MEMORY);
	CHECK_UINT(out.address, CFA - 16);
	EVALUATE(16, op(DW_OP_fbreg, (uint64_t)-8), op(DW_OP_piece, 8), op(DW_OP_fbreg, (uint64_t)-16), op(DW_OP_piece, 8));
	CHECK_UINT(out.kind, LOCATION_PIECES);
	CHECK_UINT(word_at(0), 0x20000);
	CHECK_UINT(word_at(8), 0xaaaa);
	EVALUATE(16, op(DW_OP_piece, 8), op(DW_OP_reg0, 0), op(DW_OP_piece, 8));
	CHECK_UINT(out.kind, LOCATION_PIECES);
	CHECK_UINT(out.known[0], 0);
	CHECK_UINT(word_at(8), 0x1111);
	EVALUATE(16, op(DW_OP_piece, 8), op(DW_OP_piece, 8));
	CHECK_UINT(out.kind, LOCATION_GONE);
}

/* What a file may say, and no compiler does. */
static void test_hostile(void)
{
	static Dwarf_Op many[200];

	EVALUATE(8, op(DW_OP_plus, 0));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(DW_OP_fbreg, 0), op(DW_OP_pick, 77));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(DW_OP_stack_value, 0));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(DW_OP_const8u, 0x123456), op(DW_OP_deref, 0));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(DW_OP_fbreg, 0), op(DW_OP_deref_size, 3));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(0xff, 0));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(1 << 20, op(DW_OP_reg0, 0), op(DW_OP_piece, 1 << 20));
	CHECK_UINT(out.kind, LOCATION_GONE);
	EVALUATE(8, op(DW_OP_fbreg, 0), op(DW_OP_piece, UINT64_MAX));
	CHECK_UINT(out.kind, LOCATION_MEMORY);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = op(DW_OP_lit1, 0);

	struct location_frame frame = { &registers, CFA, 0 };

	location_evaluate(&stack, many, ARRAY_SIZE(many), &frame, 8, &out);
	CHECK_UINT(out.kind, LOCATION_GONE);
	location_evaluate(&stack, many, 0, &frame, 8, &out);
	CHECK_UINT(out.kind, LOCATION_GONE);
}

int main(void)
{
	set_up();
	test_places();
	test_registers();
	test_values();
	test_pieces();
	test_hostile();
	target_destroy(program.memory);
	return check_done();
}
