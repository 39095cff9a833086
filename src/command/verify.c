#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/list.h"
#include "analysis/verify.h"
#include "analysis/verify_sources.h"
#include "analysis/verify_sync.h"
#include "command/census.h"
#include "command/verify_expect.h"
#include "command/sync.h"
#include "render/diagnostics.h"
#include "render/redact.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/table.h"

/* A map that is caught in a write is read again so often. */
enum { WRITE_ATTEMPTS = 5, WRITE_WAIT_MS = 2 };

/* --- which maps ------------------------------------------------------------------------------------------------- */

/* A map that has no name. */
struct place {
	struct gotype *type;
	taddr address;
};

/* What is verified: maps by name, and the types of those that were met. */
struct subjects {
	char **names;
	size_t name_count, name_capacity;
	struct place *places; /* of each name, where no name leads to the maps; else NULL */
	struct gotype **types;
	size_t type_count, type_capacity;
	struct table seen; /* addresses of maps and of our gotypes */
	bool listed;       /* the names were not given: a process that ran on since may have let go of a map */
};

static void add_name(struct subjects *subjects, const char *name)
{
	ARRAY_RESERVE(subjects->names, subjects->name_count, subjects->name_capacity);
	subjects->names[subjects->name_count++] = xstrdup(name);
}

static void add_type(struct subjects *subjects, struct gotype *type)
{
	if (!table_put(&subjects->seen, (uintptr_t)type, 0))
		return;
	ARRAY_RESERVE(subjects->types, subjects->type_count, subjects->type_capacity);
	subjects->types[subjects->type_count++] = type;
}

/* A map that several variables lead to is verified once. */
static bool keep(void *context, const struct listed_map *map)
{
	struct subjects *subjects = context;

	if (!gotype_is_sync(map->type))
		add_type(subjects, map->type);
	if (map->has_memory && map->address.v != 0 && table_put(&subjects->seen, map->address.v, 0))
		add_name(subjects, map->name);
	return true;
}

/* Without names: all maps of the heap whose type is settled. */
static struct error *find_in_heap(struct session *session, struct subjects *subjects)
{
	struct census census;

	if (session->target == NULL)
		return error_new(ERROR_TARGET, "%s: no DWARF: at rest there is nothing to check its layouts by", session->binary->path);

	struct error *error = census_of_session(session, false, &census);

	session_resume(session);
	subjects->places = xcalloc(census.count + 1, sizeof(*subjects->places));
	for (size_t i = 0; error == NULL && i < census.count; i++) {
		const struct census_map *map = &census.items[i];

		if (map->found.type == NULL)
			continue;
		subjects->places[subjects->name_count] = (struct place){ map->found.type, map->found.address };
		if (!map->is_sync)
			add_type(subjects, map->found.type);

		char *name = xasprintf("(%s)(0x%llx)", map->found.type->name, (unsigned long long)map->found.address.v);

		add_name(subjects, name);
		free(name);
	}
	census_free(&census);
	return error;
}

static struct error *find_subjects(struct session *session, struct subjects *subjects)
{
	const struct invocation *invocation = session->invocation;
	struct list_variables *variables;

	for (size_t i = 0; i < invocation->argument_count; i++) {
		char *name = session_local_name(invocation, invocation->arguments[i]);

		add_name(subjects, name);
		free(name);
	}
	if (invocation->argument_count != 0 && session->target == NULL)
		return error_new(ERROR_USAGE, "%s: of a binary at rest no map can be verified, only the layout of maps",
				 invocation->arguments[0]);
	if (invocation->argument_count != 0)
		return NULL;
	subjects->listed = true;
	if (session->stripped != NULL)
		return find_in_heap(session, subjects);
	TRY(list_variables_find(session->program, &variables));

	struct error *error = list_maps(session->program, variables, keep, subjects);

	list_variables_free(variables);
	return error;
}

