#include "map/value.h"

#include <stdlib.h>
#include <string.h>

#include "map/sync_map.h"
#include "map/value_private.h"
#include "util/alloc.h"
#include "util/limits.h"

struct value_limits value_limits_now(void)
{
	return (struct value_limits){
		.depth = 3, .string_bytes = limit_of(LIMIT_STRING), .elements = limit_of(LIMIT_ELEMENTS), .entries = limit_of(LIMIT_ENTRIES)
	};
}

/*
 * Slices of slices of interfaces ... can name the same memory again and again, in sound programs and in garbage. One
 * entry gets LIMIT_VALUES, half as many after each that needed more, but never less than this.
 */
enum { VALUES_LEAST = 1 << 12 };
struct error *value_borrow(struct program *program, taddr address, uint64_t length, struct loan *out)
{
	if (length > limit_of(LIMIT_VALUE))
		return limit_passed(LIMIT_VALUE, "0x%llx: %llu", (unsigned long long)address.v, (unsigned long long)length);
	out->owned = NULL;
	out->bytes = length == 0 ? (const uint8_t *)"" : target_view(program->memory, address, length);
	if (out->bytes != NULL)
		return NULL;
	TRY(alloc_checked(length, 1, "a value", &out->owned));

	struct error *error = target_read(program->memory, address, out->owned, length);

	if (error != NULL) {
		free(out->owned);
		return error;
	}
	out->bytes = out->owned;
	return NULL;
}

static void emit_error(struct value_output *output, struct error *error)
{
	output->unreadable++;
	output->sink->ops->unreadable(output->sink, error->message);
	error_free(error);
}

static void emit_unreadable(struct value_output *output, const char *why)
{
	output->unreadable++;
	output->sink->ops->unreadable(output->sink, why);
}

/* --- what ends the walk through values -------------------------------------------------------------------------- */

/* Memory that values are being decoded from: what leads back to it is a circle. */
struct value_frame {
	const struct value_frame *outer;
	const struct gotype *type;
	taddr address;
};

static bool is_circle(const struct value_frame *frame)
{
	for (const struct value_frame *outer = frame->outer; outer != NULL; outer = outer->outer)
		if (outer->address.v == frame->address.v && outer->type == frame->type)
			return true;
	return false;
}

/* Why nothing more is decoded inside the outermost value; NULL where it is. */
static const char *spend(struct value_output *output)
{
	uint64_t most = output->overspent < 10 ? limit_of(LIMIT_VALUES) >> output->overspent : VALUES_LEAST;

	if (output->nesting == 0)
		output->spent = 0;
	else if (output->unreadable >= UNREADABLE_LIMIT)
		return "too many values are not readable to go on inside them";
	if (output->nesting == NESTING_LIMIT)
		return "nested too deeply";
	if (output->spent > most)
		return "there are too many values inside this one (--limit values=N)";
	if (output->spent++ == most)
		output->overspent++;
	return NULL;
}

/* So much of one string or slice is shown once so many values were not readable: the others are hardly sound either. */
enum { DISTRUST = 4, DISTRUSTED_LENGTH = 1 << 16 };

static uint64_t trusted(const struct value_output *output, uint64_t limit)
{
	return output->unreadable < DISTRUST ? limit : least(limit, DISTRUSTED_LENGTH);
}

/* --- emitting ---------------------------------------------------------------------------------------------- */

static bool is_readable(const struct program *program, taddr address, uint64_t offset)
{
	uint8_t byte;

	return target_read_some(program->memory, taddr_add(address, offset), &byte, 1) == 1;
}

