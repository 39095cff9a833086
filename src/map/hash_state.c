#include "map/hash_state.h"

#include <elf.h>

#include "binary/debug.h"

/* runtime/alg.go; from 1.27 on internal/runtime/maps/runtime_hash64.go and its neighbours */
static struct error *read_variable(struct program *program, const char *name, const char *new_name, void *to, size_t length)
{
	struct debug_variable variable;

	if (!debug_find_variable(program->binary->debug, name, &variable) &&
	    !debug_find_variable(program->binary->debug, new_name, &variable))
		return error_new(ERROR_TARGET, "%s: not in the DWARF of %s", name, program->binary->path);
	return target_read(program->memory, taddr_of(variable.address + program->bias), to, length);
}

/* runtime/alg.go, alginit(): elsewhere the linker leaves out the variables that say whether the CPU has AES, and the key schedule. */
static bool may_use_aes(const struct machine *machine)
{
	return machine->elf_machine == EM_X86_64 || machine->elf_machine == EM_386 || machine->elf_machine == EM_AARCH64;
}

static struct error *read_aes(struct program *program, struct hash_state *state)
{
	uint8_t aes;

	TRY(read_variable(program, "runtime.useAeshash", "internal/runtime/maps.UseAeshash", &aes, 1));
	state->aes = aes != 0;
	return read_variable(program, "runtime.aeskeysched", "internal/runtime/maps.aeskeysched", state->key_schedule,
			     program->machine.word_size == 8 ? 128 : 64);
}

struct error *hash_state_read(struct program *program, struct hash_state *out)
{
	const struct machine *machine = &program->machine;
	uint8_t keys[4 * 8];
	struct hash_state state = { .machine = *machine, .go_minor = program->version->minor };

	if (program->hash_state != NULL) {
		*out = *program->hash_state;
		return NULL;
	}
	if (may_use_aes(machine))
		TRY(read_aes(program, &state));
	TRY(read_variable(program, "runtime.hashkey", "internal/runtime/maps.hashkey", keys, 4u * machine->word_size));
	for (unsigned i = 0; i < 4; i++)
		state.hash_key[i] = load_word(machine, keys + i * machine->word_size);
	if (!hash_supported(&state))
		return error_new(ERROR_TARGET, "the hash functions of this machine are not known");
	*out = state;
	return NULL;
}
