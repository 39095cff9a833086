/*
 * mheap.allspans has all mspans of all versions, dead and free ones too: runtime/mheap.go. They are read in the order of their
 * own addresses, in which they lie in rows, and kept in that of the memory that they are of.
 */
#include "heap/spans.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap/read_many.h"
#include "heap/spans_private.h"
#include "heap/type_mask.h"
#include "util/alloc.h"
#include "util/limits.h"

/* mspan.state, the same from 1.8 (_MSpanDead, ...) to 1.27; 3 was a free span up to 1.13. */
enum span_state { SPAN_DEAD, SPAN_IN_USE, SPAN_MANUAL, SPAN_FREE };

enum {
	POINTERS_AT_ONCE = 1 << 16,
	SLOTS_OF_A_SPAN = 8192,     /* 1024 is the most that runtime/sizeclasses.go has: of 8 bytes */
	SMALLEST_SLOT = 8,
	HEADER_LIMIT = 64,          /* bytes of a malloc header; it has 8 */
};

/* No address of a heap has more bits: heapAddrBits of runtime/malloc.go. */
#define ADDRESS_LIMIT (UINT64_C(1) << 48)

/* So many that their numbers fit 32 bits; a heap of 100 GB has 12 million. */
#define SPAN_LIMIT (UINT64_C(1) << 31)

struct raw_span {
	struct heap_span span;
	struct span_source source;
};

/* While the mspans are read. */
struct loader {
	struct heap_spans *spans;
	uint64_t sweepgen;
	struct raw_span *raw;
	size_t count, capacity;
};

void heap_span_note(struct heap_spans *spans, const struct heap_span *span, struct error *error)
{
	struct heap_span *noted = &spans->private->spans[span - spans->private->spans];

	if (noted->flags & HEAP_SPAN_NOTED) {
		error_free(error);
		return;
	}
	noted->flags |= HEAP_SPAN_NOTED;
	findings_add_error(spans->private->findings, taddr_of(span->start), error, "a span of the heap");
}

static uint64_t field(const struct heap_spans *spans, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&spans->private->program->machine, bytes + at.offset, at.size);
}

/* --- one mspan ----------------------------------------------------------------------------------------------- */

/* Of what is written down as sizes; NULL where they go together. */
static const char *why_unsound(const struct heap_spans *spans, const struct raw_span *raw, uint64_t pages, uint64_t count)
{
	const struct heap_layout *layout = &spans->private->layout;
	const struct heap_span *span = &raw->span;
	uint64_t used, end;

	if (pages == 0 || __builtin_mul_overflow(pages, layout->page_size, &end) || __builtin_add_overflow(span->start, end, &end) ||
	    end > ADDRESS_LIMIT || span->start % layout->page_size != 0)
		return "its pages are nowhere";
	if (count == 0 || count > SLOTS_OF_A_SPAN || (count != 1 && !raw->source.small))
		return "an absurd number of slots";
	if (span->elem_size < SMALLEST_SLOT || __builtin_mul_overflow(span->elem_size, count, &used) || used > raw->source.size)
		return "its slots do not fit in";
	if (raw->source.free_index > count)
		return "its first free slot is behind the last one";
	return NULL;
}

/* The multiplier that divides offsets in the span by the size of a slot; false where no such is exact. */
static bool set_reciprocal(struct heap_span *span, uint32_t count)
{
	span->count = count;
	span->end = span->start + count * span->elem_size;
	if (count == 1)
		return true;

	uint64_t factor = ((UINT64_C(1) << 32) + span->elem_size - 1) / span->elem_size;
	uint64_t excess = factor * span->elem_size - (UINT64_C(1) << 32);

	/* offset * factor / 2^32 is too large by offset * excess / elem_size / 2^32, which must stay below 1 / elem_size */
	span->reciprocal = (uint32_t)factor;
	return span->elem_size < UINT32_MAX && excess * (span->end - span->start) < UINT64_C(1) << 32;
}

/* mspan.sweepgen against mheap's: runtime/mheap.go. 0: swept, 3 (>= 1.12): swept and cached; -2, -1, 1 (>= 1.12): not yet. */
static void set_swept(struct raw_span *raw, uint64_t heap_sweepgen, uint64_t sweepgen)
{
	uint32_t behind = (uint32_t)heap_sweepgen - (uint32_t)sweepgen;

	raw->span.swept = behind != 2 && behind != 1 && behind != UINT32_MAX;
	raw->source.being_swept = behind == 1;
}

