/*
 * Where the collector looks beside the frames of a goroutine: its context register while it does not run, its panic,
 * and its deferred calls, whose records lie in the heap or on the stack and may point into the stack. Between the files
 * of this folder only.
 */
#ifndef STACK_DEFERS_H
#define STACK_DEFERS_H

#include "layout/struct.h"
#include "stack/stack.h"

struct defer_layout {
	struct field_at context, panic, defer;  /* in type g */
	uint64_t record_size;                   /* bytes of a _defer, behind which are the arguments (Go <= 1.16) */
	struct field_at args, function, link;   /* in it; `args`: bytes of arguments and results; Go <= 1.17 */
	struct field_at sp, pc;                 /* of the frame that deferred the call, and where it did */
};

/* From the DWARF. */
struct error *defer_layout_load(struct program *program, struct defer_layout *out) MUST_CHECK;

/* Calls `visit` for every such word that may be a pointer, `address` 0 where it lies in the goroutine's struct g. */
void defers_each_word(struct stack *stack, const struct defer_layout *layout, const struct goroutine *goroutine,
		      void (*visit)(void *context, uint64_t address, uint64_t value), void *context);
/* Where the frame with this stack pointer has deferred a call that has not begun: the latest one; 0: it has none. */
uint64_t defers_find(struct stack *stack, const struct defer_layout *layout, const struct goroutine *goroutine,
		     uint64_t sp);

#endif
