#include "target/thread.h"

#include <elf.h>

#include "util/alloc.h"

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

enum { NONE = -1, PC = 32, PPC64_LINK = 33 };

/* A run of registers in the kernel's order: numbers from `first` on, or words that do not matter. */
struct register_run {
	int8_t first; /* NONE: skipped */
	uint8_t count;
};

enum { RUNS_MAX = 20 };

struct register_list {
	struct register_run runs[RUNS_MAX]; /* count 0 ends it */
	uint32_t at;       /* of signal frames: of the registers in the ucontext */
	uint32_t ucontext; /* of the ucontext above the stack pointer */
	bool by_pointer;
	bool wide;         /* they take 8 bytes each, whatever the word size */
	uint32_t pointer, further; /* as in struct signal_layout */
};

/*
 * user: struct user_regs_struct or user_pt_regs of arch/.../include/uapi/asm/ptrace.h, as NT_PRSTATUS and
 * PTRACE_GETREGSET have it (mips: elf_gregset_t of asm/elf.h). signal: struct sigcontext of uapi/asm/sigcontext.h, in
 * the struct rt_sigframe of arch/.../kernel/signal*.c.
 */
struct register_map {
	struct register_roles roles;
	uint8_t word_size;
	struct register_list user, signal;
};

enum { RAX = 0, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R15 = 15, RIP };
enum { EAX = 0, ECX, EDX, EBX, ESP, EBP, ESI, EDI, EIP };

static const struct register_map maps[] = {
	{ { EM_X86_64, RIP, RSP, REGISTER_NONE, RIP, RIP + 1 }, 8,
	  { .runs = { { 15, 1 }, { 14, 1 }, { 13, 1 }, { 12, 1 }, { RBP, 1 }, { RBX, 1 }, { 11, 1 }, { 10, 1 }, { 9, 1 },
		      { R8, 1 }, { RAX, 1 }, { RCX, 1 }, { RDX, 1 }, { RSI, 1 }, { RDI, 1 }, { NONE, 1 }, { RIP, 1 },
		      { NONE, 2 }, { RSP, 1 } } },
	  { .runs = { { R8, 8 }, { RDI, 1 }, { RSI, 1 }, { RBP, 1 }, { RBX, 1 }, { RDX, 1 }, { RAX, 1 }, { RCX, 1 },
		      { RSP, 1 }, { RIP, 1 } }, .at = 40 } },
	{ { EM_386, EIP, ESP, REGISTER_NONE, EIP, EIP + 1 }, 4,
	  { .runs = { { EBX, 1 }, { ECX, 1 }, { EDX, 1 }, { ESI, 1 }, { EDI, 1 }, { EBP, 1 }, { EAX, 1 }, { NONE, 5 },
		      { EIP, 1 }, { NONE, 2 }, { ESP, 1 } } },
	  { .runs = { { NONE, 4 }, { EDI, 1 }, { ESI, 1 }, { EBP, 1 }, { ESP, 1 }, { EBX, 1 }, { EDX, 1 }, { ECX, 1 },
		      { EAX, 1 }, { NONE, 2 }, { EIP, 1 } }, .at = 20, .ucontext = 8, .by_pointer = true } },
	{ { EM_ARM, 15, 13, 14, 14, 16 }, 4, { .runs = { { 0, 16 } } },
	  { .runs = { { 0, 16 } }, .at = 32, .ucontext = 128 } },
	{ { EM_AARCH64, PC, 31, 30, 30, PC + 1 }, 8, { .runs = { { 0, 33 } } },
	  { .runs = { { NONE, 1 }, { 0, 33 } }, .at = 176, .ucontext = 128 } },
	{ { EM_PPC64, PC, 1, PPC64_LINK, 65, PPC64_LINK + 1 }, 8,
	  { .runs = { { 0, 33 }, { NONE, 3 }, { PPC64_LINK, 1 } } },
	  { .runs = { { 0, 33 }, { NONE, 3 }, { PPC64_LINK, 1 } }, .at = 232, .ucontext = 128, .pointer = 224,
	    .further = 16 } }, /* qemu: setup_rt_frame() of linux-user/ppc/signal.c */
	{ { EM_S390, PC, 15, 14, 14, PC + 1 }, 8, { .runs = { { NONE, 1 }, { PC, 1 }, { 0, 16 } } },
	  { .runs = { { NONE, 1 }, { PC, 1 }, { 0, 16 } }, .at = 40, .ucontext = 296 } },
	{ { EM_MIPS, PC, 29, 31, 31, PC + 1 }, 8, { .runs = { { 0, 32 }, { NONE, 2 }, { PC, 1 } } },
	  { .runs = { { 0, 32 }, { NONE, 40 }, { PC, 1 } }, .at = 40, .ucontext = 152 } },
	{ { EM_MIPS, PC, 29, 31, 31, PC + 1 }, 4, { .runs = { { NONE, 6 }, { 0, 32 }, { NONE, 2 }, { PC, 1 } } },
	  { .runs = { { PC, 1 }, { 0, 32 } }, .at = 32, .ucontext = 152, .wide = true } },
	{ { EM_RISCV, PC, 2, 1, 1, PC + 1 }, 8, { .runs = { { PC, 1 }, { 1, 31 } } },
	  { .runs = { { PC, 1 }, { 1, 31 } }, .at = 176, .ucontext = 128 } },
	{ { EM_LOONGARCH, PC, 3, 1, 1, PC + 1 }, 8, { .runs = { { 0, 32 }, { NONE, 1 }, { PC, 1 } } },
	  { .runs = { { PC, 1 }, { 0, 32 } }, .at = 176, .ucontext = 128 } },
};

