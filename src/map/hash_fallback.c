/*
 * The hashes of machines without AES: memhashFallback, memhash32Fallback and memhash64Fallback.
 * Go's sources: runtime/hash64.go and runtime/hash32.go; 1.27 internal/runtime/maps/runtime_hash{64,32}.go.
 *
 *     64 bits   1.8 ... 1.16, after xxhash; 1.17 ... 1.22, after wyhash, one word of hashkey;
 *               1.23 ..., all four words of it
 *     32 bits   1.8 ... 1.16; 1.17 ...
 *
 * Byte order: readUnaligned32 and readUnaligned64 read as the machine does, except in 1.8 ... 1.12 on mips*, whose
 * bytes were read little-endian on all of them (runtime/unaligned2.go; from 1.13 runtime/alg.go asks sys.BigEndian).
 */
#include "map/hash_fallback.h"

#include <elf.h>

/* Inlined with a constant flavour, so that each loop is compiled for its own. */
#define INLINE static inline __attribute__((always_inline))

struct flavour {
	bool big_endian; /* how the bytes are read */
	bool all_words;  /* 64 bits: keys are the four words of hashkey */
	bool as_one;     /* 32 bits: an 8-byte key is one integer */
};

INLINE uint32_t read4(const uint8_t *p, struct flavour f)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return f.big_endian ? be32toh(v) : le32toh(v);
}

INLINE uint64_t read8(const uint8_t *p, struct flavour f)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return f.big_endian ? be64toh(v) : le64toh(v);
}

/* 1 ... 3 bytes, the same in all of them. */
INLINE uint32_t read_up_to_3(const uint8_t *p, size_t n)
{
	return p[0] | (uint32_t)p[n >> 1] << 8 | (uint32_t)p[n - 1] << 16;
}

/* 64 bits, 1.8 ... 1.16 (1.16 runtime/hash64.go). */

static const uint64_t xx64_m1 = UINT64_C(16877499708836156737), xx64_m2 = UINT64_C(2820277070424839065),
		      xx64_m3 = UINT64_C(9497967016996688599), xx64_m4 = UINT64_C(15839092249703872147);

INLINE uint64_t xx64_turn(uint64_t h, uint64_t v, uint64_t before, uint64_t after)
{
	h = (h ^ v) * before;
	return (h << 31 | h >> 33) * after;
}

INLINE uint64_t xx64_finish(uint64_t h)
{
	h ^= h >> 29;
	h *= xx64_m3;
	return h ^ h >> 32;
}

/* Two 4-byte reads, the first one low whatever the byte order: what Go does for 8 bytes. */
INLINE uint64_t xx64_pair(const uint8_t *first, const uint8_t *second, struct flavour f)
{
	return read4(first, f) | (uint64_t)read4(second, f) << 32;
}

INLINE uint64_t xx64_tail(uint64_t h, const uint8_t *p, size_t n, struct flavour f)
{
	if (n == 0)
		return h;
	if (n < 4)
		return xx64_turn(h, read_up_to_3(p, n), xx64_m1, xx64_m2);
	if (n <= 8)
		return xx64_turn(h, xx64_pair(p, p + n - 4, f), xx64_m1, xx64_m2);
	h = xx64_turn(h, read8(p, f), xx64_m1, xx64_m2);
	if (n > 16) {
		h = xx64_turn(h, read8(p + 8, f), xx64_m1, xx64_m2);
		h = xx64_turn(h, read8(p + n - 16, f), xx64_m1, xx64_m2);
	}
	return xx64_turn(h, read8(p + n - 8, f), xx64_m1, xx64_m2);
}

INLINE uint64_t xx64_memory(const struct hash_state *state, const uint8_t *p, size_t n, uint64_t seed,
                            struct flavour f)
{
	const uint64_t *key = state->hash_key;
	uint64_t h = seed + n * key[0];

	if (n > 32) {
		uint64_t h2 = seed * key[1], h3 = seed * key[2], h4 = seed * key[3];

		for (; n >= 32; n -= 32, p += 32) {
			h = xx64_turn(h, read8(p, f), xx64_m1, xx64_m2);
			h2 = xx64_turn(h2, read8(p + 8, f), xx64_m2, xx64_m3);
			h3 = xx64_turn(h3, read8(p + 16, f), xx64_m3, xx64_m4);
			h4 = xx64_turn(h4, read8(p + 24, f), xx64_m4, xx64_m1);
		}
		h ^= h2 ^ h3 ^ h4;
	}
	return xx64_finish(xx64_tail(h, p, n, f));
}

