/* The classic half of the reference map: known shapes, and random operations beside a dictionary. */
#include "check.h"
#include "classic_invariants.h"
#include "refmap/size_class.h"

static const struct machine amd64 = { EM_X86_64, 8, false }, x86 = { EM_386, 4, false }, ppc64 = { EM_PPC64, 8, true };

/* Rows of world_keys and world_elems */
enum { KEY_FAST64 = 0, KEY_FASTSTR = 2, KEY_FAST64PTR = 3, KEY_INDIRECT = 9 };
enum { ELEM_INT64 = 0, ELEM_POINTERS = 3, ELEM_INDIRECT = 5 };
enum { OLDEST = 8, NEWEST = 25 };

static struct refmap_world world;

#define HEADER(field) classic_header(&world, world.layout.classic.field)

static void open_world(const struct world_shape *shape)
{
	struct world_shape classic = *shape;

	classic.implementation = MAP_CLASSIC;
	if (classic.machine.word_size == 0)
		classic.machine = amd64;
	CHECK(world_open(&world, &classic));
	if (classic.minor == 8)
		world.type.variant = REFMAP_SLOW; /* the only functions that write */
}

static void close_world(void)
{
	classic_check(&world);
	world_check(&world);
	CHECK_UINT(world.failed, 0);
	world_close(&world);
}

static taddr bucket_at(uint64_t index)
{
	return classic_bucket_of(&world, HEADER(buckets), index);
}

/* --- growth -------------------------------------------------------------------------------------------------------- */

/* With `count` entries there are 2^b buckets, and with one more twice as many. */
static void check_growth_at(uint32_t count, unsigned b)
{
	world_put_all(&world, 0, count, 1);
	CHECK_UINT(HEADER(b), b);
	CHECK_UINT(world.events[REFMAP_GROW], b);
	world_put_all(&world, count, count + 1, 1);
	CHECK_UINT(HEADER(b), b + 1);
	CHECK_UINT(world.event_a[REFMAP_GROW], 2U << b);
	CHECK_UINT(world.event_b[REFMAP_GROW], 0);
}

static void test_load(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor });
		CHECK_UINT(HEADER(buckets), 0);
		check_growth_at(8, 0);
		check_growth_at(minor == 21 ? 12 : 13, 1);
		check_growth_at(minor == 21 ? 24 : 26, 2);
		check_growth_at(minor == 21 ? 48 : 52, 3);
		CHECK_UINT(world.events[REFMAP_GROWN], 3);
		CHECK(HEADER(oldbuckets) != 0);
		close_world();
	}
}

static void check_hint(int minor, struct machine machine, uint64_t hint, unsigned b)
{
	open_world(&(struct world_shape){ .minor = minor, .machine = machine, .hint = hint });
	CHECK_UINT(HEADER(b), b);
	CHECK_UINT(HEADER(buckets) != 0, b != 0);
	CHECK(HEADER(hash0) != 0);
	close_world();
}

static void test_hints(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		check_hint(minor, amd64, 7, 0);
		check_hint(minor, amd64, 8, minor <= 9);
		check_hint(minor, amd64, 13, minor <= 9 || minor == 21 ? 2 : 1);
		check_hint(minor, amd64, 100, minor == 21 ? 5 : 4);
		check_hint(minor, amd64, UINT64_C(1) << 42, 0); /* more than fits into an address space */
		check_hint(minor, amd64, UINT64_MAX, 0);
		check_hint(minor, x86, UINT64_C(1) << 31, 0);
	}
}

/* In eight of nine cells of each chain entries come and go, until there are as many overflow buckets as buckets. */
static void test_same_size_growth(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor, .hint = minor == 21 ? 90 : 100, .hash = WORLD_HASH_ORDERED });
		CHECK_UINT(HEADER(b), 4);
		for (uint32_t bucket = 0; bucket < 16; bucket++) {
			world_put_all(&world, bucket, bucket + 9 * 16, 16);
			world_delete_all(&world, bucket, bucket + 8 * 16, 16);
		}
		CHECK_UINT(HEADER(noverflow), 16);
		CHECK_UINT(world.events[REFMAP_OVERFLOW], 16);
		world_put_all(&world, 500, 501, 1);
		CHECK_UINT(world.event_a[REFMAP_GROW], 16);
		CHECK_UINT(world.event_b[REFMAP_GROW], 1);
		CHECK_UINT(HEADER(b), 4);
		CHECK_UINT(HEADER(flags), CLASSIC_SAME_SIZE);
		classic_check(&world);
		world_delete_all(&world, 0, 16, 1);
		CHECK_UINT(world.events[REFMAP_GROWN], 1);
		CHECK_UINT(HEADER(flags), 0);
		CHECK_UINT(HEADER(noverflow), 0);
		close_world();
	}
}

