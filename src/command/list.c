#include <stdlib.h>
#include <string.h>

#include "analysis/list.h"
#include "command/census.h"
#include "command/command.h"
#include "gotype/sync.h"
#include "render/diagnostics.h"
#include "target/recorder.h"
#include "util/alloc.h"

/* A listed map, kept until the target runs on. */
struct row {
	char *name, *error;
	struct listed_map map;
};

struct rows {
	struct row *items;
	size_t count, capacity;
};

static bool keep(void *context, const struct listed_map *map)
{
	struct rows *rows = context;

	ARRAY_RESERVE(rows->items, rows->count, rows->capacity);
	rows->items[rows->count++] = (struct row){ xstrdup(map->name), map->error ? xstrdup(map->error) : NULL, *map };
	return true;
}

/* The program's own first, then packages by name. */
static int compare(const void *a, const void *b)
{
	const char *x = ((const struct row *)a)->name, *y = ((const struct row *)b)->name;
	bool own = strncmp(x, "main.", 5) == 0, other = strncmp(y, "main.", 5) == 0;

	return own != other ? (own ? -1 : 1) : strverscmp(x, y);
}

static void forget(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->items[i].name);
		free(rows->items[i].error);
	}
	free(rows->items);
	*rows = (struct rows){ 0 };
}

static const char *implementation_of(const struct row *row)
{
	if (gotype_is_sync(row->map.type))
		return "sync";
	return map_implementation_name(row->map.type->map_layout->implementation);
}

static void print_json_row(struct json *json, const struct row *row)
{
	json_object_begin(json);
	json_field_name(json, "name", row->name);
	json_field_name(json, "type", row->map.type->name);
	json_field_address(json, "address", row->map.address);
	json_field_name(json, "implementation", implementation_of(row));
	json_key(json, "len");
	if (row->map.has_memory && row->error == NULL && !row->map.gone)
		json_unsigned(json, row->map.length);
	else
		json_null(json);
	if (row->error != NULL || row->map.gone)
		json_field_name(json, "error", row->map.gone ? "optimised out" : row->error);
	json_object_end(json);
}

static void print_json(struct session *session, const struct rows *rows)
{
	struct json *json = session->json;

	json_object_begin(json);
	json_field_name(json, "go", session->binary->go_version);
	json_key(json, "maps");
	json_array_begin(json);
	for (size_t i = 0; i < rows->count; i++)
		print_json_row(json, &rows->items[i]);
	json_array_end(json);
	session_json_end(session);
}

static void print_ndjson(struct session *session, const struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		print_json_row(session->json, &rows->items[i]);
		json_end_line(session->json);
	}
}

static struct error *print_text(struct session *session, const struct rows *rows)
{
	struct text_table *table = text_table_create(&session->text);
	bool memory = session->target != NULL;

	text_table_column(table, "NAME", TEXT_LEFT);
	text_table_column(table, "TYPE", TEXT_LEFT);
	if (memory) {
		text_table_column(table, "LEN", TEXT_RIGHT);
		text_table_column(table, "ADDRESS", TEXT_LEFT);
	}
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->items[i];

		text_table_row(table);
		text_table_cell(table, "%s", row->name);
		text_table_cell(table, "%s", row->map.type->name);
		if (!memory)
			continue;
		if (row->map.gone)
			text_table_cell(table, "optimised out");
		else if (row->error != NULL)
			text_table_cell(table, "unsound");
		else
			text_table_cell(table, "%llu", (unsigned long long)row->map.length);
		if (row->map.gone)
			text_table_cell(table, "-");
		else if (row->map.address.v == 0)
			text_table_cell(table, "nil");
		else
			text_table_cell(table, "0x%llx", (unsigned long long)row->map.address.v);
	}
	return text_table_write(table);
}

static void collect_findings(struct session *session, const struct rows *rows)
{
	/* a local variable may not be written yet: what it holds then is no contradiction */
	for (size_t i = 0; i < rows->count && !session->invocation->goroutines; i++)
		if (rows->items[i].error != NULL)
			findings_add(&session->findings, rows->items[i].map.address, "%s: %s", rows->items[i].name,
				     rows->items[i].error);
}

