/* findfunc() of runtime/symtab.go. */
#include "stack/pclntab_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

enum {
	STRUCT_LIMIT = 4096,       /* layout/pclntab.c has none that is larger */
	MODULES = 4096,            /* at most: the program, and plugins */
	FUNCTIONS = 1 << 24,       /* of a module */
	READ_AT_ONCE = 1 << 20,
};

struct error *pclntab_open(struct program *program, struct pclntab **out)
{
	struct pclntab *pclntab = xcalloc(1, sizeof(*pclntab));

	pclntab->program = program;
	pclntab->rules = frame_rules_find(&program->machine, program->version->minor);
	pclntab_layout_load(program->binary, program->version->minor, &pclntab->layout);
	if (pclntab->rules == NULL || pclntab->layout.unknown != NULL) {
		struct error *error = error_new(ERROR_TARGET, "the program's tables of functions: %s",
						pclntab->rules ? pclntab->layout.unknown : "an unknown machine");

		pclntab_close(pclntab);
		return error;
	}
	*out = pclntab;
	return NULL;
}

void pclntab_close(struct pclntab *pclntab)
{
	if (pclntab == NULL)
		return;
	for (size_t i = 0; i < pclntab->module_count; i++) {
		free(pclntab->modules[i]->entries);
		free(pclntab->modules[i]);
	}
	free(pclntab->modules);
	while (pclntab->blocks != NULL) {
		struct function_block *next = pclntab->blocks->next;

		free(pclntab->blocks);
		pclntab->blocks = next;
	}
	table_free(&pclntab->functions);
	pclntab_layout_free(&pclntab->layout);
	free(pclntab);
}

const struct pclntab_layout *pclntab_layout(const struct pclntab *pclntab)
{
	return &pclntab->layout;
}

taddr pclntab_rodata(const struct pclntab_function *function, uint64_t offset)
{
	return taddr_of(function->module->rodata + offset);
}

/* --- modules -------------------------------------------------------------------------------------------------- */

static struct table_at load_table(const struct pclntab *pclntab, const uint8_t *bytes, const struct slice_at *slice)
{
	return (struct table_at){ pclntab_load(pclntab, bytes, slice->array), pclntab_load(pclntab, bytes, slice->length) };
}

/* Code in several sections (not on amd64, unless the linker cannot address all of it) would need their table: left out. */
static void add_module(struct pclntab *pclntab, const uint8_t *bytes)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	struct table_at functions = load_table(pclntab, bytes, &layout->functions);
	struct pclntab_module module = {
		.low = pclntab_load(pclntab, bytes, layout->low),
		.high = pclntab_load(pclntab, bytes, layout->high),
		.text = pclntab_load(pclntab, bytes, layout->text),
		.rodata = pclntab_load(pclntab, bytes, layout->rodata),
		.gofunc = pclntab_load(pclntab, bytes, layout->gofunc),
		.records = load_table(pclntab, bytes, &layout->records),
		.values = load_table(pclntab, bytes, layout->values.array.size ? &layout->values : &layout->records),
		.names = load_table(pclntab, bytes, layout->names.array.size ? &layout->names : &layout->records),
		.files = load_table(pclntab, bytes, &layout->files),
		.table = functions.start,
		.count = functions.length,
	};

	if (layout->units.array.size != 0)
		module.units = load_table(pclntab, bytes, &layout->units);
	if (functions.length < 2 || functions.length > FUNCTIONS || module.low >= module.high ||
	    (layout->relative && pclntab_load(pclntab, bytes, layout->text_sections.length) > 1))
		return;
	ARRAY_RESERVE(pclntab->modules, pclntab->module_count, pclntab->module_capacity);
	pclntab->modules[pclntab->module_count] = xmalloc(sizeof(module));
	*pclntab->modules[pclntab->module_count++] = module;
}

static struct error *read_modules(struct pclntab *pclntab)
{
	uint64_t at = pclntab->layout.first_module + pclntab->program->bias;
	uint8_t bytes[STRUCT_LIMIT];

	for (int i = 0; at != 0; i++) {
		struct error *error =
			target_read(pclntab->program->memory, taddr_of(at), bytes, pclntab->layout.module_size);

		if (error == NULL && i == MODULES)
			error = error_new(ERROR_MEMORY, "0x%" PRIx64 ": their list does not end", at);
		if (error != NULL)
			return error_wrap(error, "the program's modules");
		add_module(pclntab, bytes);
		at = pclntab_load(pclntab, bytes, pclntab->layout.next_module);
	}
	return NULL;
}

/* Grows with what can be read. */
static struct error *read_entries(struct pclntab *pclntab, struct pclntab_module *module)
{
	uint64_t length = module->count * pclntab->layout.entry_size;

