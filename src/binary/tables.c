#include "binary/tables.h"

#include <gelf.h>
#include <stdlib.h>

#include "util/alloc.h"

/* No program has more functions: the largest known has some 600,000. */
#define MOST_FUNCTIONS (UINT64_C(1) << 24)

enum { WORDS_CHUNK = 1 << 20 };

/* go12magic, go116magic, go118magic, go120magic of debug/gosym/pclntab.go. */
static const struct {
	uint32_t magic;
	int oldest, newest;
} magics[] = {
	{ 0xfffffffb, 2, 15 },
	{ 0xfffffffa, 16, 17 },
	{ 0xfffffff0, 18, 19 },
	{ 0xfffffff1, 20, 99 },
};

/*
 * Bytes 4 to 7 are zero, zero, the least size of an instruction and that of a pointer; then the number of functions. From 1.16 on these
 * words follow: number of files, (1.18: start of the text,) and five offsets from the table's start, in ascending order.
 */
static bool is_pclntab(const struct machine *machine, const uint8_t *at, size_t left, const struct binary_pclntab *table)
{
	enum { HEAD = 8, OFFSETS = 5 };
	unsigned word = machine->word_size, first = table->oldest >= 18 ? 3 : 2;
	uint64_t last = 0;

	if (left < HEAD + (first + OFFSETS) * word || at[4] != 0 || at[5] != 0 || (at[6] != 1 && at[6] != 2 && at[6] != 4) || at[7] != word)
		return false;

	uint64_t functions = load_word(machine, at + HEAD);

	if (functions == 0 || functions > MOST_FUNCTIONS)
		return false;
	for (unsigned i = 0; table->oldest >= 16 && i < OFFSETS; i++) {
		uint64_t offset = load_word(machine, at + HEAD + (first + i) * word);

		if (offset < last || offset > left)
			return false;
		last = offset;
	}
	return true;
}

/* NULL where the file is shorter than its headers say. */
static Elf_Data *segment_bytes(const struct binary *binary, const GElf_Phdr *segment)
{
	return elf_getdata_rawchunk(binary->elf, (int64_t)segment->p_offset, segment->p_filesz, ELF_T_BYTE);
}

static size_t search_segment(const struct binary *binary, const GElf_Phdr *segment, struct binary_pclntab *out, size_t count)
{
	enum { STEP = 4, SMALLEST = 16 };
	Elf_Data *data = segment_bytes(binary, segment);
	const uint8_t *bytes = data ? data->d_buf : NULL;
	size_t size = bytes ? data->d_size : 0;

	for (size_t at = (size_t)(-segment->p_vaddr & (STEP - 1)); at + SMALLEST <= size && count < BINARY_PCLNTABS; at += STEP) {
		uint32_t magic = load_u32(&binary->machine, bytes + at);

		if (magic < 0xfffffff0)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
			struct binary_pclntab table = { segment->p_vaddr + at, magic, magics[i].oldest, magics[i].newest };

			if (magic == magics[i].magic && is_pclntab(&binary->machine, bytes + at, size - at, &table))
				out[count++] = table;
		}
	}
	return count;
}

size_t binary_find_pclntabs(const struct binary *binary, struct binary_pclntab *out)
{
	size_t segments, count = 0;

	if (elf_getphdrnum(binary->elf, &segments) != 0)
		return 0;
	for (size_t i = 0; i < segments && count < BINARY_PCLNTABS; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(binary->elf, (int)i, &segment) != NULL && segment.p_type == PT_LOAD)
			count = search_segment(binary, &segment, out, count);
	}
	return count;
}

static bool search_bytes(const struct binary *binary, const struct word_search *search, taddr start, const uint8_t *bytes, size_t size)
{
	unsigned word = binary->machine.word_size;

	for (size_t at = 0; at + word <= size; at += word) {
		uint64_t value = load_word(&binary->machine, bytes + at);

		for (size_t i = 0; i < search->count; i++)
			if (search->values[i] == value && !search->visit(search->context, taddr_add(start, at), value))
				return false;
	}
	return true;
}

void binary_search_words(const struct binary *binary, struct target *memory, uint64_t bias, const struct word_search *search)
{
	uint8_t *buffer = xmalloc(WORDS_CHUNK);
	size_t segments;
	bool going = elf_getphdrnum(binary->elf, &segments) == 0;

	for (size_t i = 0; going && i < segments; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(binary->elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD || (segment.p_flags & PF_X) ||
		    segment_bytes(binary, &segment) == NULL)
			continue;
		for (uint64_t at = 0; going && at < segment.p_filesz; at += WORDS_CHUNK) {
			taddr from = taddr_of(segment.p_vaddr + bias + at);
			size_t some = segment.p_filesz - at < WORDS_CHUNK ? (size_t)(segment.p_filesz - at) : WORDS_CHUNK;

			going = search_bytes(binary, search, from, buffer, target_read_some(memory, from, buffer, some));
		}
	}
	free(buffer);
}
