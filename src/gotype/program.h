/* A Go program: its binary, its memory where there is some, its types. What the decoders get handed. */
#ifndef GOTYPE_PROGRAM_H
#define GOTYPE_PROGRAM_H

#include "binary/binary.h"
#include "gotype/gotype.h"
#include "layout/version.h"
#include "target/target.h"
#include "util/table.h"

struct hash_state;
struct stack;

struct program {
	struct binary *binary; /* NULL: types are made from how they are spelled (gotype/spelling.h) */
	struct target *memory; /* where reads go: the target, or a mirror of it; NULL for a binary at rest */
	struct machine machine;
	uint64_t bias;         /* what is added to the binary's addresses in memory (PIE); 0 else */
	const struct go_version *version;
	const struct hash_state *hash_state; /* known without asking the memory: of a program made here; NULL else */

	struct stack *stack;   /* its goroutines (stack/stack.h): whoever opens them has them closed before the program; NULL: not opened */

	/* Private to gotype. */
	struct table types_by_die;
	struct table types_by_descriptor;
	struct table types_by_spelling; /* by a hash of their names */
	struct table descriptors_by_itab;
	struct descriptor_layout *descriptors;
	struct program_memory *allocations;
	size_t allocated; /* bytes of them */
	unsigned depth;
};

/* What is added to the addresses of a position-independent executable in the target; 0 for others. */
uint64_t program_bias(const struct binary *binary, const struct target *target);
/* `binary` and `target` (NULL allowed) must outlive it. */
struct error *program_create(struct binary *binary, struct target *target, struct program **out) MUST_CHECK;
void program_destroy(struct program *program);

/* The type of the DIE at an offset in .debug_info. */
struct error *program_type_at(struct program *program, uint64_t offset, struct gotype **out) MUST_CHECK;
/* The type of that name, as DWARF spells it (as Go source does, where there is no binary); ERROR_TARGET where there is none. */
struct error *program_type_named(struct program *program, const char *name, struct gotype **out) MUST_CHECK;

#endif
