/*
 * The AES variants of memhash, over any implementation of one AES round. Included by a .c file that has defined
 *     block                        16 bytes, byte 0 first
 *     block_load(p)                16 bytes at p
 *     block_of(low, high)          two little-endian words
 *     block_low(x)                 the first of them
 *     block_xor(x, y)
 *     block_round(x, key)          AESENC: MixColumns(SubBytes(ShiftRows(x))) ^ key
 *     block_last(x)                AESENCLAST with key 0: SubBytes(ShiftRows(x))
 *     VARIANTS                     the name of the table of functions
 * and is the only thing that sees them.
 *
 * Go's sources: 1.8 ... 1.26 runtime/asm_{amd64,386,arm64}.s, aeshashbody and (aesh|memh)ash{32,64};
 * 1.27 internal/runtime/maps/memhash_{amd64,386,arm64}.s.
 */

enum aes_variant {
	AES_AMD64,     /* 1.8 ... 1.27 */
	AES_386_OLD,   /* ... 1.17: the data is scrambled once with the seed as round key */
	AES_386,       /* 1.18 ...: the data is xored with the seed, as on amd64 */
	AES_ARM64_OLD, /* 1.11 ... 1.13: 32 bits of seed and of length */
	AES_ARM64_MID, /* 1.14 ... 1.20: up to 16 bytes end without MixColumns */
	AES_ARM64,     /* 1.21 ... */
};

#define INLINE static inline __attribute__((always_inline))

INLINE bool variant_is_arm64(enum aes_variant variant)
{
	return variant >= AES_ARM64_OLD;
}

INLINE bool variant_is_386(enum aes_variant variant)
{
	return variant == AES_386_OLD || variant == AES_386;
}

INLINE uint64_t word32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

INLINE uint64_t word64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* 1 ... 15 bytes, zero behind them. Overlapping loads agree where they overlap. */
INLINE block load_short(const uint8_t *p, size_t n)
{
	if (n >= 8)
		return block_of(word64(p), word64(p + n - 8) >> (8 * (15 - n)) >> 8);
	if (n >= 4)
		return block_of(word32(p) | word32(p + n - 4) << (8 * (n - 4)), 0);
	return block_of(p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) | (uint64_t)p[n - 1] << (8 * (n - 1)), 0);
}

/* arm64 gives each power of two in the length its own place: 8 bytes at 0, 4 at 8, 2 at 12, 1 at 14. */
INLINE block load_short_arm64(const uint8_t *p, size_t n)
{
	uint64_t low = 0, high = 0;

	if (n & 8) {
		low = word64(p);
		p += 8;
	}
	if (n & 4) {
		high = word32(p);
		p += 4;
	}
	if (n & 2) {
		high |= (uint64_t)p[0] << 32 | (uint64_t)p[1] << 40;
		p += 2;
	}
	if (n & 1)
		high |= (uint64_t)p[0] << 48;
	return block_of(low, high);
}

/* The seed before it meets the key schedule. */
INLINE block raw_seed(size_t n, uint64_t seed, enum aes_variant variant)
{
	switch (variant) {
	case AES_ARM64_OLD:
		return block_of((uint32_t)seed | (uint64_t)(uint32_t)n << 32, 0);
	case AES_ARM64_MID:
	case AES_ARM64:
		return block_of(seed, n);
	case AES_386_OLD:
	case AES_386:
		seed = (uint32_t)seed;
		break;
	case AES_AMD64:
		break;
	}
	return block_of(seed, (uint64_t)(uint16_t)n * UINT64_C(0x0001000100010001));
}

/* AESE then AESMC. */
INLINE block arm64_round(block x, block y)
{
	return block_round(block_xor(x, y), block_of(0, 0));
}

INLINE block seed_of_lane(const struct hash_state *state, block raw, unsigned lane, enum aes_variant variant)
{
	block x = block_load(state->key_schedule + 16 * lane);

	if (variant_is_arm64(variant))
		return arm64_round(x, raw);
	x = block_xor(x, raw);
	return block_round(x, x);
}

/* Up to 128 bytes (64 on 386): three rounds for each 16 of them. */
INLINE block scramble(block data, block seed, bool short_data, enum aes_variant variant)
{
	if (variant_is_arm64(variant)) {
		data = arm64_round(data, seed);
		data = arm64_round(data, seed);
		if (short_data && variant == AES_ARM64)
			return arm64_round(data, seed);
		return block_last(block_xor(data, seed));
	}
	if (variant == AES_386_OLD) {
		data = block_round(data, seed);
	} else {
		data = block_xor(data, seed);
		data = block_round(data, data);
	}
	data = block_round(data, data);
	return block_round(data, data);
}

