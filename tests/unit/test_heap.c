/* Where addresses lie in heaps made by hand: each place there is, and memory that lies about itself. */
#include <stdlib.h>

#include "heap/place.h"
#include "check.h"
#include "layout/heap.h"
#include "target/fake.h"
#include "util/alloc.h"

enum { PAGE = 8192, ARENA_PAGES = 1000, L1 = 2, L2 = 4 };
/* Where the runtime's structs are; the heap's own memory is never read. */
enum {
	BASE = 0x10000, MHEAP = BASE, MODULES = BASE + 0x400, ROOTS = BASE + 0x1000, ARENAS = BASE + 0x2000, SPANS = BASE + 0xa000,
	BITS = BASE + 0xe000, MARKS = BASE + 0xf000, SIZE = 0x10000,
};
enum { ARENA_START = 64, SWEEPGEN = 80, SPANS_IN_ARENA = 16, ARENA_SIZE = 0x2000, SPAN_SIZE = 80, MODULE_SIZE = 96 };

/* A span in a test: pages [page, page + pages), counted from where the second arena begins. */
struct model {
	unsigned page, pages, state;
	uint64_t elem_size, count, free_index;
	unsigned span_class;
	uint64_t sweepgen;
};

static struct machine machine;
static struct program program;
static struct heap_layout layout;
static struct heap *heap;
static uint8_t bytes[SIZE];
static unsigned span_count;

static void poke(uint64_t address, unsigned size, uint64_t value)
{
	store_uint(&machine, bytes + (address - BASE), size, value);
}

static void poke_word(uint64_t address, uint64_t value)
{
	poke(address, machine.word_size, value);
}

static void poke_field(uint64_t address, struct field_at at, uint64_t value)
{
	poke(address + at.offset, at.size, value);
}

static struct field_at word_field(unsigned index)
{
	return (struct field_at){ index * machine.word_size, machine.word_size };
}

static void make_layout(bool arenas)
{
	layout = (struct heap_layout){
		.mheap = MHEAP, .page_size = PAGE, .arenas_at = 8, .spans_at = SPANS_IN_ARENA,
		.l1_length = arenas ? L1 : 0, .l2_length = L2, .arena_pages = ARENA_PAGES,
		.origin = machine.word_size == 8 ? UINT64_C(0xffff800000000000) : 0,
		.arena_start = { ARENA_START, machine.word_size },
		.span_size = SPAN_SIZE, .start = word_field(0), .pages = word_field(1), .elem_size = word_field(2),
		.count = { 3 * machine.word_size, 2 }, .free_index = { 3 * machine.word_size + 2, 2 },
		.alloc_bits = word_field(4), .state = { 5 * machine.word_size, 1 }, .span_class = { 5 * machine.word_size + 1, 1 },
		.heap_sweepgen = { SWEEPGEN, 4 }, .sweepgen = { 5 * machine.word_size + 4, 4 }, .mark_bits = word_field(8),
		.noscan_in_class = true, .header_size = 8, .header_above = 512,
		.first_module = MODULES, .module_size = MODULE_SIZE, .next = word_field(8),
	};
	for (unsigned i = 0; i < MODULE_RANGES; i++)
		for (unsigned end = 0; end < 2; end++)
			layout.ranges[i][end] = word_field(2 * i + end);
}

/* Address 0 of the first arena's pages (arenas), of the heap (slice). */
static uint64_t heap_start(void)
{
	return layout.l1_length != 0 ? layout.origin + (uint64_t)ARENA_PAGES * PAGE : 0x40000000;
}

static uint64_t at_page(unsigned page)
{
	return heap_start() + (uint64_t)page * PAGE;
}

static uint64_t span_pointer(unsigned page)
{
	return ARENAS + page / ARENA_PAGES * ARENA_SIZE + SPANS_IN_ARENA + page % ARENA_PAGES * machine.word_size;
}

