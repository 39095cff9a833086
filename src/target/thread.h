/* The threads of a target and their registers, numbered as the machine's DWARF numbers them. */
#ifndef TARGET_THREAD_H
#define TARGET_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/bytes.h"
#include "util/error.h"

/*
 * General registers only, and the pc. On x86 that is the column of return addresses (System V ABI, AMD64, figure 3.36);
 * where a call leaves its return address in a register, the pc has a number of its own, which no DWARF has.
 */
enum { REGISTERS_MAX = 34, REGISTER_NONE = UINT8_MAX };

struct registers {
	uint64_t known; /* bit N: values[N] is set */
	uint64_t values[REGISTERS_MAX];
};

/* Which registers play a part in unwinding. */
struct register_roles {
	uint16_t elf_machine;
	uint8_t pc, sp;
	uint8_t link;          /* where a call leaves its return address; REGISTER_NONE: on the stack */
	uint8_t return_column; /* DWARF's number of the return address: pc, or the link register's */
	uint8_t count;         /* numbers are below this */
};

/* NULL: registers of this machine are not known here. */
const struct register_roles *register_roles_find(const struct machine *machine);

static inline bool registers_get(const struct registers *registers, unsigned number, uint64_t *out)
{
	if (number >= REGISTERS_MAX || !(registers->known >> number & 1))
		return false;
	*out = registers->values[number];
	return true;
}

static inline void registers_set(struct registers *registers, unsigned number, uint64_t value)
{
	registers->values[number] = value;
	registers->known |= UINT64_C(1) << number;
}

/*
 * From the kernel's struct user_regs_struct (PTRACE_GETREGSET, and pr_reg of NT_PRSTATUS: linux/elfcore.h) in the
 * byte order of `machine`. False where the machine is not known, or the bytes are too few.
 */
bool registers_from_user(const struct machine *machine, const uint8_t *bytes, size_t length, struct registers *out);
/* The same from a struct sigcontext, the uc_mcontext of a signal frame's ucontext. */
bool registers_from_signal(const struct machine *machine, const uint8_t *bytes, size_t length, struct registers *out);
/* What a signal handler returns to: where from the stack pointer then the registers are that it interrupted. */
struct signal_layout {
	bool by_pointer;  /* `ucontext` is where the ucontext's address is, not itself */
	uint32_t ucontext; /* bytes above the stack pointer */
	uint32_t offset;   /* of the registers in the ucontext */
	uint32_t length;   /* bytes of them */
	uint32_t pointer;  /* in the ucontext, to these registers; 0: none */
	uint32_t further;  /* bytes that the ucontext lies further up where that pointer is not there */
};

/* False where that is not known. */
bool registers_signal_layout(const struct machine *machine, struct signal_layout *out);

struct target_thread {
	pid_t tid;  /* as the program itself sees it (gettid), whatever PID namespace it lives in */
	int signal; /* that it died of or was about to receive; 0: none */
	struct registers registers;
};

#endif
