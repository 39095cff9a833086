#include <stdlib.h>
#include <string.h>

#include "analysis/list.h"
#include "analysis/races.h"
#include "command/command.h"
#include "map/value.h"
#include "target/mirror.h"
#include "util/alloc.h"

/* Keys are shown so that one knows them again. */
enum { KEY_BYTES = 200 };

struct report {
	struct session *session;
	struct races races;
	char **names;           /* of each operation's map, in the MAP form; NULL: none is known */
	struct mirror *mirror;  /* what keys lead to, copied while the process stood; NULL: a core */
};

static const char *const evidence_names[] = {
	[RACE_UNKNOWN] = NULL, [RACE_PARAMETER] = "parameter", [RACE_ITERATOR] = "iterator",
	[RACE_SLOT] = "saved parameter", [RACE_CALLER] = "caller's variable", [RACE_SAME] = "other goroutine",
};

static struct value_limits key_limits(void)
{
	struct value_limits limits = value_limits_now();

	limits.depth = 0;
	limits.string_bytes = KEY_BYTES;
	limits.elements = 16;
	return limits;
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

/* Copies what keys lead to while the process still stands. */
static struct error *fetch_keys(struct report *report)
{
	struct value_wanted wanted = { .mirror = report->mirror, .limits = key_limits() };

	for (size_t i = 0; i < report->races.count; i++) {
		const struct race_operation *operation = &report->races.operations[i];

		if (operation->key != NULL)
			value_want(&wanted, operation->type->key, operation->key, 0);
	}
	value_wanted_free(&wanted);
	return mirror_fetch(report->mirror);
}

/*
 * A live process is looked at twice: once while it runs, for what the DWARF says of the code that its goroutines
 * stand in; then while it stands.
 */
static struct error *look_live(struct report *report)
{
	struct session *session = report->session;
	struct findings ignored = { 0 };

	error_free(races_find(session->program, &ignored, &report->races));
	findings_free(&ignored);
	races_free(&report->races);
	report->mirror = mirror_create(session->target, session->invocation->buffer);
	TRY(session_stop(session));

	struct error *error = races_find(session->program, &session->findings, &report->races);

	if (error == NULL)
		error = fetch_keys(report);
	session_resume(session);
	return error;
}

static bool name_map(void *context, const struct listed_map *map)
{
	struct report *report = context;

	for (size_t i = 0; i < report->races.count; i++) {
		struct race_operation *operation = &report->races.operations[i];

		if (map->address.v == 0 || operation->map.v != map->address.v)
			continue;
		if (report->names[i] == NULL)
			report->names[i] = xstrdup(map->name);
		race_set_type(operation, map->type);
	}
	return true;
}

/* Package-level variables that lead to the maps; else the caller's variables. */
static struct error *find_names(struct report *report)
{
	struct session *session = report->session;
	struct list_variables *variables;
	bool any = false;

	report->names = xcalloc(report->races.count + 1, sizeof(*report->names));
	for (size_t i = 0; i < report->races.count; i++)
		any |= report->races.operations[i].map.v != 0;
	if (!any)
		return NULL;
	TRY(list_variables_find(session->program, &variables));

	struct error *error = list_maps(session->program, variables, name_map, report);

