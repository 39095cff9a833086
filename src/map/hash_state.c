#include "map/hash_state.h"

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

struct error *hash_state_read(struct program *program, struct hash_state *out)
{
	const struct machine *machine = &program->machine;
	uint8_t aes, keys[4 * 8];
	struct hash_state state = { .machine = *machine, .go_minor = program->version->minor };

	if (program->hash_state != NULL) {
		*out = *program->hash_state;
		return NULL;
	}
	TRY(read_variable(program, "runtime.useAeshash", "internal/runtime/maps.UseAeshash", &aes, 1));
	TRY(read_variable(program, "runtime.aeskeysched", "internal/runtime/maps.aeskeysched", state.key_schedule,
			  machine->word_size == 8 ? 128 : 64));
	TRY(read_variable(program, "runtime.hashkey", "internal/runtime/maps.hashkey", keys, 4u * machine->word_size));
	state.aes = aes != 0;
	for (unsigned i = 0; i < 4; i++)
		state.hash_key[i] = load_word(machine, keys + i * machine->word_size);
	if (!hash_supported(&state))
		return error_new(ERROR_TARGET, "the hash functions of this machine are not known");
	*out = state;
	return NULL;
}
