#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/memory.h"
#include "command/sync.h"

struct dumper {
	struct session *session;
	const struct go_map *map;
	struct value_output values;
	struct map_scratch scratch;
	uint64_t live;
	uint64_t table;       /* swiss: the directory slot of the table that is being written; UINT64_MAX: none yet */
	const char *array;    /* JSON: the array that is open, "buckets", "old_buckets", "tables", "groups" */
	bool table_open;      /* JSON: a table's object and its groups are */
};

static const struct {
	unsigned bit;
	const char *name;
} flag_names[] = {
	{ CLASSIC_ITERATOR, "iterator" },
	{ CLASSIC_OLD_ITERATOR, "oldIterator" },
	{ CLASSIC_HASH_WRITING, "hashWriting" },
	{ CLASSIC_SAME_SIZE_GROW, "sameSizeGrow" },
};

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static void json_classic_header(struct json *json, const struct go_map *map)
{
	const struct classic_header *header = &map->classic;

	json_field_unsigned(json, "count", map->length);
	json_field_unsigned(json, "flags", header->flags);
	json_key(json, "flag_names");
	json_array_begin(json);
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (header->flags & flag_names[i].bit)
			json_text(json, flag_names[i].name);
	json_array_end(json);
	json_field_unsigned(json, "B", header->b);
	json_field_unsigned(json, "noverflow", header->noverflow);
	json_field_unsigned(json, "hash0", header->hash0);
	json_field_address(json, "buckets", header->buckets);
	json_field_address(json, "oldbuckets", header->old_buckets);
	json_field_unsigned(json, "nevacuate", header->nevacuate);
	json_field_unsigned(json, "old_count", header->old_count);
}

static void json_swiss_header(struct json *json, const struct go_map *map)
{
	const struct swiss_header *header = &map->swiss;

	json_field_unsigned(json, "used", map->length);
	json_field_unsigned(json, "seed", header->seed);
	json_field_address(json, "dirPtr", header->directory);
	json_field_unsigned(json, "dirLen", header->dir_len);
	json_field_unsigned(json, "globalDepth", header->global_depth);
	json_field_unsigned(json, "globalShift", header->global_shift);
	json_field_unsigned(json, "writing", header->writing);
	if (map->layout->swiss.tombstone_possible.size != 0) {
		json_field_bool(json, "tombstonePossible", header->tombstone_possible);
	}
	json_field_unsigned(json, "clearSeq", header->clear_seq);
}

static void json_slot(struct dumper *dumper, const struct map_unit *unit, unsigned slot)
{
	struct json *json = dumper->session->json;
	const struct go_map *map = dumper->map;
	const struct map_unit_layout *layout = &map->layout->unit;
	uint8_t control = map_control(map, unit, slot);
	bool live = (unit->live >> slot & 1) != 0;
	struct map_entry entry;
	struct error *error = NULL;
	const char *name;

	map_slot_state(map, control, &name);
	json_object_begin(json);
	json_field_unsigned(json, "slot", slot);
	json_field_unsigned(json, map->layout->implementation == MAP_CLASSIC ? "tophash" : "control", control);
	json_field_name(json, "state", live ? "live" : unit->evacuated || unit->waiting ? "stale" : name);
	if (live) {
		error = map_entry_load(map, unit, slot, &dumper->scratch, &entry);
		json_field_address(json, "key_address", error ? map_key_slot_address(map, unit, slot) : entry.key_address);
		json_field_address(json, "elem_address", error ? map_elem_slot_address(map, unit, slot) : entry.elem_address);
	} else {
		json_field_address(json, "key_address", map_key_slot_address(map, unit, slot));
		json_field_address(json, "elem_address", map_elem_slot_address(map, unit, slot));
	}
	json_field_unsigned(json, "key_offset", layout->key_offset + slot * layout->key_stride);
	json_field_unsigned(json, "elem_offset", layout->elem_offset + slot * layout->elem_stride);
	if (live && error == NULL) {
		json_key(json, "key");
		value_emit(&dumper->values, map->type->key, entry.key, entry.key_address);
		json_key(json, "value");
		value_emit(&dumper->values, map->type->elem, entry.elem, entry.elem_address);
	} else if (live) {
		json_field_name(json, "error", error->message);
		dumper->values.unreadable++;
	}
	error_free(error);
	json_object_end(json);
}

