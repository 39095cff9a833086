/*
 * What stands at a program counter: the function, the calls that are inlined there, the source line, how its frame
 * unwinds. From DWARF with all its sections, which the other layers do without: it is opened when first asked for.
 * Found once per pc, as thousands of goroutines stand at the same few. Addresses are the binary's own: those in
 * memory less program->bias.
 */
#ifndef STACK_CODE_H
#define STACK_CODE_H

#include "binary/debug.h"
#include "gotype/program.h"
#include "target/thread.h"

/* A function, or a call of one that is inlined. */
struct code_scope {
	const char *function; /* as DWARF has it; "?" where it has no name; good for the code's life */
	const char *file;     /* where in it: source file, NULL where unknown */
	int line;             /* 0: unknown */
	uint64_t die;         /* its DW_TAG_subprogram or DW_TAG_inlined_subroutine, an offset in .debug_info */
	bool inlined;
};

/* Where a register of the caller is. */
enum code_rule_kind {
	CODE_UNKNOWN,  /* nowhere: the callee may have used it for something else */
	CODE_SAME,     /* the callee has left it alone */
	CODE_SAVED,    /* in memory at CFA + offset */
	CODE_VALUE,    /* it is CFA + offset */
};

struct code_rule {
	enum code_rule_kind kind;
	int64_t offset;
};

enum code_cfa_kind {
	CODE_CFA_NONE,       /* no frame table covers the pc */
	CODE_CFA_REGISTER,   /* a register + offset */
	CODE_CFA_EXPRESSION,
};

/* What a function means for unwinding: functions of the runtime, by name. */
enum code_role {
	CODE_PLAIN,
	CODE_END,          /* nobody called it: goexit, mstart, rt0 */
	CODE_SWITCH,       /* systemstack, mcall, morestack: on the system stack of a thread, its goroutine's own stack goes on */
	CODE_INJECTED,     /* sigpanic: its return address is the very instruction that was interrupted */
	CODE_PREEMPTED,    /* asyncPreempt: the same, and its frame has the registers */
	CODE_HANDLER,      /* sigtramp: the kernel calls it, it returns to a trampoline */
	CODE_SIGNAL,       /* that trampoline, where it is Go's own */
};

struct stack_variable_list;

struct code_point {
	uint64_t pc;     /* that was looked up: of a return address one less, so that it is inside the call */
	uint64_t entry;  /* of the function; 0: it is in none that is known */
	bool go;         /* by the Go toolchain: its callers' registers are not kept, but the stack pointer */
	enum code_role role;
	struct code_scope *scopes; /* innermost first; the last is the function itself */
	size_t scope_count;
	enum code_cfa_kind cfa;
	uint8_t cfa_register;
	int64_t cfa_offset;
	const Dwarf_Op *cfa_ops; /* EXPRESSION */
	size_t cfa_op_count;
	struct code_rule rules[REGISTERS_MAX];
	struct stack_variable_list *variables; /* private to variables.c: one for each scope; NULL: not made yet */
};

struct code;

/* Opens the DWARF, and lists the units' ranges. `program` must outlive it. Reads no memory of the target. */
struct error *code_open(struct program *program, struct code **out) MUST_CHECK;
/* NULL is allowed. */
void code_close(struct code *code);

/* Never NULL: where nothing is known, it says so (entry 0). Good for the code's life. */
struct code_point *code_find(struct code *code, uint64_t pc);
/* The unit with all sections; DIEs by their offset. */
Dwarf *code_dwarf(struct code *code);
/* Memory for the code's life. */
void *code_allocate(struct code *code, size_t size);
/* The DIE of the function that begins at `entry`; false where there is none. */
bool code_function_at(struct code *code, uint64_t entry, Dwarf_Die *out);

#endif