static void set_kind(const struct heap_spans *spans, const uint8_t *bytes, struct raw_span *raw)
{
	const struct heap_layout *layout = &spans->private->layout;
	uint64_t class = field(spans, bytes, layout->span_class);
	struct heap_span *span = &raw->span;

	span->scannable = !layout->noscan_in_class || !(class & 1);
	raw->source.small = (layout->noscan_in_class ? class >> 1 : class) != 0;
	if (span->scannable && raw->source.small && span->elem_size > layout->header_above && span->elem_size > layout->header_size &&
	    layout->header_size <= HEADER_LIMIT)
		span->header = (uint8_t)layout->header_size;
	if (span->scannable && !raw->source.small)
		span->large_type = taddr_of(field(spans, bytes, layout->large_type));
}

static const char *decode_in_use(const struct loader *loader, const uint8_t *bytes, struct raw_span *raw)
{
	const struct heap_spans *spans = loader->spans;
	const struct heap_layout *layout = &spans->private->layout;
	uint64_t count = field(spans, bytes, layout->count), pages = field(spans, bytes, layout->pages);
	uint64_t free_index = field(spans, bytes, layout->free_index);

	raw->span = (struct heap_span){
		.start = field(spans, bytes, layout->start),
		.elem_size = field(spans, bytes, layout->elem_size),
		.specials = taddr_of(field(spans, bytes, layout->specials)),
		.pointers = HEAP_NO_BITMAP,
		.flags = field(spans, bytes, layout->user_arena) ? HEAP_SPAN_USER_ARENA : 0,
	};
	raw->source.size = pages * layout->page_size;
	raw->source.alloc_bits = field(spans, bytes, layout->alloc_bits);
	raw->source.mark_bits = field(spans, bytes, layout->mark_bits);
	raw->source.free_index = free_index > UINT32_MAX ? UINT32_MAX : (uint32_t)free_index;
	set_kind(spans, bytes, raw);
	set_swept(raw, loader->sweepgen, field(spans, bytes, layout->sweepgen));

	const char *why = why_unsound(spans, raw, pages, count);

	return why == NULL && !set_reciprocal(&raw->span, (uint32_t)count) ? "the size of its slots is none of Go's" : why;
}

/*
 * A span in which nothing has been allocated. Up to 1.13 it counts as in use before its fields are set (mheap.alloc_m() and
 * mcentral.grow() of runtime/mheap.go, mcentral.go): what it says then is of the span that was there, or nothing.
 */
static bool being_made(const struct heap_spans *spans, const uint8_t *bytes, const char *why)
{
	const struct heap_layout *layout = &spans->private->layout;

	return field(spans, bytes, layout->alloc_count) == 0 && (why != NULL || field(spans, bytes, layout->alloc_bits) == 0);
}

static void visit_span(void *context, const struct heap_read *read, const uint8_t *bytes, size_t got)
{
	struct loader *loader = context;
	struct heap_spans *spans = loader->spans;
	const struct heap_layout *layout = &spans->private->layout;
	struct findings *findings = spans->private->findings;
	taddr address = taddr_of(read->address);

	if (got < read->length) {
		findings_add_error(findings, address, target_unreadable(spans->private->program->memory, taddr_add(address, got)),
				   "an mspan of the heap");
		return;
	}

	uint64_t state = field(spans, bytes, layout->state);

	if (state > SPAN_FREE)
		findings_add(findings, address, "an mspan of the heap: its state is %" PRIu64, state);
	if (state != SPAN_IN_USE)
		return;
	ARRAY_RESERVE(loader->raw, loader->count, loader->capacity);

	struct raw_span *raw = &loader->raw[loader->count];

	raw->source.address = read->address;

	const char *why = decode_in_use(loader, bytes, raw);

	if (being_made(spans, bytes, why))
		return;
	if (why == NULL)
		loader->count++;
	else
		findings_add(findings, address, "an mspan of the heap: %s: %" PRIu64 " slots of %" PRIu64 " bytes in %" PRIu64
			     " pages at 0x%" PRIx64, why, field(spans, bytes, layout->count), raw->span.elem_size,
			     field(spans, bytes, layout->pages), raw->span.start);
}

/* --- all of them ---------------------------------------------------------------------------------------------- */

/* Grows as long as there is memory of the target to read: a slice that lies about its length costs no more than that. */
static struct error *read_pointers(struct heap_spans *spans, taddr slice, uint8_t **out, size_t *count)
{
	struct program *program = spans->private->program;
	unsigned word = program->machine.word_size;
	uint64_t first, length;
	size_t read = 0;

