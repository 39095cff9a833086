#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/expression.h"
#include "analysis/list.h"
#include "binary/debug.h"
#include "command/census.h"
#include "command/command.h"
#include "command/gdb.h"
#include "command/supervisor.h"
#include "gotype/sync.h"
#include "render/diagnostics.h"
#include "stack/stack.h"
#include "target/core.h"
#include "target/live.h"
#include "util/alloc.h"
#include "util/limits.h"
#include "util/give_up.h"
#include "util/interrupt.h"

/* A map that changes faster than it can be read is read so often. */
enum { ATTEMPTS = 5 };
/* Findings that are printed; the others are counted. */
enum { FINDINGS_SHOWN = 10 };

/* --- opening -------------------------------------------------------------------------------------------------- */

static struct error *open_target(const struct invocation *invocation, struct target **out)
{
	if (invocation->pid != 0) {
		struct live_options options = {
			.no_stop = invocation->no_stop,
			.snapshot = invocation->snapshot,
			.budget_ns = invocation->pause_budget * 1000000,
			.count_copies = invocation->stats,
		};

		return live_open(invocation->pid, &options, out);
	}
	if (invocation->gdb)
		return gdb_open(out);
	supervisor_opening(invocation->core);
	return invocation->core ? core_open(invocation->core, out) : NULL;
}

static void warn_of_target(const struct session *session)
{
	if (session->invocation->core != NULL) {
		uint64_t whole = core_truncated_at(session->target);

		if (whole != 0)
			diagnostics_warning("%s: the core is truncated: it should have %llu bytes", session->invocation->core,
					    (unsigned long long)whole);
	}
	if (session->invocation->pid != 0) {
		struct live_stats stats;

		live_stats(session->target, &stats);
		if (stats.mode == LIVE_HELD)
			diagnostics_note("process %d is traced by process %d: it is read without being stopped%s",
					 (int)session->invocation->pid, (int)stats.tracer,
					 stats.held_stopped ? " (it stands still)" : ", and it runs");
	}
}

/* Puts a file in the place of standard output. What maps hold is not for everybody to read. */
static struct error *redirect(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return error_new(ERROR_TARGET, "%s: %s", path, strerror(errno));
	close(fd);
	return NULL;
}

char *session_local_name(const struct invocation *invocation, const char *name)
{
	unsigned long long goroutine = invocation->goroutine;

	if (!invocation->goroutine_given)
		return xstrdup(name);
	if (!invocation->frame_given)
		return xasprintf("goroutine %llu: %s", goroutine, name);
	return xasprintf("goroutine %llu: frame %llu: %s", goroutine, (unsigned long long)invocation->frame, name);
}

void session_cut(struct session *session, const char *why)
{
	if (session->json != NULL)
		json_give_up(session->json, why);
	output_flush(session->output);
}

static void cut(void *session, const char *why)
{
	session_cut(session, why);
}

struct error *session_open(const struct invocation *invocation, struct session *out)
{
	struct error *redirection = invocation->output != NULL ? redirect(invocation->output) : NULL;

	*out = (struct session){ .invocation = invocation };
	out->output = output_create(STDOUT_FILENO);
	out->text = (struct text){ out->output, text_colour_wanted(out->output) };
	if (invocation->format == FORMAT_JSON || invocation->format == FORMAT_NDJSON)
		out->json = json_create(out->output, invocation->format == FORMAT_JSON);
	if (invocation->argument_count != 0)
		out->map_name = invocation->arguments[0];
	if (invocation->goroutine_given)
		out->map_name = out->local_map = session_local_name(invocation, invocation->arguments[0]);
	if (invocation->gdb)
		out->variables = gdb_variables();
	give_up_finish_with(cut, out);
	give_up_on_lost_pages();
	TRY(redirection);
	if (invocation->command->target == TARGET_NONE ||
	    (invocation->command->target == TARGET_OPTIONAL && invocation->pid == 0 && invocation->core == NULL && invocation->exe == NULL &&
	     !invocation->gdb))
		return NULL;
	TRY(open_target(invocation, &out->target));
	if (out->target != NULL)
		warn_of_target(out);
	return session_open_program(out);
}

/* --- closing -------------------------------------------------------------------------------------------------- */

