/* sync.Maps made by hand: sound ones of both forms, and each way of being unsound that has a finding of its own. */
#include <stdlib.h>

#include "check.h"
#include "sync_world.h"

enum { MAP = WORLD_BASE, NODES = WORLD_BASE + 0x1000, ENTRIES = WORLD_BASE + 0x4000, ARRAY = WORLD_BASE + 0x8000 };
enum { READ_ONLY = WORLD_BASE + 0x100, READ = WORLD_BASE + 0x200, DIRTY = WORLD_BASE + 0x300, EXPUNGED = 0xeeee0 };

static struct world world;
static struct sync_world sync_maps;
static struct gotype any, map_type;
static struct machine machine;
static bool in_place; /* the target has a view, as cores have */

/* The types here are complete, and no value is looked at. */
struct error *gotype_complete(struct gotype *type)
{
	return type->completed ? NULL : error_new(ERROR_MEMORY, "%s: not completed", type->name);
}

struct error *gotype_of_interface(struct gotype *type, taddr address, const uint8_t *bytes, struct gotype **dynamic,
				  taddr *value, bool *inside)
{
	return error_new(ERROR_MEMORY, "no interfaces here");
}

bool gotype_is_sync(const struct gotype *type)
{
	return type == &map_type;
}

struct error *gotype_sync_layout(struct gotype *type, const struct sync_layout **out)
{
	*out = &sync_maps.layout;
	return NULL;
}

static void open_world(enum sync_form form, enum map_implementation inner)
{
	world_open(&world, inner, inner == MAP_SWISS ? 26 : 20, machine);
	any = (struct gotype){ .program = &world.program, .kind = GO_INTERFACE, .name = "interface {}", .size = 2u * machine.word_size,
			       .completed = true };
	sync_world_layout(&sync_maps, &world, form, &any);
	map_type = (struct gotype){ .program = &world.program, .kind = GO_STRUCT, .name = "sync.Map", .size = sync_maps.layout.size,
				    .completed = true };
}

static void poke(uint64_t address, struct field_at at, uint64_t value)
{
	world_poke_field(&world, address, at, value);
}

/* --- trie -------------------------------------------------------------------------------------------------------- */

static uint64_t node_at(unsigned i)
{
	return NODES + i * 0x100u;
}

static uint64_t entry_at(unsigned i)
{
	return ENTRIES + i * 0x40u;
}

static void put_child(uint64_t node, unsigned slot, uint64_t to)
{
	world_poke(&world, node + sync_maps.layout.children + slot * machine.word_size, machine.word_size, to);
}

static void put_entry(unsigned i, uint64_t overflow)
{
	poke(entry_at(i), sync_maps.layout.is_entry, 1);
	poke(entry_at(i), sync_maps.layout.overflow, overflow);
}