static void forget_subjects(struct subjects *subjects)
{
	for (size_t i = 0; i < subjects->name_count; i++)
		free(subjects->names[i]);
	free(subjects->names);
	free(subjects->places);
	free(subjects->types);
	table_free(&subjects->seen);
}

/* --- printing --------------------------------------------------------------------------------------------------- */

static void print_json_wrong(struct json *json, const struct report_wrong *wrong)
{
	json_object_begin(json);
	json_field_address(json, "address", wrong->address);
	json_field_name(json, "place", wrong->place);
	json_field_name(json, "expected", wrong->expected);
	json_field_name(json, "found", wrong->found);
	json_object_end(json);
}

static void print_json_check(struct json *json, const struct report_check *check)
{
	json_object_begin(json);
	json_field_name(json, "check", check->name);
	json_field_name(json, "subject", check->subject);
	json_field_bool(json, "ok", check->ok);
	json_field_name(json, "detail", check->detail);
	json_key(json, "wrong");
	json_array_begin(json);
	for (size_t i = 0; i < check->wrong_count; i++)
		print_json_wrong(json, &check->wrong[i]);
	json_array_end(json);
	json_field_unsigned(json, "wrong_total", check->wrong_total);
	json_object_end(json);
}

static void print_json(struct session *session, const struct report *report, const struct error *error)
{
	struct json *json = session->json;

	json_object_begin(json);
	json_field_bool(json, "ok", !session->wrong && error == NULL);
	json_field_name(json, "go", session->binary->go_version);
	json_key(json, "checks");
	json_array_begin(json);
	for (size_t i = 0; i < report->count; i++)
		print_json_check(json, &report->checks[i]);
	if (error != NULL) {
		json_give_up(json, redact_error(error));
		return;
	}
	json_array_end(json);
	session_json_pause(session);
	json_object_end(json);
	json_end_line(json);
}

static void print_wrong(const struct text *text, const struct report_wrong *wrong)
{
	output_text(text->output, "      ");
	if (wrong->address.v != 0) {
		output_address(text->output, wrong->address.v);
		output_text(text->output, "  ");
	}
	text_plain(text->output, wrong->place);
	output_text(text->output, ": expected ");
	text_plain(text->output, wrong->expected);
	output_text(text->output, ", found ");
	text_plain(text->output, wrong->found);
	output_char(text->output, '\n');
}

static void print_check(const struct text *text, const struct report_check *check)
{
	enum text_role role = check->ok ? TEXT_GOOD : TEXT_WARNING;
	uint64_t more = check->wrong_total - check->wrong_count;

	output_format(text->output, "  %-12s", check->name);
	text_begin(text, role);
	output_text(text->output, check->ok ? "ok     " : "WRONG  ");
	text_end(text, role);
	text_plain(text->output, check->detail);
	output_char(text->output, '\n');
	for (size_t i = 0; i < check->wrong_count; i++)
		print_wrong(text, &check->wrong[i]);
	if (more != 0)
		output_format(text->output, "      and %llu more\n", (unsigned long long)more);
}

/* The checks from `from` on; those of one subject are together. */
static void print_text(struct session *session, const struct report *report, size_t from)
{
	const struct text *text = &session->text;
	const char *subject = NULL;

	for (size_t i = from; i < report->count; i++) {
		const struct report_check *check = &report->checks[i];

		if (subject == NULL || strcmp(subject, check->subject) != 0) {
			text_begin(text, TEXT_HEADING);
			text_plain(text->output, check->subject);
			text_end(text, TEXT_HEADING);
			output_char(text->output, '\n');
		}
		subject = check->subject;
		print_check(text, check);
	}
}

/* What has been found since `from`, in the formats that do not wait for the end. */
static void print_more(struct session *session, const struct report *report, size_t from)
{
	for (size_t i = from; i < report->count; i++)
		session->wrong |= !report->checks[i].ok;
	if (session->invocation->format == FORMAT_TEXT)
		print_text(session, report, from);
	for (size_t i = from; session->invocation->format == FORMAT_NDJSON && i < report->count; i++) {
		print_json_check(session->json, &report->checks[i]);
		json_end_line(session->json);
	}
}

