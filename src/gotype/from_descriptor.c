/*
 * Types from the runtime's own descriptors in memory: runtime._type (internal/abi.Type from 1.21) and what follows it
 * for each kind. Where the fields are comes from DWARF; what they mean is runtime/type.go, internal/abi/type.go.
 */
#include <stdlib.h>
#include <string.h>

#include "gotype/descriptor.h"
#include "layout/descriptor.h"
#include "layout/map.h"
#include "util/alloc.h"
#include "util/limits.h"

enum { KIND_DIRECT_INTERFACE = 1 << 5 }; /* internal/abi/type.go, KindDirectIface (<= 1.25) */

enum { MODULE_LIMIT = 4096 };

static const char *const struct_names[DESCRIPTOR_STRUCTS][5] = {
	[COMMON] = { "internal/abi.Type", "runtime._type" },
	[ARRAY] = { "internal/abi.ArrayType", "runtime.arraytype" },
	[CHAN] = { "internal/abi.ChanType", "runtime.chantype", "reflect.chanType" },
	[FUNC] = { "internal/abi.FuncType", "runtime.functype", "reflect.funcType" },
	[INTERFACE] = { "internal/abi.InterfaceType", "runtime.interfacetype" },
	[MAP] = { "internal/abi.MapType", "internal/abi.SwissMapType", "internal/abi.OldMapType", "runtime.maptype" },
	[POINTER] = { "internal/abi.PtrType", "runtime.ptrtype" },
	[SLICE] = { "internal/abi.SliceType", "runtime.slicetype" },
	[STRUCT] = { "internal/abi.StructType", "runtime.structtype" },
	[FIELD] = { "internal/abi.StructField", "runtime.structfield" },
	[MODULE] = { "runtime.moduledata" },
	[ITAB] = { "internal/abi.ITab", "runtime.itab" },
};

void descriptor_layout_destroy(struct descriptor_layout *layout)
{
	if (layout == NULL)
		return;
	for (int i = 0; i < DESCRIPTOR_STRUCTS; i++)
		layout_struct_free(&layout->structs[i]);
	free(layout->modules);
	free(layout);
}

struct error *descriptor_load_struct(struct program *program, enum descriptor_struct which, const struct layout_struct **out)
{
	if (program->descriptors == NULL)
		program->descriptors = xcalloc(1, sizeof(*program->descriptors));

	struct layout_struct *layout = &program->descriptors->structs[which];

	*out = layout;
	if (layout->name != NULL)
		return NULL;

	struct error *error = layout_struct_named(program->binary, struct_names[which], layout);

	if (error != NULL && layout_descriptor_known(struct_names[which][0], program->machine.word_size, layout)) {
		error_free(error);
		return NULL;
	}
	return error;
}

/* A field by either of its names: as internal/abi spells it, and as runtime did. */
static const struct layout_field *field_of(const struct layout_struct *layout, const char *name, const char *old_name)
{
	const struct layout_field *field = layout_field_find(layout, name);

	return field || old_name == NULL ? field : layout_field_find(layout, old_name);
}

struct error *descriptor_read(struct program *program, enum descriptor_struct which, taddr address,
				     struct descriptor *out)
{
	out->program = program;
	out->address = address;
	TRY(descriptor_load_struct(program, which, &out->layout));
	if (out->layout->size > DESCRIPTOR_LIMIT)
		return error_new(ERROR_TARGET, "struct %s: %llu bytes are no descriptor", out->layout->name,
				 (unsigned long long)out->layout->size);
	return target_read(program->memory, address, out->bytes, out->layout->size);
}

