#include "binary/match.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "binary/buildinfo.h"
#include "util/alloc.h"

/* Go's linker and ld write far fewer program headers and notes. */
enum { HEADERS_LIMIT = 64 * 1024, NOTES_LIMIT = 64 * 1024 };

/* What the target's memory says of its executable. */
struct image {
	char *gnu, *go;    /* build IDs; NULL: not there */
	bool differs;      /* entry point or program headers are others */
};

static uint64_t bias_of(const struct binary *binary, const struct target *target)
{
	return binary->position_independent ? target->executable.phdr_address - binary->phdr_address : 0;
}

/* The program headers in memory, against the file's. */
static void compare_headers(const struct binary *binary, struct target *target, struct image *image)
{
	GElf_Ehdr header;

	if (gelf_getehdr(binary->elf, &header) == NULL)
		return;

	size_t size = (size_t)header.e_phnum * header.e_phentsize;

	if (size == 0 || size > HEADERS_LIMIT)
		return;

	uint8_t *own = xmalloc(size), *theirs = xmalloc(size);

	if (binary_read(binary, binary->phdr_address, own, size) &&
	    target_read_some(target, taddr_of(target->executable.phdr_address), theirs, size) == size)
		image->differs |= memcmp(own, theirs, size) != 0;
	free(own);
	free(theirs);
}

/* The notes of the image in memory, where the file's notes say they are; other notes there are another build's. */
static void read_notes(const struct binary *binary, struct target *target, struct image *image)
{
	size_t count;

	if (elf_getphdrnum(binary->elf, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(binary->elf, (int)i, &segment) == NULL || segment.p_type != PT_NOTE ||
		    segment.p_filesz > NOTES_LIMIT)
			continue;

		uint8_t *notes = xmalloc(segment.p_filesz);
		size_t got = target_read_some(target, taddr_of(segment.p_vaddr + bias_of(binary, target)), notes,
					      segment.p_filesz);

		buildinfo_notes(&binary->machine, notes, got, &image->gnu, &image->go);
		free(notes);
	}
}

static bool ids_differ(const char *own, const char *theirs)
{
	return own != NULL && theirs != NULL && strcmp(own, theirs) != 0;
}

static struct error *other_build(const struct binary *binary, const struct target *target, const struct image *image)
{
	char *own = binary_build_id(binary);
	char *theirs = image->gnu   ? xasprintf("GNU build ID %s", image->gnu)
		       : image->go ? xasprintf("Go build ID %s", image->go)
				   : xstrdup("a build without an ID at that place");
	struct error *error = error_new(ERROR_TARGET, "%s: another build than the %s's: it has %s, the %s has %s",
					binary->path, target->ops->kind, own, target->ops->kind, theirs);

	free(own);
	free(theirs);
	return error_hint(error, "name the executable that it was made of with -e");
}

struct error *binary_check_build(const struct binary *binary, struct target *target)
{
	const struct target_executable *executable = &target->executable;
	struct image image = { 0 };

	if (executable->phdr_address == 0 && executable->entry == 0)
		return NULL;
	if (executable->phdr_address != 0 && !binary->position_independent)
		image.differs = executable->phdr_address != binary->phdr_address;
	if (executable->entry != 0 && executable->phdr_address != 0)
		image.differs |= executable->entry - binary->entry != bias_of(binary, target);
	if (executable->phdr_address != 0) {
		compare_headers(binary, target, &image);
		read_notes(binary, target, &image);
	}

	struct error *error = NULL;

	if (image.differs || ids_differ(binary->gnu_build_id, image.gnu) || ids_differ(binary->go_build_id, image.go))
		error = other_build(binary, target, &image);
	free(image.gnu);
	free(image.go);
	return error;
}
