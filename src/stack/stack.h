/*
 * The stacks of all goroutines at one moment, unwound without help from the target: saved registers of those that are
 * parked, registers of threads for those that run, what code.h tells of the frames. A stack goes on through what runs on
 * others in between: the system stack of a thread (systemstack, mcall), signal handlers. Nothing in memory is
 * trusted: every step goes up, or to another stack a few times.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include "stack/code.h"
#include "stack/goroutine.h"

struct stack;

/*
 * Opens the DWARF with all its sections and reads no memory: call it before the target is stopped. `program` must
 * outlive it.
 */
struct error *stack_open(struct program *program, struct stack **out) MUST_CHECK;
struct error *stack_open_by(struct program *program, enum code_choice choice, struct stack **out) MUST_CHECK;
/* NULL is allowed. */
void stack_close(struct stack *stack);

/*
 * Reads goroutines and threads, while the target stands (target_stop()); again for another moment. What is unsound,
 * here and in all that follows, goes to `findings`, which must outlive the stack. Reads go through program->memory,
 * whatever that is at the time.
 */
struct error *stack_load(struct stack *stack, struct findings *findings) MUST_CHECK;
const struct goroutines *stack_goroutines(const struct stack *stack);
struct code *stack_code(struct stack *stack);

struct stack_frame {
	unsigned number;      /* from 0, the innermost; inlined ones count, as in GDB's bt */
	const char *function; /* "main.worker", as DWARF has it; "?" where it is in no function that is known */
	const char *file;     /* NULL: unknown */
	int line;             /* 0: unknown */
	bool inlined;         /* into the frame with the next number */
	bool system;          /* not on the goroutine's own stack: on the thread's system or signal stack */
	uint64_t pc;          /* in memory; of callers the return address */
	uint64_t sp;          /* of its caller once it returns: the canonical frame address; 0 where that is not known */
	const struct goroutine *goroutine;
	struct registers registers; /* as they are known in it */

	struct code_point *point; /* what stands there; good until stack_close() */
	size_t scope;             /* which of its scopes it is */
};

/*
 * Calls `visit` for each frame, innermost first, until it returns false. *why is NULL where the stack was seen to its
 * end (or the visit stopped), else it says in words what is missing; it is good until the next call. An error only
 * where the run was interrupted.
 */
struct error *stack_each_frame(struct stack *stack, const struct goroutine *goroutine,
			       bool (*visit)(void *context, const struct stack_frame *frame), void *context,
			       const char **why) MUST_CHECK;

/*
 * All goroutines in turn, their stacks read ahead in bulk for stack_each_frame(). Stops where `visit` returns false.
 */
struct error *stack_each_goroutine(struct stack *stack, bool (*visit)(void *context, const struct goroutine *goroutine),
				   void *context) MUST_CHECK;

#endif
