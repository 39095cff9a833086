/*
 * The tables that a Go program has of its own functions, for tracebacks and for the collector: which function a pc is
 * in, and for each pc of it what the compiler has to say. They are in every binary, stripped ones too. Addresses are those
 * in memory.
 */
#ifndef STACK_PCLNTAB_H
#define STACK_PCLNTAB_H

#include "gotype/program.h"
#include "layout/pclntab.h"

struct pclntab;
struct pclntab_module;

#define PCLNTAB_NAME_SIZE 256

/* args of a function whose arguments take as many bytes as its caller says (runtime/funcdata.h, ArgsSizeUnknown). */
#define PCLNTAB_ARGS_UNKNOWN INT32_MIN

struct pclntab_function {
	uint64_t entry, end;   /* its pcs are [entry, end); end is where the next function begins */
	char name[PCLNTAB_NAME_SIZE]; /* as far as there is room; "" where it cannot be read; untrusted */
	int32_t args;          /* bytes of its arguments and results in its caller's frame, or PCLNTAB_ARGS_UNKNOWN */
	uint32_t defer_return; /* behind entry: where it goes on after a panic that it recovers from; 0: nowhere, or not
				  known (Go <= 1.11) */
	uint32_t pcdata_count, funcdata_count;
	uint32_t name_offset, unit;
	uint32_t frame_sizes, file_numbers, lines; /* tables of values, by their offset; 0: it has none */
	uint64_t record; /* the address of its runtime._func */
	const struct pclntab_module *module;
};

/* Looks only into the DWARF. `program` must outlive it. ERROR_TARGET where the layout is not known. */
struct error *pclntab_open(struct program *program, struct pclntab **out) MUST_CHECK;
/* NULL is allowed. */
void pclntab_close(struct pclntab *pclntab);
const struct pclntab_layout *pclntab_layout(const struct pclntab *pclntab);

/*
 * The function at a pc, *out NULL where there is none. Good until pclntab_close(). An error where the tables contradict
 * themselves.
 */
struct error *pclntab_find(struct pclntab *pclntab, uint64_t pc, const struct pclntab_function **out) MUST_CHECK;
/* The value at a pc of the function's table number `index`; -1 where it has no such table. */
struct error *pclntab_value(struct pclntab *pclntab, const struct pclntab_function *function, uint32_t index,
			    uint64_t pc, int32_t *out) MUST_CHECK;
/* Where the function's data number `index` are; 0: it has none. */
struct error *pclntab_data(struct pclntab *pclntab, const struct pclntab_function *function, uint32_t index,
			   taddr *out) MUST_CHECK;

/* How far the stack pointer is below what it was when the function began, in bytes; -1: not known. */
struct error *pclntab_frame_size(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t pc,
				 int32_t *out) MUST_CHECK;

#define PCLNTAB_FILE_SIZE 1024

/* In the source. */
struct pclntab_line {
	int32_t line;                 /* -1: not known */
	char file[PCLNTAB_FILE_SIZE]; /* as far as there is room; "": not known; untrusted */
};

/* A call that is inlined into a function. */
struct pclntab_call {
	uint32_t name_offset;     /* of what is called: pclntab_name() */
	struct pclntab_line site; /* where it is called */
	int32_t parent;           /* the call that this is inlined into; negative: the function itself */
};

/* A name by its offset, at most room - 1 bytes of it and a NUL; its length, 0 where it cannot be read. Untrusted. */
size_t pclntab_name(const struct pclntab *pclntab, const struct pclntab_function *function, uint32_t offset, char *to,
		    size_t room);
struct error *pclntab_line(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t pc,
			   struct pclntab_line *out) MUST_CHECK;
/* The number of the innermost call that is inlined at a pc; negative where there is none. */
struct error *pclntab_inlined(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t pc,
			      int32_t *out) MUST_CHECK;
struct error *pclntab_call(struct pclntab *pclntab, const struct pclntab_function *function, int32_t index,
			   struct pclntab_call *out) MUST_CHECK;

/* What is `offset` bytes behind the read-only data of the function's module (Go >= 1.18). */
taddr pclntab_rodata(const struct pclntab_function *function, uint64_t offset);

#endif
