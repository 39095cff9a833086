/* All spans of heaps made by hand: each kind of pointer bitmap, marks that wait to be swept, masks of types, and tables that lie. */
#include "heap_world.h"

/* So that no two objects have the same mask. */
static bool pattern(uint64_t address)
{
	return (address / machine.word_size * UINT64_C(0x9e3779b97f4a7c15)) >> 61 & 1;
}

/* --- bitmaps ----------------------------------------------------------------------------------------------------- */

/* How many of an object's words the collector looks at; behind them its bits are noise. */
static uint64_t words_looked_at(uint64_t slot, uint64_t words)
{
	if (layout.bitmap != HEAP_BITMAP_FLAT && layout.bitmap != HEAP_BITMAP_PAIRS)
		return words;
	return (slot >> 4) % 5 == 0 ? (slot >> 3) % (words + 1) : words;
}

static void fill_bitmap(unsigned page, unsigned pages, uint64_t elem_size, unsigned count)
{
	uint64_t words = elem_size / machine.word_size, span_end = at_page(page + pages);
	bool checkmarks = program.version->checkmark_in_bitmap, has_inline = layout.inline_size != 0 && elem_size >= 16;

	for (uint64_t i = 0; i < count * words; i++) {
		uint64_t address = at_page(page) + i * machine.word_size, slot = at_page(page) + i / words * elem_size;
		uint64_t looked_at = words_looked_at(slot, words);
		bool scan = i % words < looked_at;

		if (i % words == 1 && checkmarks && looked_at > 1)
			scan = slot / elem_size % 2; /* not a scan bit */
		poke_pointer(address, span_end, scan || i % words < looked_at ? pattern(address) : true, scan, has_inline);
	}
}

static void check_mask(const struct heap_span *span, uint32_t index)
{
	uint64_t slot = heap_slot_address(span, index), words = span->elem_size / machine.word_size, wrong = 0;
	uint64_t looked_at = words_looked_at(slot, words);
	uint64_t *mask = xcalloc(words / 64 + 1, 8), *part = xcalloc(words / 64 + 1, 8);
	bool cut = program.version->checkmark_in_bitmap && looked_at == 1; /* then word 1 is looked at all the same */

	if (!heap_pointer_mask(spans, span, index, NULL, span->elem_size, mask) ||
	    !heap_pointer_mask_part(spans, span, index, NULL, words / 3, words - words / 3, part))
		CHECK(false);
	for (uint64_t i = 0; i < words; i++) {
		uint64_t at = i - words / 3;
		bool expected = i < looked_at && pattern(slot + i * machine.word_size);

		if (cut && i == 1)
			continue;
		wrong += (mask[i / 64] >> i % 64 & 1) != expected;
		wrong += i >= words / 3 && (part[at / 64] >> at % 64 & 1) != expected;
	}
	if (wrong != 0)
		CHECK_UINT(wrong, 0);
	free(mask);
	free(part);
}

static void check_masks(size_t i)
{
	const struct heap_span *span = heap_span_at(spans, i);

	for (uint32_t k = 0; k < span->count; k++)
		check_mask(span, k);
}

