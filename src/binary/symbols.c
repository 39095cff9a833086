#include "binary/symbols.h"

#include <gelf.h>

static Elf_Scn *find_symbols(Elf *elf, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)) != NULL)
		if (gelf_getshdr(section, header) != NULL && header->sh_type == SHT_SYMTAB)
			return section;
	return NULL;
}

void binary_each_variable(const struct binary *binary, void (*visit)(void *context, const struct binary_symbol *symbol), void *context)
{
	GElf_Shdr header;
	Elf_Scn *section = find_symbols(binary->elf, &header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;

	if (data == NULL || header.sh_entsize == 0)
		return;
	for (size_t i = 0; i < data->d_size / header.sh_entsize; i++) {
		GElf_Sym symbol;

		if (gelf_getsym(data, (int)i, &symbol) == NULL)
			break;

		const struct binary_symbol found = { elf_strptr(binary->elf, header.sh_link, symbol.st_name), symbol.st_value, symbol.st_size };

		if (found.name != NULL && symbol.st_shndx != SHN_UNDEF && GELF_ST_TYPE(symbol.st_info) == STT_OBJECT && found.size != 0)
			visit(context, &found);
	}
}
