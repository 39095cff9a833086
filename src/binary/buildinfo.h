/* What a Go binary says of its build: version, experiments, build IDs. */
#ifndef BINARY_BUILDINFO_H
#define BINARY_BUILDINFO_H

#include "binary/binary.h"

/* Fills in go_version, go_minor, go_experiments and the build IDs as far as the file tells. Nothing there is no error. */
void buildinfo_read(struct binary *binary);

/* The build IDs in a run of ELF notes (of a file or of memory). Each is allocated, or left alone where there is none. */
void buildinfo_notes(const struct machine *machine, const uint8_t *notes, size_t size, char **gnu, char **go);

#endif
