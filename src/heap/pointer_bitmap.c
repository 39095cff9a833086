/*
 * The collector's bitmaps of all spans, made one bit a word whatever the version has, a span's bits from its first slot on.
 */
#include <stdlib.h>
#include <string.h>

#include "heap/read_many.h"
#include "heap/spans_private.h"
#include "util/alloc.h"

/* Words of the slots of a span, in words of 64 bits. */
static uint64_t bitmap_words(const struct heap_spans_private *private, const struct heap_span *span)
{
	return ((span->end - span->start) / private->program->machine.word_size + 63) / 64;
}

/* Go >= 1.22 has bitmaps of small objects only: heapBitsInSpan() of runtime/mbitmap.go. */
static bool has_bitmap(const struct heap_spans_private *private, size_t i)
{
	const struct heap_span *span = &private->spans[i];

	if (private->layout.bitmap == HEAP_BITMAP_SPAN)
		return span->scannable && private->sources[i - 1].small && span->elem_size <= private->layout.header_above;
	return span->scannable;
}

/* Where each bitmap goes, and how many words they are all together. */
static struct error *reserve(struct heap_spans_private *private)
{
	uint64_t words = 0;
	void *bitmap;

	for (size_t i = 1; i <= private->count; i++) {
		if (!has_bitmap(private, i))
			continue;
		private->spans[i].pointers = (uint32_t)words;
		words += bitmap_words(private, &private->spans[i]);
		if (words >= HEAP_NO_BITMAP)
			return error_new(ERROR_MEMORY, "the heap's pointer bitmaps: more than 32 GB");
	}
	TRY(alloc_checked(words + 1, sizeof(*private->bitmap), "the heap's pointer bitmaps", &bitmap));
	private->bitmap = bitmap;
	return NULL;
}

/* --- Go >= 1.22 ------------------------------------------------------------------------------------------------ */

/* Words of the target, one bit a word of the span: in the order of bits of a little-endian machine they are bytes. */
static void visit_words(void *context, const struct heap_read *read, const uint8_t *bytes, size_t got)
{
	struct heap_spans *spans = context;
	struct heap_spans_private *private = spans->private;
	const struct machine *machine = &private->program->machine;
	struct heap_span *span = &private->spans[read->index];
	uint64_t *to = private->bitmap + span->pointers;

	if (got < read->length) {
		taddr at = taddr_of(read->address + got);

		span->pointers = HEAP_NO_BITMAP;
		heap_span_note(spans, span, error_wrap(target_unreadable(private->program->memory, at), "its pointer bitmap"));
		return;
	}
	if (!machine->big_endian && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
		memcpy(to, bytes, got);
		return;
	}
	for (size_t i = 0; i < got / machine->word_size; i++) {
		unsigned bit = i * machine->word_size * 8 % 64;

		to[i * machine->word_size / 8] |= load_word(machine, bytes + i * machine->word_size) << bit;
	}
}

/* spanHeapBitsRange() of runtime/mbitmap.go (heapBitsSlice() in 1.22 ... 1.25). */
static void load_from_spans(struct heap_spans *spans, struct heap_read *reads)
{
	struct heap_spans_private *private = spans->private;
	unsigned word = private->program->machine.word_size;
	size_t count = 0;

	for (size_t i = 1; i <= private->count; i++) {
		const struct heap_span *span = &private->spans[i];
		uint64_t size = private->sources[i - 1].size, start = span->start + size - size / word / 8;
		uint32_t length = (uint32_t)((span->end - span->start) / word + 7) / 8;

		if (span->pointers == HEAP_NO_BITMAP)
			continue;
		if (heap_has_inline_marks(private, i))
			start -= private->layout.inline_size;
		length = (length + word - 1) / word * word;
		reads[count++] = (struct heap_read){ start, length, (uint32_t)i };
	}
	heap_read_many(private->program->memory, reads, count, visit_words, spans);
}

struct error *heap_pointer_bitmap_load(struct heap_spans *spans)
{
	struct heap_spans_private *private = spans->private;

	if (private->layout.bitmap != HEAP_BITMAP_SPAN)
		return error_new(ERROR_TARGET, "pointer bitmaps of Go <= 1.21 are not known");
	TRY(reserve(private));

	struct heap_read *reads = xreallocarray(NULL, private->count, sizeof(*reads));

	load_from_spans(spans, reads);
	free(reads);
	return NULL;
}
