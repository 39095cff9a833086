#include "map/hash.h"

#include <elf.h>
#include <string.h>

#include "map/hash_aes.h"
#include "map/hash_fallback.h"

enum { GO_MINOR_FIRST = 8, GO_MINOR_LAST = 27 };

/* The word size each machine has in Go; x32 and amd64p32 are none of ours. */
static bool machine_known(const struct machine *machine)
{
	switch (machine->elf_machine) {
	case EM_X86_64:
	case EM_AARCH64:
	case EM_LOONGARCH:
	case EM_RISCV:
		return machine->word_size == 8 && !machine->big_endian;
	case EM_PPC64:
		return machine->word_size == 8;
	case EM_S390:
		return machine->word_size == 8 && machine->big_endian;
	case EM_386:
	case EM_ARM:
		return machine->word_size == 4 && !machine->big_endian;
	case EM_MIPS:
		return machine->word_size == 4 || machine->word_size == 8;
	default:
		return false;
	}
}

/* Where hash_supported(). */
static inline const struct hash_functions *choose(const struct hash_state *state)
{
	if (!state->aes)
		return hash_fallback(state);
	return hash_aes_native_usable() ? hash_aes_native(state) : hash_aes_portable(state);
}

const struct hash_functions *hash_functions_of(const struct hash_state *state)
{
	if (!machine_known(&state->machine) || state->go_minor < GO_MINOR_FIRST || state->go_minor > GO_MINOR_LAST)
		return NULL;
	return choose(state);
}

bool hash_supported(const struct hash_state *state)
{
	return hash_functions_of(state) != NULL;
}

uint64_t hash_memory(const struct hash_state *state, const void *p, size_t n, uint64_t seed)
{
	return choose(state)->memory(state, p, n, seed);
}

uint64_t hash_memory32(const struct hash_state *state, const void *p, uint64_t seed)
{
	return choose(state)->memory32(state, p, seed);
}

uint64_t hash_memory64(const struct hash_state *state, const void *p, uint64_t seed)
{
	return choose(state)->memory64(state, p, seed);
}

/* c0 and c1: runtime/alg.go, the same in 1.8 ... 1.27. */
uint64_t hash_c0(const struct hash_state *state)
{
	return state->machine.word_size == 8 ? UINT64_C(33054211828000289) : UINT64_C(2860486313);
}

uint64_t hash_c1(const struct hash_state *state)
{
	return state->machine.word_size == 8 ? UINT64_C(23344194077549503) : UINT64_C(3267000013);
}

/* +0 and -0 are equal keys and so must have one hash. */
static uint64_t hash_zero(const struct hash_state *state, uint64_t seed)
{
	uint64_t h = hash_c1(state) * (hash_c0(state) ^ seed);

	return state->machine.word_size == 8 ? h : (uint32_t)h;
}

/* f32hash and f64hash (runtime/alg.go) take memhash, not memhash32 and memhash64. */
bool hash_float32(const struct hash_state *state, const void *p, uint64_t seed, uint64_t *out)
{
	uint32_t magnitude = load_u32(&state->machine, p) & UINT32_C(0x7fffffff);

	if (magnitude > UINT32_C(0x7f800000))
		return false;
	*out = magnitude == 0 ? hash_zero(state, seed) : hash_memory(state, p, 4, seed);
	return true;
}

bool hash_float64(const struct hash_state *state, const void *p, uint64_t seed, uint64_t *out)
{
	uint64_t magnitude = load_u64(&state->machine, p) & UINT64_C(0x7fffffffffffffff);

	if (magnitude > UINT64_C(0x7ff0000000000000))
		return false;
	*out = magnitude == 0 ? hash_zero(state, seed) : hash_memory(state, p, 8, seed);
	return true;
}