	module->entries_read = true;
	for (uint64_t at = 0; at < length; at += READ_AT_ONCE) {
		size_t some = length - at < READ_AT_ONCE ? length - at : READ_AT_ONCE;

		module->entries = xreallocarray(module->entries, at + some, 1);

		struct error *error =
			target_read(pclntab->program->memory, taddr_of(module->table + at), module->entries + at, some);

		if (error != NULL) {
			free(module->entries);
			module->entries = NULL;
			return error_wrap(error, "the program's table of functions");
		}
	}
	return NULL;
}

/* --- functions ------------------------------------------------------------------------------------------------ */

static uint64_t entry_at(const struct pclntab *pclntab, const struct pclntab_module *module, size_t i)
{
	uint64_t entry = pclntab_load(pclntab, module->entries + i * pclntab->layout.entry_size, pclntab->layout.entry);

	return pclntab->layout.relative ? module->text + entry : entry;
}

/* The last entry at or before the pc; the count where there is none. */
static size_t search(const struct pclntab *pclntab, const struct pclntab_module *module, uint64_t pc)
{
	size_t low = 0, high = module->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entry_at(pclntab, module, middle) <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : module->count;
}

static struct error *read_function(struct pclntab *pclntab, const struct pclntab_module *module, uint64_t offset,
				   struct pclntab_function *out)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	uint8_t bytes[STRUCT_LIMIT];
	uint64_t entry;

	if (offset > module->records.length || layout->function_size > module->records.length - offset)
		return error_new(ERROR_MEMORY, "the function at 0x%" PRIx64 ": its record is behind the table's end",
				 out->entry);
	out->record = module->records.start + offset;
	TRY(target_read(pclntab->program->memory, taddr_of(out->record), bytes, layout->function_size));
	entry = pclntab_load(pclntab, bytes, layout->function_entry) + (layout->relative ? module->text : 0);
	if (entry != out->entry)
		return error_new(ERROR_MEMORY,
				 "0x%" PRIx64 ": the record of the function at 0x%" PRIx64 " is one of 0x%" PRIx64,
				 out->record, out->entry, entry);
	out->args = (int32_t)pclntab_load(pclntab, bytes, layout->args);
	out->defer_return = (uint32_t)pclntab_load(pclntab, bytes, layout->defer_return);
	out->pcdata_count = (uint32_t)pclntab_load(pclntab, bytes, layout->pcdata_count);
	out->funcdata_count = (uint32_t)pclntab_load(pclntab, bytes, layout->funcdata_count);
	out->name_offset = (uint32_t)pclntab_load(pclntab, bytes, layout->name);
	out->frame_sizes = (uint32_t)pclntab_load(pclntab, bytes, layout->frame_sizes);
	out->file_numbers = (uint32_t)pclntab_load(pclntab, bytes, layout->file_numbers);
	out->lines = (uint32_t)pclntab_load(pclntab, bytes, layout->lines);
	if (layout->unit.size != 0)
		out->unit = (uint32_t)pclntab_load(pclntab, bytes, layout->unit);
	pclntab_read_text(pclntab, &module->names, out->name_offset, out->name, sizeof(out->name));
	return NULL;
}

static struct error *find_in_module(struct pclntab *pclntab, struct pclntab_module *module, uint64_t pc,
				    const struct pclntab_function **out)
{
	struct pclntab_function found = { .module = module };
	uint64_t offset;
	size_t i;

	if (!module->entries_read)
		TRY(read_entries(pclntab, module));
	if (module->entries == NULL || (i = search(pclntab, module, pc)) + 1 >= module->count)
		return NULL;
	found.entry = entry_at(pclntab, module, i);
	found.end = entry_at(pclntab, module, i + 1);
	offset = pclntab_load(pclntab, module->entries + i * pclntab->layout.entry_size, pclntab->layout.record);
	/* Go <= 1.17: a hole, where the external linker put code of its own (cmd/link/internal/ld/pcln.go) */
	if (!pclntab->layout.relative && offset == (pclntab->layout.record.size == 8 ? UINT64_MAX : UINT32_MAX))
		return NULL;

	const uint64_t *known = table_get(&pclntab->functions, found.entry);

	if (known == NULL) {
		struct function_block *block = xmalloc(sizeof(*block));
		struct error *error = read_function(pclntab, module, offset, &found);

		if (error != NULL) {
			free(block);
			return error;
		}
		*block = (struct function_block){ pclntab->blocks, found };
		pclntab->blocks = block;
		*out = &block->function;
		table_put(&pclntab->functions, found.entry, (uintptr_t)*out);
		return NULL;
	}
	*out = (const struct pclntab_function *)(uintptr_t)*known;
	return NULL;
}

struct error *pclntab_find(struct pclntab *pclntab, uint64_t pc, const struct pclntab_function **out)
{
	*out = NULL;
	if (!pclntab->modules_read) {
		pclntab->modules_read = true;
		TRY(read_modules(pclntab));
	}
	for (size_t i = 0; i < pclntab->module_count; i++)
		if (pc >= pclntab->modules[i]->low && pc < pclntab->modules[i]->high)
			return find_in_module(pclntab, pclntab->modules[i], pc, out);
	return NULL;
}
