#include "analysis/trace.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/trace_private.h"
#include "map/hash_state.h"
#include "map/key_hash.h"
#include "map/key_steps.h"
#include "util/alloc.h"
#include "util/buffer.h"

/* Keys of more bytes are no sound keys to compare. */
enum { KEY_SIZE_LIMIT = 1 << 24 };

const char *trace_access_name(enum trace_access access)
{
	static const char *const names[] = {
		[TRACE_GENERIC] = "mapaccess1", [TRACE_FAST32] = "mapaccess1_fast32",
		[TRACE_FAST64] = "mapaccess1_fast64", [TRACE_FASTSTR] = "mapaccess1_faststr",
	};

	return names[access];
}

/* --- steps ------------------------------------------------------------------------------------------------------ */

struct trace_step *trace_add(struct tracer *tracer, enum trace_kind kind, taddr address)
{
	struct trace *trace = tracer->trace;

	ARRAY_RESERVE(trace->steps, trace->count, trace->capacity);

	struct trace_step *step = &trace->steps[trace->count++];

	*step = (struct trace_step){ .kind = kind, .address = address };
	return step;
}

void trace_end(struct tracer *tracer, taddr address, const char *why)
{
	trace_add(tracer, TRACE_END, address)->end = why;
}

void trace_fail(struct tracer *tracer, taddr address, const char *why)
{
	tracer->failed = true;
	findings_add(tracer->findings, address, "%s", why);
	trace_end(tracer, address, why);
}

void trace_fail_error(struct tracer *tracer, taddr address, struct error *error, const char *why)
{
	tracer->failed = true;
	findings_add_error(tracer->findings, address, error, "%s", why);
	trace_end(tracer, address, why);
}

void trace_free(struct trace *trace)
{
	for (size_t i = 0; i < trace->count; i++)
		if (trace->steps[i].kind == TRACE_HASH)
			free(trace->steps[i].hash.why);
	free(trace->steps);
	free(trace->function);
	*trace = (struct trace){ 0 };
}

/* --- units ------------------------------------------------------------------------------------------------------ */

bool trace_read_unit(struct tracer *tracer, taddr address, struct map_unit *out)
{
	const struct go_map *map = tracer->map;
	struct error *error = target_read(map->program->memory, address, tracer->bytes, map->layout->unit.size);

	*out = (struct map_unit){ .address = address, .bytes = tracer->bytes };
	if (error == NULL)
		return true;
	trace_fail_error(tracer, address, error, map->layout->implementation == MAP_CLASSIC ? "the bucket cannot be read"
											     : "the group cannot be read");
	return false;
}

struct trace_step *trace_add_unit(struct tracer *tracer, const struct map_unit *unit, enum trace_search search)
{
	struct trace_step *step = trace_add(tracer, TRACE_UNIT, unit->address);

	step->unit.search = search;
	step->unit.index = unit->index;
	step->unit.probe = unit->chain;
	step->unit.old = unit->old;
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		step->unit.slots[slot].control = map_control(tracer->map, unit, slot);
	return step;
}

struct trace_slot *trace_slot_of(struct tracer *tracer, unsigned slot)
{
	return &tracer->trace->steps[tracer->trace->count - 1].unit.slots[slot];
}

/* Without DWARF the type of a map may be one that reflect.MapOf made, whose hasher is runtime.typehash. */
static bool may_be_made_by_reflect(const struct go_map *map)
{
	return map->type->die == 0 && map->program->binary != NULL;
}

/* The slot of a key that was found without looking at its control byte has the one that belongs to the hash. */
static void check_control(struct tracer *tracer, unsigned slot)
{
	const struct go_map *map = tracer->map;
	const struct trace_slot *seen = trace_slot_of(tracer, slot);
	uint8_t right = map->layout->implementation == MAP_CLASSIC ? trace_tophash(tracer) : trace_h2(tracer);

	if (tracer->trace->hash_known && !may_be_made_by_reflect(map) && seen->control != right)
		findings_add(tracer->findings, seen->key, "slot %u: its control byte is 0x%02x, the key's hash says 0x%02x", slot,
			     seen->control, right);
}

