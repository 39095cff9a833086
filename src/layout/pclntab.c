/*
 * Structs of runtime/symtab.go (moduledata, functab, stackmap), runtime/runtime2.go (_func), runtime/stack.go
 * (stackObjectRecord) and runtime/type.go (_type), read through from Go 1.8 to 1.27.
 */
#include "layout/pclntab.h"

#include <stdlib.h>

#include "util/alloc.h"

/* Structs that are read whole are this large at most; whoever reads them has room for it. */
enum { STRUCT_LIMIT = 4096 };

/* runtime/funcdata.h of each release. FUNCDATA_ArgsPointerMaps is 0 and FUNCDATA_LocalsPointerMaps is 1 in all. */
static const struct pclntab_indexes indexes[] = {
	{ 16, 1, 2, 2, 3 },
	{ 13, 1, 3, 2, 4 },
	{ 12, 0, 4, 1, 2 },
	{ 9, 0, 0, 1, 2 },
	{ 0, 0, 0, 0, 0 },
};

static struct error *named(struct binary *binary, const char *name, struct layout_struct *out)
{
	TRY(layout_struct_named(binary, (const char *const[]){ name, NULL }, out));
	if (out->size <= STRUCT_LIMIT)
		return NULL;
	layout_struct_free(out);
	return error_new(ERROR_TARGET, "%s: %llu bytes are an unknown layout", name, (unsigned long long)out->size);
}

/* --- modules -------------------------------------------------------------------------------------------------- */

static struct error *load_slice(struct binary *binary, const struct layout_struct *module, const char *name,
				bool optional, struct slice_at *out)
{
	const struct layout_field *field = layout_field_find(module, name);
	struct layout_struct slice;

	if (field == NULL && optional)
		return NULL;
	if (field == NULL)
		return error_new(ERROR_TARGET, "struct %s has no field %s: an unknown layout", module->name, name);
	TRY(layout_struct_at(binary, field->type_die, &slice));

	struct error *error = layout_field_at(&slice, "array", false, &out->array);

	if (error == NULL)
		error = layout_field_at(&slice, "len", false, &out->length);
	layout_struct_free(&slice);
	out->array.offset += (uint32_t)field->offset;
	out->length.offset += (uint32_t)field->offset;
	return error;
}

static struct error *load_module_fields(struct binary *binary, const struct layout_struct *module,
					struct pclntab_layout *out)
{
	out->module_size = module->size;
	TRY(layout_field_at(module, "next", false, &out->next_module));
	TRY(layout_field_at(module, "minpc", false, &out->low));
	TRY(layout_field_at(module, "maxpc", false, &out->high));
	TRY(layout_field_at(module, "text", false, &out->text));
	TRY(layout_field_at(module, "rodata", true, &out->rodata));
	TRY(layout_field_at(module, "gofunc", true, &out->gofunc));
	TRY(load_slice(binary, module, "ftab", false, &out->functions));
	TRY(load_slice(binary, module, "pclntable", false, &out->records));
	TRY(load_slice(binary, module, "pctab", true, &out->values));
	TRY(load_slice(binary, module, "funcnametab", true, &out->names));
	TRY(load_slice(binary, module, "filetab", false, &out->files));
	TRY(load_slice(binary, module, "cutab", true, &out->units));
	return load_slice(binary, module, "textsectmap", true, &out->text_sections);
}

static struct error *load_modules(struct binary *binary, struct pclntab_layout *out)
{
	struct debug_variable variable;
	struct layout_struct module;

	if (!debug_find_variable(binary->debug, "runtime.firstmoduledata", &variable))
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.firstmoduledata", binary->path);
	out->first_module = variable.address;
	TRY(named(binary, "runtime.moduledata", &module));

	struct error *error = load_module_fields(binary, &module, out);

	layout_struct_free(&module);
	return error;
}

/* --- functions ------------------------------------------------------------------------------------------------ */

/* The field by the first of two names that it has had. */
static struct error *renamed(const struct layout_struct *layout, const char *name, const char *before,
			     struct field_at *out)
{
	return layout_field_at(layout, layout_field_find(layout, name) ? name : before, false, out);
}

static struct error *load_entry_fields(const struct layout_struct *functab, struct pclntab_layout *out)
{
	out->entry_size = functab->size;
	out->relative = layout_field_find(functab, "entryoff") != NULL;
	TRY(renamed(functab, "entryoff", "entry", &out->entry));
	return layout_field_at(functab, "funcoff", false, &out->record);
}

