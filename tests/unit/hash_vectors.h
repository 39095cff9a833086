/* The state of a runtime's hash functions, as tests/hash/common.go prints it. */
#ifndef TESTS_HASH_VECTORS_H
#define TESTS_HASH_VECTORS_H

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "map/hash.h"
#include "util/alloc.h"

static const struct {
	const char *name; /* GOARCH */
	struct machine machine;
} vectors_machines[] = {
	{ "amd64", { EM_X86_64, 8, false } },   { "386", { EM_386, 4, false } },
	{ "arm64", { EM_AARCH64, 8, false } },  { "arm", { EM_ARM, 4, false } },
	{ "mips", { EM_MIPS, 4, true } },       { "mipsle", { EM_MIPS, 4, false } },
	{ "mips64", { EM_MIPS, 8, true } },     { "mips64le", { EM_MIPS, 8, false } },
	{ "ppc64", { EM_PPC64, 8, true } },     { "ppc64le", { EM_PPC64, 8, false } },
	{ "s390x", { EM_S390, 8, true } },      { "riscv64", { EM_RISCV, 8, false } },
	{ "loong64", { EM_LOONGARCH, 8, false } },
};

/* state MINOR GOARCH AES; false where it is none of ours. Clears the rest. */
static inline bool vectors_state(struct hash_state *state, const char *line)
{
	char machine[16], aes[8];

	memset(state, 0, sizeof(*state));
	if (sscanf(line, "state %d %15s %7s", &state->go_minor, machine, aes) != 3)
		return false;
	state->aes = strcmp(aes, "true") == 0;
	for (size_t i = 0; i < ARRAY_SIZE(vectors_machines); i++) {
		if (strcmp(vectors_machines[i].name, machine) == 0)
			state->machine = vectors_machines[i].machine;
	}
	return hash_supported(state);
}

/* schedule BYTES, hashkey WORD WORD WORD WORD; false for any other line. */
static inline bool vectors_more_state(struct hash_state *state, const char *line)
{
	uint64_t *key = state->hash_key;

	if (strncmp(line, "schedule ", 9) != 0)
		return sscanf(line, "hashkey %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &key[0], &key[1], &key[2],
			      &key[3]) == 4;
	for (unsigned i = 0; i < 16u * state->machine.word_size; i++) {
		unsigned byte;

		if (sscanf(line + 9 + 2 * i, "%2x", &byte) != 1)
			return false;
		state->key_schedule[i] = (uint8_t)byte;
	}
	return true;
}

#endif
