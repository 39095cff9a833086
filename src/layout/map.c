#include "layout/map.h"

#include <dwarf.h>
#include <string.h>

#include "layout/map_fields.h"

/* 8 control bytes, eight keys and elems of at most MAP_INDIRECT_ABOVE bytes, padding and a pointer are less. */
enum { UNIT_SIZE_LIMIT = 4096, HEADER_SIZE_LIMIT = 512 };

const char *map_implementation_name(enum map_implementation implementation)
{
	return implementation == MAP_SWISS ? "swiss" : "classic";
}

/* The struct that a pointer points to, typedefs on the way followed; `levels` pointers deep. */
static struct error *pointed_struct(struct binary *binary, uint64_t pointer, int levels, uint64_t *die,
				    struct layout_struct *out)
{
	Dwarf_Die at;

	*die = pointer;
	for (int i = 0; i < levels; i++)
		if (!layout_strip(binary, *die, &at) || dwarf_tag(&at) != DW_TAG_pointer_type ||
		    !debug_reference(&at, DW_AT_type, die))
			return error_new(ERROR_TARGET, "%s: DWARF offset 0x%llx: a pointer to a struct was expected",
					 binary->path, (unsigned long long)pointer);
	return layout_struct_at(binary, *die, out);
}

static struct error *field_required(const struct layout_struct *layout, const char *name, const struct layout_field **out)
{
	*out = layout_field_find(layout, name);
	if (*out == NULL)
		return error_new(ERROR_TARGET, "struct %s has no field %s: an unknown layout", layout->name, name);
	return NULL;
}

/* Where the eight keys (or elems) of an array field lie: `offset` of the first and the stride. */
static struct error *eight(const struct layout_field *field, uint32_t *offset, uint32_t *stride)
{
	if (field->size % MAP_SLOTS != 0 || field->size > UNIT_SIZE_LIMIT || field->offset > UNIT_SIZE_LIMIT)
		return error_new(ERROR_TARGET, "field %s: %llu bytes are not those of %d slots", field->name,
				 (unsigned long long)field->size, MAP_SLOTS);
	*offset = (uint32_t)field->offset;
	*stride = (uint32_t)(field->size / MAP_SLOTS);
	return NULL;
}

static bool slots_fit(const struct map_unit_layout *unit, uint32_t offset, uint32_t stride, uint64_t size)
{
	return size <= stride && (uint64_t)offset + (uint64_t)(MAP_SLOTS - 1) * stride + size <= unit->size;
}

/* Whatever DWARF or a descriptor says, decoders may index a unit of unit.size bytes without further checks. */
struct error *map_layout_check(const struct map_layout *map, uint64_t key_size, uint64_t elem_size, unsigned word,
			       const char *name)
{
	const struct map_unit_layout *unit = &map->unit;
	uint64_t key = map->key_indirect ? word : key_size;
	uint64_t elem = map->elem_indirect ? word : elem_size;

	if (unit->size >= MAP_SLOTS && unit->size <= UNIT_SIZE_LIMIT &&
	    (uint64_t)unit->control_offset + MAP_SLOTS <= unit->size && slots_fit(unit, unit->key_offset, unit->key_stride, key) &&
	    slots_fit(unit, unit->elem_offset, unit->elem_stride, elem) &&
	    (map->implementation != MAP_CLASSIC || (uint64_t)unit->overflow_offset + word <= unit->size))
		return NULL;
	return error_new(ERROR_TARGET, "struct %s: keys of %llu and elems of %llu bytes do not fit its %u bytes", name,
			 (unsigned long long)key_size, (unsigned long long)elem_size, unit->size);
}

static struct error *unit_size(const struct layout_struct *layout, uint32_t *out)
{
	if (layout->size < MAP_SLOTS || layout->size > UNIT_SIZE_LIMIT)
		return error_new(ERROR_TARGET, "struct %s: %llu bytes are no bucket or group", layout->name,
				 (unsigned long long)layout->size);
	*out = (uint32_t)layout->size;
	return NULL;
}