/* Bucket 1 is evacuated before bucket 0: in 1.8 the mark goes from one to the next with each write all the same. */
static void test_evacuation_mark(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor, .hash = WORLD_HASH_ORDERED });
		world_put_all(&world, 0, 2 * (minor == 21 ? 12 : 13), 2);
		CHECK_UINT(world.events[REFMAP_GROWN], 1);
		world_put_all(&world, 1, 2, 2);
		CHECK_UINT(world.events[REFMAP_GROW], 2);
		CHECK_UINT(world.events[REFMAP_EVACUATE], 3);
		CHECK_UINT(world.events[REFMAP_GROWN], minor == 8 ? 1 : 2);
		CHECK_UINT(HEADER(nevacuate), minor == 8 ? 1 : 2);
		close_world();
	}
}

/* --- overflow buckets ----------------------------------------------------------------------------------------------- */

static void test_size_classes(void)
{
	static const struct {
		int minor;
		bool pointers;
		uint64_t size, room;
	} known[] = {
		{ 15, false, 24, 32 }, { 16, false, 24, 24 }, { 8, true, 1, 8 }, { 21, true, 1017, 1024 },
		{ 8, false, 1025, 1152 },
		{ 21, true, 2304, 2304 }, { 22, true, 2304, 2680 }, { 22, false, 2304, 2304 }, { 25, true, 512, 512 },
		{ 25, true, 513, 568 }, { 21, true, 32767, 32768 }, { 21, false, 32768, 32768 }, { 22, true, 32760, 32760 },
		{ 22, true, 32761, 32768 }, { 22, false, 32761, 32768 }, { 22, true, 32769, 40960 }, { 8, false, 39168, 40960 },
	};
	const struct go_version *version;
	bool newer;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		error_free(go_version_find(known[i].minor, &version, &newer));
		CHECK_UINT(size_class_round(version, 8, known[i].size, known[i].pointers), known[i].room);
	}
}

/* An array of 2^b buckets is of `count` with its overflow buckets. */
static void check_spares(int minor, unsigned elem, uint64_t hint, unsigned b, uint64_t count)
{
	open_world(&(struct world_shape){ .minor = minor, .elem = elem, .hint = hint });
	CHECK_UINT(HEADER(b), b);
	if (world.layout.classic.next_overflow.size == 0 || b < 4) {
		CHECK_UINT(HEADER(extra), 0);
	} else {
		uint64_t base = UINT64_C(1) << b;
		uint64_t next = classic_field(&world, taddr_of(HEADER(extra)), world.layout.classic.next_overflow);

		CHECK_UINT(next, bucket_at(base).v);
		for (uint64_t i = 0; i + 1 < count; i++)
			CHECK_UINT(classic_overflow_of(&world, bucket_at(i)).v, 0);
		CHECK_UINT(classic_overflow_of(&world, bucket_at(count - 1)).v, HEADER(buckets));
	}
	close_world();
}

static void test_spares(void)
{
	check_spares(8, ELEM_INT64, 1000, 8, 256);
	check_spares(20, ELEM_INT64, 52, 3, 8);
	check_spares(20, ELEM_INT64, 1664, 8, 284);
	for (int minor = 9; minor <= NEWEST; minor++) {
		check_spares(minor, ELEM_INT64, 90, 4, 18);    /* 17 * 144 bytes: 2448 in 2688 */
		check_spares(minor, ELEM_INT64, 1500, 8, 284); /* 272 * 144 bytes, in pages */
		check_spares(minor, ELEM_POINTERS, 150, 5, 34); /* 34 * 272 bytes */
	}
}

