#include "layout/table.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "layout/map_fields.h"
#include "layout/shape.h"
#include "layout/table_private.h"
#include "util/alloc.h"

#define MAPS "internal/runtime/maps."

/* The last version with classic maps (GOEXPERIMENT=noswissmap), the first with Swiss ones. */
enum { CLASSIC_LAST = 25, SWISS_FIRST = 24 };

static const struct table_struct *const tables[] = {
	layout_table_maps, layout_table_types, layout_table_scheduler, layout_table_heap, layout_table_code,
	layout_table_collector,
};

static bool in_range(int minor, unsigned since, unsigned until)
{
	return minor >= (int)since && (until == 0 || minor <= (int)until);
}

static const struct table_struct *find_struct(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct table_struct *row = tables[i]; row->name != NULL; row++)
			if (strcmp(row->name, name) == 0)
				return row;
	return NULL;
}

static bool is_blank(const struct table_field *field)
{
	return strcmp(field->name, "_") == 0;
}

static void add_field(const struct table_field *row, int minor, const struct machine *machine, struct shape *shape,
		      size_t *capacity, struct layout_struct *out)
{
	uint64_t size = table_field_size(row, minor, machine);
	uint64_t offset;

	if (is_blank(row) && size == 0)
		return; /* padding of the other word size alone, or none on this machine */
	offset = shape_add(shape, size, machine->word_size == 8 ? row->align64 : row->align32);
	if (is_blank(row))
		return;
	ARRAY_RESERVE(out->fields, out->field_count, *capacity);
	out->fields[out->field_count++] = (struct layout_field){
		.name = row->name, .offset = offset, .size = size, .type = table_field_type(row, minor, machine),
	};
}

bool layout_struct_known_on(const char *name, const struct go_version *version, const struct machine *machine,
			    struct layout_struct *out)
{
	const struct table_struct *found = find_struct(name);
	struct layout_struct layout = { .name = name };
	struct shape shape = { 0 };
	size_t capacity = 0;

	for (size_t i = 0; found != NULL && i < found->count; i++)
		if (in_range(version->minor, found->fields[i].since, found->fields[i].until))
			add_field(&found->fields[i], version->minor, machine, &shape, &capacity, &layout);
	layout.size = shape_end(&shape);
	*out = layout;
	return layout.field_count != 0;
}

bool layout_struct_known(const char *name, const struct go_version *version, unsigned word_size,
			 struct layout_struct *out)
{
	const struct machine machine = { .elf_machine = word_size == 8 ? EM_X86_64 : EM_386, .word_size = (uint8_t)word_size };

	return layout_struct_known_on(name, version, &machine, out);
}

static bool has(unsigned implementations, enum map_implementation implementation)
{
	return implementations & (implementation == MAP_SWISS ? TABLE_SWISS : TABLE_CLASSIC);
}

bool layout_struct_goes_with(const char *name, enum map_implementation implementation)
{
	const struct table_struct *found = find_struct(name);

	return found != NULL && has(found->implementations, implementation);
}

bool layout_constant_known(const char *name, const struct go_version *version, unsigned word_size,
			   enum map_implementation implementation, uint64_t *value)
{
	for (const struct table_constant *row = layout_table_constants; row->name != NULL; row++) {
		if (strcmp(row->name, name) != 0 || !has(row->implementations, implementation) ||
		    !in_range(version->minor, row->since, row->until))
			continue;
		*value = word_size == 8 ? row->value64 : row->value32;
		return true;
	}
	return false;
}

const char *layout_variable_known(const char *name, const struct go_version *version, unsigned word_size)
{
	for (const struct table_variable *row = layout_table_variables; row->name != NULL; row++)
		if (strcmp(row->name, name) == 0 && in_range(version->minor, row->since, row->until))
			return word_size == 8 ? row->type64 : row->type32;
	return NULL;
}

bool layout_implementation_known(const struct go_version *version, enum map_implementation implementation)
{
	return implementation == MAP_SWISS ? version->minor >= SWISS_FIRST : version->minor <= CLASSIC_LAST;
}

static struct error *known(const struct map_layout_request *request, const char *name, struct layout_struct *out)
{
	if (layout_struct_known(name, request->version, request->machine.word_size, out))
		return NULL;
	return error_new(ERROR_TARGET, "Go 1.%d has no struct %s", request->version->minor, name);
}

/* --- classic ------------------------------------------------------------------------------------------------- */

static struct error *classic_known_header(const struct map_layout_request *request, struct map_layout *out)
{
	struct layout_struct header, extra;

	TRY(known(request, "runtime.hmap", &header));
	out->header_size = (uint32_t)header.size;

	struct error *error = map_classic_header(&header, &out->classic);

	layout_struct_free(&header);
	if (error != NULL ||
	    !layout_struct_known("runtime.mapextra", request->version, request->machine.word_size, &extra))
		return error; /* 1.8 */
	error = layout_field_at(&extra, "nextOverflow", false, &out->classic.next_overflow);
	layout_struct_free(&extra);
	return error;
}

/* What lies in a slot: the value, or a pointer to it. */
struct part {
	uint64_t size, align;
};

static struct part slot_part(bool indirect, uint64_t size, uint64_t align, unsigned word)
{
	return indirect ? (struct part){ word, word } : (struct part){ size, align };
}

