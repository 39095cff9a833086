/*
 * Between mapscope inside GDB and the program: plugin/mapscope-gdb.c, which GDB has loaded, answers the requests of
 * target/remote.c, which the program reads memory through. Both ends are on one machine and of one build: host byte order.
 */
#ifndef TARGET_WIRE_H
#define TARGET_WIRE_H

#include <stdint.h>

/* Asks for `length` bytes, not 0 and at most WIRE_LENGTH_MAX, at an address of the target. */
struct wire_request {
	uint64_t address;
	uint64_t length;
};

/* The `length` bytes asked for follow it, or none: GDB does not tell how far it could read. */
struct wire_reply {
	uint64_t length;
};

#define WIRE_LENGTH_MAX ((uint64_t)1 << 20)

/*
 * A goroutine whose frames GDB is to show as the callers of frame 0: the registers that it has saved. It is shown as long as
 * the bytes at `saved` stay what they are. None is shown any more where saved_length is 0.
 */
struct wire_view {
	uint64_t saved;
	uint64_t saved_length; /* bytes, WIRE_SAVED_MAX at most */
	uint64_t registers;    /* how many, WIRE_REGISTERS_MAX at most; the first one is the pc, the second the stack pointer */
	uint64_t size;         /* bytes of each, 8 at most */
	struct {
		uint64_t number; /* as DWARF numbers the machine's registers */
		uint64_t value;
	} items[4];
};

enum { WIRE_SAVED_MAX = 256, WIRE_REGISTERS_MAX = 4 };

/* The files of one MAP, from WIRE_TYPE on, put together: their bytes follow. */
enum { WIRE_EVALUATION_FILES = 6 };

struct wire_evaluation {
	uint64_t lengths[WIRE_EVALUATION_FILES];
};

/* What the program gets from the plug-in, besides standard output and error. Files are as GDB's commands wrote them. */
enum wire_descriptor {
	WIRE_SOCKET = 3,
	WIRE_FILES,     /* what `info files` printed */
	WIRE_THREADS,   /* what GDB printed of the registers of all threads; empty where no command wants them */
	WIRE_TYPE,      /* what `whatis MAP` printed; empty where GDB cannot evaluate MAP */
	WIRE_VALUE,     /* the bytes of MAP's value; empty where it has none */
	WIRE_ADDRESS,   /* the bytes of &MAP; empty where it lies in a register */
	WIRE_BASE_TYPE, /* the same of a part of MAP (gdb_base()) */
	WIRE_BASE_VALUE,
	WIRE_BASE_ADDRESS,
	WIRE_EVALUATIONS, /* where there are several MAPs, these files are empty, and here is a struct wire_evaluation for each */
	WIRE_VARIABLES, /* to be written: GDB commands that set convenience variables, and whatever comes behind the output */
	WIRE_VIEW,      /* to be written: a struct wire_view, where another goroutine is to be seen */
	WIRE_END,
};

/*
 * Files in memory that the plug-in has open in GDB, under fixed numbers: GDB's own commands write and source them as
 * /proc/self/fd/N. The first ones are WIRE_FILES and so on, moved up.
 */
enum plugin_descriptor {
	PLUGIN_FIRST = 200,
	PLUGIN_FILES = PLUGIN_FIRST,
	PLUGIN_THREADS,
	PLUGIN_TYPE,
	PLUGIN_VALUE,
	PLUGIN_ADDRESS,
	PLUGIN_BASE_TYPE,
	PLUGIN_BASE_VALUE,
	PLUGIN_BASE_ADDRESS,
	PLUGIN_EVALUATIONS,
	PLUGIN_VARIABLES,
	PLUGIN_VIEW,
	PLUGIN_FRAME,   /* what `frame` printed of the selected frame */
	PLUGIN_STEPS,   /* GDB commands that get a command's request together */
	PLUGIN_REQUEST, /* the program and its arguments, a NUL behind each */
	PLUGIN_GO,      /* the bytes of $pc once all is there: run the request */
	PLUGIN_TEXT,    /* what the program printed */
	PLUGIN_SCRIPT,  /* GDB commands that print it */
	PLUGIN_WINDOW,  /* a symbol file that has it, where it is much (plugin/window.h) */
	PLUGIN_END,
};

#endif
