/*
 * What stands at a program counter: the function, the calls that are inlined there, the source line, how its frame
 * unwinds. From DWARF with all its sections, which the other layers do without: it is opened when first asked for.
 * What it does not know (a stripped binary, a plugin) comes from the tables that the program has of its own functions
 * (pclntab.h), frames of C from .eh_frame. Found once per pc, as thousands of goroutines stand at the same few.
 * Addresses are the binary's own: those in memory less program->bias.
 */
#ifndef STACK_CODE_H
#define STACK_CODE_H

#include "binary/debug.h"
#include "gotype/program.h"
#include "map/finding.h"
#include "target/thread.h"

/* A function, or a call of one that is inlined. */
struct code_scope {
	const char *function; /* as the linker spells it; "?" where it has no name; good for the code's life */
	const char *file;     /* where in it: source file, NULL where unknown */
	int line;             /* 0: unknown */
	uint64_t die;         /* its DW_TAG_subprogram or DW_TAG_inlined_subroutine, an offset in .debug_info; 0: not from DWARF */
	bool inlined;
};

/* Where a register of the caller is. */
enum code_rule_kind {
	CODE_UNKNOWN,  /* nowhere: the callee may have used it for something else */
	CODE_SAME,     /* the callee has left it alone */
	CODE_SAVED,    /* in memory at CFA + offset */
	CODE_VALUE,    /* it is CFA + offset */
	CODE_LINK,     /* in the link register */
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
	CODE_LEFT,         /* systemstack_switch: stands for systemstack() on the stack that this has left; its pc is no return address */
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

/* Where from; tests compare them. */
enum code_choice { CODE_BY_ANY, CODE_BY_DWARF, CODE_BY_TABLES };

/*
 * Opens the DWARF, and lists the units' ranges. `program` must outlive it. Reads no memory of the target: that is done
 * when something is looked up that the DWARF does not know. An error where there is nothing of what was chosen.
 */
struct error *code_open(struct program *program, enum code_choice choice, struct code **out) MUST_CHECK;
/* What is unsound in the program's tables goes there from now on; NULL: nowhere. */
void code_report_to(struct code *code, struct findings *findings);
/* NULL is allowed. */
void code_close(struct code *code);

/* Never NULL: where nothing is known, it says so (entry 0). Good for the code's life. */
struct code_point *code_find(struct code *code, uint64_t pc);
/* With all sections; DIEs by their offset. NULL: there is none. */
Dwarf *code_dwarf(struct code *code);
/* Memory for the code's life. */
void *code_allocate(struct code *code, size_t size);
/* The DIE of the function that begins at `entry`; false where there is none. */
bool code_function_at(struct code *code, uint64_t entry, Dwarf_Die *out);

#endif
