#include "command/sync.h"

#include "render/diagnostics.h"

enum { ATTEMPTS = 5 };

struct error *sync_is_named(struct session *session, bool *out)
{
	struct gotype *type;
	taddr address;

	TRY(session_find_any_map(session, &type, &address));
	*out = gotype_is_sync(type);
	return NULL;
}

struct sync_request sync_request_default(const struct session *session)
{
	struct sync_request request = { 0 };

	request.options = (struct sync_reader_options){
		.keys = true,
		.values = true,
		.most_entries = UINT64_MAX,
		.memory_limit = session->invocation->buffer,
		.limits = value_limits_now(),
	};
	request.options.limits.depth = session->invocation->depth;
	return request;
}

static struct error *make_reader(struct session *session, const struct sync_request *request, struct gotype *type,
				 struct sync_reader **out)
{
	struct sync_reader_options options = request->options;

	options.unstopped = session_runs(session);
	return sync_reader_create(type, &options, &session->findings, out);
}

/* Names and types are looked up before the target stands, and again then: a pointer may lead to another one by now. */
static struct error *read_once(struct session *session, const struct sync_request *request, struct sync_reader **out)
{
	struct gotype *type, *again;
	struct sync_reader *reader;
	taddr address;

	TRY(session_find_any_map(session, &type, &address));
	TRY(make_reader(session, request, type, &reader));

	struct error *error = session_stop(session);

	if (error == NULL && session->invocation->pid != 0)
		error = session_find_any_map(session, &again, &address);
	if (error == NULL && session->invocation->pid != 0 && again != type) {
		sync_reader_close(reader);
		reader = NULL;
		error = make_reader(session, request, again, &reader);
	}
	if (error == NULL)
		error = sync_reader_open(reader, address);
	if (error != NULL) {
		sync_reader_close(reader);
		return error;
	}
	*out = reader;
	return NULL;
}

static void note_change(struct session *session, const struct sync_reader *reader)
{
	findings_add(&session->findings, sync_reader_contents(reader)->map->address,
		     "the map changed while it was read: what is shown may never have been there together");
}

struct error *sync_open(struct session *session, const struct sync_request *request, struct sync_reader **out)
{
	for (int attempt = 1;; attempt++) {
		TRY(read_once(session, request, out));
		if (!session_runs(session) || !sync_reader_captured(*out) || sync_reader_compare(*out))
			break;
		if (attempt == ATTEMPTS) {
			note_change(session, *out);
			break;
		}
		session->read_again++;
		sync_reader_close(*out);
		findings_free(&session->findings);
	}

	const struct sync_contents *contents = sync_reader_contents(*out);

	session_variable(session, "address", "0x%llx", (unsigned long long)contents->map->address.v);
	session_variable(session, "count", "%llu", (unsigned long long)contents->live);
	if (request->while_stopped != NULL)
		request->while_stopped(contents, request->context);
	if (contents->map->locked || contents->locked_nodes != 0)
		diagnostics_warning("0x%llx: the map is in the middle of a write (a mutex of it is locked)",
				    (unsigned long long)contents->map->address.v);
	if (sync_reader_captured(*out))
		session_end_reading(session);
	else if (session_stands(session))
		diagnostics_note("the map is larger than the buffer of %zu MB: the process stands until it is read (--buffer SIZE, --no-stop)",
				 session->invocation->buffer >> 20);
	return NULL;
}

void sync_close(struct session *session, struct sync_reader *reader)
{
	if (session_runs(session) && !sync_reader_captured(reader) && !sync_reader_compare(reader))
		note_change(session, reader);
	sync_reader_close(reader);
	session_resume(session);
}

struct session_head sync_head(const struct sync_contents *contents)
{
	return (struct session_head){ contents->map->type->name, "sync", contents->map->address, contents->live };
}