struct error *descriptor_word(const struct descriptor *descriptor, const char *name, const char *old_name, unsigned word,
				     uint64_t *out)
{
	const struct layout_field *field = field_of(descriptor->layout, name, old_name);
	const struct machine *machine = &descriptor->program->machine;
	size_t skip = (size_t)word * machine->word_size;
	size_t size = field ? (field->size > machine->word_size ? machine->word_size : field->size) : 0;

	if (size == 0 || (size & (size - 1)) != 0 || field->offset + skip + size > descriptor->layout->size)
		return error_new(ERROR_TARGET, "struct %s has no field %s: an unknown layout", descriptor->layout->name, name);
	*out = load_uint(machine, descriptor->bytes + field->offset + skip, size);
	return NULL;
}

/* --- modules and names ------------------------------------------------------------------------------------- */

static struct error *module_field(struct program *program, taddr module, const char *name, uint64_t *out)
{
	const struct layout_struct *layout;
	struct field_at at;

	TRY(descriptor_load_struct(program, MODULE, &layout));
	TRY(layout_field_at(layout, name, false, &at));
	return target_read_word(program->memory, taddr_add(module, at.offset), out);
}

/* Which of its descriptors the module lists: as long as there is room for. */
static struct error *read_listed(struct program *program, taddr address, struct module *out)
{
	const struct layout_struct *layout;
	uint64_t most = out->etypes - out->types;

	TRY(descriptor_load_struct(program, MODULE, &layout));

	const struct layout_field *links = layout_field_find(layout, "typelinks");

	if (layout_field_find(layout, "typedesclen") != NULL)
		TRY(module_field(program, address, "typedesclen", &out->described));
	if (links != NULL) {
		TRY(target_read_word(program->memory, taddr_add(address, links->offset), &out->links));
		TRY(target_read_word(program->memory, taddr_add(address, links->offset + program->machine.word_size), &out->link_count));
	}
	out->described = out->described < most ? out->described : most;
	out->link_count = out->link_count < most / 4 ? out->link_count : most / 4;
	return NULL;
}

static struct error *read_module(struct program *program, uint64_t address, struct module *out, uint64_t *next)
{
	TRY(module_field(program, taddr_of(address), "types", &out->types));
	TRY(module_field(program, taddr_of(address), "etypes", &out->etypes));
	TRY(module_field(program, taddr_of(address), "next", next));
	if (out->etypes < out->types)
		return error_new(ERROR_MEMORY, "0x%llx: a module whose types end before they begin", (unsigned long long)address);
	return read_listed(program, taddr_of(address), out);
}

struct error *descriptor_read_modules(struct program *program)
{
	struct debug_variable first;
	struct descriptor_layout *layout = program->descriptors;

	if (layout->modules_read)
		return NULL;
	if (!debug_find_variable(program->binary->debug, "runtime.firstmoduledata", &first))
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.firstmoduledata", program->binary->path);

	uint64_t module = first.address + program->bias;

	while (module != 0 && layout->module_count < MODULE_LIMIT) {
		struct module read = { 0 };
		struct error *error = read_module(program, module, &read, &module);

		/* those that are known are of use without what comes behind them */
		if (error != NULL && layout->module_count == 0)
			return error;
		if (error != NULL) {
			error_free(error);
			break;
		}
		ARRAY_RESERVE(layout->modules, layout->module_count, layout->module_capacity);
		layout->modules[layout->module_count++] = read;
	}
	layout->modules_read = true;
	return NULL;
}

/* A length and that many bytes at *address, which moves behind them (see struct go_version). */
static struct error *read_counted(struct program *program, taddr *address, const char **out)
{
	uint8_t head[10];
	size_t got = target_read_some(program->memory, *address, head, sizeof(head));
	size_t skip = 0;
	uint64_t length = 0;

	if (got < 2)
		return target_unreadable(program->memory, taddr_add(*address, got));
	if (!program->version->name_length_varint) {
		length = (uint64_t)head[0] << 8 | head[1];
		skip = 2;
	} else {
		for (unsigned shift = 0; skip < got; shift += 7) {
			uint8_t byte = head[skip++];

			length |= (uint64_t)(byte & 0x7f) << shift;
			if (!(byte & 0x80))
				break;
		}
	}
	if (length > limit_of(LIMIT_NAME))
		return limit_passed(LIMIT_NAME, "0x%llx: %llu", (unsigned long long)address->v, (unsigned long long)length);
	if (program->allocated > limit_of(LIMIT_TYPE_BYTES))
		return limit_passed(LIMIT_TYPE_BYTES, "0x%llx", (unsigned long long)address->v);