static void json_slots(struct dumper *dumper, const struct map_unit *unit)
{
	json_key(dumper->session->json, "slots");
	json_array_begin(dumper->session->json);
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		json_slot(dumper, unit, slot);
	json_array_end(dumper->session->json);
}

static void json_bucket(struct dumper *dumper, const struct map_unit *unit)
{
	struct json *json = dumper->session->json;
	const struct machine *machine = &dumper->map->program->machine;

	json_field_unsigned(json, "index", unit->index);
	json_field_unsigned(json, "chain", unit->chain);
	json_field_address(json, "address", unit->address);
	json_field_address(json, "overflow", load_address(machine, unit->bytes + dumper->map->layout->unit.overflow_offset));
	json_field_bool(json, "evacuated", unit->evacuated);
	json_field_bool(json, "waiting", unit->waiting);
}

static void json_group(struct dumper *dumper, const struct map_unit *unit)
{
	struct json *json = dumper->session->json;
	uint64_t control = load_u64(&dumper->map->program->machine, unit->bytes + dumper->map->layout->unit.control_offset);

	json_field_unsigned(json, "index", unit->index);
	json_field_address(json, "address", unit->address);
	json_field_address(json, "control_word", taddr_of(control));
}

static void json_open_table(struct dumper *dumper, const struct map_table *table)
{
	struct json *json = dumper->session->json;

	json_object_begin(json);
	json_field_address(json, "address", table->address);
	json_field_unsigned(json, "index", table->index);
	json_field_unsigned(json, "directory_index", table->directory_index);
	json_field_unsigned(json, "directory_slots", table->directory_slots);
	json_field_unsigned(json, "used", table->used);
	json_field_unsigned(json, "capacity", table->capacity);
	json_field_unsigned(json, "growthLeft", table->growth_left);
	json_field_unsigned(json, "localDepth", table->local_depth);
	json_field_address(json, "groups_data", table->groups);
	json_field_unsigned(json, "lengthMask", table->group_count - 1);
	json_key(json, "groups");
	json_array_begin(json);
	dumper->table_open = true;
}

static void json_close_table(struct dumper *dumper)
{
	if (!dumper->table_open)
		return;
	json_array_end(dumper->session->json);
	json_object_end(dumper->session->json);
	dumper->table_open = false;
}

/* Closes the array that is open, and opens `name` (NULL: none). */
static void json_switch_array(struct dumper *dumper, const char *name)
{
	if (dumper->array != NULL)
		json_array_end(dumper->session->json);
	if (name != NULL) {
		json_key(dumper->session->json, name);
		json_array_begin(dumper->session->json);
	}
	dumper->array = name;
}

static void json_unit(struct dumper *dumper, const struct map_unit *unit, const struct map_table *table)
{
	struct json *json = dumper->session->json;
	bool classic = dumper->map->layout->implementation == MAP_CLASSIC;
	const char *array = !classic ? (table ? "tables" : "groups") : unit->old ? "old_buckets_dump" : "buckets_dump";

	if (dumper->array == NULL || strcmp(dumper->array, array) != 0)
		json_switch_array(dumper, array);
	if (table != NULL && table->directory_index != dumper->table) {
		json_close_table(dumper);
		json_open_table(dumper, table);
		dumper->table = table->directory_index;
	}
	json_object_begin(json);
	if (classic)
		json_bucket(dumper, unit);
	else
		json_group(dumper, unit);
	json_slots(dumper, unit);
	json_object_end(json);
}

/* NDJSON: a line a bucket or group, which says itself where it is. */
static void ndjson_unit(struct dumper *dumper, const struct map_unit *unit, const struct map_table *table)
{
	struct json *json = dumper->session->json;

	json_object_begin(json);
	if (dumper->map->layout->implementation == MAP_CLASSIC) {
		json_field_bool(json, "old", unit->old);
		json_bucket(dumper, unit);
	} else {
		json_key(json, "table");
		if (table != NULL)
			json_unsigned(json, table->directory_index);
		else
			json_null(json);
		json_group(dumper, unit);
	}
	json_slots(dumper, unit);
	json_object_end(json);
	json_end_line(json);
}

