/* Structs of the Go runtime, field by field, from DWARF. */
#ifndef LAYOUT_STRUCT_H
#define LAYOUT_STRUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binary/debug.h"
#include "util/error.h"

struct layout_field {
	const char *name;
	uint64_t offset; /* bytes from the struct's start */
	uint64_t size;   /* bytes */
	const char *type; /* as DWARF names it */
	uint64_t type_die;
	bool embedded;
};

struct layout_struct {
	const char *name; /* as DWARF names it; good for the binary's life */
	uint64_t size;    /* bytes */
	struct layout_field *fields;
	size_t field_count;
};

/* The struct of the DIE at `offset`, typedefs followed. Freed with layout_struct_free(). */
struct error *layout_struct_at(struct binary *binary, uint64_t offset, struct layout_struct *out) MUST_CHECK;
/* The first of `names` (NULL-terminated) that the binary has; ERROR_TARGET where it has none. */
struct error *layout_struct_named(struct binary *binary, const char *const *names, struct layout_struct *out) MUST_CHECK;
void layout_struct_free(struct layout_struct *layout);

/* NULL where there is no such field. */
const struct layout_field *layout_field_find(const struct layout_struct *layout, const char *name);

/* Where a field is: what decoders keep of it. */
struct field_at {
	uint32_t offset;
	uint8_t size; /* 1, 2, 4 or 8; 0: this version has no such field */
};

/* A field by its name: an integer or a pointer. Missing: an error, or size 0 where `optional`. */
struct error *layout_field_at(const struct layout_struct *layout, const char *name, bool optional,
			      struct field_at *out) MUST_CHECK;
/* A field of a struct that is itself a field of `outer`: its place in the outer one. */
struct error *layout_inner_field_at(struct binary *binary, const struct layout_struct *outer, const char *name,
				    const char *inner_name, struct field_at *out) MUST_CHECK;

/* Typedefs followed to what they stand for; false where that is nothing, or a cycle. */
bool layout_strip(struct binary *binary, uint64_t die, Dwarf_Die *out);
/* The size in bytes of the type at a DIE; arrays and pointers too. */
bool layout_size(struct binary *binary, uint64_t die, uint64_t *out);
/* The elements of an array type's DIE (its subrange); false where it says nothing. */
bool layout_array_length(Dwarf_Die *array, uint64_t *out);

#endif
