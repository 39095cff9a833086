#include "binary/binary.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary/buildinfo.h"
#include "binary/debug.h"
#include "binary/foreign.h"
#include "binary/tables.h"
#include "util/alloc.h"

static struct error *read_header(struct binary *binary)
{
	GElf_Ehdr header;

	if (elf_kind(binary->elf) != ELF_K_ELF || gelf_getehdr(binary->elf, &header) == NULL)
		return error_new(ERROR_TARGET, "%s: neither ELF, PE nor Mach-O", binary->path);
	if (header.e_type == ET_CORE)
		return error_hint(error_new(ERROR_TARGET, "%s: a core file, not an executable", binary->path),
				  "name it with -c");
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return error_new(ERROR_TARGET, "%s: neither an executable nor a shared object", binary->path);

	binary->machine.elf_machine = header.e_machine;
	binary->machine.word_size = header.e_ident[EI_CLASS] == ELFCLASS32 ? 4 : 8;
	binary->machine.big_endian = header.e_ident[EI_DATA] == ELFDATA2MSB;
	binary->position_independent = header.e_type == ET_DYN;
	binary->entry = header.e_entry;

	size_t count;

	if (elf_getphdrnum(binary->elf, &count) != 0)
		return error_new(ERROR_TARGET, "%s: no program headers: %s", binary->path, elf_errmsg(-1));
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(binary->elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD)
			continue;
		if (segment.p_offset <= header.e_phoff && header.e_phoff - segment.p_offset < segment.p_filesz) {
			binary->phdr_address = segment.p_vaddr + (header.e_phoff - segment.p_offset);
			break;
		}
	}
	return NULL;
}

static bool looks_like_go(struct binary *binary)
{
	static const char *const sections[] = { ".note.go.buildid", ".go.buildinfo", ".gopclntab", ".gosymtab" };
	uint64_t address, size;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const uint8_t *bytes;
		size_t length;

		if (binary_section(binary, sections[i], &bytes, &length, &address))
			return true;
	}

	struct binary_pclntab tables[BINARY_PCLNTABS];

	return binary->go_version != NULL || binary->go_build_id != NULL ||
	       binary_symbol(binary, "runtime.buildVersion", &address, &size) || binary_find_pclntabs(binary, tables) != 0;
}

static struct error *check_file(const struct binary *binary)
{
	struct stat status;

	if (binary->fd < 0 || fstat(binary->fd, &status) != 0)
		return error_new(ERROR_TARGET, "%s: %s", binary->path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_new(ERROR_TARGET, "%s: not a regular file", binary->path);
	if (status.st_size == 0)
		return error_new(ERROR_TARGET, "%s: the file is empty", binary->path);
	return NULL;
}

/* Puts the ELF file that is made of a foreign one in its place. */
static struct error *translate(struct binary *binary)
{
	struct foreign_format format;
	int elf_fd;

	if (!foreign_recognize(binary->fd, &format))
		return NULL;
	TRY(foreign_to_elf(binary->fd, binary->path, &format, &elf_fd));
	close(binary->fd);
	binary->fd = elf_fd;
	binary->format = format.name;
	return NULL;
}

static struct error *read_file(struct binary *binary)
{
	TRY(check_file(binary));
	TRY(translate(binary));
	/* private: debug.c hides sections from libdw by changing their headers in memory */
	binary->elf = elf_begin(binary->fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	if (binary->elf == NULL)
		return error_new(ERROR_TARGET, "%s: %s", binary->path, elf_errmsg(-1));
	TRY(read_header(binary));
	buildinfo_read(binary);
	if (!looks_like_go(binary))
		return error_hint(error_new(ERROR_TARGET, "%s: not a Go program", binary->path),
				  "mapscope reads programs built by the Go toolchain (gc), not gccgo or TinyGo");
	return NULL;
}

struct error *binary_open(int fd, const char *path, struct binary **out)
{
	struct binary *binary = xcalloc(1, sizeof(*binary));

