/* How the steps of a lookup are written: for trace, and for replay. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"

struct printer {
	struct session *session;
	const struct trace *trace;
	const struct go_map *map;
	bool classic;
	struct value_output values;
};

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static void json_hexadecimal(struct json *json, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_field_name(json, name, text);
}

static void json_value(struct printer *printer, const char *name, struct gotype *type, taddr address)
{
	json_key(printer->session->json, name);
	value_emit_at(&printer->values, type, address);
}

static void json_access(struct printer *printer, const struct trace_step *step)
{
	json_field_name(printer->session->json, "function", trace_access_name(printer->trace->access));
	json_field_address(printer->session->json, "address", step->address);
	json_field_bool(printer->session->json, "writing", printer->trace->writing);
}

static void json_hash(struct printer *printer, const struct trace_step *step)
{
	struct json *json = printer->session->json;

	json_field_name(json, "function", printer->trace->function);
	json_field_bool(json, "needed", step->hash.needed);
	if (step->hash.known) {
		json_field_bool(json, "aes", printer->trace->aes);
		json_hexadecimal(json, "seed", step->hash.seed);
		json_hexadecimal(json, "hash", step->hash.value);
	} else {
		json_field_name(json, "unknown", step->hash.why);
	}
}

static void json_bucket(struct printer *printer, const struct trace_step *step)
{
	struct json *json = printer->session->json;

	json_hexadecimal(json, "mask", step->bucket.mask);
	json_field_unsigned(json, "index", step->bucket.index);
	json_field_address(json, "bucket_address", step->bucket.address);
	json_field_bool(json, "growing", step->bucket.growing);
	if (step->bucket.growing) {
		json_hexadecimal(json, "old_mask", step->bucket.old_mask);
		json_field_unsigned(json, "old_index", step->bucket.old_index);
		json_field_address(json, "old_address", step->bucket.old_address);
		json_field_bool(json, "old_evacuated", step->bucket.evacuated);
	}
	json_field_address(json, "address", step->address);
}

static void json_directory(struct printer *printer, const struct trace_step *step)
{
	struct json *json = printer->session->json;

	json_field_unsigned(json, "index", step->directory.index);
	json_field_unsigned(json, "length", printer->map->swiss.dir_len);
	json_field_unsigned(json, "shift", step->directory.shift);
	json_field_address(json, "address", step->address);
	json_field_address(json, "table", step->directory.table);
}

static void json_table(struct printer *printer, const struct trace_step *step)
{
	struct json *json = printer->session->json;

	json_field_address(json, "address", step->address);
	json_field_unsigned(json, "local_depth", step->table.local_depth);
	json_field_unsigned(json, "capacity", step->table.capacity);
	json_field_address(json, "groups", step->table.groups);
	json_hexadecimal(json, "mask", step->table.mask);
}

static const char *search_name(enum trace_search search)
{
	static const char *const names[] = {
		[TRACE_BY_CONTROL] = "control", [TRACE_BY_KEY] = "key", [TRACE_BY_LENGTH] = "length",
		[TRACE_BY_LENGTH_CONTROL] = "length, control", [TRACE_BY_ENDS] = "length, ends",
	};

	return names[search];
}

static const char *verdict_name(enum trace_verdict verdict)
{
	static const char *const names[] = {
		[TRACE_NOT_REACHED] = "not reached", [TRACE_FREE] = "free", [TRACE_REST_FREE] = "all free from here",
		[TRACE_CONTROL_DIFFERS] = "control differs", [TRACE_LENGTH_DIFFERS] = "length differs",
		[TRACE_ENDS_DIFFER] = "ends differ", [TRACE_ENDS_EQUAL] = "ends equal", [TRACE_KEY_DIFFERS] = "key differs",
		[TRACE_KEY_EQUAL] = "key equal", [TRACE_KEY_UNREADABLE] = "key not readable",
	};

	return names[verdict];
}

static void json_slot(struct printer *printer, const struct trace_slot *slot, unsigned number)
{
	struct json *json = printer->session->json;
	const char *state;

	map_slot_state(printer->map, slot->control, &state);
	json_object_begin(json);
	json_field_unsigned(json, "slot", number);
	json_field_unsigned(json, printer->classic ? "tophash" : "control", slot->control);
	json_field_name(json, "state", state);
	json_field_name(json, "result", verdict_name(slot->verdict));
	if (slot->key.v != 0) {
		json_field_address(json, "key_address", slot->key);
		json_value(printer, "key", printer->map->type->key, slot->key);
	}
	json_object_end(json);
}

static void json_unit(struct printer *printer, const struct trace_step *step)
{
	struct json *json = printer->session->json;

	json_field_unsigned(json, "index", step->unit.index);
	json_field_unsigned(json, printer->classic ? "chain" : "probe", step->unit.probe);
	if (printer->classic)
		json_field_bool(json, "old", step->unit.old);
	json_field_address(json, "address", step->address);
	json_field_name(json, "compares", search_name(step->unit.search));
	json_key(json, "slots");
	json_array_begin(json);
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		json_slot(printer, &step->unit.slots[slot], slot);
	json_array_end(json);
	if (printer->classic)
		json_field_address(json, "overflow", step->unit.overflow);
	else
		json_field_bool(json, "has_empty", step->unit.has_empty);
}

static void json_elem(struct printer *printer, const struct trace_step *step)
{
	json_field_address(printer->session->json, "slot_address", step->elem.slot);
	json_field_bool(printer->session->json, "indirect", step->elem.indirect);
	json_field_address(printer->session->json, "address", step->address);
}

static void json_step(struct printer *printer, const struct trace_step *step)
{
	struct json *json = printer->session->json;
	static const char *const names[] = {
		[TRACE_ACCESS] = "access", [TRACE_HASH] = "hash", [TRACE_BUCKET] = "bucket", [TRACE_TOPHASH] = "tophash",
		[TRACE_SPLIT] = "split", [TRACE_SMALL] = "small", [TRACE_DIRECTORY] = "directory", [TRACE_TABLE] = "table",
		[TRACE_UNIT] = "search", [TRACE_ELEM] = "found", [TRACE_END] = "end",
	};

	json_object_begin(json);
	json_field_name(json, "step", names[step->kind]);
	switch (step->kind) {
	case TRACE_ACCESS: json_access(printer, step); break;
	case TRACE_HASH: json_hash(printer, step); break;
	case TRACE_BUCKET: json_bucket(printer, step); break;
	case TRACE_TOPHASH: json_field_unsigned(json, "tophash", step->tophash); break;
	case TRACE_SPLIT:
		json_hexadecimal(json, "h1", step->split.h1);
		json_field_unsigned(json, "h2", step->split.h2);
		break;
	case TRACE_SMALL: json_field_address(json, "address", step->address); break;
	case TRACE_DIRECTORY: json_directory(printer, step); break;
	case TRACE_TABLE: json_table(printer, step); break;
	case TRACE_UNIT: json_unit(printer, step); break;
	case TRACE_ELEM: json_elem(printer, step); break;
	case TRACE_END:
		json_field_address(json, "address", step->address);
		json_field_name(json, "why", step->end);
		break;
	}
	json_object_end(json);
}

static void print_json(struct printer *printer, taddr key)
{
	struct json *json = printer->session->json;
	const struct trace *trace = printer->trace;

	json_object_begin(json);
	session_json_head(printer->session, printer->map);
	json_value(printer, "key", printer->map->type->key, key);
	if (trace->hash_known)
		json_hexadecimal(json, "hash", trace->hash);
	else
		json_field_name(json, "hash", NULL);
	json_key(json, "steps");
	json_array_begin(json);
	for (size_t i = 0; i < trace->count; i++)
		json_step(printer, &trace->steps[i]);
	json_array_end(json);
	json_field_bool(json, "found", trace->found);
	json_field_address(json, "elem_address", trace->elem);
	if (trace->found)
		json_value(printer, "elem", printer->map->type->elem, trace->elem);
	session_json_end(printer->session);
}

/* --- text ------------------------------------------------------------------------------------------------------- */

