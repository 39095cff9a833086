/*
 * Walking internal/runtime/maps.Map: the directory's slots name tables; a table of local depth d fills
 * 2^(globalDepth-d) slots side by side and says in `index` which is the first. A table has at most 1024 slots in
 * groups of eight. A small map (dirLen 0) has one group and no table.
 */
#include <stdlib.h>
#include <string.h>

#include "map/walk.h"
#include "util/alloc.h"

/* maxTableCapacity, internal/runtime/maps/table.go */
enum { TABLE_CAPACITY_LIMIT = 1024, TABLE_SIZE_LIMIT = 512 };
/* Directory slots looked at together. */
enum { DIRECTORY_WINDOW = 512 };

struct swiss_walk {
	struct map_walk walk;
	uint64_t slot; /* the next directory slot to look at */
	uint64_t end;
	bool finished;
	/* Tables that are read from the directory and wait for their groups; last, as it is not cleared. */
	size_t pending_count, pending_at;
	struct map_table pending[DIRECTORY_WINDOW];
};

/* Bit i of the result: slot i holds an entry. A control byte's top bit says empty or deleted. */
static uint8_t live_slots(const struct go_map *map, const uint8_t *bytes)
{
	uint64_t control = load_u64(&map->program->machine, bytes + map->layout->unit.control_offset);

	return walk_gather(~control & UINT64_C(0x8080808080808080));
}

/* A control byte with its top bit set is 0x80 (empty) or 0xfe (deleted); a Go map has no other. */
static bool has_bad_control(const struct go_map *map, const uint8_t *bytes)
{
	uint64_t control = load_u64(&map->program->machine, bytes + map->layout->unit.control_offset);
	uint64_t low = control & ((control & UINT64_C(0x8080808080808080)) >> 7) * 0x7f;

	for (; low != 0; low >>= 8)
		if ((low & 0xff) != 0 && (low & 0xff) != 0x7e)
			return true;
	return false;
}

static void add_group(struct map_walk *walk, taddr address, const uint8_t *bytes, uint64_t index, uint32_t table)
{
	uint8_t live = live_slots(walk->map, bytes);

	if (has_bad_control(walk->map, bytes))
		findings_add(walk->findings, address, "group %llu: a control byte that is neither full, empty nor deleted",
			     (unsigned long long)index);
	if (live == 0 && walk->what == MAP_WALK_LIVE)
		return;
	*walk_add_unit(walk) = (struct map_unit){
		.address = address, .bytes = bytes, .index = index, .table = table, .live = live
	};
}

static struct error *read_small(struct map_walk *walk)
{
	const struct go_map *map = walk->map;
	struct target *memory = map->program->memory;
	uint32_t size = map->layout->unit.size;
	taddr address = map->swiss.directory;
	const uint8_t *bytes = target_view(memory, address, size);

	if (address.v == 0)
		return NULL;
	if (bytes == NULL) {
		TRY(walk_reserve(walk, size));

		struct error *error = target_read(memory, address, walk->bytes, size);

		if (error != NULL) {
			findings_add_error(walk->findings, address, error, "the map's group");
			return NULL;
		}
		bytes = walk->bytes;
	}
	add_group(walk, address, bytes, 0, 0);
	/* the first insert publishes the group before its control word: all zeroes would be eight entries */
	if (map->length == 0 && walk->unit_count == 1 &&
	    load_u64(&map->program->machine, bytes + map->layout->unit.control_offset) == 0)
		walk->units[0].live = 0;
	return NULL;
}

/* --- directory and tables ---------------------------------------------------------------------------------------- */

static uint64_t field(const struct go_map *map, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&map->program->machine, bytes + at.offset, at.size);
}

/* NULL where the table is sound and its groups may be read, else why not. */
static const char *decode_table(const struct go_map *map, const uint8_t *bytes, struct map_table *table)
{
	const struct swiss_header_layout *at = &map->layout->swiss;
	uint64_t mask = field(map, bytes, at->table_groups_mask);
	uint8_t depth = map->swiss.global_depth;

	table->used = (uint32_t)field(map, bytes, at->table_used);
	table->capacity = (uint32_t)field(map, bytes, at->table_capacity);
	table->growth_left = (uint32_t)field(map, bytes, at->table_growth_left);
	table->local_depth = (uint8_t)field(map, bytes, at->table_local_depth);
	table->index = field(map, bytes, at->table_index);
	table->groups = taddr_of(field(map, bytes, at->table_groups_data));
	if (table->capacity == 0 || table->capacity > TABLE_CAPACITY_LIMIT || table->capacity % MAP_SLOTS != 0 ||
	    (table->capacity & (table->capacity - 1)) != 0)
		return "its capacity is no power of two from 8 to 1024";
	if (mask != table->capacity / MAP_SLOTS - 1)
		return "its length mask does not fit its capacity";
	if (table->index != table->directory_index)
		return "its index is another directory slot";
	if (table->local_depth > depth)
		return "its local depth is more than the directory's";
	if (table->directory_slots != UINT64_C(1) << (depth - table->local_depth))
		return "it fills more or fewer directory slots than its local depth says";
	table->group_count = mask + 1;
	return NULL;
}

