#include "stack/variables.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "stack/location.h"
#include "stack/stack_private.h"
#include "util/alloc.h"

/* Variables of a function, blocks in blocks: bounds for hostile DWARF. */
enum { VARIABLES_MAX = 1 << 14, BLOCKS_MAX = 64, OPS_MAX = 64 };

/* A variable at one pc: what is the same for all frames that stand there. */
struct known_variable {
	const char *name;    /* without the & of an escaped one */
	struct gotype *type; /* of the variable */
	struct gotype *pointer; /* escaped: of what the frame holds; else NULL */
	const Dwarf_Op *ops; /* count 0: not here */
	size_t op_count;
	const Dwarf_Op *after; /* where it will be once the call returns; count 0: the same, or not known */
	size_t after_count;
	bool parameter, shadowed;
};

struct stack_variable_list {
	bool made;
	struct known_variable *items;
	size_t count;
};

struct maker {
	struct stack *stack;
	const struct code_point *point;
	int line; /* where it stands in the scope; 0: unknown */
	struct known_variable *items;
	size_t count, capacity;
};

/* --- the variables of a scope ----------------------------------------------------------------------------------- */

/* Sets the type, and of one that DWARF names "&x" that of x. False where the DWARF is not sound about it. */
static bool set_type(struct program *program, Dwarf_Die *die, struct known_variable *variable)
{
	uint64_t type;
	Dwarf_Attribute attribute;
	Dwarf_Die target;
	struct error *error;

	if (dwarf_attr_integrate(die, DW_AT_type, &attribute) == NULL || dwarf_formref_die(&attribute, &target) == NULL)
		return false;
	type = dwarf_dieoffset(&target);
	error = program_type_at(program, type, &variable->type);
	if (error == NULL && variable->name[0] == '&') {
		error = gotype_complete(variable->type);
		variable->pointer = variable->type;
		variable->type = variable->type->elem;
		variable->name++;
	}
	if (error == NULL)
		return variable->type != NULL && (variable->pointer == NULL || variable->pointer->kind == GO_POINTER);
	error_free(error);
	return false;
}

static bool has_pieces(const Dwarf_Op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ops[i].atom == DW_OP_piece)
			return true;
	return false;
}

/*
 * Where the compiler has taken a struct apart and only one part is left, it says that all of the struct is where that
 * part is, without a piece (cmd/compile/internal/ssa/debug.go, buildLocationLists: one slot). It shows where the part
 * is in a register at another pc.
 */
static bool is_only_a_part(const struct maker *maker, Dwarf_Attribute *attribute, uint64_t size)
{
	Dwarf_Addr base, start, end;
	Dwarf_Op *ops;
	size_t count;
	ptrdiff_t at = 0;

	if (size <= maker->stack->program->machine.word_size)
		return false;
	for (int i = 0;
	     i < VARIABLES_MAX && (at = dwarf_getlocations(attribute, at, &base, &start, &end, &ops, &count)) > 0; i++)
		if (count == 1 &&
		    ((ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31) || ops[0].atom == DW_OP_regx))
			return true;
	return false;
}

static uint64_t declared_at(Dwarf_Die *die)
{
	Dwarf_Attribute line;
	Dwarf_Word word;

	return dwarf_attr_integrate(die, DW_AT_decl_line, &line) != NULL && dwarf_formudata(&line, &word) == 0 ? word
													       : 0;
}

/*
 * Of a variable that is in a register and spilled before a call the compiler says "in the register" up to the call's
 * end, and where it is spilled only from the return address on. Results of calls are in registers from Go 1.17 on
 * (abi-internal.md); before, what is in memory behind a call may be a result that is not there yet.
 */
static void set_later_location(const struct maker *maker, Dwarf_Attribute *attribute, struct known_variable *variable)
{
	Dwarf_Op *ops;
	size_t count;

	if (maker->stack->program->version->minor < 17 ||
	    dwarf_getlocation_addr(attribute, maker->point->pc + 1, &ops, &count, 1) != 1 || count > OPS_MAX)
		return;
	variable->after = ops;
	variable->after_count = count;
}

/*
 * The location at the pc. A variable without a list of locations has its place from the function's first instruction
 * on (cmd/compile: what is no SSA value, and all with -N): before its declaration it holds what was there before.
 */