static void report_findings(const struct session *session)
{
	const struct findings *findings = &session->findings;

	for (size_t i = 0; i < findings->count && i < FINDINGS_SHOWN; i++)
		diagnostics_warning("0x%llx: %s", (unsigned long long)findings->items[i].address.v, findings->items[i].what);
	if (findings->total > FINDINGS_SHOWN)
		diagnostics_warning("%llu more findings of this kind", (unsigned long long)(findings->total - FINDINGS_SHOWN));
	for (size_t i = 0; i < LIMITS; i++)
		if (limit_rows[i].reached)
			diagnostics_warning("what goes beyond %llu %s was left out: --limit %s=N", (unsigned long long)limit_rows[i].value,
					    limit_rows[i].what, limit_rows[i].name);
	if (session->unreadable != 0)
		diagnostics_warning("%llu values are not readable, and are marked so", (unsigned long long)session->unreadable);
}

int session_close(struct session *session)
{
	int status = session->findings.total != 0 || session->unreadable != 0 || session->contradicted ? ERROR_MEMORY : 0;

	give_up_finish_with(NULL, NULL);
	json_destroy(session->json);

	struct error *error = output_close(session->output);

	if (session->variables != NULL)
		error_free(output_close(session->variables)); /* GDB shows the lack of them */
	report_findings(session);
	session_report_pause(session);
	diagnostics_error(error);
	if (error != NULL)
		status = (int)error->code;
	error_free(error);
	if (session->program != NULL)
		stack_close(session->program->stack);
	program_destroy(session->program);
	free(session->stripped);
	binary_destroy(session->binary);
	for (size_t i = 0; i < session->gdb_map_count; i++)
		free(session->gdb_maps[i]);
	free(session->gdb_maps);
	free(session->local_map);
	session_warn_of_zombies(session);
	target_destroy(session->target);
	findings_free(&session->findings);
	return session->wrong ? 1 : status;
}

/* --- maps ------------------------------------------------------------------------------------------------------ */

struct error *session_stop(struct session *session)
{
	session->stopped = true;
	return session->target ? target_stop(session->target) : NULL;
}

void session_resume(struct session *session)
{
	session->stopped = false;
	if (session->target != NULL)
		target_resume(session->target);
}

void session_refresh(struct session *session)
{
	if (session->invocation->snapshot && session->target != NULL)
		live_forget_snapshot(session->target);
}

void session_end_reading(struct session *session)
{
	session_resume(session);
	if (!session->more_maps)
		session_refresh(session);
}

struct map_request map_request_default(const struct session *session)
{
	struct map_request request = { .part = UINT64_MAX };

	request.options = (struct reader_options){
		.what = MAP_WALK_LIVE,
		.keys = true,
		.elems = true,
		.most_entries = UINT64_MAX,
		.memory_limit = session->invocation->buffer,
		.limits = value_limits_now(),
	};
	request.options.limits.depth = session->invocation->depth;
	return request;
}

struct address_search {
	taddr address;
	struct gotype *type;
};

static bool match_address(void *context, const struct listed_map *map)
{
	struct address_search *search = context;

	if (map->address.v != search->address.v)
		return true;
	search->type = map->type;
	return false;
}

/* What no variable leads to directly: the whole heap is looked through, while the target stands. */
static struct error *find_in_heap(struct session *session, taddr address, struct gotype **type)
{
	bool stopped = session->stopped;
	struct census census;
	struct error *error = census_of_session(session, false, &census);

	if (error == NULL)
		error = census_find_type(session, &census, address, type);
	census_free(&census);
	if (!stopped)
		session_resume(session);
	return error;
}

/* An address alone: its type is that of the variable that leads there. */
static struct error *find_by_address(struct session *session, taddr address, struct gotype **type)
{
	struct address_search search = { .address = address };

	struct list_variables *variables;

	TRY(list_variables_find(session->program, &variables));

	struct error *error = list_maps(session->program, variables, match_address, &search);

	list_variables_free(variables);
	if (error != NULL)
		return error;
	if (search.type == NULL)
		return find_in_heap(session, address, type);
	*type = search.type;
	return NULL;
}

/*
 * A local variable: goroutines must stand while their frames are looked at. What the DWARF says of their code is read before, for a process that
 * runs by looking once in vain.
 */
