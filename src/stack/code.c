#include "stack/code.h"

#include <stdlib.h>
#include <string.h>

#include "stack/code_private.h"
#include "util/alloc.h"

void *code_allocate(struct code *code, size_t size)
{
	struct code_memory *block = xcalloc(1, sizeof(*block) + size);

	block->next = code->memory;
	code->memory = block;
	return block->bytes;
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static void add_source(struct code *code, struct code_source *source)
{
	code->sources[code->source_count++] = source;
}

/* The DWARF may be missing where there are tables, and the other way round; not both. */
static struct error *open_sources(struct code *code, enum code_choice choice)
{
	struct code_source *source;
	struct error *error = NULL, *other = NULL;

	if (choice != CODE_BY_TABLES) {
		error = code_dwarf_open(code, &source);
		if (error == NULL) {
			code->dwarf = source;
			add_source(code, source);
		}
	}
	if (choice != CODE_BY_DWARF) {
		other = code_tables_open(code, &source);
		if (other == NULL)
			add_source(code, source);
	}
	add_source(code, code_eh_frame_open(code));
	if (code->source_count > 1) {
		error_free(error);
		error_free(other);
		return NULL;
	}
	if (error == NULL)
		return other;
	error_free(other);
	return error;
}

struct error *code_open(struct program *program, enum code_choice choice, struct code **out)
{
	struct code *code = xcalloc(1, sizeof(*code));
	struct error *error;

	code->program = program;
	code->roles = register_roles_find(&program->machine);
	error = open_sources(code, choice);
	if (error != NULL) {
		code_close(code);
		return error;
	}
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
	for (size_t i = 0; i < code->frame_count; i++)
		free(code->frames[i]);
	free(code->frames);
	table_free(&code->points);
	for (size_t i = 0; i < code->source_count; i++)
		code->sources[i]->ops->destroy(code->sources[i]);
	free(code);
}

void code_report_to(struct code *code, struct findings *findings)
{
	code->findings = findings;
}

Dwarf *code_dwarf(struct code *code)
{
	return code->dwarf ? code_dwarf_of(code->dwarf) : NULL;
}

bool code_function_at(struct code *code, uint64_t entry, Dwarf_Die *out)
{
	return code->dwarf != NULL && code_dwarf_function_at(code->dwarf, entry, out);
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
	{ "sigtramp", CODE_HANDLER },          /* ppc64, behind a function descriptor */
	{ "runtime._sigtramp", CODE_HANDLER }, /* the same in older versions */
	{ "runtime.cgoSigtramp", CODE_HANDLER },
	{ "runtime.sigreturn", CODE_SIGNAL },
	{ "runtime.sigreturn__sigaction", CODE_SIGNAL },
	{ "runtime.systemstack_switch", CODE_LEFT },
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

static struct code_point *make_point(struct code *code, uint64_t pc)
{
	struct code_point *point = code_allocate(code, sizeof(*point));
	size_t i = 0;

	point->pc = pc;
	while (i < code->source_count && !code->sources[i]->ops->describe(code, code->sources[i], point))
		i++;
	if (point->scope_count != 0)
		point->role = role_of(point->scopes[point->scope_count - 1].function);
	if (code->roles == NULL)
		return point;
	for (i = 0; i < code->source_count; i++)
		if (code->sources[i]->ops->set_rules(code, code->sources[i], point))
			break;
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
