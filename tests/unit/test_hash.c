/*
 * Replays what the hash functions of real Go programs gave: test_hash VECTORS...
 * The files come from tests/hash/hashvectors.go by tests/hash/regenerate.sh, which tells their form.
 */
#include <stdlib.h>

#include "check.h"
#include "hash_vectors.h"
#include "map/hash.h"
#include "map/hash_aes.h"
#include "util/alloc.h"

struct replay {
	struct hash_state state;
	unsigned long compared, wrong;
	int numbers; /* of i4 lines so far: the seed of the next number */
};

static uint64_t splitmix(uint64_t x)
{
	x = (x + 1) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t seed_of(const struct replay *replay, uint64_t i)
{
	return replay->state.machine.word_size == 8 ? splitmix(i) : (uint32_t)splitmix(i);
}

static void compare(struct replay *replay, const char *file, const char *line, uint64_t is, uint64_t should_be)
{
	replay->compared++;
	if (is == should_be)
		return;
	replay->wrong++;
	if (replay->wrong <= 3)
		fprintf(stderr, "%s: %s\n\tis: %" PRIx64 "\n", file, line, is);
}

/* The bytes of length n, in an allocation of just that length, so that the sanitizer sees a read beyond. */
static uint8_t *bytes_of(size_t n, size_t number)
{
	uint8_t *bytes = xmalloc(n);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)splitmix(number * 1000 + i);
	return bytes;
}

/* Both implementations of AES, where the machine has them. */
static void compare_memory(struct replay *replay, const char *file, const char *line, size_t n, size_t number,
                           uint64_t seed, uint64_t should_be)
{
	const struct hash_state *state = &replay->state;
	uint8_t *bytes = bytes_of(n, number);

	compare(replay, file, line, hash_memory(state, bytes, n, seed), should_be);
	if (state->aes)
		compare(replay, file, line, hash_aes_portable(state)->memory(state, bytes, n, seed), should_be);
	free(bytes);
}

static void store(const struct machine *m, uint64_t value, uint8_t *bytes, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		bytes[m->big_endian ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

static void compare_number(struct replay *replay, const char *file, const char *line, char kind, unsigned size,
                           uint64_t value, uint64_t should_be)
{
	const struct hash_state *state = &replay->state;
	const struct hash_functions *portable = state->aes ? hash_aes_portable(state) : hash_functions_of(state);
	uint8_t *bytes = xmalloc(size);
	uint64_t seed, hash = 0;

	if (kind == 'i' && size == 4)
		replay->numbers++;
	seed = seed_of(replay, (uint64_t)replay->numbers - 1);
	store(&state->machine, value, bytes, size);
	if (kind == 'f') {
		bool number = (size == 4 ? hash_float32 : hash_float64)(state, bytes, seed, &hash);

		compare(replay, file, line, number ? hash : 0, should_be);
	} else {
		hash = (size == 4 ? hash_memory32 : hash_memory64)(state, bytes, seed);
		compare(replay, file, line, hash, should_be);
		hash = (size == 4 ? portable->memory32 : portable->memory64)(state, bytes, seed);
		compare(replay, file, line, hash, should_be);
	}
	free(bytes);
}

static bool read_state(struct replay *replay, const char *line)
{
	memset(replay, 0, sizeof(*replay));
	return vectors_state(&replay->state, line);
}

static bool replay_line(struct replay *replay, const char *file, const char *line)
{
	uint64_t value, hash;
	unsigned n;
	char kind;

	if (vectors_more_state(&replay->state, line))
		return true;
	if (sscanf(line, "m %u %" SCNx64, &n, &hash) == 2)
		compare_memory(replay, file, line, n, n, seed_of(replay, n), hash);
	else if (sscanf(line, "a%u %" SCNx64, &n, &hash) == 2)
		compare_memory(replay, file, line, n, 24, seed_of(replay, (uint64_t)replay->numbers - 1), hash);
	else if (sscanf(line, "%c%u %" SCNx64 " %" SCNx64, &kind, &n, &value, &hash) == 4 && (n == 4 || n == 8))
		compare_number(replay, file, line, kind, n, value, hash);
	else
		return false;
	return true;
}

/* One line of a table: what regenerate.sh shows. */
static void finish(const struct replay *replay, const char *file)
{
	if (replay->state.go_minor == 0)
		return;
	CHECK(replay->compared > 300);
	if (!CHECK(replay->wrong == 0))
		fprintf(stderr, "\tin %s: %lu of %lu\n", file, replay->wrong, replay->compared);
	printf("%-40s compared %5lu, wrong %lu\n", file, replay->compared, replay->wrong);
}

static void replay_file(const char *file)
{
	struct replay replay = { 0 };
	char *line = NULL;
	size_t size = 0;
	FILE *stream = fopen(file, "r");

	if (!CHECK(stream != NULL))
		return;
	while (getline(&line, &size, stream) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "state ", 6) == 0) {
			finish(&replay, file);
			if (!CHECK(read_state(&replay, line)))
				break;
		} else if (!CHECK(replay.state.go_minor != 0 && replay_line(&replay, file, line))) {
			fprintf(stderr, "\t%s: %s\n", file, line);
			break;
		}
	}
	finish(&replay, file);
	free(line);
	fclose(stream);
}