/* What is listed: variables of packages, or of goroutines. */
struct listing {
	struct list_variables *variables; /* NULL: those of goroutines */
	struct findings findings;         /* of goroutines: stacks that make no sense */
	struct list_cut cut;
};

static struct error *list_once(struct session *session, struct listing *listing, struct rows *rows)
{
	if (listing->variables != NULL)
		return list_maps(session->program, listing->variables, keep, rows);
	findings_free(&listing->findings);
	free(listing->cut.why);
	listing->cut.why = NULL;
	return list_locals(session->program, &listing->findings, &listing->cut, keep, rows);
}

/*
 * A live process is listed twice: while it runs, to look up types and learn which pages that reads; then those pages
 * are fetched in bulk while it stands, and listed from the copy. What else is read then is read while it stands too.
 */
static struct error *list_live(struct session *session, struct listing *listing, struct rows *rows)
{
	struct program *program = session->program;
	struct recorder *recorder = recorder_create(session->target);
	size_t limit = session->invocation->buffer;
	struct mirror *mirror = mirror_create(session->target, limit);

	program->memory = recorder_target(recorder);

	struct error *error = list_once(session, listing, rows);

	forget(rows);
	mirror_reserve(mirror, recorder_size(recorder) < limit ? recorder_size(recorder) : limit);
	if (error == NULL)
		error = session_stop(session);
	if (error == NULL) {
		recorder_want(recorder, mirror);
		error = mirror_fetch(mirror);
	}
	program->memory = mirror_target(mirror);
	if (error == NULL)
		error = list_once(session, listing, rows);
	session_resume(session);
	program->memory = session->target;
	mirror_destroy(mirror);
	recorder_destroy(recorder);
	return error;
}

static struct error *print(struct session *session, struct rows *rows)
{
	if (rows->count != 0)
		qsort(rows->items, rows->count, sizeof(*rows->items), compare);
	collect_findings(session, rows);
	if (session->invocation->format == FORMAT_TEXT)
		return print_text(session, rows);
	if (session->invocation->format == FORMAT_JSON)
		print_json(session, rows);
	else
		print_ndjson(session, rows);
	return NULL;
}

static void report_stacks(struct session *session, struct listing *listing)
{
	for (size_t i = 0; i < listing->findings.count; i++)
		findings_add(&session->findings, listing->findings.items[i].address, "%s", listing->findings.items[i].what);
	if (listing->cut.stacks != 0)
		diagnostics_note("the frames of %llu goroutines are not all known; the first: %s", (unsigned long long)listing->cut.stacks,
				 listing->cut.why);
	if (listing->cut.nameless != 0)
		diagnostics_note("no DWARF tells the variables of %llu frames: what maps they hold, list --all says",
				 (unsigned long long)listing->cut.nameless);
	findings_free(&listing->findings);
	free(listing->cut.why);
}

static struct error *run(struct session *session)
{
	if (session->stripped != NULL && session->target == NULL)
		return error_new(ERROR_TARGET, "%s: no DWARF: what its variables are shows in a process or core only", session->binary->path);
	/* variables have no names then: all maps are found without */
	if (session->invocation->all || (session->stripped != NULL && !session->invocation->goroutines))
		return census_list(session);

	struct listing listing = { 0 };
	struct rows rows = { 0 };

	if (session->invocation->goroutines && session->target == NULL)
		return error_new(ERROR_USAGE, "--goroutines: a binary at rest has none");
	if (!session->invocation->goroutines)
		TRY(list_variables_find(session->program, &listing.variables));

	struct error *error = session->invocation->pid != 0 ? list_live(session, &listing, &rows) : list_once(session, &listing, &rows);

	if (error == NULL)
		error = print(session, &rows);
	report_stacks(session, &listing);
	forget(&rows);
	list_variables_free(listing.variables);
	return error;
}

const struct command command_list = {
	.name = "list",
	.summary = "List the maps that package-level variables lead to",
	.arguments = "",
	.target = TARGET_ANY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM | OPTIONS_LIST | OPTIONS_HEAP,
	.description = "Maps are found in variables themselves and behind their fields, elements, pointers and interfaces. "
		       "Each NAME can be given to show, stat and dump. With -g they are those in local variables and parameters of all goroutines. Of a binary at rest (-e) only those that lie in "
		       "variables without anything in between are known.",
	.run = run,
};
