#include "binary/elf_writer.h"

#include <elf.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"
#include "util/buffer.h"

struct elf_writer {
	Elf *elf;
	struct buffer section_names, symbol_names; /* each ended by a zero; the first is empty */
	Elf_Scn **sections;
	uint8_t **bytes; /* of each section */
	size_t count, section_capacity, bytes_capacity, byte_count;
	GElf_Sym *symbols;
	size_t symbol_count, symbol_capacity;
	uint8_t *symbol_table; /* as it is in the file */
};

/* Where in the run of names it is. */
static uint32_t add_name(struct buffer *names, const char *name)
{
	size_t at = names->length;

	buffer_append(names, name, strlen(name) + 1);
	return (uint32_t)at;
}

struct elf_writer *elf_writer_begin(int fd, const struct machine *machine, uint64_t entry)
{
	GElf_Ehdr header;
	struct elf_writer *writer = xcalloc(1, sizeof(*writer));

	elf_version(EV_CURRENT);
	writer->elf = elf_begin(fd, ELF_C_WRITE, NULL);
	if (writer->elf == NULL || gelf_newehdr(writer->elf, machine->word_size == 4 ? ELFCLASS32 : ELFCLASS64) == NULL ||
	    gelf_getehdr(writer->elf, &header) == NULL) {
		elf_end(writer->elf);
		free(writer);
		return NULL;
	}
	header.e_ident[EI_DATA] = machine->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	header.e_type = ET_EXEC;
	header.e_machine = machine->elf_machine;
	header.e_version = EV_CURRENT;
	header.e_entry = entry;
	gelf_update_ehdr(writer->elf, &header);
	add_name(&writer->section_names, "");
	add_name(&writer->symbol_names, "");
	writer->symbols = xcalloc(1, sizeof(*writer->symbols));
	writer->symbol_count = writer->symbol_capacity = 1;
	return writer;
}

/* A section of the file with one run of bytes. NULL where libelf cannot. */
static Elf_Scn *new_section(struct elf_writer *writer, const GElf_Shdr *like, Elf_Type type, void *bytes, size_t size)
{
	Elf_Scn *section = elf_newscn(writer->elf);
	Elf_Data *data = section ? elf_newdata(section) : NULL;
	GElf_Shdr header;

	if (data == NULL || gelf_getshdr(section, &header) == NULL)
		return NULL;
	data->d_buf = bytes;
	data->d_size = size;
	data->d_type = type;
	data->d_version = EV_CURRENT;
	data->d_align = like->sh_addralign;
	header = *like;
	return gelf_update_shdr(section, &header) != 0 ? section : NULL;
}

unsigned elf_writer_section(struct elf_writer *writer, const struct elf_writer_section *section)
{
	GElf_Shdr header = {
		.sh_name = add_name(&writer->section_names, section->name),
		.sh_type = section->bytes ? SHT_PROGBITS : SHT_NOBITS,
		.sh_addr = section->address,
		.sh_flags = (section->loaded ? SHF_ALLOC : 0u) | (section->writable ? SHF_WRITE : 0u) |
			    (section->executable ? SHF_EXECINSTR : 0u),
		.sh_addralign = 1,
	};
	Elf_Scn *made = new_section(writer, &header, ELF_T_BYTE, section->bytes, section->size);

	ARRAY_RESERVE(writer->bytes, writer->byte_count, writer->bytes_capacity);
	writer->bytes[writer->byte_count++] = section->bytes;
	if (made == NULL)
		return 0;
	ARRAY_RESERVE(writer->sections, writer->count, writer->section_capacity);
	writer->sections[writer->count++] = made;
	return (unsigned)elf_ndxscn(made);
}

void elf_writer_symbol(struct elf_writer *writer, const char *name, uint64_t address, unsigned section)
{
	ARRAY_RESERVE(writer->symbols, writer->symbol_count, writer->symbol_capacity);
	writer->symbols[writer->symbol_count++] = (GElf_Sym){
		.st_name = add_name(&writer->symbol_names, name),
		.st_info = GELF_ST_INFO(STB_GLOBAL, STT_NOTYPE),
		.st_shndx = (uint16_t)section,
		.st_value = address,
	};
}

