#include "analysis/sync_stat.h"
#include "command/figures.h"
#include "command/memory.h"
#include "command/sync.h"

struct measured {
	struct sync_stat stat;
	struct memory_watch watch;
	struct error *error;
};

static void measure(const struct sync_contents *contents, void *context)
{
	struct measured *measured = context;

	measured->error = sync_stat_compute(contents, &measured->stat);
	memory_watch_sync(&measured->watch, contents);
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static void json_inner(struct json *json, const char *key, const struct go_map *inner, const struct sync_inner_stat *stat)
{
	json_key(json, key);
	json_object_begin(json);
	json_field_address(json, "address", inner->address);
	json_field_unsigned(json, "entries", stat->entries);
	json_field_unsigned(json, "deleted", stat->deleted);
	json_field_unsigned(json, "expunged", stat->expunged);
	json_field_unsigned(json, "capacity", stat->capacity);
	json_key(json, "load_factor");
	json_double(json, stat->load_factor, 64);
	json_field_unsigned(json, "bytes", stat->bytes);
	json_field_unsigned(json, "wasted_bytes", stat->wasted_bytes);
	json_object_end(json);
}

static void json_read_dirty(struct json *json, const struct sync_contents *contents, const struct sync_stat *stat)
{
	json_field_bool(json, "amended", contents->map->amended);
	json_field_unsigned(json, "misses", contents->map->misses);
	json_key(json, "misses_until_promotion");
	if (contents->map->amended)
		json_unsigned(json, stat->until_promotion);
	else
		json_null(json);
	json_field_unsigned(json, "deleted", stat->deleted);
	json_field_unsigned(json, "expunged", stat->expunged);
	json_inner(json, "read", &contents->read, &stat->read);
	json_inner(json, "dirty", &contents->dirty, &stat->dirty);
}

static void json_trie(struct json *json, const struct sync_contents *contents, const struct sync_stat *stat)
{
	json_field_unsigned(json, "nodes", contents->node_count);
	json_field_unsigned(json, "empty_nodes", stat->empty_nodes);
	json_field_unsigned(json, "child_slots", stat->child_slots);
	json_field_unsigned(json, "child_slots_used", stat->child_slots_used);
	json_key(json, "fill");
	json_array_begin(json);
	for (size_t i = 0; i <= SYNC_CHILDREN; i++)
		json_unsigned(json, stat->fill[i]);
	json_array_end(json);
	figures_json_histogram(json, "levels", &stat->levels);
	json_field_unsigned(json, "overflow_entries", stat->overflow_entries);
	figures_json_histogram(json, "chain_lengths", &stat->chain_lengths);
	json_field_unsigned(json, "seed", contents->map->seed);
}

static void print_json(struct session *session, const struct sync_contents *contents, const struct measured *measured)
{
	const struct sync_stat *stat = &measured->stat;
	struct json *json = session->json;
	struct session_head head = sync_head(contents);
	bool trie = contents->map->layout->form == SYNC_TRIE;

	json_object_begin(json);
	session_json_head_of(session, &head);
	json_field_name(json, "form", trie ? "trie" : "read and dirty");
	json_field_unsigned(json, "capacity", stat->capacity);
	json_key(json, "load_factor");
	json_double(json, stat->load_factor, 64);
	json_field_unsigned(json, "bytes", stat->bytes);
	json_field_unsigned(json, "wasted_bytes", stat->wasted_bytes);
	json_field_bool(json, "growing", false);
	json_field_bool(json, "locked", contents->map->locked || contents->locked_nodes != 0);
	if (trie)
		json_trie(json, contents, stat);
	else
		json_read_dirty(json, contents, stat);
	memory_json_summary(json, &measured->watch.memory);
	session_json_end(session);
}

/* --- text ------------------------------------------------------------------------------------------------------ */

static void text_inner(const struct text *text, const char *label, const struct go_map *inner, const struct sync_inner_stat *stat)
{
	figures_line(text, label);
	if (inner->address.v == 0) {
		output_text(text->output, "nil\n");
		return;
	}
	output_format(text->output, "%llu entries in %llu slots, %llu of them deleted, %llu expunged; ",
		      (unsigned long long)stat->entries, (unsigned long long)stat->capacity, (unsigned long long)stat->deleted,
		      (unsigned long long)stat->expunged);
	figures_bytes(text->output, stat->bytes);
	output_char(text->output, '\n');
}

static void text_memory(const struct text *text, const struct measured *measured)
{
	figures_memory(text, measured->stat.bytes, measured->stat.wasted_bytes);
	memory_text_summary(text, &measured->watch.memory);
}

static void text_read_dirty(const struct text *text, const struct sync_contents *contents, const struct measured *measured)
{
	const struct sync_stat *stat = &measured->stat;
	const struct sync_map *map = contents->map;

	text_inner(text, "read map", &contents->read, &stat->read);
	text_inner(text, "dirty map", &contents->dirty, &stat->dirty);
	figures_line(text, "promotion");
	if (map->amended)
		output_format(text->output, "amended: lookups that miss the read map take the lock; after %llu more (now %llu) the dirty map becomes the read map\n",
			      (unsigned long long)stat->until_promotion, (unsigned long long)map->misses);
	else
		output_text(text->output, "not amended: the read map has all keys, lookups take no lock\n");
	text_memory(text, measured);
}

static void text_fill(const struct text *text, const struct sync_stat *stat)
{
	struct histogram fill = { .items = (uint64_t *)stat->fill + 1, .count = SYNC_CHILDREN };

	figures_histogram(text, "fill", "children of a node, of 16, and how many nodes have so many", &fill);
}

static void text_trie(const struct text *text, const struct sync_contents *contents, const struct measured *measured)
{
	const struct sync_stat *stat = &measured->stat;

	figures_line(text, "nodes");
	output_format(text->output, "%zu of 16 child slots, %llu slots in use", contents->node_count,
		      (unsigned long long)stat->child_slots_used);
	if (stat->child_slots != 0)
		output_format(text->output, " (%.0f %%)", 100 * stat->load_factor);
	output_text(text->output, "\n");
	figures_line(text, "overflow");
	output_format(text->output, "%llu entries behind one of the same hash\n", (unsigned long long)stat->overflow_entries);
	text_memory(text, measured);
	figures_histogram(text, "levels", "nodes on the way to an entry, and how many entries have so many", &stat->levels);
	if (stat->overflow_entries != 0)
		figures_histogram(text, "chain lengths", "entries of one hash, and how many child slots have so many",
				  &stat->chain_lengths);
	text_fill(text, stat);
}

static void print_text(struct session *session, const struct sync_contents *contents, const struct measured *measured)
{
	struct session_head head = sync_head(contents);

	session_text_head_of(session, &head);
	figures_line(&session->text, "entries");
	output_format(session->output, "%llu, counted: a sync.Map has no header count\n", (unsigned long long)contents->live);
	if (contents->map->layout->form == SYNC_TRIE)
		text_trie(&session->text, contents, measured);
	else
		text_read_dirty(&session->text, contents, measured);
}

static void set_variables(struct session *session, const struct sync_stat *stat)
{
	session_variable(session, "capacity", "%llu", (unsigned long long)stat->capacity);
	session_variable(session, "bytes", "%llu", (unsigned long long)stat->bytes);
	session_variable(session, "wasted", "%llu", (unsigned long long)stat->wasted_bytes);
}

static void print(struct session *session, const struct sync_contents *contents, const struct measured *measured)
{
	set_variables(session, &measured->stat);
	if (session->json != NULL)
		print_json(session, contents, measured);
	else
		print_text(session, contents, measured);
}

struct error *sync_stat(struct session *session)
{
	struct sync_request request = sync_request_default(session);
	struct measured measured = { 0 };
	struct sync_reader *reader;

	request.options.keys = request.options.values = false;
	request.while_stopped = measure;
	request.context = &measured;
	memory_watch_begin(&measured.watch, session, MEMORY_FEW);

	struct error *error = sync_open(session, &request, &reader);

	if (error == NULL) {
		error = measured.error;
		if (error == NULL)
			print(session, sync_reader_contents(reader), &measured);
		sync_stat_free(&measured.stat);
		sync_close(session, reader);
	}
	return memory_watch_end(&measured.watch, error);
}