/* How many slots from `slot` on hold `table`. */
static uint64_t run_behind(const struct go_map *map, uint64_t slot, uint64_t table)
{
	unsigned size = map->program->machine.word_size;
	uint64_t run = 0;

	while (slot + run < map->swiss.dir_len) {
		uint8_t bytes[DIRECTORY_WINDOW * 8];
		uint64_t left = map->swiss.dir_len - slot - run;
		size_t count = left < DIRECTORY_WINDOW ? left : DIRECTORY_WINDOW;
		size_t got = target_read_some(map->program->memory, taddr_add(map->swiss.directory, (slot + run) * size),
					      bytes, count * size);

		for (size_t i = 0; i < got / size; i++, run++)
			if (load_word(&map->program->machine, bytes + i * size) != table)
				return run;
		if (got < count * size)
			break;
	}
	return run;
}

/* Finds the tables among `count` directory slots: where the pointer changes, another table begins. */
static void split_directory(struct swiss_walk *walk, const uint8_t *slots, uint64_t count)
{
	const struct go_map *map = walk->walk.map;
	unsigned size = map->program->machine.word_size;

	walk->pending_count = 0;
	walk->pending_at = 0;
	for (uint64_t i = 0; i < count;) {
		uint64_t table = load_word(&map->program->machine, slots + i * size);
		uint64_t run = 1;

		while (i + run < count && load_word(&map->program->machine, slots + (i + run) * size) == table)
			run++;
		if (i + run == count && walk->slot + count < map->swiss.dir_len)
			run += run_behind(map, walk->slot + count, table);
		walk->pending[walk->pending_count++] = (struct map_table){
			.address = taddr_of(table), .directory_index = walk->slot + i, .directory_slots = run
		};
		i += run;
	}
}

/* Reads the pending tables' structs together; unsound ones become findings and lose their groups. */
static struct error *read_tables(struct swiss_walk *walk)
{
	const struct go_map *map = walk->walk.map;
	uint32_t size = map->layout->swiss.table_size;
	struct target_piece pieces[DIRECTORY_WINDOW];
	void *bytes;

	TRY(alloc_checked(walk->pending_count, size, "tables", &bytes));
	for (size_t i = 0; i < walk->pending_count; i++)
		pieces[i] = (struct target_piece){ walk->pending[i].address, (uint8_t *)bytes + i * size, size, 0 };
	target_read_pieces(map->program->memory, pieces, walk->pending_count);
	for (size_t i = 0; i < walk->pending_count; i++) {
		struct map_table *table = &walk->pending[i];

		if (pieces[i].got < size) {
			findings_add_error(walk->walk.findings, table->address,
					   target_unreadable(map->program->memory, taddr_add(table->address, pieces[i].got)),
					   "table of directory slot %llu", (unsigned long long)table->directory_index);
			continue;
		}

		const char *why = decode_table(map, pieces[i].to, table);

		if (why != NULL)
			findings_add(walk->walk.findings, table->address, "table of directory slot %llu: %s",
				     (unsigned long long)table->directory_index, why);
	}
	free(bytes);
	return NULL;
}

static struct error *read_directory(struct swiss_walk *walk)
{
	const struct go_map *map = walk->walk.map;
	unsigned size = map->program->machine.word_size;
	uint64_t count = walk->end - walk->slot < DIRECTORY_WINDOW ? walk->end - walk->slot : DIRECTORY_WINDOW;
	taddr address = taddr_add(map->swiss.directory, walk->slot * size);
	uint8_t slots[DIRECTORY_WINDOW * 8];
	size_t got = target_read_some(map->program->memory, address, slots, count * size);

	if (got < count * size) {
		findings_add_error(walk->walk.findings, address,
				   target_unreadable(map->program->memory, taddr_add(address, got)),
				   "directory from slot %llu on", (unsigned long long)(walk->slot + got / size));
		walk->finished = true;
	}
	split_directory(walk, slots, got / size);
	if (walk->pending_count == 0)
		return NULL;

	const struct map_table *last = &walk->pending[walk->pending_count - 1];

	walk->slot = last->directory_index + last->directory_slots;
	return read_tables(walk);
}

/* --- groups ------------------------------------------------------------------------------------------------ */

