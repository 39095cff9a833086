/* Maps of a Go that is newer than is known are verified before they are shown: DWARF has their layout, not their rules. */
#include "analysis/verify.h"
#include "command/command.h"
#include "render/diagnostics.h"

static void prepare(struct gotype *type, struct reader_options *options)
{
	verify_reader_options(type, options);
}

static void warn(struct session *session, const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct report_check *check = &report->checks[i];

		if (check->ok)
			continue;
		session->contradicted = true;
		diagnostics_warning("%s: its %s is not that of a map of Go 1.%d: %s: expected %s, found %s (mapscope verify has all of it)",
				    session->map_name, check->name, session->program->version->minor, check->wrong[0].place,
				    check->wrong[0].expected, check->wrong[0].found);
	}
}

static struct error *verify(struct session *session, struct verifier *verifier)
{
	struct map_request request = map_request_default(session);
	struct report report = { 0 };
	struct reader *reader;
	struct error *error = NULL;

	request.prepare = prepare;
	TRY(session_open_map(session, &request, &reader));
	/* one that is caught in a write is none of these yet */
	if (!map_being_written(reader_map(reader)) && !reader_changed(reader))
		error = verify_map(verifier, reader, &session->findings, session->map_name, &report);
	session_close_map(session, reader);
	findings_free(&session->findings); /* the command that reads it now will come by them */
	if (error == NULL)
		warn(session, &report);
	report_free(&report);
	return error;
}

struct error *session_prove_map(struct session *session)
{
	struct verifier *verifier;
	struct error *error;

	if (!session->newer)
		return NULL;
	TRY(verifier_create(session->program, VERIFY_REPLAY_DEFAULT, &verifier));
	session->more_maps = true;
	error = verify(session, verifier);
	session->more_maps = false;
	verifier_destroy(verifier);
	return error;
}