/* --- classic: runtime.hmap, runtime.bmap as cmd/link writes them for each map type (hash<K,V>, bucket<K,V>) --- */

struct error *map_classic_header(const struct layout_struct *header, struct classic_header_layout *out)
{
	TRY(layout_field_at(header, "count", false, &out->count));
	TRY(layout_field_at(header, "flags", false, &out->flags));
	TRY(layout_field_at(header, "B", false, &out->b));
	TRY(layout_field_at(header, "noverflow", true, &out->noverflow));
	TRY(layout_field_at(header, "hash0", false, &out->hash0));
	TRY(layout_field_at(header, "buckets", false, &out->buckets));
	TRY(layout_field_at(header, "oldbuckets", false, &out->oldbuckets));
	TRY(layout_field_at(header, "nevacuate", false, &out->nevacuate));
	return layout_field_at(header, "extra", true, &out->extra); /* 1.8: overflow */
}

static struct error *classic_extra(struct binary *binary, const struct layout_struct *header,
				   struct classic_header_layout *out)
{
	const struct layout_field *field = layout_field_find(header, "extra");
	struct layout_struct extra;
	uint64_t die;

	if (field == NULL)
		return NULL;
	TRY(pointed_struct(binary, field->type_die, 1, &die, &extra));

	struct error *error = layout_field_at(&extra, "nextOverflow", true, &out->next_overflow);

	layout_struct_free(&extra);
	return error;
}

static struct error *classic_unit(const struct layout_struct *bucket, struct map_unit_layout *out)
{
	const struct layout_field *tophash, *keys, *elems, *overflow;

	TRY(unit_size(bucket, &out->size));
	TRY(field_required(bucket, "tophash", &tophash));
	TRY(field_required(bucket, "keys", &keys));
	/* DWARF says "values" in every version, whatever the runtime calls them */
	TRY(field_required(bucket, layout_field_find(bucket, "values") ? "values" : "elems", &elems));
	TRY(field_required(bucket, "overflow", &overflow));
	out->control_offset = (uint32_t)tophash->offset;
	out->overflow_offset = (uint32_t)overflow->offset;
	TRY(eight(keys, &out->key_offset, &out->key_stride));
	return eight(elems, &out->elem_offset, &out->elem_stride);
}

static struct error *load_classic(struct binary *binary, const struct layout_struct *header, struct map_layout *out)
{
	const struct layout_field *buckets;
	struct layout_struct bucket;

	TRY(map_classic_header(header, &out->classic));
	TRY(classic_extra(binary, header, &out->classic));
	TRY(field_required(header, "buckets", &buckets));
	TRY(pointed_struct(binary, buckets->type_die, 1, &out->unit_die, &bucket));

	struct error *error = classic_unit(&bucket, &out->unit);

	layout_struct_free(&bucket);
	return error;
}

/* --- swiss: internal/runtime/maps.Map, table, groupReference; map<K,V>, table<K,V>, noalg.map.group[K]V --------- */

struct error *map_swiss_header(const struct layout_struct *header, struct swiss_header_layout *out)
{
	TRY(layout_field_at(header, "used", false, &out->used));
	TRY(layout_field_at(header, "seed", false, &out->seed));
	TRY(layout_field_at(header, "dirPtr", false, &out->dir_ptr));
	TRY(layout_field_at(header, "dirLen", false, &out->dir_len));
	TRY(layout_field_at(header, "globalDepth", false, &out->global_depth));
	TRY(layout_field_at(header, "globalShift", false, &out->global_shift));
	TRY(layout_field_at(header, "writing", false, &out->writing));
	TRY(layout_field_at(header, "tombstonePossible", true, &out->tombstone_possible));
	return layout_field_at(header, "clearSeq", true, &out->clear_seq);
}

