/* Walks over maps made by hand: sound ones in each state, and each way of being unsound that has a finding of its own. */
#include <stdlib.h>

#include "check.h"
#include "map/capture.h"
#include "map_world.h"
#include "util/interrupt.h"

enum { HEADER = WORLD_BASE, ARRAY = WORLD_BASE + 0x1000, OLD = WORLD_BASE + 0x4000, MORE = WORLD_BASE + 0x8000 };
enum { DIRECTORY = WORLD_BASE + 0x800, TABLES = WORLD_BASE + 0xc00 };

static struct world world;
static bool in_place; /* the target has a view, as cores have */
static struct machine machine;

/* The types here are complete, and none is an interface. */
struct error *gotype_complete(struct gotype *type)
{
	return type->completed ? NULL : error_new(ERROR_MEMORY, "%s: not completed", type->name);
}

struct error *gotype_of_interface(struct gotype *type, taddr address, const uint8_t *bytes, struct gotype **dynamic,
				  taddr *value, bool *inside)
{
	return error_new(ERROR_MEMORY, "no interfaces here");
}

/* --- making maps ----------------------------------------------------------------------------------------------- */

static void classic(int go_minor, uint64_t count, uint8_t b, uint8_t flags, uint64_t old)
{
	const struct classic_header_layout *at = &world.layout.classic;

	world_open(&world, MAP_CLASSIC, go_minor, machine);
	world_poke_field(&world, HEADER, at->count, count);
	world_poke_field(&world, HEADER, at->b, b);
	world_poke_field(&world, HEADER, at->flags, flags);
	world_poke_field(&world, HEADER, at->buckets, ARRAY);
	world_poke_field(&world, HEADER, at->oldbuckets, old);
}

static uint64_t bucket(uint64_t array, unsigned index)
{
	return array + (uint64_t)index * world.layout.unit.size;
}

static void put_entry(uint64_t unit, unsigned slot, uint32_t key)
{
	world_poke(&world, unit + world.layout.unit.key_offset + slot * world.layout.unit.key_stride, 4, key);
	world_poke(&world, unit + world.layout.unit.elem_offset + slot * world.layout.unit.elem_stride, 4, key + 1000);
}

static void classic_entry(uint64_t unit, unsigned slot, uint32_t key)
{
	world_poke(&world, unit + slot, 1, 200);
	put_entry(unit, slot, key);
}

static void overflow(uint64_t unit, uint64_t to)
{
	world_poke(&world, unit + world.layout.unit.overflow_offset, machine.word_size, to);
}

static void swiss(uint64_t used, uint64_t directory, uint64_t length, uint8_t depth)
{
	const struct swiss_header_layout *at = &world.layout.swiss;

	world_open(&world, MAP_SWISS, 26, machine);
	world_poke_field(&world, HEADER, at->used, used);
	world_poke_field(&world, HEADER, at->dir_ptr, directory);
	world_poke_field(&world, HEADER, at->dir_len, length);
	world_poke_field(&world, HEADER, at->global_depth, depth);
}

/* A group whose slots [0, count) hold first, first + 1, ...; the others are empty, the last one a tombstone. */
static void swiss_group(uint64_t group, unsigned count, uint32_t first)
{
	uint64_t control = 0;

	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		control |= (uint64_t)(slot < count ? 0x33 : slot == MAP_SLOTS - 1 ? 0xfe : 0x80) << 8 * slot;
		if (slot < count)
			put_entry(group, slot, first + slot);
	}
	world_poke(&world, group, 8, control);
}

static uint64_t table(unsigned number)
{
	return TABLES + number * 64;
}

static void swiss_table(unsigned number, uint64_t index, uint8_t depth, unsigned groups, uint64_t data)
{
	const struct swiss_header_layout *at = &world.layout.swiss;

	world_poke_field(&world, table(number), at->table_capacity, groups * MAP_SLOTS);
	world_poke_field(&world, table(number), at->table_local_depth, depth);
	world_poke_field(&world, table(number), at->table_index, index);
	world_poke_field(&world, table(number), at->table_groups_data, data);
	world_poke_field(&world, table(number), at->table_groups_mask, groups - 1);
}

static void directory(unsigned slot, uint64_t to)
{
	world_poke(&world, DIRECTORY + slot * machine.word_size, machine.word_size, to);
}