/* "     " in front of what belongs to the step above. */
static void indent(const struct printer *printer)
{
	output_format(printer->session->output, "%15s", "");
}

static void say(const struct printer *printer, enum text_role role, const char *what)
{
	text_begin(&printer->session->text, role);
	text_plain(printer->session->output, what);
	text_end(&printer->session->text, role);
}

static void text_value(struct printer *printer, struct gotype *type, taddr address)
{
	value_emit_at(&printer->values, type, address);
}

static void text_access(struct printer *printer)
{
	struct output *output = printer->session->output;
	const struct gotype *key = printer->map->type->key, *elem = printer->map->type->elem;

	output_format(output, "%s: ", trace_access_name(printer->trace->access));
	switch (printer->trace->access) {
	case TRACE_FASTSTR: output_text(output, "keys are strings"); break;
	case TRACE_FAST32:
	case TRACE_FAST64: output_format(output, "keys are %" PRIu64 " bytes that are compared as one integer", key->size); break;
	case TRACE_GENERIC:
		if (elem->size > MAP_INDIRECT_ABOVE)
			output_format(output, "elems of %" PRIu64 " bytes are behind pointers", elem->size);
		else
			output_text(output, "keys are compared by the function of their type");
		break;
	}
	output_char(output, '\n');
	if (!printer->trace->writing)
		return;
	indent(printer);
	say(printer, TEXT_WARNING, "the writing flag is set: the runtime ends here, \"concurrent map read and map write\"");
	output_char(output, '\n');
}