/* --- text ------------------------------------------------------------------------------------------------------- */

static void text_address(struct output *output, const char *label, taddr value)
{
	output_text(output, label);
	if (value.v == 0)
		output_text(output, "nil");
	else
		output_address(output, value.v);
}

static void text_classic_header(struct output *output, const struct go_map *map)
{
	const struct classic_header *header = &map->classic;
	const char *separator = " (";

	output_format(output, "  count %" PRIu64 ", flags 0x%x", map->length, header->flags);
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		if (!(header->flags & flag_names[i].bit))
			continue;
		output_format(output, "%s%s", separator, flag_names[i].name);
		separator = "|";
	}
	output_format(output, "%s, B %u, noverflow %u, hash0 0x%08x\n", *separator == '|' ? ")" : "", header->b,
		      header->noverflow, header->hash0);
	text_address(output, "  buckets ", header->buckets);
	text_address(output, ", oldbuckets ", header->old_buckets);
	output_format(output, ", nevacuate %" PRIu64, header->nevacuate);
	if (header->old_count != 0)
		output_format(output, " of %" PRIu64 " old buckets", header->old_count);
	output_char(output, '\n');
}

static void text_swiss_header(struct output *output, const struct go_map *map)
{
	const struct swiss_header *header = &map->swiss;

	output_format(output, "  used %" PRIu64 ", seed 0x%" PRIx64 ", writing %u, clearSeq %" PRIu64, map->length,
		      header->seed, header->writing, header->clear_seq);
	if (map->layout->swiss.tombstone_possible.size != 0)
		output_format(output, ", tombstonePossible %s", header->tombstone_possible ? "true" : "false");
	text_address(output, "\n  dirPtr ", header->directory);
	output_format(output, ", dirLen %" PRIu64 "%s, globalDepth %u, globalShift %u\n", header->dir_len,
		      header->dir_len == 0 ? " (one group)" : "", header->global_depth, header->global_shift);
}

static void text_entry(struct dumper *dumper, const struct map_entry *entry, struct error *error)
{
	const struct text *text = &dumper->session->text;
	struct sink *sink = dumper->values.sink;

	if (error != NULL) {
		dumper->values.unreadable++;
		sink->ops->unreadable(sink, error->message);
		return;
	}
	text_begin(text, TEXT_KEY);
	value_emit(&dumper->values, dumper->map->type->key, entry->key, entry->key_address);
	text_end(text, TEXT_KEY);
	output_text(text->output, ": ");
	value_emit(&dumper->values, dumper->map->type->elem, entry->elem, entry->elem_address);
}

static void text_slot(struct dumper *dumper, const struct map_unit *unit, unsigned slot)
{
	const struct text *text = &dumper->session->text;
	const struct go_map *map = dumper->map;
	const struct map_unit_layout *layout = &map->layout->unit;
	uint8_t control = map_control(map, unit, slot);
	bool live = (unit->live >> slot & 1) != 0;
	const char *name;

	map_slot_state(map, control, &name);
	if (!live && (unit->evacuated || unit->waiting) && strcmp(name, "live") == 0)
		name = "stale";
	if (!live)
		text_begin(text, TEXT_DIM);
	output_format(text->output, "    %u  %02x %-14s key +%-4u 0x%" PRIx64 "  elem +%-4u 0x%" PRIx64, slot, control,
		      live ? "live" : name, layout->key_offset + slot * layout->key_stride,
		      map_key_slot_address(map, unit, slot).v, layout->elem_offset + slot * layout->elem_stride,
		      map_elem_slot_address(map, unit, slot).v);
	if (!live)
		text_end(text, TEXT_DIM);
	if (live) {
		struct map_entry entry;
		struct error *error = map_entry_load(map, unit, slot, &dumper->scratch, &entry);

		output_text(text->output, "  ");
		text_entry(dumper, &entry, error);
		error_free(error);
	}
	output_char(text->output, '\n');
}

