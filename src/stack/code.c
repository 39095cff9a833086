#include "stack/code.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "stack/code_private.h"
#include "util/alloc.h"

/* No function has more calls inlined into one another; hostile DWARF has. */
enum { SCOPES_MAX = 128 };
/* Ranges of one unit or function: the linker writes one a function. */
enum { RANGES_MAX = 1 << 20 };

void *code_allocate(struct code *code, size_t size)
{
	struct code_memory *block = xcalloc(1, sizeof(*block) + size);

	block->next = code->memory;
	code->memory = block;
	return block->bytes;
}

Dwarf *code_dwarf(struct code *code)
{
	return code->dwarf;
}

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
static void index_functions(struct code *code, struct code_unit *unit)
{
	Dwarf_Die parent, die;

	unit->indexed = true;
	if (dwarf_offdie(code->dwarf, unit->die, &parent) == NULL || dwarf_child(&parent, &die) != 0)
		return;
	do {
		if (dwarf_tag(&die) == DW_TAG_subprogram)
			add_ranges(&unit->functions, &die, dwarf_dieoffset(&die));
	} while (dwarf_siblingof(&die, &die) == 0);
	sort_ranges(&unit->functions);
}

static const struct code_range *find_in_unit(struct code *code, struct code_unit *unit, uint64_t pc)
{
	if (!unit->indexed)
		index_functions(code, unit);
	return find_range(&unit->functions, pc);
}

/* The unit and function of a pc; units that do not say their ranges are searched one by one. */
static const struct code_range *find_function(struct code *code, uint64_t pc, struct code_unit **unit)
{
	const struct code_range *range = find_range(&code->ranges, pc);

	if (range != NULL) {
		*unit = &code->units[range->index];
		return find_in_unit(code, *unit, pc);
	}
	for (size_t i = 0; i < code->unit_count; i++) {
		*unit = &code->units[i];
		if (!(*unit)->ranged && (range = find_in_unit(code, *unit, pc)) != NULL)
			return range;
	}
	return NULL;
}

bool code_function_at(struct code *code, uint64_t entry, Dwarf_Die *out)
{
	struct code_unit *unit;
	const struct code_range *range = find_function(code, entry, &unit);

	return range != NULL && range->low == entry && dwarf_offdie(code->dwarf, range->index, out) != NULL;
}

static void list_units(struct code *code)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (dwarf_get_units(code->dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		if (dwarf_tag(&die) != DW_TAG_compile_unit)
			continue;
		ARRAY_RESERVE(code->units, code->unit_count, code->unit_capacity);
		code->units[code->unit_count] = (struct code_unit){
			.die = dwarf_dieoffset(&die),
			.go = dwarf_srclang(&die) == DW_LANG_Go,
			.ranged = add_ranges(&code->ranges, &die, code->unit_count),
		};
		code->unit_count++;
	}
	sort_ranges(&code->ranges);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

struct error *code_open(struct program *program, struct code **out)
{
	struct code *code = xcalloc(1, sizeof(*code));
	struct error *error;

	code->program = program;
	error = debug_open_all(program->binary, &code->dwarf, &code->elf);
	if (error != NULL) {
		free(code);
		return error;
	}
	code->debug_frame = dwarf_getcfi(code->dwarf);
	code->eh_frame = dwarf_getcfi_elf(program->binary->elf);
	list_units(code);
	*out = code;
	return NULL;
}

void code_close(struct code *code)
{
	if (code == NULL)
		return;
	while (code->memory != NULL) {
		struct code_memory *next = code->memory->next;

		free(code->memory);
		code->memory = next;
	}
	for (size_t i = 0; i < code->unit_count; i++)
		free(code->units[i].functions.items);
	for (size_t i = 0; i < code->frame_count; i++)
		free(code->frames[i]);
	free(code->frames);
	free(code->units);
	free(code->ranges.items);
	table_free(&code->points);
	if (code->eh_frame != NULL)
		dwarf_cfi_end(code->eh_frame);
	debug_close_all(code->dwarf, code->elf);
	free(code);
}

/* --- a point ---------------------------------------------------------------------------------------------------- */

struct role_name {
	const char *name;
	enum code_role role;
};

/*
 * traceback.go of the runtime ends and jumps at the same functions (topofstack(), funcID_*): runtime/traceback.go,
 * symtab.go. Names are those of all versions from 1.8 on; rt0_go calls mstart, crosscall2 (cgo) is called by C.
 */
static const struct role_name role_names[] = {
	{ "runtime.goexit", CODE_END },
	{ "runtime.mstart", CODE_END },
	{ "runtime.rt0_go", CODE_END },
	{ "_rt0_amd64_linux", CODE_END },
	{ "runtime.systemstack", CODE_SWITCH },
	{ "runtime.mcall", CODE_SWITCH },
	{ "runtime.morestack", CODE_SWITCH },
	{ "runtime.sigpanic", CODE_INJECTED },
	{ "runtime.sigpanic0", CODE_INJECTED },
	{ "runtime.debugCallV1", CODE_INJECTED },
	{ "runtime.debugCallV2", CODE_INJECTED },
	{ "runtime.asyncPreempt", CODE_PREEMPTED },
	{ "runtime.sigtramp", CODE_HANDLER },
	{ "runtime.cgoSigtramp", CODE_HANDLER },
	{ "runtime.sigreturn", CODE_SIGNAL },
	{ "runtime.sigreturn__sigaction", CODE_SIGNAL },
};

/* Assembly functions have their ABI behind the name in some versions. */
static bool has_name(const char *function, const char *name)
{
	size_t length = strlen(name);

	return strncmp(function, name, length) == 0 &&
	       (function[length] == '\0' || strcmp(function + length, ".abi0") == 0);
}

static enum code_role role_of(const char *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(role_names); i++)
		if (has_name(function, role_names[i].name))
			return role_names[i].role;
	return CODE_PLAIN;
}

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

static struct code_point *make_point(struct code *code, uint64_t pc)
{
	struct code_point *point = code_allocate(code, sizeof(*point));
	struct code_unit *unit;
	const struct code_range *range = find_function(code, pc, &unit);
	Dwarf_Die function, die;

	point->pc = pc;
	if (range != NULL && dwarf_offdie(code->dwarf, range->index, &function) != NULL &&
	    dwarf_offdie(code->dwarf, unit->die, &die) != NULL) {
		point->entry = range->low;
		point->go = unit->go;
		find_scopes(code, point, &function, &die);
		point->role = role_of(point->scopes[point->scope_count - 1].function);
	}
	code_set_rules(code, point);
	return point;
}

struct code_point *code_find(struct code *code, uint64_t pc)
{
	const uint64_t *known = table_get(&code->points, pc);

	if (known != NULL)
		return (struct code_point *)(uintptr_t)*known;

	struct code_point *point = make_point(code, pc);

	table_put(&code->points, pc, (uintptr_t)point);
	return point;
}