static void text_hash(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	if (!step->hash.needed)
		output_text(output, "not needed at first; it is ");
	if (step->hash.known) {
		output_address(output, step->hash.value);
		output_format(output, "  %s (%s), seed 0x%" PRIx64 "\n", printer->trace->function,
			      printer->trace->aes ? "AES" : "without AES", step->hash.seed);
		return;
	}
	output_text(output, "not known: ");
	text_plain(output, step->hash.why);
	output_char(output, '\n');
}

static void text_bucket(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	output_format(output, "hash & 0x%" PRIx64 " = %" PRIu64 "  ", step->bucket.mask, step->bucket.index);
	output_address(output, step->bucket.address.v);
	output_char(output, '\n');
	if (!step->bucket.growing)
		return;
	indent(printer);
	output_format(output, "the map grows: old bucket hash & 0x%" PRIx64 " = %" PRIu64 "  ", step->bucket.old_mask,
		      step->bucket.old_index);
	output_address(output, step->bucket.old_address.v);
	output_text(output, step->bucket.evacuated ? " is evacuated: the new one is searched\n"
						   : " is not evacuated yet: it is searched, the new one has nothing yet\n");
}

static void text_tophash(struct printer *printer, const struct trace_step *step)
{
	uint8_t top = (uint8_t)(printer->trace->hash >> (8 * printer->map->program->machine.word_size - 8));

	output_format(printer->session->output, "0x%02x  the hash's top byte", step->tophash);
	if (top != step->tophash)
		output_format(printer->session->output, " 0x%02x, and %u: less would be a mark", top, step->tophash - top);
	output_char(printer->session->output, '\n');
}

static void text_small(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	output_text(output, printer->classic ? "the map is one bucket (B 0)  " : "the map is one group (dirLen 0)  ");
	output_address(output, step->address.v);
	output_char(output, '\n');
}

static void text_directory(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	if (printer->map->swiss.dir_len == 1)
		output_text(output, "its one slot");
	else
		output_format(output, "hash >> %u = slot %" PRIu64 " of %" PRIu64, step->directory.shift, step->directory.index,
			      printer->map->swiss.dir_len);
	output_text(output, "  ");
	output_address(output, step->address.v);
	output_text(output, "  leads to table ");
	output_address(output, step->directory.table.v);
	output_char(output, '\n');
}

static void text_table_step(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	output_address(output, step->address.v);
	output_format(output, "  local depth %u, %" PRIu64 " groups at ", step->table.local_depth, step->table.mask + 1);
	output_address(output, step->table.groups.v);
	output_format(output, ", H1 & 0x%" PRIx64 " is the first\n", step->table.mask);
}

static const char *slot_text(const struct printer *printer, const struct trace_slot *slot)
{
	const char *state;

	switch (slot->verdict) {
	case TRACE_FREE:
	case TRACE_NOT_REACHED: map_slot_state(printer->map, slot->control, &state); return state;
	case TRACE_CONTROL_DIFFERS: return printer->classic ? "another tophash" : "another H2";
	case TRACE_LENGTH_DIFFERS: return "another length";
	case TRACE_ENDS_DIFFER: return "the same length, other first or last bytes:";
	case TRACE_ENDS_EQUAL: return "the same length, first and last bytes:";
	case TRACE_KEY_DIFFERS: return "another key:";
	case TRACE_KEY_EQUAL: return "the key:";
	case TRACE_KEY_UNREADABLE: return "not readable:";
	case TRACE_REST_FREE: break;
	}
	return "emptyRest: nothing is behind it";
}

static void text_slot(struct printer *printer, const struct trace_slot *slot, unsigned number)
{
	struct output *output = printer->session->output;
	enum text_role role = slot->verdict == TRACE_KEY_EQUAL ? TEXT_GOOD : slot->key.v != 0 ? TEXT_KEY : TEXT_DIM;

	indent(printer);
	output_format(output, "slot %u  0x%02x  ", number, slot->control);
	say(printer, role, slot_text(printer, slot));
	if (slot->key.v != 0) {
		output_char(output, ' ');
		output_address(output, slot->key.v);
		output_text(output, "  ");
		text_value(printer, printer->map->type->key, slot->key);
	}
	output_char(output, '\n');
}

