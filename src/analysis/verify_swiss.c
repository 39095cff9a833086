/*
 * What internal/runtime/maps keeps true of tables and groups. A deleted slot becomes a tombstone only where its group is full,
 * and pruning (>= 1.25) clears all of a group's at once: no group has tombstones beside empty slots.
 */
#include "analysis/verify_private.h"

#include "util/alloc.h"

enum { CONTROL_EMPTY = 0x80, CONTROL_DELETED = 0xfe };

struct group_counts {
	uint64_t live, empty, deleted;
};

static void wrong_control(struct verify *verify, const struct map_table *table, const struct map_unit *unit, unsigned slot,
			  const char *expected)
{
	const struct go_map *map = verify->map;
	uint8_t control = map_control(map, unit, slot);
	struct verify_site site = verify_control_site(verify, table, unit, slot);
	const char *name;

	if (verify_only_counted(verify, VERIFY_SLOTS))
		return;
	map_slot_state(map, control, &name);
	verify_wrong(verify, VERIFY_SLOTS, &site, xstrdup(expected), xasprintf("0x%02x (%s)", control, name));
}

/* A group with tombstones, or with bytes that are nothing. */
static void check_slots(struct verify *verify, const struct map_table *table, const struct map_unit *unit,
			struct group_counts *counts)
{
	uint64_t empty = 0, deleted = 0;

	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		empty += map_control(verify->map, unit, slot) == CONTROL_EMPTY;
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		uint8_t control = map_control(verify->map, unit, slot);

		if (control < CONTROL_EMPTY || control == CONTROL_EMPTY)
			continue;
		deleted += control == CONTROL_DELETED;
		if (control != CONTROL_DELETED)
			wrong_control(verify, table, unit, slot, "0x00 to 0x7f (live), 0x80 (empty) or 0xfe (deleted)");
		else if (table == NULL)
			wrong_control(verify, table, unit, slot, "0x80 (empty): a small map has no tombstones");
		else if (empty != 0)
			wrong_control(verify, table, unit, slot, "0x80 (empty): other slots of the group are");
	}
	counts->empty += empty;
	counts->deleted += deleted;
}

static void count_group(struct verify *verify, const struct map_table *table, const struct map_unit *unit,
			struct group_counts *counts)
{
	uint64_t controls = verify_controls(verify->map, unit), tops = controls & VERIFY_TOPS;
	unsigned live = map_live_count(unit);

	counts->live += live;
	if ((controls & (tops >> 7) * 0x7f) == 0)
		counts->empty += MAP_SLOTS - live;
	else
		check_slots(verify, table, unit, counts);
}

static void wrong_table(struct verify *verify, enum verify_check which, const struct map_table *table, const char *field,
			struct field_at at, uint64_t expected, uint64_t found)
{
	struct verify_site site = { .table = table, .slot = -1, .field = field, .address = taddr_add(table->address, at.offset) };

	if (!verify_only_counted(verify, which))
		verify_wrong(verify, which, &site, xasprintf("%llu", (unsigned long long)expected),
			     xasprintf("%llu", (unsigned long long)found));
}

/* maxGrowthLeft(): 7 of 8 slots; growthLeft is what inserts, and tombstones, leave of them. */
static void check_table(struct verify *verify, const struct map_table *table, const struct group_counts *counts)
{
	const struct swiss_header_layout *at = &verify->map->layout->swiss;
	uint64_t most = table->capacity / 8 * 7, taken = counts->live + counts->deleted;
	struct verify_site site = { .table = table, .slot = -1, .address = table->groups };

	if (table->used != counts->live)
		wrong_table(verify, VERIFY_HEADER, table, "used", at->table_used, counts->live, table->used);
	if (taken > most && !verify_only_counted(verify, VERIFY_SLOTS))
		verify_wrong(verify, VERIFY_SLOTS, &site, xasprintf("at most %llu slots in use", (unsigned long long)most),
			     xasprintf("%llu", (unsigned long long)taken));
	else if (taken <= most && table->growth_left != most - taken)
		wrong_table(verify, VERIFY_HEADER, table, "growthLeft", at->table_growth_left, most - taken, table->growth_left);
	/* a table's directory slots begin where its depth's bits of the hash do */
	if (table->directory_index % table->directory_slots != 0)
		wrong_table(verify, VERIFY_HEADER, table, "index", at->table_index,
			    table->directory_index / table->directory_slots * table->directory_slots, table->index);
}

void verify_swiss_table(struct verify *verify, const struct map_table *table, const struct map_unit *units, size_t count)
{
	struct group_counts counts = { 0 };

	for (size_t i = 0; i < count; i++)
		count_group(verify, table, &units[i], &counts);
	verify->live += counts.live;
	verify->deleted += counts.deleted;
	verify->units += count;
	if (table != NULL) {
		verify->tables++;
		verify->table_used += table->used;
		if (count == table->group_count)
			check_table(verify, table, &counts);
	}
	verify_swiss_keys(verify, table, units, count);
}
