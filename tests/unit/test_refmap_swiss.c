/* The Swiss half of the reference map: known shapes, and random operations beside a dictionary. */
#include "check.h"
#include "swiss_invariants.h"

static const struct machine amd64 = { EM_X86_64, 8, false }, x86 = { EM_386, 4, false }, ppc64 = { EM_PPC64, 8, true };

static struct refmap_world world;

#define HEADER(field)	    swiss_header(&world, world.layout.swiss.field)
#define TABLE(table, field) swiss_field(&world, (table), world.layout.swiss.table_##field)

static void open_world(const struct world_shape *shape)
{
	struct world_shape swiss = *shape;

	swiss.implementation = MAP_SWISS;
	if (swiss.machine.word_size == 0)
		swiss.machine = amd64;
	CHECK(world_open(&world, &swiss));
}

static void close_world(void)
{
	swiss_check(&world);
	world_check(&world);
	CHECK_UINT(world.failed, 0);
	world_close(&world);
}

static void test_small(void)
{
	open_world(&(struct world_shape){ .minor = 26 });
	CHECK_UINT(HEADER(dir_ptr), 0);
	CHECK(HEADER(seed) != 0);
	world_put_all(&world, 0, 8, 1);
	CHECK_UINT(HEADER(dir_len), 0);
	CHECK_UINT(HEADER(global_shift), 0);
	world_put_all(&world, 8, 9, 1);
	CHECK_UINT(HEADER(dir_len), 1);
	CHECK_UINT(HEADER(global_shift), 64);
	CHECK_UINT(TABLE(swiss_directory(&world, 0), capacity), 16);
	CHECK_UINT(TABLE(swiss_directory(&world, 0), growth_left), 5);
	CHECK_UINT(world.event_a[REFMAP_TO_TABLE], 16);
	close_world();
}

static void test_update_of_full_small_map(void)
{
	for (int minor = 24; minor <= 27; minor++) {
		open_world(&(struct world_shape){ .minor = minor });
		world_put_all(&world, 0, 8, 1);
		world_put_all(&world, 3, 4, 1);
		CHECK_UINT(HEADER(dir_len), minor < 27);
		CHECK_UINT(HEADER(used), 8);
		close_world();
	}
}

static void check_hint(struct machine machine, uint64_t hint, uint64_t directory_length, uint64_t capacity)
{
	open_world(&(struct world_shape){ .minor = 26, .machine = machine, .hint = hint });
	CHECK_UINT(HEADER(dir_len), directory_length);
	for (uint64_t i = 0; i < directory_length; i++)
		CHECK_UINT(TABLE(swiss_directory(&world, i), capacity), capacity);
	close_world();
}

static void test_hints(void)
{
	check_hint(amd64, 8, 0, 0);
	check_hint(amd64, 9, 1, 16);
	check_hint(amd64, 14, 1, 16);
	check_hint(amd64, 15, 1, 32);
	check_hint(amd64, 896, 1, 1024);
	check_hint(amd64, 897, 2, 512); /* 1025 slots wanted */
	check_hint(amd64, 1000, 2, 1024);
	check_hint(amd64, 3000, 4, 1024);
	check_hint(x86, 1000, 2, 1024);
	check_hint(amd64, UINT64_C(1) << 41, 0, 0); /* more than maxAlloc */
	check_hint(amd64, UINT64_C(1) << 61, 0, 0); /* overflows */
	check_hint(amd64, UINT64_MAX, 0, 0);        /* negative */
	check_hint(x86, UINT64_C(1) << 29, 0, 0);
	check_hint(x86, UINT64_C(1) << 31, 0, 0);
}

static void test_split(void)
{
	open_world(&(struct world_shape){ .minor = 26, .hint = 896 });
	world_put_all(&world, 0, 896, 1);
	CHECK_UINT(HEADER(dir_len), 1);
	world_put_all(&world, 896, 897, 1);
	CHECK_UINT(HEADER(dir_len), 2);
	CHECK_UINT(HEADER(global_depth), 1);
	CHECK_UINT(HEADER(global_shift), 63);
	CHECK_UINT(TABLE(swiss_directory(&world, 1), local_depth), 1);
	CHECK_UINT(world.events[REFMAP_REHASH], 0);
	CHECK_UINT(world.event_a[REFMAP_SPLIT], 0);
	CHECK_UINT(world.event_b[REFMAP_SPLIT], 1);
	CHECK_UINT(world.event_a[REFMAP_DIRECTORY], 2);
	close_world();
}

/* Eight even keys fill group 0, six odd ones are in group 1; then growthLeft is 0. */
static void open_two_groups(int minor, unsigned key, bool slow)
{
	open_world(&(struct world_shape){ .minor = minor, .key = key, .slow = slow, .hint = 14, .hash = WORLD_HASH_ORDERED });
	world_put_all(&world, 0, 16, 2);
	world_put_all(&world, 1, 13, 2);
}