/* All in one chain: the spare buckets are used one after the other, the last one too, then others. */
static void test_use_of_spares(void)
{
	for (int minor = 9; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor, .hint = 90, .hash = WORLD_HASH_CONSTANT });

		taddr bucket = bucket_at(0x1234 & 15);

		world_put_all(&world, 0, 4 * 8, 1);
		CHECK_UINT(HEADER(noverflow), 3);
		for (unsigned i = 0; i < 3; i++) {
			bucket = classic_overflow_of(&world, bucket);
			CHECK_UINT(bucket.v == bucket_at(16 + i).v, i < 2);
		}
		CHECK_UINT(classic_overflow_of(&world, bucket).v, 0);
		CHECK_UINT(classic_field(&world, taddr_of(HEADER(extra)), world.layout.classic.next_overflow), 0);
		CHECK_UINT(world.event_a[REFMAP_OVERFLOW], 4);
		CHECK_UINT(world.event_b[REFMAP_OVERFLOW], 0);
		close_world();
	}
}

/* --- what deletes leave ---------------------------------------------------------------------------------------------- */

static bool is_zero(taddr at, uint32_t size)
{
	const uint8_t *bytes = arena_at(world.arena, at);

	for (uint32_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Which of the first and second word of the key and of the elem of a deleted entry are cleared. */
static void check_wiped(int minor, unsigned key, unsigned elem, bool key_first, bool key_rest, bool elem_wiped)
{
	open_world(&(struct world_shape){ .minor = minor, .key = key, .elem = elem, .hash = WORLD_HASH_CONSTANT });
	world_put_all(&world, 1, 3, 1);

	taddr cell_key = classic_key_of(&world, bucket_at(0), 0), cell_elem = classic_elem_of(&world, bucket_at(0), 0);

	world_delete_all(&world, 1, 2, 1);
	CHECK_UINT(is_zero(cell_key, 8), key_first);
	if (world.type.key_size > 8)
		CHECK_UINT(is_zero(taddr_add(cell_key, 8), world.type.key_size - 8), key_rest);
	CHECK_UINT(is_zero(cell_elem, world.type.elem_size), elem_wiped);
	close_world();
}

static void test_wiping(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		check_wiped(minor, KEY_FAST64, ELEM_INT64, minor <= 9, false, minor != 10);
		check_wiped(minor, KEY_FAST64, ELEM_POINTERS, minor <= 9, false, true);
		check_wiped(minor, KEY_FASTSTR, ELEM_INT64, true, minor <= 9, minor != 10);
		check_wiped(minor, KEY_FAST64PTR, ELEM_INT64, true, false, minor != 10);
		check_wiped(minor, 6, ELEM_INT64, true, true, minor != 10); /* pointers, slow */
		check_wiped(minor, 5, ELEM_INT64, minor <= 9, minor <= 9, minor != 10);
	}
}

/* Growth from four buckets has begun, and bucket 0 is evacuated. */
static void check_old_bucket(int minor, unsigned key, bool iterates, bool wiped)
{
	uint32_t most = minor == 21 ? 24 : 26;

	open_world(&(struct world_shape){ .minor = minor, .key = key, .hash = WORLD_HASH_ORDERED });
	world_put_all(&world, 1, most + 1, 1);
	if (iterates)
		world_iterate_begin(&world, 0);
	world_put(&world, 100);
	CHECK(HEADER(oldbuckets) != 0);
	CHECK_UINT(is_zero(taddr_add(taddr_of(HEADER(oldbuckets)), 8), world.layout.unit.size - 8), wiped);
	close_world();
}

static void test_wiping_of_old_buckets(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		check_old_bucket(minor, KEY_FAST64, false, minor <= 9);
		check_old_bucket(minor, KEY_FAST64, true, false);
		check_old_bucket(minor, KEY_FAST64PTR, false, true);
		check_old_bucket(minor, KEY_FAST64PTR, true, false);
	}
}

/* The key of the operation lies in a bucket that the operation evacuates and clears. */
static void test_key_in_old_bucket(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		uint32_t most = minor == 21 ? 24 : 26;

		open_world(&(struct world_shape){ .minor = minor, .key = KEY_FAST64PTR, .hash = WORLD_HASH_ORDERED });
		world_put_all(&world, 1, most + 1, 1);
		world_put(&world, 100);

		taddr old = classic_bucket_of(&world, HEADER(oldbuckets), 3), key = classic_key_of(&world, old, 0);
		uint32_t number = world_number(&world, key);

		CHECK(!classic_is_evacuated(&world, old));
		refmap_delete(world.map, key);
		CHECK(classic_is_evacuated(&world, old));
		CHECK_UINT(refmap_length(world.map), most);
		world.entries[number].present = false;
		world.length--;
		close_world();
	}
}