static void emit_string(struct value_output *output, struct program *program, const uint8_t *bytes)
{
	struct slice_header header = load_slice(program, bytes);
	uint64_t shown = least(header.length, trusted(output, output->limits.string_bytes));
	struct loan loan;

	/* of a cut one the end must be there all the same */
	if (header.length >= LENGTH_LIMIT || (shown < header.length && !is_readable(program, header.data, header.length - 1))) {
		emit_unreadable(output, "a string longer than memory");
		return;
	}

	struct error *error = value_borrow(program, header.data, shown, &loan);

	if (error != NULL) {
		emit_error(output, error_wrap(error, "string of %llu bytes", (unsigned long long)header.length));
		return;
	}
	output->sink->ops->string(output->sink, loan.bytes, shown, header.length);
	free(loan.owned);
}

/* `count` values side by side. */
static void emit_elements(struct value_output *output, struct gotype *elem, const uint8_t *bytes, taddr address, uint64_t shown,
			  uint64_t length)
{
	output->spent += shown;
	output->sink->ops->array_begin(output->sink, length);
	for (uint64_t i = 0; i < shown; i++)
		value_emit(output, elem, bytes + i * elem->size, taddr_add(address, i * elem->size));
	output->sink->ops->array_end(output->sink, length - shown);
}

static uint64_t elements_shown(const struct value_output *output, const struct gotype *elem, uint64_t length)
{
	uint64_t most = elem->size ? limit_of(LIMIT_VALUE) / elem->size : UINT64_MAX;

	return least(least(length, trusted(output, output->limits.elements)), most);
}

static void emit_slice(struct value_output *output, struct gotype *type, const uint8_t *bytes)
{
	struct slice_header header = load_slice(type->program, bytes);
	uint64_t shown = elements_shown(output, type->elem, header.length);
	struct loan loan;

	if (!slice_is_sound(type->program, bytes, &header)) {
		emit_unreadable(output, "a slice longer than its capacity, or than memory");
		return;
	}
	if (header.data.v == 0) {
		output->sink->ops->null(output->sink);
		return;
	}

	struct value_frame frame = { output->frame, type, header.data };

	if (is_circle(&frame)) {
		emit_unreadable(output, "a slice that contains itself");
		return;
	}

	struct error *error = value_borrow(type->program, header.data, shown * type->elem->size, &loan);

	if (error != NULL) {
		emit_error(output, error_wrap(error, "slice of %llu elements", (unsigned long long)header.length));
		return;
	}
	output->frame = &frame;
	emit_elements(output, type->elem, loan.bytes, header.data, shown, header.length);
	output->frame = frame.outer;
	free(loan.owned);
}

static void emit_struct(struct value_output *output, struct gotype *type, const uint8_t *bytes, taddr address)
{
	struct sink *sink = output->sink;

	sink->ops->struct_begin(sink, type->name);
	for (size_t i = 0; i < type->field_count; i++) {
		const struct gotype_field *field = &type->fields[i];

		if (strcmp(field->name, "_") == 0)
			continue;
		sink->ops->struct_field(sink, field->name);
		value_emit(output, field->type, bytes + field->offset, taddr_add(address, field->offset));
	}
	sink->ops->struct_end(sink);
}

static void emit_interface(struct value_output *output, struct gotype *type, const uint8_t *bytes, taddr address)
{
	struct sink *sink = output->sink;
	struct gotype *dynamic;
	taddr value;
	bool inside;
	struct error *error = gotype_of_interface(type, address, bytes, &dynamic, &value, &inside);

	if (error != NULL) {
		emit_error(output, error_wrap(error, "interface value"));
		return;
	}
	if (dynamic == NULL) {
		sink->ops->null(sink);
		return;
	}
	sink->ops->interface_begin(sink, dynamic->name);
	if (inside)
		value_emit(output, dynamic, bytes + type->program->machine.word_size, value);
	else
		value_emit_at(output, dynamic, value);
	sink->ops->interface_end(sink);
}

static void emit_entry(struct value_output *output, const struct go_map *map, const struct map_unit *unit, unsigned slot,
		       struct map_scratch *scratch)
{
	struct sink *sink = output->sink;
	struct map_entry entry;
	struct error *error = map_entry_load(map, unit, slot, scratch, &entry);