INLINE uint64_t result_of(block x, enum aes_variant variant)
{
	return variant_is_386(variant) ? (uint32_t)block_low(x) : block_low(x);
}

INLINE uint64_t join_lanes(block *data, unsigned lanes, enum aes_variant variant)
{
	block x = data[0];

	for (unsigned i = 1; i < lanes; i++)
		x = block_xor(x, data[i]);
	return result_of(x, variant);
}

/* lanes / 2 blocks from the start and as many from the end; they overlap where n is less than all lanes. */
INLINE uint64_t hash_lanes(const struct hash_state *state, const uint8_t *p, size_t n, block raw, unsigned lanes,
                           enum aes_variant variant)
{
	block data[8];
	unsigned half = lanes / 2;

	for (unsigned i = 0; i < lanes; i++) {
		const uint8_t *at = i < half ? p + 16 * i : p + n - 16 * (lanes - i);

		data[i] = scramble(block_load(at), seed_of_lane(state, raw, i, variant), false, variant);
	}
	return join_lanes(data, lanes, variant);
}

/* amd64 from 129 bytes. Starts with the last 128 bytes, which the loop may meet again. */
INLINE uint64_t hash_long_amd64(const struct hash_state *state, const uint8_t *p, size_t n, block raw)
{
	block data[8];

	for (unsigned i = 0; i < 8; i++)
		data[i] = block_xor(block_load(p + n - 128 + 16 * i), seed_of_lane(state, raw, i, AES_AMD64));
	for (size_t left = (n - 1) / 128; left > 0; left--, p += 128) {
		for (unsigned i = 0; i < 8; i++) {
			data[i] = block_round(data[i], data[i]);
			data[i] = block_round(data[i], block_load(p + 16 * i));
		}
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 8; i++)
			data[i] = block_round(data[i], data[i]);
	}
	return join_lanes(data, 8, AES_AMD64);
}

/* 386 from 65 bytes. Its last rounds were two until 1.17, three since. */
INLINE uint64_t hash_long_386(const struct hash_state *state, const uint8_t *p, size_t n, block raw,
                              enum aes_variant variant)
{
	block data[4];

	for (unsigned i = 0; i < 4; i++)
		data[i] = block_round(block_load(p + n - 64 + 16 * i), seed_of_lane(state, raw, i, variant));
	for (size_t left = (n - 1) / 64; left > 0; left--, p += 64) {
		for (unsigned i = 0; i < 4; i++) {
			data[i] = block_round(data[i], block_load(p + 16 * i));
			data[i] = block_round(data[i], data[i]);
		}
	}
	for (unsigned round = variant == AES_386_OLD ? 1 : 0; round < 3; round++) {
		for (unsigned i = 0; i < 4; i++)
			data[i] = block_round(data[i], data[i]);
	}
	return join_lanes(data, 4, variant);
}

/* arm64 from 129 bytes: the seeds are the state and the data the keys. */
INLINE uint64_t hash_long_arm64(const struct hash_state *state, const uint8_t *p, size_t n, block raw,
                                enum aes_variant variant)
{
	block lane[8], data[8];

	for (unsigned i = 0; i < 8; i++) {
		lane[i] = seed_of_lane(state, raw, i, variant);
		data[i] = block_load(p + n - 128 + 16 * i);
	}
	for (size_t left = (n - 1) / 128; left > 0; left--, p += 128) {
		for (unsigned i = 0; i < 8; i++) {
			lane[i] = arm64_round(lane[i], data[i]);
			data[i] = block_load(p + 16 * i);
			lane[i] = arm64_round(lane[i], data[i]);
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		lane[i] = arm64_round(lane[i], data[i]);
		lane[i] = arm64_round(lane[i], data[i]);
		lane[i] = block_last(block_xor(lane[i], data[i]));
	}
	return join_lanes(lane, 8, variant);
}

/* Above the short case, kept out of its way. `seed` has its full width. */
INLINE uint64_t hash_more(const struct hash_state *state, const uint8_t *p, size_t n, uint64_t seed,
                          enum aes_variant variant)
{
	block raw = raw_seed(n, seed, variant);

	if (n <= 32)
		return hash_lanes(state, p, n, raw, 2, variant);
	if (n <= 64)
		return hash_lanes(state, p, n, raw, 4, variant);
	if (variant_is_386(variant))
		return hash_long_386(state, p, n, raw, variant);
	if (n <= 128)
		return hash_lanes(state, p, n, raw, 8, variant);
	if (variant_is_arm64(variant))
		return hash_long_arm64(state, p, n, raw, variant);
	return hash_long_amd64(state, p, n, raw);
}

INLINE uint64_t hash_short(const struct hash_state *state, const uint8_t *p, size_t n, uint64_t seed,
                           enum aes_variant variant)
{
	block x = seed_of_lane(state, raw_seed(n, seed, variant), 0, variant);
	block data;

