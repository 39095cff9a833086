/* Writes an ELF executable: sections with their segments, and symbols. Nothing that a loader would need besides. */
#ifndef BINARY_ELF_WRITER_H
#define BINARY_ELF_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"

struct elf_writer;

struct elf_writer_section {
	const char *name;
	uint64_t address;
	uint64_t size;  /* in memory, bytes */
	uint8_t *bytes; /* `size` of them, from malloc(): the writer's then; NULL: zeroes that are not in the file */
	bool loaded;    /* it is in the program's memory */
	bool writable, executable;
};

/* Of that machine, which must have a word size of 4 or 8. NULL where libelf cannot. */
struct elf_writer *elf_writer_begin(int fd, const struct machine *machine, uint64_t entry);
/* Its number in the file, from 1 on; 0 where libelf cannot. */
unsigned elf_writer_section(struct elf_writer *writer, const struct elf_writer_section *section);
/* `section` is such a number; `address` is in the program's memory. */
void elf_writer_symbol(struct elf_writer *writer, const char *name, uint64_t address, unsigned section);
/* Writes the file and frees all; false where that fails. */
bool elf_writer_end(struct elf_writer *writer);

#endif