INLINE uint64_t xx64_memory32(const struct hash_state *state, const uint8_t *p, uint64_t seed, struct flavour f)
{
	uint64_t h = seed + 4 * state->hash_key[0];

	return xx64_finish(xx64_turn(h, xx64_pair(p, p, f), xx64_m1, xx64_m2));
}

INLINE uint64_t xx64_memory64(const struct hash_state *state, const uint8_t *p, uint64_t seed, struct flavour f)
{
	uint64_t h = seed + 8 * state->hash_key[0];

	return xx64_finish(xx64_turn(h, xx64_pair(p, p + 4, f), xx64_m1, xx64_m2));
}

/* 64 bits, 1.17 ... (1.22 and 1.23 runtime/hash64.go). */

static const uint64_t wy64_m5 = UINT64_C(0x1d8e4e27c47d124f);

struct wy64_keys {
	uint64_t k[4];
};

/* 1.17 ... 1.22: m1 ... m4 are constants, and hashkey[0] joins the seed. From 1.23 they are hashkey. */
INLINE struct wy64_keys wy64_keys(const struct hash_state *state, struct flavour f)
{
	const uint64_t *key = state->hash_key;

	if (f.all_words)
		return (struct wy64_keys){ { key[0], key[1], key[2], key[3] } };
	return (struct wy64_keys){ { key[0] ^ UINT64_C(0xa0761d6478bd642f), UINT64_C(0xe7037ed1a0b428db),
				     UINT64_C(0x8ebc6af09c88c6e3), UINT64_C(0x589965cc75374cc3) } };
}

/* Both halves of the product of 128 bits, xored. */
INLINE uint64_t wy64_mix(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)(product >> 64) ^ (uint64_t)product;
#else
	uint64_t a_low = (uint32_t)a, a_high = a >> 32, b_low = (uint32_t)b, b_high = b >> 32;
	uint64_t cross = a_high * b_low + (a_low * b_low >> 32);
	uint64_t middle = a_low * b_high + (uint32_t)cross;

	return (a_high * b_high + (cross >> 32) + (middle >> 32)) ^ a * b;
#endif
}

/* More than 16 bytes, up to where at most 16 are left to read at the end. */
INLINE uint64_t wy64_body(const struct wy64_keys *keys, const uint8_t **at, size_t n, uint64_t seed,
                          struct flavour f)
{
	const uint8_t *p = *at;

	if (n > 48) {
		uint64_t seed1 = seed, seed2 = seed;

		for (; n > 48; n -= 48, p += 48) {
			seed = wy64_mix(read8(p, f) ^ keys->k[1], read8(p + 8, f) ^ seed);
			seed1 = wy64_mix(read8(p + 16, f) ^ keys->k[2], read8(p + 24, f) ^ seed1);
			seed2 = wy64_mix(read8(p + 32, f) ^ keys->k[3], read8(p + 40, f) ^ seed2);
		}
		seed ^= seed1 ^ seed2;
	}
	for (; n > 16; n -= 16, p += 16)
		seed = wy64_mix(read8(p, f) ^ keys->k[1], read8(p + 8, f) ^ seed);
	*at = p + n;
	return seed;
}

INLINE uint64_t wy64_memory(const struct hash_state *state, const uint8_t *p, size_t n, uint64_t seed,
                            struct flavour f)
{
	struct wy64_keys keys = wy64_keys(state, f);
	uint64_t a, b = 0;

	seed ^= keys.k[0];
	if (n == 0)
		return seed;
	if (n < 4) {
		a = read_up_to_3(p, n);
	} else if (n < 8) {
		a = read4(p, f);
		b = read4(p + n - 4, f);
	} else if (n <= 16) {
		a = read8(p, f);
		b = read8(p + n - 8, f);
	} else {
		const uint8_t *end = p;

		seed = wy64_body(&keys, &end, n, seed, f);
		a = read8(end - 16, f);
		b = read8(end - 8, f);
	}
	return wy64_mix(wy64_m5 ^ n, wy64_mix(a ^ keys.k[1], b ^ seed));
}

