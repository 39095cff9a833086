/* A real executable with damaged DWARF, symbols, build information, pclntab and headers, through every command on a sound core. */
#include "damage.h"

#include <elf.h>

static struct damage_ranges sections;

static void add(uint64_t offset, uint64_t size)
{
	if (size == 0 || offset > damage_exe.size || size > damage_exe.size - offset)
		return;
	ARRAY_RESERVE(sections.items, sections.count, sections.capacity);
	sections.items[sections.count++] = (struct damage_range){ offset, size, offset };
}

static bool is_wanted(const char *name)
{
	return strncmp(name, ".debug_", 7) == 0 || strstr(name, "note") != NULL || strcmp(name, ".go.buildinfo") == 0 || strcmp(name, ".symtab") == 0;
}

/* Most of the reader works on these two: so often they are among the ranges. */
enum { WEIGHT = 6 };

static void find_sections(void)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)damage_exe.bytes;
	const Elf64_Shdr *table = (const Elf64_Shdr *)(damage_exe.bytes + header->e_shoff);
	const char *names = (const char *)damage_exe.bytes + table[header->e_shstrndx].sh_offset;

	add(0, sizeof(*header));
	add(header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr));
	add(header->e_shoff, header->e_shnum * sizeof(*table));
	for (unsigned i = 0; i < header->e_shnum; i++) {
		const char *name = names + table[i].sh_name;

		if (table[i].sh_type == SHT_NOBITS || !is_wanted(name))
			continue;

		bool often = strcmp(name, ".debug_info") == 0 || strcmp(name, ".debug_abbrev") == 0;

		for (int weight = often ? WEIGHT : 1; weight > 0; weight--)
			add(table[i].sh_offset, table[i].sh_size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (damage_command_count == 0) {
		damage_open();
		find_sections();
	}
	if (size != 0)
		damage_and_run(&damage_exe, &damage_commands[data[0] % damage_command_count], &sections, data + 1, size - 1);
	return 0;
}