/* `error`: what kept it from being all; NULL: nothing did. */
static void print_end(struct session *session, const struct report *report, const struct subjects *subjects, const struct error *error)
{
	size_t wrong = 0;

	for (size_t i = 0; i < report->count; i++)
		wrong += !report->checks[i].ok;
	if (session->invocation->format == FORMAT_JSON)
		print_json(session, report, error);
	if (session->invocation->format != FORMAT_TEXT || report->count == 0 || error != NULL)
		return;
	output_format(session->output, "%zu checks; maps: %zu, types: %zu; ", report->count, subjects->name_count,
		      subjects->type_count);
	if (wrong == 0)
		output_text(session->output, "nothing is wrong\n");
	else
		output_format(session->output, "%zu found something wrong\n", wrong);
}

/* --- maps ------------------------------------------------------------------------------------------------------- */

static void prepare(struct gotype *type, struct reader_options *options)
{
	verify_reader_options(type, options);
}

static void while_stopped(const struct go_map *map, void *context)
{
	verify_look_at_pointers(context, map);
}

static bool is_live(const struct session *session)
{
	return session->invocation->pid != 0;
}

/* Opens the session's map; one that is caught in a write is waited for. */
static struct error *open_map(struct session *session, struct verifier *verifier, struct reader **out)
{
	struct map_request request = map_request_default(session);

	request.prepare = prepare;
	/* of a process that runs the heap's figures would not fit together */
	request.while_stopped = session_runs(session) ? NULL : while_stopped;
	request.context = verifier;
	for (int attempt = 1;; attempt++) {
		TRY(session_open_map(session, &request, out));
		if (!is_live(session) || !map_being_written(reader_map(*out)) || attempt == WRITE_ATTEMPTS)
			return NULL;
		reader_close(*out);
		findings_free(&session->findings);
		session_resume(session);
		session_refresh(session);
		nanosleep(&(struct timespec){ .tv_nsec = WRITE_WAIT_MS * 1000000 }, NULL);
		TRY(interrupt_check());
	}
}

static void look_while_stopped(const struct sync_contents *contents, void *context)
{
	verify_sync_look(context, contents);
}

/* The inner maps of a sync.Map are verified while the process stands, the rest once it runs on. */
static struct error *verify_sync_map(struct session *session, struct verifier *verifier, struct report *report)
{
	struct verify_sync_look look = { .verifier = verifier, .subject = session->map_name, .pointers = !session_runs(session) };
	struct sync_request request = sync_request_default(session);
	struct sync_reader *reader;

	request.options.values = false;
	request.while_stopped = look_while_stopped;
	request.context = &look;

	struct error *error = sync_open(session, &request, &reader);

	if (error == NULL) {
		const char *changed = session_runs(session) && !sync_reader_compare(reader) ? "the map changed while it was read" : NULL;

		error = look.error;
		look.error = NULL;
		if (error == NULL)
			verify_sync(&look, sync_reader_contents(reader), &session->findings, changed,
				    sync_reader_captured(reader), report);
		sync_reader_close(reader);
		session_resume(session);
	}
	verify_sync_look_free(&look);
	return error;
}

/* Verifies what the name leads to; a sync.Map has no type whose layout is verified too. */
static struct error *verify_named(struct session *session, struct verifier *verifier, struct subjects *subjects,
				  struct report *report)
{
	struct reader *reader;
	bool sync;

	TRY(sync_is_named(session, &sync));
	if (sync)
		return verify_sync_map(session, verifier, report);
	TRY(open_map(session, verifier, &reader));
	add_type(subjects, reader_map(reader)->type);

	struct error *error = verify_map(verifier, reader, &session->findings, session->map_name, report);

