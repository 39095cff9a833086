/*
 * A reference map beside a dictionary. The first bytes of the input choose version, implementation, types and quality of the
 * hash; three bytes each then choose operations, one or a run of them.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "../unit/swiss_invariants.h"

enum { SETTINGS = 8, OPERATION = 3 };
/* Of operations an input; of keys where all hashes agree in their high bits, as a table of a full 1024 slots would split
 * without end. */
enum { OPERATIONS_MOST = 2500, NUMBERS_MOST = 300 };
enum { OLDEST_MINOR = 8, NEWEST_MINOR = 27, SWISS_MINORS = 4, LAST_CLASSIC_MINOR = 25 };

static const struct machine machines[] = {
	{ EM_X86_64, 8, false }, { EM_386, 4, false }, { EM_PPC64, 8, true }, { EM_MIPS, 4, true }
};

static struct refmap_world world;
static unsigned operations;

static struct world_shape shape_of(const uint8_t *settings)
{
	bool swiss = settings[0] & 1;

	return (struct world_shape){
		.implementation = swiss ? MAP_SWISS : MAP_CLASSIC,
		.minor = swiss ? NEWEST_MINOR - settings[1] % SWISS_MINORS
			       : OLDEST_MINOR + settings[1] % (LAST_CLASSIC_MINOR - OLDEST_MINOR + 1),
		.machine = machines[settings[0] >> 1 & 3],
		.slow = settings[0] & 8, .split_groups = swiss && (settings[0] & 16) && settings[1] % SWISS_MINORS == 0,
		.key = settings[2] % WORLD_KEYS, .elem = settings[3] % WORLD_ELEMS, .hash = settings[4] % WORLD_HASHES,
		.hint = settings[5] & 1 ? settings[6] * (settings[5] & 2 ? 16U : 1U) : 0,
		.random = settings[7],
	};
}

static uint32_t numbers_of(const struct world_shape *shape)
{
	if (world_keys[shape->key].size == 1)
		return 1 << 8;
	return shape->hash >= WORLD_HASH_ORDERED ? NUMBERS_MOST : WORLD_NUMBERS;
}

static void check(void)
{
	world_check(&world);
	if (world.shape.implementation == MAP_SWISS)
		swiss_check(&world);
}

/*
 * Until Go 1.20 mapclear() left iterators in the buckets that it let go of (go.dev/issue/59411). Later ones still find there the
 * keys that are not equal to themselves, in buckets that growth let go of before: no lookup tells that they are gone.
 */
static void clear(void)
{
	bool misleads = world.shape.implementation == MAP_CLASSIC &&
			(world.version->minor < 21 || world_keys[world.shape.key].irreflexive);

	for (unsigned i = 0; i < WORLD_ITERATORS && misleads; i++)
		if (world.iterators[i] != NULL)
			world_iterate_end(&world, i);
	world_clear(&world);
}

static void iterate(unsigned which, unsigned steps)
{
	if (world.iterators[which] == NULL)
		world_iterate_begin(&world, which);
	for (unsigned i = 0; i < steps && world.iterators[which] != NULL; i++)
		world_iterate_step(&world, which);
}

static void run(void (*one)(struct refmap_world *, uint32_t), uint32_t first, uint32_t count, uint32_t step)
{
	uint32_t numbers = numbers_of(&world.shape);

	for (uint32_t i = 0; i < count && operations < OPERATIONS_MOST; i++, operations++)
		one(&world, (first + i * step) % numbers);
}

static void operate(const uint8_t *bytes)
{
	uint32_t number = bytes[1] | (uint32_t)bytes[2] << 8;
	unsigned high = bytes[0] >> 4;

	switch (bytes[0] & 15) {
	case 0: case 1: case 2: run(world_put, number, 1, 1); break;
	case 3: run(world_put, number, 8U << (high & 7), 1 + high / 8); break;
	case 4: case 5: run(world_delete, number, 1, 1); break;
	case 6: run(world_delete, number, 8U << (high & 7), 1 + high / 8); break;
	case 7: run(world_get, number, 1 + high, 1); break;
	case 8: clear(); break;
	case 9: check(); break;
	default: iterate(bytes[0] & 1, 1 + high * (bytes[1] & 31)); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < SETTINGS)
		return 0;

	struct world_shape shape = shape_of(data);

	if (!world_open(&world, &shape))
		return 0;
	operations = 0;
	for (size_t at = SETTINGS; size - at >= OPERATION && operations < OPERATIONS_MOST; at += OPERATION) {
		operate(data + at);
		operations++;
	}
	check();
	for (unsigned which = 0; which < WORLD_ITERATORS; which++)
		iterate(which, WORLD_NUMBERS);
	if (world.failed != 0)
		abort();
	world_close(&world);
	return 0;
}
