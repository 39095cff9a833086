/* Reading type descriptors, for the files of this folder only. */
#ifndef GOTYPE_DESCRIPTOR_H
#define GOTYPE_DESCRIPTOR_H

#include "gotype/private.h"
#include "layout/struct.h"

/* tflag bits: internal/abi/type.go, TFlag. */
enum {
	TFLAG_UNCOMMON = 1 << 0,
	TFLAG_EXTRA_STAR = 1 << 1,
	TFLAG_REGULAR_MEMORY = 1 << 3,
	TFLAG_DIRECT_INTERFACE = 1 << 5,
};

/* Bytes of internal/abi.UncommonType; the topmost bit of a func's outCount says "variadic". */
enum { DESCRIPTOR_UNCOMMON_SIZE = 16, DESCRIPTOR_VARIADIC = 1 << 15 };

/* Of a kind byte: reflect.Kind; flags are above (<= 1.25). */
enum { DESCRIPTOR_KIND_MASK = 0x1f };

/* The largest descriptor without its name and methods is a map type's: 136 bytes in 1.27. */
enum { DESCRIPTOR_LIMIT = 256 };

/* Kinds of descriptors, and what their structs are called: internal/abi from 1.21 on, runtime before. */
enum descriptor_struct {
	COMMON, /* runtime._type, at the start of each */
	ARRAY,
	CHAN,
	FUNC,
	INTERFACE,
	MAP,
	POINTER,
	SLICE,
	STRUCT,
	FIELD,  /* of a struct */
	MODULE,
	ITAB,
	DESCRIPTOR_STRUCTS,
};

/* moduledata, as far as types go. */
struct module {
	uint64_t types, etypes; /* descriptors and names lie in [types, etypes) */
	uint64_t links, link_count; /* Go <= 1.26: offsets from `types` of those that are listed, 32 bits each */
	uint64_t described;     /* Go >= 1.27: bytes from `types` on in which those that are listed lie side by side; 0: not so */
};

/* What is known of a program's descriptors; program->descriptors. */
struct descriptor_layout {
	struct layout_struct structs[DESCRIPTOR_STRUCTS]; /* name NULL: not loaded yet */
	struct module *modules;
	size_t module_count, module_capacity;
	bool modules_read;
};

/* Both fill in program->descriptors; the second needs the first for MODULE. */
struct error *descriptor_load_struct(struct program *program, enum descriptor_struct which,
				     const struct layout_struct **out) MUST_CHECK;
struct error *descriptor_read_modules(struct program *program) MUST_CHECK;

/* Calls `visit` with the address of each descriptor that the module lists, until it returns false. */
typedef bool descriptor_visit(void *context, taddr address);
struct error *descriptor_each_listed(struct program *program, const struct module *module, descriptor_visit *visit,
				     void *context) MUST_CHECK;

/* The same as descriptor_read_modules(), with all that it needs. ERROR_MEMORY where there is not one module. */
struct error *descriptor_read_all_modules(struct program *program) MUST_CHECK;

/* Bytes of a descriptor, with the layout that names their parts. */
struct descriptor {
	struct program *program;
	const struct layout_struct *layout;
	taddr address;
	uint8_t bytes[DESCRIPTOR_LIMIT];
};

struct error *descriptor_read(struct program *program, enum descriptor_struct which, taddr address,
			      struct descriptor *out) MUST_CHECK;
/* A field by either of its names, internal/abi's and runtime's; `word` words into it: a slice's length is word 1. */
struct error *descriptor_word(const struct descriptor *descriptor, const char *name, const char *old_name, unsigned word,
			      uint64_t *out) MUST_CHECK;
/* The type that a field points to. */
struct error *descriptor_part(const struct descriptor *descriptor, const char *name, const char *old_name,
			      struct gotype **out) MUST_CHECK;
struct error *not_a_descriptor(taddr address, const char *why) MUST_CHECK;

/* Sets the name of a type that reflect made: its descriptor has none that is cheap to find. */
struct error *descriptor_name_from_parts(struct gotype *type) MUST_CHECK;

#endif
