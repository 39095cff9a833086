#include "stack/frame_rules.h"

#include <elf.h>
#include <stddef.h>

#include "util/alloc.h"

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

/* A later version of a machine comes first. */
static const struct frame_rules rules[] = {
	{ EM_X86_64, 8, 1, false, 0, 0, true },
	{ EM_386, 8, 1, false, 0, 0, false },
	{ EM_ARM, 8, 4, true, 1, 1, false },
	{ EM_AARCH64, 12, 4, true, 1, 2, true },
	{ EM_AARCH64, 8, 4, true, 1, 2, false },
	{ EM_PPC64, 8, 4, true, 4, 4, false },
	{ EM_S390, 8, 2, true, 1, 1, false },
	{ EM_MIPS, 8, 4, true, 1, 1, false },
	{ EM_RISCV, 26, 2, true, 1, 1, false },
	{ EM_RISCV, 14, 4, true, 1, 1, false },
	{ EM_LOONGARCH, 19, 4, true, 1, 1, false },
};

const struct frame_rules *frame_rules_find(const struct machine *machine, int minor)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].elf_machine == machine->elf_machine && minor >= rules[i].since)
			return &rules[i];
	return NULL;
}
