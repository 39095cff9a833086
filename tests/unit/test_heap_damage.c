/*
 * Heaps whose tables lie, field by field and at random: heap/spans.h and roots.h end in findings or errors, look at nothing that is
 * not there, and take little memory. Roots that are sound, too.
 */
#include "heap/roots_private.h"
#include "heap_world.h"

enum { MEMORY_LIMIT = 96 << 20, ROUNDS = 400 };

enum {
	MODULE = OTHERS + 0x400, MODULE_SIZE = 96, MASK = OTHERS + 0x600, BLOCKS = OTHERS + 0x800, BLOCK_SIZE = 0x100,
	SPECIALS = OTHERS + 0x1000, SPECIAL_SIZE = 64, QUEUE = OTHERS + 0x300,
};

static struct heap_roots roots;
static struct heap_roots_layout roots_layout;

static void make_roots_layout(void)
{
	unsigned word = machine.word_size;

	roots_layout = (struct heap_roots_layout){
		.first_module = MODULE, .module_size = MODULE_SIZE, .next_module = word_field(8), .special_size = SPECIAL_SIZE,
		.ranges = { { "data", word_field(0), word_field(1), word_field(2), word_field(3) },
			    { "bss", word_field(4), word_field(5), word_field(6), word_field(7) } },
		.special_next = word_field(0), .special_offset = word_field(1), .special_kind = behind_words(2, 0, 1),
		.finalizer_kind = 1, .cleanup_kind = 2, .weak_kind = 3, .finalizer_function = word_field(3),
		.cleanup_function = word_field(3), .weak_handle = word_field(3), .cleanup_argument = word_field(4),
		.cleanup_caller = word_field(5),
		.finalizers = { .head = QUEUE, .next = word_field(0), .count = behind_words(1, 0, 4), .records_at = 4 * word,
				.record_size = 5 * word, .record_limit = 4, .mask = 0x1b, .block_size = BLOCK_SIZE },
	};
}

static void add_module(unsigned index, uint64_t data, uint64_t words, uint64_t next)
{
	uint64_t module = MODULE + index * MODULE_SIZE;

	for (int i = 0; i < 2; i++) {
		poke_field(module, roots_layout.ranges[i].start, data + i * 0x1000);
		poke_field(module, roots_layout.ranges[i].end, data + i * 0x1000 + words * machine.word_size);
		poke_field(module, roots_layout.ranges[i].bits, words);
		poke_field(module, roots_layout.ranges[i].bytes, MASK);
	}
	poke_field(module, roots_layout.next_module, next);
}

static uint64_t special_at(unsigned index)
{
	return SPECIALS + index * SPECIAL_SIZE;
}

static void add_special(unsigned index, uint64_t offset, unsigned kind, uint64_t next)
{
	poke_field(special_at(index), roots_layout.special_next, next);
	poke_field(special_at(index), roots_layout.special_offset, offset);
	poke_field(special_at(index), roots_layout.special_kind, kind);
	for (unsigned i = 3; i < 6; i++)
		poke_field(special_at(index), word_field(i), 0x1110 * i);
}

/* Some of everything. */
static void make_world(enum heap_bitmap bitmap, int minor, bool inline_marks)
{
	begin(bitmap, minor, inline_marks);
	make_roots_layout();
	add_span(0, 1, 48, 100, 4 << 1);
	add_span(1, 1, 64, 120, 6 << 1);
	add_span(2, 1, 1024, 8, 20 << 1);
	add_span(5, 3, 3 * PAGE, 1, 0);
	add_span(9, 1, 16, 512, 2 << 1 | 1);
	add_span(15, 2, 5456, 3, 50 << 1); /* in two arenas */
	poke_field(span_at(1), layout.sweepgen, heap_sweepgen - 2);
	poke_field(span_at(1), layout.free_index, 10);
	poke_field(span_at(4), layout.state, 2);
	for (unsigned i = 0; i < 8; i++)
		poke_word(at_page(2) + i * 1024, add_type(i, 3 + i, 2 + i, 0x5555 >> i, i == 7 ? 16 : 0, 25));
	poke_field(span_at(3), layout.large_type, type_at(5));
	poke_field(span_at(0), layout.specials, special_at(0));
	add_special(0, 48, 1, special_at(1));
	add_special(1, 100, 3, special_at(2));
	add_special(2, 480, 2, special_at(3));
	add_special(3, 480, 7, 0);
	poke_field(span_at(3), layout.specials, special_at(4));
	add_special(4, 0, 1, 0);
	add_module(0, 0x400000, 100, MODULE + MODULE_SIZE);
	add_module(1, 0x500000, 30, 0);
	poke_word(QUEUE, BLOCKS);
	poke_word(BLOCKS, BLOCKS + BLOCK_SIZE);
	poke(BLOCKS + machine.word_size, 4, 3);
}

