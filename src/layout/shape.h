/* Go's rules of struct layout: cmd/compile/internal/types/size.go, CalcStructSize (<= 1.16: gc/align.go, widstruct). */
#ifndef LAYOUT_SHAPE_H
#define LAYOUT_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

/* A struct while its fields are added to it; all zeroes is one without any. Sizes are to stay far below 2^63. */
struct shape {
	uint64_t size;  /* bytes so far */
	uint64_t align; /* 0: no field yet, counts as 1 */
	bool ends_empty; /* the last field has no size */
};

static inline uint64_t shape_round(uint64_t value, uint64_t align)
{
	return align > 1 ? (value + align - 1) / align * align : value;
}

/* Adds a field; its offset. */
static inline uint64_t shape_add(struct shape *shape, uint64_t size, uint64_t align)
{
	uint64_t offset = shape_round(shape->size, align);

	shape->size = offset + size;
	shape->align = align > shape->align ? align : shape->align;
	shape->ends_empty = size == 0;
	return offset;
}

/* The size of the whole: a pointer to an empty last field is not to point behind the struct, so that one takes a byte. */
static inline uint64_t shape_end(const struct shape *shape)
{
	return shape_round(shape->size + (shape->ends_empty && shape->size > 0), shape->align);
}

/* Numbers of 8 bytes are aligned to a word on all machines: uint64 and float64 to 4 on 386, arm and mips. */
static inline uint64_t shape_number_align(uint64_t size, unsigned word_size)
{
	return size > word_size ? word_size : size;
}

#endif