static void set_location(const struct maker *maker, Dwarf_Die *die, struct known_variable *variable)
{
	uint64_t size = variable->pointer ? variable->pointer->size : variable->type->size;
	Dwarf_Attribute attribute;
	Dwarf_Block block;
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_attr_integrate(die, DW_AT_location, &attribute) == NULL)
		return;

	bool single = dwarf_formblock(&attribute, &block) == 0;

	/*
	 * Go writes a block even in DWARF 5, where libdw takes none for an expression; short ones are written in the
	 * same bytes
	 */
	if (single && dwarf_whatform(&attribute) == DW_FORM_block1 && block.length < 0x80)
		attribute.form = DW_FORM_exprloc;
	if (dwarf_getlocation_addr(&attribute, maker->point->pc, &ops, &count, 1) != 1 || count > OPS_MAX)
		return;
	if (single) {
		if (!variable->parameter && maker->line != 0 && declared_at(die) > (uint64_t)maker->line)
			return;
	} else if (!has_pieces(ops, count) && is_only_a_part(maker, &attribute, size)) {
		return;
	}
	variable->ops = ops;
	variable->op_count = count;
	if (!single)
		set_later_location(maker, &attribute, variable);
}

static void add_variable(struct maker *maker, Dwarf_Die *die, bool parameter)
{
	struct known_variable variable = { .name = dwarf_diename(die), .parameter = parameter };

	if (variable.name == NULL || maker->count == VARIABLES_MAX || !set_type(maker->stack->program, die, &variable))
		return;
	for (size_t i = 0; i < maker->count && !variable.shadowed; i++)
		variable.shadowed = strcmp(maker->items[i].name, variable.name) == 0;
	set_location(maker, die, &variable);
	ARRAY_RESERVE(maker->items, maker->count, maker->capacity);
	maker->items[maker->count++] = variable;
}

