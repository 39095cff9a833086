/* Between code.c and code_frame.c only. */
#ifndef STACK_CODE_PRIVATE_H
#define STACK_CODE_PRIVATE_H

#include "stack/code.h"
#include "util/table.h"

struct code_range {
	uint64_t low, high; /* high is exclusive */
	uint64_t index;     /* of a unit, or the offset of a function's DIE */
};

struct code_ranges {
	struct code_range *items; /* sorted by low */
	size_t count, capacity;
};

struct code_unit {
	uint64_t die;
	bool go;
	bool ranged;  /* its ranges are in code->ranges */
	bool indexed;
	struct code_ranges functions;
};

struct code_memory {
	struct code_memory *next;
	max_align_t bytes[];
};

struct code {
	struct program *program;
	Dwarf *dwarf;
	Elf *elf;                /* its own; NULL where `dwarf` belongs to the binary */
	Dwarf_CFI *debug_frame;  /* owned by `dwarf`; NULL: none */
	Dwarf_CFI *eh_frame;     /* NULL: none */
	struct code_unit *units;
	size_t unit_count, unit_capacity;
	struct code_ranges ranges;
	struct table points;     /* pc -> struct code_point */
	struct code_memory *memory;
	Dwarf_Frame **frames;    /* those whose expressions are in points */
	size_t frame_count, frame_capacity;
};

/* How the frame at the point unwinds. */
void code_set_rules(struct code *code, struct code_point *point);

#endif
