#include "target/thread.h"

#include <elf.h>

#include "util/alloc.h"

/* DWARF's number of each word, in the kernel's order; -1: none that matters. */
struct register_map {
	struct register_roles roles;
	const int8_t *user; /* struct user_regs_struct: arch/x86/include/uapi/asm/ptrace.h */
	size_t user_count;
	const int8_t *signal; /* struct sigcontext: arch/x86/include/uapi/asm/sigcontext.h */
	size_t signal_count;
	uint32_t mcontext; /* in struct ucontext: uc_flags, uc_link, uc_stack (three words) come first */
};

enum { NONE = -1, RAX = 0, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP };

static const int8_t user_amd64[] = { R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, NONE, RIP, NONE, NONE, RSP };
static const int8_t signal_amd64[] = { R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP };

static const struct register_map maps[] = {
	{ { EM_X86_64, RIP, RSP, RBP, RIP + 1 }, user_amd64, ARRAY_SIZE(user_amd64), signal_amd64, ARRAY_SIZE(signal_amd64), 40 },
};

static const struct register_map *find(const struct machine *machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (maps[i].roles.elf_machine == machine->elf_machine)
			return &maps[i];
	return NULL;
}

const struct register_roles *register_roles_find(const struct machine *machine)
{
	const struct register_map *map = find(machine);

	return map ? &map->roles : NULL;
}

static bool load(const struct machine *machine, const int8_t *numbers, size_t count, const uint8_t *bytes, size_t length,
		 struct registers *out)
{
	if (length / machine->word_size < count)
		return false;
	out->known = 0;
	for (size_t i = 0; i < count; i++)
		if (numbers[i] != NONE)
			registers_set(out, (unsigned)numbers[i], load_word(machine, bytes + i * machine->word_size));
	return true;
}

bool registers_from_user(const struct machine *machine, const uint8_t *bytes, size_t length, struct registers *out)
{
	const struct register_map *map = find(machine);

	return map != NULL && load(machine, map->user, map->user_count, bytes, length, out);
}

bool registers_from_signal(const struct machine *machine, const uint8_t *bytes, size_t length, struct registers *out)
{
	const struct register_map *map = find(machine);

	return map != NULL && load(machine, map->signal, map->signal_count, bytes, length, out);
}

bool registers_signal_layout(const struct machine *machine, uint32_t *offset, uint32_t *length)
{
	const struct register_map *map = find(machine);

	if (map == NULL)
		return false;
	*offset = map->mcontext;
	*length = (uint32_t)map->signal_count * machine->word_size;
	return true;
}
