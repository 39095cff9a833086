/* The one file that knows libbfd. */
#define PACKAGE "mapscope" /* <bfd.h> wants to be included by a configured package */
#define PACKAGE_VERSION "0"
#include <bfd.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "binary/elf_writer.h"
#include "binary/foreign.h"
#include "util/alloc.h"

/* Go's linker writes some twenty sections and one symbol a function or variable. */
enum { SECTION_LIMIT = 4096, SYMBOL_LIMIT = 1 << 24 };

bool bfd_has_target(const char *name)
{
	const char **targets;
	bool found = false;

	bfd_init();
	targets = bfd_target_list();
	for (size_t i = 0; targets != NULL && targets[i] != NULL; i++)
		found |= strcmp(targets[i], name) == 0;
	free(targets);
	return found;
}

/* --- names --------------------------------------------------------------------------------------------------- */

/*
 * Go's linker calls a section of Mach-O as that of ELF, with "__" for the dot, "_" for further ones, and cut to 16 bytes: cmd/link/
 * internal/ld/macho.go (machoshbits). libbfd makes "__DWARF.__zdebug_info" of it where it does not know the name.
 */
static const struct {
	const char *cut, *whole;
} cut_names[] = {
	{ "__go_buildinfo", ".go.buildinfo" },
	{ "__debug_str_offs", ".debug_str_offsets" },
	{ "__zdebug_str_off", ".zdebug_str_offsets" },
	{ "__zdebug_line_st", ".zdebug_line_str" },
	{ "__zdebug_loclist", ".zdebug_loclists" },
	{ "__zdebug_rnglist", ".zdebug_rnglists" },
};

/* The ELF name; the caller frees it. */
static char *elf_name(const char *name)
{
	const char *section = strstr(name, ".__");

	if (section == NULL)
		return xstrdup(name);
	section++;
	for (size_t i = 0; i < ARRAY_SIZE(cut_names); i++)
		if (strcmp(cut_names[i].cut, section) == 0)
			return xstrdup(cut_names[i].whole);
	return xasprintf(".%s", section + strlen("__"));
}

/* --- one file's way into ELF ----------------------------------------------------------------------------------- */

struct conversion {
	bfd *file;
	struct elf_writer *writer;
	uint64_t room;     /* bytes that sections may have yet */
	unsigned *numbers; /* in the ELF file, by the section's index; 0: left out */
};

/* debug/buildinfo/buildinfo.go (exe.DataStart): PE has build information at the start of .data, or, linked externally, within. */
static void add_build_info(struct conversion *conversion, const asection *section, const uint8_t *bytes, size_t size)
{
	static const char magic[] = "\xff Go buildinf:";
	const uint8_t *found = memmem(bytes, size, magic, sizeof(magic) - 1);

	while (found != NULL && ((size_t)(found - bytes) & 15) != 0)
		found = memmem(found + 1, size - (size_t)(found + 1 - bytes), magic, sizeof(magic) - 1);
	if (found == NULL)
		return;

	size_t rest = size - (size_t)(found - bytes);
	struct elf_writer_section view = {
		.name = ".go.buildinfo",
		.address = section->vma + (size_t)(found - bytes),
		.size = rest,
		.bytes = xmalloc(rest),
	};

	memcpy(view.bytes, found, rest);
	elf_writer_section(conversion->writer, &view);
}

/* The section's bytes as they are in the file, compressed where they are. NULL with *wrong where they cannot be had. */
static uint8_t *read_section(struct conversion *conversion, asection *section, const char **wrong)
{
	uint64_t size = bfd_section_size(section);
	void *bytes;
	struct error *error = NULL;

	*wrong = "its sections are larger than the file";
	if (size > conversion->room)
		return NULL;
	conversion->room -= size;
	*wrong = "there is not enough memory for a section";
	error = alloc_checked(size, 1, "a section", &bytes);
	error_free(error);
	if (error != NULL)
		return NULL;
	*wrong = "a section's bytes are not there: the file is cut short";
	if (bfd_get_section_contents(conversion->file, section, bytes, 0, size))
		return bytes;
	free(bytes);
	return NULL;
}