	*out = NULL;
	TRY(target_read_word(program->memory, slice, &first));
	TRY(target_read_word(program->memory, taddr_add(slice, word), &length));
	if (length > limit_of(LIMIT_SPANS))
		return limit_passed(LIMIT_SPANS, "0x%" PRIx64 ": %" PRIu64, slice.v, length);
	while (read < length) {
		size_t some = length - read < POINTERS_AT_ONCE ? length - read : POINTERS_AT_ONCE;
		taddr at = taddr_of(first + read * word);

		*out = xreallocarray(*out, read + some, word);

		size_t got = target_read_some(program->memory, at, *out + read * word, some * word);

		read += got / word;
		if (got < some * word) {
			struct error *error = target_unreadable(program->memory, taddr_add(at, got));

			if (read == 0)
				return error;
			findings_add_error(spans->private->findings, taddr_add(at, got), error, "the heap's list of spans");
			break;
		}
	}
	*count = read;
	return NULL;
}

/*
 * Sorted; what is no address of an mspan, or lies in another, is left out. The last word may be 0: recordspan() (runtime/mheap.go) makes the slice
 * longer before it stores what it adds, an mspan that nothing uses yet.
 */
static size_t choose_pointers(struct heap_spans *spans, const uint8_t *words, size_t count, struct heap_read *reads)
{
	const struct machine *machine = &spans->private->program->machine;
	uint64_t size = spans->private->layout.span_size;
	struct findings *findings = spans->private->findings;
	size_t used = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t address = load_word(machine, words + i * machine->word_size);

		if (address == 0 && i == count - 1)
			break;
		if (address % machine->word_size == 0 && address != 0)
			reads[used++] = (struct heap_read){ address, (uint32_t)size, 0 };
		else
			findings_add(findings, taddr_of(address), "the heap's list of spans: no address of an mspan");
	}
	heap_reads_sort(reads, used);
	for (size_t i = 0; i < used; i++) {
		if (kept != 0 && reads[i].address - reads[kept - 1].address < size)
			findings_add(findings, taddr_of(reads[i].address), "the heap's list of spans: an mspan in another");
		else
			reads[kept++] = reads[i];
	}
	return kept;
}

static struct error *load_raw(struct loader *loader)
{
	struct heap_spans *spans = loader->spans;
	struct program *program = spans->private->program;
	const struct heap_layout *layout = &spans->private->layout;
	taddr mheap = taddr_of(layout->mheap + program->bias);
	uint8_t sweepgen[8], *words;
	size_t count = 0;

	TRY(target_read(program->memory, taddr_add(mheap, layout->heap_sweepgen.offset), sweepgen, layout->heap_sweepgen.size));
	loader->sweepgen = load_uint(&program->machine, sweepgen, layout->heap_sweepgen.size);

	struct error *error = read_pointers(spans, taddr_add(mheap, layout->all_spans_at), &words, &count);

	if (error == NULL) {
		struct heap_read *reads = xreallocarray(NULL, count, sizeof(*reads));

		count = choose_pointers(spans, words, count, reads);
		loader->raw = xreallocarray(NULL, count, sizeof(*loader->raw));
		loader->capacity = count ? count : 1;
		heap_read_many(program->memory, reads, count, visit_span, loader);
		free(reads);
	}
	free(words);
	return error;
}

/* A span lies in arenas of the heap, and not in pages of one before it. */
static bool is_apart(struct heap_spans_private *private, const struct raw_span *raw, uint64_t end)
{
	struct error *error = heap_arenas_check(&private->arenas, raw->span.start, raw->span.start + raw->source.size);

	if (error != NULL)
		findings_add_error(private->findings, taddr_of(raw->source.address), error, "an mspan of the heap");
	else if (raw->span.start < end)
		findings_add(private->findings, taddr_of(raw->source.address),
			     "an mspan of the heap: its pages at 0x%" PRIx64 " are of another too", raw->span.start);
	return error == NULL && raw->span.start >= end;
}

/* Keeps the spans in order of memory; of two that overlap the first. */
static void keep_in_order(struct loader *loader)
{
	struct heap_spans_private *private = loader->spans->private;
	struct heap_read *order = xreallocarray(NULL, loader->count, sizeof(*order));
	uint64_t end = 0;

	private->spans = xcalloc(loader->count + 1, sizeof(*private->spans));
	private->sources = xcalloc(loader->count + 1, sizeof(*private->sources));
	for (size_t i = 0; i < loader->count; i++)
		order[i] = (struct heap_read){ loader->raw[i].span.start, 0, (uint32_t)i };
	heap_reads_sort(order, loader->count);
	for (size_t i = 0; i < loader->count; i++) {
		const struct raw_span *raw = &loader->raw[order[i].index];

		if (!is_apart(private, raw, end))
			continue;
		end = raw->span.start + raw->source.size;
		private->sources[private->count] = raw->source;
		private->spans[++private->count] = raw->span;
	}
	free(order);
}