/* --- walking them ------------------------------------------------------------------------------------------------ */

struct seen {
	uint64_t live, units, evacuated, waiting, key_sum, wrong;
};

static void look_at(const struct go_map *map, const struct map_batch *batch, struct seen *seen)
{
	seen->units += batch->count;
	for (size_t i = 0; i < batch->count; i++) {
		const struct map_unit *unit = &batch->units[i];

		seen->evacuated += unit->evacuated;
		seen->waiting += unit->waiting;
		for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
			uint32_t key = load_u32(&machine, map_key_slot(map, unit, slot));

			if (!(unit->live >> slot & 1))
				continue;
			seen->live++;
			seen->key_sum += key;
			seen->wrong += load_u32(&machine, map_elem_slot(map, unit, slot)) != key + 1000;
		}
	}
}

/* Through a capture, with and without what is not live: both must show the same. */
static void walk_captured(const struct go_map *map, bool whole, struct seen *seen)
{
	struct findings findings = { 0 };
	struct capture *capture = capture_create(map, whole);
	struct map_walk *walk = map_walk_create(map, MAP_WALK_ALL, &findings);
	struct map_batch batch;

	*seen = (struct seen){ 0 };
	while (CHECK(map_walk_next(walk, &batch) == NULL) && batch.count != 0)
		CHECK(capture_add(capture, &batch) == NULL);
	for (int pass = 0; pass < 2; pass++) {
		*seen = (struct seen){ 0 };
		capture_rewind(capture, pass == 1);
		while (CHECK(capture_next(capture, &batch) == NULL) && batch.count != 0)
			look_at(map, &batch, seen);
	}
	capture_destroy(capture);
	map_walk_destroy(walk);
	findings_free(&findings);
}

static void walk(uint64_t hole, uint64_t hole_length, struct seen *seen, struct findings *findings)
{
	struct go_map map;
	struct map_batch batch;
	struct seen captured;

	*seen = (struct seen){ 0 };
	*findings = (struct findings){ 0 };
	world_publish(&world, in_place, hole, hole_length);

	struct error *error = map_open(&world.map, taddr_of(HEADER), &map);

	if (!CHECK(error == NULL)) {
		fprintf(stderr, "\t%s\n", error->message);
		error_free(error);
		return;
	}

	struct map_walk *walk = map_walk_create(&map, MAP_WALK_ALL, findings);

	while (CHECK(map_walk_next(walk, &batch) == NULL) && batch.count != 0)
		look_at(&map, &batch, seen);
	map_walk_destroy(walk);
	CHECK_UINT(seen->wrong, 0);
	for (int whole = 0; whole < 2; whole++) {
		walk_captured(&map, whole, &captured);
		CHECK(memcmp(&captured, seen, sizeof(captured)) == 0);
	}
}

/* A sound map: these entries, no finding. */
static void expect(uint64_t live, uint64_t key_sum)
{
	struct seen seen;
	struct findings findings;

	walk(0, 0, &seen, &findings);
	CHECK_UINT(seen.live, live);
	CHECK_UINT(seen.key_sum, key_sum);
	CHECK_UINT(findings.total, 0);
	findings_free(&findings);
	world_close(&world);
}

/* An unsound one: so many entries all the same, and a finding that says `why`. */
static void expect_finding(uint64_t live, const char *why, uint64_t hole, uint64_t hole_length)
{
	struct seen seen;
	struct findings findings;

	walk(hole, hole_length, &seen, &findings);
	CHECK_UINT(seen.live, live);
	if (CHECK(findings.count != 0) && !CHECK(strstr(findings.items[0].what, why) != NULL))
		fprintf(stderr, "\t%s\n", findings.items[0].what);
	findings_free(&findings);
	world_close(&world);
}

static void expect_error(const char *why)
{
	struct go_map map;

	world_publish(&world, in_place, 0, 0);

	struct error *error = map_open(&world.map, taddr_of(HEADER), &map);

	if (CHECK(error != NULL)) {
		CHECK_UINT(error->code, ERROR_MEMORY);
		if (!CHECK(strstr(error->message, why) != NULL))
			fprintf(stderr, "\t%s\n", error->message);
	}
	error_free(error);
	world_close(&world);
}

/* --- classic ----------------------------------------------------------------------------------------------------- */

