/* The map types of a program, by what names them in memory. */
#include <dwarf.h>
#include <string.h>

#include "binary/debug.h"
#include "gotype/map_descriptor.h"
#include "heap/types_private.h"
#include "util/alloc.h"

static void keep_descriptor(struct heap_types *types, struct gotype *type)
{
	static const char *const names[] = { "Group", "Bucket", "bucket", NULL };
	struct map_descriptor descriptor;
	taddr address;
	struct error *error = gotype_descriptor(type, &address);

	if (error == NULL) {
		table_put(&types->maps_by_descriptor, address.v, (uintptr_t)type);
		error = map_descriptor_read(types->program, address, &descriptor);
	}
	if (error == NULL) {
		const struct map_descriptor_field *unit = map_descriptor_find(&descriptor, names);
		uint64_t *known = unit ? table_get(&types->maps_by_unit, unit->value) : NULL;

		/* types of the same key and elem share it: the one without a name of its own stands for all */
		if (known != NULL && strncmp(type->name, "map[", 4) == 0)
			*known = (uintptr_t)type;
		else if (unit != NULL)
			table_put(&types->maps_by_unit, unit->value, (uintptr_t)type);
	}
	error_free(error);
}

/* The compiler's own: types of generic code before it is told what its parameters are. */
static bool is_compilers(const char *name)
{
	return strstr(name, "go.shape.") != NULL || strncmp(name, "noalg.", 6) == 0;
}

static void keep_type(struct heap_types *types, struct gotype *type)
{
	struct error *error = gotype_complete(type);

	if (error == NULL && type->map_layout != NULL) {
		ARRAY_RESERVE(types->maps, types->map_count, types->map_capacity);
		types->maps[types->map_count++] = type;
		keep_descriptor(types, type);
	}
	error_free(error);
}

static bool keep_map_type(void *context, const char *name, uint64_t offset)
{
	struct heap_types *types = context;
	struct debug *debug = types->program->binary->debug;
	struct gotype *type;
	Dwarf_Die die;
	uint64_t kind;

	if (is_compilers(name))
		return true;
	if (!debug_die(debug, offset, &die) || dwarf_tag(&die) != DW_TAG_typedef || !debug_number(&die, DW_AT_go_kind, &kind) ||
	    (kind & 0x1f) != GO_MAP)
		return true;

	struct error *error = program_type_at(types->program, offset, &type);

	if (error == NULL)
		keep_type(types, type);
	error_free(error);
	return true;
}

static void keep_described(void *context, struct gotype *type)
{
	struct heap_types *types = context;

	ARRAY_RESERVE(types->described, types->described_count, types->described_capacity);
	types->described[types->described_count++] = type;
	if (type->kind == GO_MAP && !is_compilers(type->name))
		keep_type(context, type);
}

struct gotype *const *heap_map_types(struct heap_types *types, size_t *count)
{
	struct debug *debug = types->program->binary->debug;

	if (!types->maps_known && debug_is_made(debug)) /* of the runtime's own types, not of the program's */
		error_free(gotype_each_described(types->program, keep_described, types));
	else if (!types->maps_known)
		debug_each_type(debug, keep_map_type, types);
	types->maps_known = true;
	*count = types->map_count;
	return types->maps;
}

struct gotype *const *heap_described_types(struct heap_types *types, size_t *count)
{
	heap_map_types(types, count);
	*count = types->described_count;
	return types->described;
}

struct gotype *heap_map_of_unit(struct heap_types *types, taddr descriptor)
{
	size_t count;

	heap_map_types(types, &count);

	const uint64_t *known = table_get(&types->maps_by_unit, descriptor.v);

	return known ? (struct gotype *)(uintptr_t)*known : NULL;
}

struct gotype *heap_type_preferred(struct heap_types *types, struct gotype *type)
{
	size_t count;

	heap_map_types(types, &count);

	const uint64_t *known = type->descriptor.v ? table_get(&types->maps_by_descriptor, type->descriptor.v) : NULL;

	return known ? (struct gotype *)(uintptr_t)*known : type;
}