static void check_tophashes(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t *tops = classic_tophashes(&world, bucket_at(0));

	CHECK_UINT(tops[0] < 5 ? tops[0] : 5, a);
	CHECK_UINT(tops[1] < 5 ? tops[1] : 5, b);
	CHECK_UINT(tops[2] < 5 ? tops[2] : 5, c);
	CHECK_UINT(tops[3] < 5 ? tops[3] : 5, d);
}

static void test_empty_rest(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		uint8_t one = minor >= 12;

		open_world(&(struct world_shape){ .minor = minor });
		world_put_all(&world, 0, 4, 1);
		world_delete_all(&world, 1, 2, 1);
		check_tophashes(5, one, 5, 5);
		world_delete_all(&world, 2, 3, 1);
		check_tophashes(5, one, one, 5);
		world_delete_all(&world, 3, 4, 1);
		check_tophashes(5, 0, 0, 0);
		close_world();
	}
}

/* A deleted cell at the end of a chain frees those before it in the bucket before, too. */
static void test_empty_rest_over_buckets(void)
{
	open_world(&(struct world_shape){ .minor = 20, .hint = 90, .hash = WORLD_HASH_CONSTANT });
	world_put_all(&world, 0, 18, 1);

	taddr first = bucket_at(4), second = classic_overflow_of(&world, first), third = classic_overflow_of(&world, second);

	world_delete_all(&world, 6, 17, 1);
	CHECK_UINT(classic_tophashes(&world, second)[0], 1);
	CHECK_UINT(classic_tophashes(&world, third)[0], 1);
	world_delete_all(&world, 17, 18, 1);
	CHECK_UINT(classic_tophashes(&world, first)[6], 0);
	CHECK(classic_tophashes(&world, first)[5] > 4);
	CHECK_UINT(classic_tophashes(&world, second)[0], 0);
	CHECK_UINT(classic_tophashes(&world, third)[1], 0);
	close_world();
}

static void test_reseed(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor });

		uint64_t seed = HEADER(hash0);

		world_put_all(&world, 0, 3, 1);
		world_delete_all(&world, 0, 3, 1);
		CHECK_UINT(HEADER(hash0) == seed, minor < 16);
		CHECK_UINT(world.events[REFMAP_RESEED], minor >= 16);
		close_world();
	}
}

/* --- assignments to what is there ------------------------------------------------------------------------------------- */

static void check_key_update(int minor, bool slow, bool first, bool rest)
{
	open_world(&(struct world_shape){ .minor = minor, .key = KEY_FASTSTR, .slow = slow });

	uint8_t *key = arena_at(world.arena, world.key);

	/* equality looks at the number, the first two bytes */
	memset(key, 1, 16);
	refmap_assign(world.map, world.key);
	memset(key + 4, 2, 12);
	refmap_assign(world.map, world.key);
	CHECK_UINT(refmap_length(world.map), 1);
	key = arena_at(world.arena, classic_key_of(&world, bucket_at(0), 0));
	CHECK_UINT(key[0], 1);
	CHECK_UINT(key[7], first ? 2 : 1);
	CHECK_UINT(key[8], rest ? 2 : 1);
	world_close(&world);
}

static void test_key_update(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		check_key_update(minor, true, true, true);
		check_key_update(minor, false, minor == 8 || minor >= 17, minor == 8);
	}
}

/* --- clear ------------------------------------------------------------------------------------------------------------- */

static void test_clear(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor, .hint = 90 });
		world_put_all(&world, 0, 91, 1);
		world_clear(&world);
		CHECK_UINT(HEADER(count), 0);
		CHECK_UINT(HEADER(b), 4);
		CHECK_UINT(HEADER(flags), minor <= 10 ? CLASSIC_ITERATING : 0);
		CHECK_UINT(is_zero(bucket_at(0), 16 * world.layout.unit.size), minor >= 11);
		CHECK_UINT(world.events[REFMAP_RESEED], minor >= 16);
		if (minor >= 24)
			CHECK_UINT(classic_header(&world, (struct field_at){ world.layout.classic.nevacuate.offset + 8, 8 }), 1);
		close_world();
	}
}