static void text_unit_name(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	if (!printer->classic) {
		output_format(output, "group %" PRIu64 "  ", step->unit.index);
		output_address(output, step->address.v);
		if (step->unit.probe != 0)
			output_format(output, "  %u behind the first on the probe sequence", step->unit.probe);
		return;
	}
	if (step->unit.probe != 0)
		output_format(output, "overflow %u of ", step->unit.probe);
	output_format(output, "%sbucket %" PRIu64 "  ", step->unit.old ? "old " : "", step->unit.index);
	output_address(output, step->address.v);
}

/* Slots behind the end of the search are left out. */
static void text_unit(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	text_unit_name(printer, step);
	output_char(output, '\n');
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		if (step->unit.slots[slot].verdict != TRACE_NOT_REACHED)
			text_slot(printer, &step->unit.slots[slot], slot);
	if (!printer->classic || step->unit.overflow.v == 0 || step + 1 == printer->trace->steps + printer->trace->count ||
	    step[1].kind != TRACE_UNIT)
		return;
	indent(printer);
	output_text(output, "overflow pointer  ");
	output_address(output, step->unit.overflow.v);
	output_char(output, '\n');
}

static void text_elem(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	if (step->elem.indirect) {
		output_text(output, "the slot at ");
		output_address(output, step->elem.slot.v);
		output_text(output, " has a pointer to the elem at ");
	} else {
		output_text(output, "elem at ");
	}
	output_address(output, step->address.v);
	output_text(output, "  ");
	text_value(printer, printer->map->type->elem, step->address);
	output_char(output, '\n');
}

static void text_step(struct printer *printer, const struct trace_step *step)
{
	struct output *output = printer->session->output;

	switch (step->kind) {
	case TRACE_ACCESS: text_access(printer); break;
	case TRACE_HASH: text_hash(printer, step); break;
	case TRACE_BUCKET: text_bucket(printer, step); break;
	case TRACE_TOPHASH: text_tophash(printer, step); break;
	case TRACE_SPLIT:
		output_format(output, "H1 = hash >> 7 = 0x%" PRIx64 ", H2 = hash & 0x7f = 0x%02x\n", step->split.h1,
			      step->split.h2);
		break;
	case TRACE_SMALL: text_small(printer, step); break;
	case TRACE_DIRECTORY: text_directory(printer, step); break;
	case TRACE_TABLE: text_table_step(printer, step); break;
	case TRACE_UNIT: text_unit(printer, step); break;
	case TRACE_ELEM: text_elem(printer, step); break;
	case TRACE_END:
		text_plain(output, step->end);
		output_char(output, '\n');
		break;
	}
}

static void print_text(struct printer *printer, taddr key)
{
	const struct text *text = &printer->session->text;
	static const char *const labels[] = {
		[TRACE_ACCESS] = "function", [TRACE_HASH] = "hash", [TRACE_BUCKET] = "bucket", [TRACE_TOPHASH] = "tophash",
		[TRACE_SPLIT] = "H1, H2", [TRACE_SMALL] = "small map", [TRACE_DIRECTORY] = "directory", [TRACE_TABLE] = "table",
		[TRACE_UNIT] = "search", [TRACE_ELEM] = "found", [TRACE_END] = "not found",
	};

	session_text_head(printer->session, printer->map);
	output_format(text->output, "%4s%-11s", "", "key");
	text_value(printer, printer->map->type->key, key);
	output_char(text->output, '\n');
	for (size_t i = 0; i < printer->trace->count; i++) {
		const struct trace_step *step = &printer->trace->steps[i];
		enum text_role role = step->kind == TRACE_ELEM ? TEXT_GOOD : step->kind == TRACE_END ? TEXT_WARNING : TEXT_KEY;

		output_format(text->output, "%2zu  ", i + 1);
		text_begin(text, role);
		output_format(text->output, "%-11s", labels[step->kind]);
		text_end(text, role);
		text_step(printer, step);
	}
}

void trace_print(struct session *session, const struct trace *trace, taddr key)
{
	struct printer printer = {
		.session = session,
		.trace = trace,
		.map = trace->map,
		.classic = trace->map->layout->implementation == MAP_CLASSIC,
	};

	printer.values.limits = value_limits_now();
	printer.values.limits.depth = session->invocation->depth;
	printer.values.sink = session->json ? json_sink_create(session->json) : text_sink_create(&session->text);
	if (session->json != NULL)
		print_json(&printer, key);
	else
		print_text(&printer, key);
	free(printer.values.sink);
	session->unreadable += printer.values.unreadable;
}
