#include "map/value.h"

#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

const struct value_limits value_limits_default = {
	.depth = 3, .string_bytes = 16 << 20, .elements = 1 << 20, .entries = 1 << 20
};

/* Interfaces in slices in structs ...: deeper than this is a cycle. */
enum { NESTING_LIMIT = 100 };
/* Values of one type are read into our memory up to this size. */
enum { VALUE_SIZE_LIMIT = 64 << 20 };
/* User addresses have no more bits: no string and no slice is longer. */
#define LENGTH_LIMIT (UINT64_C(1) << 48)
/*
 * Slices of slices of interfaces ... can name the same memory again and again, in sound programs and in garbage. One
 * entry gets so many values, half as many after each that needed more, but never less than the second figure.
 */
enum { VALUES_LIMIT = 1 << 22, VALUES_LEAST = 1 << 12 };
/* A map inside a value that is found to be so unsound is left alone, as is all that is nested once so many values are not readable. */
enum { INNER_FINDINGS_LIMIT = 100, UNREADABLE_LIMIT = 10000 };
/* Empty units of large maps inside values that are looked through in all. */
enum { FRUITLESS_LIMIT = 1 << 22, LARGE_BATCH = 64 };

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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

/* --- bytes from the target --------------------------------------------------------------------------------- */

/* Bytes in place, or read into memory that the caller frees. */
struct loan {
	const uint8_t *bytes;
	void *owned;
};

static struct error *borrow(struct program *program, taddr address, uint64_t length, struct loan *out)
{
	if (length > VALUE_SIZE_LIMIT)
		return error_new(ERROR_MEMORY, "0x%llx: %llu bytes are more than a value of this tool's",
				 (unsigned long long)address.v, (unsigned long long)length);
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

/* A slice's or string's header. */
struct slice_header {
	taddr data;
	uint64_t length;
};

static struct slice_header load_slice(const struct program *program, const uint8_t *bytes)
{
	const struct machine *machine = &program->machine;

