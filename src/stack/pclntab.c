/* findfunc(), pcvalue() and funcdata() of runtime/symtab.go. */
#include "stack/pclntab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

enum {
	STRUCT_LIMIT = 4096,       /* layout/pclntab.c has none that is larger */
	MODULES = 4096,            /* at most: the program, and plugins */
	FUNCTIONS = 1 << 24,       /* of a module */
	READ_AT_ONCE = 1 << 20,
	WINDOW = 256,              /* bytes of a table of values that are read together; most are shorter */
	STEPS = 1 << 20,           /* of one table of values */
	VARINT_BYTES = 5,
};

/* Part of a module's table. */
struct table_at {
	uint64_t start, length;
};

struct pclntab_module {
	uint64_t low, high, text, rodata, gofunc;
	struct table_at records, values, names;
	uint64_t table;        /* where ftab is */
	size_t count;          /* entries of it; the last one only ends the one before */
	uint8_t *entries;      /* read when first needed */
	bool entries_read;
};

struct function_block {
	struct function_block *next;
	struct pclntab_function function;
};

struct pclntab {
	struct program *program;
	struct pclntab_layout layout;
	struct pclntab_module **modules;
	size_t module_count, module_capacity;
	bool modules_read;
	struct table functions; /* entry -> struct pclntab_function */
	struct function_block *blocks;
};

struct error *pclntab_open(struct program *program, struct pclntab **out)
{
	struct pclntab *pclntab = xcalloc(1, sizeof(*pclntab));

	pclntab->program = program;
	pclntab_layout_load(program->binary, program->version->minor, &pclntab->layout);
	if (pclntab->layout.unknown != NULL) {
		struct error *error =
			error_new(ERROR_TARGET, "the program's tables of functions: %s", pclntab->layout.unknown);

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

static uint64_t load(const struct pclntab *pclntab, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&pclntab->program->machine, bytes + at.offset, at.size);
}

static struct table_at load_table(const struct pclntab *pclntab, const uint8_t *bytes, const struct slice_at *slice)
{
	return (struct table_at){ load(pclntab, bytes, slice->array), load(pclntab, bytes, slice->length) };
}

/* Code in several sections (not on amd64, unless the linker cannot address all of it) would need their table: left out. */
static void add_module(struct pclntab *pclntab, const uint8_t *bytes)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	struct table_at functions = load_table(pclntab, bytes, &layout->functions);
	struct pclntab_module module = {
		.low = load(pclntab, bytes, layout->low),
		.high = load(pclntab, bytes, layout->high),
		.text = load(pclntab, bytes, layout->text),
		.rodata = load(pclntab, bytes, layout->rodata),
		.gofunc = load(pclntab, bytes, layout->gofunc),
		.records = load_table(pclntab, bytes, &layout->records),
		.values = load_table(pclntab, bytes, layout->values.array.size ? &layout->values : &layout->records),
		.names = load_table(pclntab, bytes, layout->names.array.size ? &layout->names : &layout->records),
		.table = functions.start,
		.count = functions.length,
	};