static void add_elem(struct tracer *tracer, const struct map_unit *unit, unsigned slot, const struct map_entry *entry)
{
	struct trace_step *step = trace_add(tracer, TRACE_ELEM, entry->elem_address);

	step->elem.slot = map_elem_slot_address(tracer->map, unit, slot);
	step->elem.indirect = tracer->map->layout->elem_indirect;
	tracer->trace->found = true;
	tracer->trace->elem = entry->elem_address;
}

bool trace_compare(struct tracer *tracer, const struct map_unit *unit, unsigned slot)
{
	struct trace_slot *seen = trace_slot_of(tracer, slot);
	struct map_entry entry;
	struct error *error = map_entry_load(tracer->map, unit, slot, &tracer->scratch, &entry);
	enum key_equality equality;

	seen->key = error ? map_key_slot_address(tracer->map, unit, slot) : entry.key_address;
	seen->verdict = TRACE_KEY_UNREADABLE;
	if (error != NULL) {
		findings_add_error(tracer->findings, seen->key, error, "slot %u: its key or elem", slot);
		return false;
	}
	equality = key_equal(tracer->comparer, tracer->key, (struct key_place){ entry.key, entry.key_address });
	if (equality == KEYS_UNKNOWN) {
		findings_add(tracer->findings, seen->key, "slot %u: its key: %s", slot, key_equal_reason(tracer->comparer));
		return false;
	}
	seen->verdict = equality == KEYS_EQUAL ? TRACE_KEY_EQUAL : TRACE_KEY_DIFFERS;
	if (equality == KEYS_EQUAL) {
		check_control(tracer, slot);
		add_elem(tracer, unit, slot, &entry);
	}
	return equality == KEYS_EQUAL;
}

/* --- strings ---------------------------------------------------------------------------------------------------- */

static uint64_t length_at(const struct tracer *tracer, const uint8_t *string)
{
	const struct machine *machine = &tracer->map->program->machine;

	return load_word(machine, string + machine->word_size);
}

uint64_t trace_string_length(const struct tracer *tracer)
{
	return length_at(tracer, tracer->key.bytes);
}

bool trace_compare_length(struct tracer *tracer, const struct map_unit *unit, unsigned slot)
{
	if (length_at(tracer, map_key_slot(tracer->map, unit, slot)) == trace_string_length(tracer))
		return true;
	trace_slot_of(tracer, slot)->verdict = TRACE_LENGTH_DIFFERS;
	return false;
}

/* Reads the ends of the string of `length` bytes side by side. */
static struct error *read_ends(const struct tracer *tracer, const uint8_t *string, uint64_t length, unsigned count, uint8_t *out)
{
	struct target *memory = tracer->map->program->memory;
	taddr data = load_address(&tracer->map->program->machine, string);

	TRY(target_read(memory, data, out, count));
	return target_read(memory, taddr_add(data, length - count), out + count, count);
}

bool trace_compare_ends(struct tracer *tracer, const struct map_unit *unit, unsigned slot, unsigned count)
{
	uint64_t length = trace_string_length(tracer);
	struct trace_slot *seen = trace_slot_of(tracer, slot);
	uint8_t ours[16], theirs[16];
	struct error *error = read_ends(tracer, tracer->key.bytes, length, count, ours);

	seen->key = map_key_slot_address(tracer->map, unit, slot);
	if (error == NULL)
		error = read_ends(tracer, map_key_slot(tracer->map, unit, slot), length, count, theirs);
	if (error != NULL) {
		findings_add_error(tracer->findings, seen->key, error, "slot %u: its key", slot);
		seen->verdict = TRACE_KEY_UNREADABLE;
		return false;
	}
	seen->verdict = memcmp(ours, theirs, 2 * (size_t)count) == 0 ? TRACE_ENDS_EQUAL : TRACE_ENDS_DIFFER;
	return seen->verdict == TRACE_ENDS_EQUAL;
}

/* --- the hash --------------------------------------------------------------------------------------------------- */