	elf_version(EV_CURRENT);
	binary->path = xstrdup(path);
	binary->format = "ELF";
	binary->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	struct error *error = read_file(binary);

	if (error != NULL) {
		binary_destroy(binary);
		return error;
	}
	*out = binary;
	return NULL;
}

void binary_destroy(struct binary *binary)
{
	if (binary == NULL)
		return;
	debug_destroy(binary->debug);
	elf_end(binary->elf);
	if (binary->fd >= 0)
		close(binary->fd);
	free(binary->path);
	free(binary->go_version);
	free(binary->go_experiments);
	free(binary->go_build_id);
	free(binary->gnu_build_id);
	free(binary);
}

static Elf_Scn *find_section(const struct binary *binary, const char *name, GElf_Shdr *header)
{
	size_t names;
	Elf_Scn *section = NULL;

	if (elf_getshdrstrndx(binary->elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(binary->elf, section)) != NULL) {
		if (gelf_getshdr(section, header) == NULL)
			continue;

		const char *own = elf_strptr(binary->elf, names, header->sh_name);

		if (own != NULL && strcmp(own, name) == 0)
			return section;
	}
	return NULL;
}

bool binary_section(const struct binary *binary, const char *name, const uint8_t **bytes, size_t *size,
		    uint64_t *address)
{
	GElf_Shdr header;
	Elf_Scn *section = find_section(binary, name, &header);

	if (section == NULL || header.sh_type == SHT_NOBITS)
		return false;

	Elf_Data *data = elf_rawdata(section, NULL);

	if (data == NULL || data->d_buf == NULL)
		return false;
	*bytes = data->d_buf;
	*size = data->d_size;
	*address = header.sh_addr;
	return true;
}

bool binary_symbol(const struct binary *binary, const char *name, uint64_t *address, uint64_t *size)
{
	GElf_Shdr header;
	Elf_Scn *section = find_section(binary, ".symtab", &header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;

	if (data == NULL || header.sh_entsize == 0)
		return false;
	for (size_t i = 0; i < data->d_size / header.sh_entsize; i++) {
		GElf_Sym symbol;

		if (gelf_getsym(data, (int)i, &symbol) == NULL)
			break;

		const char *own = elf_strptr(binary->elf, header.sh_link, symbol.st_name);

		if (own != NULL && symbol.st_shndx != SHN_UNDEF && strcmp(own, name) == 0) {
			*address = symbol.st_value;
			*size = symbol.st_size;
			return true;
		}
	}
	return false;
}

bool binary_read(const struct binary *binary, uint64_t address, void *to, size_t length)
{
	size_t count;

	if (elf_getphdrnum(binary->elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(binary->elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD)
			continue;
		if (address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;

		uint64_t skip = address - segment.p_vaddr;

		if (length > segment.p_filesz - skip)
			return false;
		return pread(binary->fd, to, length, (off_t)(segment.p_offset + skip)) == (ssize_t)length;
	}
	return false;
}

/* "go1.26.8-X:arenas" (>= 1.26), "go1.25.8 X:noswissmap" (<= 1.25): src/cmd/internal/objabi, src/internal/buildcfg. */
void binary_set_go_version(struct binary *binary, const char *text, size_t length)
{
	char *version = xstrndup(text, length);
	char *experiments = strstr(version, "X:");

	if (experiments != NULL && experiments > version && (experiments[-1] == ' ' || experiments[-1] == '-')) {
		experiments[-1] = '\0';
		free(binary->go_experiments);
		binary->go_experiments = xstrdup(experiments + 2);
	}
	free(binary->go_version);
	binary->go_version = version;

	const char *number = strstr(version, "go1.");
	int minor;

	if (number != NULL && sscanf(number, "go1.%d", &minor) == 1)
		binary->go_minor = minor;
}

char *binary_build_id(const struct binary *binary)
{
	if (binary->gnu_build_id != NULL)
		return xasprintf("GNU build ID %s", binary->gnu_build_id);
	if (binary->go_build_id != NULL)
		return xasprintf("Go build ID %s", binary->go_build_id);
	return xstrdup("no build ID");
}
