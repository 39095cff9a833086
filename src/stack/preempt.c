/* What runtime.asyncPreempt keeps of the function that it interrupted (Go >= 1.14). */
#include <elf.h>

#include "stack/stack_private.h"
#include "util/alloc.h"

/*
 * runtime/preempt_amd64.s, made by mkpreempt.go: these registers from the stack pointer on, as DWARF numbers them:
 * AX, CX, DX, BX, SI, DI, R8 ... R15. So it is in Go 1.14 to 1.27; what follows are vector registers, on the stack
 * until 1.25.
 */
static const uint8_t saved[] = { 0, 2, 1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

void stack_preempted_registers(struct stack *stack, uint64_t sp, struct registers *registers)
{
	const struct machine *machine = &stack->program->machine;
	uint8_t bytes[sizeof(saved) * 8];

	if (machine->elf_machine != EM_X86_64 || !stack_read(stack, sp, bytes, sizeof(bytes)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(saved); i++)
		registers_set(registers, saved[i], load_u64(machine, bytes + i * 8));
}
