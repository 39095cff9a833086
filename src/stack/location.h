/* DWARF location expressions, evaluated in a frame: where a variable is, piece by piece. */
#ifndef STACK_LOCATION_H
#define STACK_LOCATION_H

#include <elfutils/libdw.h>

#include "target/thread.h"

struct stack;

/* A variable in pieces has at most so many bytes: what fits in registers, and a little more. */
enum { LOCATION_BYTES = 1024 };

enum location_kind {
	LOCATION_GONE,   /* optimised out, in a register that is not known any more, or not to be computed */
	LOCATION_MEMORY, /* at an address, all of it */
	LOCATION_PIECES, /* put together: bytes, of which those are known whose `known` is 1; at least one is */
};

struct location {
	enum location_kind kind;
	uint64_t address;
	uint8_t bytes[LOCATION_BYTES], known[LOCATION_BYTES];
};

/* What the expression is evaluated in. The frame base is the CFA, as Go and C compilers have it. */
struct location_frame {
	const struct registers *registers;
	uint64_t cfa;    /* 0: not known */
	uint64_t bias;   /* added to addresses of the binary */
};

/* Of a variable of `size` bytes. */
void location_evaluate(struct stack *stack, const Dwarf_Op *ops, size_t count, const struct location_frame *frame,
		       size_t size, struct location *out);
/* The number that an expression leaves, of a CFA for instance. False where it cannot be computed. */
bool location_value(struct stack *stack, const Dwarf_Op *ops, size_t count, const struct registers *registers,
		    uint64_t bias, uint64_t *out);

#endif
