#include <stdlib.h>
#include <string.h>

#include "analysis/expression.h"
#include "analysis/literal_encode.h"
#include "command/command.h"
#include "target/overlay.h"
#include "target/recorder.h"
#include "util/alloc.h"

/* A map that changes faster than it can be looked at is looked at so often. */
enum { ATTEMPTS = 5 };
/* Pointers behind pointers of one value. */
enum { LEVEL_LIMIT = 16 };

struct lookup {
	struct session *session;
	struct gotype *type;
	taddr header;
	struct target *arena; /* has the key */
	taddr key;
	struct go_map map;
	struct trace trace;
};

static struct error *parse_key(const char *text, struct literal **out)
{
	const char *at = text;

	TRY(literal_parse(&at, out));
	if (*at == '\0')
		return NULL;
	literal_free(*out);
	return error_hint(error_new(ERROR_USAGE, "%s: something is left over", at),
			  "keys are written as in Go, and quoted once more for the shell: '\"text\"', '{1, \"a\"}', 'int64(5)'");
}

static struct error *encode_key(struct lookup *lookup, const char *text)
{
	struct literal *literal;

	TRY(gotype_complete(lookup->type));
	TRY(parse_key(text, &literal));

	struct error *error = literal_encode(literal, lookup->type->key, lookup->arena, &lookup->key);

	literal_free(literal);
	return error ? error_wrap(error, "KEY %s", text) : NULL;
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

/* The memory that is read from here on: the key's over `base`. Ended with uncover(). */
static void cover(struct lookup *lookup, struct target *base)
{
	lookup->session->program->memory = overlay_create(lookup->arena, base);
}

static void uncover(struct lookup *lookup)
{
	target_destroy(lookup->session->program->memory);
	lookup->session->program->memory = lookup->session->target;
}

/* The map that the name leads to may be another one by now; an address stays what it is. */
static struct error *find_again(struct lookup *lookup)
{
	struct session *session = lookup->session;
	struct gotype *type;

	if (session->invocation->pid == 0 || expression_is_address(session->map_name, &lookup->header))
		return NULL;
	TRY(session_find_map(session, &type, &lookup->header));
	if (type != lookup->type)
		return error_new(ERROR_TARGET, "%s: holds a map of another type by now: %s", session->map_name, type->name);
	return NULL;
}

static struct error *look(struct lookup *lookup, struct findings *findings)
{
	TRY(find_again(lookup));
	TRY(map_open(lookup->type, lookup->header, &lookup->map));
	return trace_lookup(&lookup->map, lookup->key, findings, &lookup->trace);
}

static void forget(struct lookup *lookup)
{
	trace_free(&lookup->trace);
}

/* Once while the process runs: types are known then, and which pages a lookup reads. What it says does not count. */
static void rehearse(struct lookup *lookup, struct recorder *recorder)
{
	struct findings ignored = { 0 };

	cover(lookup, recorder_target(recorder));
	error_free(look(lookup, &ignored));
	uncover(lookup);
	forget(lookup);
	findings_free(&ignored);
}

/* Notes what showing a value reads. */
static void want_value(struct lookup *lookup, struct value_wanted *wanted, struct gotype *type, taddr address, unsigned levels)
{
	uint8_t *bytes;
	struct error *error = NULL;
	void *memory;

	if (address.v == 0 || !mirror_want(wanted->mirror, address, type->size))
		return;
	error = alloc_checked(type->size, 1, "a value", &memory);
	if (error == NULL) {
		bytes = memory;
		error = target_read(lookup->session->program->memory, address, bytes, type->size);
		if (error == NULL)
			value_want(wanted, type, bytes, levels);
		free(bytes);
	}
	error_free(error); /* showing it will say so */
}

static void want_slots(struct lookup *lookup, struct value_wanted *wanted, const struct trace_step *step, unsigned levels)
{
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		want_value(lookup, wanted, lookup->type->key, step->unit.slots[slot].key, levels);
}

/* Fetches what the elem and the keys that were compared lead to. */
static struct error *fetch_values(struct lookup *lookup, struct mirror *mirror)
{
	bool deeper = true;

