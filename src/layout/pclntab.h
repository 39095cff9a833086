/*
 * Where the tables are that a Go program has of its own functions (the "pclntab"), and what of a frame is a pointer:
 * fields from DWARF, indexes that DWARF does not tell from a row a Go version.
 */
#ifndef LAYOUT_PCLNTAB_H
#define LAYOUT_PCLNTAB_H

#include "layout/struct.h"

/* A slice in a struct. */
struct slice_at {
	struct field_at array, length; /* size 0: this version has no such slice */
};

/* Indexes into a function's tables: PCDATA_* and FUNCDATA_* of runtime/funcdata.h. */
struct pclntab_indexes {
	int since;               /* Go 1.N */
	uint32_t stack_map;      /* PCDATA_StackMapIndex */
	uint32_t stack_objects;  /* FUNCDATA_StackObjects; 0: there are none */
	uint32_t inline_index;   /* PCDATA_InlTreeIndex */
	uint32_t inline_tree;    /* FUNCDATA_InlTree; 0: there is none */
};

/* The same in all versions. */
enum { FUNCDATA_ARGS = 0, FUNCDATA_LOCALS = 1 };

struct pclntab_layout {
	char *unknown; /* why this is not known; NULL where it is */
	const struct pclntab_indexes *indexes;

	/* runtime.moduledata */
	uint64_t first_module; /* runtime.firstmoduledata, in the file's addressing */
	uint64_t module_size;
	struct field_at next_module;
	struct field_at low, high;      /* pcs of the module are [minpc, maxpc) */
	struct field_at text;
	struct field_at rodata, gofunc; /* Go >= 1.18 */
	struct slice_at functions;      /* ftab */
	struct slice_at records;        /* pclntable: what offsets of functab count from */
	struct slice_at values;         /* pctab (Go >= 1.16), before it is in pclntable */
	struct slice_at names;          /* funcnametab (Go >= 1.16), before it is in pclntable */
	struct slice_at files;          /* filetab */
	struct slice_at units;          /* cutab (Go >= 1.16) */
	struct slice_at text_sections;  /* textsectmap */

	/* runtime.functab */
	uint64_t entry_size;            /* bytes */
	struct field_at entry, record;
	bool relative;                  /* entries count from `text` (Go >= 1.18), else they are addresses */

	/* runtime._func; arrays of 32-bit offsets follow it: of pcdata, then of funcdata */
	uint64_t function_size;
	struct field_at function_entry, name, args, defer_return, pcdata_count, funcdata_count;
	struct field_at frame_sizes, file_numbers, lines; /* pcsp, pcfile, pcln */
	struct field_at unit;           /* cuOffset (Go >= 1.16) */

	/* runtime.inlinedCall (Go >= 1.9); call_pc, or what stands in its place up to 1.11 */
	uint64_t call_size;
	struct field_at call_name, call_pc;
	struct field_at call_parent, call_file, call_line;

	/* runtime.stackmap: bitmaps side by side, each of whole bytes */
	uint64_t map_size;              /* bytes in front of them */
	struct field_at map_count, map_bits;

	/* runtime.stackObjectRecord (Go >= 1.12); a number of words stands in front of an array of them */
	uint64_t object_size;           /* 0: this version has none */
	struct field_at object_offset;  /* signed */
	struct field_at object_bytes, object_pointers; /* Go >= 1.17; `pointers` negative: the mask is a program */
	struct field_at object_mask;    /* Go 1.17: its address; >= 1.18: what it is behind `rodata` */
	struct field_at object_type;    /* Go <= 1.16: a descriptor */

	/* runtime._type, Go <= 1.16 */
	uint64_t type_size;
	struct field_at type_bytes, type_pointers, type_mask, type_kind;
};

/* What the DWARF lacks is said in `unknown`. `minor`: N of Go 1.N. */
void pclntab_layout_load(struct binary *binary, int minor, struct pclntab_layout *out);
void pclntab_layout_free(struct pclntab_layout *layout);

#endif