static void append_step(struct buffer *out, const struct key_step *step)
{
	switch (step->kind) {
	case STEP_MEMORY: buffer_append_format(out, "memhash(%llu bytes)", (unsigned long long)step->size); break;
	case STEP_MEMORY32: buffer_append_text(out, "memhash32"); break;
	case STEP_MEMORY64: buffer_append_text(out, "memhash64"); break;
	case STEP_STRING: buffer_append_text(out, "strhash"); break;
	case STEP_FLOAT32: buffer_append_text(out, "f32hash"); break;
	case STEP_FLOAT64: buffer_append_text(out, "f64hash"); break;
	case STEP_INTERFACE: buffer_append_text(out, step->type->has_methods ? "interhash" : "nilinterhash"); break;
	case STEP_REPEAT: buffer_append_format(out, "%llu times", (unsigned long long)step->count); break;
	}
}

/* "strhash"; "memhash(16 bytes), strhash" of keys that are hashed part by part, each with what came out before as its seed. */
static char *name_function(const struct key_steps *steps)
{
	enum { STEPS_SHOWN = 8 };
	struct buffer out = { 0 };

	for (size_t i = 0; i < steps->count && i < STEPS_SHOWN; i++) {
		if (i != 0)
			buffer_append_text(&out, steps->list[i - 1].kind == STEP_REPEAT ? " " : ", ");
		append_step(&out, &steps->list[i]);
	}
	if (steps->count > STEPS_SHOWN)
		buffer_append_text(&out, ", ...");
	if (steps->count == 0)
		buffer_append_text(&out, "the seed itself");

	char *name = xstrdup(buffer_text(&out));

	buffer_free(&out);
	return name;
}

static struct error *find_function(struct tracer *tracer, int go_minor, bool by_typehash)
{
	struct key_steps steps = { 0 };

	TRY(key_steps_make(tracer->map->type->key, go_minor, by_typehash ? HOW_TYPEHASH : HOW_COMPILER, &steps));

	char *name = name_function(&steps);

	tracer->trace->function = by_typehash ? xasprintf("typehash: %s", name) : xstrdup(name);
	free(name);
	key_steps_free(&steps);
	return NULL;
}

static uint64_t seed_of(const struct go_map *map)
{
	return map->layout->implementation == MAP_CLASSIC ? map->classic.hash0 : map->swiss.seed;
}

static struct error *compute_hash(struct tracer *tracer, bool by_typehash, struct trace_step *step)
{
	const struct go_map *map = tracer->map;
	struct hash_state state;
	struct key_hasher *hasher;

	TRY(hash_state_read(map->program, &state));
	TRY(find_function(tracer, state.go_minor, by_typehash));
	TRY(key_hasher_create(&state, map->type->key, by_typehash, &hasher));
	tracer->trace->aes = state.aes;
	step->hash.seed = seed_of(map);
	switch (key_hash(hasher, tracer->key.bytes, tracer->key.address, step->hash.seed, &step->hash.value)) {
	case HASH_OK: step->hash.known = true; break;
	case HASH_NAN: step->hash.why = xstrdup("a NaN hashes to another random number each time"); break;
	case HASH_UNKNOWN: step->hash.why = xstrdup(key_hash_reason(hasher)); break;
	}

	bool unknown = !step->hash.known && key_hash_reason(hasher)[0] != '\0';
	struct error *error = unknown ? error_new(ERROR_USAGE, "the key has no hash: %s", key_hash_reason(hasher)) : NULL;

	key_hasher_destroy(hasher);
	return error;
}

/* Adds the step of the hash. An error where it is needed and cannot be known; a NaN has none either, but that is no error. */
static struct error *add_hash(struct tracer *tracer, bool by_typehash, bool needed)
{
	struct trace_step *step = trace_add(tracer, TRACE_HASH, taddr_of(0));
	struct error *error = compute_hash(tracer, by_typehash, step);

	step->hash.needed = needed;
	tracer->trace->hash_known = step->hash.known;
	tracer->trace->hash = step->hash.value;
	if (error == NULL || needed)
		return error;
	step->hash.why = step->hash.why ? step->hash.why : xstrdup(error->message);
	error_free(error);
	return NULL;
}

/* --- the lookup ------------------------------------------------------------------------------------------------- */