	sink->ops->map_key(sink);
	if (error != NULL)
		emit_error(output, error);
	else
		value_emit(output, map->type->key, entry.key, entry.key_address);
	sink->ops->map_elem(sink);
	if (error != NULL)
		emit_unreadable(output, "its key is not readable");
	else
		value_emit(output, map->type->elem, entry.elem, entry.elem_address);
}

static void emit_entries(struct value_output *output, const struct go_map *map)
{
	struct findings findings = { 0 };
	struct map_scratch scratch = { 0 };
	struct map_walk *walk = map_walk_create(map, MAP_WALK_LIVE, &findings);
	struct map_batch batch;
	/* one more than there are is enough to know that the header is wrong */
	uint64_t shown = 0, most = least(map->length < UINT64_MAX ? map->length + 1 : map->length, output->limits.entries);

	for (;;) {
		struct error *error = map_walk_next(walk, &batch);

		if (error != NULL) {
			error_free(error);
			break;
		}
		if (shown >= most || !is_worth_it(&findings, &batch, &output->fruitless))
			break;
		for (size_t i = 0; i < batch.count; i++)
			for (unsigned live = batch.units[i].live; live != 0 && shown < most; live &= live - 1, shown++)
				emit_entry(output, map, &batch.units[i], (unsigned)__builtin_ctz(live), &scratch);
	}
	if (findings.total == 0 && shown != least(map->length, output->limits.entries))
		findings_add(&findings, map->address, "more or fewer entries than its header says");
	output->unreadable += findings.total;
	output->sink->ops->map_end(output->sink, map->length > shown ? map->length - shown : 0);
	map_walk_destroy(walk);
	map_scratch_free(&scratch);
	findings_free(&findings);
}

static void emit_map(struct value_output *output, struct gotype *type, taddr address)
{
	struct go_map map;
	struct error *error = map_open(type, address, &map);

	if (error != NULL) {
		emit_error(output, error);
		return;
	}

	struct sink_map head = {
		.type = type->name, .address = address, .length = map.length, .expanded = output->limits.depth != 0
	};

	output->sink->ops->map_begin(output->sink, &head);
	if (!head.expanded || address.v == 0) {
		output->sink->ops->map_end(output->sink, 0);
		return;
	}
	output->limits.depth--;
	emit_entries(output, &map);
	output->limits.depth++;
}

static void emit_sync_entries(struct value_output *output, const struct sync_contents *contents)
{
	const struct sync_layout *layout = contents->map->layout;
	struct sink *sink = output->sink;
	uint64_t shown = 0;

	for (size_t i = 0; i < contents->count && shown < output->limits.entries; i++) {
		if (!sync_entry_counts(contents, i))
			continue;
		shown++;
		sink->ops->map_key(sink);
		value_emit_at(output, layout->key, contents->entries[i].key);
		sink->ops->map_elem(sink);
		value_emit_at(output, layout->value, contents->entries[i].value);
	}
	sink->ops->map_end(sink, contents->live - shown);
}

/* False, and nothing emitted, where its parts are not known: it is a struct like any other then. */
static bool emit_sync(struct value_output *output, struct gotype *type, const uint8_t *bytes, taddr address)
{
	struct findings findings = { 0 };
	struct sync_contents contents = { 0 };
	struct sync_map map;
	struct error *error = sync_map_decode(type, address, bytes, &map);

	if (error != NULL && error->code == ERROR_TARGET) {
		error_free(error);
		return false;
	}
	if (error == NULL)
		error = sync_contents_load(&map, NULL, &findings, &contents);
	if (error != NULL) {
		emit_error(output, error);
	} else {
		struct sink_map head = {
			.type = type->name, .address = address, .length = contents.live, .expanded = output->limits.depth != 0
		};

		output->sink->ops->map_begin(output->sink, &head);
		output->limits.depth -= head.expanded;
		if (head.expanded)
			emit_sync_entries(output, &contents);
		else
			output->sink->ops->map_end(output->sink, 0);
		output->limits.depth += head.expanded;
		output->unreadable += findings.total;
	}
	sync_contents_free(&contents);
	findings_free(&findings);
	return true;
}