static struct error *find_local(struct session *session, const char *name, struct gotype **type, taddr *header)
{
	bool stopped = session->stopped || session->invocation->pid == 0;

	if (!stopped && !session->rehearsed)
		error_free(expression_find_map(session->program, name, type, header));
	session->rehearsed = true;
	if (!stopped)
		TRY(session_stop(session));

	struct error *error = expression_find_map(session->program, name, type, header);

	if (!stopped)
		session_resume(session);
	return error;
}

/* What GDB made of the session's MAP; NULL: nothing. */
static const char *find_evaluation(const struct session *session)
{
	for (size_t i = 0; i < session->gdb_map_count; i++)
		if (strcmp(session->map_name, session->invocation->arguments[i]) == 0)
			return session->gdb_maps[i];
	return NULL;
}

struct error *session_find_any_map(struct session *session, struct gotype **type, taddr *header)
{
	if (session->own_map != NULL) {
		*type = session->own_map;
		*header = session->own_header;
		return NULL;
	}

	const char *evaluated = find_evaluation(session);

	if (evaluated != NULL) {
		struct error *error = expression_find_map(session->program, evaluated, type, header);

		return error ? error_wrap(error, "%s", session->map_name) : NULL;
	}
	if (expression_is_address(session->map_name, header) || session_find_symbol(session, session->map_name, header))
		return find_by_address(session, *header, type);
	if (expression_is_local(session->map_name))
		return find_local(session, session->map_name, type, header);
	return expression_find_map(session->program, session->map_name, type, header);
}

struct error *session_find_map(struct session *session, struct gotype **type, taddr *header)
{
	TRY(session_find_any_map(session, type, header));
	if (gotype_is_sync(*type))
		return error_new(ERROR_TARGET, "%s: a %s, which %s does not look into", session->map_name, (*type)->name,
				 session->invocation->command->name);
	return NULL;
}

bool session_runs(const struct session *session)
{
	struct live_stats stats;

	if (session->invocation->pid == 0)
		return false;
	live_stats(session->target, &stats);
	return stats.mode == LIVE_UNSTOPPED || (stats.mode == LIVE_HELD && !stats.held_stopped);
}

bool session_stands(const struct session *session)
{
	return session->invocation->pid != 0 && !session->invocation->snapshot && !session_runs(session);
}

/* A reader for the map that the name leads to now. */
static struct error *make_reader(struct session *session, const struct map_request *request, struct gotype *type, taddr header,
				 struct reader **out)
{
	struct reader_options options = request->options;

	TRY(gotype_complete(type));
	if (request->prepare != NULL)
		request->prepare(type, &options);
	options.unstopped = session_runs(session);
	TRY(reader_create(type, header, &options, &session->findings, out));
	reader_set_part(*out, request->part, request->part_old);
	return NULL;
}

/* Everything slow is done before the target stands: names and types are looked up, memory is taken. */
static struct error *read_once(struct session *session, const struct map_request *request, struct reader **out)
{
	struct gotype *type, *again;
	struct reader *reader;
	taddr header;

	TRY(session_find_map(session, &type, &header));
	TRY(make_reader(session, request, type, header, &reader));

	struct error *error = session_stop(session);

	/* an address stays what it is; a name may lead to another map by now */
	bool repeat = session->invocation->pid != 0 && !expression_is_address(session->map_name, &header);

	if (error == NULL && repeat)
		error = session_find_map(session, &again, &header);
	if (error == NULL && repeat && again != type) {
		/* an interface on the way holds another type now */
		reader_close(reader);
		reader = NULL;
		error = make_reader(session, request, again, header, &reader);
	}
	if (error == NULL)
		error = reader_open(reader, header);
	if (error == NULL)
		error = interrupt_check();
	if (error != NULL) {
		reader_close(reader);
		return error;
	}
	*out = reader;
	return NULL;
}

