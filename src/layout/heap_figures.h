/* Where the runtime keeps its own figures of the heap: fields of its variables memstats and gcController, from DWARF. */
#ifndef LAYOUT_HEAP_FIGURES_H
#define LAYOUT_HEAP_FIGURES_H

#include "layout/struct.h"

enum heap_figure {
	FIGURE_LIVE,
	FIGURE_MARKED,
	FIGURE_GOAL,         /* <= 1.18; computed from what follows from 1.19 on */
	FIGURE_IN_USE,
	FIGURE_STACKS,       /* bytes of stacks, which IN_USE counts in 1.8 */
	FIGURE_CYCLES,
	FIGURE_PERCENT_GOAL, /* by GOGC */
	FIGURE_SWEEP_GOAL,   /* the goal is not below, unless GOMEMLIMIT says so */
	FIGURE_TRIGGERED,    /* where the collection began; ^0: none goes on */
	FIGURE_LIMIT,        /* GOMEMLIMIT */
	FIGURE_MAPPED,
	FIGURE_FREE,
	FIGURE_ALLOCATED,    /* bytes, ever */
	FIGURE_FREED,
	HEAP_FIGURES,
};

struct heap_figures_layout {
	struct {
		uint64_t address; /* in the file's addressing */
		uint8_t size;     /* bytes; 0: this version has no such figure */
	} figures[HEAP_FIGURES];
	uint64_t headroom;         /* bytes, at least, that the goal by GOMEMLIMIT stays below it */
	uint64_t headroom_percent; /* and of itself (>= 1.21) */
};

/* ERROR_TARGET where the DWARF has none of the variables. */
struct error *heap_figures_layout_load(struct binary *binary, struct heap_figures_layout *out) MUST_CHECK;

#endif
