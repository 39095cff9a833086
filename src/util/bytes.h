/* Integers in bytes, untrusted ones too, in the byte order and word size of the machine they belong to. */
#ifndef UTIL_BYTES_H
#define UTIL_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What the decoders need to know of a machine. */
struct machine {
	uint16_t elf_machine; /* e_machine: EM_X86_64, ... */
	uint8_t word_size;    /* bytes in a pointer: 4 or 8 */
	bool big_endian;
};

/* An address in the target, kept apart from host pointers and lengths. */
typedef struct {
	uint64_t v;
} taddr;

static inline taddr taddr_of(uint64_t value)
{
	return (taddr){ value };
}

/* Wraps around as the target's arithmetic does; whoever reads there learns whether it is mapped. */
static inline taddr taddr_add(taddr address, uint64_t bytes)
{
	return (taddr){ address.v + bytes };
}

static inline uint16_t load_u16(const struct machine *m, const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return m->big_endian ? be16toh(v) : le16toh(v);
}

static inline uint32_t load_u32(const struct machine *m, const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return m->big_endian ? be32toh(v) : le32toh(v);
}

static inline uint64_t load_u64(const struct machine *m, const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return m->big_endian ? be64toh(v) : le64toh(v);
}

static inline uint64_t load_word(const struct machine *m, const void *p)
{
	return m->word_size == 8 ? load_u64(m, p) : load_u32(m, p);
}

static inline taddr load_address(const struct machine *m, const void *p)
{
	return taddr_of(load_word(m, p));
}

/* An unsigned integer of `size` bytes: 1, 2, 4 or 8; any other size gives 0. */
static inline uint64_t load_uint(const struct machine *m, const void *p, size_t size)
{
	switch (size) {
	case 1: return *(const uint8_t *)p;
	case 2: return load_u16(m, p);
	case 4: return load_u32(m, p);
	case 8: return load_u64(m, p);
	default: return 0;
	}
}

/* Stores the low `size` bytes of a value: 1, 2, 4 or 8; any other size stores nothing. */
static inline void store_uint(const struct machine *m, void *p, size_t size, uint64_t value)
{
	uint16_t v16 = m->big_endian ? htobe16((uint16_t)value) : htole16((uint16_t)value);
	uint32_t v32 = m->big_endian ? htobe32((uint32_t)value) : htole32((uint32_t)value);
	uint64_t v64 = m->big_endian ? htobe64(value) : htole64(value);

	switch (size) {
	case 1: *(uint8_t *)p = (uint8_t)value; break;
	case 2: memcpy(p, &v16, sizeof(v16)); break;
	case 4: memcpy(p, &v32, sizeof(v32)); break;
	case 8: memcpy(p, &v64, sizeof(v64)); break;
	default: break;
	}
}

static inline void store_word(const struct machine *m, void *p, uint64_t value)
{
	store_uint(m, p, m->word_size, value);
}

/* A two's complement integer of `size` bytes, sign-extended. */
static inline int64_t load_int(const struct machine *m, const void *p, size_t size)
{
	switch (size) {
	case 1: return *(const int8_t *)p;
	case 2: return (int16_t)load_u16(m, p);
	case 4: return (int32_t)load_u32(m, p);
	default: return (int64_t)load_uint(m, p, size);
	}
}

#endif
