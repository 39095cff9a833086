/*
 * A heap made by hand for tests of heap/spans.h and roots.h: a few arenas of 16 pages, whose memory is there, and the runtime's
 * structs before them, in a layout of our own. All four kinds of pointer bitmaps.
 */
#ifndef TESTS_HEAP_WORLD_H
#define TESTS_HEAP_WORLD_H

#include <malloc.h>
#include <stdlib.h>

#include "check.h"
#include "heap/spans_private.h"
#include "target/fake.h"
#include "util/alloc.h"

enum { PAGE = 8192, ARENA_PAGES = 16, ARENAS = 4, HEAP_PAGES = ARENA_PAGES * ARENAS, SPANS = 32 };

/* The runtime's structs, from RUNTIME on. */
enum {
	RUNTIME = 0x10000, MHEAP = RUNTIME, ALL_SPANS = RUNTIME + 0x200, ROOTS = RUNTIME + 0x600, MSPANS = RUNTIME + 0x1000,
	BITS = RUNTIME + 0x3000, TYPES = RUNTIME + 0x5000, MASKS = RUNTIME + 0x6000, OTHERS = RUNTIME + 0x7000,
	HEAP_ARENAS = RUNTIME + 0xa000, ARENA_STRUCT = 0x8000, RUNTIME_SIZE = 0xa000 + ARENAS * ARENA_STRUCT,
};
enum { SPAN_SIZE = 96, BITS_OF_SPAN = 0x80, TYPE_SIZE = 64, INLINE_SIZE = 128, INLINE_MARKS_AT = 64 };
#define HEAP_START UINT64_C(0x20000000)

static struct machine machine;
static struct program program;
static struct heap_layout layout;
static struct findings findings;
static struct heap_spans *spans;
static uint8_t runtime[RUNTIME_SIZE], heap[HEAP_PAGES * PAGE];
static unsigned span_count;
static uint64_t heap_sweepgen;

static inline void poke(uint64_t address, unsigned size, uint64_t value)
{
	uint8_t *to = address >= HEAP_START ? heap + (address - HEAP_START) : runtime + (address - RUNTIME);

	store_uint(&machine, to, size, value);
}

static inline void poke_word(uint64_t address, uint64_t value)
{
	poke(address, machine.word_size, value);
}

static inline void poke_field(uint64_t address, struct field_at at, uint64_t value)
{
	if (at.size != 0)
		poke(address + at.offset, at.size, value);
}

static inline void poke_bit(uint64_t address, uint64_t bit, bool value)
{
	uint8_t *to = address + bit / 8 >= HEAP_START ? heap + (address + bit / 8 - HEAP_START) : runtime + (address + bit / 8 - RUNTIME);

	*to = (uint8_t)((*to & ~(1 << bit % 8)) | value << bit % 8);
}

static inline struct field_at word_field(unsigned index)
{
	return (struct field_at){ index * machine.word_size, machine.word_size };
}

static inline struct field_at behind_words(unsigned words, unsigned offset, unsigned size)
{
	return (struct field_at){ words * machine.word_size + offset, (uint8_t)size };
}

/* A page of the heap. */
static inline uint64_t at_page(uint64_t page)
{
	return HEAP_START + page * PAGE;
}

/* Of the addresses that the bitmap of an arena, or of all (FLAT), begins at. */
static inline uint64_t flat_bitmap(void)
{
	return HEAP_ARENAS + ARENAS * ARENA_STRUCT;
}