/* Everything that is known of all slots; whatever it is, it is about memory that the spans have. */
static void look_at_all(void)
{
	static uint64_t mask[1 << 16];
	uint8_t bytes[16] = { 0 };

	for (size_t i = 0; i < heap_span_count(spans); i++) {
		const struct heap_span *span = heap_span_at(spans, i);
		uint64_t words = span->elem_size / machine.word_size, some = words < 1 << 20 ? words : 1 << 20;

		if (heap_span_find(spans, span->start) != span || heap_span_find(spans, span->end - 1) != span || span->count > 1 << 16 ||
		    heap_span_of_slot(spans, span->first + span->count - 1) != span)
			CHECK(false);
		for (uint32_t k = 0; k < span->count; k++) {
			uint64_t slot = heap_slot_address(span, k);

			if (heap_slot_in(span, slot) != k || heap_slot_in(span, slot + span->elem_size - 1) != k)
				CHECK(false);
			heap_slot_survived(spans, span, k);
			if (target_read_some(program.memory, taddr_of(slot), bytes, sizeof(bytes)) < sizeof(bytes))
				continue;
			heap_pointer_mask_part(spans, span, k, bytes, 0, some, mask);
			heap_pointer_mask_part(spans, span, k, bytes, words - some / 2, some / 2, mask);
			heap_slot_descriptor(spans, span, bytes);
		}
	}
	for (uint64_t at = HEAP_START - 2 * PAGE; at < HEAP_START + sizeof(heap) + 2 * PAGE; at += 999)
		heap_span_find(spans, at);
}

/* Of roots: words of masks, objects of specials. */
static void look_at_roots(void)
{
	uint64_t pointers = 0;

	for (size_t i = 0; i < roots.range_count; i++)
		for (uint64_t k = 0; k < roots.ranges[i].words; k++)
			pointers += roots.ranges[i].mask[k / 8] >> k % 8 & 1;
	for (size_t i = 0; i < roots.special_count; i++)
		if (heap_span_of_slot(spans, roots.specials[i].object) == NULL)
			CHECK(false);
	CHECK(pointers < 1 << 24);
}

/* Loads what was poked; true where that was no error. */
static bool try(void)
{
	size_t before = memory_taken();

	publish();

	struct error *error = load();
	bool good = error == NULL;

	if (error == NULL) {
		look_at_all();
		error = heap_roots_create(&program, &roots_layout, spans, &findings, &roots);
		if (error == NULL)
			look_at_roots();
		if (memory_taken() - before > MEMORY_LIMIT)
			CHECK_UINT(memory_taken() - before, 0);
		heap_roots_free(&roots);
	}
	error_free(error);
	return good;
}

/* --- one field ------------------------------------------------------------------------------------------------------ */

static const uint64_t bad_words[] = {
	0, 1, 7, 8, 0xff, 0xffff, 0xffffffff, UINT64_C(1) << 31, UINT64_C(1) << 40, (UINT64_C(1) << 47) - PAGE, UINT64_C(1) << 47,
	UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - PAGE + 1, RUNTIME, HEAP_START, HEAP_START + 12 * PAGE, RUNTIME + RUNTIME_SIZE - 4,
};

struct bad_kind {
	enum heap_bitmap bitmap;
	int minor;
	bool inline_marks;
};

static void damage(const struct bad_kind *kind, uint64_t address, unsigned size)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_words); i++) {
		make_world(kind->bitmap, kind->minor, kind->inline_marks);
		poke(address, size, bad_words[i]);
		check_passed++;
		try();
		end();
	}
}