	if (functions.length < 2 || functions.length > FUNCTIONS || module.low >= module.high ||
	    (layout->relative && load(pclntab, bytes, layout->text_sections.length) > 1))
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
		at = load(pclntab, bytes, pclntab->layout.next_module);
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
	uint64_t entry = load(pclntab, module->entries + i * pclntab->layout.entry_size, pclntab->layout.entry);

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

/* Names are in one string, a NUL behind each. */
static void read_name(const struct pclntab *pclntab, const struct pclntab_module *module, uint64_t offset, char *name)
{
	size_t most = PCLNTAB_NAME_SIZE - 1, got = 0;

	if (offset < module->names.length) {
		if (most > module->names.length - offset)
			most = module->names.length - offset;
		got = target_read_some(pclntab->program->memory, taddr_of(module->names.start + offset), name, most);
	}
	name[got] = '\0';
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
	entry = load(pclntab, bytes, layout->function_entry) + (layout->relative ? module->text : 0);
	if (entry != out->entry)
		return error_new(ERROR_MEMORY,
				 "0x%" PRIx64 ": the record of the function at 0x%" PRIx64 " is one of 0x%" PRIx64,
				 out->record, out->entry, entry);
	out->args = (int32_t)load(pclntab, bytes, layout->args);
	out->defer_return = (uint32_t)load(pclntab, bytes, layout->defer_return);
	out->pcdata_count = (uint32_t)load(pclntab, bytes, layout->pcdata_count);
	out->funcdata_count = (uint32_t)load(pclntab, bytes, layout->funcdata_count);
	read_name(pclntab, module, load(pclntab, bytes, layout->name), out->name);
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
	offset = load(pclntab, module->entries + i * pclntab->layout.entry_size, pclntab->layout.record);
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

/* --- tables of values ----------------------------------------------------------------------------------------- */

struct reader {
	struct pclntab *pclntab;
	uint64_t at, end; /* what has not been read yet */
	uint8_t bytes[WINDOW];
	size_t next, got;
};

static bool read_byte(struct reader *reader, uint8_t *out)
{
	if (reader->next == reader->got) {
		size_t some = reader->end - reader->at < WINDOW ? reader->end - reader->at : WINDOW;

		reader->got =
			target_read_some(reader->pclntab->program->memory, taddr_of(reader->at), reader->bytes, some);
		reader->at += reader->got;
		reader->next = 0;
		if (reader->got == 0)
			return false;
	}
	*out = reader->bytes[reader->next++];
	return true;
}

static bool read_varint(struct reader *reader, uint32_t *out)
{
	uint8_t byte;

	*out = 0;
	for (unsigned i = 0; i < VARINT_BYTES; i++) {
		if (!read_byte(reader, &byte))
			return false;
		*out |= (uint32_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/*
 * Pairs of differences: of the value, as a zigzag number, and of the pc up to which it holds. A value that does not
 * change is the end.
 */
static struct error *walk_values(struct reader *reader, const struct pclntab_function *function, uint64_t pc,
				 int32_t *out)
{
	uint64_t up_to = function->entry;
	uint32_t value = UINT32_MAX, difference, length;

	for (int i = 0; i < STEPS; i++) {
		if (!read_varint(reader, &difference) || (difference == 0 && i != 0) || !read_varint(reader, &length))
			break;
		value += -(difference & 1) ^ difference >> 1;
		up_to += length; /* PCQuantum is 1 on x86 */
		if (pc < up_to) {
			*out = (int32_t)value;
			return NULL;
		}
	}
	return error_new(ERROR_MEMORY, "the function at 0x%" PRIx64 ": a table of its values does not reach 0x%" PRIx64,
			 function->entry, pc);
}

/* Number `index` of the 32-bit offsets behind a function's record. */
static struct error *read_offset(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t index,
				 uint64_t *out)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	uint64_t at = function->record + layout->funcdata_count.offset + layout->funcdata_count.size + index * 4;
	uint8_t bytes[4];

	TRY(target_read(pclntab->program->memory, taddr_of(at), bytes, sizeof(bytes)));
	*out = load_u32(&pclntab->program->machine, bytes);
	return NULL;
}

struct error *pclntab_value(struct pclntab *pclntab, const struct pclntab_function *function, uint32_t index,
			    uint64_t pc, int32_t *out)
{
	const struct table_at *values = &function->module->values;
	uint64_t offset;

	*out = -1;
	if (index >= function->pcdata_count)
		return NULL;
	TRY(read_offset(pclntab, function, index, &offset));
	if (offset == 0)
		return NULL;
	if (offset >= values->length)
		return error_new(ERROR_MEMORY,
				 "the function at 0x%" PRIx64 ": a table of its values is behind their end",
				 function->entry);

	struct reader reader = { .pclntab = pclntab,
				 .at = values->start + offset,
				 .end = values->start + values->length };

	return walk_values(&reader, function, pc, out);
}

/* Up to Go 1.17 pointers, which are aligned; from 1.18 on offsets from go.func.*, all ones where there are no data. */
struct error *pclntab_data(struct pclntab *pclntab, const struct pclntab_function *function, uint32_t index, taddr *out)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	unsigned word = pclntab->program->machine.word_size;
	uint64_t at = function->record + layout->funcdata_count.offset + layout->funcdata_count.size +
		      (uint64_t)function->pcdata_count * 4;
	uint64_t value;

	*out = taddr_of(0);
	if (index >= function->funcdata_count)
		return NULL;
	if (layout->gofunc.size != 0) {
		TRY(read_offset(pclntab, function, (uint64_t)function->pcdata_count + index, &value));
		*out = taddr_of(value == UINT32_MAX ? 0 : function->module->gofunc + value);
		return NULL;
	}
	at = (at + word - 1) / word * word;
	TRY(target_read_word(pclntab->program->memory, taddr_of(at + (uint64_t)index * word), &value));
	*out = taddr_of(value);
	return NULL;
}
