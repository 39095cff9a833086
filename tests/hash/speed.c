/*
 * How fast keys are hashed, by processor time:
 *     gcc -O2 -std=gnu11 -D_GNU_SOURCE -Isrc -o speed tests/hash/speed.c src/map/hash*.c && ./speed
 */
#include <elf.h>
#include <stdio.h>
#include <time.h>

#include "map/hash.h"
#include "map/hash_aes.h"

enum { KEYS = 4096 };

static uint64_t numbers[KEYS];
static uint8_t text[KEYS + 16];
static uint8_t lengths[KEYS];
static volatile uint64_t result;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double numbers_per_second(const struct hash_state *state, uint64_t (*hash)(const struct hash_state *, const void *, uint64_t),
				 unsigned rounds)
{
	double start = now();
	uint64_t sum = 0;

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < KEYS; i++)
			sum ^= hash(state, &numbers[i], round);
	}
	result = sum;
	return rounds * (double)KEYS / (now() - start) / 1e6;
}

static double strings_per_second(const struct hash_state *state,
				 uint64_t (*hash)(const struct hash_state *, const void *, size_t, uint64_t), unsigned rounds)
{
	double start = now();
	uint64_t sum = 0;

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < KEYS; i++)
			sum ^= hash(state, &text[i], lengths[i], round);
	}
	result = sum;
	return rounds * (double)KEYS / (now() - start) / 1e6;
}

int main(void)
{
	static const struct {
		const char *name;
		struct hash_state state;
	} cases[] = {
		{ "amd64 AES", { { EM_X86_64, 8, false }, 20, true } },
		{ "386 AES", { { EM_386, 4, false }, 20, true } },
		{ "arm64 AES", { { EM_AARCH64, 8, false }, 22, true } },
		{ "64 bits, 1.16", { { EM_PPC64, 8, false }, 16, false, { 0 }, { 1, 3, 5, 7 } } },
		{ "64 bits, 1.22", { { EM_PPC64, 8, false }, 22, false, { 0 }, { 1, 3, 5, 7 } } },
		{ "32 bits, 1.22", { { EM_ARM, 4, false }, 22, false, { 0 }, { 1, 3, 5, 7 } } },
	};

	for (unsigned i = 0; i < KEYS; i++) {
		numbers[i] = i * UINT64_C(0x9e3779b97f4a7c15);
		text[i] = (uint8_t)(numbers[i] >> 56);
		lengths[i] = (uint8_t)(4 + (numbers[i] >> 40) % 12);
	}
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct hash_state *state = &cases[i].state;
		const struct hash_functions *chosen = hash_functions_of(state);

		printf("%-14s hash_memory64 %4.0f M/s, chosen once %4.0f; strings of 4-15 bytes %4.0f M/s, chosen once %4.0f",
		       cases[i].name, numbers_per_second(state, hash_memory64, 10000),
		       numbers_per_second(state, chosen->memory64, 10000), strings_per_second(state, hash_memory, 4000),
		       strings_per_second(state, chosen->memory, 4000));
		if (state->aes)
			printf("; portable %2.0f, %2.0f", numbers_per_second(state, hash_aes_portable(state)->memory64, 300),
			       strings_per_second(state, hash_aes_portable(state)->memory, 300));
		printf("\n");
	}
	return 0;
}
