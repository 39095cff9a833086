/* What runtime.ReadMemStats would say, read while the process stands: runtime/mstats.go, mgcpacer.go. */
#include "heap/roots.h"
#include "layout/heap_figures.h"

/* A collection that goes on is to have at least so many bytes to go: minRunway of heapGoalInternal(). */
#define RUNWAY (UINT64_C(64) << 10)

static struct error *read_values(struct program *program, const struct heap_figures_layout *layout, uint64_t *values)
{
	for (int i = 0; i < HEAP_FIGURES; i++) {
		uint8_t bytes[8];
		taddr at = taddr_of(layout->figures[i].address + program->bias);

		values[i] = UINT64_MAX;
		if (layout->figures[i].size == 0)
			continue;
		TRY(target_read(program->memory, at, bytes, layout->figures[i].size));
		values[i] = load_uint(&program->machine, bytes, layout->figures[i].size);
	}
	return NULL;
}

/* memoryLimitHeapGoal(): what GOMEMLIMIT leaves to objects; never below what is alive. */
static uint64_t limit_goal(const struct heap_figures_layout *layout, const uint64_t *values)
{
	uint64_t mapped = values[FIGURE_MAPPED], limit = values[FIGURE_LIMIT];
	uint64_t objects = values[FIGURE_FREE] + values[FIGURE_ALLOCATED] - values[FIGURE_FREED];
	uint64_t other = mapped > objects ? mapped - objects : 0;
	uint64_t over = mapped > limit ? mapped - limit : 0;
	uint64_t goal, headroom;

	if (other + over >= limit)
		return values[FIGURE_MARKED];
	goal = limit - (other + over);
	headroom = goal / 100 * layout->headroom_percent;
	if (headroom < layout->headroom)
		headroom = layout->headroom;
	goal = goal < headroom || goal - headroom < headroom ? headroom : goal - headroom;
	return goal < values[FIGURE_MARKED] ? values[FIGURE_MARKED] : goal;
}

/* heapGoalInternal(), Go >= 1.19. */
static uint64_t computed_goal(const struct heap_figures_layout *layout, const uint64_t *values)
{
	uint64_t goal = values[FIGURE_PERCENT_GOAL], limited = limit_goal(layout, values);

	if (limited < goal)
		return limited;
	if (values[FIGURE_SWEEP_GOAL] > goal)
		goal = values[FIGURE_SWEEP_GOAL];
	if (values[FIGURE_TRIGGERED] < UINT64_MAX - RUNWAY && goal < values[FIGURE_TRIGGERED] + RUNWAY)
		goal = values[FIGURE_TRIGGERED] + RUNWAY;
	return goal;
}

static bool all_known(const struct heap_figures_layout *layout, enum heap_figure first, enum heap_figure last)
{
	for (int i = (int)first; i <= (int)last; i++)
		if (layout->figures[i].size == 0)
			return false;
	return true;
}

struct error *heap_figures_read(struct program *program, struct heap_figures *out)
{
	struct heap_figures_layout layout;
	uint64_t values[HEAP_FIGURES];

	*out = (struct heap_figures){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	if (program->memory == NULL)
		return error_new(ERROR_TARGET, "the heap is looked at in a process or a core, not in a binary");
	TRY(heap_figures_layout_load(program->binary, &layout));

	struct error *error = read_values(program, &layout, values);

	if (error != NULL)
		return error_wrap(error, "the runtime's figures of its heap");
	*out = (struct heap_figures){
		.live = values[FIGURE_LIVE],
		.marked = values[FIGURE_MARKED],
		.goal = values[FIGURE_GOAL],
		.in_use = values[FIGURE_IN_USE],
		.cycles = values[FIGURE_CYCLES],
	};
	if (out->goal == UINT64_MAX && layout.figures[FIGURE_MARKED].size != 0 &&
	    all_known(&layout, FIGURE_PERCENT_GOAL, FIGURE_FREED))
		out->goal = computed_goal(&layout, values);
	if (program->version->stacks_in_heap && layout.figures[FIGURE_STACKS].size != 0 && out->in_use != UINT64_MAX)
		out->in_use -= values[FIGURE_STACKS];
	return NULL;
}