/* Returns the number of the section; 0 where libelf cannot. */
static unsigned add_names(struct elf_writer *writer, const char *name, struct buffer *names)
{
	GElf_Shdr header = { .sh_name = add_name(&writer->section_names, name), .sh_type = SHT_STRTAB, .sh_addralign = 1 };
	Elf_Scn *section = new_section(writer, &header, ELF_T_BYTE, names->bytes, names->length);

	return section ? (unsigned)elf_ndxscn(section) : 0;
}

static bool add_symbols(struct elf_writer *writer)
{
	size_t size = gelf_fsize(writer->elf, ELF_T_SYM, 1, EV_CURRENT);
	unsigned names = add_names(writer, ".strtab", &writer->symbol_names);
	GElf_Shdr header = {
		.sh_name = add_name(&writer->section_names, ".symtab"),
		.sh_type = SHT_SYMTAB,
		.sh_link = names,
		.sh_info = 1,
		.sh_entsize = size,
		.sh_addralign = 8,
	};

	writer->symbol_table = xcalloc(writer->symbol_count, size);

	Elf_Scn *section = new_section(writer, &header, ELF_T_SYM, writer->symbol_table, writer->symbol_count * size);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;

	for (size_t i = 0; data != NULL && i < writer->symbol_count; i++)
		if (gelf_update_sym(data, (int)i, &writer->symbols[i]) == 0)
			return false;
	return data != NULL && names != 0;
}

static bool add_section_names(struct elf_writer *writer)
{
	GElf_Ehdr header;
	uint32_t own_name = add_name(&writer->section_names, ".shstrtab");
	GElf_Shdr own = { .sh_name = own_name, .sh_type = SHT_STRTAB, .sh_addralign = 1 };
	Elf_Scn *section = new_section(writer, &own, ELF_T_BYTE, writer->section_names.bytes, writer->section_names.length);

	if (section == NULL || gelf_getehdr(writer->elf, &header) == NULL)
		return false;
	header.e_shstrndx = (uint16_t)elf_ndxscn(section);
	return gelf_update_ehdr(writer->elf, &header) != 0;
}

/* A segment for each section that is loaded: where libelf has put its bytes is known by now. */
static bool fill_segments(struct elf_writer *writer)
{
	int segment = 0;

	for (size_t i = 0; i < writer->count; i++) {
		GElf_Shdr section;

		if (gelf_getshdr(writer->sections[i], &section) == NULL)
			return false;
		if (!(section.sh_flags & SHF_ALLOC))
			continue;

		GElf_Phdr header = {
			.p_type = PT_LOAD,
			.p_flags = PF_R | (section.sh_flags & SHF_WRITE ? PF_W : 0u) | (section.sh_flags & SHF_EXECINSTR ? PF_X : 0u),
			.p_offset = section.sh_offset,
			.p_vaddr = section.sh_addr,
			.p_paddr = section.sh_addr,
			.p_filesz = section.sh_type == SHT_NOBITS ? 0 : section.sh_size,
			.p_memsz = section.sh_size,
			.p_align = 1,
		};

		if (gelf_update_phdr(writer->elf, segment++, &header) == 0)
			return false;
	}
	return true;
}

static size_t count_loaded(const struct elf_writer *writer)
{
	size_t count = 0;

	for (size_t i = 0; i < writer->count; i++) {
		GElf_Shdr section;

		count += gelf_getshdr(writer->sections[i], &section) != NULL && (section.sh_flags & SHF_ALLOC);
	}
	return count;
}

bool elf_writer_end(struct elf_writer *writer)
{
	size_t loaded = count_loaded(writer);
	bool good = add_symbols(writer) && add_section_names(writer) &&
		    (loaded == 0 || gelf_newphdr(writer->elf, loaded) != NULL) && elf_update(writer->elf, ELF_C_NULL) > 0 &&
		    fill_segments(writer) && elf_update(writer->elf, ELF_C_WRITE) > 0;

	elf_end(writer->elf);
	for (size_t i = 0; i < writer->byte_count; i++)
		free(writer->bytes[i]);
	free(writer->bytes);
	free(writer->sections);
	free(writer->symbols);
	free(writer->symbol_table);
	buffer_free(&writer->section_names);
	buffer_free(&writer->symbol_names);
	free(writer);
	return good;
}