INLINE uint64_t wy64_fixed(const struct hash_state *state, uint64_t a, uint64_t n, uint64_t seed, struct flavour f)
{
	struct wy64_keys keys = wy64_keys(state, f);

	return wy64_mix(wy64_m5 ^ n, wy64_mix(a ^ keys.k[1], a ^ seed ^ keys.k[0]));
}

INLINE uint64_t wy64_memory32(const struct hash_state *state, const uint8_t *p, uint64_t seed, struct flavour f)
{
	return wy64_fixed(state, read4(p, f), 4, seed, f);
}

INLINE uint64_t wy64_memory64(const struct hash_state *state, const uint8_t *p, uint64_t seed, struct flavour f)
{
	return wy64_fixed(state, read8(p, f), 8, seed, f);
}

/* 32 bits, 1.8 ... 1.16 (1.16 runtime/hash32.go). */

static const uint32_t xx32_m1 = 3168982561, xx32_m2 = 3339683297, xx32_m3 = 832293441, xx32_m4 = 2336365089;

INLINE uint32_t xx32_turn(uint32_t h, uint32_t v, uint32_t before, uint32_t after)
{
	h = (h ^ v) * before;
	return (h << 15 | h >> 17) * after;
}

INLINE uint32_t xx32_finish(uint32_t h)
{
	h ^= h >> 17;
	h *= xx32_m3;
	h ^= h >> 13;
	h *= xx32_m4;
	return h ^ h >> 16;
}

INLINE uint32_t xx32_tail(uint32_t h, const uint8_t *p, size_t n, struct flavour f)
{
	if (n == 0)
		return h;
	if (n < 4)
		return xx32_turn(h, read_up_to_3(p, n), xx32_m1, xx32_m2);
	h = xx32_turn(h, read4(p, f), xx32_m1, xx32_m2);
	if (n == 4)
		return h;
	if (n > 8) {
		h = xx32_turn(h, read4(p + 4, f), xx32_m1, xx32_m2);
		h = xx32_turn(h, read4(p + n - 8, f), xx32_m1, xx32_m2);
	}
	return xx32_turn(h, read4(p + n - 4, f), xx32_m1, xx32_m2);
}

INLINE uint64_t xx32_memory(const struct hash_state *state, const uint8_t *p, size_t n, uint64_t seed,
                            struct flavour f)
{
	const uint64_t *key = state->hash_key;
	uint32_t h = (uint32_t)(seed + n * key[0]);

	if (n > 16) {
		uint32_t h2 = (uint32_t)(seed * key[1]), h3 = (uint32_t)(seed * key[2]),
			 h4 = (uint32_t)(seed * key[3]);

		for (; n >= 16; n -= 16, p += 16) {
			h = xx32_turn(h, read4(p, f), xx32_m1, xx32_m2);
			h2 = xx32_turn(h2, read4(p + 4, f), xx32_m2, xx32_m3);
			h3 = xx32_turn(h3, read4(p + 8, f), xx32_m3, xx32_m4);
			h4 = xx32_turn(h4, read4(p + 12, f), xx32_m4, xx32_m1);
		}
		h ^= h2 ^ h3 ^ h4;
	}
	return xx32_finish(xx32_tail(h, p, n, f));
}

INLINE uint64_t xx32_memory32(const struct hash_state *state, const uint8_t *p, uint64_t seed, struct flavour f)
{
	return xx32_memory(state, p, 4, seed, f);
}

INLINE uint64_t xx32_memory64(const struct hash_state *state, const uint8_t *p, uint64_t seed, struct flavour f)
{
	return xx32_memory(state, p, 8, seed, f);
}

/* 32 bits, 1.17 ... (1.26 runtime/hash32.go); hashkey[3] is not used. */

struct wy32_pair {
	uint32_t a, b;
};

INLINE struct wy32_pair wy32_mix(const struct hash_state *state, struct wy32_pair x)
{
	uint64_t product = (uint64_t)(x.a ^ (uint32_t)state->hash_key[1]) * (x.b ^ (uint32_t)state->hash_key[2]);

	return (struct wy32_pair){ (uint32_t)product, (uint32_t)(product >> 32) };
}

