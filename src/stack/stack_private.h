/* Between the files of this folder only. */
#ifndef STACK_STACK_PRIVATE_H
#define STACK_STACK_PRIVATE_H

#include "stack/frame_rules.h"
#include "stack/stack.h"
#include "util/table.h"

/* A stretch of a stack that was read ahead. */
struct stack_window {
	uint64_t start;
	size_t length;
	const uint8_t *bytes;
};

struct stack {
	struct program *program;
	struct code *code;
	struct goroutine_layout *layout;
	const struct register_roles *roles; /* NULL: a machine that is not known */
	const struct frame_rules *rules;    /* the same */
	struct findings *findings;
	struct goroutines goroutines;
	struct target_thread *threads;
	size_t thread_count;
	struct table thread_index; /* tid -> index */
	char *no_threads;
	char *why;
	struct stack_window window;
	struct table captures; /* entry of a function -> what it captures; private to variables.c */
	uint8_t *ahead; /* memory for windows */
};

/* Until the next call, or stack_each_goroutine(), what reads these addresses gets these bytes. */
void stack_set_window(struct stack *stack, uint64_t start, const uint8_t *bytes, size_t length);
/* Reads from the window where it can. False where there is nothing to be read. */
bool stack_read(struct stack *stack, uint64_t address, void *to, size_t length);
bool stack_read_word(struct stack *stack, uint64_t address, uint64_t *out);
/* The registers of a thread; NULL: none of that id. */
const struct target_thread *stack_thread(const struct stack *stack, uint64_t tid);

/*
 * The registers of the function that asyncPreempt() interrupted, from its frame: `sp` is its stack pointer. Nothing
 * happens where they cannot be read.
 */
void stack_preempted_registers(struct stack *stack, uint64_t sp, struct registers *registers);

#endif