struct error *map_swiss_table(const struct layout_struct *table, struct swiss_header_layout *out)
{
	TRY(layout_field_at(table, "used", false, &out->table_used));
	TRY(layout_field_at(table, "capacity", false, &out->table_capacity));
	TRY(layout_field_at(table, "growthLeft", false, &out->table_growth_left));
	TRY(layout_field_at(table, "localDepth", false, &out->table_local_depth));
	TRY(layout_field_at(table, "index", false, &out->table_index));
	if (table->size > HEADER_SIZE_LIMIT)
		return error_new(ERROR_TARGET, "struct %s: %llu bytes are no table", table->name,
				 (unsigned long long)table->size);
	out->table_size = (uint32_t)table->size;
	return NULL;
}

/* slots: [8]struct { key K; elem V } */
static struct error *slots_together(struct binary *binary, const struct layout_field *slots, struct map_unit_layout *out)
{
	Dwarf_Die array;
	uint64_t slot_die;
	struct layout_struct slot;
	const struct layout_field *key, *elem;

	if (!layout_strip(binary, slots->type_die, &array) || !debug_reference(&array, DW_AT_type, &slot_die))
		return error_new(ERROR_TARGET, "field slots is not an array");
	TRY(eight(slots, &out->key_offset, &out->key_stride));
	TRY(layout_struct_at(binary, slot_die, &slot));

	struct error *error = field_required(&slot, "key", &key);

	if (error == NULL)
		error = field_required(&slot, "elem", &elem);
	if (error == NULL) {
		out->elem_stride = out->key_stride;
		out->elem_offset = out->key_offset + (uint32_t)elem->offset;
		out->key_offset += (uint32_t)key->offset;
		/* the last slot's elem must not reach behind the slots by its offset alone */
		if (elem->offset + elem->size > out->elem_stride || key->offset + key->size > out->key_stride)
			error = error_new(ERROR_TARGET, "struct %s: key or elem lie outside it", slot.name);
	}
	layout_struct_free(&slot);
	return error;
}

static struct error *swiss_unit(struct binary *binary, const struct layout_struct *group, struct map_unit_layout *out)
{
	const struct layout_field *control, *keys, *elems;
	const struct layout_field *slots = layout_field_find(group, "slots");

	TRY(unit_size(group, &out->size));
	TRY(field_required(group, "ctrl", &control));
	out->control_offset = (uint32_t)control->offset;
	if (slots != NULL)
		return slots_together(binary, slots, out);
	/* GOEXPERIMENT=mapsplitgroup (1.27): keys, elems as arrays of their own */
	TRY(field_required(group, "keys", &keys));
	TRY(field_required(group, "elems", &elems));
	TRY(eight(keys, &out->key_offset, &out->key_stride));
	return eight(elems, &out->elem_offset, &out->elem_stride);
}

/* groups: groupReference { data *group; lengthMask uint64 }, inside the table */
static struct error *swiss_groups(struct binary *binary, const struct layout_struct *table,
				  struct swiss_header_layout *out)
{
	const struct layout_field *groups;
	struct layout_struct reference;

	TRY(field_required(table, "groups", &groups));
	TRY(layout_struct_at(binary, groups->type_die, &reference));

	struct error *error = layout_field_at(&reference, "data", false, &out->table_groups_data);

	if (error == NULL)
		error = layout_field_at(&reference, "lengthMask", false, &out->table_groups_mask);
	if (error == NULL && (groups->offset > table->size || reference.size > table->size - groups->offset))
		error = error_new(ERROR_TARGET, "struct %s: groups lie outside it", table->name);
	out->table_groups_data.offset += (uint32_t)groups->offset;
	out->table_groups_mask.offset += (uint32_t)groups->offset;
	layout_struct_free(&reference);
	return error;
}

/* The group type: what the table's groups.data points to. */
static struct error *swiss_group(struct binary *binary, const struct layout_struct *table, struct map_layout *out)
{
	const struct layout_field *groups = layout_field_find(table, "groups"), *data;
	struct layout_struct reference, group;