	reader_close(reader);
	session_resume(session);
	return error;
}

static struct error *verify_one(struct session *session, struct verifier *verifier, struct subjects *subjects,
				struct report *report)
{
	size_t checks = report->count;
	struct error *error = verify_named(session, verifier, subjects, report);

	if (error != NULL && report->count != checks)
		return error; /* it was begun with: interrupted, out of memory */
	/* of a core: a variable whose name is no name in Go cannot be found by it */
	if (error != NULL && (error->code == ERROR_MEMORY || (subjects->listed && !is_live(session) && !interrupt_pending()))) {
		session_resume(session);
		findings_free(&session->findings);
		verify_unopened(error, session->map_name, report);
		return NULL;
	}
	if (error != NULL && subjects->listed && is_live(session) && !interrupt_ends()) {
		struct report_check *check = report_check_begin(report, "structure", session->map_name);

		session_resume(session);
		report_detail(check, "nothing: it is gone: %s", error->message);
		error_free(error);
		return NULL;
	}
	return error;
}

static struct error *verify_maps(struct session *session, struct subjects *subjects, struct report *report)
{
	struct verifier *verifier;
	struct error *error = NULL;

	if (session->target == NULL)
		return NULL;

	uint64_t most = session->invocation->replay;

	/* a sample will do where the rules are known */
	if (session->newer && most == VERIFY_REPLAY_DEFAULT)
		most = UINT64_MAX;
	TRY(verifier_create(session->program, most, &verifier));
	for (size_t i = 0; i < subjects->name_count && error == NULL; i++) {
		size_t from = report->count;

		session->map_name = subjects->names[i];
		session->more_maps = i + 1 < subjects->name_count;
		if (subjects->places != NULL) {
			session->own_map = subjects->places[i].type;
			session->own_header = subjects->places[i].address;
		}
		error = verify_one(session, verifier, subjects, report);
		print_more(session, report, from);
	}
	verifier_destroy(verifier);
	return error;
}

static struct error *verify_layouts(struct session *session, const struct subjects *subjects, struct report *report)
{
	size_t from = report->count;
	struct error *error = verify_sources(session->program, subjects->types, subjects->type_count, report);

	print_more(session, report, from);
	return error;
}

static struct error *verify_stored(struct session *session, struct report *report)
{
	size_t from = report->count;

	if (session->invocation->expect == NULL)
		return NULL;

	struct error *error = verify_expect(session, session->invocation->expect, report);

	print_more(session, report, from);
	return error;
}

static struct error *run(struct session *session)
{
	struct subjects subjects = { 0 };
	struct report report = { 0 };
	struct error *error = verify_stored(session, &report);

	if (error == NULL)
		error = find_subjects(session, &subjects);
	if (error == NULL)
		error = verify_maps(session, &subjects, &report);
	if (error == NULL)
		error = verify_layouts(session, &subjects, &report);
	print_end(session, &report, &subjects, error);
	forget_subjects(&subjects);
	report_free(&report);
	if (error == NULL || !session->wrong)
		return error;
	/* the status is that of what is wrong */
	diagnostics_error(error);
	error_free(error);
	return NULL;
}

const struct command command_verify = {
	.name = "verify",
	.summary = "Check that a map is what its Go version would have made",
	.arguments = "[MAP...]",
	.arguments_most = SIZE_MAX,
	.target = TARGET_ANY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM | OPTIONS_VERIFY | OPTIONS_LOCAL,
	.description = "Checks of each map: structure, header, slots, pointers, placement (every key's hash is recomputed), "
		       "duplicates, replay (in a reference map of the same seed); of each type, whether DWARF, Go version and the "
		       "runtime's descriptors agree on its layout. Without MAP: all that list finds. What is wrong is named by address and "
		       "slot, with what was expected and found; the exit status is 1 then. Of a binary at rest (-e) only "
		       "layouts are checked. With --expect FILE also whether the layout is still the stored one.",
	.run = run,
};
