/*
 * Stacks as roots of the heap, for whoever follows pointers from there. In three ways, each a refinement of the one
 * before:
 *
 *  1. Words: stack_roots_load() gives every stretch of stack in use and the registers of threads, but of those that
 *     sleep. Each aligned word there may be a pointer into the heap (a conservative scan); stack/live.h tells which of
 *     them the collector would follow.
 *  2. Names: stack_each_goroutine() and stack_each_frame() (stack/stack.h) with stack_each_variable()
 *     (stack/variables.h) give the typed variables of every frame. "goroutine 7: frame 2: cache" names one. What is
 *     read from them is as untrusted as any word: variables that are not written yet may hold anything.
 *  3. Closures: a word that points to an object whose first word is the entry of a function, where
 *     stack_closure_variables() knows it, is a func value: captured variables are at the offsets given (by_reference:
 *     there is a pointer to the variable).
 *
 * All of it is of the moment of stack_load(), with the target standing still:
 *
 *     stack_open(program, &stack);            the DWARF; no memory is read, so before target_stop()
 *     target_stop(...);
 *     stack_load(stack, &findings);           goroutines and threads
 *     stack_roots_load(stack, &roots);
 */
#ifndef STACK_ROOTS_H
#define STACK_ROOTS_H

#include "stack/stack.h"
#include "stack/variables.h"

/* No goroutine: the stack of a thread that runs none now. */
#define STACK_NO_GOROUTINE UINT64_MAX

/* Words of stack that are in use: [start, start + length), both aligned to words. */
struct stack_root_range {
	taddr start;
	uint64_t length;    /* bytes */
	uint64_t goroutine; /* its goid, or STACK_NO_GOROUTINE */
	bool system;        /* the system or signal stack of a thread; else the goroutine's own */
	const struct goroutine *owner; /* whose own it is; NULL: of a system stack */
};

/* What a general register of a thread holds. */
struct stack_root_word {
	uint64_t value;
	uint64_t goroutine; /* that the thread runs: its goid, or STACK_NO_GOROUTINE */
	uint8_t number;     /* of the register, as DWARF has it */
};

struct stack_roots {
	struct stack_root_range *ranges;
	size_t range_count;
	struct stack_root_word *words;
	size_t word_count;
	/*
	 * Stacks of goroutines that run while registers are not to be had (a process that is not stopped) are given
	 * whole, from their lowest address, with what earlier calls have left there: so many of them.
	 */
	size_t whole;
};

/*
 * Of the moment of stack_load(). Ranges are checked to be sane (aligned, at most 2 GB, inside the goroutine's own
 * stack bounds), not to be readable; what is not goes to the findings of stack_load() and is left out. An error only
 * where the run was interrupted.
 */
struct error *stack_roots_load(struct stack *stack, struct stack_roots *out) MUST_CHECK;
void stack_roots_free(struct stack_roots *roots);

#endif