static const char *add_section(struct conversion *conversion, asection *section)
{
	flagword flags = bfd_section_flags(section);
	const char *wrong = NULL;
	struct elf_writer_section made = {
		.address = section->vma,
		.size = bfd_section_size(section),
		.loaded = flags & SEC_ALLOC,
		.writable = !(flags & SEC_READONLY),
		.executable = flags & SEC_CODE,
	};

	/* Go's linker calls the symbols of PE a section, too: cmd/link/internal/ld/pe.go (writeSymbolTableAndStringTable) */
	if (made.size == 0 || strcmp(bfd_section_name(section), ".symtab") == 0)
		return NULL;
	if (flags & SEC_HAS_CONTENTS) {
		made.bytes = read_section(conversion, section, &wrong);
		if (made.bytes == NULL)
			return wrong;
		if (strcmp(bfd_section_name(section), ".data") == 0 &&
		    bfd_get_flavour(conversion->file) == bfd_target_coff_flavour)
			add_build_info(conversion, section, made.bytes, made.size);
	}

	char *name = elf_name(bfd_section_name(section));

	made.name = name;
	conversion->numbers[section->index] = elf_writer_section(conversion->writer, &made);
	free(name);
	return NULL;
}

static const char *add_sections(struct conversion *conversion)
{
	unsigned count = bfd_count_sections(conversion->file);

	if (count == 0 || count > SECTION_LIMIT)
		return "it has no sections, or too many";
	conversion->numbers = xcalloc(count, sizeof(*conversion->numbers));
	for (asection *section = conversion->file->sections; section != NULL; section = section->next) {
		const char *wrong = section->index < count ? add_section(conversion, section) : "its sections are not in order";

		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

/* Symbols help to find a version only, so damaged ones are left out. Mach-O's begin with an underscore that Go does not write. */
static void add_symbols(struct conversion *conversion)
{
	bfd *file = conversion->file;
	unsigned count = bfd_count_sections(file);
	long size = bfd_get_symtab_upper_bound(file);

	if (size <= 0 || (size_t)size / sizeof(asymbol *) > SYMBOL_LIMIT)
		return;

	asymbol **symbols = xmalloc((size_t)size);
	long found = bfd_canonicalize_symtab(file, symbols);

	for (long i = 0; i < found; i++) {
		const asymbol *symbol = symbols[i];
		const char *name = bfd_asymbol_name(symbol);
		unsigned number = symbol->section->index < count ? conversion->numbers[symbol->section->index] : 0;

		if (name == NULL || number == 0 || bfd_is_und_section(symbol->section))
			continue;
		elf_writer_symbol(conversion->writer, name + (name[0] == bfd_get_symbol_leading_char(file) && name[0] != '\0'),
				  bfd_asymbol_value(symbol), number);
	}
	free(symbols);
}

static const char *convert(bfd *file, const struct foreign_format *format, uint64_t room, int elf_fd)
{
	struct conversion conversion = { .file = file, .room = room };

	const struct machine machine = { .elf_machine = format->elf_machine, .word_size = format->elf_machine == EM_386 ? 4 : 8 };

	conversion.writer = elf_writer_begin(elf_fd, &machine, bfd_get_start_address(file));
	if (conversion.writer == NULL)
		return "libelf gave up";

	const char *wrong = add_sections(&conversion);

	if (wrong == NULL)
		add_symbols(&conversion);
	free(conversion.numbers);
	if (!elf_writer_end(conversion.writer) && wrong == NULL)
		wrong = "libelf gave up";
	return wrong;
}

static void say_nothing(const char *format, va_list arguments)
{
}

static void say_no_assertion(const char *format, const char *version, const char *file, int line)
{
}

/* The header was one, so what libbfd does not recognize is damaged behind it. */
static const char *format_error(void)
{
	bfd_error_type error = bfd_get_error();

	if (error == bfd_error_file_not_recognized || error == bfd_error_wrong_format)
		return "it is damaged or cut short";
	return bfd_errmsg(error);
}

const char *bfd_write_elf(int fd, const char *path, const struct foreign_format *format, int elf_fd)
{
	struct stat status;

	bfd_init();
	bfd_set_error_handler(say_nothing);
	bfd_set_assert_handler(say_no_assertion);
	if (fstat(fd, &status) != 0)
		return "its size cannot be had";

	bfd *file = bfd_fdopenr(path, format->target, fd);

	if (file == NULL)
		return bfd_errmsg(bfd_get_error());
	if (!bfd_check_format(file, bfd_object))
		return format_error();
	return convert(file, format, (uint64_t)status.st_size, elf_fd);
}