/* Keys that are not equal to themselves cannot be deleted, but cleared. */
static void test_clear_of_irreflexive_keys(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor, .key = 7 });
		world_put_all(&world, 0, 40, 1);
		refmap_clear(world.map);
		CHECK_UINT(refmap_length(world.map), minor < 21 ? 10 : 0);
		world_close(&world);
	}
}

/* An iterator in the middle finds nothing behind a clear, and what comes later at most once. */
static void test_clear_under_iterators(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		if (minor >= 11 && minor <= 20)
			continue; /* golang.org/issue/59411: cleared entries of old buckets come */
		for (uint32_t count = 1; count < 130; count++) {
			open_world(&(struct world_shape){ .minor = minor });
			world.random += count;
			world_put_all(&world, 0, count, 1);
			world_iterate_begin(&world, 0);
			world_iterate_step(&world, 0);
			world_put_all(&world, count, count + count / 4, 1);
			world_clear(&world);
			world_put_all(&world, 300, 310, 1);
			while (world.iterators[0] != NULL && world_iterate_step(&world, 0))
				continue;
			close_world();
		}
	}
}

/* --- iteration ----------------------------------------------------------------------------------------------------------- */

static void test_iteration_start(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor });

		uint64_t random = world.random;

		world_iterate_begin(&world, 0);
		CHECK_UINT(world.random, random);
		CHECK_UINT(HEADER(flags), 0);
		world_put_all(&world, 0, 8, 1);
		CHECK(!world_iterate_step(&world, 0)); /* it began when the map was empty */

		struct refmap_world copy = world;
		uint64_t offset = world_random(&copy) & 7;
		taddr key, elem;

		world_iterate_begin(&world, 0);
		CHECK_UINT(world.random, copy.random);
		CHECK_UINT(HEADER(flags), CLASSIC_ITERATING);
		CHECK(HEADER(extra) != 0 || minor == 8);
		CHECK(refmap_iterator_next(world.iterators[0], &key, &elem));
		CHECK_UINT(world_number(&world, key), offset);
		world_iterate_end(&world, 0);
		close_world();
	}
}

/* One entry in each of eight buckets. */
static void test_iteration_bucket(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){ .minor = minor, .hint = minor == 21 ? 40 : 50, .hash = WORLD_HASH_ORDERED });
		world_put_all(&world, 0, 8, 1);

		struct refmap_world copy = world;
		uint64_t start = world_random(&copy) & 7;
		taddr key, elem;

		world_iterate_begin(&world, 0);
		for (uint64_t i = 0; i < 8; i++) {
			CHECK(refmap_iterator_next(world.iterators[0], &key, &elem));
			CHECK_UINT(world_number(&world, key), (start + i) % 8);
		}
		world_iterate_end(&world, 0);
		close_world();
	}
}

/* Iterations over maps that grow again and again meanwhile. */
static void test_growth_under_iterators(void)
{
	for (unsigned round = 0; round < 72; round++) {
		struct world_shape shape = {
			.minor = OLDEST + (int)(round % (NEWEST - OLDEST + 1)),
			.key = round % 4 == 0 ? 7 : round % 4 == 1 ? KEY_INDIRECT : 0, .elem = round % 6,
			.machine = round % 5 ? amd64 : x86,
		};
		uint32_t start = 5 + round * round / 2, next;

		open_world(&shape);
		world.random += round * 1000;
		world_put_all(&world, 0, start, 1);
		world_iterate_begin(&world, 0);
		for (next = start; world_iterate_step(&world, 0) && next + 4 < WORLD_NUMBERS; next += 4) {
			world_put_all(&world, next, next + 4, 1);
			world_delete(&world, (uint32_t)world_random(&world) % next);
		}
		CHECK(world.iterators[0] == NULL || next + 4 >= WORLD_NUMBERS);
		close_world();
	}
}

