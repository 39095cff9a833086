#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare_private.h"
#include "util/alloc.h"

/* The fields that have a name first, for their messages; then all the rest, padding too. */
static bool same_header(struct comparison *c, uint8_t *go, const uint8_t *refmap_header)
{
	const struct swiss_header_layout *at = &c->layout->swiss;
	uint8_t refmap[512];

	memcpy(refmap, refmap_header, c->layout->header_size);

	bool same = same_field(c, "header", "used", at->used, go, refmap) && same_field(c, "header", "seed", at->seed, go, refmap) &&
		    same_field(c, "header", "dirLen", at->dir_len, go, refmap) &&
		    same_field(c, "header", "globalDepth", at->global_depth, go, refmap) &&
		    same_field(c, "header", "globalShift", at->global_shift, go, refmap) &&
		    same_field(c, "header", "writing", at->writing, go, refmap) &&
		    same_field(c, "header", "tombstonePossible", at->tombstone_possible, go, refmap) &&
		    same_field(c, "header", "clearSeq", at->clear_seq, go, refmap) &&
		    same_pointer(c, "header.dirPtr", take_field(c, go, at->dir_ptr), take_field(c, refmap, at->dir_ptr));

	return same && same_bytes(c, "header", go, refmap, c->layout->header_size);
}

static bool same_table(struct comparison *c, const char *place, uint64_t go_table, uint64_t refmap_table)
{
	const struct swiss_header_layout *at = &c->layout->swiss;
	uint8_t go[512], refmap[512];
	char groups[96];

	if (!load_go(c, place, go_table, go, at->table_size))
		return false;
	memcpy(refmap, at_refmap(c, refmap_table), at->table_size);
	if (!same_field(c, place, "used", at->table_used, go, refmap) || !same_field(c, place, "capacity", at->table_capacity, go, refmap) ||
	    !same_field(c, place, "growthLeft", at->table_growth_left, go, refmap) ||
	    !same_field(c, place, "localDepth", at->table_local_depth, go, refmap) ||
	    !same_field(c, place, "index", at->table_index, go, refmap) ||
	    !same_field(c, place, "groups.lengthMask", at->table_groups_mask, go, refmap))
		return false;

	uint64_t go_groups = take_field(c, go, at->table_groups_data), refmap_groups = take_field(c, refmap, at->table_groups_data);
	uint64_t count = load_uint(&c->machine, refmap + at->table_groups_mask.offset, at->table_groups_mask.size) + 1;

	snprintf(groups, sizeof(groups), "%s.groups", place);
	return same_bytes(c, place, go, refmap, at->table_size) && same_pointer(c, groups, go_groups, refmap_groups) &&
	       same_units(c, groups, go_groups, refmap_groups, count);
}

static bool same_directory(struct comparison *c, uint64_t go, uint64_t refmap, uint64_t length)
{
	uint64_t word = c->machine.word_size;

	for (uint64_t i = 0; i < length; i++) {
		uint8_t bytes[8];
		char place[64];

		snprintf(place, sizeof(place), "directory[%" PRIu64 "]", i);
		if (!load_go(c, place, go + i * word, bytes, word))
			return false;

		uint64_t go_table = load_word(&c->machine, bytes), refmap_table = load_word(&c->machine, at_refmap(c, refmap + i * word));
		bool known = table_get(&c->to_refmap, go_table) != NULL;

		if (!same_pointer(c, place, go_table, refmap_table))
			return false;
		if (!known && go_table != 0 && !same_table(c, place, go_table, refmap_table))
			return false;
	}
	return true;
}

bool same_swiss(struct comparison *c, uint64_t go_header, uint64_t refmap_header)
{
	const struct swiss_header_layout *at = &c->layout->swiss;
	const uint8_t *refmap = at_refmap(c, refmap_header);
	uint8_t go[512];

	if (!load_go(c, "header", go_header, go, c->layout->header_size))
		return false;

	uint64_t go_directory = load_uint(&c->machine, go + at->dir_ptr.offset, at->dir_ptr.size);
	uint64_t refmap_directory = load_uint(&c->machine, refmap + at->dir_ptr.offset, at->dir_ptr.size);
	uint64_t length = load_uint(&c->machine, refmap + at->dir_len.offset, at->dir_len.size);

	if (!same_header(c, go, refmap))
		return false;
	if (length != 0)
		return same_directory(c, go_directory, refmap_directory, length);
	return refmap_directory == 0 || same_units(c, "group", go_directory, refmap_directory, 1);
}
