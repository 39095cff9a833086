/*
 * Go types, one graph whether they come from DWARF or from the runtime's type descriptors in the target's memory.
 * Types live as long as the program they belong to. Parts are filled in when somebody asks for them: call
 * gotype_complete() before touching anything but kind, name and size.
 */
#ifndef GOTYPE_GOTYPE_H
#define GOTYPE_GOTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"
#include "util/error.h"

struct program;
struct map_layout;
struct sync_layout;

/* The numbers of reflect.Kind and internal/abi.Kind; the same in all versions. */
enum go_kind {
	GO_INVALID = 0,
	GO_BOOL = 1,
	GO_INT = 2,
	GO_INT8 = 3,
	GO_INT16 = 4,
	GO_INT32 = 5,
	GO_INT64 = 6,
	GO_UINT = 7,
	GO_UINT8 = 8,
	GO_UINT16 = 9,
	GO_UINT32 = 10,
	GO_UINT64 = 11,
	GO_UINTPTR = 12,
	GO_FLOAT32 = 13,
	GO_FLOAT64 = 14,
	GO_COMPLEX64 = 15,
	GO_COMPLEX128 = 16,
	GO_ARRAY = 17,
	GO_CHAN = 18,
	GO_FUNC = 19,
	GO_INTERFACE = 20,
	GO_MAP = 21,
	GO_POINTER = 22,
	GO_SLICE = 23,
	GO_STRING = 24,
	GO_STRUCT = 25,
	GO_UNSAFE_POINTER = 26,
};

struct gotype_field {
	const char *name;    /* "_" for a blank one */
	uint64_t offset;     /* bytes from the struct's start */
	struct gotype *type; /* its kind, name and size are set */
	bool embedded;
	const char *tag; /* from a descriptor only; NULL: none */
};

struct gotype {
	/* Always set. */
	struct program *program;
	enum go_kind kind;
	const char *name; /* DWARF's spelling: full package paths; descriptors': as reflect's Type.String prints it */
	uint64_t size;    /* bytes of a value */
	bool completed;

	/* Set by gotype_complete(), as the kind has them. */
	struct gotype *key;          /* map */
	struct gotype *elem;         /* array, chan (NULL: not known), map, pointer (NULL: pointer to something not described), slice */
	uint64_t length;             /* array: elements */
	struct gotype_field *fields; /* struct, in order of offset */
	size_t field_count;
	bool has_methods;                     /* interface: an iface (its first word is an itab), not an eface */
	const struct map_layout *map_layout;  /* map: header and buckets or groups; NULL where only a descriptor tells */

	/* Where it comes from. */
	uint64_t die;          /* offset in .debug_info; 0: from a descriptor */
	taddr descriptor;      /* the runtime's type descriptor; 0 where not known (see gotype_descriptor()) */
	uint64_t runtime_offset; /* DW_AT_go_runtime_type: the descriptor's offset from moduledata.types; 0: none */
	bool direct_interface; /* from a descriptor only: an interface's data word is the value itself */
	bool regular_memory;   /* from a descriptor only, Go >= 1.14: tflagRegularMemory, equality is memequal */
	struct gotype_traits *traits; /* private to gotype_traits() */
	const struct sync_layout *sync; /* private to gotype_sync_layout() */
	int8_t references;     /* private to map/value.c: 0 not looked at yet, 1 its values lead to other memory, -1 not */
};

/* Fills in the parts. Cheap when done already. */
struct error *gotype_complete(struct gotype *type) MUST_CHECK;

/* How the compiler compares two values. */
enum gotype_equality {
	GOTYPE_NO_EQUALITY,     /* not at all: == is an error */
	GOTYPE_MEMORY,          /* byte by byte */
	GOTYPE_STRING_EQUALITY, /* as a string: strings, structs of one string, ... */
	GOTYPE_SPECIAL,         /* in any other way */
};

/* What the compiler derives from a type and its parts. */
struct gotype_traits {
	uint8_t align; /* bytes: 1, 2, 4 or 8 */
	enum gotype_equality equality;
	bool pointers; /* values have pointers in them */
	/* Of the keys of a map. */
	bool reflexive;   /* k == k always: no floats, no interfaces inside */
	bool key_update;  /* equal keys may differ: an assignment writes the key again */
	bool hash_panics; /* an interface inside may hold what cannot be hashed */
};

/* ERROR_TARGET for types that Go has none for, C's for instance. Good for the program's life. */
struct error *gotype_traits(struct gotype *type, const struct gotype_traits **out) MUST_CHECK;
/* What the compiler aligns values of the type to, in bytes. */
struct error *gotype_align(struct gotype *type, uint64_t *out) MUST_CHECK;

/* The type of the descriptor at `address` in the target's memory; the same one each time. */
struct error *gotype_of_descriptor(struct program *program, taddr address, struct gotype **out) MUST_CHECK;

/* The kind of the type whose descriptor lies at `address`, if one does: nothing is kept of it. GO_INVALID where it cannot be read. */
enum go_kind gotype_kind_at(struct program *program, taddr address);
/* Whether the address lies where the program's modules have their type data. */
bool gotype_may_be_descriptor(struct program *program, taddr address);

/*
 * The address of the type's descriptor, by which interfaces name it: DWARF says it from Go 1.11 on; where it does not, the
 * descriptor is looked for by its name. ERROR_TARGET where the program has none, so that no interface of it can hold such a value.
 */
struct error *gotype_descriptor(struct gotype *type, taddr *out) MUST_CHECK;
/* The type of a descriptor, by its name: of types that have no DWARF. ERROR_TARGET where none is found. */
struct error *gotype_find_described(struct program *program, const char *name, struct gotype **out) MUST_CHECK;

/* Calls `visit` with every type that the modules' descriptors name, and those that they are made of, each once. */
struct error *gotype_each_described(struct program *program, void (*visit)(void *context, struct gotype *type), void *context) MUST_CHECK;

/* The dynamic type of an interface value: `type` is the interface's type, `bytes` its two words. *dynamic NULL: nil interface.
 * *value says where the dynamic value lies in the target; where the data word is the value itself, that is
 * `address` (the interface value's own address in the target) plus a word, and *inside is true. */
struct error *gotype_of_interface(struct gotype *type, taddr address, const uint8_t *bytes, struct gotype **dynamic,
				  taddr *value, bool *inside) MUST_CHECK;

/*
 * sync/atomic.Pointer[T] of Go >= 1.19 (and internal/runtime/atomic's) is struct { _ [0]*T; _ noCopy; v unsafe.Pointer }: the type *T of what v
 * is, by the field of no size. NULL: a struct that says nothing of the kind.
 */
struct gotype *gotype_atomic_pointer(const struct gotype *type);

/* The field's index, or -1. */
int gotype_field_find(const struct gotype *type, const char *name);

static inline bool gotype_is_integer(const struct gotype *type)
{
	return type->kind >= GO_INT && type->kind <= GO_UINTPTR;
}

#endif
