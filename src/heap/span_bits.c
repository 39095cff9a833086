/*
 * allocBits, gcmarkBits and freeindex of runtime/mheap.go: "If n >= freeindex and allocBits[n/8] & (1<<(n%8)) is 0 then object n is
 * free; otherwise, object n is allocated." What the next sweep will free is allocated in this sense: sweeping makes gcmarkBits the
 * new allocBits.
 */
#include <stdlib.h>
#include <string.h>

#include "heap/read_many.h"
#include "heap/spans_private.h"
#include "util/alloc.h"

/* Bits [first, first + count) are set. */
static void set_bits(uint64_t *bits, uint64_t first, uint64_t count)
{
	while (count != 0) {
		unsigned shift = first % 64;
		uint64_t some = 64 - shift < count ? 64 - shift : count;

		bits[first / 64] |= (some == 64 ? UINT64_MAX : (UINT64_C(1) << some) - 1) << shift;
		first += some;
		count -= some;
	}
}

static uint64_t load_bits(const uint8_t *bytes, size_t length)
{
	uint64_t word = 0;

	memcpy(&word, bytes, length < 8 ? length : 8);
	return le64toh(word);
}

/* The first `count` bits of `bytes` are added to those from `first` on. */
static void add_bits(uint64_t *bits, uint64_t first, const uint8_t *bytes, uint64_t count)
{
	for (uint64_t at = 0; at < count; at += 64) {
		uint64_t word = load_bits(bytes + at / 8, (count - at + 7) / 8), to = first + at;

		if (count - at < 64)
			word &= (UINT64_C(1) << (count - at)) - 1;
		bits[to / 64] |= word << to % 64;
		if (to % 64 != 0 && word >> (64 - to % 64) != 0)
			bits[to / 64 + 1] |= word >> (64 - to % 64);
	}
}

static void note_unreadable(struct heap_spans *spans, const struct heap_span *span, const char *what, uint64_t address)
{
	struct error *error = target_unreadable(spans->private->program->memory, taddr_of(address));

	heap_span_note(spans, span, error_wrap(error, "%s", what));
}

/* Where the bits cannot be read, slots behind freeindex count as free: nothing says that they are not. */
static void visit_allocated(void *context, const struct heap_read *read, const uint8_t *bytes, size_t got)
{
	struct heap_spans *spans = context;
	struct heap_spans_private *private = spans->private;
	const struct heap_span *span = &private->spans[read->index];
	uint64_t readable = got * 8 < span->count ? got * 8 : span->count;

	if (got < read->length)
		note_unreadable(spans, span, "its allocBits", read->address + got);
	add_bits(private->allocated, span->first, bytes, readable);
}

static void load_allocated(struct heap_spans *spans, struct heap_read *reads)
{
	struct heap_spans_private *private = spans->private;
	size_t count = 0;

	for (size_t i = 1; i <= private->count; i++) {
		const struct heap_span *span = &private->spans[i];
		const struct span_source *source = &private->sources[i - 1];

		set_bits(private->allocated, span->first, source->free_index);
		if (source->free_index < span->count)
			reads[count++] = (struct heap_read){ source->alloc_bits, (span->count + 7) / 8, (uint32_t)i };
	}
	heap_read_many(private->program->memory, reads, count, visit_allocated, spans);
}

/* --- what waits to be swept ------------------------------------------------------------------------------------- */

bool heap_has_inline_marks(const struct heap_spans_private *private, size_t i)
{
	const struct heap_layout *layout = &private->layout;

	/* gcUsesSpanInlineMarkBits() of runtime/mgcmark_greenteagc.go */
	return layout->inline_size != 0 && private->sources[i - 1].small && private->spans[i].elem_size >= 16 &&
	       private->spans[i].elem_size <= layout->header_above && private->sources[i - 1].size == layout->page_size;
}

static void visit_marks(void *context, const struct heap_read *read, const uint8_t *bytes, size_t got)
{
	struct heap_spans *spans = context;
	struct heap_spans_private *private = spans->private;
	const struct heap_span *span = &private->spans[read->index];
	uint64_t readable = got * 8 < span->count ? got * 8 : span->count;

	if (got < read->length)
		note_unreadable(spans, span, "its gcmarkBits", read->address + got);
	add_bits(private->survived, span->first, bytes, readable);
}

static bool any_bit(const uint64_t *bits, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		if (bits[i / 64] >> i % 64 & 1)
			return true;
	return false;
}

/*
 * A span that a thread was sweeping when it was stopped may have got its new, empty gcmarkBits already: no mark at all says
 * nothing then (mspan.sweep() of runtime/mgcsweep.go sets sweepgen last).
 */
static void combine(struct heap_spans_private *private)
{
	for (size_t i = 1; i <= private->count; i++) {
		const struct heap_span *span = &private->spans[i];

		if (span->swept || (private->sources[i - 1].being_swept && !any_bit(private->survived, span->first, span->count)))
			set_bits(private->survived, span->first, span->count);
	}
	for (uint64_t i = 0; i < private->slots / 64 + 1; i++)
		private->survived[i] &= private->allocated[i];
}

static void load_survived(struct heap_spans *spans, struct heap_read *reads)
{
	struct heap_spans_private *private = spans->private;
	const struct heap_layout *layout = &private->layout;
	size_t count = 0, inline_count = 0;

	for (size_t i = 1; i <= private->count; i++)
		if (!private->spans[i].swept)
			reads[count++] = (struct heap_read){ private->sources[i - 1].mark_bits, (private->spans[i].count + 7) / 8,
							     (uint32_t)i };
	heap_read_many(private->program->memory, reads, count, visit_marks, spans);
	for (size_t i = 1; i <= private->count; i++) {
		uint64_t end = private->spans[i].start + private->sources[i - 1].size;
		uint32_t length = (private->spans[i].count + 7) / 8;

		if (!private->spans[i].swept && heap_has_inline_marks(private, i) && length <= layout->inline_size - layout->inline_marks_at)
			reads[inline_count++] = (struct heap_read){ end - layout->inline_size + layout->inline_marks_at, length,
								    (uint32_t)i };
	}
	heap_read_many(private->program->memory, reads, inline_count, visit_marks, spans);
	combine(private);
}

static struct error *allocate_bits(uint64_t count, uint64_t **out)
{
	void *bytes;

	TRY(alloc_checked(count / 64 + 2, sizeof(**out), "which objects of the heap are allocated", &bytes));
	*out = bytes;
	return NULL;
}

struct error *heap_span_bits_load(struct heap_spans *spans)
{
	struct heap_spans_private *private = spans->private;
	bool all_swept = true;

	TRY(allocate_bits(private->slots, &private->allocated));
	for (size_t i = 1; i <= private->count; i++)
		all_swept &= private->spans[i].swept;
	if (!all_swept)
		TRY(allocate_bits(private->slots, &private->survived));

	struct heap_read *reads = xreallocarray(NULL, private->count, sizeof(*reads));

	load_allocated(spans, reads);
	if (all_swept)
		private->survived = private->allocated;
	else
		load_survived(spans, reads);
	free(reads);
	return NULL;
}