static void add_groups(struct map_walk *walk, const struct map_table *table, const uint8_t *bytes, uint64_t count)
{
	uint32_t size = walk->map->layout->unit.size;

	for (uint64_t i = 0; i < count; i++)
		add_group(walk, taddr_add(table->groups, i * size), bytes + i * size, i, (uint32_t)walk->table_count - 1);
}

static void keep_table(struct map_walk *walk, const struct map_table *table)
{
	ARRAY_RESERVE(walk->tables, walk->table_count, walk->table_capacity);
	walk->tables[walk->table_count++] = *table;
}

/* The pending tables that fit the window, their groups read together. */
static size_t choose_tables(const struct swiss_walk *walk, size_t *bytes)
{
	uint32_t size = walk->walk.map->layout->unit.size;
	size_t count = 0;

	*bytes = 0;
	while (walk->pending_at + count < walk->pending_count) {
		size_t more = walk->pending[walk->pending_at + count].group_count * size;

		if (count != 0 && *bytes + more > WALK_WINDOW)
			break;
		*bytes += more;
		count++;
	}
	return count;
}

static void take_table(struct map_walk *walk, const struct map_table *table, const struct target_piece *piece)
{
	uint64_t whole = piece->got / walk->map->layout->unit.size;

	if (piece->got < piece->length)
		findings_add_error(walk->findings, table->groups,
				   target_unreadable(walk->map->program->memory, taddr_add(table->groups, piece->got)),
				   "table of directory slot %llu: %llu of its %llu groups",
				   (unsigned long long)table->directory_index,
				   (unsigned long long)(table->group_count - whole), (unsigned long long)table->group_count);
	keep_table(walk, table);
	add_groups(walk, table, piece->to, whole);
}

static struct error *read_groups(struct swiss_walk *walk)
{
	struct map_walk *base = &walk->walk;
	struct target_piece pieces[DIRECTORY_WINDOW];
	const struct map_table *read[DIRECTORY_WINDOW];
	size_t size, count = choose_tables(walk, &size), used = 0, piece_count = 0;
	/* many walks are over maps of one table */
	bool more = walk->pending_at + count < walk->pending_count || walk->slot < walk->end;

	for (size_t i = 0; i < count; i++) {
		const struct map_table *table = &walk->pending[walk->pending_at + i];
		size_t length = table->group_count * base->map->layout->unit.size;

		if (table->group_count == 0)
			continue;
		TRY(walk_reserve(base, more && size < WALK_WINDOW ? WALK_WINDOW : size));
		pieces[piece_count] = (struct target_piece){ table->groups, base->bytes + used, length, 0 };
		read[piece_count++] = table;
		used += length;
	}
	walk->pending_at += count;
	if (piece_count != 0)
		target_read_pieces(base->map->program->memory, pieces, piece_count);
	for (size_t i = 0; i < piece_count; i++)
		take_table(base, read[i], &pieces[i]);
	return NULL;
}

static struct error *next_tables(struct map_walk *base)
{
	struct swiss_walk *walk = (struct swiss_walk *)base;

	if (base->map->swiss.dir_len == 0) {
		if (walk->finished)
			return NULL;
		walk->finished = true;
		return read_small(base);
	}
	while (base->unit_count == 0 && !findings_give_up(base->findings)) {
		if (walk->pending_at == walk->pending_count) {
			if (walk->finished || walk->slot >= walk->end)
				return NULL;
			TRY(read_directory(walk));
			if (walk->pending_count == 0)
				return NULL;
		}
		base->table_count = 0;
		TRY(read_groups(walk));
	}
	return NULL;
}

/* The first of the directory's slots that hold the same table as `slot`. */
static uint64_t first_slot(const struct go_map *map, uint64_t slot)
{
	unsigned size = map->program->machine.word_size;
	uint8_t own[8], before[8];

	if (target_read_some(map->program->memory, taddr_add(map->swiss.directory, slot * size), own, size) < size)
		return slot;
	while (slot > 0 &&
	       target_read_some(map->program->memory, taddr_add(map->swiss.directory, (slot - 1) * size), before, size) ==
		       size &&
	       memcmp(own, before, size) == 0)
		slot--;
	return slot;
}

struct map_walk *swiss_walk_create(const struct go_map *map, enum map_walk_what what, uint64_t slot,
				   struct findings *findings)
{
	struct swiss_walk *walk = xmalloc(sizeof(*walk));

	memset(walk, 0, offsetof(struct swiss_walk, pending));
	walk->walk = (struct map_walk){ .map = map, .findings = findings, .what = what, .next = next_tables };
	walk->slot = slot == UINT64_MAX || map->swiss.dir_len == 0 ? 0 : first_slot(map, slot);
	walk->end = slot == UINT64_MAX ? map->swiss.dir_len : walk->slot + 1;
	return &walk->walk;
}