static void number_slots(struct heap_spans_private *private)
{
	uint64_t slots = 0, group = 0;

	for (size_t i = 1; i <= private->count; i++) {
		private->spans[i].first = slots;
		slots += private->spans[i].count;
	}
	private->slots = slots;
	private->by_slot = xreallocarray(NULL, slots / 64 + 1, sizeof(*private->by_slot));
	private->by_slot[0] = 1;
	for (size_t i = 1; i <= private->count; i++)
		for (; group * 64 < private->spans[i].first + private->spans[i].count; group++)
			private->by_slot[group] = (uint32_t)i;
}

static struct error *load(struct heap_spans *spans)
{
	struct loader loader = { .spans = spans };

	TRY(heap_arenas_open(spans->private->program, &spans->private->layout, &spans->private->arenas));

	struct error *error = load_raw(&loader);

	if (error == NULL)
		keep_in_order(&loader);
	free(loader.raw);
	TRY(error);
	number_slots(spans->private);
	TRY(heap_page_table_make(spans));
	TRY(heap_span_bits_load(spans));
	return heap_pointer_bitmap_load(spans);
}

static struct error *check_layout(const struct heap_layout *layout)
{
	const char *why = layout->no_spans ? layout->no_spans : layout->no_collector;

	if (why == NULL && (layout->page_size & (layout->page_size - 1)) != 0)
		why = "its pages are of no known size";
	return why != NULL ? error_new(ERROR_TARGET, "%s", why) : NULL;
}

struct error *heap_spans_create(struct program *program, const struct heap_layout *layout, struct findings *findings,
				struct heap_spans **out)
{
	struct heap_spans *spans = xcalloc(1, sizeof(*spans));
	struct heap_spans_private *private = xcalloc(1, sizeof(*private));

	*private = (struct heap_spans_private){ .program = program, .findings = findings, .layout = *layout };
	private->masks = type_masks_create(program, &private->layout);
	spans->private = private;

	struct error *error = check_layout(&private->layout);

	if (error == NULL)
		error = load(spans);
	free(private->sources);
	private->sources = NULL;
	heap_arenas_close(&private->arenas);
	if (error != NULL) {
		heap_spans_free(spans);
		return error_wrap(error, "the heap's spans");
	}
	*out = spans;
	return NULL;
}

struct error *heap_spans_load(struct program *program, struct findings *findings, struct heap_spans **out)
{
	struct heap_layout layout;

	if (program->memory == NULL)
		return error_new(ERROR_TARGET, "the heap is looked at in a process or a core, not in a binary");
	heap_layout_load(program->binary, &layout);
	return heap_spans_create(program, &layout, findings, out);
}

void heap_spans_free(struct heap_spans *spans)
{
	if (spans == NULL)
		return;

	struct heap_spans_private *private = spans->private;

	if (private->survived != private->allocated)
		free(private->survived);
	free(private->allocated);
	free(private->bitmap);
	free(private->blocks);
	free(private->pages);
	free(private->by_slot);
	free(private->spans);
	free(private->sources);
	type_masks_free(private->masks);
	heap_layout_free(&private->layout);
	free(private);
	free(spans);
}

/* --- what is asked ---------------------------------------------------------------------------------------------- */

size_t heap_span_count(const struct heap_spans *spans)
{
	return spans->private->count;
}

const struct heap_span *heap_span_at(const struct heap_spans *spans, size_t index)
{
	return &spans->private->spans[index + 1];
}

uint64_t heap_slot_count(const struct heap_spans *spans)
{
	return spans->private->slots;
}

const struct heap_span *heap_span_of_slot(const struct heap_spans *spans, uint64_t slot)
{
	const struct heap_span *span = &spans->private->spans[spans->private->by_slot[slot / 64]];

	while (slot - span->first >= span->count)
		span++;
	return span;
}

const uint64_t *heap_allocated(const struct heap_spans *spans)
{
	return spans->private->allocated;
}

bool heap_slot_survived(const struct heap_spans *spans, const struct heap_span *span, uint32_t index)
{
	uint64_t slot = span->first + index;

	return spans->private->survived[slot / 64] >> slot % 64 & 1;
}