static void check_classic_sound(void)
{
	classic(23, 3, 1, 0, 0);
	classic_entry(bucket(ARRAY, 0), 0, 1);
	classic_entry(bucket(ARRAY, 1), 7, 2);
	overflow(bucket(ARRAY, 1), MORE);
	classic_entry(MORE, 3, 4);
	expect(3, 7);

	/* half-grown: old bucket 0 is evacuated, the new buckets 1 and 3 wait for old bucket 1 */
	for (int go_minor = 11; go_minor <= 12; go_minor++) {
		classic(go_minor, 4, 2, 0, OLD);
		world_poke(&world, bucket(OLD, 0), 1, 2);
		put_entry(bucket(OLD, 0), 0, 77);
		classic_entry(bucket(ARRAY, 0), 0, 1);
		classic_entry(bucket(ARRAY, 2), 1, 2);
		classic_entry(bucket(ARRAY, 3), 1, 5000); /* left over from another life of this memory */
		classic_entry(bucket(OLD, 1), 0, 4);
		overflow(bucket(OLD, 1), MORE);
		classic_entry(MORE, 0, 8);
		expect(4, 15);
	}

	/* same-size growth: old bucket 1 is evacuated */
	classic(23, 2, 1, CLASSIC_SAME_SIZE_GROW, OLD);
	world_poke(&world, bucket(OLD, 1), 1, 4);
	classic_entry(bucket(OLD, 0), 2, 1);
	classic_entry(bucket(ARRAY, 0), 0, 5000);
	classic_entry(bucket(ARRAY, 1), 0, 2);
	expect(2, 3);
}

static void check_classic_unsound(void)
{
	classic(23, 1, 1, 0, 0);
	classic_entry(bucket(ARRAY, 0), 0, 1);
	overflow(bucket(ARRAY, 0), bucket(ARRAY, 1));
	expect_finding(1, "points back into the array", 0, 0);

	classic(23, 2, 0, 0, 0);
	classic_entry(bucket(ARRAY, 0), 0, 1);
	overflow(bucket(ARRAY, 0), MORE);
	classic_entry(MORE, 0, 2);
	overflow(MORE, MORE);
	expect_finding(2, "circle", 0, 0);

	classic(23, 3, 0, 0, 0);
	classic_entry(bucket(ARRAY, 0), 0, 1);
	overflow(bucket(ARRAY, 0), MORE);
	classic_entry(MORE, 0, 2);
	overflow(MORE, MORE + 0x100);
	classic_entry(MORE + 0x100, 0, 3);
	overflow(MORE + 0x100, MORE);
	expect_finding(3, "circle", 0, 0);

	/* the second bucket's chain leads into the first one's */
	classic(23, 4, 1, 0, 0);
	classic_entry(bucket(ARRAY, 0), 0, 1);
	overflow(bucket(ARRAY, 0), MORE);
	classic_entry(MORE, 0, 2);
	overflow(MORE, MORE + 0x100);
	classic_entry(MORE + 0x100, 0, 3);
	classic_entry(bucket(ARRAY, 1), 0, 4);
	overflow(bucket(ARRAY, 1), MORE + 0x100);
	expect_finding(4, "two chains in one", 0, 0);

	classic(23, 2, 1, 0, 0);
	classic_entry(bucket(ARRAY, 0), 0, 1);
	overflow(bucket(ARRAY, 0), 8);
	classic_entry(bucket(ARRAY, 1), 0, 2);
	expect_finding(2, "overflow bucket 1 of bucket 0", 0, 0);

	classic(23, 100, 7, 0, 0);
	classic_entry(bucket(ARRAY, 0), 0, 1);
	classic_entry(bucket(ARRAY, 127), 0, 2);
	expect_finding(2, "buckets of 128", ARRAY + 0x1000, 0x100);

	classic(23, 1, 60, 0, 0);
	expect_error("B is 60");
	classic(23, 1, 0, 0, OLD);
	expect_error("grows to one bucket");
	classic(23, 1, 0, 0, 0);
	world_poke_field(&world, HEADER, world.layout.classic.buckets, 0);
	expect_error("no buckets");
}

/* --- swiss ------------------------------------------------------------------------------------------------------- */