	return (struct slice_header){ load_address(machine, bytes), load_word(machine, bytes + machine->word_size) };
}

/* A slice's length is not above its capacity, the word behind it. */
static bool slice_is_sound(const struct program *program, const uint8_t *bytes, const struct slice_header *header)
{
	uint64_t capacity = load_word(&program->machine, bytes + 2 * program->machine.word_size);

	return header->length <= capacity && capacity < LENGTH_LIMIT;
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
	uint64_t most = output->overspent < 10 ? VALUES_LIMIT >> output->overspent : VALUES_LEAST;

	if (output->nesting == 0)
		output->spent = 0;
	else if (output->unreadable >= UNREADABLE_LIMIT)
		return "too many values are not readable to go on inside them";
	if (output->nesting == NESTING_LIMIT)
		return "nested too deeply";
	if (output->spent > most)
		return "there are too many values inside this one";
	if (output->spent++ == most)
		output->overspent++;
	return NULL;
}

/* Whether a map inside a value is looked at further: a batch of it was. */
static bool is_worth_it(const struct findings *findings, const struct map_batch *batch, uint64_t *fruitless)
{
	for (size_t i = 0; batch->count > LARGE_BATCH && i < batch->count; i++)
		*fruitless += batch->units[i].live == 0;
	return batch->count != 0 && findings->total < INNER_FINDINGS_LIMIT && *fruitless < FRUITLESS_LIMIT;
}

/* --- emitting ---------------------------------------------------------------------------------------------- */

static void emit_string(struct value_output *output, struct program *program, const uint8_t *bytes)
{
	struct slice_header header = load_slice(program, bytes);
	uint64_t shown = least(header.length, output->limits.string_bytes);
	struct loan loan;

	if (header.length >= LENGTH_LIMIT) {
		emit_unreadable(output, "a string longer than memory");
		return;
	}

	struct error *error = borrow(program, header.data, shown, &loan);

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
	uint64_t most = elem->size ? VALUE_SIZE_LIMIT / elem->size : UINT64_MAX;

	return least(least(length, output->limits.elements), most);
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

	struct error *error = borrow(type->program, header.data, shown * type->elem->size, &loan);

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
	struct error *error = borrow(type->program, address, type->size, &loan);

	if (error != NULL) {
		emit_error(output, error);
		return;
	}
	value_emit(output, type, loan.bytes, address);
	free(loan.owned);
}

/* --- entries ------------------------------------------------------------------------------------------------ */

/* The bytes of a key or elem whose slot holds a pointer to it. */
static struct error *load_indirect(const struct go_map *map, struct gotype *type, const uint8_t *slot, uint8_t **scratch,
				   const uint8_t **bytes, taddr *address)
{
	struct target *memory = map->program->memory;

	*address = load_address(&map->program->machine, slot);
	*bytes = target_view(memory, *address, type->size);
	if (*bytes != NULL)
		return NULL;
	if (type->size > VALUE_SIZE_LIMIT)
		return error_new(ERROR_MEMORY, "a value of %llu bytes is too large to show", (unsigned long long)type->size);
	if (*scratch == NULL) {
		void *memory_for_it;

		TRY(alloc_checked(type->size, 1, "a key or elem", &memory_for_it));
		*scratch = memory_for_it;
	}
	TRY(target_read(memory, *address, *scratch, type->size));
	*bytes = *scratch;
	return NULL;
}

struct error *map_entry_load(const struct go_map *map, const struct map_unit *unit, unsigned slot, struct map_scratch *scratch,
			     struct map_entry *out)
{
	out->key = map_key_slot(map, unit, slot);
	out->key_address = map_key_slot_address(map, unit, slot);
	out->elem = map_elem_slot(map, unit, slot);
	out->elem_address = map_elem_slot_address(map, unit, slot);
	if (map->layout->key_indirect)
		TRY(load_indirect(map, map->type->key, out->key, &scratch->key, &out->key, &out->key_address));
	if (map->layout->elem_indirect)
		TRY(load_indirect(map, map->type->elem, out->elem, &scratch->elem, &out->elem, &out->elem_address));
	return NULL;
}

static void prefetch_string(const struct program *program, const uint8_t *slot)
{
	const uint8_t *bytes = target_view(program->memory, load_address(&program->machine, slot), 1);

	if (bytes != NULL)
		__builtin_prefetch(bytes);
}

void map_unit_prefetch(const struct go_map *map, const struct map_unit *unit)
{
	bool keys = map->type->key->kind == GO_STRING, elems = map->type->elem->kind == GO_STRING;

	for (unsigned live = keys || elems ? unit->live : 0; live != 0; live &= live - 1) {
		unsigned slot = (unsigned)__builtin_ctz(live);

		if (keys)
			prefetch_string(map->program, map_key_slot(map, unit, slot));
		if (elems)
			prefetch_string(map->program, map_elem_slot(map, unit, slot));
	}
}

void map_scratch_free(struct map_scratch *scratch)
{
	free(scratch->key);
	free(scratch->elem);
	*scratch = (struct map_scratch){ 0 };
}

/* --- wanting ------------------------------------------------------------------------------------------------ */

static bool has_references(struct gotype *type, unsigned depth);

static bool looks_further(struct gotype *type, unsigned depth)
{
	struct error *error = depth > NESTING_LIMIT ? NULL : gotype_complete(type);

	if (error != NULL || depth > NESTING_LIMIT) {
		error_free(error);
		return true; /* value_emit() finds out what is wrong with it */
	}
	switch (type->kind) {
	case GO_STRING:
	case GO_SLICE:
	case GO_INTERFACE:
	case GO_MAP:
		return true;
	case GO_ARRAY:
		return has_references(type->elem, depth + 1);
	case GO_STRUCT:
		for (size_t i = 0; i < type->field_count; i++)
			if (has_references(type->fields[i].type, depth + 1))
				return true;
		return false;
	default:
		return false;
	}
}

static bool has_references(struct gotype *type, unsigned depth)
{
	if (type->references == 0)
		type->references = looks_further(type, depth) ? 1 : -1;
	return type->references > 0;
}

bool value_has_references(struct gotype *type)
{
	return has_references(type, 0);
}

static void note(struct value_wanted *wanted, taddr address, uint64_t length)
{
	if (length != 0 && length <= VALUE_SIZE_LIMIT && !mirror_want(wanted->mirror, address, length))
		wanted->full = true;
}

/* Whether these values were gone through with as many levels before: what many lead to is gone through once. */
static bool seen_before(struct value_wanted *wanted, const struct gotype *type, taddr address, uint64_t count, unsigned levels)
{
	/* odd constants: a key that two share by accident costs late reads, no more */
	uint64_t key = address.v ^ (uint64_t)(uintptr_t)type * UINT64_C(0x9e3779b97f4a7c15) ^
		       (count << 8 ^ wanted->limits.depth) * UINT64_C(0xc2b2ae3d27d4eb4f);
	uint64_t *deepest = table_get(&wanted->seen, key);

	if (deepest == NULL) {
		table_put(&wanted->seen, key, levels);
		return false;
	}
	if (*deepest >= levels)
		return true;
	*deepest = levels;
	return false;
}

void value_wanted_free(struct value_wanted *wanted)
{
	table_free(&wanted->seen);
}

/* Notes `length` bytes of values of `type` and, where levels allow, what those lead to. */
static void want_behind(struct value_wanted *wanted, struct gotype *type, taddr address, uint64_t count, unsigned levels)
{
	struct loan loan;

	note(wanted, address, count * type->size);
	if (count == 0 || !value_has_references(type))
		return;
	if (levels == 0) {
		wanted->deeper = true;
		return;
	}
	if (seen_before(wanted, type, address, count, levels))
		return;

	struct error *error = borrow(type->program, address, count * type->size, &loan);

	if (error != NULL) {
		error_free(error); /* value_emit() meets it again and says so */
		return;
	}
	for (uint64_t i = 0; i < count && !wanted->full; i++)
		value_want(wanted, type, loan.bytes + i * type->size, levels - 1);
	free(loan.owned);
}

static void want_interface(struct value_wanted *wanted, struct gotype *type, const uint8_t *bytes, unsigned levels)
{
	struct gotype *dynamic;
	taddr value;
	bool inside;
	struct error *error = gotype_of_interface(type, taddr_of(0), bytes, &dynamic, &value, &inside);

	if (error != NULL)
		error_free(error);
	else if (dynamic != NULL && inside)
		value_want(wanted, dynamic, bytes + type->program->machine.word_size, levels);
	else if (dynamic != NULL)
		want_behind(wanted, dynamic, value, 1, levels);
}

static void want_entries(struct value_wanted *wanted, const struct go_map *map, unsigned levels)
{
	struct findings findings = { 0 };
	struct map_walk *walk = map_walk_create(map, MAP_WALK_LIVE, &findings);
	struct map_batch batch = { 0 };
	uint64_t entries = 0, most = least(map->length, wanted->limits.entries);

	do {
		struct error *error = map_walk_next(walk, &batch);

		if (error != NULL) {
			error_free(error);
			break;
		}
		for (size_t i = 0; i < batch.table_count; i++)
			note(wanted, batch.tables[i].address, map->layout->swiss.table_size);
		for (size_t i = 0; i < batch.count; i++) {
			note(wanted, batch.units[i].address, map->layout->unit.size);
			for (unsigned live = batch.units[i].live; live != 0; live &= live - 1, entries++)
				map_entry_want(map, &batch.units[i], (unsigned)__builtin_ctz(live), true, wanted, levels);
		}
	} while (entries <= most && !wanted->full && is_worth_it(&findings, &batch, &wanted->fruitless));
	map_walk_destroy(walk);
	findings_free(&findings);
}

/* The header, the directory and the units of a map inside a value. */
static void want_map(struct value_wanted *wanted, struct gotype *type, taddr address, unsigned levels)
{
	struct go_map map;
	struct error *error;

	if (address.v == 0 || type->map_layout == NULL)
		return;
	note(wanted, address, type->map_layout->header_size);
	if (wanted->limits.depth == 0 || seen_before(wanted, type, address, 1, levels))
		return;
	error = map_open(type, address, &map);
	if (error != NULL) {
		error_free(error);
		return;
	}
	if (type->map_layout->implementation == MAP_SWISS)
		note(wanted, map.swiss.directory, map.swiss.dir_len * type->program->machine.word_size);
	wanted->limits.depth--;
	want_entries(wanted, &map, levels);
	wanted->limits.depth++;
}

static void want_compound(struct value_wanted *wanted, struct gotype *type, const uint8_t *bytes, unsigned levels)
{
	struct slice_header header;

	switch (type->kind) {
	case GO_ARRAY:
		for (uint64_t i = 0; i < least(type->length, wanted->limits.elements) && !wanted->full; i++)
			value_want(wanted, type->elem, bytes + i * type->elem->size, levels);
		break;
	case GO_STRUCT:
		for (size_t i = 0; i < type->field_count; i++)
			value_want(wanted, type->fields[i].type, bytes + type->fields[i].offset, levels);
		break;
	case GO_SLICE:
		header = load_slice(type->program, bytes);
		if (slice_is_sound(type->program, bytes, &header))
			want_behind(wanted, type->elem, header.data, least(header.length, wanted->limits.elements), levels);
		break;
	case GO_INTERFACE:
		want_interface(wanted, type, bytes, levels);
		break;
	default:
		want_map(wanted, type, load_address(&type->program->machine, bytes), levels);
	}
}

void value_want(struct value_wanted *wanted, struct gotype *type, const uint8_t *bytes, unsigned levels)
{
	if (type->kind == GO_STRING) {
		struct slice_header header = load_slice(type->program, bytes);

		note(wanted, header.data, least(header.length, wanted->limits.string_bytes));
		return;
	}
	if (wanted->full || wanted->nesting == NESTING_LIMIT || !value_has_references(type) || !type->completed)
		return;
	wanted->nesting++;
	want_compound(wanted, type, bytes, levels);
	wanted->nesting--;
}

static void want_slot(const struct go_map *map, struct gotype *type, const uint8_t *slot, bool indirect,
		      struct value_wanted *wanted, unsigned levels)
{
	if (indirect)
		want_behind(wanted, type, load_address(&map->program->machine, slot), 1, levels);
	else
		value_want(wanted, type, slot, levels);
}

void map_entry_want(const struct go_map *map, const struct map_unit *unit, unsigned slot, bool elems, struct value_wanted *wanted,
		    unsigned levels)
{
	want_slot(map, map->type->key, map_key_slot(map, unit, slot), map->layout->key_indirect, wanted, levels);
	if (elems)
		want_slot(map, map->type->elem, map_elem_slot(map, unit, slot), map->layout->elem_indirect, wanted, levels);
}