static uint64_t add_span(struct model model)
{
	uint64_t span = SPANS + span_count * SPAN_SIZE;

	poke_field(span, layout.start, at_page(model.page));
	poke_field(span, layout.pages, model.pages);
	poke_field(span, layout.elem_size, model.elem_size);
	poke_field(span, layout.count, model.count);
	poke_field(span, layout.free_index, model.free_index);
	poke_field(span, layout.sweepgen, model.sweepgen);
	poke_field(span, layout.mark_bits, MARKS + 16 * span_count);
	poke_field(span, layout.alloc_bits, BITS + 16 * span_count++);
	poke_field(span, layout.state, model.state);
	poke_field(span, layout.span_class, model.span_class);
	for (unsigned i = 0; i < model.pages; i++)
		poke_word(span_pointer(model.page + i), span);
	return span;
}

static void add_module(unsigned index, uint64_t data, uint64_t next)
{
	uint64_t module = MODULES + index * MODULE_SIZE;

	poke_field(module, layout.ranges[1][0], data);
	poke_field(module, layout.ranges[1][1], data + 0x100);
	poke_field(module, layout.next, next);
}

/* Arenas 1 and 2 behind the first root, 4 behind the second, which is the third after 1. */
static void make_arenas(void)
{
	uint64_t other_roots = ROOTS + L2 * machine.word_size;

	poke_word(MHEAP + layout.arenas_at, ROOTS);
	poke_word(MHEAP + layout.arenas_at + machine.word_size, other_roots);
	poke_word(ROOTS + machine.word_size, ARENAS);
	poke_word(ROOTS + 2 * machine.word_size, ARENAS + ARENA_SIZE);
	poke_word(other_roots, ARENAS + 3 * ARENA_SIZE);
}

static void begin(bool arenas)
{
	memset(bytes, 0, sizeof(bytes));
	span_count = 0;
	make_layout(arenas);
	if (arenas) {
		make_arenas();
	} else {
		poke_word(MHEAP + layout.arenas_at, ARENAS + SPANS_IN_ARENA);
		poke_word(MHEAP + layout.arenas_at + machine.word_size, ARENA_PAGES);
		poke_word(MHEAP + ARENA_START, heap_start());
	}
	add_module(0, 0x500000, MODULES + MODULE_SIZE);
	add_module(1, 0x600000, 0);
}

static void publish(void)
{
	program = (struct program){ .machine = machine, .memory = fake_create(&machine) };
	fake_put(program.memory, taddr_of(BASE), bytes, sizeof(bytes));
	heap = heap_create(&program, &layout);
}

static void end(void)
{
	heap_close(heap);
	target_destroy(program.memory);
}

static enum heap_place place_of(uint64_t address)
{
	struct heap_object object;

	return heap_find(heap, taddr_of(address), &object);
}

/* --- places -------------------------------------------------------------------------------------------------- */

static void check_slot(uint64_t address, uint64_t base, uint64_t size, uint64_t header, bool allocated, bool scannable)
{
	struct heap_object object = { 0 };

	CHECK_UINT(heap_find(heap, taddr_of(address), &object), HEAP_OBJECT);
	CHECK_UINT(object.base.v, base);
	CHECK_UINT(object.size, size);
	CHECK_UINT(object.data.v, base + header);
	CHECK_UINT(object.data_size, size - header);
	CHECK(object.allocated == allocated && object.scannable == scannable);
}

