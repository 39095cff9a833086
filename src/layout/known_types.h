/* The types that the tables of versions name, and what these are made of: the graph that layout/known_debug.c writes as DWARF. */
#ifndef LAYOUT_KNOWN_TYPES_H
#define LAYOUT_KNOWN_TYPES_H

#include "binary/binary.h"
#include "layout/map.h"
#include "layout/struct.h"
#include "layout/version.h"

enum known_form {
	KNOWN_OPAQUE,    /* a size is all that is known of it */
	KNOWN_BASE,
	KNOWN_STRUCT,    /* strings and slices too, whose headers are structs in DWARF */
	KNOWN_POINTER,
	KNOWN_UNSAFE,    /* unsafe.Pointer */
	KNOWN_REFERENCE, /* a map or channel: a pointer to what is not known */
	KNOWN_ARRAY,
	KNOWN_FUNCTION,
	KNOWN_INTERFACE, /* a typedef of the header, a struct */
};

/* Types are numbers, their places in known_types.items. */
struct known_type {
	char *name; /* as DWARF spells it */
	enum known_form form;
	uint8_t kind;     /* reflect.Kind; 0: not known */
	uint8_t encoding; /* DW_ATE_*, of KNOWN_BASE */
	uint64_t size;    /* bytes; 0 where nothing tells it */
	size_t elem;      /* of pointers and arrays; the header of interfaces */
	uint64_t length;  /* of arrays */
	struct layout_struct layout; /* of structs */
	size_t *members;  /* the types of its fields */
};

struct known_types {
	const struct go_version *version;
	enum map_implementation implementation;
	const struct machine *machine;
	struct known_type *items;
	size_t count, capacity;
};

/* The type of that name, with all that it leads to. `size` where it is known from what has a field of it, else 0. */
size_t known_type_named(struct known_types *types, const char *name, uint64_t size);
/* Whether the tables have a struct of that name for that version and implementation. */
bool known_types_have(const struct known_types *types, const char *name);
void known_types_free(struct known_types *types);

#endif