	for (unsigned levels = 0; deeper && levels < LEVEL_LIMIT; levels++) {
		struct value_wanted wanted = { .mirror = mirror, .limits = value_limits_now() };

		wanted.limits.depth = lookup->session->invocation->depth;
		want_value(lookup, &wanted, lookup->type->elem, lookup->trace.elem, levels);
		for (size_t i = 0; i < lookup->trace.count; i++)
			if (lookup->trace.steps[i].kind == TRACE_UNIT)
				want_slots(lookup, &wanted, &lookup->trace.steps[i], levels);
		deeper = wanted.deeper && !wanted.full;
		value_wanted_free(&wanted);
		TRY(mirror_fetch(mirror));
	}
	return NULL;
}

/* The pages of the rehearsal are copied while the process stands; what else is needed is read while it stands too. */
static struct error *look_live(struct lookup *lookup, struct mirror *mirror, const struct recorder *recorder)
{
	TRY(session_stop(lookup->session));
	recorder_want(recorder, mirror);
	TRY(mirror_fetch(mirror));
	TRY(look(lookup, &lookup->session->findings));
	return fetch_values(lookup, mirror);
}

static struct error *show_live(struct lookup *lookup, struct mirror *mirror)
{
	struct session *session = lookup->session;
	struct recorder *recorder = recorder_create(session->target);
	struct error *error = NULL;

	rehearse(lookup, recorder);
	cover(lookup, mirror_target(mirror));
	for (int attempt = 1;; attempt++) {
		mirror_clear(mirror);
		error = look_live(lookup, mirror, recorder);
		session_resume(session);
		if (error != NULL || !session_runs(session) || mirror_unchanged(mirror))
			break;
		if (attempt == ATTEMPTS) {
			findings_add(&session->findings, lookup->header,
				     "the map changed while it was read, %d times in a row: what is shown may never have been so",
				     ATTEMPTS);
			break;
		}
		session->read_again++;
		forget(lookup);
		findings_free(&session->findings);
	}
	if (error == NULL)
		trace_print(session, &lookup->trace, lookup->key);
	uncover(lookup);
	recorder_destroy(recorder);
	return error;
}

static struct error *show(struct lookup *lookup)
{
	struct session *session = lookup->session;

	if (session->invocation->pid != 0) {
		struct mirror *mirror = mirror_create(session->target, session->invocation->buffer);
		struct error *error = show_live(lookup, mirror);

		mirror_destroy(mirror);
		return error;
	}
	cover(lookup, session->target);

	struct error *error = look(lookup, &session->findings);

	if (error == NULL)
		trace_print(session, &lookup->trace, lookup->key);
	uncover(lookup);
	return error;
}

static struct error *run(struct session *session)
{
	struct lookup lookup = { .session = session };

	TRY(session_find_map(session, &lookup.type, &lookup.header));
	lookup.arena = literal_arena_create(&session->program->machine);

	struct error *error = encode_key(&lookup, session->invocation->arguments[1]);

	if (error == NULL)
		error = show(&lookup);
	forget(&lookup);
	target_destroy(lookup.arena);
	return error;
}

const struct command command_trace = {
	.name = "trace",
	.summary = "Show how the runtime looks a key up, step by step",
	.arguments = "MAP KEY",
	.arguments_least = 2,
	.arguments_most = 2,
	.target = TARGET_MEMORY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM | OPTIONS_LOCAL,
	.description = "What m[key] does in the Go version of the program: the hash and how it is computed; the bucket, of the "
		       "old or the new ones while the map grows, or the directory's slot, table and groups; each slot that is "
		       "compared and how that ends; the elem, or why the key is not there. KEY is written as in Go, by the type "
		       "of the map's keys: '\"text\"', 42, -1.5, true, \"'x'\", '{1, \"a\"}', and with its type where keys are "
		       "interfaces: 'int64(5)'.",
	.run = run,
};