static void test_places(bool arenas)
{
	begin(arenas);
	/* class 5 with pointers, 6 with larger ones, 7 without any, 0: large */
	add_span((struct model){ 1, 1, 1, 48, 170, 3, 5 << 1 });
	add_span((struct model){ 2, 2, 1, 1024, 16, 16, 6 << 1 });
	add_span((struct model){ 4, 1, 1, 1024, 8, 8, 7 << 1 | 1 });
	add_span((struct model){ 510, 5, 1, 5 * PAGE, 1, 1, 0 });
	add_span((struct model){ 600, 4, 2, 0, 0, 0, 0 });
	add_span((struct model){ 700, 1, 3, 48, 170, 170, 5 << 1 });
	add_span((struct model){ 701, 1, 0, 48, 170, 170, 5 << 1 });
	add_span((struct model){ 999, 1, 1, 8192, 1, 0, 9 << 1 | 1 });
	poke_word(span_pointer(800), SPANS); /* they were there once */
	poke_word(span_pointer(801), SPANS + 4 * SPAN_SIZE);
	poke(BITS, 1, 1 << 4);
	publish();

	check_slot(at_page(1), at_page(1), 48, 0, true, true);
	check_slot(at_page(1) + 47 + 48 * 2, at_page(1) + 96, 48, 0, true, true);
	check_slot(at_page(1) + 48 * 3, at_page(1) + 48 * 3, 48, 0, false, true);
	check_slot(at_page(1) + 48 * 4 + 1, at_page(1) + 48 * 4, 48, 0, true, true);
	CHECK_UINT(place_of(at_page(1) + 170 * 48), HEAP_NOWHERE);
	check_slot(at_page(3) + 1023, at_page(3), 1024, 8, true, true);
	check_slot(at_page(3), at_page(3), 1024, 8, true, true);
	check_slot(at_page(4) + 2000, at_page(4) + 1024, 1024, 0, true, false);
	check_slot(at_page(513), at_page(510), 5 * PAGE, 0, true, true);
	check_slot(at_page(999) + 5, at_page(999), 8192, 0, false, false);
	CHECK_UINT(place_of(at_page(603) + 17), HEAP_STACK);
	CHECK_UINT(place_of(at_page(700) + 17), HEAP_NOWHERE);
	CHECK_UINT(place_of(at_page(701) + 17), HEAP_NOWHERE);
	CHECK_UINT(place_of(at_page(800)), HEAP_NOWHERE);
	CHECK_UINT(place_of(at_page(801)), HEAP_NOWHERE);
	CHECK_UINT(place_of(at_page(0)), HEAP_NOWHERE);
	CHECK_UINT(place_of(at_page(1000)), HEAP_NOWHERE);
	CHECK_UINT(place_of(at_page(0) - 1), HEAP_NOWHERE);
	CHECK_UINT(place_of(at_page(ARENA_PAGES * (L1 * L2 - 1))), HEAP_NOWHERE);
	CHECK_UINT(place_of(0), HEAP_NOWHERE);
	CHECK_UINT(place_of(UINT64_MAX), HEAP_NOWHERE);
	CHECK_UINT(place_of(0x500000), HEAP_DATA);
	CHECK_UINT(place_of(0x5000ff), HEAP_DATA);
	CHECK_UINT(place_of(0x500100), HEAP_NOWHERE);
	CHECK_UINT(place_of(0x600010), HEAP_DATA);
	CHECK_TEXT(heap_reason(heap), NULL);
	end();
}

static bool is_dead(uint64_t address)
{
	struct heap_object object = { 0 };

	CHECK_UINT(heap_find(heap, taddr_of(address), &object), HEAP_OBJECT);
	CHECK(object.allocated || !object.dead);
	return object.dead;
}

/* mheap's sweepgen is 8: what is two behind, or one ahead, waits to be swept. */
static void test_marks(void)
{
	static const struct {
		uint64_t sweepgen;
		bool waits;
	} cases[] = { { 8, false }, { 6, true }, { 7, false }, { 9, true }, { 11, false } };

	begin(true);
	poke(MHEAP + SWEEPGEN, 4, 8);
	for (unsigned i = 0; i < 5; i++)
		add_span((struct model){ i + 1, 1, 1, 48, 170, 2, 5 << 1, cases[i].sweepgen });
	for (unsigned i = 0; i < 5; i++)
		poke(MARKS + 16 * i, 1, 1);
	publish();
	for (unsigned i = 0; i < 5; i++) {
		CHECK(!is_dead(at_page(i + 1)));
		CHECK(is_dead(at_page(i + 1) + 48) == cases[i].waits);
		CHECK(!is_dead(at_page(i + 1) + 3 * 48)); /* free */
	}
	end();
}

/* Of small objects with marks at their span's end (Green Tea) those count too; they cannot be read here, so nothing is dead. */
static void test_inline_marks(void)
{
	begin(true);
	layout.inline_size = 128;
	layout.inline_marks_at = 8;
	poke(MHEAP + SWEEPGEN, 4, 8);
	add_span((struct model){ 1, 1, 1, 48, 160, 2, 5 << 1, 6 });
	add_span((struct model){ 2, 1, 1, 1024, 8, 2, 6 << 1, 6 });
	publish();
	CHECK(!is_dead(at_page(1) + 48));
	CHECK(is_dead(at_page(2) + 1024));
	end();
}