static void test_bitmaps(enum heap_bitmap bitmap, int minor, bool inline_marks)
{
	uint64_t limit = machine.word_size * machine.word_size * 8;

	begin(bitmap, minor, inline_marks);
	add_span(0, 1, 48, 100, 4 << 1);
	fill_bitmap(0, 1, 48, 100);
	add_span(5, 1, limit, 10, 9 << 1);
	fill_bitmap(5, 1, limit, 10);
	add_span(9, 1, 8, 900, 1 << 1);
	fill_bitmap(9, 1, 8, 900);
	add_span(10, 1, 16, 512, 2 << 1 | 1);
	if (bitmap != HEAP_BITMAP_SPAN) {
		add_span(11, 3, 3 * PAGE, 1, 0);
		fill_bitmap(11, 3, 3 * PAGE, 1);
		add_span(14, 20, 20 * PAGE, 1, 0); /* into the third arena */
		fill_bitmap(14, 20, 20 * PAGE, 1);
		add_span(40, 2, 5456, 3, 50 << 1);
		fill_bitmap(40, 2, 5456, 3);
	}
	publish();
	CHECK(load() == NULL);
	CHECK_UINT(findings.total, 0);
	CHECK_UINT(heap_span_count(spans), span_count);
	for (size_t i = 0; i < heap_span_count(spans); i++)
		if (heap_span_at(spans, i)->scannable)
			check_masks(i);
	CHECK(!heap_span_at(spans, 3)->scannable && heap_pointer_mask(spans, heap_span_at(spans, 3), 7, NULL, 16, &(uint64_t){ 1 }));
	end();
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

static bool allocated(uint64_t slot)
{
	return heap_allocated(spans)[slot / 64] >> slot % 64 & 1;
}

static void test_slots(void)
{
	begin(HEAP_BITMAP_SPAN, 26, false);

	uint64_t three = span_at(add_span(3, 1, 48, 160, 5 << 1));

	add_span(1, 1, 8, 1000, 1 << 1 | 1);
	add_span(20, 30, 30 * PAGE, 1, 1);
	poke_field(span_at(add_span(60, 1, 64, 128, 6 << 1)), layout.state, 2);
	poke_field(span_at(add_span(61, 1, 64, 128, 6 << 1)), layout.state, 0);
	poke_field(three, layout.free_index, 37);
	poke_bit(bits_at(0, false), 5, true); /* before the first free slot bits say nothing */
	poke_bit(bits_at(0, false), 37, false);
	poke_bit(bits_at(0, false), 101, true);
	poke_bit(bits_at(0, false), 159, true);
	publish();
	CHECK(load() == NULL);
	CHECK_UINT(findings.total, 0);
	CHECK_UINT(heap_span_count(spans), 3);
	CHECK_UINT(heap_slot_count(spans), 1161);

	const struct heap_span *span = heap_span_find(spans, at_page(3) + 100);
	unsigned count = 0;

	if (CHECK(span == heap_span_at(spans, 1))) {
		CHECK_UINT(span->first, 1000);
		CHECK_UINT(heap_slot_in(span, at_page(3) + 100), 2);
		CHECK_UINT(heap_slot_in(span, at_page(3) + 159 * 48 + 47), 159);
		for (uint32_t i = 0; i < span->count; i++)
			count += allocated(span->first + i);
		CHECK_UINT(count, 39);
		CHECK(allocated(1036) && !allocated(1037) && allocated(1101) && allocated(1159) && allocated(1160) && allocated(999));
		CHECK(heap_slot_survived(spans, span, 101) && !heap_slot_survived(spans, span, 100));
	}
	CHECK(heap_span_find(spans, at_page(3) + 160 * 48) == NULL && heap_span_find(spans, at_page(4)) == NULL);
	CHECK(heap_span_find(spans, at_page(60)) == NULL && heap_span_find(spans, at_page(61)) == NULL);
	CHECK(heap_span_find(spans, at_page(1) - 1) == NULL && heap_span_find(spans, at_page(1)) == heap_span_at(spans, 0));
	CHECK(heap_span_find(spans, at_page(50) - 1) == heap_span_at(spans, 2) && heap_span_find(spans, at_page(50)) == NULL);
	CHECK(heap_span_find(spans, 0) == NULL && heap_span_find(spans, UINT64_MAX) == NULL);
	for (uint64_t i = 0; i < 1161; i++)
		if (heap_span_of_slot(spans, i) != heap_span_at(spans, i < 1000 ? 0 : i < 1160 ? 1 : 2))
			CHECK(false);
	end();
}

/* What the next sweep frees is allocated, but did not survive; marks are in gcmarkBits, or (Green Tea) in the span too. */
static void test_survival(bool inline_marks)
{
	static const struct {
		int behind;
		bool swept;
	} gens[] = { { 0, true }, { -3, true }, { 2, false }, { 1, false }, { -1, false } };

	for (size_t i = 0; i < ARRAY_SIZE(gens); i++) {
		begin(HEAP_BITMAP_SPAN, 26, inline_marks);
		add_span(1, 1, 64, 120, 6 << 1);
		poke_field(span_at(0), layout.sweepgen, heap_sweepgen - (uint64_t)(int64_t)gens[i].behind);
		poke_field(span_at(0), layout.free_index, 100);
		poke_bit(bits_at(0, false), 110, true);
		poke_bit(bits_at(0, true), 3, true);
		poke_bit(bits_at(0, true), 115, true); /* not allocated */
		if (inline_marks)
			poke_bit(at_page(2) - INLINE_SIZE + INLINE_MARKS_AT, 110, true);
		publish();
		CHECK(load() == NULL);

		const struct heap_span *span = heap_span_at(spans, 0);

		CHECK_UINT(span->swept, gens[i].swept);
		CHECK(allocated(3) && allocated(4) && allocated(110) && !allocated(115));
		CHECK(heap_slot_survived(spans, span, 3) && !heap_slot_survived(spans, span, 115));
		CHECK_UINT(heap_slot_survived(spans, span, 4), gens[i].swept);
		CHECK_UINT(heap_slot_survived(spans, span, 110), gens[i].swept || inline_marks);
		end();
	}
}

/* A thread stopped in the midst of sweeping has put new, empty gcmarkBits there already. */
static void test_swept_by_half(void)
{
	begin(HEAP_BITMAP_SPAN, 26, false);
	add_span(1, 1, 64, 120, 6 << 1);
	add_span(2, 1, 64, 120, 6 << 1);
	poke_field(span_at(0), layout.sweepgen, heap_sweepgen - 1);
	poke_field(span_at(1), layout.sweepgen, heap_sweepgen - 2);
	publish();
	CHECK(load() == NULL);
	CHECK(heap_slot_survived(spans, heap_span_at(spans, 0), 7) && !heap_slot_survived(spans, heap_span_at(spans, 1), 7));
	end();
}

/* Go <= 1.13 makes a span in use before it has its fields. */
static void test_being_made(void)
{
	begin(HEAP_BITMAP_PAIRS, 13, false);
	add_span(1, 1, 64, 120, 6 << 1);
	poke_field(span_at(0), layout.alloc_bits, 0);
	poke_field(span_at(0), layout.free_index, 0);
	poke_field(span_at(0), layout.alloc_count, 0);
	add_span(2, 2, 2 * PAGE, 7, 0);
	poke_field(span_at(1), layout.alloc_count, 0);
	publish();
	CHECK(load() == NULL);
	CHECK_UINT(findings.total, 0);
	CHECK_UINT(heap_span_count(spans), 0);
	end();
}

/* The list of spans is longer already, but the new one is not in it yet. */
static void test_being_listed(void)
{
	for (unsigned last = 0; last < 2; last++) {
		begin(HEAP_BITMAP_SPAN, 26, false);
		add_span(1, 1, 64, 120, 6 << 1);
		add_span(2, 1, 64, 120, 6 << 1);
		poke_word(ALL_SPANS + last * machine.word_size, 0);
		publish();
		CHECK(load() == NULL);
		CHECK_UINT(findings.total, 1 - last);
		CHECK_UINT(heap_span_count(spans), 1);
		end();
	}
}

/* --- types --------------------------------------------------------------------------------------------------------- */

/* The mask of the first slot of the first span. */
static bool mask_of(uint64_t *mask, size_t words)
{
	const struct heap_span *span = heap_span_at(spans, 0);

	return heap_pointer_mask(spans, span, 0, heap + (span->start - HEAP_START), words * machine.word_size, mask);
}

static void begin_with_type(bool large, uint64_t type)
{
	if (large) {
		add_span(0, 8, 8 * PAGE, 1, 0);
		poke_field(span_at(0), layout.large_type, type);
	} else {
		add_span(0, 1, 1024, 8, 20 << 1);
		poke_word(at_page(0), type);
	}
}

static bool expected_bit(uint64_t i, uint64_t header, uint64_t words, uint64_t pointer_words, uint64_t bits)
{
	uint64_t word = (i - header) % words;

	return i >= header && word < pointer_words && mask_bit(bits, word);
}

/* An array of values of `words` words, the first `pointer_words` of which have the mask; the whole, and from some word on. */
static void test_type_mask(bool large, uint64_t words, uint64_t pointer_words, uint64_t bits)
{
	uint64_t mask[PAGE / 8] = { 0 }, part[PAGE / 8] = { 0 }, header = large ? 0 : 1, wrong = 0;
	size_t count = large ? 5000 : 1024 / machine.word_size, from = count / 3;

	begin(HEAP_BITMAP_SPAN, 24, false);
	begin_with_type(large, add_type(3, words, pointer_words, bits, 0, 0));
	publish();
	CHECK(load() == NULL);
	CHECK(mask_of(mask, count));
	CHECK(heap_pointer_mask_part(spans, heap_span_at(spans, 0), 0, heap, from, count - from, part));
	for (size_t i = 0; i < count; i++) {
		bool expected = expected_bit(i, header, words, pointer_words, bits);

		wrong += (mask[i / 64] >> i % 64 & 1) != expected;
		wrong += i >= from && (part[(i - from) / 64] >> (i - from) % 64 & 1) != expected;
	}
	CHECK_UINT(wrong, 0);
	CHECK_UINT(heap_slot_descriptor(spans, heap_span_at(spans, 0), heap).v, type_at(3));
	CHECK_UINT(findings.total, 0);
	end();
}

static void test_type_masks(bool large)
{
	test_type_mask(large, 1, 1, 1);
	test_type_mask(large, 2, 2, 2);
	test_type_mask(large, 3, 1, 1);
	test_type_mask(large, 7, 6, 0x2d);
	test_type_mask(large, 33, 33, UINT64_C(0x155555555));
	test_type_mask(large, 63, 50, UINT64_C(0x2aaaaaaaaaaaa));
	test_type_mask(large, 64, 64, UINT64_C(0x8000000000000001));
	test_type_mask(large, 100, 60, UINT64_C(0x800000000000123));
	test_type_mask(large, 120, 119, UINT64_C(0x1234567890abcdef));
	test_type_mask(large, 127, 127, UINT64_C(0x1fedcba987654321));
	test_type_mask(large, 1, 0, 0);
}

/* Each is all pointers then, and one finding; no descriptor that does not describe. */
static void test_bad_type(const char *why, uint64_t flags, uint64_t kind, uint64_t words, uint64_t pointer_words, uint64_t mask_at)
{
	for (int large = 0; large < 2; large++) {
		uint64_t mask[16] = { 0 };

		begin(HEAP_BITMAP_SPAN, 24, false);
		begin_with_type(large, add_type(3, words, pointer_words, 1, flags, kind));
		if (mask_at != 0)
			poke_field(type_at(3), layout.type_mask, mask_at);
		publish();
		CHECK(load() == NULL);
		CHECK(!mask_of(mask, 70) && mask[0] == UINT64_MAX && mask[1] == 0x3f);
		CHECK(!mask_of(mask, 64) && mask[0] == UINT64_MAX);
		CHECK_UINT(findings.total, 1);
		CHECK(found(why));
		end();
	}
}

/* The mask is behind a pointer. */
static void test_mask_on_demand(void)
{
	uint64_t mask[2] = { 0 };

	begin(HEAP_BITMAP_SPAN, 24, false);
	begin_with_type(true, add_type(3, 4, 4, 5, 16, 0));
	poke_field(type_at(3), layout.type_mask, OTHERS + 16);
	poke_word(OTHERS + 16, MASKS + 3 * 64);
	publish();
	CHECK(load() == NULL);
	CHECK(mask_of(mask, 64));
	CHECK_UINT(mask[0], UINT64_C(0x5555555555555555));
	end();
}

/* Go 1.22, 1.23: the bitmap of a program, which names no type. A user arena's type, which lies in its chunk. */
static void test_no_descriptor(void)
{
	uint64_t mask[2] = { 0 };

	begin(HEAP_BITMAP_SPAN, 23, false);
	begin_with_type(true, add_type(3, 4, 4, 5, 32, 0));
	publish();
	CHECK(load() == NULL);
	CHECK(mask_of(mask, 4) && mask[0] == 5);
	CHECK_UINT(heap_slot_descriptor(spans, heap_span_at(spans, 0), heap).v, 0);
	end();

	begin(HEAP_BITMAP_SPAN, 26, false);
	begin_with_type(true, add_type(3, 4, 4, 5, 0, 0));
	poke_field(span_at(0), layout.user_arena, 1);
	publish();
	CHECK(load() == NULL);
	CHECK_UINT(heap_slot_descriptor(spans, heap_span_at(spans, 0), heap).v, 0);
	end();

	begin(HEAP_BITMAP_SPAN, 26, false); /* being allocated: no type yet, no pointers */
	begin_with_type(true, 0);
	publish();
	CHECK(load() == NULL);
	CHECK(mask_of(mask, 4) && mask[0] == 0);
	CHECK_UINT(findings.total, 0);
	end();
}

static void test_types(void)
{
	test_type_masks(false);
	test_type_masks(true);
	test_mask_on_demand();
	test_no_descriptor();
	test_bad_type("its mask is a program", 0, 64, 4, 4, 0);
	test_bad_type("no type", 0, 0, 4, 5, 0);
	test_bad_type("larger than its object", 0, 0, UINT64_C(1) << 20, 4, 0);
	test_bad_type("not mapped", 0, 0, 4, 4, 0x500);
	test_bad_type("not mapped", 16, 0, 4, 4, 0x500);
	test_bad_type("the mask of a type", 16, 0, 4, 4, OTHERS + 64); /* not made yet, and there is no DWARF to make it from */
}

static void test_all(void)
{
	static const struct {
		enum heap_bitmap bitmap;
		int minor;
		bool inline_marks;
	} kinds[] = { { HEAP_BITMAP_FLAT, 8, false }, { HEAP_BITMAP_PAIRS, 15, false }, { HEAP_BITMAP_PAIRS, 16, false },
		      { HEAP_BITMAP_ARENA, 21, false }, { HEAP_BITMAP_SPAN, 22, false }, { HEAP_BITMAP_SPAN, 26, true } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		test_bitmaps(kinds[i].bitmap, kinds[i].minor, kinds[i].inline_marks);
	test_slots();
	test_survival(false);
	test_survival(true);
	test_swept_by_half();
	test_being_made();
	test_being_listed();
	test_types();
}

int main(void)
{
	static const struct machine machines[] = { { 62, 8, false }, { 3, 4, false }, { 21, 8, true }, { 20, 4, true } };

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		machine = machines[i];
		test_all();
	}
	return check_done();
}