	char *text = program_allocate(program, length + 1);

	TRY(target_read(program->memory, taddr_add(*address, skip), text, length));
	*address = taddr_add(*address, skip + length);
	*out = text;
	return NULL;
}

/* The record of a name: a byte of flags, the name, and where a flag says so a tag (NULL: not wanted). */
static struct error *read_name(struct program *program, taddr address, const char **name, const char **tag)
{
	enum { NAME_TAG_FOLLOWS = 1 << 1 };
	uint8_t flags;

	TRY(target_read(program->memory, address, &flags, 1));
	address = taddr_add(address, 1);
	TRY(read_counted(program, &address, name));
	if (tag != NULL && (flags & NAME_TAG_FOLLOWS))
		return read_counted(program, &address, tag);
	return NULL;
}

/* nameOff is added to `types` of the module that the descriptor lies in; descriptors outside all modules were made by reflect. */
static struct error *name_at_offset(struct program *program, taddr descriptor, int32_t offset, const char **out)
{
	TRY(descriptor_read_modules(program));
	*out = NULL;
	for (size_t i = 0; i < program->descriptors->module_count; i++) {
		const struct module *module = &program->descriptors->modules[i];

		if (descriptor.v < module->types || descriptor.v >= module->etypes)
			continue;
		if (offset <= 0 || (uint64_t)offset >= module->etypes - module->types)
			return error_new(ERROR_MEMORY, "0x%llx: not a type descriptor: its name lies outside the module",
					 (unsigned long long)descriptor.v);
		return read_name(program, taddr_of(module->types + (uint64_t)offset), out, NULL);
	}
	return NULL;
}

/* --- the common part --------------------------------------------------------------------------------------- */

struct error *not_a_descriptor(taddr address, const char *why)
{
	return error_new(ERROR_MEMORY, "0x%llx: not a type descriptor: %s", (unsigned long long)address.v, why);
}

static struct error *read_common(struct gotype *type)
{
	struct program *program = type->program;
	struct descriptor common;
	uint64_t kind, tflag, name;

	TRY(descriptor_read(program, COMMON, type->descriptor, &common));
	TRY(descriptor_word(&common, "Size_", "size", 0, &type->size));
	TRY(descriptor_word(&common, "Kind_", "kind", 0, &kind));
	TRY(descriptor_word(&common, "TFlag", "tflag", 0, &tflag));
	TRY(descriptor_word(&common, "Str", "str", 0, &name));
	type->kind = (enum go_kind)(kind & DESCRIPTOR_KIND_MASK);
	if (!gotype_size_fits(type->kind, type->size, program->machine.word_size))
		return not_a_descriptor(type->descriptor, "its size does not fit its kind");
	type->direct_interface = program->version->direct_in_tflag ? tflag & TFLAG_DIRECT_INTERFACE
								  : kind & KIND_DIRECT_INTERFACE;
	type->regular_memory = tflag & TFLAG_REGULAR_MEMORY;
	TRY(name_at_offset(program, type->descriptor, (int32_t)name, &type->name));
	if (type->name != NULL && (tflag & TFLAG_EXTRA_STAR) && type->name[0] == '*')
		type->name++;
	return NULL;
}

enum go_kind gotype_kind_at(struct program *program, taddr address)
{
	struct descriptor common;
	uint64_t kind = GO_INVALID;
	struct error *error = descriptor_read(program, COMMON, address, &common);

	if (error == NULL)
		error = descriptor_word(&common, "Kind_", "kind", 0, &kind);
	error_free(error);
	return (enum go_kind)(kind & DESCRIPTOR_KIND_MASK);
}