static void test_deleted_slots(void)
{
	open_two_groups(26, 0, false);

	taddr group = swiss_group_of(&world, swiss_directory(&world, 0), 0);

	world_delete_all(&world, 4, 5, 1);
	CHECK_UINT(swiss_control_byte(&world, group, 2), 0xfe);
	CHECK_UINT(world_number(&world, swiss_key_place(&world, group, 2)), 4); /* a key without pointers stays */
	CHECK_UINT(TABLE(swiss_directory(&world, 0), growth_left), 0);
	CHECK_UINT(HEADER(tombstone_possible), 1);
	world_delete_all(&world, 1, 2, 1);
	group = swiss_group_of(&world, swiss_directory(&world, 0), 1);
	CHECK_UINT(swiss_control_byte(&world, group, 0), 0x80);
	CHECK_UINT(TABLE(swiss_directory(&world, 0), growth_left), 1);
	close_world();
}

static void check_pruning(int minor, unsigned key, bool slow, bool prunes)
{
	open_two_groups(minor, key, slow);
	world_delete_all(&world, 0, 8, 2);
	world_put_all(&world, 13, 14, 1);
	CHECK_UINT(world.events[REFMAP_PRUNE], prunes);
	CHECK_UINT(world.events[REFMAP_REHASH], !prunes);
	CHECK_UINT(world.event_b[REFMAP_PRUNE], prunes ? 4 : 0);
	CHECK_UINT(TABLE(swiss_directory(&world, 0), capacity), prunes ? 16 : 32);
	close_world();
}

static void test_pruning(void)
{
	enum { FAST64 = 0, FASTSTR = 2, FAST64PTR = 3 };

	for (int minor = 24; minor <= 27; minor++) {
		check_pruning(minor, FAST64, false, minor >= 25);
		check_pruning(minor, FASTSTR, false, minor >= 25);
		check_pruning(minor, FAST64PTR, false, minor >= 27);
		check_pruning(minor, FAST64, true, false);
	}
}

/* Tombstones that the lookup of a key passes stay: key 16 is in group 1 because its own was full. */
static void test_pruning_of_needed_tombstones(void)
{
	open_world(&(struct world_shape){ .minor = 27, .hint = 14, .hash = WORLD_HASH_ORDERED });
	world_put_all(&world, 0, 18, 2);
	world_put_all(&world, 1, 11, 2);
	world_delete_all(&world, 0, 8, 2);
	world_put_all(&world, 11, 12, 2);
	CHECK_UINT(world.events[REFMAP_PRUNE], 0);
	CHECK_UINT(world.events[REFMAP_REHASH], 1);
	close_world();
}

/* Group 0's keys are deleted, so that the group has no entry but still their bytes; group 1 keeps `left` keys. */
static void check_clear(int minor, uint64_t hint, uint32_t left, bool stays)
{
	open_world(&(struct world_shape){ .minor = minor, .hint = hint, .hash = WORLD_HASH_ORDERED });

	uint64_t groups = TABLE(swiss_directory(&world, 0), groups_mask) + 1, sequence = HEADER(clear_seq);
	taddr group = swiss_group_of(&world, swiss_directory(&world, 0), 0);

	for (uint32_t i = 0; i < left; i++)
		world_put(&world, 1 + i * (uint32_t)groups);
	world_put(&world, (uint32_t)groups);
	world_delete(&world, (uint32_t)groups);
	CHECK_UINT(world_number(&world, swiss_key_place(&world, group, 0)), groups);
	world_clear(&world);
	CHECK_UINT(world_number(&world, swiss_key_place(&world, group, 0)), stays ? groups : 0);
	CHECK_UINT(HEADER(clear_seq), sequence + 1);
	CHECK_UINT(world.events[REFMAP_RESEED], 1);
	close_world();
}

static void test_clear(void)
{
	check_clear(24, 100, 1, false);
	check_clear(25, 100, 4, true);
	check_clear(26, 100, 3, true);
	check_clear(26, 100, 4, false);
	check_clear(27, 100, 3, true);
	check_clear(27, 100, 4, false);
}

/* clear() of an empty map with tombstones: from 1.25 on it removes them. */
static void test_clear_of_tombstones(void)
{
	for (int minor = 24; minor <= 27; minor++) {
		open_two_groups(minor, 0, false);
		world_delete_all(&world, 0, 16, 1);
		CHECK_UINT(world.events[REFMAP_RESEED], 1);
		CHECK_UINT(TABLE(swiss_directory(&world, 0), growth_left), 6);

		uint64_t sequence = HEADER(clear_seq);

		world_clear(&world);
		CHECK_UINT(HEADER(clear_seq), sequence + (minor >= 25));
		CHECK_UINT(TABLE(swiss_directory(&world, 0), growth_left), minor >= 25 ? 14 : 6);
		CHECK_UINT(HEADER(tombstone_possible), 0);
		close_world();
	}
}