/* Root: slot 3 leads to a node with entry 1 in its slot 5, slot 9 to entry 0, behind which is entry 2. */
static void make_trie(void)
{
	open_world(SYNC_TRIE, MAP_SWISS);
	poke(MAP, sync_maps.layout.inited, 1);
	poke(MAP, sync_maps.layout.root, node_at(0));
	put_child(node_at(0), 3, node_at(1));
	put_child(node_at(0), 9, entry_at(0));
	poke(node_at(1), sync_maps.layout.parent, node_at(0));
	put_child(node_at(1), 5, entry_at(1));
	put_entry(0, entry_at(2));
	put_entry(1, 0);
	put_entry(2, 0);
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

struct loaded {
	struct sync_map map;
	struct sync_contents contents;
	struct findings findings;
};

static void load(struct loaded *loaded)
{
	struct mirror *mirror;

	*loaded = (struct loaded){ 0 };
	world_publish(&world, in_place, 0, 0);
	CHECK(sync_map_open(&map_type, taddr_of(MAP), &loaded->map) == NULL);
	mirror = in_place ? NULL : mirror_create(world.program.memory, 1 << 20);

	struct target *memory = world.program.memory;

	if (mirror != NULL)
		world.program.memory = mirror_target(mirror);
	CHECK(sync_contents_load(&loaded->map, mirror, &loaded->findings, &loaded->contents) == NULL);
	world.program.memory = memory;
	mirror_destroy(mirror);
}

static void unload(struct loaded *loaded)
{
	sync_contents_free(&loaded->contents);
	findings_free(&loaded->findings);
	world_close(&world);
}

static void expect_finding(const char *what, size_t entries)
{
	struct loaded loaded;

	load(&loaded);
	CHECK(loaded.findings.total != 0);
	CHECK(loaded.findings.count != 0 && strstr(loaded.findings.items[0].what, what) != NULL);
	CHECK(loaded.contents.count == entries);
	unload(&loaded);
}

static bool count_block(void *context, const struct sync_block *block)
{
	*(size_t *)context += 1;
	CHECK(block->address.v >= WORLD_BASE && block->size != 0);
	return true;
}

static void check_sound_trie(void)
{
	struct loaded loaded;
	size_t blocks = 0, first;
	unsigned bits = 8u * machine.word_size;

	make_trie();
	load(&loaded);

	const struct sync_entry *entries = loaded.contents.entries;

	CHECK(loaded.findings.total == 0);
	CHECK(loaded.contents.node_count == 2 && loaded.contents.count == 3 && loaded.contents.live == 3);
	CHECK(entries[0].address.v == entry_at(1) && entries[0].path == UINT64_C(0x35) << (bits - 8) && entries[0].node == 1);
	CHECK(entries[1].address.v == entry_at(0) && entries[1].path == UINT64_C(9) << (bits - 4) && entries[1].chain == 0);
	CHECK(entries[2].address.v == entry_at(2) && entries[2].chain == 1 && entries[2].slot == 9);
	CHECK(entries[1].key.v == entry_at(0) + sync_maps.layout.key_offset);
	CHECK(loaded.contents.nodes[1].parent.v == node_at(0) && loaded.contents.nodes[1].level == 1);
	CHECK(sync_slot_entries(&loaded.contents, 0, 9, &first) == 2 && first == 1);
	CHECK(sync_slot_entries(&loaded.contents, 0, 3, &first) == 0);
	CHECK(sync_slot_entries(&loaded.contents, 1, 5, &first) == 1 && first == 0);
	sync_each_block(&loaded.contents, count_block, &blocks);
	CHECK(blocks == 5);
	unload(&loaded);
}

static void check_empty_trie(void)
{
	struct loaded loaded;

	open_world(SYNC_TRIE, MAP_SWISS);
	load(&loaded);
	CHECK(loaded.contents.count == 0 && loaded.contents.node_count == 0 && loaded.findings.total == 0);
	unload(&loaded);
}

/* Nodes below each other, one for each nibble and `more`; the last one holds an entry. */
static void check_depth(unsigned more)
{
	unsigned levels = 2u * machine.word_size + more;

	make_trie();
	put_child(node_at(0), 9, 0);
	put_child(node_at(1), 5, 0);
	for (unsigned i = 0; i + 1 < levels; i++)
		put_child(node_at(i), 3, node_at(i + 1));
	put_child(node_at(levels - 1), 15, entry_at(1));
	if (more != 0) {
		expect_finding("deeper than a hash has bits", 0);
		return;
	}

	struct loaded loaded;

	load(&loaded);
	CHECK(loaded.findings.total == 0 && loaded.contents.count == 1 && loaded.contents.node_count == levels);
	CHECK((loaded.contents.entries[0].path & 15) == 15);
	unload(&loaded);
}

static void check_unsound_tries(void)
{
	make_trie();
	put_child(node_at(1), 6, node_at(0));
	expect_finding("two slots lead to", 3);
	make_trie();
	poke(entry_at(2), sync_maps.layout.overflow, entry_at(0));
	expect_finding("two slots lead to", 3);
	make_trie();
	poke(entry_at(2), sync_maps.layout.overflow, node_at(2));
	expect_finding("in an overflow chain", 3);
	make_trie();
	put_child(node_at(1), 5, entry_at(1) + 2);
	expect_finding("not aligned", 2);
	make_trie();
	put_child(node_at(1), 5, 0x10);
	expect_finding("cannot be read", 2);
	make_trie();
	poke(entry_at(1), sync_maps.layout.is_entry, 77);
	expect_finding("isEntry is 77", 2);
	make_trie();
	poke(MAP, sync_maps.layout.root, entry_at(1));
	expect_finding("in the root", 0);
	make_trie();
	/* an indirect node whose end is not there */
	put_child(node_at(1), 5, WORLD_BASE + WORLD_SIZE - 16);
	expect_finding("cannot be read", 2);
	check_depth(0);
	check_depth(1);
}

/* Entries of one hash without end. */
static void check_long_chain(void)
{
	enum { LONG = WORLD_SIZE / 4 / 8 }; /* entries that overlap: every word is the next one's overflow pointer */
	struct loaded loaded;

	make_trie();
	for (unsigned i = 0; i < 5000 && i < LONG; i++) {
		uint64_t at = ARRAY + 2u * i * machine.word_size;

		world_poke(&world, at, 1, 1);
		world_poke(&world, at + machine.word_size, machine.word_size, at + 2u * machine.word_size);
		if (at + 4u * machine.word_size > WORLD_BASE + WORLD_SIZE - 64)
			break;
	}
	poke(entry_at(2), sync_maps.layout.overflow, ARRAY);
	load(&loaded);
	CHECK(loaded.findings.total == 1 && loaded.contents.count <= 4097 && loaded.contents.count > 1000);
	unload(&loaded);
}

/* --- read and dirty ---------------------------------------------------------------------------------------------- */

/* A classic map of one bucket, or a Swiss map of one group, whose slots lead to these entries. */
static void put_inner(uint64_t header, uint64_t unit, unsigned count, const uint64_t *entries)
{
	const struct map_layout *layout = &sync_maps.inner_layout;
	bool swiss = layout->implementation == MAP_SWISS;
	uint64_t control = 0;

	poke(header, swiss ? layout->swiss.used : layout->classic.count, count);
	poke(header, swiss ? layout->swiss.dir_ptr : layout->classic.buckets, unit);
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		control |= (uint64_t)(slot < count ? 0x33 : swiss ? 0x80 : 0) << 8 * slot;
		if (slot < count)
			world_poke(&world, unit + layout->unit.elem_offset + slot * layout->unit.elem_stride, machine.word_size, entries[slot]);
		if (!swiss)
			world_poke(&world, unit + slot, 1, slot < count ? 200 : 0);
	}
	if (swiss)
		world_poke(&world, unit, 8, control);
}

