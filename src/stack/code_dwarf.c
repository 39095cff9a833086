/* Functions, lines and inlined calls from DWARF; how frames of Go's functions unwind, from .debug_frame. */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "stack/code_private.h"
#include "util/alloc.h"

/* Ranges of one unit or function: the linker writes one a function. */
enum { RANGES_MAX = 1 << 20 };

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
	bool ranged;  /* its ranges are in source->ranges */
	bool indexed;
	struct code_ranges functions;
};

struct dwarf_source {
	struct code_source source;
	Dwarf *dwarf;
	Elf *elf;          /* its own; NULL where `dwarf` belongs to the binary */
	Dwarf_CFI *frames; /* owned by `dwarf`; NULL: none */
	struct code_unit *units;
	size_t unit_count, unit_capacity;
	struct code_ranges ranges;
};

/* --- units and functions ---------------------------------------------------------------------------------------- */

static void add_range(struct code_ranges *ranges, uint64_t low, uint64_t high, uint64_t index)
{
	if (low >= high)
		return;
	ARRAY_RESERVE(ranges->items, ranges->count, ranges->capacity);
	ranges->items[ranges->count++] = (struct code_range){ low, high, index };
}

/* All ranges of a DIE; false where it has none. */
static bool add_ranges(struct code_ranges *ranges, Dwarf_Die *die, uint64_t index)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	size_t before = ranges->count;

	for (int i = 0; i < RANGES_MAX && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0; i++)
		add_range(ranges, low, high, index);
	return ranges->count != before;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct code_range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void sort_ranges(struct code_ranges *ranges)
{
	if (ranges->count > 1)
		qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare_ranges);
}

/* The last range that begins at or before `pc`, where it covers it. */
static const struct code_range *find_range(const struct code_ranges *ranges, uint64_t pc)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].low <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low != 0 && pc < ranges->items[low - 1].high ? &ranges->items[low - 1] : NULL;
}

/* The functions of a unit that have code. */
static void index_functions(struct dwarf_source *source, struct code_unit *unit)
{
	Dwarf_Die parent, die;

	unit->indexed = true;
	if (dwarf_offdie(source->dwarf, unit->die, &parent) == NULL || dwarf_child(&parent, &die) != 0)
		return;
	do {
		if (dwarf_tag(&die) == DW_TAG_subprogram)
			add_ranges(&unit->functions, &die, dwarf_dieoffset(&die));
	} while (dwarf_siblingof(&die, &die) == 0);
	sort_ranges(&unit->functions);
}

static const struct code_range *find_in_unit(struct dwarf_source *source, struct code_unit *unit, uint64_t pc)
{
	if (!unit->indexed)
		index_functions(source, unit);
	return find_range(&unit->functions, pc);
}

/* The unit and function of a pc; units that do not say their ranges are searched one by one. */
static const struct code_range *find_function(struct dwarf_source *source, uint64_t pc, struct code_unit **unit)
{
	const struct code_range *range = find_range(&source->ranges, pc);

	if (range != NULL) {
		*unit = &source->units[range->index];
		return find_in_unit(source, *unit, pc);
	}
	for (size_t i = 0; i < source->unit_count; i++) {
		*unit = &source->units[i];
		if (!(*unit)->ranged && (range = find_in_unit(source, *unit, pc)) != NULL)
			return range;
	}
	return NULL;
}

static void list_units(struct dwarf_source *source)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (dwarf_get_units(source->dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		if (dwarf_tag(&die) != DW_TAG_compile_unit)
			continue;
		ARRAY_RESERVE(source->units, source->unit_count, source->unit_capacity);
		source->units[source->unit_count] = (struct code_unit){
			.die = dwarf_dieoffset(&die),
			.go = dwarf_srclang(&die) == DW_LANG_Go,
			.ranged = add_ranges(&source->ranges, &die, source->unit_count),
		};
		source->unit_count++;
	}
	sort_ranges(&source->ranges);
}

/* --- a point ---------------------------------------------------------------------------------------------------- */

/* The child of a scope that covers the pc and is a scope itself; false where there is none. */
static bool inner_scope(Dwarf_Die *scope, uint64_t pc, Dwarf_Die *out)
{
	if (dwarf_child(scope, out) != 0)
		return false;
	do {
		int tag = dwarf_tag(out);

		if ((tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine) && dwarf_haspc(out, pc) > 0)
			return true;
	} while (dwarf_siblingof(out, out) == 0);
	return false;
}