static void test_arenas(void)
{
	begin(true);
	add_span((struct model){ 512, 1, 2, 0, 0, 0, 0 });
	add_span((struct model){ 1000, 1, 1, 4096, 2, 2, 0 });
	add_span((struct model){ 3007, 1, 1, 64, 128, 128, 0 });
	publish();
	CHECK_UINT(place_of(at_page(512)), HEAP_STACK);
	check_slot(at_page(1000) + 5000, at_page(1000) + 4096, 4096, 0, true, true);
	check_slot(at_page(3007), at_page(3007), 64, 0, true, true);
	CHECK_UINT(place_of(at_page(2000)), HEAP_NOWHERE);
	end();
}

static void test_many(void)
{
	enum { MANY = 5000 };
	taddr *addresses = xcalloc(MANY, sizeof(*addresses));
	enum heap_place *places = xcalloc(MANY, sizeof(*places));
	struct heap_object *objects = xcalloc(MANY, sizeof(*objects));

	begin(true);
	for (unsigned i = 0; i < 100; i++)
		add_span((struct model){ 10 * i, 1 + i % 10, i % 4, 96, 80, i % 80, i });
	publish();
	for (unsigned i = 0; i < MANY; i++)
		addresses[i] = taddr_of(at_page(0) + (uint64_t)i * 2011);
	heap_find_many(heap, addresses, MANY, places, objects);
	for (unsigned i = 0; i < MANY; i++) {
		struct heap_object object = { 0 };

		CHECK_UINT(heap_find(heap, addresses[i], &object), places[i]);
		if (places[i] == HEAP_OBJECT)
			CHECK(object.base.v == objects[i].base.v && object.allocated == objects[i].allocated);
	}
	heap_find_many(heap, addresses, MANY, places, NULL);
	CHECK_UINT(places[41], HEAP_OBJECT);
	end();
	free(addresses);
	free(places);
	free(objects);
}

/* What was read is kept until it is to be forgotten. */
static void test_forget(void)
{
	begin(true);
	add_span((struct model){ 1, 1, 2, 0, 0, 0, 0 });
	publish();
	CHECK_UINT(place_of(at_page(1)), HEAP_STACK);
	target_destroy(program.memory);
	poke_field(SPANS, layout.state, 0);
	program.memory = fake_create(&machine);
	fake_put(program.memory, taddr_of(BASE), bytes, sizeof(bytes));
	CHECK_UINT(place_of(at_page(1)), HEAP_STACK);
	heap_forget(heap);
	CHECK_UINT(place_of(at_page(1)), HEAP_NOWHERE);
	end();
}

/* --- what cannot be told ------------------------------------------------------------------------------------- */

static void test_unsound(const char *why, void (*spoil)(uint64_t span))
{
	begin(true);
	spoil(add_span((struct model){ 1, 2, 1, 48, 340, 3, 5 << 1 }));
	add_span((struct model){ 5, 1, 2, 0, 0, 0, 0 });
	publish();
	CHECK_UINT(place_of(at_page(1) + 100), HEAP_UNKNOWN);
	CHECK(heap_reason(heap) != NULL && strstr(heap_reason(heap), why) != NULL);
	CHECK_UINT(place_of(at_page(5)), HEAP_STACK);
	CHECK_UINT(place_of(0x500000), HEAP_DATA);
	end();
}

static void no_elem_size(uint64_t span)
{
	poke_field(span, layout.elem_size, 0);
}

static void too_many(uint64_t span)
{
	poke_field(span, layout.count, 342);
}

static void huge(uint64_t span)
{
	poke_field(span, layout.pages, machine.word_size == 8 ? UINT64_MAX : UINT32_MAX);
	poke_field(span, layout.start, machine.word_size == 8 ? UINT64_MAX - 100 : 0);
	poke_field(span, layout.elem_size, machine.word_size == 8 ? UINT64_MAX / 2 : UINT32_MAX);
	poke_field(span, layout.count, 65535);
}