static inline void make_layout(enum heap_bitmap bitmap, bool inline_marks)
{
	unsigned word = machine.word_size;
	bool in_spans = bitmap == HEAP_BITMAP_SPAN;

	layout = (struct heap_layout){
		.mheap = MHEAP, .page_size = PAGE, .arenas_at = 32, .l1_length = bitmap == HEAP_BITMAP_FLAT ? 0 : 1, .l2_length = ARENAS,
		.arena_pages = ARENA_PAGES, .origin = HEAP_START, .arena_start = { 96, (uint8_t)word },
		.span_size = SPAN_SIZE, .start = word_field(0), .pages = word_field(1), .elem_size = word_field(2),
		.alloc_bits = word_field(3), .mark_bits = word_field(4), .specials = word_field(5),
		.large_type = in_spans ? word_field(6) : (struct field_at){ 0 }, .count = behind_words(7, 0, 2),
		.free_index = behind_words(7, 2, 2), .alloc_count = behind_words(7, 4, 2), .sweepgen = behind_words(7, 8, 4),
		.state = behind_words(7, 12, 1), .span_class = behind_words(7, 13, 1),
		.user_arena = in_spans ? behind_words(7, 14, 1) : (struct field_at){ 0 }, .noscan_in_class = true,
		.header_size = in_spans ? word : 0, .header_above = in_spans ? word * word * 8 : 0,
		.all_spans_at = 8, .heap_sweepgen = { 0, 4 }, .bitmap = bitmap,
		.bitmap_at = bitmap == HEAP_BITMAP_FLAT ? 112 : 8, .bitmap_bytes = ARENA_PAGES * PAGE / word / 4,
		.inline_size = inline_marks ? INLINE_SIZE : 0, .inline_marks_at = INLINE_MARKS_AT,
		.type_size = word_field(0), .type_pointers = word_field(1), .type_flags = behind_words(2, 0, 1),
		.type_kind = behind_words(2, 1, 1), .type_mask = word_field(4), .type_bytes = 5 * word,
		.mask_on_demand = 16, .unrolled_mask = 32, .mask_program = 64, .mask_in_progress = OTHERS,
	};
}

static inline void begin(enum heap_bitmap bitmap, int minor, bool inline_marks)
{
	bool newer;

	memset(runtime, 0, sizeof(runtime));
	memset(heap, 0, sizeof(heap));
	program = (struct program){ .machine = machine };
	CHECK(go_version_find(minor, &program.version, &newer) == NULL);
	make_layout(bitmap, inline_marks);
	span_count = 0;
	heap_sweepgen = 8;
	poke(MHEAP, 4, heap_sweepgen);
	poke_word(MHEAP + 8, ALL_SPANS);
	if (bitmap == HEAP_BITMAP_FLAT) {
		poke_word(MHEAP + 32 + machine.word_size, HEAP_PAGES);
		poke_word(MHEAP + 96, HEAP_START);
		poke_word(MHEAP + 112, flat_bitmap());
		return;
	}
	poke_word(MHEAP + 32, ROOTS);
	for (unsigned i = 0; i < ARENAS; i++)
		poke_word(ROOTS + i * machine.word_size, HEAP_ARENAS + i * ARENA_STRUCT);
}

static inline uint64_t span_at(unsigned index)
{
	return MSPANS + index * SPAN_SIZE;
}

static inline uint64_t bits_at(unsigned index, bool marks)
{
	return BITS + (2 * index + marks) * BITS_OF_SPAN;
}

/* A swept span in use of `count` slots, all allocated; its number. */
static inline unsigned add_span(unsigned page, unsigned pages, uint64_t elem_size, unsigned count, unsigned class)
{
	uint64_t span = span_at(span_count);

	poke_field(span, layout.start, at_page(page));
	poke_field(span, layout.pages, pages);
	poke_field(span, layout.elem_size, elem_size);
	poke_field(span, layout.count, count);
	poke_field(span, layout.free_index, count);
	poke_field(span, layout.alloc_count, count);
	poke_field(span, layout.alloc_bits, bits_at(span_count, false));
	poke_field(span, layout.mark_bits, bits_at(span_count, true));
	poke_field(span, layout.sweepgen, heap_sweepgen);
	poke_field(span, layout.state, 1);
	poke_field(span, layout.span_class, class);
	poke_word(ALL_SPANS + span_count * machine.word_size, span);
	poke_word(MHEAP + 8 + machine.word_size, span_count + 1);
	return span_count++;
}

