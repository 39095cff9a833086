/* Functions, lines, inlined calls and frame sizes from the program's own tables, as its tracebacks have them. */
#include <stdlib.h>
#include <string.h>

#include "stack/code_private.h"
#include "stack/frame_rules.h"
#include "stack/pclntab.h"
#include "util/alloc.h"

/* Of a function with its type arguments. */
enum { NAME_SIZE = 4096 };

struct tables_source {
	struct code_source source;
	struct pclntab *pclntab;
	const struct frame_rules *rules;
};

struct describer {
	struct code *code;
	struct pclntab *pclntab;
	const struct pclntab_function *function;
	struct code_scope scopes[SCOPES_MAX];
	size_t count;
};

static void report(struct code *code, uint64_t pc, struct error *error)
{
	if (error != NULL && code->findings != NULL)
		findings_add_error(code->findings, taddr_of(pc), error, "the function's tables");
	else
		error_free(error);
}

static const char *keep(struct code *code, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(code_allocate(code, size), text, size);
}

static void set_line(struct describer *describer, struct code_scope *scope, const struct pclntab_line *line)
{
	scope->line = line->line > 0 ? line->line : 0;
	scope->file = line->file[0] ? keep(describer->code, line->file) : NULL;
}

static void add_scope(struct describer *describer, uint32_t name_offset, bool inlined)
{
	struct code_scope *scope = &describer->scopes[describer->count++];
	char name[NAME_SIZE];

	*scope = (struct code_scope){ .function = "?", .inlined = inlined };
	if (pclntab_name(describer->pclntab, describer->function, name_offset, name, sizeof(name)) != 0)
		scope->function = keep(describer->code, name);
}

/* From the innermost call outwards. Where a table is unsound, the function itself is all that is told. */
static struct error *add_scopes(struct describer *describer, uint64_t pc)
{
	struct pclntab_line line;
	struct pclntab_call call;
	int32_t index;

	TRY(pclntab_line(describer->pclntab, describer->function, pc, &line));
	TRY(pclntab_inlined(describer->pclntab, describer->function, pc, &index));
	while (index >= 0) {
		if (describer->count == SCOPES_MAX - 1)
			return error_new(ERROR_MEMORY, "more than %d calls are inlined into one another", SCOPES_MAX - 2);
		TRY(pclntab_call(describer->pclntab, describer->function, index, &call));
		add_scope(describer, call.name_offset, true);
		set_line(describer, &describer->scopes[describer->count - 1], &line);
		line = call.site;
		index = call.parent;
	}
	add_scope(describer, describer->function->name_offset, false);
	set_line(describer, &describer->scopes[describer->count - 1], &line);
	return NULL;
}

static bool describe(struct code *code, struct code_source *self, struct code_point *point)
{
	struct tables_source *source = (struct tables_source *)self;
	uint64_t pc = point->pc + code->program->bias;
	const struct pclntab_function *function = NULL;
	struct describer *describer;
	struct error *error;

	report(code, pc, pclntab_find(source->pclntab, pc, &function));
	if (function == NULL)
		return false;
	describer = xcalloc(1, sizeof(*describer));
	describer->code = code;
	describer->pclntab = source->pclntab;
	describer->function = function;
	error = add_scopes(describer, pc);
	if (error != NULL) {
		report(code, pc, error);
		describer->count = 0;
		add_scope(describer, function->name_offset, false);
	}
	point->entry = function->entry - code->program->bias;
	point->go = true;
	point->scope_count = describer->count;
	point->scopes = code_allocate(code, describer->count * sizeof(*point->scopes));
	memcpy(point->scopes, describer->scopes, describer->count * sizeof(*point->scopes));
	free(describer);
	return true;
}

/*
 * A call on x86 pushes its return address above the frame. Elsewhere a function that has a frame keeps it at the
 * bottom; before it has one, it is in the link register.
 */
static void set_frame(const struct code *code, const struct frame_rules *rules, int64_t size, struct code_point *point)
{
	const struct register_roles *roles = code->roles;
	int64_t word = code->program->machine.word_size;

	point->cfa = CODE_CFA_REGISTER;
	point->cfa_register = roles->sp;
	point->cfa_offset = rules->link ? size : size + word;
	point->rules[roles->sp] = (struct code_rule){ CODE_VALUE, 0 };
	if (rules->link && size == 0)
		point->rules[roles->pc] = (struct code_rule){ CODE_LINK, 0 };
	else
		point->rules[roles->pc] = (struct code_rule){ CODE_SAVED, rules->link ? -size : -word };
}

static bool set_rules(struct code *code, struct code_source *self, struct code_point *point)
{
	struct tables_source *source = (struct tables_source *)self;
	uint64_t pc = point->pc + code->program->bias;
	const struct pclntab_function *function;
	struct error *error = pclntab_find(source->pclntab, pc, &function);
	int32_t size = -1;

	error_free(error); /* describe() has told */
	if (error != NULL || function == NULL)
		return false;
	report(code, pc, pclntab_frame_size(source->pclntab, function, pc, &size));
	if (size < 0 || size % code->program->machine.word_size != 0)
		return false;
	set_frame(code, source->rules, size, point);
	return true;
}

static void destroy(struct code_source *self)
{
	struct tables_source *source = (struct tables_source *)self;

	pclntab_close(source->pclntab);
	free(source);
}

static const struct code_source_ops tables_ops = { describe, set_rules, destroy };

struct error *code_tables_open(struct code *code, struct code_source **out)
{
	struct tables_source *source;
	struct pclntab *pclntab;

	TRY(pclntab_open(code->program, &pclntab));
	source = xcalloc(1, sizeof(*source));
	source->source.ops = &tables_ops;
	source->pclntab = pclntab;
	source->rules = frame_rules_find(&code->program->machine, code->program->version->minor);
	*out = &source->source;
	return NULL;
}