static void damage_spans(const struct bad_kind *kind)
{
	make_world(kind->bitmap, kind->minor, kind->inline_marks);

	const struct field_at fields[] = { layout.start, layout.pages, layout.elem_size, layout.count, layout.free_index, layout.alloc_bits,
					   layout.mark_bits, layout.sweepgen, layout.alloc_count, layout.state, layout.span_class,
					   layout.specials, layout.large_type, layout.user_arena };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		for (unsigned span = 0; span < 6; span++)
			if (fields[i].size != 0)
				damage(kind, span_at(span) + fields[i].offset, fields[i].size);
}

static void damage_words(const struct bad_kind *kind, uint64_t address, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		damage(kind, address + i * machine.word_size, machine.word_size);
}

static void damage_all(const struct bad_kind *kind)
{
	damage_spans(kind);
	damage_words(kind, MHEAP, 16);
	damage_words(kind, ALL_SPANS, 7);
	damage_words(kind, ROOTS, ARENAS + 1);
	damage_words(kind, type_at(0), 5);
	damage_words(kind, type_at(5), 5);
	damage_words(kind, type_at(7), 5);
	damage_words(kind, at_page(2), 1);
	damage_words(kind, MODULE, 24);
	damage_words(kind, QUEUE, 1);
	damage_words(kind, BLOCKS, 3);
	for (unsigned i = 0; i < 5; i++)
		damage_words(kind, special_at(i), 6);
}

/* --- anything ------------------------------------------------------------------------------------------------------- */

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252;

	return state = state * 6364136223846793005 + 1442695040888963407;
}

static void noise(const struct bad_kind *kind)
{
	unsigned good = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		make_world(kind->bitmap, kind->minor, kind->inline_marks);
		for (unsigned i = 0; i < 1 + round % 300; i++) {
			uint64_t word = next_random(), to = next_random() >> 33;
			uint64_t address = round % 2 ? MSPANS + to % (6 * SPAN_SIZE) : RUNTIME + to % (RUNTIME_SIZE - 8);

			poke(address, 1u << (next_random() >> 40) % 4, word >> 62 ? word >> (word >> 50) % 64 : bad_words[word % ARRAY_SIZE(bad_words)]);
		}
		good += try();
		end();
	}
	CHECK(good > ROUNDS / 10);
}

/* --- what a finding names ----------------------------------------------------------------------------------------- */

static void expect(const char *what)
{
	CHECK(try());
	if (!CHECK(found(what)))
		for (size_t i = 0; i < findings.count; i++)
			fprintf(stderr, "\t%s: %s\n", what, findings.items[i].what);
	end();
}

static void test_findings(void)
{
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_word(ALL_SPANS + 2 * machine.word_size, span_at(1));
	expect("an mspan in another");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_word(ALL_SPANS + 2 * machine.word_size, span_at(1) + 7);
	expect("no address of an mspan");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_word(ALL_SPANS + 2 * machine.word_size, 0x500 * 8);
	expect("an mspan of the heap: ");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(1), layout.start, at_page(0));
	expect("are of another too");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(3), layout.pages, 4000);
	poke_field(span_at(3), layout.elem_size, 4000 * PAGE);
	expect("no arena");
	make_world(HEAP_BITMAP_FLAT, 10, false);
	poke_field(span_at(3), layout.start, at_page(HEAP_PAGES));
	expect("not in the heap's arena");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(0), layout.count, 9000);
	expect("an absurd number of slots");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(0), layout.elem_size, 96);
	expect("do not fit");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	add_span(20, 41, 65552, 5, 60 << 1); /* no reciprocal of 32 bits divides exactly by so many bytes */
	expect("none of Go's");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(0), layout.free_index, 101);
	expect("first free slot");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(0), layout.state, 4);
	expect("its state is 4");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(1), layout.alloc_bits, 8);
	expect("its allocBits");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(1), layout.mark_bits, 8);
	expect("its gcmarkBits");
	make_world(HEAP_BITMAP_PAIRS, 15, false);
	poke_word(ROOTS, 0x600);
	expect("its pointer bitmap");
}