static double load_float(const struct machine *machine, const uint8_t *bytes, size_t size)
{
	if (size == 4) {
		uint32_t raw = load_u32(machine, bytes);
		float value;

		memcpy(&value, &raw, sizeof(value));
		return (double)value;
	}

	uint64_t raw = load_u64(machine, bytes);
	double value;

	memcpy(&value, &raw, sizeof(value));
	return value;
}

static void emit_compound(struct value_output *output, struct gotype *type, const uint8_t *bytes, taddr address)
{
	const char *why = spend(output);
	struct error *error = why ? NULL : gotype_complete(type);

	if (why != NULL) {
		emit_unreadable(output, why);
		return;
	}
	if (error != NULL) {
		emit_error(output, error);
		return;
	}
	output->nesting++;
	switch (type->kind) {
	case GO_ARRAY:
		emit_elements(output, type->elem, bytes, address, elements_shown(output, type->elem, type->length),
			      type->length);
		break;
	case GO_SLICE:
		emit_slice(output, type, bytes);
		break;
	case GO_STRUCT:
		if (!gotype_is_sync(type) || !emit_sync(output, type, bytes, address))
			emit_struct(output, type, bytes, address);
		break;
	case GO_INTERFACE:
		emit_interface(output, type, bytes, address);
		break;
	default:
		emit_map(output, type, load_address(&type->program->machine, bytes));
		break;
	}
	output->nesting--;
}

void value_emit(struct value_output *output, struct gotype *type, const uint8_t *bytes, taddr address)
{
	const struct machine *machine = &type->program->machine;
	struct sink *sink = output->sink;

	switch (type->kind) {
	case GO_BOOL:
		sink->ops->boolean(sink, bytes[0] != 0);
		break;
	case GO_INT:
	case GO_INT8:
	case GO_INT16:
	case GO_INT32:
	case GO_INT64:
		sink->ops->signed_integer(sink, load_int(machine, bytes, type->size));
		break;
	case GO_UINT:
	case GO_UINT8:
	case GO_UINT16:
	case GO_UINT32:
	case GO_UINT64:
	case GO_UINTPTR:
		sink->ops->unsigned_integer(sink, load_uint(machine, bytes, type->size));
		break;
	case GO_FLOAT32:
	case GO_FLOAT64:
		sink->ops->floating(sink, load_float(machine, bytes, type->size), (unsigned)type->size * 8);
		break;
	case GO_COMPLEX64:
	case GO_COMPLEX128: {
		size_t part = type->size / 2;

		sink->ops->complex(sink, load_float(machine, bytes, part), load_float(machine, bytes + part, part),
				   (unsigned)part * 8);
		break;
	}
	case GO_STRING:
		emit_string(output, type->program, bytes);
		break;
	case GO_CHAN:
	case GO_FUNC:
	case GO_POINTER:
	case GO_UNSAFE_POINTER: {
		taddr pointer = load_address(machine, bytes);

		if (pointer.v == 0)
			sink->ops->null(sink);
		else
			sink->ops->pointer(sink, pointer);
		break;
	}
	case GO_INVALID:
		emit_unreadable(output, "its type is not one of Go's");
		break;
	default:
		emit_compound(output, type, bytes, address);
	}
}

void value_emit_at(struct value_output *output, struct gotype *type, taddr address)
{
	struct loan loan;
	struct error *error = value_borrow(type->program, address, type->size, &loan);

	if (error != NULL) {
		emit_error(output, error);
		return;
	}
	value_emit(output, type, loan.bytes, address);
	free(loan.owned);
}
