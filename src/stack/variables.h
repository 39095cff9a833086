/* Variables of frames: parameters, results and locals in scope, captured ones of closures, where they are now. */
#ifndef STACK_VARIABLES_H
#define STACK_VARIABLES_H

#include "gotype/gotype.h"
#include "stack/stack.h"

enum stack_where {
	STACK_IN_MEMORY, /* at `address`, on the stack, or in the heap where `escaped` */
	STACK_IN_BYTES,  /* put together from registers and memory: `bytes`; it lies nowhere as a whole */
	STACK_GONE,      /* optimised out here, or in a register that is not known in this frame */
};

struct stack_variable {
	const char *name;    /* as in the source; "~r0" and the like: results without a name */
	struct gotype *type; /* its kind, name and size are set */
	enum stack_where where;
	taddr address;        /* IN_MEMORY; may be anything, as all that is read from a stack */
	const uint8_t *bytes; /* IN_BYTES: type->size bytes, zero where unknown; good during the visit */
	const uint8_t *known; /* IN_BYTES: type->size bytes, 1 where bytes[i] is known */
	bool parameter;       /* of the function, results too */
	bool escaped;         /* moved to the heap: the frame holds a pointer to it (DWARF names it "&x") */
	bool shadowed;        /* an inner block has another variable of this name */
};

/*
 * Calls `visit` for each variable in scope in the frame, innermost block first, until it returns false. Captured
 * variables of a closure are among them. Variables whose type the DWARF does not describe soundly are left out.
 * Frames are those of stack_each_frame(), during its visit, or kept from it while the same moment is looked at.
 */
struct error *stack_each_variable(struct stack *stack, const struct stack_frame *frame,
				  bool (*visit)(void *context, const struct stack_variable *variable),
				  void *context) MUST_CHECK;

/*
 * The variables that a closure captures: where they are in its object, whose first word is the function's entry. Go
 * >= 1.23 says it (DW_AT_go_closure_offset).
 */
struct stack_capture {
	const char *name;
	uint64_t offset;     /* bytes from the start of the closure object */
	struct gotype *type; /* of the variable */
	bool by_reference;   /* the object holds a pointer to the variable, else a copy of it */
};

/*
 * Of the function that begins at `entry` in memory; *count 0 where it captures nothing, or the DWARF does not say.
 * Good until stack_close().
 */
const struct stack_capture *stack_closure_variables(struct stack *stack, taddr entry, size_t *count);

/* Whether something tells the variables of a frame: DWARF does, the program's own tables do not. */
bool stack_knows_variables(const struct stack_frame *frame);

#endif