/*
 * cmd/compile/internal/reflectdata/map.go and reflect.go, MapBucketType (<= 1.16: gc/reflect.go, bmap): [8]uint8,
 * [8]key, [8]elem, and in the very last word the overflow pointer; a word of padding before it where something is
 * aligned to more.
 */
static void classic_known_unit(struct part key, struct part elem, unsigned word, struct map_unit_layout *out)
{
	struct shape shape = { 0 };

	out->control_offset = (uint32_t)shape_add(&shape, MAP_SLOTS, 1);
	out->key_offset = (uint32_t)shape_add(&shape, MAP_SLOTS * key.size, key.align);
	out->elem_offset = (uint32_t)shape_add(&shape, MAP_SLOTS * elem.size, elem.align);
	shape_add(&shape, word, word);
	out->size = (uint32_t)shape_end(&shape);
	out->overflow_offset = out->size - word;
	out->key_stride = (uint32_t)key.size;
	out->elem_stride = (uint32_t)elem.size;
}

/* --- swiss --------------------------------------------------------------------------------------------------- */

static struct error *swiss_known_table(const struct map_layout_request *request, struct swiss_header_layout *out)
{
	struct layout_struct table, groups;

	TRY(known(request, MAPS "table", &table));

	uint64_t groups_at = layout_field_find(&table, "groups")->offset;
	struct error *error = map_swiss_table(&table, out);

	layout_struct_free(&table);
	TRY(error);
	TRY(known(request, MAPS "groupsReference", &groups));
	error = layout_field_at(&groups, "data", false, &out->table_groups_data);
	if (error == NULL)
		error = layout_field_at(&groups, "lengthMask", false, &out->table_groups_mask);
	layout_struct_free(&groups);
	out->table_groups_data.offset += (uint32_t)groups_at;
	out->table_groups_mask.offset += (uint32_t)groups_at;
	return error;
}

static struct error *swiss_known_header(const struct map_layout_request *request, struct map_layout *out)
{
	struct layout_struct header;

	TRY(known(request, MAPS "Map", &header));
	out->header_size = (uint32_t)header.size;

	struct error *error = map_swiss_header(&header, &out->swiss);

	layout_struct_free(&header);
	return error != NULL ? error : swiss_known_table(request, &out->swiss);
}

/*
 * cmd/compile/internal/reflectdata/map.go (1.24, 1.25: map_swiss.go), MapGroupType: ctrl uint64 and
 * slots [8]struct { key K; elem V }; with GOEXPERIMENT=mapsplitgroup keys [8]K; elems [8]V.
 */
static void swiss_known_unit(struct part key, struct part elem, unsigned word, bool split, struct map_unit_layout *out)
{
	struct shape group = { 0 }, slot = { 0 };

	out->control_offset = (uint32_t)shape_add(&group, MAP_SLOTS, shape_number_align(MAP_SLOTS, word));
	if (split) {
		out->key_offset = (uint32_t)shape_add(&group, MAP_SLOTS * key.size, key.align);
		out->key_stride = (uint32_t)key.size;
		out->elem_offset = (uint32_t)shape_add(&group, MAP_SLOTS * elem.size, elem.align);
		out->elem_stride = (uint32_t)elem.size;
	} else {
		uint64_t key_at = shape_add(&slot, key.size, key.align),
			 elem_at = shape_add(&slot, elem.size, elem.align);
		uint64_t stride = shape_end(&slot), slots_at = shape_add(&group, MAP_SLOTS * stride, slot.align);

		out->key_offset = (uint32_t)(slots_at + key_at);
		out->elem_offset = (uint32_t)(slots_at + elem_at);
		out->key_stride = out->elem_stride = (uint32_t)stride;
	}
	out->size = (uint32_t)shape_end(&group);
}

bool map_layout_splits_groups(const struct binary *binary)
{
	const char *experiments = binary->go_experiments;
	const char *found = experiments ? strstr(experiments, "mapsplitgroup") : NULL;

	/* nomapsplitgroup says no */
	return found != NULL && (found == experiments || found[-1] == ',');
}

struct error *map_layout_known(const struct map_layout_request *request, struct map_layout *out)
{
	unsigned word = request->machine.word_size;
	bool classic = request->implementation == MAP_CLASSIC;
	struct map_layout layout = {
		.implementation = request->implementation,
		.key_indirect = request->key_size > MAP_INDIRECT_ABOVE,
		.elem_indirect = request->elem_size > MAP_INDIRECT_ABOVE,
	};
	struct part key = slot_part(layout.key_indirect, request->key_size, request->key_align, word);
	struct part elem = slot_part(layout.elem_indirect, request->elem_size, request->elem_align, word);

	if (!layout_implementation_known(request->version, request->implementation))
		return error_new(ERROR_TARGET, "Go 1.%d has no %s maps", request->version->minor,
				 map_implementation_name(request->implementation));
	if (classic) {
		TRY(classic_known_header(request, &layout));
		classic_known_unit(key, elem, word, &layout.unit);
	} else {
		TRY(swiss_known_header(request, &layout));
		swiss_known_unit(key, elem, word, request->split_groups, &layout.unit);
	}
	TRY(map_layout_check(&layout, request->key_size, request->elem_size, word, "bucket or group"));
	*out = layout;
	return NULL;
}
