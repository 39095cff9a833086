#include <inttypes.h>
#include <stdlib.h>

#include "command/sync.h"

struct dumper {
	struct session *session;
	struct sync_reader *reader;
	const struct sync_contents *contents;
	struct value_output values;
};

/* The nibbles that lead to a node, "" for the root. */
static const char *path_of(const struct dumper *dumper, const struct sync_node *node, char out[SYNC_CHILDREN + 1])
{
	unsigned bits = 8u * dumper->contents->map->program->machine.word_size;

	for (unsigned level = 0; level < node->level; level++)
		out[level] = "0123456789abcdef"[node->path >> (bits - SYNC_CHILD_BITS * (level + 1)) & 15];
	out[node->level] = '\0';
	return out;
}

static unsigned children_of(const struct sync_node *node)
{
	unsigned count = 0;

	for (unsigned slot = 0; slot < SYNC_CHILDREN; slot++)
		count += node->children[slot].v != 0;
	return count;
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static void json_header(struct json *json, const struct sync_map *map)
{
	json_key(json, "header");
	json_object_begin(json);
	json_field_bool(json, "locked", map->locked);
	if (map->layout->form == SYNC_TRIE) {
		json_field_unsigned(json, "inited", map->inited);
		json_field_address(json, "root", map->root);
		json_field_unsigned(json, "seed", map->seed);
	} else {
		json_field_address(json, "read", map->read_only);
		json_field_bool(json, "amended", map->amended);
		json_field_address(json, "dirty", map->dirty_map);
		json_field_unsigned(json, "misses", map->misses);
		json_field_address(json, "expunged", map->expunged);
	}
	json_object_end(json);
}

/* The fields of an entry, into an open object. */
static void json_entry(struct dumper *dumper, const struct sync_entry *entry)
{
	const struct sync_layout *layout = dumper->contents->map->layout;
	struct json *json = dumper->session->json;

	json_field_address(json, "address", entry->address);
	json_field_name(json, "state", sync_state_name((enum sync_state)entry->state));
	json_field_address(json, "key_address", entry->key);
	json_field_address(json, "value_address", entry->value);
	json_key(json, "key");
	value_emit_at(&dumper->values, layout->key, entry->key);
	if (entry->value.v == 0)
		return;
	json_key(json, "value");
	value_emit_at(&dumper->values, layout->value, entry->value);
}

/* Entries [from, to): an inner map's. */
static struct error *json_inner(struct dumper *dumper, const char *which, const struct go_map *inner, size_t from, size_t to)
{
	struct json *json = dumper->session->json;
	bool lines = dumper->session->invocation->format == FORMAT_NDJSON;

	if (!lines) {
		json_key(json, which);
		json_object_begin(json);
		json_field_address(json, "address", inner->address);
		json_field_unsigned(json, "len", inner->length);
		json_key(json, "entries");
		json_array_begin(json);
	}
	for (size_t i = from; i < to && !output_failed(dumper->session->output); i++) {
		TRY(sync_reader_prepare(dumper->reader, i, 1));
		json_object_begin(json);
		if (lines)
			json_field_name(json, "inner", which);
		json_field_bool(json, "in_read", dumper->contents->entries[i].in_read);
		json_field_bool(json, "in_dirty", dumper->contents->entries[i].in_dirty);
		json_entry(dumper, &dumper->contents->entries[i]);
		json_object_end(json);
		if (lines)
			json_end_line(json);
	}
	if (!lines) {
		json_array_end(json);
		json_object_end(json);
	}
	return NULL;
}

static struct error *json_child(struct dumper *dumper, size_t node, unsigned slot)
{
	const struct sync_contents *contents = dumper->contents;
	struct json *json = dumper->session->json;
	size_t first, count = sync_slot_entries(contents, node, slot, &first);

	json_object_begin(json);
	json_field_unsigned(json, "slot", slot);
	json_field_address(json, "address", contents->nodes[node].children[slot]);
	json_key(json, "entries");
	json_array_begin(json);
	TRY(sync_reader_prepare(dumper->reader, first, count));
	for (size_t i = first; i < first + count; i++) {
		json_object_begin(json);
		json_field_unsigned(json, "chain", contents->entries[i].chain);
		json_entry(dumper, &contents->entries[i]);
		json_object_end(json);
	}
	json_array_end(json);
	json_object_end(json);
	return NULL;
}

static struct error *json_node(struct dumper *dumper, size_t index)
{
	const struct sync_node *node = &dumper->contents->nodes[index];
	struct json *json = dumper->session->json;
	char path[SYNC_CHILDREN + 1];

	json_object_begin(json);
	json_field_name(json, "path", path_of(dumper, node, path));
	json_field_unsigned(json, "level", node->level);
	json_field_address(json, "address", node->address);
	json_field_address(json, "parent", node->parent);
	json_field_bool(json, "dead", node->dead);
	json_field_bool(json, "locked", node->locked);
	json_key(json, "children");
	json_array_begin(json);
	for (unsigned slot = 0; slot < SYNC_CHILDREN; slot++)
		if (node->children[slot].v != 0)
			TRY(json_child(dumper, index, slot));
	json_array_end(json);
	json_object_end(json);
	if (dumper->session->invocation->format == FORMAT_NDJSON)
		json_end_line(json);
	return NULL;
}

static struct error *json_inside(struct dumper *dumper)
{
	const struct sync_contents *contents = dumper->contents;
	bool document = dumper->session->invocation->format == FORMAT_JSON;

	if (contents->map->layout->form == SYNC_READ_DIRTY) {
		TRY(json_inner(dumper, "read", &contents->read, 0, contents->read_count));
		return json_inner(dumper, "dirty", &contents->dirty, contents->read_count, contents->count);
	}
	if (document) {
		json_key(dumper->session->json, "nodes");
		json_array_begin(dumper->session->json);
	}
	for (size_t i = 0; i < contents->node_count && !output_failed(dumper->session->output); i++)
		TRY(json_node(dumper, i));
	if (document)
		json_array_end(dumper->session->json);
	return NULL;
}

/* --- text ------------------------------------------------------------------------------------------------------ */

static void text_address(struct output *output, const char *label, taddr value)
{
	output_text(output, label);
	if (value.v == 0)
		output_text(output, "nil");
	else
		output_address(output, value.v);
}

static void text_header(struct output *output, const struct sync_map *map)
{
	if (map->layout->form == SYNC_TRIE) {
		output_format(output, "  inited %" PRIu64, map->inited);
		text_address(output, ", root ", map->root);
		output_format(output, ", seed 0x%" PRIx64 "%s\n", map->seed, map->locked ? ", initMu locked" : "");
		return;
	}
	text_address(output, "  read ", map->read_only);
	output_format(output, " (amended %s)", map->amended ? "true" : "false");
	text_address(output, ", dirty ", map->dirty_map);
	output_format(output, ", misses %" PRIu64, map->misses);
	text_address(output, ", expunged is ", map->expunged);
	output_text(output, map->locked ? ", mu locked\n" : "\n");
}

static void text_entry(struct dumper *dumper, const struct sync_entry *entry)
{
	const struct sync_layout *layout = dumper->contents->map->layout;
	const struct text *text = &dumper->session->text;

	if (entry->state != SYNC_LIVE)
		text_begin(text, TEXT_DIM);
	text_address(text->output, "entry ", entry->address);
	output_format(text->output, "  %-10s", sync_state_name((enum sync_state)entry->state));
	text_address(text->output, "  key ", entry->key);
	text_address(text->output, "  value ", entry->value);
	if (entry->state != SYNC_LIVE)
		text_end(text, TEXT_DIM);
	output_text(text->output, "  ");
	text_begin(text, TEXT_KEY);
	value_emit_at(&dumper->values, layout->key, entry->key);
	text_end(text, TEXT_KEY);
	if (entry->value.v != 0) {
		output_text(text->output, ": ");
		value_emit_at(&dumper->values, layout->value, entry->value);
	}
	output_char(text->output, '\n');
}

static struct error *text_inner(struct dumper *dumper, const char *which, const struct go_map *inner, size_t from, size_t to)
{
	const struct text *text = &dumper->session->text;

	text_begin(text, TEXT_HEADING);
	output_format(text->output, "  %s map", which);
	text_end(text, TEXT_HEADING);
	text_address(text->output, "  at ", inner->address);
	output_format(text->output, ", %" PRIu64 " entries\n", inner->length);
	for (size_t i = from; i < to && !output_failed(text->output); i++) {
		const struct sync_entry *entry = &dumper->contents->entries[i];

		TRY(sync_reader_prepare(dumper->reader, i, 1));
		output_format(text->output, "    %-11s", entry->in_read && entry->in_dirty ? "both" : entry->in_read ? "only read" : "only dirty");
		text_entry(dumper, entry);
	}
	return NULL;
}

static struct error *text_child(struct dumper *dumper, size_t node, unsigned slot)
{
	const struct text *text = &dumper->session->text;
	size_t first, count = sync_slot_entries(dumper->contents, node, slot, &first);

	output_format(text->output, "    %x  ", slot);
	if (count == 0) {
		text_address(text->output, "node  ", dumper->contents->nodes[node].children[slot]);
		output_char(text->output, '\n');
	}
	TRY(sync_reader_prepare(dumper->reader, first, count));
	for (size_t i = 0; i < count; i++) {
		if (i != 0)
			output_format(text->output, "       overflow %zu: ", i);
		text_entry(dumper, &dumper->contents->entries[first + i]);
	}
	return NULL;
}

static struct error *text_node(struct dumper *dumper, size_t index)
{
	const struct sync_node *node = &dumper->contents->nodes[index];
	const struct text *text = &dumper->session->text;
	char path[SYNC_CHILDREN + 1];

	text_begin(text, TEXT_HEADING);
	output_format(text->output, "  node %s", node->level == 0 ? "(root)" : path_of(dumper, node, path));
	text_end(text, TEXT_HEADING);
	text_address(text->output, "  at ", node->address);
	text_address(text->output, ", parent ", node->parent);
	output_format(text->output, ", %u children%s%s\n", children_of(node), node->dead ? ", dead" : "",
		      node->locked ? ", locked" : "");
	for (unsigned slot = 0; slot < SYNC_CHILDREN; slot++)
		if (node->children[slot].v != 0)
			TRY(text_child(dumper, index, slot));
	return NULL;
}

static struct error *text_inside(struct dumper *dumper)
{
	const struct sync_contents *contents = dumper->contents;

	if (contents->map->layout->form == SYNC_READ_DIRTY) {
		TRY(text_inner(dumper, "read", &contents->read, 0, contents->read_count));
		return text_inner(dumper, "dirty", &contents->dirty, contents->read_count, contents->count);
	}
	for (size_t i = 0; i < contents->node_count && !output_failed(dumper->session->output); i++)
		TRY(text_node(dumper, i));
	return NULL;
}

/* --- both ------------------------------------------------------------------------------------------------------ */

static struct error *dump(struct dumper *dumper)
{
	struct session *session = dumper->session;
	struct session_head head = sync_head(dumper->contents);

	if (session->json == NULL) {
		session_text_head_of(session, &head);
		text_header(session->output, dumper->contents->map);
		return text_inside(dumper);
	}
	if (session->invocation->format == FORMAT_NDJSON)
		return json_inside(dumper);
	json_object_begin(session->json);
	session_json_head_of(session, &head);
	json_header(session->json, dumper->contents->map);
	TRY(json_inside(dumper));
	session_json_pause(session);
	json_object_end(session->json);
	json_end_line(session->json);
	return NULL;
}

struct error *sync_dump(struct session *session)
{
	const struct invocation *invocation = session->invocation;
	struct sync_request request = sync_request_default(session);
	struct dumper dumper = { .session = session };

	if (invocation->bucket != UINT64_MAX || invocation->table != UINT64_MAX || invocation->group != UINT64_MAX)
		return error_new(ERROR_USAGE, "--bucket, --table, --group: a sync.Map has none of these");
	TRY(sync_open(session, &request, &dumper.reader));
	dumper.contents = sync_reader_contents(dumper.reader);
	dumper.values.sink = session->json ? json_sink_create(session->json) : text_sink_create(&session->text);
	dumper.values.limits = request.options.limits;

	struct error *error = dump(&dumper);

	session->unreadable += dumper.values.unreadable;
	free(dumper.values.sink);
	sync_close(session, dumper.reader);
	return error;
}