/* Instructions and portable C agree on every machine, at lengths around each change of method. */
static void test_native_is_portable(void)
{
	static const struct machine aes_machines[] = {
		{ EM_X86_64, 8, false }, { EM_386, 4, false }, { EM_AARCH64, 8, false }
	};
	static const size_t lengths[] = { 0,  1,  2,  3,  4,  5,  7,   8,   9,   12,  13,  14,  15,  16,  17,   31,   32,
					  33, 63, 64, 65, 66, 127, 128, 129, 130, 192, 193, 255, 256, 257, 1000, 70000 };

	if (!hash_aes_native_usable())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(aes_machines) * 20; i++) {
		struct hash_state state = { .machine = aes_machines[i / 20], .go_minor = 8 + (int)(i % 20), .aes = true };
		unsigned long wrong = 0;

		if (!hash_supported(&state))
			continue;
		for (size_t j = 0; j < sizeof(state.key_schedule); j++)
			state.key_schedule[j] = (uint8_t)splitmix(i * 1000 + j);
		for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
			uint8_t *bytes = bytes_of(lengths[j], i);
			uint64_t seed = splitmix(j);

			wrong += hash_aes_native(&state)->memory(&state, bytes, lengths[j], seed) !=
				 hash_aes_portable(&state)->memory(&state, bytes, lengths[j], seed);
			free(bytes);
		}
		CHECK_UINT(wrong, 0);
	}
}

static void test_supported(void)
{
	struct hash_state state = { .machine = { EM_X86_64, 8, false }, .go_minor = 8, .aes = true };

	CHECK(hash_supported(&state));
	state.go_minor = 27;
	CHECK(hash_supported(&state));
	state.go_minor = 28;
	CHECK(!hash_supported(&state));
	state.go_minor = 7;
	CHECK(!hash_supported(&state));
	state.go_minor = 20;
	state.machine.word_size = 4;
	CHECK(!hash_supported(&state));
	state.machine = (struct machine){ EM_PPC64, 8, true };
	CHECK(!hash_supported(&state)); /* no AES there */
	state.aes = false;
	CHECK(hash_supported(&state));
	state.machine = (struct machine){ EM_AARCH64, 8, false };
	state.aes = true;
	state.go_minor = 10;
	CHECK(!hash_supported(&state)); /* AES on arm64 came with 1.11 */
	state.go_minor = 11;
	CHECK(hash_supported(&state));
	state.machine = (struct machine){ EM_SPARCV9, 8, true };
	CHECK(!hash_supported(&state));
}

/* NaNs of either sign, quiet or not, have no hash; infinities do; both zeroes have the same. */
static void test_floats(void)
{
	struct hash_state state = { .machine = { EM_X86_64, 8, false }, .go_minor = 20, .aes = true };
	uint32_t nan32[] = { 0x7f800001, 0x7fc00000, 0xffffffff }, infinity32 = 0xff800000, zero32[] = { 0, 0x80000000 };
	uint64_t nan64[] = { UINT64_C(0x7ff0000000000001), UINT64_C(0xfff8000000000000) },
		 infinity64 = UINT64_C(0x7ff0000000000000), zero64[] = { 0, UINT64_C(0x8000000000000000) };
	uint64_t hash = 1, other = 2;

	for (size_t i = 0; i < ARRAY_SIZE(nan32); i++)
		CHECK(!hash_float32(&state, &nan32[i], 0, &hash));
	for (size_t i = 0; i < ARRAY_SIZE(nan64); i++)
		CHECK(!hash_float64(&state, &nan64[i], 0, &hash));
	CHECK_UINT(hash, 1);
	CHECK(hash_float32(&state, &infinity32, 0, &hash));
	CHECK(hash_float64(&state, &infinity64, 0, &hash));
	CHECK(hash_float32(&state, &zero32[0], 5, &hash) && hash_float32(&state, &zero32[1], 5, &other));
	CHECK_UINT(hash, other);
	CHECK_UINT(hash, UINT64_C(23344194077549503) * (UINT64_C(33054211828000289) ^ 5));
	CHECK(hash_float64(&state, &zero64[0], 5, &hash) && hash_float64(&state, &zero64[1], 5, &other));
	CHECK_UINT(hash, other);
	state.machine = (struct machine){ EM_386, 4, false };
	CHECK(hash_float64(&state, &zero64[0], 5, &hash));
	CHECK_UINT(hash, (uint32_t)(UINT32_C(3267000013) * (UINT32_C(2860486313) ^ 5)));
}

int main(int argc, char **argv)
{
	test_supported();
	test_floats();
	test_native_is_portable();
	for (int i = 1; i < argc; i++)
		replay_file(argv[i]);
	return check_done();
}
