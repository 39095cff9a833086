/* AES rounds by the instructions of x86; everything here runs only where hash_aes_native_usable(). */
#include "map/hash_aes.h"

#include <elf.h>
#include <endian.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>

/* Two bit tests of what the compiler's start-up code found out. */
bool hash_aes_native_usable(void)
{
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
}

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("aes,sse4.1"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("aes,sse4.1")
#endif

typedef __m128i block;

static inline block block_of(uint64_t low, uint64_t high)
{
	return _mm_set_epi64x((long long)high, (long long)low);
}

static inline uint64_t block_low(block x)
{
	uint64_t low;

	_mm_storel_epi64((__m128i *)&low, x); /* i386 has no _mm_cvtsi128_si64() */
	return low;
}

static inline block block_load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline block block_xor(block x, block y)
{
	return _mm_xor_si128(x, y);
}

static inline block block_last(block x)
{
	return _mm_aesenclast_si128(x, _mm_setzero_si128());
}

static inline block block_round(block x, block key)
{
	return _mm_aesenc_si128(x, key);
}

#define VARIANTS hash_aes_native
#include "map/hash_aes_variants.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

bool hash_aes_native_usable(void)
{
	return false;
}

const struct hash_functions *hash_aes_native(const struct hash_state *state)
{
	return hash_aes_portable(state);
}

#endif