static void test_iterators_take_random_numbers(void)
{
	open_world(&(struct world_shape){ .minor = 26 });

	uint64_t random = world.random;

	world_iterate_begin(&world, 0);
	CHECK_UINT(world.random, random);
	world_put_all(&world, 0, 20, 1);
	random = world.random;
	CHECK(!world_iterate_step(&world, 0)); /* it began when the map was empty */
	world_iterate_begin(&world, 0);
	CHECK_UINT(world.random - random, 2 * UINT64_C(0x9e3779b97f4a7c15));
	while (world_iterate_step(&world, 0))
		continue;
	close_world();
}

/* Hashes that agree in their high bits let a table of 1024 slots split again and again. */
static uint32_t numbers_of(const struct world_shape *shape)
{
	if (world_keys[shape->key].size == 1)
		return 200;
	return shape->hash >= WORLD_HASH_ORDERED ? 300 : 5000;
}

/* Phases in which the map mostly grows, is churned, or shrinks. */
static void random_operation(uint32_t numbers, unsigned phase)
{
	world_random_operation(&world, numbers, phase, 64);
}

static void run_random(const struct world_shape *shape, unsigned operations)
{
	open_world(shape);
	for (unsigned i = 0; i < operations; i++) {
		random_operation(numbers_of(shape), i * 5 / operations % 3);
		if (i % 1024 == 0) {
			swiss_check(&world);
			world_check(&world);
		}
	}
	world_iterate_all(&world);
	close_world();
}

static void test_random(void)
{
	for (unsigned i = 0; i < WORLD_KEYS * WORLD_ELEMS * WORLD_HASHES; i++) {
		struct world_shape shape = {
			.minor = 24 + (int)(i % 4), .key = i % WORLD_KEYS, .elem = i / WORLD_KEYS % WORLD_ELEMS,
			.hash = i / WORLD_KEYS / WORLD_ELEMS, .slow = i / 7 % 2, .split_groups = i % 4 == 3 && i / 4 % 2,
			.hint = i % 3 == 0 ? i * 7 : 0, .random = i, .machine = i % 5 == 0 ? x86 : i % 5 == 1 ? ppc64 : amd64,
		};

		run_random(&shape, 6000);
	}
}

/* Iterations over maps that grow a lot meanwhile: their tables split, the directory doubles. */
static void test_growth_under_iterators(void)
{
	for (unsigned round = 0; round < 24; round++) {
		struct world_shape shape = {
			.minor = 24 + (int)(round % 4), .key = round % 3 == 0 ? 7 : 0,
			.machine = round % 5 ? amd64 : x86, .random = round,
		};
		uint32_t start = round < 8 ? 5 : 150 * round, next;

		open_world(&shape);
		world_put_all(&world, 0, start, 1);
		world_iterate_begin(&world, 0);
		for (next = start; world_iterate_step(&world, 0) && next + 12 < WORLD_NUMBERS; next += 12) {
			world_put_all(&world, next, next + 12, 1);
			world_delete(&world, (uint32_t)world_random(&world) % next);
		}
		CHECK(world.iterators[0] == NULL || next + 12 >= WORLD_NUMBERS);
		close_world();
	}
}

static void iterate_to_the_end(void)
{
	while (world_iterate_step(&world, 0))
		continue;
}

/* Tables of different local depths, iterations that begin amid the directory slots of one, and a directory that doubles when an
 * iteration is past some of its tables. */
static void test_directory_under_iterators(void)
{
	for (uint32_t start = 1000; start < 5000; start += 230) {
		for (uint32_t part = 1; part < 8; part += 2) {
			open_world(&(struct world_shape){ .minor = 26, .random = start * part });
			world_put_all(&world, 0, start, 1);
			for (unsigned i = 0; i < 4; i++) {
				world_iterate_begin(&world, 0);
				iterate_to_the_end();
			}
			world_iterate_begin(&world, 0);
			for (uint32_t i = 0; i < start / 8 * part; i++)
				world_iterate_step(&world, 0);
			world_put_all(&world, start, 2 * start + 1000, 1);
			iterate_to_the_end();
			CHECK(HEADER(dir_len) > 2);
			close_world();
		}
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
	const unsigned indirect = 9, wide = 5;

	for (int minor = 24; minor <= 27; minor++) {
		open_world(&(struct world_shape){ .minor = minor, .key = indirect, .elem = wide });

		uint64_t random = world.random, water = 0;

		for (unsigned round = 0; round < 3; round++) {
			world.random = random;
			churn();
			CHECK(water == 0 || world_high_water(&world) == water);
			water = world_high_water(&world);
			world_close_map(&world);
			world_create_map(&world);
		}
		close_world();
	}
}

int main(void)
{
	test_small();
	test_update_of_full_small_map();
	test_hints();
	test_split();
	test_deleted_slots();
	test_pruning();
	test_pruning_of_needed_tombstones();
	test_clear();
	test_clear_of_tombstones();
	test_iterators_take_random_numbers();
	test_random();
	test_growth_under_iterators();
	test_directory_under_iterators();
	test_memory();
	return check_done();
}
