/*
 * The goroutines of a program, from runtime.allgs, and the runtime's threads (type m) that run them: what each is
 * doing, where its stack is, and the registers that those have saved which do not run.
 */
#ifndef STACK_GOROUTINE_H
#define STACK_GOROUTINE_H

#include "gotype/program.h"
#include "map/finding.h"

struct goroutine {
	uint64_t id;        /* goid, as in Go's tracebacks */
	const char *status; /* "waiting", "running", ..., as in Go's tracebacks; "unknown" */
	char reason[48];    /* why it waits, as it is in memory: untrusted; "" where unknown */
	uint64_t start;     /* the function that it was started with */
	uint64_t creator;   /* the go statement's pc; 0: main's, or unknown */
	bool parked;        /* it is on no thread: its saved registers are those that it goes on with */
	bool in_syscall;    /* it is in a system call or in C: syscall_pc and syscall_sp are where it will return to */
	taddr g;            /* its struct g */
	taddr m;            /* the thread that runs it; 0: none */
	uint64_t stack_low, stack_high; /* its stack is [low, high); untrusted */
	taddr saved;        /* its gobuf, where they are */
	uint32_t saved_length;
	uint64_t pc, sp, bp; /* bp is 0 where this version saves none */
	uint64_t lr;         /* the link register, of a machine that has one; 0: the frame has the return address */
	uint64_t syscall_pc, syscall_sp;
};

/* A struct m. Stacks are [low, high), zeroes where it has none; untrusted. */
struct goroutine_thread {
	taddr m;
	uint64_t tid;        /* procid: gettid() of the thread; 0: not started yet */
	taddr current;       /* the goroutine that it runs (curg); 0: none */
	uint64_t system_low, system_high; /* its system stack, g0's */
	uint64_t signal_low, signal_high; /* its signal stack, gsignal's */
	uint64_t vdso_pc, vdso_sp;        /* where a call into the kernel's vDSO returns to; 0: it is in none */
};

struct goroutines {
	struct goroutine *items; /* in the order of allgs; those that have ended are left out */
	size_t count;
	struct goroutine_thread *threads;
	size_t thread_count;
};

/* Where the fields are; from the DWARF, no memory is read. Freed with free(). */
struct goroutine_layout;
struct error *goroutine_layout_load(struct program *program, struct goroutine_layout **out) MUST_CHECK;

/*
 * Reads all of them in few reads. What is unsound (a g that cannot be read, a circle of threads) goes to `findings`
 * and is left out. ERROR_MEMORY where allgs itself makes no sense.
 */
struct error *goroutines_load(struct program *program, const struct goroutine_layout *layout, struct findings *findings,
			      struct goroutines *out) MUST_CHECK;
void goroutines_free(struct goroutines *goroutines);
/* NULL: there is none of that number. */
const struct goroutine *goroutines_find(const struct goroutines *goroutines, uint64_t id);
/* The thread of a goroutine's m; NULL: not among those that were read. */
const struct goroutine_thread *goroutines_thread(const struct goroutines *goroutines, taddr m);

/* Calls `visit` for each that has not ended, until it returns false. Threads are not read. */
struct error *goroutines_each(struct program *program, bool (*visit)(void *context, const struct goroutine *goroutine),
			      void *context) MUST_CHECK;

#endif