struct error *gotype_of_descriptor(struct program *program, taddr address, struct gotype **out)
{
	const uint64_t *known = table_get(&program->types_by_descriptor, address.v);

	if (known != NULL) {
		*out = (struct gotype *)(uintptr_t)*known;
		return NULL;
	}
	if (program->binary == NULL)
		return not_a_descriptor(address, "the types of this program have none there");
	if (program->memory == NULL)
		return error_new(ERROR_TARGET, "type descriptors need the memory of a process or a core");

	if (program->allocated > limit_of(LIMIT_TYPE_BYTES)) /* garbage that is taken for descriptors, again and again, ends here */
		return limit_passed(LIMIT_TYPE_BYTES, "0x%llx", (unsigned long long)address.v);

	const void *mark = program_mark(program);
	struct gotype *type = program_allocate(program, sizeof(*type));

	type->program = program;
	type->descriptor = address;

	struct error *error = read_common(type);

	if (error != NULL) {
		program_release(program, mark); /* garbage that is taken for descriptors leaves nothing behind */
		return error;
	}
	if (type->name == NULL)
		TRY(descriptor_name_from_parts(type));
	table_put(&program->types_by_descriptor, address.v, (uintptr_t)type);
	*out = type;
	return NULL;
}

/* --- kinds ------------------------------------------------------------------------------------------------- */

struct error *descriptor_part(const struct descriptor *descriptor, const char *name, const char *old_name, struct gotype **out)
{
	uint64_t address = 0;
	struct program *program = descriptor->program;

	TRY(descriptor_word(descriptor, name, old_name, 0, &address));
	if (program->depth == GOTYPE_DEPTH_LIMIT)
		return not_a_descriptor(descriptor->address, "it nests too deeply");
	program->depth++;

	struct error *error = gotype_of_descriptor(program, taddr_of(address), out);

	program->depth--;
	return error;
}

static struct error *complete_array(struct gotype *type)
{
	struct descriptor descriptor;
	uint64_t bytes;

	TRY(descriptor_read(type->program, ARRAY, type->descriptor, &descriptor));
	TRY(descriptor_part(&descriptor, "Elem", "elem", &type->elem));
	TRY(descriptor_word(&descriptor, "Len", "len", 0, &type->length));
	if (__builtin_mul_overflow(type->length, type->elem->size, &bytes) || bytes != type->size)
		return not_a_descriptor(type->descriptor, "an array whose length does not fit its size");
	return NULL;
}

/* Go 1.8 gives embedded fields no name (reflect/type.go, structType.Field): it is that of their type. */
static void name_embedded(struct gotype_field *field)
{
	const char *dot = field->type->name ? strrchr(field->type->name, '.') : NULL;

	if (field->name[0] != '\0' || field->type->name == NULL)
		return;
	field->embedded = true;
	field->name = dot ? dot + 1 : field->type->name[0] == '*' ? field->type->name + 1 : field->type->name;
}

static struct error *read_struct_field(struct gotype *type, taddr address, struct gotype_field *out)
{
	struct descriptor field;
	uint64_t name, offset;

	TRY(descriptor_read(type->program, FIELD, address, &field));
	TRY(descriptor_part(&field, "Typ", "typ", &out->type));
	TRY(descriptor_word(&field, "Name", "name", 0, &name)); /* a struct of one pointer */
	TRY(read_name(type->program, taddr_of(name), &out->name, &out->tag));
	name_embedded(out);

	const char *offset_name = layout_field_find(field.layout, "offsetAnon")	   ? "offsetAnon"
				  : layout_field_find(field.layout, "offsetEmbed") ? "offsetEmbed"
										   : "offset";

	TRY(descriptor_word(&field, "Offset", offset_name, 0, &offset));
	if (type->program->version->field_offset_shifted) {
		out->embedded = offset & 1;
		offset >>= 1;
	}
	out->offset = offset;
	if (offset > type->size || out->type->size > type->size - offset)
		return not_a_descriptor(type->descriptor, "a struct with a field outside it");
	return NULL;
}