static const struct register_map *find(const struct machine *machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (maps[i].roles.elf_machine == machine->elf_machine && maps[i].word_size == machine->word_size)
			return &maps[i];
	return NULL;
}

const struct register_roles *register_roles_find(const struct machine *machine)
{
	const struct register_map *map = find(machine);

	return map ? &map->roles : NULL;
}

static size_t words_of(const struct register_list *list)
{
	size_t words = 0;

	for (size_t i = 0; i < RUNS_MAX; i++)
		words += list->runs[i].count;
	return words;
}

/* Of all words, in bytes. */
static size_t length_of(const struct machine *machine, const struct register_list *list)
{
	return words_of(list) * (list->wide ? 8 : machine->word_size);
}

static bool load(const struct machine *machine, const struct register_list *list, const uint8_t *bytes, size_t length,
		 struct registers *out)
{
	size_t step = list->wide ? 8 : machine->word_size;

	if (words_of(list) == 0 || length < length_of(machine, list))
		return false;
	out->known = 0;
	for (size_t i = 0; i < RUNS_MAX; i++) {
		for (unsigned j = 0; j < list->runs[i].count; j++, bytes += step)
			if (list->runs[i].first != NONE)
				registers_set(out, (unsigned)list->runs[i].first + j, load_uint(machine, bytes, step));
	}
	return true;
}

bool registers_from_user(const struct machine *machine, const uint8_t *bytes, size_t length, struct registers *out)
{
	const struct register_map *map = find(machine);

	return map != NULL && load(machine, &map->user, bytes, length, out);
}

bool registers_from_signal(const struct machine *machine, const uint8_t *bytes, size_t length, struct registers *out)
{
	const struct register_map *map = find(machine);

	return map != NULL && load(machine, &map->signal, bytes, length, out);
}

bool registers_signal_layout(const struct machine *machine, struct signal_layout *out)
{
	const struct register_map *map = find(machine);

	if (map == NULL || words_of(&map->signal) == 0)
		return false;
	*out = (struct signal_layout){
		.by_pointer = map->signal.by_pointer,
		.ucontext = map->signal.ucontext,
		.offset = map->signal.at,
		.length = (uint32_t)length_of(machine, &map->signal),
		.pointer = map->signal.pointer,
		.further = map->signal.further,
	};
	return true;
}
