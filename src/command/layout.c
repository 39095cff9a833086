#include <stdlib.h>
#include <string.h>

#include "analysis/layout_set.h"
#include "command/layout.h"
#include "render/layout.h"
#include "util/alloc.h"

/* What was asked for: structs and map types by name. */
struct wanted {
	char **structs, **maps;
	size_t struct_count, map_count;
};

static bool is_struct_name(const char *word)
{
	for (const struct runtime_name *row = layout_runtime_structs; row->names[0] != NULL; row++)
		for (size_t i = 0; i < ARRAY_SIZE(row->names) && row->names[i] != NULL; i++)
			if (strcmp(row->names[i], word) == 0)
				return true;
	return false;
}

static void sort_out(const struct invocation *invocation, struct wanted *out)
{
	*out = (struct wanted){
		.structs = xcalloc(invocation->argument_count + 1, sizeof(*out->structs)),
		.maps = xcalloc(invocation->argument_count + 1, sizeof(*out->maps)),
	};
	for (size_t i = 0; i < invocation->argument_count; i++) {
		if (is_struct_name(invocation->arguments[i]))
			out->structs[out->struct_count++] = invocation->arguments[i];
		else
			out->maps[out->map_count++] = invocation->arguments[i];
	}
}

/* Leaves only the structs that were asked for, in the order of the arguments. */
static struct error *choose_structs(const struct session *session, const struct wanted *wanted, struct layout_set *set)
{
	struct layout_struct *chosen = xcalloc(wanted->struct_count + 1, sizeof(*chosen));
	struct error *error = NULL;
	size_t count = 0;

	for (size_t i = 0; i < wanted->struct_count && error == NULL; i++) {
		struct layout_struct *found = (struct layout_struct *)layout_set_struct(set, wanted->structs[i]);

		if (found == NULL) {
			error = error_new(ERROR_TARGET, "%s: its DWARF has no struct %s", session->binary->path,
					  wanted->structs[i]);
			continue;
		}
		chosen[count++] = *found;
		*found = (struct layout_struct){ .name = "" }; /* not to be freed twice, nor found again */
	}
	for (size_t i = 0; i < set->struct_count; i++)
		layout_struct_free(&set->structs[i]);
	free(set->structs);
	set->structs = chosen;
	set->struct_count = count;
	set->struct_capacity = wanted->struct_count + 1;
	return error;
}

static struct error *read_set(struct session *session, const struct wanted *wanted, struct layout_set *out)
{
	struct error *error =
		layout_set_read(session->program, wanted->maps, wanted->map_count, &session->findings, out);

	if (error != NULL || wanted->struct_count == 0)
		return error;
	if (wanted->map_count == 0)
		out->map_count = 0;
	return choose_structs(session, wanted, out);
}

static struct error *print(struct session *session, const struct wanted *wanted, const struct layout_set *set)
{
	switch (session->invocation->format) {
	case FORMAT_JSON:
		layout_json_write(session->json, set);
		json_end_line(session->json);
		return NULL;
	case FORMAT_NDJSON:
		layout_json_write_lines(session->json, set);
		return NULL;
	case FORMAT_C:
		layout_c_write(session->output, set, wanted->map_count != 0);
		return NULL;
	case FORMAT_GO:
		layout_go_write(session->output, set, wanted->map_count != 0);
		return NULL;
	case FORMAT_TEXT:
		break;
	}
	return layout_text_write(&session->text, set, wanted->struct_count != 0);
}

static struct error *print_table(struct session *session)
{
	struct layout_sets sets;
	struct error *error = NULL;

	layout_sets_known(&sets);
	switch (session->invocation->format) {
	case FORMAT_JSON:
		layout_table_write_json(session->json, &sets);
		json_end_line(session->json);
		break;
	case FORMAT_NDJSON:
		for (size_t i = 0; i < sets.count; i++) {
			layout_json_write(session->json, &sets.sets[i]);
			json_end_line(session->json);
		}
		break;
	case FORMAT_C:
		layout_table_write_c(session->output, &sets);
		break;
	case FORMAT_GO:
		error = error_new(ERROR_USAGE,
				  "--version-table: there is no form of it in Go: text, json, ndjson or c");
		break;
	case FORMAT_TEXT:
		error = layout_table_write_text(&session->text, &sets);
		break;
	}
	layout_sets_free(&sets);
	return error;
}

static bool is_diff(const struct invocation *invocation)
{
	return invocation->argument_count != 0 && strcmp(invocation->arguments[0], "diff") == 0;
}

/* The forms that look at no target; they may be given one all the same, inside GDB they always are. */
static struct error *run_without_target(struct session *session)
{
	const struct invocation *invocation = session->invocation;

	if (invocation->version_table && invocation->argument_count != 0)
		return error_new(ERROR_USAGE, "%s: --version-table takes no argument", invocation->arguments[0]);
	if (invocation->version_table)
		return print_table(session);
	if (invocation->format == FORMAT_C || invocation->format == FORMAT_GO)
		return error_new(ERROR_USAGE, "layout diff: text, json or ndjson");
	return layout_run_diff(session);
}

static struct error *run(struct session *session)
{
	if (session->invocation->version_table || is_diff(session->invocation))
		return run_without_target(session);
	if (session->program == NULL)
		return error_hint(
			error_new(ERROR_USAGE,
				  "no target: name a process with -p PID or a core with -c CORE, a binary with -e EXE"),
			"mapscope layout --help shows its options");

	struct layout_set set = { 0 };
	struct wanted wanted;

	sort_out(session->invocation, &wanted);

	struct error *error = read_set(session, &wanted, &set);

	if (error == NULL)
		error = print(session, &wanted, &set);
	layout_set_free(&set);
	free(wanted.structs);
	free(wanted.maps);
	return error;
}

const struct command command_layout = {
	.name = "layout",
	.summary = "Show how this binary's maps lie in memory",
	.arguments = "[TYPE...]",
	.arguments_most = SIZE_MAX,
	.target = TARGET_OPTIONAL,
	.options = OPTIONS_LAYOUT,
	.description =
		"The runtime's map structs field by field, then for each map type its bucket (classic) or group "
		"(Swiss): its size, where "
		"key i and elem i lie in it for i from 0 to 7, and whether they are stored behind a pointer (more than "
		"128 bytes). All sizes and offsets are bytes. TYPE is a map type, or a struct of the runtime such as "
		"runtime.g. "
		"As C or Go source: constants for tools that read maps from outside, all structs, and the map types "
		"that are named. "
		"diff A B shows what moved between two programs, stored layouts (files of --format json) or versions "
		"of the table, such as "
		"go1.23 or go1.24/386; exit status 1 where something did.",
	.run = run,
};