static struct error *complete_struct(struct gotype *type)
{
	struct descriptor descriptor;
	const struct layout_struct *field;
	uint64_t fields, count;

	TRY(descriptor_read(type->program, STRUCT, type->descriptor, &descriptor));
	TRY(descriptor_word(&descriptor, "Fields", "fields", 0, &fields));
	TRY(descriptor_word(&descriptor, "Fields", "fields", 1, &count));
	TRY(descriptor_load_struct(type->program, FIELD, &field));
	if (count > limit_of(LIMIT_FIELDS))
		return limit_passed(LIMIT_FIELDS, "0x%llx: %llu", (unsigned long long)type->descriptor.v, (unsigned long long)count);
	type->fields = program_allocate(type->program, count * sizeof(*type->fields));
	for (uint64_t i = 0; i < count; i++)
		TRY(read_struct_field(type, taddr_of(fields + i * field->size), &type->fields[i]));
	type->field_count = count;
	return NULL;
}

/* The slots of a bucket as the classic map type's descriptor gives them (KeySize and ValueSize are sizes of slots). */
static struct error *classic_unit(struct descriptor *descriptor, unsigned word, struct map_unit_layout *unit)
{
	uint64_t key, elem, size;

	TRY(descriptor_word(descriptor, "KeySize", "keysize", 0, &key));
	TRY(descriptor_word(descriptor, "ValueSize", layout_field_find(descriptor->layout, "elemsize") ? "elemsize" : "valuesize", 0,
			    &elem));
	TRY(descriptor_word(descriptor, "BucketSize", "bucketsize", 0, &size));
	*unit = (struct map_unit_layout){
		.size = (uint32_t)size,
		.key_offset = MAP_SLOTS,
		.key_stride = (uint32_t)key,
		.elem_offset = (uint32_t)(MAP_SLOTS + MAP_SLOTS * key),
		.elem_stride = (uint32_t)elem,
		.overflow_offset = (uint32_t)(size >= word ? size - word : size),
	};
	return NULL;
}

/* Groups: a control word of eight bytes, then slots; from 1.27 on the descriptor gives all offsets itself. */
static struct error *swiss_unit(struct descriptor *descriptor, struct map_unit_layout *unit)
{
	uint64_t size, keys = MAP_SLOTS, key_stride, elems, elem_stride;

	TRY(descriptor_word(descriptor, "GroupSize", NULL, 0, &size));
	if (layout_field_find(descriptor->layout, "KeysOff") != NULL) {
		TRY(descriptor_word(descriptor, "KeysOff", NULL, 0, &keys));
		TRY(descriptor_word(descriptor, "KeyStride", NULL, 0, &key_stride));
		TRY(descriptor_word(descriptor, "ElemsOff", NULL, 0, &elems));
		TRY(descriptor_word(descriptor, "ElemStride", NULL, 0, &elem_stride));
	} else {
		TRY(descriptor_word(descriptor, "SlotSize", NULL, 0, &key_stride));
		TRY(descriptor_word(descriptor, "ElemOff", NULL, 0, &elems));
		elems += MAP_SLOTS;
		elem_stride = key_stride;
	}
	if ((size | keys | key_stride | elems | elem_stride) > UINT16_MAX)
		return not_a_descriptor(descriptor->address, "a map whose groups are too large");
	*unit = (struct map_unit_layout){ (uint32_t)size, 0, (uint32_t)keys, (uint32_t)key_stride, (uint32_t)elems,
					  (uint32_t)elem_stride, 0 };
	return NULL;
}

static struct error *complete_map(struct gotype *type)
{
	struct program *program = type->program;
	struct map_layout *layout = program_allocate(program, sizeof(*layout));
	unsigned word = program->machine.word_size;
	struct descriptor descriptor;

