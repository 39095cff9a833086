/* The runtime's own descriptor of a map type: what its functions go by. To check what DWARF and tables say. */
#ifndef GOTYPE_MAP_DESCRIPTOR_H
#define GOTYPE_MAP_DESCRIPTOR_H

#include "gotype/gotype.h"

enum { MAP_DESCRIPTOR_FIELDS = 24 };

struct map_descriptor_field {
	const char *name; /* as DWARF names it: "KeySize" from Go 1.21 on, "keysize" before */
	taddr address;
	uint8_t size; /* bytes */
	uint64_t value;
};

/* Its numbers and pointers; the common part of all descriptors is left out. */
struct map_descriptor {
	const char *name; /* of the struct: "internal/abi.SwissMapType" */
	taddr address;
	struct map_descriptor_field fields[MAP_DESCRIPTOR_FIELDS];
	size_t field_count;
};

/* Reads the descriptor at `address` from the program's memory. */
struct error *map_descriptor_read(struct program *program, taddr address, struct map_descriptor *out) MUST_CHECK;
/* The field of the first of `names` (NULL-terminated) that the version has; NULL: it has none of them. */
const struct map_descriptor_field *map_descriptor_find(const struct map_descriptor *descriptor, const char *const *names);

/* The size of values of the type whose descriptor lies at `address`: of buckets too, which reflect gave no kind (Go <= 1.13). */
struct error *map_descriptor_size_at(struct program *program, taddr address, uint64_t *out) MUST_CHECK;

#endif