/* Three tables: one fills slots 0 and 1, the others one each. */
static void three_tables(void)
{
	swiss(8, DIRECTORY, 4, 2);
	directory(0, table(0));
	directory(1, table(0));
	directory(2, table(1));
	directory(3, table(2));
	swiss_table(0, 0, 1, 2, MORE);
	swiss_table(1, 2, 2, 1, MORE + 0x1000);
	swiss_table(2, 3, 2, 1, MORE + 0x2000);
	swiss_group(MORE, 2, 1);
	swiss_group(MORE + 72, 3, 10);
	swiss_group(MORE + 0x1000, 1, 100);
	swiss_group(MORE + 0x2000, 2, 1000);
}

static void check_swiss_sound(void)
{
	swiss(3, MORE, 0, 0);
	swiss_group(MORE, 3, 1);
	expect(3, 6);

	swiss(0, MORE, 0, 0); /* the group is there, its control word is not written yet */
	expect(0, 0);

	three_tables();
	expect(8, 3 + 33 + 100 + 2001);
}

static void check_swiss_unsound(void)
{
	three_tables();
	world_poke_field(&world, table(0), world.layout.swiss.table_groups_mask, 0xff);
	expect_finding(3, "length mask", 0, 0);
	three_tables();
	world_poke_field(&world, table(0), world.layout.swiss.table_capacity, 24);
	expect_finding(3, "capacity", 0, 0);
	three_tables();
	world_poke_field(&world, table(1), world.layout.swiss.table_index, 0);
	expect_finding(7, "index", 0, 0);
	three_tables();
	world_poke_field(&world, table(1), world.layout.swiss.table_local_depth, 9);
	expect_finding(7, "local depth", 0, 0);
	three_tables();
	directory(3, table(0));
	expect_finding(6, "directory slot", 0, 0);
	three_tables();
	directory(3, 8);
	expect_finding(6, "directory slot 3", 0, 0);
	three_tables();
	expect_finding(5, "table of directory slot 0", MORE + 72, 72);
	three_tables();
	world_poke(&world, MORE + 0x1000 + 3, 1, 0x81);
	expect_finding(8, "control byte", 0, 0);

	swiss(0, MORE, 0, 0);
	swiss_group(MORE, 3, 1); /* the count is checked by who asked for the walk */
	expect(3, 6);

	swiss(9, MORE, 0, 0);
	expect_error("9 entries in one group");
	swiss(9, DIRECTORY, 3, 2);
	expect_error("does not fit its depth");
	swiss(9, DIRECTORY, UINT32_MAX, 255);
	expect_error("does not fit its depth");
	swiss(1, 0, 0, 0);
	expect_error("no directory");
}

/* --- given up ---------------------------------------------------------------------------------------------------- */

static void (*fake_read)(struct target *, struct target_piece *pieces, size_t count);

/* Groups are not read any more: the budget of a stop is spent, say. */
static void read_no_groups(struct target *target, struct target_piece *pieces, size_t count)
{
	fake_read(target, pieces, count);
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].address.v < MORE)
			continue;
		pieces[i].got = 0;
		interrupt_give_up("enough", "of it");
	}
}

/* A map that ends for that is not a map with something wrong. The last of the tests: giving up cannot be taken back. */
static void check_given_up(void)
{
	struct findings findings = { 0 };
	struct map_batch batch;
	struct go_map map;

	machine = (struct machine){ .word_size = 8 };
	three_tables();
	world_publish(&world, false, 0, 0);
	fake_read = world.plain_ops.read_pieces;
	world.plain_ops.read_pieces = read_no_groups;
	CHECK(map_open(&world.map, taddr_of(HEADER), &map) == NULL);

	struct map_walk *walk = map_walk_create(&map, MAP_WALK_ALL, &findings);
	struct error *error = map_walk_next(walk, &batch);

	CHECK(error != NULL && strstr(error->message, "enough") != NULL);
	CHECK_UINT(batch.count, 0);
	error_free(error);
	map_walk_destroy(walk);
	findings_free(&findings);
	world_close(&world);
}

int main(void)
{
	for (int i = 0; i < 8; i++) {
		machine = (struct machine){ .word_size = i & 1 ? 4 : 8, .big_endian = i & 2 };
		in_place = i & 4;
		check_classic_sound();
		check_classic_unsound();
		check_swiss_sound();
		check_swiss_unsound();
	}
	check_given_up();
	return check_done();
}