INLINE struct wy32_pair wy32_start(const struct hash_state *state, size_t n, uint64_t seed)
{
	struct wy32_pair x = { (uint32_t)seed, (uint32_t)(n ^ state->hash_key[0]) };

	return wy32_mix(state, x);
}

INLINE uint64_t wy32_finish(const struct hash_state *state, struct wy32_pair x)
{
	x = wy32_mix(state, wy32_mix(state, x));
	return x.a ^ x.b;
}

INLINE uint64_t wy32_memory(const struct hash_state *state, const uint8_t *p, size_t n, uint64_t seed,
                            struct flavour f)
{
	struct wy32_pair x = wy32_start(state, n, seed);

	if (n == 0)
		return x.a ^ x.b;
	for (; n > 8; n -= 8, p += 8) {
		x.a ^= read4(p, f);
		x.b ^= read4(p + 4, f);
		x = wy32_mix(state, x);
	}
	if (n >= 4) {
		x.a ^= read4(p, f);
		x.b ^= read4(p + n - 4, f);
	} else {
		x.b ^= read_up_to_3(p, n);
	}
	return wy32_finish(state, x);
}

INLINE uint64_t wy32_memory32(const struct hash_state *state, const uint8_t *p, uint64_t seed, struct flavour f)
{
	struct wy32_pair x = wy32_start(state, 4, seed);

	x.a ^= read4(p, f);
	x.b ^= read4(p, f);
	return wy32_finish(state, x);
}

/* as_one: 1.27 passes the key as one uint64, so that a big-endian machine swaps its halves. */
INLINE uint64_t wy32_memory64(const struct hash_state *state, const uint8_t *p, uint64_t seed, struct flavour f)
{
	struct wy32_pair x = wy32_start(state, 8, seed);
	bool swapped = f.as_one && f.big_endian;

	x.a ^= read4(swapped ? p + 4 : p, f);
	x.b ^= read4(swapped ? p : p + 4, f);
	return wy32_finish(state, x);
}

/* One set of functions for each byte order. */

#define DEFINE_FOR(name, family, ...)                                                                               \
	static uint64_t name##_memory(const struct hash_state *state, const void *p, size_t n, uint64_t seed)       \
	{                                                                                                           \
		return family##_memory(state, p, n, seed, (struct flavour){ __VA_ARGS__ });                         \
	}                                                                                                           \
	static uint64_t name##_memory32(const struct hash_state *state, const void *p, uint64_t seed)               \
	{                                                                                                           \
		return family##_memory32(state, p, seed, (struct flavour){ __VA_ARGS__ });                          \
	}                                                                                                           \
	static uint64_t name##_memory64(const struct hash_state *state, const void *p, uint64_t seed)               \
	{                                                                                                           \
		return family##_memory64(state, p, seed, (struct flavour){ __VA_ARGS__ });                          \
	}

#define DEFINE(name, family, ...)                                                                 \
	DEFINE_FOR(name##_little, family, .big_endian = false, __VA_ARGS__)                       \
	DEFINE_FOR(name##_big, family, .big_endian = true, __VA_ARGS__)                           \
	static const struct hash_functions name[] = {                                             \
		{ name##_little_memory, name##_little_memory32, name##_little_memory64 },         \
		{ name##_big_memory, name##_big_memory32, name##_big_memory64 },                  \
	};

DEFINE(hash64_8, xx64, .all_words = false)
DEFINE(hash64_17, wy64, .all_words = false)
DEFINE(hash64_23, wy64, .all_words = true)
DEFINE(hash32_8, xx32, .as_one = false)
DEFINE(hash32_17, wy32, .as_one = false)
DEFINE(hash32_27, wy32, .as_one = true)

/* The index in such an array. */
static unsigned byte_order(const struct hash_state *state)
{
	if (state->machine.elf_machine == EM_MIPS && state->go_minor <= 12)
		return 0;
	return state->machine.big_endian;
}

const struct hash_functions *hash_fallback(const struct hash_state *state)
{
	unsigned order = byte_order(state);
	int minor = state->go_minor;

	if (state->machine.word_size == 8) {
		if (minor < 17)
			return &hash64_8[order];
		return minor < 23 ? &hash64_17[order] : &hash64_23[order];
	}
	if (minor < 17)
		return &hash32_8[order];
	return minor < 27 ? &hash32_17[order] : &hash32_27[order];
}