	TRY(descriptor_read(program, MAP, type->descriptor, &descriptor));
	TRY(descriptor_part(&descriptor, "Key", "key", &type->key));
	TRY(descriptor_part(&descriptor, "Elem", "elem", &type->elem));
	TRY(map_layout_load_header(program->binary, layout));
	if (layout->implementation == MAP_CLASSIC)
		TRY(classic_unit(&descriptor, word, &layout->unit));
	else
		TRY(swiss_unit(&descriptor, &layout->unit));
	layout->key_indirect = type->key->size > MAP_INDIRECT_ABOVE;
	layout->elem_indirect = type->elem->size > MAP_INDIRECT_ABOVE;
	TRY(map_layout_check(layout, type->key->size, type->elem->size, word, type->name ? type->name : "map"));
	type->map_layout = layout;
	return NULL;
}

static struct error *complete_elem(struct gotype *type, enum descriptor_struct which)
{
	struct descriptor descriptor;

	TRY(descriptor_read(type->program, which, type->descriptor, &descriptor));
	return descriptor_part(&descriptor, "Elem", "elem", &type->elem);
}

static struct error *complete_interface(struct gotype *type)
{
	struct descriptor descriptor;
	uint64_t methods;

	TRY(descriptor_read(type->program, INTERFACE, type->descriptor, &descriptor));
	TRY(descriptor_word(&descriptor, "Methods", "mhdr", 1, &methods));
	type->has_methods = methods != 0;
	return NULL;
}

struct error *gotype_complete_from_descriptor(struct gotype *type)
{
	switch (type->kind) {
	case GO_ARRAY:
		return complete_array(type);
	case GO_STRUCT:
		return complete_struct(type);
	case GO_MAP:
		return complete_map(type);
	case GO_CHAN: /* nothing but the walk over the heap needs its elem: it may stay unknown */
		error_free(complete_elem(type, CHAN));
		return NULL;
	case GO_POINTER:
		return complete_elem(type, POINTER);
	case GO_SLICE:
		return complete_elem(type, SLICE);
	case GO_INTERFACE:
		return complete_interface(type);
	default:
		return NULL;
	}
}

/* --- interfaces -------------------------------------------------------------------------------------------- */

/* Itabs live for ever at one place, so each is read once. */
static struct error *itab_type(struct program *program, taddr itab, uint64_t *out)
{
	const uint64_t *known = table_get(&program->descriptors_by_itab, itab.v);
	const struct layout_struct *layout;
	struct field_at at;

	if (known != NULL) {
		*out = *known;
		return NULL;
	}
	if (program->binary == NULL)
		return not_a_descriptor(itab, "the types of this program have none there");
	TRY(descriptor_load_struct(program, ITAB, &layout));
	TRY(layout_field_at(layout, layout_field_find(layout, "Type") ? "Type" : "_type", false, &at));
	TRY(target_read_word(program->memory, taddr_add(itab, at.offset), out));
	table_put(&program->descriptors_by_itab, itab.v, *out);
	return NULL;
}

struct error *gotype_of_interface(struct gotype *type, taddr address, const uint8_t *bytes, struct gotype **dynamic,
				  taddr *value, bool *inside)
{
	struct program *program = type->program;
	unsigned word = program->machine.word_size;
	uint64_t descriptor = load_word(&program->machine, bytes);

	*dynamic = NULL;
	*inside = false;
	if (descriptor == 0)
		return NULL;
	TRY(gotype_complete(type));
	if (type->has_methods)
		TRY(itab_type(program, taddr_of(descriptor), &descriptor));
	TRY(gotype_of_descriptor(program, taddr_of(descriptor), dynamic));
	*inside = (*dynamic)->direct_interface;
	if (*inside && (*dynamic)->size > word)
		return not_a_descriptor((*dynamic)->descriptor, "its values fit no interface's word, but are said to lie there");
	*value = *inside ? taddr_add(address, word) : load_address(&program->machine, bytes + word);
	return NULL;
}
