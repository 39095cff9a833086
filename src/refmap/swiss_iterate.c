/*
 * Iter of internal/runtime/maps/table.go, the same in all versions. It goes through the slots of the map from random places on,
 * of each table as it was when the iterator came to it: where the table is replaced meanwhile, the old one still says which keys
 * come, and each is looked up in the new one.
 */
#include <stdlib.h>

#include "refmap/swiss_private.h"
#include "util/alloc.h"

struct swiss_iterator {
	struct refmap_iterator base;
	struct swiss *map;
	uint64_t entry_offset, directory_offset; /* random; added to the indices below, modulo what these index */
	uint64_t directory_index, entry_index;
	uint64_t global_depth, clear_seq; /* of the map, when last looked at; at the start */
	taddr group; /* of a map that was small at the start */
	taddr table; /* at directory_index; 0: not known yet */
};

static struct swiss_iterator *iterator_of(struct refmap_iterator *iterator)
{
	return (struct swiss_iterator *)iterator;
}

static bool next_of_none(struct refmap_iterator *iterator, taddr *key, taddr *elem)
{
	return false;
}

/*
 * The entry of a slot that was full when the map had it. Where it is not in use any more, the entry is looked up. A key that is
 * not equal to itself cannot be found, but neither can it be changed or deleted, except by clear().
 */
static bool entry_of(const struct swiss_iterator *it, struct swiss_slot slot, bool replaced, taddr *key, taddr *elem)
{
	struct swiss_slot now = slot;

	if (replaced && !swiss_find(it->map, swiss_key(it->map, slot), &now)) {
		taddr old = swiss_key(it->map, slot);

		if (HEADER_GET(it->map, clear_seq) != it->clear_seq || refmap_equal(&it->map->base, old, old))
			return false;
	}
	*key = swiss_key(it->map, now);
	*elem = swiss_elem(it->map, now);
	return true;
}

static bool next_of_small(struct refmap_iterator *iterator, taddr *key, taddr *elem)
{
	struct swiss_iterator *it = iterator_of(iterator);
	uint64_t full = swiss_full(swiss_control(it->map, it->group));
	bool replaced = HEADER_GET(it->map, dir_len) != 0;

	while (it->entry_index < MAP_SLOTS) {
		unsigned slot = (it->entry_index++ + it->entry_offset) % MAP_SLOTS;

		if ((full >> 8 * slot & 0xff) != 0 && entry_of(it, (struct swiss_slot){ it->group, slot }, replaced, key, elem))
			return true;
	}
	return false;
}

/* Where the directory was doubled since the last step, its indices double too. */
static void follow_directory(struct swiss_iterator *it)
{
	uint64_t depth = HEADER_GET(it->map, global_depth), doublings = depth - it->global_depth;

	it->directory_index <<= doublings;
	it->directory_offset <<= doublings;
	it->global_depth = depth;
}

/* The first directory slot is a random one, perhaps amid those of a table: then the iteration begins with the first of these. */
static void settle_on_table(struct swiss_iterator *it)
{
	uint64_t index = (it->directory_index + it->directory_offset) & (HEADER_GET(it->map, dir_len) - 1);

	it->table = swiss_directory_at(it->map, index);
	it->directory_offset -= index - SWISS_GET(it->map, it->table, table_index);
}

/* Past all directory slots that the table fills, or that those fill that have replaced it. */
static void leave_table(struct swiss_iterator *it)
{
	uint64_t depth = HEADER_GET(it->map, global_depth) - SWISS_GET(it->map, it->table, table_local_depth);

	it->directory_index += UINT64_C(1) << depth;
	it->table = taddr_of(0);
	it->entry_index = 0;
}

static struct swiss_slot current_slot(const struct swiss_iterator *it, uint64_t mask)
{
	uint64_t at = (it->entry_index + it->entry_offset) & mask;

	return (struct swiss_slot){ swiss_table_group(it->map, it->table, at / MAP_SLOTS), at % MAP_SLOTS };
}

/* The full slots of its group from a slot on. */
static uint64_t full_from(const struct swiss *map, struct swiss_slot slot)
{
	return swiss_full(swiss_control(map, slot.group)) & (UINT64_MAX << 8 * slot.index);
}

/* On to the next full slot of the group, or to the next group: slots between, if filled before the next step, do not come. */
static void jump(struct swiss_iterator *it, unsigned from, uint64_t full)
{
	it->entry_index += (full != 0 ? swiss_first(full) : MAP_SLOTS) - from;
}

static bool next_of_table(struct swiss_iterator *it, taddr *key, taddr *elem)
{
	uint64_t mask = SWISS_GET(it->map, it->table, table_capacity) - 1;
	bool replaced = swiss_table_is_stale(it->map, it->table);

	if (it->entry_index > mask)
		return false;

	/* Only the first slot is looked at by itself, and is not jumped from. */
	struct swiss_slot slot = current_slot(it, mask);
	bool full = (full_from(it->map, slot) >> 8 * slot.index & 0xff) != 0;

	it->entry_index++;
	if (full && entry_of(it, slot, replaced, key, elem))
		return true;
	while (it->entry_index <= mask) {
		slot = current_slot(it, mask);

		uint64_t match = full_from(it->map, slot);

		jump(it, slot.index, match);
		if (match == 0 || it->entry_index > mask)
			continue;
		slot.index = swiss_first(match);
		jump(it, slot.index, match & (match - 1));
		if (entry_of(it, slot, replaced, key, elem))
			return true;
	}
	return false;
}

static bool next_of_tables(struct refmap_iterator *iterator, taddr *key, taddr *elem)
{
	struct swiss_iterator *it = iterator_of(iterator);

	follow_directory(it);
	for (; it->directory_index < HEADER_GET(it->map, dir_len); leave_table(it)) {
		if (it->table.v == 0)
			settle_on_table(it);
		if (next_of_table(it, key, elem))
			return true;
	}
	return false;
}

static void destroy(struct refmap_iterator *iterator)
{
	struct swiss *map = iterator_of(iterator)->map;

	if (--map->iterators == 0)
		swiss_collect(map);
	free(iterator);
}

/* Iter.Init. An empty map takes no random numbers. */
struct refmap_iterator *swiss_iterate(struct refmap *base)
{
	struct swiss_iterator *it = xcalloc(1, sizeof(*it));

	it->map = (struct swiss *)base;
	it->map->iterators++;
	it->base = (struct refmap_iterator){ .next = next_of_none, .destroy = destroy };
	if (HEADER_GET(it->map, used) == 0)
		return &it->base;
	it->entry_offset = refmap_random(base);
	it->directory_offset = refmap_random(base);
	it->global_depth = HEADER_GET(it->map, global_depth);
	it->clear_seq = HEADER_GET(it->map, clear_seq);
	if (HEADER_GET(it->map, dir_len) == 0) {
		it->group = taddr_of(HEADER_GET(it->map, dir_ptr));
		it->base.next = next_of_small;
	} else {
		it->base.next = next_of_tables;
	}
	return &it->base;
}
