#include <stdlib.h>

#include "command/command.h"
#include "command/sync.h"

struct shower {
	struct session *session;
	struct value_output values;
	struct map_scratch scratch;
	uint64_t live;
};

static void emit_key(struct shower *shower, const struct go_map *map, const struct map_entry *entry, struct error *error)
{
	if (error == NULL) {
		value_emit(&shower->values, map->type->key, entry->key, entry->key_address);
		return;
	}
	shower->values.unreadable++;
	shower->values.sink->ops->unreadable(shower->values.sink, error->message);
}

static void emit_elem(struct shower *shower, const struct go_map *map, const struct map_entry *entry, struct error *error)
{
	if (error == NULL)
		value_emit(&shower->values, map->type->elem, entry->elem, entry->elem_address);
	else
		shower->values.sink->ops->unreadable(shower->values.sink, error->message);
}

static void show_entry_json(struct shower *shower, const struct go_map *map, const struct map_entry *entry, struct error *error)
{
	struct json *json = shower->session->json;

	json_object_begin(json);
	json_key(json, "key");
	emit_key(shower, map, entry, error);
	json_key(json, "value");
	emit_elem(shower, map, entry, error);
	json_object_end(json);
	if (shower->session->invocation->format == FORMAT_NDJSON)
		json_end_line(json);
}

static void show_entry_text(struct shower *shower, const struct go_map *map, const struct map_entry *entry, struct error *error)
{
	const struct text *text = &shower->session->text;

	output_text(text->output, "  ");
	text_begin(text, TEXT_KEY);
	emit_key(shower, map, entry, error);
	text_end(text, TEXT_KEY);
	output_text(text->output, ": ");
	emit_elem(shower, map, entry, error);
	output_char(text->output, '\n');
}

static void show_batch(struct shower *shower, const struct go_map *map, const struct map_batch *batch)
{
	enum { AHEAD = 4 }; /* units: enough for memory to answer meanwhile */

	for (size_t i = 0; i < batch->count; i++) {
		if (i + AHEAD < batch->count)
			map_unit_prefetch(map, &batch->units[i + AHEAD]);
		for (unsigned live = batch->units[i].live; live != 0; live &= live - 1, shower->live++) {
			struct map_entry entry;
			struct error *error = map_entry_load(map, &batch->units[i], (unsigned)__builtin_ctz(live),
							     &shower->scratch, &entry);

			if (shower->session->json != NULL)
				show_entry_json(shower, map, &entry, error);
			else
				show_entry_text(shower, map, &entry, error);
			error_free(error);
		}
	}
}

static struct error *show_entries(struct shower *shower, struct reader *reader)
{
	struct map_batch batch;

	do {
		TRY(reader_next(reader, &batch));
		show_batch(shower, reader_map(reader), &batch);
	} while (batch.count != 0 && !output_failed(shower->session->output));
	return NULL;
}

static void show_rest(struct shower *shower, const struct reader *reader)
{
	const struct text *text = &shower->session->text;
	uint64_t length = reader_map(reader)->length;

	if (!reader_cut(reader))
		return;
	text_begin(text, TEXT_DIM);
	if (length > shower->live)
		output_format(text->output, "  … %llu more (--max 0 shows all)\n", (unsigned long long)(length - shower->live));
	else /* the header's count is wrong, which is a finding */
		output_text(text->output, "  … more (--max 0 shows all)\n");
	text_end(text, TEXT_DIM);
}

static struct error *show(struct shower *shower, struct reader *reader)
{
	struct session *session = shower->session;
	struct json *json = session->json;
	bool document = session->invocation->format == FORMAT_JSON;

	if (document) {
		json_object_begin(json);
		session_json_head(session, reader_map(reader));
		json_key(json, "entries");
		json_array_begin(json);
	} else if (json == NULL) {
		session_text_head(session, reader_map(reader));
	}
	TRY(show_entries(shower, reader));
	session_check_count(session, reader, shower->live);
	if (document) {
		json_array_end(json);
		session_json_end(session);
	} else if (json == NULL) {
		show_rest(shower, reader);
	}
	return NULL;
}

static struct error *run(struct session *session)
{
	struct map_request request = map_request_default(session);
	struct reader *reader;
	struct shower shower = { .session = session };
	bool sync;

	TRY(sync_is_named(session, &sync));
	if (sync)
		return sync_show(session);
	if (session->invocation->max != 0)
		request.options.most_entries = session->invocation->max;
	TRY(session_prove_map(session));
	TRY(session_open_map(session, &request, &reader));
	shower.values.sink = session->json ? json_sink_create(session->json) : text_sink_create(&session->text);
	shower.values.limits = request.options.limits;

	struct error *error = show(&shower, reader);

	session->unreadable += shower.values.unreadable;
	map_scratch_free(&shower.scratch);
	free(shower.values.sink);
	session_close_map(session, reader);
	return error;
}

const struct command command_show = {
	.name = "show",
	.summary = "Show the entries of a map",
	.arguments = "MAP",
	.arguments_least = 1,
	.arguments_most = 1,
	.target = TARGET_MEMORY,
	.options = OPTIONS_MEMORY | OPTIONS_ENTRIES | OPTIONS_PROGRAM | OPTIONS_LOCAL,
	.description = "MAP is named as in Go: main.users, main.reg.byName[\"eu\"], net/http.DefaultServeMux.m, or by type and "
		       "address, (map[string]int)(0xc000012345). Entries come in storage order.",
	.run = run,
};
