/*
 * Executables that are not ELF: PE (Windows) and Mach-O (macOS). libbfd reads them, and what it finds is written into an ELF file in
 * memory: the same sections at the same addresses, DWARF and symbols too. Everything above reads that file.
 */
#ifndef BINARY_FOREIGN_H
#define BINARY_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/* A kind of file by its first bytes. */
struct foreign_format {
	const char *name;     /* "PE" or "Mach-O" */
	const char *cpu;      /* GOARCH; NULL where this one is not known */
	const char *target;   /* libbfd's name for it, "pei-x86-64"; NULL where the CPU is not known */
	uint16_t elf_machine; /* EM_X86_64, ...; EM_NONE where the CPU is not known */
	uint32_t cpu_number;  /* as the file says */
	uint32_t fat;         /* the number of programs in a fat Mach-O file; 0: not fat */
};

/* Looks at the first bytes of a file; false where they are neither PE's nor Mach-O's. */
bool foreign_recognize(int fd, struct foreign_format *out);

/*
 * The file behind `fd` as ELF, in *elf_fd, which is in memory and then the caller's. libbfd runs in a process of its own, limited
 * in time and memory, so that a file which it does not survive is an error (ERROR_TARGET) as any other. `path` is for messages.
 */
struct error *foreign_to_elf(int fd, const char *path, const struct foreign_format *format, int *elf_fd) MUST_CHECK;

/* That other process's part, in bfd.c. NULL: the ELF file is written. Else what is wrong with the file; never freed. */
const char *bfd_write_elf(int fd, const char *path, const struct foreign_format *format, int elf_fd) MUST_CHECK;
/* Whether this libbfd has a target of that name. */
bool bfd_has_target(const char *name);

#endif