	if (n == 0)
		return result_of(variant_is_arm64(variant) ? x : block_round(x, x), variant);
	if (n == 16)
		data = block_load(p);
	else
		data = variant_is_arm64(variant) ? load_short_arm64(p, n) : load_short(p, n);
	return result_of(scramble(data, x, true, variant), variant);
}

/* amd64 and 386: one round with each of the first three keys. */
INLINE uint64_t three_keys(const struct hash_state *state, block x, enum aes_variant variant)
{
	for (unsigned i = 0; i < 3; i++)
		x = block_round(x, block_load(state->key_schedule + 16 * i));
	return result_of(x, variant);
}

/* arm64: three times the first key, the last time without MixColumns. */
INLINE uint64_t three_times(const struct hash_state *state, block x)
{
	block key = block_load(state->key_schedule);

	x = arm64_round(x, key);
	x = arm64_round(x, key);
	return block_low(block_last(block_xor(x, key)));
}

#define DEFINE_MEMORY(name, variant)                                                                     \
	static __attribute__((noinline)) uint64_t name##_more(const struct hash_state *state,           \
	                                                      const uint8_t *p, size_t n, uint64_t seed) \
	{                                                                                                \
		return hash_more(state, p, n, seed, variant);                                            \
	}                                                                                                \
	static uint64_t name(const struct hash_state *state, const void *p, size_t n, uint64_t seed)     \
	{                                                                                                \
		if (n > 16)                                                                              \
			return name##_more(state, p, n, seed);                                           \
		return hash_short(state, p, n, seed, variant);                                           \
	}

DEFINE_MEMORY(memory_amd64, AES_AMD64)
DEFINE_MEMORY(memory_386_old, AES_386_OLD)
DEFINE_MEMORY(memory_386, AES_386)
DEFINE_MEMORY(memory_arm64_old, AES_ARM64_OLD)
DEFINE_MEMORY(memory_arm64_mid, AES_ARM64_MID)
DEFINE_MEMORY(memory_arm64, AES_ARM64)

static uint64_t memory32_amd64(const struct hash_state *state, const void *p, uint64_t seed)
{
	return three_keys(state, block_of(seed, word32(p)), AES_AMD64);
}

static uint64_t memory64_amd64(const struct hash_state *state, const void *p, uint64_t seed)
{
	return three_keys(state, block_of(seed, word64(p)), AES_AMD64);
}

static uint64_t memory32_386(const struct hash_state *state, const void *p, uint64_t seed)
{
	return three_keys(state, block_of((uint32_t)seed | word32(p) << 32, 0), AES_386);
}

static uint64_t memory64_386(const struct hash_state *state, const void *p, uint64_t seed)
{
	return three_keys(state, block_of(word64(p), (uint32_t)seed), AES_386);
}

/* ... 1.26: VMOV R1, V0.S[0] and the key in V0.S[1], so that half of the seed is lost. */
static uint64_t memory32_arm64_old(const struct hash_state *state, const void *p, uint64_t seed)
{
	return three_times(state, block_of((uint32_t)seed | word32(p) << 32, 0));
}

/* 1.27: VMOV R1, V0.D[0] and the key in V0.S[2] (internal/runtime/maps/memhash_arm64.s). */
static uint64_t memory32_arm64(const struct hash_state *state, const void *p, uint64_t seed)
{
	return three_times(state, block_of(seed, word32(p)));
}

static uint64_t memory64_arm64(const struct hash_state *state, const void *p, uint64_t seed)
{
	return three_times(state, block_of(seed, word64(p)));
}

const struct hash_functions *VARIANTS(const struct hash_state *state)
{
	static const struct hash_functions amd64 = { memory_amd64, memory32_amd64, memory64_amd64 },
		i386_8 = { memory_386_old, memory32_386, memory64_386 },
		i386_18 = { memory_386, memory32_386, memory64_386 },
		arm64_11 = { memory_arm64_old, memory32_arm64_old, memory64_arm64 },
		arm64_14 = { memory_arm64_mid, memory32_arm64_old, memory64_arm64 },
		arm64_21 = { memory_arm64, memory32_arm64_old, memory64_arm64 },
		arm64_27 = { memory_arm64, memory32_arm64, memory64_arm64 };
	int minor = state->go_minor;

	switch (state->machine.elf_machine) {
	case EM_X86_64:
		return &amd64;
	case EM_386:
		return minor < 18 ? &i386_8 : &i386_18;
	case EM_AARCH64:
		if (minor < 11)
			return NULL;
		return minor < 14 ? &arm64_11 : minor < 21 ? &arm64_14 : minor < 27 ? &arm64_21 : &arm64_27;
	default:
		return NULL;
	}
}