/* mapfast: a function of its own for keys whose comparison is one of these, and elems that are in their slots. */
static struct error *choose_access(const struct go_map *map, enum trace_access *out)
{
	const struct gotype *key = map->type->key;
	const struct program *program = map->program;
	const struct gotype_traits *traits;

	TRY(gotype_traits(map->type->key, &traits));
	*out = TRACE_GENERIC;
	if (map->type->elem->size > MAP_INDIRECT_ABOVE)
		return NULL;
	if (traits->equality == GOTYPE_STRING_EQUALITY)
		*out = TRACE_FASTSTR;
	else if (traits->equality == GOTYPE_MEMORY && key->size == 4)
		*out = TRACE_FAST32;
	/* two words of a 32-bit machine, one of them a pointer: not from 1.9 on */
	else if (traits->equality == GOTYPE_MEMORY && key->size == 8 &&
		 (program->machine.word_size == 8 || !traits->pointers || program->version->minor == 8))
		*out = TRACE_FAST64;
	return NULL;
}

static struct error *search(struct tracer *tracer, bool by_typehash)
{
	const struct go_map *map = tracer->map;
	bool classic = map->layout->implementation == MAP_CLASSIC;
	bool needed = classic ? trace_hash_needed_classic(tracer) : trace_hash_needed_swiss(tracer);

	TRY(add_hash(tracer, by_typehash, needed));
	if (needed && !tracer->trace->hash_known)
		trace_end(tracer, taddr_of(0), "a NaN equals nothing, itself neither: no lookup finds one");
	else if (classic)
		trace_search_classic(tracer);
	else
		trace_search_swiss(tracer);
	return NULL;
}

static struct error *look_up(struct tracer *tracer, bool by_typehash)
{
	const struct go_map *map = tracer->map;

	TRY(choose_access(map, &tracer->trace->access));
	trace_add(tracer, TRACE_ACCESS, map->address);
	tracer->trace->writing = map_being_written(map);
	if (map->address.v == 0)
		trace_end(tracer, taddr_of(0), "the map is nil");
	else if (map->length == 0)
		trace_end(tracer, map->address, "the header counts no entries: nothing is looked at");
	else
		return search(tracer, by_typehash);
	return NULL;
}

static struct error *prepare(struct tracer *tracer, taddr key)
{
	const struct go_map *map = tracer->map;
	uint64_t size = map->type->key->size;
	void *bytes;

	if (size > KEY_SIZE_LIMIT)
		return error_new(ERROR_TARGET, "%s: keys of %llu bytes are too large", map->type->name, (unsigned long long)size);
	TRY(alloc_checked(size + map->layout->unit.size, 1, "a bucket or group", &bytes));
	tracer->bytes = bytes;
	tracer->key = (struct key_place){ tracer->bytes + map->layout->unit.size, key };
	TRY(target_read(map->program->memory, key, tracer->bytes + map->layout->unit.size, size));
	return key_comparer_create(map->type->key, &tracer->comparer);
}

static struct error *look_up_by(const struct go_map *map, taddr key, bool by_typehash, struct findings *findings,
				struct trace *out)
{
	struct tracer tracer = { .map = map, .trace = out, .findings = findings };
	struct error *error = prepare(&tracer, key);

	out->map = map;
	if (error == NULL)
		error = look_up(&tracer, by_typehash);
	free(tracer.bytes);
	map_scratch_free(&tracer.scratch);
	key_comparer_destroy(tracer.comparer);
	return error;
}

/* A key that is not found by the compiler's hash function but is by typehash shows that reflect made the map. */
struct error *trace_lookup(const struct go_map *map, taddr key, struct findings *findings, struct trace *out)
{
	struct trace other = { 0 };
	struct findings ignored = { 0 };

	*out = (struct trace){ 0 };
	TRY(look_up_by(map, key, false, findings, out));
	if (!may_be_made_by_reflect(map) || out->found || !out->hash_known)
		return NULL;

	struct error *error = look_up_by(map, key, true, &ignored, &other);

	if (error == NULL && other.found) {
		trace_free(out);
		*out = other;
	} else {
		trace_free(&other);
	}
	error_free(error);
	findings_free(&ignored);
	return NULL;
}