/* Two bits of one word, as the bytes of Go <= 1.19 have them: pointers below, scan above. */
static inline void poke_pair(uint64_t byte, unsigned word, bool pointer, bool scan)
{
	poke_bit(byte, word % 4, pointer);
	poke_bit(byte, 4 + word % 4, scan);
}

/* A bit of a bitmap of words. */
static inline void poke_word_bit(uint64_t bitmap, uint64_t bit, bool value)
{
	unsigned bits = machine.word_size * 8;
	uint64_t in_word = bit % bits, byte = machine.big_endian ? machine.word_size - 1 - in_word / 8 : in_word / 8;

	poke_bit(bitmap + bit / bits * machine.word_size + byte, in_word % 8, value);
}

/* What the collector knows of the word at an address of a span whose pages end at `end`. */
static inline void poke_pointer(uint64_t address, uint64_t end, bool pointer, bool scan, bool has_inline)
{
	uint64_t word = (address - HEAP_START) / machine.word_size, arena_words = ARENA_PAGES * PAGE / machine.word_size;
	uint64_t arena = HEAP_ARENAS + word / arena_words * ARENA_STRUCT + 8;

	switch (layout.bitmap) {
	case HEAP_BITMAP_FLAT:
		poke_pair(flat_bitmap() - word / 4 - 1, word % 4, pointer, scan);
		break;
	case HEAP_BITMAP_PAIRS:
		poke_pair(arena + word % arena_words / 4, word % 4, pointer, scan);
		break;
	case HEAP_BITMAP_ARENA:
		poke_word_bit(arena, word % arena_words, pointer);
		break;
	case HEAP_BITMAP_SPAN:
		poke_word_bit(end - PAGE / machine.word_size / 8 - (has_inline ? INLINE_SIZE : 0), word % (PAGE / machine.word_size), pointer);
		break;
	}
}

static inline uint64_t type_at(unsigned index)
{
	return TYPES + index * TYPE_SIZE;
}

/* Bit `i` of a mask as long as one likes. */
static inline bool mask_bit(uint64_t mask, uint64_t i)
{
	return mask >> i % 61 & 1;
}

/* A type of so many words, the first of which have this mask. */
static inline uint64_t add_type(unsigned index, uint64_t words, uint64_t pointer_words, uint64_t mask, uint64_t flags, uint64_t kind)
{
	uint64_t type = type_at(index), bits = MASKS + index * 64;

	poke_field(type, layout.type_size, words * machine.word_size);
	poke_field(type, layout.type_pointers, pointer_words * machine.word_size);
	poke_field(type, layout.type_flags, flags);
	poke_field(type, layout.type_kind, kind);
	poke_field(type, layout.type_mask, bits);
	for (unsigned i = 0; i < 512; i++)
		poke_bit(bits, i, mask_bit(mask, i));
	return type;
}

/* The target with all that was poked. */
static inline void publish(void)
{
	program.memory = fake_create(&machine);
	fake_put(program.memory, taddr_of(RUNTIME), runtime, sizeof(runtime));
	fake_put(program.memory, taddr_of(HEAP_START), heap, sizeof(heap));
}

static inline struct error *load(void)
{
	struct heap_layout copy = layout;

	copy.no_spans = layout.no_spans ? xstrdup(layout.no_spans) : NULL;
	spans = NULL;
	return heap_spans_create(&program, &copy, &findings, &spans);
}

static inline void end(void)
{
	heap_spans_free(spans);
	spans = NULL;
	findings_free(&findings);
	target_destroy(program.memory);
}

/* Bytes that this program has taken. */
static inline size_t memory_taken(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static inline bool found(const char *text)
{
	for (size_t i = 0; i < findings.count; i++)
		if (strstr(findings.items[i].what, text) != NULL)
			return true;
	return false;
}

#endif
