/*
 * runtime/mstats.go and mgcpacer.go (mgc.go before 1.17). runtime.ReadMemStats takes NextGC from next_gc up to 1.16, from
 * gcController.heapGoal in 1.17 and 1.18, and computes it from 1.19 on; HeapInuse and NumGC are these fields themselves.
 */
#include "layout/heap_figures.h"

#include "layout/heap.h"
#include "util/alloc.h"

static const struct {
	enum heap_figure figure;
	bool controller; /* in runtime.gcController; else in runtime.memstats */
	const char *field;
} fields[] = {
	{ FIGURE_LIVE, false, "heap_live" },   /* <= 1.16 */
	{ FIGURE_LIVE, true, "heapLive" },     /* >= 1.17 */
	{ FIGURE_MARKED, false, "heap_marked" },
	{ FIGURE_MARKED, true, "heapMarked" },
	{ FIGURE_GOAL, false, "next_gc" },
	{ FIGURE_GOAL, true, "heapGoal" },     /* 1.17, 1.18 */
	{ FIGURE_IN_USE, false, "heap_inuse" }, /* <= 1.18 */
	{ FIGURE_IN_USE, true, "heapInUse" },  /* >= 1.19 */
	{ FIGURE_STACKS, false, "stacks_inuse" },
	{ FIGURE_CYCLES, false, "numgc" },
	{ FIGURE_PERCENT_GOAL, true, "gcPercentHeapGoal" }, /* this and what follows >= 1.19 */
	{ FIGURE_SWEEP_GOAL, true, "sweepDistMinTrigger" },
	{ FIGURE_TRIGGERED, true, "triggered" },
	{ FIGURE_LIMIT, true, "memoryLimit" },
	{ FIGURE_MAPPED, true, "mappedReady" },
	{ FIGURE_FREE, true, "heapFree" },
	{ FIGURE_ALLOCATED, true, "totalAlloc" },
	{ FIGURE_FREED, true, "totalFree" },
};

static struct error *load_variable(struct binary *binary, const char *name, bool controller, struct heap_figures_layout *out)
{
	struct debug_variable variable;
	struct layout_struct layout;

	if (!debug_find_variable(binary->debug, name, &variable))
		return NULL;
	TRY(layout_struct_at(binary, variable.type, &layout));

	struct error *error = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fields) && error == NULL; i++) {
		struct field_at at;

		if (fields[i].controller != controller)
			continue;
		error = layout_field_at(&layout, fields[i].field, true, &at);
		if (error != NULL || at.size == 0)
			continue;
		out->figures[fields[i].figure].address = variable.address + at.offset;
		out->figures[fields[i].figure].size = at.size;
	}
	layout_struct_free(&layout);
	return error;
}

struct error *heap_figures_layout_load(struct binary *binary, struct heap_figures_layout *out)
{
	*out = (struct heap_figures_layout){ 0 };
	TRY(load_variable(binary, "runtime.memstats", false, out));
	TRY(load_variable(binary, "runtime.gcController", true, out)); /* up to 1.16 it has none of these fields */
	if (!debug_find_constant(binary->debug, "runtime.memoryLimitMinHeapGoalHeadroom", &out->headroom))
		debug_find_constant(binary->debug, "runtime.memoryLimitHeapGoalHeadroom", &out->headroom); /* 1.19, 1.20 */
	debug_find_constant(binary->debug, "runtime.memoryLimitHeapGoalHeadroomPercent", &out->headroom_percent);
	if (out->figures[FIGURE_CYCLES].size == 0)
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.memstats with a field numgc", binary->path);
	return NULL;
}