	TRY(layout_struct_at(binary, groups->type_die, &reference));

	struct error *error = field_required(&reference, "data", &data);

	if (error == NULL)
		error = pointed_struct(binary, data->type_die, 1, &out->unit_die, &group);
	layout_struct_free(&reference);
	if (error != NULL)
		return error;
	error = swiss_unit(binary, &group, &out->unit);
	layout_struct_free(&group);
	return error;
}

static struct error *load_swiss(struct binary *binary, const struct layout_struct *header, struct map_layout *out)
{
	const struct layout_field *directory;
	struct layout_struct table;

	TRY(map_swiss_header(header, &out->swiss));
	TRY(field_required(header, "dirPtr", &directory));
	TRY(pointed_struct(binary, directory->type_die, 2, &out->table_die, &table)); /* **table<K,V> */

	struct error *error = map_swiss_table(&table, &out->swiss);

	if (error == NULL)
		error = swiss_groups(binary, &table, &out->swiss);
	if (error == NULL)
		error = swiss_group(binary, &table, out);
	layout_struct_free(&table);
	return error;
}

struct error *map_layout_load(struct binary *binary, uint64_t typedef_die, uint64_t key_size, uint64_t elem_size,
			      struct map_layout *out)
{
	struct layout_struct header;
	struct map_layout layout = {
		.key_indirect = key_size > MAP_INDIRECT_ABOVE,
		.elem_indirect = elem_size > MAP_INDIRECT_ABOVE,
	};

	TRY(pointed_struct(binary, typedef_die, 1, &layout.header_die, &header));

	bool classic = layout_field_find(&header, "buckets") != NULL;
	struct error *error = NULL;

	layout.implementation = classic ? MAP_CLASSIC : MAP_SWISS;
	if (header.size > HEADER_SIZE_LIMIT)
		error = error_new(ERROR_TARGET, "%llu bytes are no map header", (unsigned long long)header.size);
	layout.header_size = (uint32_t)header.size;
	if (error == NULL)
		error = classic ? load_classic(binary, &header, &layout) : load_swiss(binary, &header, &layout);
	if (error == NULL)
		error = map_layout_check(&layout, key_size, elem_size, binary->machine.word_size, header.name);
	if (error != NULL)
		error = error_wrap(error, "%s: map header %s", binary->path, header.name);
	layout_struct_free(&header);
	if (error == NULL)
		*out = layout;
	return error;
}

static struct error *swiss_table_named(struct binary *binary, struct map_layout *out)
{
	static const char *const names[] = { "internal/runtime/maps.table", NULL };
	struct layout_struct table;

	TRY(layout_struct_named(binary, names, &table));

	struct error *error = map_swiss_table(&table, &out->swiss);

	if (error == NULL)
		error = swiss_groups(binary, &table, &out->swiss);
	layout_struct_free(&table);
	return error;
}

struct error *map_layout_load_header(struct binary *binary, struct map_layout *out)
{
	static const char *const names[] = { "internal/runtime/maps.Map", "runtime.hmap", NULL };
	struct layout_struct header;

	*out = (struct map_layout){ 0 };
	TRY(layout_struct_named(binary, names, &header));
	out->header_size = (uint32_t)header.size;
	out->implementation = layout_field_find(&header, "buckets") ? MAP_CLASSIC : MAP_SWISS;

	struct error *error;

	if (header.size > HEADER_SIZE_LIMIT) {
		error = error_new(ERROR_TARGET, "%llu bytes are no map header", (unsigned long long)header.size);
	} else if (out->implementation == MAP_CLASSIC) {
		error = map_classic_header(&header, &out->classic);
		if (error == NULL)
			error = classic_extra(binary, &header, &out->classic);
	} else {
		error = map_swiss_header(&header, &out->swiss);
		if (error == NULL)
			error = swiss_table_named(binary, out);
	}
	layout_struct_free(&header);
	return error;
}
