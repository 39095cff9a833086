/*
 * An executable at rest: sections, symbols, notes, Go's build information. DWARF is in binary/debug.h. It is ELF, or was made so of
 * PE or Mach-O (binary/foreign.h).
 */
#ifndef BINARY_BINARY_H
#define BINARY_BINARY_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"
#include "util/error.h"

struct debug;

struct binary {
	char *path; /* for messages */
	const char *format; /* of the file: "ELF", "PE", "Mach-O" */
	int fd;     /* its own: the file, or the ELF file in memory that was made of it */
	Elf *elf;
	struct machine machine;
	bool position_independent; /* ET_DYN: addresses in memory are the file's plus a bias */
	uint64_t entry;            /* e_entry */
	uint64_t phdr_address;     /* what AT_PHDR is without a bias; 0 where the headers are not loaded */

	/* Go's version as the toolchain writes it, "go1.26.8" or "devel ..."; NULL where the file does not tell. */
	char *go_version;
	int go_minor;         /* N of go1.N; 0 where unknown */
	char *go_experiments; /* GOEXPERIMENT list, "noswissmap"; NULL where none */
	char *go_build_id;    /* NULL where none */
	char *gnu_build_id;   /* hexadecimal; NULL where none */

	struct debug *debug; /* opened by debug_open() */
	bool stripped;       /* which found no DWARF, in the file or beside it */
};

/*
 * Opens the executable behind `fd` (duplicated). Errors (ERROR_TARGET): not ELF, not an executable, not a Go program.
 * `path` is for messages.
 */
struct error *binary_open(int fd, const char *path, struct binary **out) MUST_CHECK;
/* NULL is allowed. */
void binary_destroy(struct binary *binary);

/* A section's bytes as they are in the file; false where there is none (or it has no bytes). Good for the binary's life. */
bool binary_section(const struct binary *binary, const char *name, const uint8_t **bytes, size_t *size,
		    uint64_t *address);
/* A symbol of .symtab by its exact name; false where there is none. */
bool binary_symbol(const struct binary *binary, const char *name, uint64_t *address, uint64_t *size);
/* Reads bytes that a PT_LOAD segment initialises at `address` (the file's own addressing); false where none does. */
bool binary_read(const struct binary *binary, uint64_t address, void *to, size_t length);
/* Takes "go1.20.14", "go1.25.8 X:noswissmap" or "go1.26.8-X:arenas" apart into version, minor and experiments. */
void binary_set_go_version(struct binary *binary, const char *text, size_t length);

/* Describes the build for messages: its GNU build ID, else Go's, else "no build ID". The caller frees it. */
char *binary_build_id(const struct binary *binary);

#endif