static void no_pages(uint64_t span)
{
	poke_field(span, layout.pages, 0);
}

static void odd_state(uint64_t span)
{
	poke_field(span, layout.state, 4);
}

static void away(uint64_t span)
{
	(void)span;
	poke_word(span_pointer(1), BASE + SIZE - SPAN_SIZE / 2);
}

static void test_circular_modules(void)
{
	begin(true);
	add_module(1, 0x600000, MODULES);
	add_span((struct model){ 1, 1, 2, 0, 0, 0, 0 });
	publish();
	CHECK_UINT(place_of(0x600000), HEAP_DATA);
	CHECK_UINT(place_of(at_page(1)), HEAP_STACK);
	CHECK_UINT(place_of(at_page(2)), HEAP_UNKNOWN);
	CHECK(heap_reason(heap) != NULL && strstr(heap_reason(heap), "does not end") != NULL);
	end();
}

static void test_unreadable_arenas(void)
{
	begin(true);
	poke_word(MHEAP + layout.arenas_at, 0x1000);
	publish();
	CHECK_UINT(place_of(at_page(1)), HEAP_UNKNOWN);
	CHECK(heap_reason(heap) != NULL && strstr(heap_reason(heap), "the heap's arenas: ") != NULL);
	end();

	begin(true);
	poke_word(ROOTS + machine.word_size, 0x1000);
	publish();
	CHECK_UINT(place_of(at_page(1)), HEAP_UNKNOWN);
	CHECK(heap_reason(heap) != NULL && strstr(heap_reason(heap), "the heap's table of spans: ") != NULL);
	end();

	begin(true); /* the table's first three entries are there */
	poke_word(ROOTS + machine.word_size, BASE + SIZE - SPANS_IN_ARENA - 3 * machine.word_size);
	publish();
	CHECK_UINT(place_of(at_page(2)), HEAP_NOWHERE);
	CHECK_UINT(place_of(at_page(3)), HEAP_UNKNOWN);
	CHECK(heap_reason(heap) != NULL && strstr(heap_reason(heap), "the heap's table of spans: ") != NULL);
	end();
}

static void test_without_debug_info(void)
{
	begin(true);
	layout.no_spans = xstrdup("no runtime.mheap_");
	layout.page_size = PAGE;
	publish();
	CHECK_UINT(place_of(at_page(1)), HEAP_UNKNOWN);
	CHECK_UINT(place_of(0x500000), HEAP_DATA);
	CHECK_TEXT(heap_reason(heap), "the heap's spans: no runtime.mheap_");
	end();
}

/* Any bytes at all: an answer for each address. */
static void test_noise(bool arenas)
{
	uint64_t state = 88172645463325252;

	for (unsigned round = 0; round < 300; round++) {
		begin(arenas);
		for (unsigned i = 0; i < 60; i++)
			add_span((struct model){ 10 * i, 1 + i % 10, i % 4, 96, 80, i % 80, i });
		for (unsigned i = 0; i < 2000; i++) {
			state = state * 6364136223846793005 + 1442695040888963407;
			poke((uint64_t)BASE + (state >> 33) % (SIZE - 8), 1 << (state >> 20) % 4,
			     state >> 60 ? state : UINT64_MAX >> (state >> 50) % 64);
		}
		publish();
		for (unsigned i = 0; i < 1000; i++) {
			enum heap_place place = place_of(at_page(0) + (uint64_t)i * 8009);

			if (place > HEAP_DATA || (place == HEAP_UNKNOWN && heap_reason(heap) == NULL))
				CHECK(false);
		}
		CHECK(place_of(0) <= HEAP_DATA);
		end();
	}
}

static void test_all(void)
{
	test_places(true);
	test_places(false);
	test_arenas();
	test_marks();
	test_inline_marks();
	test_many();
	test_forget();
	test_unsound("is not sound", no_elem_size);
	test_unsound("is not sound", too_many);
	test_unsound("is not sound", huge);
	test_unsound("is not sound", no_pages);
	test_unsound("is not sound", odd_state);
	test_unsound("a span of the heap: ", away);
	test_circular_modules();
	test_unreadable_arenas();
	test_without_debug_info();
	test_noise(true);
	test_noise(false);
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