	list_variables_free(variables);
	for (size_t i = 0; i < report->races.count; i++)
		if (report->names[i] == NULL && report->races.operations[i].variable != NULL)
			report->names[i] = xstrdup(report->races.operations[i].variable);
	return error;
}

/* --- text ------------------------------------------------------------------------------------------------------- */

static const char *type_name(const struct race_operation *operation)
{
	return operation->type ? operation->type->name : NULL;
}

static void print_map(struct report *report, size_t index)
{
	const struct text *text = &report->session->text;
	const struct race_operation *operation = &report->races.operations[index];
	struct output *output = text->output;
	size_t same = races_on_same_map(&report->races, operation);

	text_begin(text, TEXT_HEADING);
	if (report->names[index] != NULL)
		text_plain(output, report->names[index]);
	else
		output_text(output, operation->map.v ? "a map" : "a map that is not known");
	text_end(text, TEXT_HEADING);
	if (type_name(operation) != NULL) {
		output_text(output, "  ");
		text_plain(output, type_name(operation));
	}
	if (operation->sound)
		output_format(output, "  %llu %s", (unsigned long long)operation->length,
			      operation->length == 1 ? "entry" : "entries");
	if (operation->map.v != 0) {
		output_text(output, "  ");
		output_address(output, operation->map.v);
	}
	if (operation->writing)
		output_text(output, "  being written");
	if (same > 1)
		output_format(output, "  %zu goroutines are in it", same);
	output_char(output, '\n');
}

/* Whether the operation's map is not that of the one before it. */
static bool begins_map(const struct races *races, size_t index)
{
	return index == 0 || races->operations[index].map.v == 0 ||
	       races->operations[index].map.v != races->operations[index - 1].map.v;
}

static void emit_key(struct report *report, const struct race_operation *operation, struct sink *sink)
{
	struct value_output output = { .sink = sink, .limits = key_limits() };

	value_emit(&output, operation->type->key, operation->key, operation->key_address);
}

static void print_frame(const struct text *text, const struct race_frame *frame)
{
	output_format(text->output, "      #%-3u ", frame->number);
	text_plain(text->output, frame->function);
	if (frame->inlined)
		output_text(text->output, " (inlined)");
	text_begin(text, TEXT_DIM);
	if (frame->file != NULL) {
		output_text(text->output, "  ");
		text_plain(text->output, frame->file);
		output_format(text->output, ":%d", frame->line);
	}
	text_end(text, TEXT_DIM);
	output_char(text->output, '\n');
}

static void print_operation(struct report *report, const struct race_operation *operation)
{
	const struct text *text = &report->session->text;
	struct output *output = text->output;

	output_format(output, "  goroutine %llu  %s  %s", (unsigned long long)operation->goroutine, operation->status,
		      race_kind_name(operation->kind));
	if (operation->key != NULL) {
		struct sink *sink = text_sink_create(text);

		output_text(output, "  key ");
		text_begin(text, TEXT_KEY);
		emit_key(report, operation, sink);
		text_end(text, TEXT_KEY);
		free(sink);
	}
	if (operation->fatal) {
		text_begin(text, TEXT_WARNING);
		output_text(output, "  ended the program");
		text_end(text, TEXT_WARNING);
	}
	output_format(output, "\n      #%-3u ", operation->frame);
	text_plain(output, operation->function);
	output_char(output, '\n');
	for (size_t i = 0; i < operation->frame_count; i++)
		print_frame(text, &operation->frames[i]);
	if (operation->evidence == RACE_SAME)
		output_text(output, "      its map: its own parameters are gone by then; it is the only one that "
				    "another goroutine is writing to\n");
	if (operation->missing != NULL) {
		output_text(output, "      its map: ");
		text_plain(output, operation->missing);
		output_char(output, '\n');
	}
}

/* What is to be said of the other side of a fatal error. */
static void print_other_side(struct report *report)
{
	const struct races *races = &report->races;
	const struct race_operation *first = races->operations;
	struct output *output = report->session->output;

	if (races->count == 0 || !first->fatal)
		return;
	if (first->map.v == 0) {
		output_text(output, "  The other goroutine is one of those below, if it is inside a map still.\n");
		return;
	}
	if (races_on_same_map(races, first) > 1)
		return;
	if (races->holder_count == 0) {
		output_text(output, "  The other goroutine is in no map operation any more, and no other goroutine has "
				    "this map in a local variable.\n");
		return;
	}
	output_text(output,
		    "  The other goroutine is in no map operation any more. These variables of others are this map:\n");
	for (size_t i = 0; i < races->holder_count; i++) {
		output_text(output, "      ");
		text_plain(output, races->holders[i]);
		output_char(output, '\n');
	}
}

/* The words of the first fatal error. */
static const char *message_of(const struct races *races, bool *fatal)
{
	const char *message = NULL;

	*fatal = false;
	for (size_t i = 0; i < races->count; i++) {
		*fatal |= races->operations[i].fatal;
		if (message == NULL)
			message = races->operations[i].message;
	}
	return message;
}

static void print_summary(struct report *report)
{
	const struct races *races = &report->races;
	struct output *output = report->session->output;

	if (races->count == 0)
		output_format(output, "None of %llu goroutines is inside a map operation.\n",
			      (unsigned long long)races->goroutines);
	else
		output_format(output, "%zu map %s of %llu goroutines.\n", races->count,
			      races->count == 1 ? "operation" : "operations", (unsigned long long)races->goroutines);
	if (races->cut != 0) {
		output_format(output, "Of %llu the frames are not all known; ", (unsigned long long)races->cut);
		text_plain(output, races->cut_why);
		output_char(output, '\n');
	}
}

static void print_text(struct report *report)
{
	const struct text *text = &report->session->text;
	const struct races *races = &report->races;
	bool fatal;
	const char *message = message_of(races, &fatal);

	if (fatal) {
		text_begin(text, TEXT_WARNING);
		output_text(text->output, "fatal error: ");
		text_plain(text->output, message ? message : "in a map operation");
		text_end(text, TEXT_WARNING);
		output_char(text->output, '\n');
	}
	for (size_t i = 0; i < races->count; i++) {
		if (begins_map(races, i))
			print_map(report, i);
		print_operation(report, &races->operations[i]);
		if (i == 0)
			print_other_side(report);
	}
	print_summary(report);
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static void print_json_frames(struct json *json, const struct race_operation *operation)
{
	json_key(json, "frames");
	json_array_begin(json);
	for (size_t i = 0; i < operation->frame_count; i++) {
		const struct race_frame *frame = &operation->frames[i];

		json_object_begin(json);
		json_field_unsigned(json, "frame", frame->number);
		json_field_name(json, "function", frame->function);
		json_field_name(json, "file", frame->file);
		json_key(json, "line");
		json_signed(json, frame->line);
		json_field_bool(json, "inlined", frame->inlined);
		json_object_end(json);
	}
	json_array_end(json);
}

static void print_json_operation(struct report *report, size_t index)
{
	const struct race_operation *operation = &report->races.operations[index];
	struct json *json = report->session->json;

	json_object_begin(json);
	json_field_unsigned(json, "goroutine", operation->goroutine);
	json_field_name(json, "status", operation->status);
	json_field_name(json, "operation", race_kind_name(operation->kind));
	json_field_name(json, "name", report->names[index]);
	json_field_name(json, "type", type_name(operation));
	json_field_address(json, "address", operation->map);
	json_key(json, "len");
	if (operation->sound)
		json_unsigned(json, operation->length);
	else
		json_null(json);
	json_field_bool(json, "writing", operation->writing);
	json_field_unsigned(json, "goroutines_in_map", races_on_same_map(&report->races, operation));
	json_field_bool(json, "fatal", operation->fatal);
	json_field_name(json, "message", operation->message);
	json_field_name(json, "evidence", evidence_names[operation->evidence]);
	json_field_name(json, "missing", operation->missing);
	json_field_name(json, "function", operation->function);
	json_field_unsigned(json, "frame", operation->frame);
	if (operation->key != NULL) {
		struct sink *sink = json_sink_create(json);

		json_key(json, "key");
		emit_key(report, operation, sink);
		free(sink);
	}
	print_json_frames(json, operation);
	json_object_end(json);
}

static void print_json(struct report *report)
{
	const struct races *races = &report->races;
	struct json *json = report->session->json;
	bool fatal;
	const char *message = message_of(races, &fatal);

	json_object_begin(json);
	json_field_name(json, "go", report->session->binary->go_version);
	json_field_unsigned(json, "goroutines", races->goroutines);
	json_field_unsigned(json, "incomplete", races->cut);
	json_field_bool(json, "fatal", fatal);
	json_field_name(json, "message", message);
	json_key(json, "operations");
	json_array_begin(json);
	for (size_t i = 0; i < races->count; i++)
		print_json_operation(report, i);
	json_array_end(json);
	json_key(json, "holders");
	json_array_begin(json);
	for (size_t i = 0; i < races->holder_count; i++)
		json_name(json, races->holders[i]);
	json_array_end(json);
	session_json_pause(report->session);
	json_object_end(json);
	json_end_line(json);
}

static void print(struct report *report)
{
	if (report->session->invocation->format == FORMAT_TEXT) {
		print_text(report);
	} else if (report->session->invocation->format == FORMAT_JSON) {
		print_json(report);
	} else {
		for (size_t i = 0; i < report->races.count; i++) {
			print_json_operation(report, i);
			json_end_line(report->session->json);
		}
	}
}

/* --- the command ------------------------------------------------------------------------------------------------ */

static void release(struct report *report)
{
	for (size_t i = 0; report->names != NULL && i < report->races.count; i++)
		free(report->names[i]);
	free(report->names);
	races_free(&report->races);
	report->session->program->memory = report->session->target;
	if (report->mirror != NULL)
		mirror_destroy(report->mirror);
}

static struct error *run(struct session *session)
{
	struct report report = { .session = session };
	struct error *error = session->invocation->pid != 0
				      ? look_live(&report)
				      : races_find(session->program, &session->findings, &report.races);

	if (error == NULL)
		error = find_names(&report);
	if (error == NULL) {
		if (report.mirror != NULL)
			session->program->memory = mirror_target(report.mirror);
		print(&report);
	}
	release(&report);
	return error;
}

const struct command command_races = {
	.name = "races",
	.summary = "Show which goroutines are inside a map operation",
	.arguments = "",
	.target = TARGET_MEMORY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM,
	.description = "For each goroutine that is assigning to a map, reading it, deleting from it, iterating, "
		       "clearing or growing it: which map, "
		       "of what type, with which key, and the frames that led there. Maps with several goroutines in "
		       "them come first. Of a "
		       "core that \"fatal error: concurrent map writes\" left (GOTRACEBACK=crash) the map of that "
		       "error comes first, with both sides of "
		       "it, or what is missing to tell.",
	.run = run,
};