static void text_bucket(struct dumper *dumper, const struct map_unit *unit)
{
	const struct text *text = &dumper->session->text;
	taddr overflow = load_address(&dumper->map->program->machine,
				      unit->bytes + dumper->map->layout->unit.overflow_offset);

	text_begin(text, TEXT_HEADING);
	output_format(text->output, "  %s %" PRIu64, unit->old ? "old bucket" : "bucket", unit->index);
	if (unit->chain != 0)
		output_format(text->output, ", overflow %u", unit->chain);
	text_end(text, TEXT_HEADING);
	text_address(text->output, "  at ", unit->address);
	text_address(text->output, ", overflow ", overflow);
	output_text(text->output, unit->evacuated ? ", evacuated: its entries have moved\n"
				  : unit->waiting ? ", waits for its old bucket to be evacuated\n"
						  : "\n");
}

static void text_table(struct dumper *dumper, const struct map_table *table)
{
	const struct text *text = &dumper->session->text;

	text_begin(text, TEXT_HEADING);
	output_format(text->output, "  table %" PRIu64, table->directory_index);
	text_end(text, TEXT_HEADING);
	text_address(text->output, "  at ", table->address);
	output_format(text->output, ", directory slot%s %" PRIu64, table->directory_slots == 1 ? "" : "s", table->directory_index);
	if (table->directory_slots != 1)
		output_format(text->output, "-%" PRIu64, table->directory_index + table->directory_slots - 1);
	output_format(text->output, ", used %u, capacity %u, growthLeft %u, localDepth %u", table->used, table->capacity,
		      table->growth_left, table->local_depth);
	text_address(text->output, ", groups ", table->groups);
	output_format(text->output, ", lengthMask %" PRIu64 "\n", table->group_count - 1);
}

static void text_unit(struct dumper *dumper, const struct map_unit *unit, const struct map_table *table)
{
	const struct text *text = &dumper->session->text;

	if (table != NULL && table->directory_index != dumper->table) {
		text_table(dumper, table);
		dumper->table = table->directory_index;
	}
	if (dumper->map->layout->implementation == MAP_CLASSIC) {
		text_bucket(dumper, unit);
	} else {
		text_begin(text, TEXT_HEADING);
		output_format(text->output, "  group %" PRIu64, unit->index);
		text_end(text, TEXT_HEADING);
		text_address(text->output, "  at ", unit->address);
		output_format(text->output, ", control word 0x%016" PRIx64 "\n",
			      load_u64(&dumper->map->program->machine, unit->bytes + dumper->map->layout->unit.control_offset));
	}
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		text_slot(dumper, unit, slot);
}

/* --- both -------------------------------------------------------------------------------------------------------- */

static void dump_head(struct dumper *dumper)
{
	struct session *session = dumper->session;
	bool classic = dumper->map->layout->implementation == MAP_CLASSIC;

	if (session->invocation->format == FORMAT_JSON) {
		json_object_begin(session->json);
		session_json_head(session, dumper->map);
		if (dumper->map->address.v == 0)
			return;
		json_key(session->json, "header");
		json_object_begin(session->json);
		if (classic)
			json_classic_header(session->json, dumper->map);
		else
			json_swiss_header(session->json, dumper->map);
		json_object_end(session->json);
	} else if (session->json == NULL) {
		session_text_head(session, dumper->map);
		if (dumper->map->address.v == 0)
			return;
		if (classic)
			text_classic_header(session->output, dumper->map);
		else
			text_swiss_header(session->output, dumper->map);
	}
}

static void dump_unit(struct dumper *dumper, const struct map_unit *unit, const struct map_table *table)
{
	const struct invocation *invocation = dumper->session->invocation;

	if (invocation->group != UINT64_MAX && unit->index != invocation->group)
		return;
	dumper->live += map_live_count(unit);
	if (invocation->format == FORMAT_JSON)
		json_unit(dumper, unit, table);
	else if (invocation->format == FORMAT_NDJSON)
		ndjson_unit(dumper, unit, table);
	else
		text_unit(dumper, unit, table);
}

