/* What the bits of a span say of its objects: allocated, marked by the last collection. */
#include "heap/place_private.h"

/*
 * mspan.sweepgen is 2 behind mheap's, or 1 ahead of it (>= 1.12), where the span waits to be swept (runtime/mheap.go): what the last
 * collection did not mark is dead. One that is being swept (1 behind) may have new mark bits already. Where there are marks at the
 * span's end (gcUsesSpanInlineMarkBits() of runtime/mgcmark_greenteagc.go) either kind counts.
 */
void place_decode_marks(const struct heap *heap, const uint8_t *bytes, uint64_t size_class, struct span *span)
{
	const struct heap_layout *layout = &heap->layout;
	uint32_t behind;

	if (heap->sweepgen == UINT64_MAX)
		return;
	behind = (uint32_t)heap->sweepgen - (uint32_t)place_field(heap, bytes, layout->sweepgen);
	span->unswept = behind == 2 || behind == UINT32_MAX;
	span->mark_bits = place_field(heap, bytes, layout->mark_bits);
	span->inline_marks = layout->inline_size != 0 && size_class != 0 && span->elem_size >= 16 &&
			     span->elem_size <= layout->header_above && span->size == layout->page_size;
}

enum span_bits { ALLOC_BITS, MARK_BITS, INLINE_MARKS };

/* Where the span's bits of that kind are; 0: what is known of the object so far needs none. */
static uint64_t bits_of(const struct heap *heap, const struct span *span, const struct heap_object *object, enum span_bits which)
{
	const struct heap_layout *layout = &heap->layout;

	if (which == ALLOC_BITS)
		return object->allocated ? 0 : span->alloc_bits;
	if (which == MARK_BITS)
		return object->allocated && span->unswept ? span->mark_bits : 0;
	return object->dead && span->inline_marks ? span->start + span->size - layout->inline_size + layout->inline_marks_at : 0;
}

/* isFree() of runtime/mbitmap.go: from freeindex on, a bit of allocBits tells. Where it cannot be read, nothing says that
 * the object is allocated, and nothing that it is dead. */
static void apply_bit(struct heap_object *object, enum span_bits which, bool readable, bool bit)
{
	if (which == ALLOC_BITS)
		object->allocated = readable && bit;
	else
		object->dead = readable && !bit;
}

static void load_bits(struct heap *heap, size_t count, const enum heap_place *places, struct heap_object *objects,
		      enum span_bits which)
{
	heap->piece_count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct span *span = places[i] != HEAP_OBJECT
						  ? NULL
						  : &heap->span_list[*table_get(&heap->spans, heap->span_addresses[i])];
		uint64_t bits = span ? bits_of(heap, span, &objects[i], which) : 0;

		if (bits == 0)
			continue;
		heap->keys[heap->piece_count] = i;
		heap->words[heap->piece_count][0] = 0;
		heap->pieces[heap->piece_count] = (struct target_piece){ taddr_of(bits + objects[i].index / 8),
									  heap->words[heap->piece_count], 1, 0 };
		heap->piece_count++;
	}
	place_read_wanted(heap);
	for (size_t k = 0; k < heap->piece_count; k++) {
		struct heap_object *object = &objects[heap->keys[k]];

		apply_bit(object, which, heap->pieces[k].got == 1, heap->words[k][0] >> object->index % 8 & 1);
	}
}

void place_load_bits(struct heap *heap, size_t count, const enum heap_place *places, struct heap_object *objects)
{
	for (int which = ALLOC_BITS; which <= INLINE_MARKS; which++)
		load_bits(heap, count, places, objects, (enum span_bits)which);
}
