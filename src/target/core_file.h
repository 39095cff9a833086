/* What a core file's headers and notes say. Nothing in it is trusted. */
#ifndef TARGET_CORE_FILE_H
#define TARGET_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/thread.h"
#include "util/bytes.h"
#include "util/error.h"

/* A stretch of memory that PT_LOAD describes. */
struct core_segment {
	uint64_t address;
	uint64_t length;  /* in memory; address + length does not overflow */
	uint64_t claimed; /* bytes from the start that the core says to hold */
	uint64_t held;    /* of these, how many lie before the end of the file */
	uint64_t offset;  /* of the first one in the file */
	bool writable;
};

/* A stretch of memory that NT_FILE says to be mapped from a file. */
struct core_mapping {
	uint64_t start;
	uint64_t end;    /* exclusive, above start */
	uint64_t offset; /* bytes, in the file */
	const char *name; /* in the core's bytes; the same pointer for neighbours that share it is not promised */
};

struct core_file {
	const uint8_t *bytes; /* the file, mapped by the caller */
	uint64_t size;
	uint64_t full_size; /* where the file should end, if it is truncated; else 0 */
	struct machine machine;
	struct core_segment *segments; /* sorted by address, not overlapping */
	size_t segment_count;
	struct core_mapping *mappings; /* sorted by start; may overlap in a damaged core */
	size_t mapping_count;
	const char *executable; /* the name of the mapping that holds the program's headers; NULL where unknown */
	uint64_t phdr_address;
	uint64_t entry;
	pid_t pid;
	struct target_thread *threads; /* in the core's order: the one that crashed comes first in those of the kernel */
	size_t thread_count, thread_capacity;
};

/* Fills the rest from bytes and size, which are set. Errors say why it is no core, without the file's name. */
struct error *core_file_parse(struct core_file *core) MUST_CHECK;
void core_file_free(struct core_file *core);

/* NULL where no segment or mapping covers the address. */
const struct core_segment *core_file_segment(const struct core_file *core, uint64_t address);
const struct core_mapping *core_file_mapping(const struct core_file *core, uint64_t address);

#endif
