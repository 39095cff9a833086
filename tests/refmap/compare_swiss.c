#include <inttypes.h>
#include <stdio.h>

#include "compare_private.h"

/* The fields that have a name first, for their messages; then all the rest, padding too. */
static bool same_header(struct comparison *c, struct both_structs *headers)
{
	const struct swiss_header_layout *at = &c->layout->swiss;

	return same_field(c, "header", "used", at->used, headers) && same_field(c, "header", "seed", at->seed, headers) &&
	       same_field(c, "header", "dirLen", at->dir_len, headers) &&
	       same_field(c, "header", "globalDepth", at->global_depth, headers) &&
	       same_field(c, "header", "globalShift", at->global_shift, headers) &&
	       same_field(c, "header", "writing", at->writing, headers) &&
	       same_field(c, "header", "tombstonePossible", at->tombstone_possible, headers) &&
	       same_field(c, "header", "clearSeq", at->clear_seq, headers) &&
	       same_pointer(c, "header.dirPtr", take_field(c, headers, at->dir_ptr)) &&
	       same_bytes(c, "header", headers->go, headers->refmap, c->layout->header_size);
}

static bool same_table(struct comparison *c, const char *place, struct both table)
{
	const struct swiss_header_layout *at = &c->layout->swiss;
	struct both_structs tables;
	struct both groups;
	uint64_t mask;
	char text[96];

	if (!load_structs(c, place, table, at->table_size, &tables) || !same_field(c, place, "used", at->table_used, &tables) ||
	    !same_field(c, place, "capacity", at->table_capacity, &tables) ||
	    !same_field(c, place, "growthLeft", at->table_growth_left, &tables) ||
	    !same_field(c, place, "localDepth", at->table_local_depth, &tables) ||
	    !same_field(c, place, "index", at->table_index, &tables) ||
	    !same_field(c, place, "groups.lengthMask", at->table_groups_mask, &tables))
		return false;
	mask = field_of(c, &tables, at->table_groups_mask).refmap;
	groups = take_field(c, &tables, at->table_groups_data);
	snprintf(text, sizeof(text), "%s.groups", place);
	return same_bytes(c, place, tables.go, tables.refmap, at->table_size) && same_pointer(c, text, groups) &&
	       same_units(c, text, groups, mask + 1);
}

static bool same_directory(struct comparison *c, struct both directory, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++) {
		struct both table;
		char place[64];
		bool met;

		snprintf(place, sizeof(place), "directory[%" PRIu64 "]", i);
		if (!load_words(c, place, both_add(directory, i * c->machine.word_size), &table))
			return false;
		met = table_get(&c->to_go, table.refmap) != NULL;
		if (!same_pointer(c, place, table) || (!met && table.refmap != 0 && !same_table(c, place, table)))
			return false;
	}
	return true;
}

bool same_swiss(struct comparison *c, struct both header)
{
	struct both_structs headers;
	struct both directory;
	uint64_t length;

	if (!load_structs(c, "header", header, c->layout->header_size, &headers))
		return false;
	directory = field_of(c, &headers, c->layout->swiss.dir_ptr);
	length = field_of(c, &headers, c->layout->swiss.dir_len).refmap;
	if (!same_header(c, &headers))
		return false;
	if (length != 0)
		return same_directory(c, directory, length);
	return directory.refmap == 0 || same_units(c, "group", directory, 1);
}