/* Inner blocks first: what is found first hides what comes behind. */
static void add_block(struct maker *maker, Dwarf_Die *block, int depth)
{
	Dwarf_Die die;

	if (depth == BLOCKS_MAX || dwarf_child(block, &die) != 0)
		return;
	do {
		if (dwarf_tag(&die) == DW_TAG_lexical_block && dwarf_haspc(&die, maker->point->pc) > 0)
			add_block(maker, &die, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
	if (dwarf_child(block, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_variable || tag == DW_TAG_formal_parameter)
			add_variable(maker, &die, tag == DW_TAG_formal_parameter);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static const struct stack_variable_list *list_of(struct stack *stack, struct code_point *point, size_t scope)
{
	struct stack_variable_list *list;
	struct maker maker = { .stack = stack, .point = point, .line = point->scopes[scope].line };
	Dwarf_Die die;

	if (point->variables == NULL)
		point->variables = code_allocate(stack->code, point->scope_count * sizeof(*point->variables));
	list = &point->variables[scope];
	if (list->made)
		return list;
	if (point->scopes[scope].die != 0 && dwarf_offdie(code_dwarf(stack->code), point->scopes[scope].die, &die) != NULL)
		add_block(&maker, &die, 0);
	list->made = true;
	list->count = maker.count;
	list->items = code_allocate(stack->code, maker.count * sizeof(*list->items));
	if (maker.count != 0)
		memcpy(list->items, maker.items, maker.count * sizeof(*list->items));
	free(maker.items);
	return list;
}

/* --- their values ----------------------------------------------------------------------------------------------- */

/* A pointer to the variable: where it was moved to. */
static void follow_escaped(struct stack *stack, const struct location *location, struct stack_variable *variable)
{
	const struct machine *machine = &stack->program->machine;
	uint64_t pointer = 0;

	variable->escaped = true;
	variable->where = STACK_GONE;
	if (location->kind == LOCATION_PIECES && memchr(location->known, 0, machine->word_size) == NULL)
		pointer = load_word(machine, location->bytes);
	else if (location->kind != LOCATION_MEMORY || !stack_read_word(stack, location->address, &pointer))
		return;
	if (pointer == 0) /* it has not been made yet */
		return;
	variable->where = STACK_IN_MEMORY;
	variable->address = taddr_of(pointer);
}

static bool is_incomplete(const struct location *location, uint64_t size)
{
	return location->kind == LOCATION_GONE ||
	       (location->kind == LOCATION_PIECES && memchr(location->known, 0, size) != NULL);
}

static void locate(struct stack *stack, const struct stack_frame *frame, const struct known_variable *known,
		   struct location *location, struct stack_variable *out)
{
	struct location_frame where = { &frame->registers, frame->sp, stack->program->bias };
	uint64_t size = known->pointer ? known->pointer->size : known->type->size;

	*out = (struct stack_variable){ .name = known->name,
				       .type = known->type,
				       .where = STACK_GONE,
				       .parameter = known->parameter,
				       .shadowed = known->shadowed,
				       .escaped = known->pointer != NULL };
	location->kind = LOCATION_GONE;
	if (known->op_count != 0)
		location_evaluate(stack, known->ops, known->op_count, &where, size, location);
	if (is_incomplete(location, size) && known->after_count != 0 &&
	    frame->pc - stack->program->bias == frame->point->pc + 1)
		location_evaluate(stack, known->after, known->after_count, &where, size, location);
	if (known->pointer != NULL) {
		follow_escaped(stack, location, out);
	} else if (location->kind == LOCATION_MEMORY) {
		out->where = STACK_IN_MEMORY;
		out->address = taddr_of(location->address);
	} else if (location->kind == LOCATION_PIECES) {
		out->where = STACK_IN_BYTES;
		out->bytes = location->bytes;
		out->known = location->known;
	}
}

struct error *stack_each_variable(struct stack *stack, const struct stack_frame *frame,
				  bool (*visit)(void *context, const struct stack_variable *variable), void *context)
{
	const struct stack_variable_list *list;
	struct location location;

	if (frame->point->scope_count == 0)
		return NULL;
	list = list_of(stack, frame->point, frame->scope);
	for (size_t i = 0; i < list->count; i++) {
		struct stack_variable variable;

		locate(stack, frame, &list->items[i], &location, &variable);
		if (!visit(context, &variable))
			return NULL;
	}
	return NULL;
}

/* --- closures --------------------------------------------------------------------------------------------------- */

struct captures {
	struct stack_capture *items;
	size_t count;
};

static bool read_capture(struct program *program, Dwarf_Die *die, struct stack_capture *out)
{
	struct known_variable variable = { .name = dwarf_diename(die) };

	if (dwarf_tag(die) != DW_TAG_variable || variable.name == NULL ||
	    !debug_number(die, DW_AT_go_closure_offset, &out->offset) || !set_type(program, die, &variable))
		return false;
	out->name = variable.name;
	out->type = variable.type;
	out->by_reference = variable.pointer != NULL;
	return true;
}

static void find_captures(struct stack *stack, uint64_t entry, struct captures *out)
{
	Dwarf_Die function, die;
	size_t capacity = 0;
	struct stack_capture *items = NULL;

	if (!code_function_at(stack->code, entry, &function) || dwarf_child(&function, &die) != 0)
		return;
	do {
		struct stack_capture capture;

		if (out->count == VARIABLES_MAX || !read_capture(stack->program, &die, &capture))
			continue;
		ARRAY_RESERVE(items, out->count, capacity);
		items[out->count++] = capture;
	} while (dwarf_siblingof(&die, &die) == 0);
	out->items = code_allocate(stack->code, out->count * sizeof(*items));
	if (out->count != 0)
		memcpy(out->items, items, out->count * sizeof(*items));
	free(items);
}

const struct stack_capture *stack_closure_variables(struct stack *stack, taddr entry, size_t *count)
{
	uint64_t own = entry.v - stack->program->bias;
	const uint64_t *known = table_get(&stack->captures, own);
	struct captures *captures;

	if (known == NULL) {
		captures = code_allocate(stack->code, sizeof(*captures));
		find_captures(stack, own, captures);
		table_put(&stack->captures, own, (uintptr_t)captures);
	} else {
		captures = (struct captures *)(uintptr_t)*known;
	}
	*count = captures->count;
	return captures->items;
}

bool stack_knows_variables(const struct stack_frame *frame)
{
	return frame->point->scope_count != 0 && frame->point->scopes[frame->scope].die != 0;
}