static void set_call_site(Dwarf_Die *inlined, Dwarf_Die *unit, struct code_scope *caller)
{
	Dwarf_Files *files;
	size_t count;
	uint64_t file, line;

	if (debug_number(inlined, DW_AT_call_line, &line) && line <= INT32_MAX)
		caller->line = (int)line;
	if (debug_number(inlined, DW_AT_call_file, &file) && dwarf_getsrcfiles(unit, &files, &count) == 0 &&
	    file < count)
		caller->file = dwarf_filesrc(files, file, NULL, NULL);
}

static void set_line(Dwarf_Die *unit, uint64_t pc, struct code_scope *scope)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, pc);

	if (line == NULL)
		return;
	dwarf_lineno(line, &scope->line);
	scope->file = dwarf_linesrc(line, NULL, NULL);
}

static const char *name_of(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name ? name : "?";
}

/* From the function inwards; kept innermost first. */
static void find_scopes(struct code *code, struct code_point *point, Dwarf_Die *function, Dwarf_Die *unit)
{
	struct code_scope scopes[SCOPES_MAX];
	size_t count = 1;
	Dwarf_Die at = *function, inner;

	scopes[0] = (struct code_scope){ .function = name_of(function), .die = dwarf_dieoffset(function) };
	for (int depth = 0; depth < 2 * SCOPES_MAX && count < SCOPES_MAX && inner_scope(&at, point->pc, &inner);
	     depth++) {
		at = inner;
		if (dwarf_tag(&inner) != DW_TAG_inlined_subroutine)
			continue;
		set_call_site(&inner, unit, &scopes[count - 1]);
		scopes[count++] = (struct code_scope){
			.function = name_of(&inner), .die = dwarf_dieoffset(&inner), .inlined = true };
	}
	set_line(unit, point->pc, &scopes[count - 1]);
	point->scopes = code_allocate(code, count * sizeof(*scopes));
	point->scope_count = count;
	for (size_t i = 0; i < count; i++)
		point->scopes[i] = scopes[count - 1 - i];
}

static bool describe(struct code *code, struct code_source *self, struct code_point *point)
{
	struct dwarf_source *source = (struct dwarf_source *)self;
	struct code_unit *unit;
	const struct code_range *range = find_function(source, point->pc, &unit);
	Dwarf_Die function, die;

	if (range == NULL || dwarf_offdie(source->dwarf, range->index, &function) == NULL ||
	    dwarf_offdie(source->dwarf, unit->die, &die) == NULL)
		return false;
	point->entry = range->low;
	point->go = unit->go;
	find_scopes(code, point, &function, &die);
	return true;
}

static bool set_rules(struct code *code, struct code_source *self, struct code_point *point)
{
	return code_apply_frames(code, ((struct dwarf_source *)self)->frames, point);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static void destroy(struct code_source *self)
{
	struct dwarf_source *source = (struct dwarf_source *)self;

	for (size_t i = 0; i < source->unit_count; i++)
		free(source->units[i].functions.items);
	free(source->units);
	free(source->ranges.items);
	debug_close_all(source->dwarf, source->elf);
	free(source);
}

static const struct code_source_ops dwarf_ops = { describe, set_rules, destroy };

struct error *code_dwarf_open(struct code *code, struct code_source **out)
{
	struct dwarf_source *source = xcalloc(1, sizeof(*source));
	struct error *error = debug_open_all(code->program->binary, &source->dwarf, &source->elf);

	if (error != NULL) {
		free(source);
		return error;
	}
	source->source.ops = &dwarf_ops;
	source->frames = dwarf_getcfi(source->dwarf);
	list_units(source);
	*out = &source->source;
	return NULL;
}

Dwarf *code_dwarf_of(struct code_source *self)
{
	return ((struct dwarf_source *)self)->dwarf;
}

bool code_dwarf_function_at(struct code_source *self, uint64_t entry, Dwarf_Die *out)
{
	struct dwarf_source *source = (struct dwarf_source *)self;
	struct code_unit *unit;
	const struct code_range *range = find_function(source, entry, &unit);

	return range != NULL && range->low == entry && dwarf_offdie(source->dwarf, range->index, out) != NULL;
}