static struct error *dump(struct dumper *dumper, struct reader *reader)
{
	struct session *session = dumper->session;
	struct map_batch batch;

	dump_head(dumper);
	do {
		TRY(reader_next(reader, &batch));
		for (size_t i = 0; i < batch.count; i++)
			dump_unit(dumper, &batch.units[i], batch.table_count ? &batch.tables[batch.units[i].table] : NULL);
	} while (batch.count != 0 && !output_failed(session->output));
	if (session->invocation->format == FORMAT_JSON) {
		json_close_table(dumper);
		json_switch_array(dumper, NULL);
		session_json_end(session);
	}
	return NULL;
}

/* --bucket, --table and --group name parts that the map has. */
static struct error *check_part(const struct session *session, const struct go_map *map)
{
	const struct invocation *invocation = session->invocation;
	bool classic = map->layout->implementation == MAP_CLASSIC;
	uint64_t most;

	if (invocation->bucket != UINT64_MAX && !classic)
		return error_hint(error_new(ERROR_USAGE, "--bucket: a Swiss map has no buckets"), "use --table T --group G");
	if (invocation->table != UINT64_MAX && classic)
		return error_hint(error_new(ERROR_USAGE, "--table: a classic map has no tables"), "use --bucket N");
	if (invocation->bucket != UINT64_MAX) {
		most = invocation->old ? map->classic.old_count : map->classic.bucket_count;
		if (invocation->bucket >= most)
			return error_new(ERROR_USAGE, "--bucket %" PRIu64 ": the map has %" PRIu64 " %sbuckets",
					 invocation->bucket, most, invocation->old ? "old " : "");
	}
	if (invocation->table != UINT64_MAX) {
		most = map->swiss.dir_len ? map->swiss.dir_len : 1;
		if (invocation->table >= most)
			return error_new(ERROR_USAGE, "--table %" PRIu64 ": the map's directory has %" PRIu64 " slots",
					 invocation->table, most);
	}
	return NULL;
}

static struct error *run(struct session *session)
{
	const struct invocation *invocation = session->invocation;
	struct map_request request = map_request_default(session);
	struct dumper dumper = { .session = session, .table = UINT64_MAX };
	struct reader *reader;
	bool sync;

	if (invocation->memory)
		return memory_dump(session);
	TRY(sync_is_named(session, &sync));
	if (sync)
		return sync_dump(session);
	request.options.what = MAP_WALK_ALL;
	request.options.whole = true;
	request.part = invocation->bucket != UINT64_MAX ? invocation->bucket : invocation->table;
	request.part_old = invocation->old;
	TRY(session_prove_map(session));
	TRY(session_open_map(session, &request, &reader));
	dumper.map = reader_map(reader);

	struct error *error = check_part(session, dumper.map);

	if (error == NULL) {
		dumper.values.sink = session->json ? json_sink_create(session->json) : text_sink_create(&session->text);
		dumper.values.limits = request.options.limits;
		error = dump(&dumper, reader);
		if (error == NULL && request.part == UINT64_MAX)
			session_check_count(session, reader, dumper.live);
		free(dumper.values.sink);
	}
	session->unreadable += dumper.values.unreadable;
	map_scratch_free(&dumper.scratch);
	session_close_map(session, reader);
	return error;
}

const struct command command_dump = {
	.name = "dump",
	.summary = "Show a map's inside: buckets or groups, slot by slot",
	.arguments = "MAP",
	.arguments_least = 1,
	.arguments_most = 1,
	.target = TARGET_MEMORY,
	.options = OPTIONS_MEMORY | OPTIONS_PART | OPTIONS_PROGRAM | OPTIONS_LOCAL,
	.description = "Classic maps: each bucket with its chain, its tophash bytes and what they mean in this Go version, old buckets "
		       "while it grows. Swiss maps: the directory's tables, their groups and control bytes. Of each slot the "
		       "offsets and addresses of key and elem. Deleted and stale slots are marked; what is left in them is no entry.",
	.run = run,
};