struct error *session_open_map(struct session *session, const struct map_request *request, struct reader **out)
{
	for (int attempt = 1;; attempt++) {
		TRY(read_once(session, request, out));
		if (!reader_changed(*out))
			break;
		if (attempt == ATTEMPTS) {
			findings_add(&session->findings, reader_map(*out)->address,
				     "the map changed while it was read, %d times in a row: what is shown may never have been there together",
				     ATTEMPTS);
			break;
		}
		session->read_again++;
		reader_close(*out);
		findings_free(&session->findings);
	}
	session_variable(session, "address", "0x%llx", (unsigned long long)reader_map(*out)->address.v);
	session_variable(session, "count", "%llu", (unsigned long long)reader_map(*out)->length);
	if (request->while_stopped != NULL)
		request->while_stopped(reader_map(*out), request->context);
	if (reader_captured(*out))
		session_end_reading(session);
	else if (session_stands(session))
		diagnostics_note("the map is larger than the buffer of %zu MB: the process stands until it is read (--buffer SIZE, --no-stop)",
				 session->invocation->buffer >> 20);
	return NULL;
}

void session_close_map(struct session *session, struct reader *reader)
{
	if (reader_captured(reader) && !reader_changed(reader)) {
		reader_close(reader);
		return;
	}
	if (reader_changed(reader) && session->findings.total == 0)
		findings_add(&session->findings, reader_map(reader)->address, "the map changed while it was read");
	reader_close(reader);
	session_resume(session);
}

void session_check_count(struct session *session, const struct reader *reader, uint64_t live)
{
	const struct go_map *map = reader_map(reader);

	if (output_failed(session->output)) /* nobody wanted to see all of it */
		return;
	if (map_being_written(map))
		diagnostics_warning("0x%llx: the map is in the middle of a write (its writing flag is set)",
				    (unsigned long long)map->address.v);
	if (reader_cut(reader) && live >= map->length)
		findings_add(&session->findings, map->address, "the header says %llu entries, more than %llu were found",
			     (unsigned long long)map->length, (unsigned long long)live);
	else if (!reader_cut(reader) && live != map->length)
		findings_add(&session->findings, map->address, "the header says %llu entries, %llu were found",
			     (unsigned long long)map->length, (unsigned long long)live);
}

/* --- what commands share in their output ------------------------------------------------------------------------ */

void session_variable(struct session *session, const char *name, const char *format, ...)
{
	va_list arguments;

	if (session->variables == NULL)
		return;
	va_start(arguments, format);
	char *value = xvasprintf(format, arguments);
	va_end(arguments);
	output_format(session->variables, "set $map_%s = %s\n", name, value);
	free(value);
}

/* "go1.26.8"; of a map made here, what it was asked to be; NULL where the binary does not say */
static const char *session_go(const struct session *session)
{
	return session->binary != NULL ? session->binary->go_version : session->own_go;
}

void session_json_head_of(struct session *session, const struct session_head *head)
{
	struct json *json = session->json;

	json_field_name(json, "map", session->map_name);
	json_field_name(json, "type", head->type);
	json_field_address(json, "address", head->address);
	json_field_name(json, "implementation", head->implementation);
	json_field_name(json, "go", session_go(session));
	json_field_unsigned(json, "len", head->length);
}

void session_json_end(struct session *session)
{
	if (session->findings.total != 0)
		json_field_bool(session->json, "complete", false);
	session_json_pause(session);
	json_object_end(session->json);
	json_end_line(session->json);
}

void session_text_head_of(struct session *session, const struct session_head *head)
{
	const struct text *text = &session->text;
	struct output *output = text->output;

	text_begin(text, TEXT_HEADING);
	text_plain(output, session->map_name);
	text_end(text, TEXT_HEADING);
	output_text(output, "  ");
	text_plain(output, head->type);
	if (head->address.v == 0) {
		output_text(output, "  nil\n");
		return;
	}
	output_format(output, "  %llu %s  %s  ", (unsigned long long)head->length, head->length == 1 ? "entry" : "entries",
		      head->implementation);
	output_address(output, head->address.v);
	output_text(output, "  ");
	text_plain(output, session_go(session) ? session_go(session) : "Go");
	output_char(output, '\n');
}

struct session_head session_head_of(const struct go_map *map)
{
	return (struct session_head){ map->type->name, map_implementation_name(map->layout->implementation), map->address,
				      map->length };
}

void session_json_head(struct session *session, const struct go_map *map)
{
	struct session_head head = session_head_of(map);

	session_json_head_of(session, &head);
}

void session_text_head(struct session *session, const struct go_map *map)
{
	struct session_head head = session_head_of(map);

	session_text_head_of(session, &head);
}