/* `for k := range m { delete(m, k) }`, with the key where the iterator shows it, of a map that is growing. */
static void test_delete_what_comes(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		for (uint32_t count = 1; count < 120; count += 3) {
			taddr key, elem;

			open_world(&(struct world_shape){
				.minor = minor, .key = count % WORLD_KEYS, .elem = count % WORLD_ELEMS,
				.hint = count % 2 ? 60 : 0 });
			if (world.type.reflexive_key) {
				world_put_all(&world, 0, count, 1);
				world.iterators[0] = refmap_iterate(world.map);
				while (refmap_iterator_next(world.iterators[0], &key, &elem))
					refmap_delete(world.map, key);
				world_iterate_end(&world, 0);
				CHECK_UINT(refmap_length(world.map), 0);
				world.length = world.end = 0;
			}
			close_world();
		}
	}
}

/* --- random operations ------------------------------------------------------------------------------------------------------ */

static uint32_t numbers_of(const struct world_shape *shape)
{
	if (world_keys[shape->key].size == 1)
		return 200;
	return shape->hash >= WORLD_HASH_ORDERED ? 300 : 3000;
}

/*
 * From 1.11 to 1.23 iterators may show entries that were cleared, NaNs even after the repair in 1.21 (golang.org/issue/59411),
 * and from 1.24 on entries that were added again may come twice, found through an overflow bucket that the clear let go.
 */
static bool may_clear(void)
{
	return world.version->minor <= 10 || (world.iterators[0] == NULL && world.iterators[1] == NULL);
}

/* Phases in which the map mostly grows, is churned, or shrinks. */
static void random_operation(uint32_t numbers, unsigned phase)
{
	world_random_operation(&world, numbers, phase, may_clear() ? 32 : 0);
}

static void run_random(const struct world_shape *shape, unsigned operations)
{
	open_world(shape);
	for (unsigned i = 0; i < operations; i++) {
		random_operation(numbers_of(shape), i * 5 / operations % 3);
		if (i % 256 == 0)
			classic_check(&world);
		if (i % 1024 == 0)
			world_check(&world);
	}
	world_iterate_all(&world);
	close_world();
}

static void test_random(void)
{
	for (unsigned i = 0; i < WORLD_KEYS * WORLD_ELEMS * WORLD_HASHES; i++) {
		struct world_shape shape = {
			.minor = OLDEST + (int)(i % (NEWEST - OLDEST + 1)),
			.key = i % WORLD_KEYS, .elem = i / WORLD_KEYS % WORLD_ELEMS, .hash = i / WORLD_KEYS / WORLD_ELEMS,
			.slow = i / 7 % 2, .hint = i % 3 == 0 ? i * 7 : 0,
			.machine = i % 5 == 0 ? x86 : i % 7 == 1 ? ppc64 : amd64,
		};

		run_random(&shape, 6000);
	}
}

static void churn(void)
{
	for (unsigned i = 0; i < 40000; i++)
		random_operation(2000, 1);
}

/* Destroyed, a map leaves nothing behind; alive, it does not grow for ever. */
static void test_memory(void)
{
	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		open_world(&(struct world_shape){
			.minor = minor, .key = minor % 2 ? KEY_INDIRECT : 0, .elem = minor % 2 ? ELEM_INDIRECT : 0 });

		uint64_t random = world.random, water = 0;

		for (unsigned round = 0; round < 4; round++) {
			world_close_map(&world);
			world.random = random;
			world_create_map(&world);
			churn();
			world_put_all(&world, 0, 500, 1);
			world_clear(&world);
			CHECK(water == 0 || world_high_water(&world) == water);
			water = world_high_water(&world);
		}
		close_world();
	}
}

int main(void)
{
	test_load();
	test_hints();
	test_same_size_growth();
	test_evacuation_mark();
	test_size_classes();
	test_spares();
	test_use_of_spares();
	test_wiping();
	test_wiping_of_old_buckets();
	test_key_in_old_bucket();
	test_empty_rest();
	test_empty_rest_over_buckets();
	test_reseed();
	test_key_update();
	test_clear();
	test_clear_of_irreflexive_keys();
	test_clear_under_iterators();
	test_iteration_start();
	test_iteration_bucket();
	test_growth_under_iterators();
	test_delete_what_comes();
	test_random();
	test_memory();
	return check_done();
}