/* Read: entry 0 live, 1 deleted, 2 expunged. Dirty: 0 and 1, and 3, which is live. */
static void make_read_dirty(enum map_implementation inner)
{
	open_world(SYNC_READ_DIRTY, inner);
	poke(MAP, sync_maps.layout.read, READ_ONLY);
	poke(MAP, sync_maps.layout.dirty, DIRTY);
	poke(MAP, sync_maps.layout.misses, 2);
	poke(READ_ONLY, sync_maps.layout.read_m, READ);
	poke(READ_ONLY, sync_maps.layout.read_amended, 1);
	put_inner(READ, ARRAY, 3, (uint64_t[]){ entry_at(0), entry_at(1), entry_at(2) });
	put_inner(DIRTY, ARRAY + 0x200, 3, (uint64_t[]){ entry_at(0), entry_at(1), entry_at(3) });
	poke(entry_at(0), sync_maps.layout.entry_p, WORLD_BASE + 0x7000);
	poke(entry_at(2), sync_maps.layout.entry_p, EXPUNGED);
	poke(entry_at(3), sync_maps.layout.entry_p, WORLD_BASE + 0x7010);
}

static void check_read_dirty(enum map_implementation inner)
{
	struct loaded loaded = { 0 };
	const struct sync_entry *entries;
	size_t blocks = 0;

	make_read_dirty(inner);
	world_publish(&world, in_place, 0, 0);
	CHECK(sync_map_open(&map_type, taddr_of(MAP), &loaded.map) == NULL);
	CHECK(loaded.map.amended && loaded.map.misses == 2 && loaded.map.dirty_map.v == DIRTY && loaded.map.read_map.v == READ);
	loaded.map.expunged = taddr_of(EXPUNGED); /* of the variable in the binary, which there is none of here */
	CHECK(sync_contents_load(&loaded.map, NULL, &loaded.findings, &loaded.contents) == NULL);
	entries = loaded.contents.entries;
	CHECK(loaded.findings.total == 0);
	CHECK(loaded.contents.count == 6 && loaded.contents.read_count == 3 && loaded.contents.live == 2);
	CHECK(entries[0].state == SYNC_LIVE && entries[0].in_read && entries[0].in_dirty && !sync_entry_counts(&loaded.contents, 0));
	CHECK(entries[1].state == SYNC_DELETED && entries[1].value.v == 0);
	CHECK(entries[2].state == SYNC_EXPUNGED && !entries[2].in_dirty);
	CHECK(entries[3].state == SYNC_LIVE && entries[3].in_read && sync_entry_counts(&loaded.contents, 3));
	CHECK(entries[5].state == SYNC_LIVE && !entries[5].in_read && entries[5].value.v == WORLD_BASE + 0x7010);
	sync_each_block(&loaded.contents, count_block, &blocks);
	CHECK(blocks == 1 + 4 + 2);
	unload(&loaded);
}

static void check_unsound_read_dirty(void)
{
	make_read_dirty(MAP_CLASSIC);
	poke(MAP, sync_maps.layout.dirty, 0x10);
	expect_finding("dirty map", 3);
	make_read_dirty(MAP_CLASSIC);
	put_inner(DIRTY, ARRAY + 0x200, 3, (uint64_t[]){ entry_at(0), 0x18, entry_at(3) });
	expect_finding("an entry that cannot be read", 6);
	make_read_dirty(MAP_CLASSIC);
	poke(READ, sync_maps.inner_layout.classic.count, 7);
	expect_finding("the header says 7 entries, 3 were found", 6);
}

static void check_unreadable(void)
{
	struct sync_map map;
	struct error *error;

	make_read_dirty(MAP_CLASSIC);
	poke(MAP, sync_maps.layout.read, 0x20);
	world_publish(&world, in_place, 0, 0);
	error = sync_map_open(&map_type, taddr_of(MAP), &map);
	CHECK(error != NULL && strstr(error->message, "readOnly") != NULL);
	error_free(error);
	error = sync_map_open(&map_type, taddr_of(8), &map);
	CHECK(error != NULL && error->code == ERROR_MEMORY);
	error_free(error);
	world_close(&world);
}

int main(void)
{
	for (unsigned i = 0; i < 8; i++) {
		machine = (struct machine){ .word_size = i & 1 ? 4 : 8, .big_endian = i & 2 };
		in_place = i & 4;
		check_sound_trie();
		check_empty_trie();
		check_unsound_tries();
		check_long_chain();
		check_read_dirty(MAP_CLASSIC);
		check_read_dirty(MAP_SWISS);
		check_unsound_read_dirty();
		check_unreadable();
	}
	return check_done();
}
