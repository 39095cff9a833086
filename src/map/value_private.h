/* Between the files that walk values only. */
#ifndef MAP_VALUE_PRIVATE_H
#define MAP_VALUE_PRIVATE_H

#include "map/value.h"

/* Interfaces in slices in structs ...: deeper than this is a cycle. */
enum { NESTING_LIMIT = 100 };
/* User addresses have no more bits: no string and no slice is longer. */
#define LENGTH_LIMIT (UINT64_C(1) << 48)
/* A map inside a value that is found to be so unsound is left alone, as is all that is nested once so many values are not readable. */
enum { INNER_FINDINGS_LIMIT = 100, UNREADABLE_LIMIT = 10000 };
/* Empty units of large maps inside values that are looked through in all. */
enum { FRUITLESS_LIMIT = 1 << 22, LARGE_BATCH = 64 };

static inline uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Bytes in place, or read into memory that the caller frees. */
struct loan {
	const uint8_t *bytes;
	void *owned;
};

struct error *value_borrow(struct program *program, taddr address, uint64_t length, struct loan *out) MUST_CHECK;

/* A slice's or string's header. */
struct slice_header {
	taddr data;
	uint64_t length;
};

static inline struct slice_header load_slice(const struct program *program, const uint8_t *bytes)
{
	const struct machine *machine = &program->machine;

	return (struct slice_header){ load_address(machine, bytes), load_word(machine, bytes + machine->word_size) };
}

/* A slice's length is not above its capacity, the word behind it. */
static inline bool slice_is_sound(const struct program *program, const uint8_t *bytes, const struct slice_header *header)
{
	uint64_t capacity = load_word(&program->machine, bytes + 2 * program->machine.word_size);

	return header->length <= capacity && capacity < LENGTH_LIMIT;
}

/* Whether a map inside a value is looked at further: a batch of it was. */
static inline bool is_worth_it(const struct findings *findings, const struct map_batch *batch, uint64_t *fruitless)
{
	for (size_t i = 0; batch->count > LARGE_BATCH && i < batch->count; i++)
		*fruitless += batch->units[i].live == 0;
	return batch->count != 0 && findings->total < INNER_FINDINGS_LIMIT && *fruitless < FRUITLESS_LIMIT;
}

#endif
