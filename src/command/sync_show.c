#include <stdlib.h>

#include "command/sync.h"

/* So many entries are made ready at once, where they were not captured. */
enum { AT_ONCE = 1024 };

struct shower {
	struct session *session;
	struct sync_reader *reader;
	const struct sync_contents *contents;
	struct value_output values;
	uint64_t shown;
};

static void show_entry_json(struct shower *shower, const struct sync_entry *entry)
{
	const struct sync_layout *layout = shower->contents->map->layout;
	struct json *json = shower->session->json;

	json_object_begin(json);
	json_key(json, "key");
	value_emit_at(&shower->values, layout->key, entry->key);
	json_key(json, "value");
	value_emit_at(&shower->values, layout->value, entry->value);
	json_object_end(json);
	if (shower->session->invocation->format == FORMAT_NDJSON)
		json_end_line(json);
}

static void show_entry_text(struct shower *shower, const struct sync_entry *entry)
{
	const struct sync_layout *layout = shower->contents->map->layout;
	const struct text *text = &shower->session->text;

	output_text(text->output, "  ");
	text_begin(text, TEXT_KEY);
	value_emit_at(&shower->values, layout->key, entry->key);
	text_end(text, TEXT_KEY);
	output_text(text->output, ": ");
	value_emit_at(&shower->values, layout->value, entry->value);
	output_char(text->output, '\n');
}

static struct error *show_entries(struct shower *shower, uint64_t most)
{
	const struct sync_contents *contents = shower->contents;

	for (size_t i = 0; i < contents->count && shower->shown < most && !output_failed(shower->session->output); i++) {
		if (i % AT_ONCE == 0)
			TRY(sync_reader_prepare(shower->reader, i, contents->count - i < AT_ONCE ? contents->count - i : AT_ONCE));
		if (!sync_entry_counts(contents, i))
			continue;
		shower->shown++;
		if (shower->session->json != NULL)
			show_entry_json(shower, &contents->entries[i]);
		else
			show_entry_text(shower, &contents->entries[i]);
	}
	return NULL;
}

static void show_rest(const struct shower *shower)
{
	const struct text *text = &shower->session->text;

	if (shower->shown >= shower->contents->live)
		return;
	text_begin(text, TEXT_DIM);
	output_format(text->output, "  … %llu more (--max 0 shows all)\n",
		      (unsigned long long)(shower->contents->live - shower->shown));
	text_end(text, TEXT_DIM);
}

static struct error *show(struct shower *shower, uint64_t most)
{
	struct session *session = shower->session;
	struct session_head head = sync_head(shower->contents);
	bool document = session->invocation->format == FORMAT_JSON;

	if (document) {
		json_object_begin(session->json);
		session_json_head_of(session, &head);
		json_key(session->json, "entries");
		json_array_begin(session->json);
	} else if (session->json == NULL) {
		session_text_head_of(session, &head);
	}
	TRY(show_entries(shower, most));
	if (document) {
		json_array_end(session->json);
		session_json_end(session);
	} else if (session->json == NULL) {
		show_rest(shower);
	}
	return NULL;
}

struct error *sync_show(struct session *session)
{
	struct sync_request request = sync_request_default(session);
	struct shower shower = { .session = session };

	if (session->invocation->max != 0)
		request.options.most_entries = session->invocation->max;
	TRY(sync_open(session, &request, &shower.reader));
	shower.contents = sync_reader_contents(shower.reader);
	shower.values.sink = session->json ? json_sink_create(session->json) : text_sink_create(&session->text);
	shower.values.limits = request.options.limits;

	struct error *error = show(&shower, request.options.most_entries);

	session->unreadable += shower.values.unreadable;
	free(shower.values.sink);
	sync_close(session, shower.reader);
	return error;
}
