#include "layout/table.h"

#include <stddef.h>

struct member {
	const char *name;
	size_t offset;
};

#define AT(member, name) { name, offsetof(struct map_layout, member) }

static const struct member classic_members[] = {
	AT(classic.count, "count"),
	AT(classic.flags, "flags"),
	AT(classic.b, "B"),
	AT(classic.noverflow, "noverflow"),
	AT(classic.hash0, "hash0"),
	AT(classic.buckets, "buckets"),
	AT(classic.oldbuckets, "oldbuckets"),
	AT(classic.nevacuate, "nevacuate"),
	AT(classic.extra, "extra"),
	AT(classic.next_overflow, "extra.nextOverflow"),
	{ NULL, 0 },
};

static const struct member swiss_members[] = {
	AT(swiss.used, "used"),
	AT(swiss.seed, "seed"),
	AT(swiss.dir_ptr, "dirPtr"),
	AT(swiss.dir_len, "dirLen"),
	AT(swiss.global_depth, "globalDepth"),
	AT(swiss.global_shift, "globalShift"),
	AT(swiss.writing, "writing"),
	AT(swiss.tombstone_possible, "tombstonePossible"),
	AT(swiss.clear_seq, "clearSeq"),
	AT(swiss.table_used, "table.used"),
	AT(swiss.table_capacity, "table.capacity"),
	AT(swiss.table_growth_left, "table.growthLeft"),
	AT(swiss.table_local_depth, "table.localDepth"),
	AT(swiss.table_index, "table.index"),
	AT(swiss.table_groups_data, "table.groups.data"),
	AT(swiss.table_groups_mask, "table.groups.lengthMask"),
	{ NULL, 0 },
};

static const struct member unit_members[] = {
	AT(unit.size, "size"),
	AT(unit.control_offset, "offset of the control bytes"),
	AT(unit.key_offset, "offset of key 0"),
	AT(unit.key_stride, "stride of the keys"),
	AT(unit.elem_offset, "offset of elem 0"),
	AT(unit.elem_stride, "stride of the elems"),
	AT(unit.overflow_offset, "offset of the overflow pointer"),
	{ NULL, 0 },
};

struct comparison {
	const struct map_layout *known, *found;
	map_layout_difference *differs;
	void *context;
	unsigned compared;
};

static void compare(struct comparison *comparison, const char *part, const char *what, uint64_t known, uint64_t found)
{
	comparison->compared++;
	if (known != found)
		comparison->differs(comparison->context, part, what, known, found);
}

static void compare_fields(struct comparison *comparison, const struct member *member)
{
	for (; member->name != NULL; member++) {
		const struct field_at *known = (const void *)((const char *)comparison->known + member->offset);
		const struct field_at *found = (const void *)((const char *)comparison->found + member->offset);

		/* where a field is not there, it is nowhere */
		compare(comparison, member->name, "size", known->size, found->size);
		compare(comparison, member->name, "offset", known->offset, found->offset);
	}
}

static void compare_unit(struct comparison *comparison, const char *part)
{
	for (const struct member *member = unit_members; member->name != NULL; member++) {
		const uint32_t *known = (const void *)((const char *)comparison->known + member->offset);
		const uint32_t *found = (const void *)((const char *)comparison->found + member->offset);

		compare(comparison, part, member->name, *known, *found);
	}
}

unsigned map_layout_compare(const struct map_layout *known, const struct map_layout *found, map_layout_difference *differs,
			    void *context)
{
	struct comparison comparison = { known, found, differs, context, 0 };
	bool classic = known->implementation == MAP_CLASSIC;

	compare(&comparison, "map", "implementation", known->implementation, found->implementation);
	if (known->implementation != found->implementation)
		return comparison.compared;
	compare(&comparison, "header", "size", known->header_size, found->header_size);
	compare_fields(&comparison, classic ? classic_members : swiss_members);
	if (!classic)
		compare(&comparison, "table", "size", known->swiss.table_size, found->swiss.table_size);
	compare_unit(&comparison, classic ? "bucket" : "group");
	compare(&comparison, "keys", "behind a pointer", known->key_indirect, found->key_indirect);
	compare(&comparison, "elems", "behind a pointer", known->elem_indirect, found->elem_indirect);
	return comparison.compared;
}