static struct error *load_function_fields(const struct layout_struct *function, struct pclntab_layout *out)
{
	out->function_size = function->size;
	if (layout_field_find(function, "entryOff") != NULL)
		TRY(layout_field_at(function, "entryOff", false, &out->function_entry)); /* Go >= 1.20 */
	else
		TRY(renamed(function, "entryoff", "entry", &out->function_entry)); /* 1.18 and 1.19; <= 1.17 */
	TRY(renamed(function, "nameOff", "nameoff", &out->name));
	TRY(layout_field_at(function, "args", false, &out->args));
	TRY(layout_field_at(function, "deferreturn", true, &out->defer_return));
	TRY(layout_field_at(function, "pcsp", false, &out->frame_sizes));
	TRY(layout_field_at(function, "pcfile", false, &out->file_numbers));
	TRY(layout_field_at(function, "pcln", false, &out->lines));
	TRY(layout_field_at(function, "cuOffset", true, &out->unit));
	TRY(layout_field_at(function, "npcdata", false, &out->pcdata_count));
	return layout_field_at(function, "nfuncdata", false, &out->funcdata_count);
}

static struct error *load_call_fields(const struct layout_struct *call, struct pclntab_layout *out)
{
	out->call_size = call->size;
	TRY(renamed(call, "nameOff", "func_", &out->call_name)); /* Go >= 1.20 */
	TRY(layout_field_at(call, "parentPc", true, &out->call_pc)); /* >= 1.12 */
	if (out->call_pc.size != 0)
		return NULL;
	TRY(layout_field_at(call, "parent", false, &out->call_parent));
	TRY(layout_field_at(call, "file", false, &out->call_file));
	return layout_field_at(call, "line", false, &out->call_line);
}

static struct error *load_map_fields(const struct layout_struct *map, struct pclntab_layout *out)
{
	const struct layout_field *bytes = layout_field_find(map, "bytedata");

	if (bytes == NULL)
		return error_new(ERROR_TARGET, "struct %s has no field bytedata: an unknown layout", map->name);
	out->map_size = bytes->offset;
	TRY(layout_field_at(map, "n", false, &out->map_count));
	return layout_field_at(map, "nbit", false, &out->map_bits);
}

static struct error *load_object_fields(const struct layout_struct *object, struct pclntab_layout *out)
{
	out->object_size = object->size;
	TRY(layout_field_at(object, "off", false, &out->object_offset));
	TRY(layout_field_at(object, "typ", true, &out->object_type));
	if (out->object_type.size != 0)
		return NULL;
	TRY(layout_field_at(object, "size", false, &out->object_bytes));
	TRY(renamed(object, "ptrBytes", "_ptrdata", &out->object_pointers)); /* Go >= 1.24 */
	return renamed(object, "gcdataoff", "gcdata", &out->object_mask);
}

static struct error *load_type_fields(const struct layout_struct *type, struct pclntab_layout *out)
{
	out->type_size = type->size;
	TRY(layout_field_at(type, "size", false, &out->type_bytes));
	TRY(layout_field_at(type, "ptrdata", false, &out->type_pointers));
	TRY(layout_field_at(type, "gcdata", false, &out->type_mask));
	return layout_field_at(type, "kind", false, &out->type_kind);
}

static struct error *load_struct(struct binary *binary, const char *name,
				 struct error *(*load)(const struct layout_struct *, struct pclntab_layout *),
				 struct pclntab_layout *out)
{
	struct layout_struct layout;

	TRY(named(binary, name, &layout));

	struct error *error = load(&layout, out);

	layout_struct_free(&layout);
	return error;
}

static struct error *load(struct binary *binary, struct pclntab_layout *out)
{
	TRY(load_modules(binary, out));
	TRY(load_struct(binary, "runtime.functab", load_entry_fields, out));
	TRY(load_struct(binary, "runtime._func", load_function_fields, out));
	TRY(load_struct(binary, "runtime.stackmap", load_map_fields, out));
	if (out->indexes->inline_tree != 0)
		TRY(load_struct(binary, "runtime.inlinedCall", load_call_fields, out));
	if (out->indexes->stack_objects == 0)
		return NULL;
	TRY(load_struct(binary, "runtime.stackObjectRecord", load_object_fields, out));
	return out->object_type.size ? load_struct(binary, "runtime._type", load_type_fields, out) : NULL;
}

void pclntab_layout_load(struct binary *binary, int minor, struct pclntab_layout *out)
{
	const struct pclntab_indexes *row = indexes;

	while (minor < row->since)
		row++;
	*out = (struct pclntab_layout){ .indexes = row };

	struct error *error = load(binary, out);

	if (error != NULL)
		out->unknown = xstrdup(error->message);
	error_free(error);
}

void pclntab_layout_free(struct pclntab_layout *layout)
{
	free(layout->unknown);
	*layout = (struct pclntab_layout){ 0 };
}
