/*
 * Which words of one object hold pointers: from its span's bitmap, or (Go >= 1.22, larger than 512 bytes) by the type that the
 * malloc header or the span names, as typePointersOfUnchecked() and typePointers.next() of runtime/mbitmap.go go through it.
 */
#include <string.h>

#include "heap/spans_private.h"
#include "heap/type_mask.h"

static bool set_all(uint64_t *mask, size_t count)
{
	memset(mask, 0xff, (count + 63) / 64 * sizeof(*mask));
	if (count % 64 != 0)
		mask[count / 64] = (UINT64_C(1) << count % 64) - 1;
	return false;
}

/* Bits [from, from + count) of a bitmap that has a guard word. */
static void copy_bits(const uint64_t *bits, uint64_t from, size_t count, uint64_t *out)
{
	unsigned shift = from % 64;

	bits += from / 64;
	for (size_t i = 0; i * 64 < count; i++)
		out[i] = shift ? bits[i] >> shift | bits[i + 1] << (64 - shift) : bits[i];
	if (count % 64 != 0)
		out[count / 64] &= (UINT64_C(1) << count % 64) - 1;
}

/* The object is an array of the type: the slot's tail behind the last whole value is zero, or a part of one more. */
static bool from_type(struct heap_spans *spans, const struct heap_span *span, taddr descriptor, uint64_t first, size_t count,
		      uint64_t *mask)
{
	struct heap_spans_private *private = spans->private;
	unsigned word = private->program->machine.word_size;
	uint64_t header = span->header / word, skip = first < header ? header - first : 0;
	const struct type_mask *type;

	memset(mask, 0, (count + 63) / 64 * sizeof(*mask));
	/* "Allow a nil type here for delayed zeroing": the object is being made and has no pointers yet */
	if (descriptor.v == 0 || skip >= count)
		return true;
	type = type_mask_find(private->masks, descriptor, span->elem_size - span->header);
	if (type->unreadable != NULL) {
		heap_span_note(spans, span, error_new(ERROR_MEMORY, "the mask of a type: %s", type->unreadable));
		return set_all(mask, count);
	}
	type_mask_repeat(type, first + skip - header, count - skip, mask, skip);
	return true;
}

static taddr descriptor_of(const struct heap_spans *spans, const struct heap_span *span, const uint8_t *bytes)
{
	return span->header ? load_address(&spans->private->program->machine, bytes) : span->large_type;
}

bool heap_pointer_mask_part(struct heap_spans *spans, const struct heap_span *span, uint32_t index, const uint8_t *bytes,
			    uint64_t first, size_t count, uint64_t *mask)
{
	const struct heap_spans_private *private = spans->private;
	uint64_t words = span->elem_size / private->program->machine.word_size;

	if (!span->scannable || first >= words || count > words - first) {
		memset(mask, 0, (count + 63) / 64 * sizeof(*mask));
		count = span->scannable && first < words ? words - first : 0;
	}
	if (count == 0)
		return true;
	if (span->pointers != HEAP_NO_BITMAP) {
		copy_bits(private->bitmap + span->pointers, index * words + first, count, mask);
		return true;
	}
	if (private->layout.bitmap != HEAP_BITMAP_SPAN || span->elem_size <= private->layout.header_above)
		return set_all(mask, count); /* what was noted when it could not be read */
	return from_type(spans, span, descriptor_of(spans, span, bytes), first, count, mask);
}

bool heap_pointer_mask(struct heap_spans *spans, const struct heap_span *span, uint32_t index, const uint8_t *bytes, size_t length,
		       uint64_t *mask)
{
	return heap_pointer_mask_part(spans, span, index, bytes, 0, length / spans->private->program->machine.word_size, mask);
}

bool heap_mask_is_of(struct heap_spans *spans, taddr descriptor, const uint64_t *mask, size_t words)
{
	enum { MOST_WORDS = 1 << 10 };
	unsigned word = spans->private->program->machine.word_size;
	const struct type_mask *type = type_mask_find(spans->private->masks, descriptor, words * word);
	uint64_t of_type[MOST_WORDS / 64] = { 0 };

	if (type->unreadable != NULL || words > MOST_WORDS || type->size > words * word)
		return false;
	if (type->pattern != NULL)
		type_mask_repeat(type, 0, type->size / word, of_type, 0);
	for (size_t i = 0; i < words; i++)
		if ((mask[i / 64] ^ of_type[i / 64]) >> i % 64 & 1)
			return false;
	return true;
}

bool heap_part_may_be(struct heap_spans *spans, const struct heap_span *span, uint32_t index, const uint8_t *bytes, uint64_t offset,
		      taddr descriptor)
{
	enum { WORDS = 64 };
	unsigned word = spans->private->program->machine.word_size;
	const struct type_mask *type = type_mask_find(spans->private->masks, descriptor, span->elem_size);
	uint64_t of_type = 0, there = 0;
	size_t words;

	if (type->unreadable != NULL)
		return true;
	if (offset % word != 0 || type->size < word) /* what is smaller than a word is no pointer */
		return type->pattern == NULL;
	words = type->size / word < WORDS ? (size_t)(type->size / word) : WORDS;
	if (type->pattern != NULL)
		type_mask_repeat(type, 0, words, &of_type, 0);
	heap_pointer_mask_part(spans, span, index, bytes, offset / word, words, &there);
	return there == of_type;
}

/* A user arena's type lies in its span (runtime/arena.go), the bitmap of a program is a type only by its first fields. */
taddr heap_slot_descriptor(const struct heap_spans *spans, const struct heap_span *span, const uint8_t *bytes)
{
	const struct heap_spans_private *private = spans->private;
	taddr descriptor = descriptor_of(spans, span, bytes);

	if (span->flags & HEAP_SPAN_USER_ARENA)
		return taddr_of(0);
	if (span->header != 0 || descriptor.v == 0 || private->layout.unrolled_mask == 0)
		return descriptor;

	const struct type_mask *type = type_mask_find(private->masks, descriptor, span->elem_size);

	return type->unreadable == NULL && type->describes ? descriptor : taddr_of(0);
}