static void test_errors(void)
{
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_word(MHEAP + 8, 0x600);
	CHECK(!try());
	end();
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_word(MHEAP + 8 + machine.word_size, UINT32_MAX);
	CHECK(!try());
	end();
	make_world(HEAP_BITMAP_SPAN, 26, false);
	layout.no_spans = xstrdup("no runtime.mheap_");
	publish();

	struct error *error = load();

	CHECK(error != NULL && error->code == ERROR_TARGET && strstr(error->message, "no runtime.mheap_") != NULL);
	error_free(error);
	free(layout.no_spans);
	end();
}

/* --- roots --------------------------------------------------------------------------------------------------------- */

static void test_roots(void)
{
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_bit(MASK, 3, true);
	publish();
	CHECK(load() == NULL && heap_roots_create(&program, &roots_layout, spans, &findings, &roots) == NULL);
	CHECK_UINT(findings.total, 0);
	CHECK_UINT(roots.range_count, 5);
	CHECK(roots.ranges[0].kind == HEAP_ROOT_DATA && roots.ranges[0].start.v == 0x400000 && roots.ranges[0].words == 100 &&
	      roots.ranges[0].mask[0] == 8);
	CHECK(roots.ranges[3].kind == HEAP_ROOT_BSS && roots.ranges[3].start.v == 0x501000 && roots.ranges[3].words == 30);
	CHECK(roots.ranges[4].kind == HEAP_ROOT_FINALIZER && roots.ranges[4].start.v == (uint64_t)BLOCKS + 4 * machine.word_size &&
	      roots.ranges[4].words == 15 && roots.ranges[4].mask[0] == 0x7b && roots.ranges[4].mask[1] == 0x6f);
	CHECK_UINT(roots.special_count, 5);
	CHECK(roots.specials[0].kind == HEAP_SPECIAL_FINALIZER && roots.specials[0].object == 1 && roots.specials[0].offset == 0 &&
	      roots.specials[0].function.v == 0x3330 && roots.specials[0].argument.v == 0);
	CHECK(roots.specials[1].kind == HEAP_SPECIAL_WEAK && roots.specials[1].object == 2 && roots.specials[1].offset == 4);
	CHECK(roots.specials[2].kind == HEAP_SPECIAL_CLEANUP && roots.specials[2].object == 10 &&
	      roots.specials[2].argument.v == 0x4440 && roots.specials[2].caller.v == 0x5550);
	CHECK(roots.specials[3].kind == HEAP_SPECIAL_OTHER && roots.specials[3].function.v == 0);
	CHECK(roots.specials[4].kind == HEAP_SPECIAL_FINALIZER && roots.specials[4].object == heap_span_find(spans, at_page(5))->first);
	heap_roots_free(&roots);
	end();
}

static void test_bad_roots(void)
{
	make_world(HEAP_BITMAP_SPAN, 26, false);
	add_special(3, 480, 7, special_at(1));
	expect("their list is a circle");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	add_special(3, 4800, 7, 0);
	expect("a record of the span");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(span_at(0), layout.free_index, 5);
	expect("which is not allocated");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	add_module(1, 0x500000, 30, MODULE);
	expect("their list does not end");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(MODULE, roots_layout.ranges[1].bits, 101);
	expect("words have a mask");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_field(MODULE, roots_layout.ranges[1].bytes, 64);
	expect("the mask of bss");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke_word(BLOCKS + BLOCK_SIZE, BLOCKS);
	expect("finalizers that wait");
	make_world(HEAP_BITMAP_SPAN, 26, false);
	poke(BLOCKS + machine.word_size, 4, 5);
	expect("5 of 4 records");
}

static void test_all(void)
{
	static const struct bad_kind kinds[] = {
		{ HEAP_BITMAP_FLAT, 8, false }, { HEAP_BITMAP_PAIRS, 15, false }, { HEAP_BITMAP_ARENA, 21, false }, { HEAP_BITMAP_SPAN, 26, true },
	};

	test_findings();
	test_errors();
	test_roots();
	test_bad_roots();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		damage_all(&kinds[i]);
		noise(&kinds[i]);
	}
}

int main(void)
{
	static const struct machine machines[] = { { 62, 8, false }, { 20, 4, true } };

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		machine = machines[i];
		test_all();
	}
	return check_done();
}
