#include "analysis/list_private.h"

#include <stdlib.h>
#include <string.h>

#include "binary/debug.h"
#include "gotype/sync.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/limits.h"


/* Structs in structs, arrays in arrays. */
enum { NESTING_LIMIT = 64 };

enum { LEADS_NOWHERE = 1, LEADS_TO_MAPS = 2, LEADS_UNKNOWN = 3 };

/* --- types: can a value of this type lead to a map? -------------------------------------------------------------- */

static bool parts_lead(struct lister *lister, struct gotype *type)
{
	switch (type->kind) {
	case GO_MAP:
		return true;
	case GO_INTERFACE:
		return lister->program->memory != NULL; /* at rest nothing is in it */
	case GO_POINTER:
	case GO_SLICE:
		return lister->program->memory != NULL && type->elem != NULL && lister_leads_to_maps(lister, type->elem);
	case GO_ARRAY:
		return lister_leads_to_maps(lister, type->elem);
	case GO_STRUCT:
		if (gotype_is_sync(type))
			return true;
		for (size_t i = 0; i < type->field_count; i++)
			if (lister_leads_to_maps(lister, type->fields[i].type))
				return true;
		return false;
	default:
		return false;
	}
}

bool lister_leads_to_maps(struct lister *lister, struct gotype *type)
{
	const uint64_t *known = table_get(&lister->leads, (uintptr_t)type);

	if (known != NULL)
		return *known != LEADS_NOWHERE; /* being looked at: a recursive type, the rest of it decides */
	if (type->kind < GO_ARRAY || type->kind == GO_STRING || type->kind == GO_FUNC || type->kind == GO_CHAN ||
	    type->kind == GO_UNSAFE_POINTER || lister->nesting == NESTING_LIMIT)
		return false;
	table_put(&lister->leads, (uintptr_t)type, LEADS_UNKNOWN);

	struct error *error = gotype_complete(type);

	lister->nesting++;

	bool leads = error == NULL && parts_lead(lister, type);

	lister->nesting--;
	error_free(error);
	*table_get(&lister->leads, (uintptr_t)type) = leads ? LEADS_TO_MAPS : LEADS_NOWHERE;
	return leads;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

/* Visits a part under a longer name. */
static void visit_part(struct lister *lister, struct gotype *type, taddr address, const char *format, const char *field,
		       uint64_t index)
{
	size_t length = lister->name.length;

	if (field != NULL)
		buffer_append_format(&lister->name, format, field);
	else
		buffer_append_format(&lister->name, "[%llu]", (unsigned long long)index);
	lister_visit_value(lister, type, address);
	lister->name.length = length;
}

static void report(struct lister *lister, struct gotype *type, uint64_t header, struct error *error)
{
	struct listed_map found = { .type = type, .has_memory = lister->program->memory != NULL };
	struct go_map map = { 0 };

	if (found.has_memory && error == NULL)
		error = map_open(type, taddr_of(header), &map);
	found.name = buffer_text(&lister->name);
	found.address = taddr_of(header);
	found.length = map.length;
	found.error = error ? error->message : NULL;
	lister->stop = !lister->visit(lister->context, &found);
	error_free(error);
}

void lister_report(struct lister *lister, struct gotype *type, uint64_t header)
{
	struct error *error = gotype_complete(type);

	report(lister, type, header, error);
}

static void report_at(struct lister *lister, struct gotype *type, taddr address)
{
	uint64_t header = 0;
	struct error *error = lister->program->memory ? target_read_word(lister->program->memory, address, &header) : NULL;

	report(lister, type, header, error);
}

bool lister_enter(struct lister *lister, struct gotype *type, taddr address)
{
	/* the same address with two types is a struct and its first field */
	if (lister->depth == lister->limits.depth || address.v == 0 ||
	    !table_put(&lister->seen, address.v * 31 + (uintptr_t)type, 0))
		return false;
	lister->depth++;
	return true;
}

static void visit_elements(struct lister *lister, struct gotype *elem, taddr address, uint64_t length)
{
	for (uint64_t i = 0; i < length && i < lister->limits.elements && !lister->stop; i++)
		visit_part(lister, elem, taddr_add(address, i * elem->size), NULL, NULL, i);
}

static struct error *visit_slice(struct lister *lister, struct gotype *type, taddr address)
{
	uint64_t data, length;

	TRY(target_read_word(lister->program->memory, address, &data));
	TRY(target_read_word(lister->program->memory, taddr_add(address, lister->program->machine.word_size), &length));
	if (length != 0 && lister_enter(lister, type, taddr_of(data))) {
		visit_elements(lister, type->elem, taddr_of(data), length);
		lister->depth--;
	}
	return NULL;
}

static struct error *visit_pointer(struct lister *lister, struct gotype *type, taddr address)
{
	uint64_t pointer;

	TRY(target_read_word(lister->program->memory, address, &pointer));
	if (lister_enter(lister, type, taddr_of(pointer))) {
		lister_visit_value(lister, type->elem, taddr_of(pointer));
		lister->depth--;
	}
	return NULL;
}

static struct error *visit_interface(struct lister *lister, struct gotype *type, taddr address)
{
	struct program *program = lister->program;
	struct gotype *dynamic;
	uint8_t bytes[16];
	taddr value;
	bool inside;

	TRY(target_read(program->memory, address, bytes, 2u * program->machine.word_size));
	TRY(gotype_of_interface(type, address, bytes, &dynamic, &value, &inside));
	if (dynamic != NULL && lister_leads_to_maps(lister, dynamic) && lister_enter(lister, dynamic, value)) {
		lister_visit_value(lister, dynamic, value);
		lister->depth--;
	}
	return NULL;
}

static void visit_fields(struct lister *lister, struct gotype *type, taddr address)
{
	for (size_t i = 0; i < type->field_count && !lister->stop; i++) {
		const struct gotype_field *field = &type->fields[i];

		if (strcmp(field->name, "_") != 0)
			visit_part(lister, field->type, taddr_add(address, field->offset), ".%s", field->name, 0);
	}
}

void lister_visit_value(struct lister *lister, struct gotype *type, taddr address)
{
	struct error *error = NULL;

	if (lister->stop || lister->values_left == 0 || lister->nesting == NESTING_LIMIT || !lister_leads_to_maps(lister, type))
		return;
	if (lister->depth == lister->limits.depth && (type->kind == GO_SLICE || type->kind == GO_POINTER || type->kind == GO_INTERFACE))
		return; /* nothing behind it is looked at */
	lister->values_left--;
	lister->nesting++;
	switch (type->kind) {
	case GO_MAP:
		report_at(lister, type, address);
		break;
	case GO_ARRAY:
		visit_elements(lister, type->elem, address, type->length);
		break;
	case GO_STRUCT:
		if (!gotype_is_sync(type) || !lister_visit_sync(lister, type, address))
			visit_fields(lister, type, address);
		break;
	case GO_SLICE:
		error = visit_slice(lister, type, address);
		break;
	case GO_POINTER:
		error = visit_pointer(lister, type, address);
		break;
	case GO_INTERFACE:
		error = visit_interface(lister, type, address);
		break;
	default:
		break;
	}
	lister->nesting--;
	error_free(error); /* what is not readable on the way leads to no map */
}

/* --- variables ---------------------------------------------------------------------------------------------------- */

/* "main..stmp_1", "go:main.inittasks": the compiler's own, not to be named in Go. */
static bool is_compilers(const char *name)
{
	return strstr(name, "..") != NULL || strncmp(name, "go:", 3) == 0 || strncmp(name, "go.", 3) == 0;
}

/* As people write it: the dots that symbols spell %2e. */
static void set_name(struct buffer *out, const char *name)
{
	out->length = 0;
	for (; *name != '\0'; name++) {
		if (strncmp(name, "%2e", 3) == 0) {
			buffer_append_text(out, ".");
			name += 2;
		} else {
			buffer_append(out, name, 1);
		}
	}
}

struct list_variable {
	const char *name; /* DWARF's spelling */
	struct gotype *type;
	taddr address;
};

struct list_variables {
	struct list_variable *items;
	size_t count, capacity;
};

struct variable_search {
	struct list_variables *found;
	struct lister lister; /* for lister_leads_to_maps() only */
	struct error *error;
};

static bool keep_variable(void *context, const struct debug_variable *variable)
{
	struct variable_search *search = context;
	struct list_variables *found = search->found;
	struct program *program = search->lister.program;
	struct gotype *type;

	search->error = interrupt_check();
	if (search->error != NULL)
		return false;
	if (is_compilers(variable->name))
		return true;

	struct error *error = program_type_at(program, variable->type, &type);

	if (error != NULL || !lister_leads_to_maps(&search->lister, type)) {
		error_free(error);
		return true;
	}
	ARRAY_RESERVE(found->items, found->count, found->capacity);
	found->items[found->count++] = (struct list_variable){ variable->name, type, taddr_of(variable->address + program->bias) };
	return true;
}

struct error *list_variables_find(struct program *program, struct list_variables **out)
{
	struct variable_search search = { .found = xcalloc(1, sizeof(*search.found)), .lister = { .program = program } };

	debug_each_variable(program->binary->debug, keep_variable, &search);
	table_free(&search.lister.leads);
	if (search.error != NULL) {
		list_variables_free(search.found);
		return search.error;
	}
	*out = search.found;
	return NULL;
}

void list_variables_free(struct list_variables *variables)
{
	if (variables == NULL)
		return;
	free(variables->items);
	free(variables);
}

struct error *list_maps(struct program *program, const struct list_variables *variables,
			bool (*visit)(void *context, const struct listed_map *map), void *context)
{
	struct list_limits limits = { limit_of(LIMIT_LIST_DEPTH), limit_of(LIMIT_LIST_ELEMENTS), limit_of(LIMIT_LIST_VALUES) };
	struct lister lister = { .program = program, .limits = limits, .visit = visit, .context = context };
	struct error *error = NULL;

	for (size_t i = 0; i < variables->count && !lister.stop && error == NULL; i++) {
		const struct list_variable *variable = &variables->items[i];

		lister.values_left = lister.limits.values;
		table_clear(&lister.seen);
		set_name(&lister.name, variable->name);
		lister_visit_value(&lister, variable->type, variable->address);
		error = interrupt_check();
	}
	lister_free(&lister);
	return error;
}

void lister_free(struct lister *lister)
{
	buffer_free(&lister->name);
	table_free(&lister->leads);
	table_free(&lister->seen);
}
