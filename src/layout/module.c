#include "layout/module.h"

#include <gelf.h>
#include <stdlib.h>

#include "layout/table.h"
#include "util/alloc.h"

enum { MODULE_BYTES = 1024 }; /* moduledata has 220 to 592 */

struct reading {
	const struct binary *binary;
	uint64_t bias;
	const uint8_t *bytes;
	const struct layout_struct *layout;
};

static bool word_of(const struct reading *reading, const char *name, unsigned word, uint64_t *out)
{
	const struct layout_field *field = layout_field_find(reading->layout, name);
	uint64_t at = field ? field->offset + word * reading->binary->machine.word_size : 0;

	if (field == NULL || at + reading->binary->machine.word_size > MODULE_BYTES)
		return false;
	*out = load_word(&reading->binary->machine, reading->bytes + at);
	return true;
}

/* [*start, *end) by two fields; false where it ends before it begins, or a field is missing. */
static bool range_of(const struct reading *reading, const char *start_name, const char *end_name, uint64_t *start, uint64_t *end)
{
	return word_of(reading, start_name, 0, start) && word_of(reading, end_name, 0, end) && *start <= *end;
}

/* Whether a range lies in one segment of the file as it is in memory. */
static bool in_segment(const struct reading *reading, uint64_t start, uint64_t end)
{
	size_t count;

	if (elf_getphdrnum(reading->binary->elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(reading->binary->elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD)
			continue;

		uint64_t low = segment.p_vaddr + reading->bias, high = low + segment.p_memsz;

		if (start >= low && end <= high)
			return true;
	}
	return false;
}

/* A slice that the linker made: as long as there is room. */
static bool is_full_slice(const struct reading *reading, const char *name)
{
	uint64_t length, capacity;

	return word_of(reading, name, 1, &length) && word_of(reading, name, 2, &capacity) && length != 0 && length == capacity;
}

/* progToPointerMask() of runtime/mbitmap.go: a bit a whole word, perhaps rounded up to whole bytes; nothing before the program has started. */
static bool is_mask_of(const struct reading *reading, const char *name, uint64_t bytes)
{
	const struct layout_field *field = layout_field_find(reading->layout, name);
	unsigned word = reading->binary->machine.word_size;

	if (field == NULL || field->offset + 2 * word > MODULE_BYTES)
		return false;

	uint64_t bits = load_u32(&reading->binary->machine, reading->bytes + field->offset);
	uint64_t address = load_word(&reading->binary->machine, reading->bytes + field->offset + word);

	if (bits == 0 && address == 0)
		return true;
	return (bytes == 0 || address != 0) && (bits + 1) * word > bytes && bits * word < bytes + 8 * word;
}

static bool is_flag(const struct reading *reading, const char *name, bool *set)
{
	const struct layout_field *field = layout_field_find(reading->layout, name);

	*set = field != NULL && field->offset < MODULE_BYTES && reading->bytes[field->offset] == 1;
	return field == NULL || (field->offset < MODULE_BYTES && reading->bytes[field->offset] <= 1);
}

static bool are_variables(const struct reading *reading, struct module_place *out)
{
	static const char *const names[MODULE_RANGES][2] = {
		{ "noptrdata", "enoptrdata" }, { "data", "edata" }, { "bss", "ebss" }, { "noptrbss", "enoptrbss" },
	};
	uint64_t sizes[MODULE_RANGES];

	for (int i = 0; i < MODULE_RANGES; i++) {
		uint64_t *range = out->variables[i];

		if (!range_of(reading, names[i][0], names[i][1], &range[0], &range[1]) ||
		    (range[0] != range[1] && !in_segment(reading, range[0], range[1])))
			return false;
		sizes[i] = range[1] - range[0];
	}
	return sizes[VARIABLES_DATA] != 0 && sizes[VARIABLES_BSS] != 0 && is_mask_of(reading, "gcdatamask", sizes[VARIABLES_DATA]) &&
	       is_mask_of(reading, "gcbssmask", sizes[VARIABLES_BSS]);
}

static bool is_module(const struct reading *reading, struct module_place *out)
{
	uint64_t low, high, next;
	bool main = false, bad = false;
	unsigned word = reading->binary->machine.word_size;

	if (!range_of(reading, "text", "etext", &out->text, &out->text_end) || out->text == out->text_end ||
	    !range_of(reading, "minpc", "maxpc", &low, &high) || low < out->text || !in_segment(reading, low, high) ||
	    !is_full_slice(reading, "ftab") || !is_full_slice(reading, "pclntable"))
		return false;
	if (layout_field_find(reading->layout, "typelinks") != NULL && !is_full_slice(reading, "typelinks"))
		return false;
	if (!range_of(reading, "types", "etypes", &out->types, &out->types_end) || out->types == out->types_end ||
	    !in_segment(reading, out->types, out->types_end))
		return false;
	if (!is_flag(reading, "hasmain", &main) || !is_flag(reading, "bad", &bad) || bad ||
	    (layout_field_find(reading->layout, "hasmain") != NULL && !main))
		return false;
	return word_of(reading, "next", 0, &next) && next % word == 0 && are_variables(reading, out);
}

struct search {
	const struct binary *binary;
	struct target *memory;
	uint64_t bias;
	const struct binary_pclntab *tables;
	const uint64_t *values;
	size_t count;
	struct module_place *out;
};

static const struct binary_pclntab *table_of(const struct search *search, uint64_t value)
{
	size_t i = 0;

	while (search->values[i] != value)
		i++;
	return &search->tables[i];
}

/* Tries the layouts of all versions that write such a function table. */
static bool try_module(void *context, taddr at, uint64_t value)
{
	const struct search *search = context;
	const struct binary_pclntab *table = table_of(search, value);
	uint8_t bytes[MODULE_BYTES] = { 0 };

	*search->out = (struct module_place){ at.v - search->bias, table->address, table->magic };
	if (target_read_some(search->memory, at, bytes, sizeof(bytes)) < MODULE_BYTES / 4)
		return true;
	for (int minor = go_version_oldest(); minor <= go_version_newest(); minor++) {
		struct reading reading = { search->binary, search->bias, bytes, NULL };
		struct module_place place = *search->out; /* what a version reads that it is not of must not stay */
		const struct go_version *version;
		struct layout_struct layout;
		bool newer;

		if (minor < table->oldest || minor > table->newest)
			continue;
		error_free(go_version_find(minor, &version, &newer));
		if (!layout_struct_known("runtime.moduledata", version, search->binary->machine.word_size, &layout))
			continue;
		reading.layout = &layout;
		if (is_module(&reading, &place)) {
			*search->out = place;
			search->out->versions |= UINT32_C(1) << minor;
		}
		layout_struct_free(&layout);
	}
	return search->out->versions == 0;
}

struct error *module_find(const struct binary *binary, struct target *memory, uint64_t bias, struct module_place *out)
{
	struct binary_pclntab tables[BINARY_PCLNTABS];
	uint64_t values[BINARY_PCLNTABS];
	size_t count = binary_find_pclntabs(binary, tables);
	const struct search search = { binary, memory, bias, tables, values, count, out };

	*out = (struct module_place){ 0 };
	if (count == 0)
		return error_new(ERROR_TARGET, "%s: no DWARF, and no function table as Go's linker writes it: the program is packed or obfuscated, "
				 "or not of Go 1.%d ... 1.%d", binary->path, go_version_oldest(), go_version_newest());
	for (size_t i = 0; i < count; i++)
		values[i] = tables[i].address + bias;

	const struct word_search words = { values, count, try_module, (void *)&search };

	binary_search_words(binary, memory, bias, &words);
	if (out->versions != 0)
		return NULL;
	*out = (struct module_place){ .pclntab = tables[0].address, .magic = tables[0].magic };
	return error_new(ERROR_TARGET, "%s: no DWARF; a function table of Go 1.%d or later is at 0x%llx, but no moduledata leads to it as Go "
			 "1.%d ... 1.%d have it", binary->path, tables[0].oldest, (unsigned long long)tables[0].address,
			 go_version_oldest(), go_version_newest());
}

/* --- versions -------------------------------------------------------------------------------------------------------- */

/* "go1.26.8", "go1.9", "go1.21rc2", "go1.25.8 X:noswissmap"; N of Go 1.N, or 0. */
static int minor_of(const char *text, size_t length)
{
	size_t at = 4;
	int minor = 0;

	if (length < 5 || strncmp(text, "go1.", 4) != 0)
		return 0;
	for (; at < length && text[at] >= '0' && text[at] <= '9' && at < 7; at++)
		minor = 10 * minor + (text[at] - '0');
	if (at < length && strchr(".rb -", text[at]) == NULL)
		return 0;
	return at == 4 ? 0 : minor;
}

struct strings {
	const struct binary *binary;
	struct target *memory;
	const struct module_place *module;
	uint32_t found;
	char *name;
};

enum { VERSION_SHORTEST = 5, VERSION_LONGEST = 128 };

static void try_string(struct strings *strings, uint64_t data, uint64_t length)
{
	char text[VERSION_LONGEST + 1] = "";

	if (target_read_some(strings->memory, taddr_of(data), text, length) < length)
		return;

	int minor = minor_of(text, length);

	if (minor == 0 || minor > 31 || !(strings->module->versions & UINT32_C(1) << minor))
		return;
	if (strings->found == 0)
		strings->name = xstrndup(text, length);
	strings->found |= UINT32_C(1) << minor;
}

uint32_t module_find_versions(struct target *memory, const struct binary *binary, const struct module_place *module, char **name)
{
	enum { CHUNK = 1 << 20 };
	struct strings strings = { binary, memory, module };
	const struct machine *machine = &binary->machine;
	unsigned word = machine->word_size;
	uint8_t *buffer = xmalloc(CHUNK);

	const uint64_t *data = module->variables[VARIABLES_DATA];

	for (uint64_t from = data[0]; from < data[1]; from += CHUNK - word) {
		size_t some = data[1] - from < CHUNK ? (size_t)(data[1] - from) : CHUNK;
		size_t got = target_read_some(memory, taddr_of(from), buffer, some);

		for (size_t at = 0; at + 2 * word <= got; at += word) {
			uint64_t text = load_word(machine, buffer + at), length = load_word(machine, buffer + at + word);

			/* the text is the linker's, and lies in the file (read-only data or, up to 1.15, data) */
			if (length >= VERSION_SHORTEST && length <= VERSION_LONGEST && text >= 4096)
				try_string(&strings, text, length);
		}
		if (got < some)
			break;
	}
	free(buffer);
	if ((strings.found & (strings.found - 1)) != 0) {
		free(strings.name);
		strings.name = NULL;
	}
	*name = strings.name;
	return strings.found;
}
