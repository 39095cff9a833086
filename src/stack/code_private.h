/* Between code.c and the sources of what it tells: code_dwarf.c, code_tables.c, code_frame.c. */
#ifndef STACK_CODE_PRIVATE_H
#define STACK_CODE_PRIVATE_H

#include "stack/code.h"
#include "util/table.h"

struct code_memory {
	struct code_memory *next;
	max_align_t bytes[];
};

struct code_source;

struct code_source_ops {
	/* The function at point->pc with its scopes; false: in none that it knows, and nothing is set. */
	bool (*describe)(struct code *code, struct code_source *self, struct code_point *point);
	/* How the frame at point->pc unwinds; the same. The machine's registers are known. */
	bool (*set_rules)(struct code *code, struct code_source *self, struct code_point *point);
	void (*destroy)(struct code_source *self);
};

/* The first member of each source's own struct. */
struct code_source {
	const struct code_source_ops *ops;
};

enum { CODE_SOURCES_MAX = 3 };

/* No function has more calls inlined into one another; hostile DWARF and tables have. */
enum { SCOPES_MAX = 128 };

struct code {
	struct program *program;
	const struct register_roles *roles; /* NULL: a machine that is not known */
	struct findings *findings;          /* NULL: nobody asks */
	struct code_source *sources[CODE_SOURCES_MAX]; /* the first that knows a pc tells */
	size_t source_count;
	struct code_source *dwarf;          /* one of them; NULL: none */
	struct table points;                /* pc -> struct code_point */
	struct code_memory *memory;
	Dwarf_Frame **frames;               /* those whose expressions are in points */
	size_t frame_count, frame_capacity;
};

struct error *code_dwarf_open(struct code *code, struct code_source **out) MUST_CHECK;
Dwarf *code_dwarf_of(struct code_source *self);
bool code_dwarf_function_at(struct code_source *self, uint64_t entry, Dwarf_Die *out);

struct error *code_tables_open(struct code *code, struct code_source **out) MUST_CHECK;

struct code_source *code_eh_frame_open(struct code *code);
/* The rules of a frame table, which may be NULL. */
bool code_apply_frames(struct code *code, Dwarf_CFI *frames, struct code_point *point);

#endif
