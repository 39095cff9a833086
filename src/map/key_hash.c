#include "map/key_hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gotype/program.h"
#include "map/key_steps.h"
#include "util/alloc.h"
#include "util/buffer.h"
#include "util/table.h"

/* What a bad pointer could make us read or recurse through. */
enum { INTERFACE_DEPTH_LIMIT = 64, STRING_LIMIT = 256 << 20, VALUE_LIMIT = 1 << 20, READ_AT_ONCE = 1 << 20 };

/* Keys that are one step: no list to walk. */
enum shape { SHAPE_STEPS, SHAPE_MEMORY32, SHAPE_MEMORY64, SHAPE_STRING };

/* How a dynamic type hashes inside an interface. */
struct dynamic {
	struct key_steps steps;
	char *problem; /* why it cannot be hashed, or NULL */
};

struct key_hasher {
	enum shape shape;
	const struct hash_functions *functions;
	struct hash_state state;
	struct program *program;
	struct key_steps steps;
	struct buffer string; /* the bytes of the string being hashed, where they must be copied */
	struct table dynamics; /* by address of the gotype: index in dynamic_list */
	struct dynamic *dynamic_list;
	size_t dynamic_count, dynamic_capacity;
	unsigned depth;
	bool (*may_be)(const void *context, taddr address, uint64_t length); /* NULL: strings are what they are */
	const void *doubt;
	char reason[256];
};

/* Where the bytes being hashed are, here and in the target. */
struct place {
	const uint8_t *bytes;
	taddr address;
};

static struct place place_at(struct place place, uint64_t offset)
{
	return (struct place){ place.bytes + offset, taddr_add(place.address, offset) };
}

static enum shape shape_of(const struct key_steps *steps)
{
	const struct key_step *first = steps->list;

	if (steps->count != 1 || first->offset != 0)
		return SHAPE_STEPS;
	switch (first->kind) {
	case STEP_MEMORY32: return SHAPE_MEMORY32;
	case STEP_MEMORY64: return SHAPE_MEMORY64;
	case STEP_STRING: return SHAPE_STRING;
	default: return SHAPE_STEPS;
	}
}

struct error *key_hasher_create(const struct hash_state *state, struct gotype *key, bool by_typehash,
				struct key_hasher **out)
{
	/* Until 1.13 there was no typehash: reflect took the type's own function. */
	enum key_steps_how how = by_typehash && state->go_minor >= 14 ? HOW_TYPEHASH : HOW_COMPILER;
	struct key_steps steps = { 0 };
	struct key_hasher *hasher;

	if (!hash_supported(state))
		return error_new(ERROR_TARGET, "the hash function of Go 1.%d on this machine is not known", state->go_minor);
	TRY(key_steps_make(key, state->go_minor, how, &steps));
	hasher = xcalloc(1, sizeof(*hasher));
	hasher->state = *state;
	hasher->functions = hash_functions_of(state);
	hasher->program = key->program;
	hasher->steps = steps;
	hasher->shape = shape_of(&steps);
	*out = hasher;
	return NULL;
}

void key_hasher_doubt(struct key_hasher *hasher, bool (*may_be)(const void *context, taddr address, uint64_t length), const void *context)
{
	hasher->may_be = may_be;
	hasher->doubt = context;
}

void key_hasher_destroy(struct key_hasher *hasher)
{
	if (hasher == NULL)
		return;
	for (size_t i = 0; i < hasher->dynamic_count; i++) {
		key_steps_free(&hasher->dynamic_list[i].steps);
		free(hasher->dynamic_list[i].problem);
	}
	free(hasher->dynamic_list);
	table_free(&hasher->dynamics);
	buffer_free(&hasher->string);
	key_steps_free(&hasher->steps);
	free(hasher);
}

const char *key_hash_reason(const struct key_hasher *hasher)
{
	return hasher->reason;
}

static enum key_hash_result unknown(struct key_hasher *hasher, const char *format, ...) PRINTF(2, 3);

static enum key_hash_result unknown(struct key_hasher *hasher, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(hasher->reason, sizeof(hasher->reason), format, arguments);
	va_end(arguments);
	return HASH_UNKNOWN;
}

/* Consumes `error`. */
static enum key_hash_result unknown_by(struct key_hasher *hasher, struct error *error)
{
	unknown(hasher, "%s", error->message);
	error_free(error);
	return HASH_UNKNOWN;
}

/* `*bytes` are good until the next string. They come piece by piece, so that a wrong length ends at the first hole. */
static enum key_hash_result read_string(struct key_hasher *hasher, taddr address, uint64_t length, const uint8_t **bytes)
{
	struct target *memory = hasher->program->memory;

	if (hasher->may_be != NULL && !hasher->may_be(hasher->doubt, address, length))
		return unknown(hasher, "these bytes are no string");
	if (length > STRING_LIMIT)
		return unknown(hasher, "a string of %llu bytes is not read", (unsigned long long)length);
	if (memory == NULL)
		return unknown(hasher, "there is no memory to read a string from");
	*bytes = target_view(memory, address, length);
	if (*bytes != NULL)
		return HASH_OK;
	hasher->string.length = 0;
	while (hasher->string.length < length) {
		size_t left = length - hasher->string.length, piece = left < READ_AT_ONCE ? left : READ_AT_ONCE;
		uint8_t *to = buffer_reserve(&hasher->string, piece);
		struct error *error = target_read(memory, taddr_add(address, hasher->string.length), to, piece);

		if (error != NULL)
			return unknown_by(hasher, error_wrap(error, "string"));
		hasher->string.length += piece;
	}
	*bytes = hasher->string.bytes;
	return HASH_OK;
}

static enum key_hash_result hash_string(struct key_hasher *hasher, const uint8_t *header, uint64_t *h)
{
	const struct machine *machine = &hasher->state.machine;
	uint64_t length = load_word(machine, header + machine->word_size);
	const uint8_t *bytes = header; /* of an empty string none are read */

	if (length != 0 && read_string(hasher, load_address(machine, header), length, &bytes) != HASH_OK)
		return HASH_UNKNOWN;
	*h = hasher->functions->memory(&hasher->state, bytes, length, *h);
	return HASH_OK;
}

static size_t dynamic_index(struct key_hasher *hasher, struct gotype *type)
{
	const uint64_t *known = table_get(&hasher->dynamics, (uintptr_t)type);
	/* interhash calls the type's own function until 1.13, typehash from 1.14 (runtime/alg.go). */
	enum key_steps_how how = hasher->state.go_minor >= 14 ? HOW_TYPEHASH : HOW_COMPILER;
	struct dynamic *dynamic;
	struct error *error;

	if (known != NULL)
		return *known;
	table_put(&hasher->dynamics, (uintptr_t)type, hasher->dynamic_count);
	ARRAY_RESERVE(hasher->dynamic_list, hasher->dynamic_count, hasher->dynamic_capacity);
	dynamic = &hasher->dynamic_list[hasher->dynamic_count];
	*dynamic = (struct dynamic){ 0 };
	error = key_steps_make(type, hasher->state.go_minor, how, &dynamic->steps);
	if (error != NULL) {
		dynamic->problem = xstrdup(error->message);
		error_free(error);
	}
	return hasher->dynamic_count++;
}

static enum key_hash_result take_steps(struct key_hasher *hasher, const struct key_step *steps, size_t count,
				       struct place place, uint64_t *h);

static enum key_hash_result hash_value(struct key_hasher *hasher, struct gotype *type, struct place place, uint64_t *h)
{
	size_t index = dynamic_index(hasher, type);
	struct key_steps steps = hasher->dynamic_list[index].steps;

	if (hasher->dynamic_list[index].problem != NULL)
		return unknown(hasher, "%s", hasher->dynamic_list[index].problem);
	return take_steps(hasher, steps.list, steps.count, place, h);
}

/* A value that an interface points to. */
static enum key_hash_result hash_value_at(struct key_hasher *hasher, struct gotype *type, taddr address, uint64_t *h)
{
	enum key_hash_result result;
	uint8_t small[64], *bytes = small;
	struct error *error;

	if (type->size > VALUE_LIMIT)
		return unknown(hasher, "%s: a value of %llu bytes in an interface is not read", type->name,
			       (unsigned long long)type->size);
	if (hasher->program->memory == NULL)
		return unknown(hasher, "there is no memory to read an interface's value from");
	if (type->size > sizeof(small))
		bytes = xmalloc(type->size);
	error = type->size == 0 ? NULL : target_read(hasher->program->memory, address, bytes, type->size);
	if (error != NULL)
		result = unknown_by(hasher, error_wrap(error, "value in an interface"));
	else
		result = hash_value(hasher, type, (struct place){ bytes, address }, h);
	if (bytes != small)
		free(bytes);
	return result;
}

/* interhash, nilinterhash: c1 * T(value, h ^ c0). */
static enum key_hash_result hash_interface(struct key_hasher *hasher, struct gotype *type, struct place place,
					   uint64_t *h)
{
	const struct machine *machine = &hasher->state.machine;
	enum key_hash_result result;
	struct gotype *dynamic;
	struct error *error;
	uint64_t inner = *h ^ hash_c0(&hasher->state);
	taddr value;
	bool inside;

	if (load_word(machine, place.bytes) == 0)
		return HASH_OK;
	error = gotype_of_interface(type, place.address, place.bytes, &dynamic, &value, &inside);
	if (error != NULL)
		return unknown_by(hasher, error);
	if (dynamic == NULL)
		return HASH_OK;
	if (hasher->depth >= INTERFACE_DEPTH_LIMIT)
		return unknown(hasher, "interfaces nest too deep");
	if (inside && dynamic->size > machine->word_size)
		return unknown(hasher, "%s: too large for an interface's word", dynamic->name);
	hasher->depth++;
	if (inside)
		result = hash_value(hasher, dynamic, place_at(place, machine->word_size), &inner);
	else
		result = hash_value_at(hasher, dynamic, value, &inner);
	hasher->depth--;
	inner *= hash_c1(&hasher->state);
	if (result == HASH_OK)
		*h = machine->word_size == 8 ? inner : (uint32_t)inner;
	return result;
}

static enum key_hash_result take_step(struct key_hasher *hasher, const struct key_step *step, struct place place,
				      uint64_t *h)
{
	const struct hash_functions *functions = hasher->functions;
	const struct hash_state *state = &hasher->state;
	enum key_hash_result result = HASH_OK;

	switch (step->kind) {
	case STEP_MEMORY: *h = functions->memory(state, place.bytes, step->size, *h); return HASH_OK;
	case STEP_MEMORY32: *h = functions->memory32(state, place.bytes, *h); return HASH_OK;
	case STEP_MEMORY64: *h = functions->memory64(state, place.bytes, *h); return HASH_OK;
	case STEP_FLOAT32: return hash_float32(state, place.bytes, *h, h) ? HASH_OK : HASH_NAN;
	case STEP_FLOAT64: return hash_float64(state, place.bytes, *h, h) ? HASH_OK : HASH_NAN;
	case STEP_STRING: return hash_string(hasher, place.bytes, h);
	case STEP_INTERFACE: return hash_interface(hasher, step->type, place, h);
	case STEP_REPEAT:
		for (uint64_t i = 0; i < step->count && result == HASH_OK; i++)
			result = take_steps(hasher, step + 1, step->steps, place_at(place, i * step->size), h);
		return result;
	}
	return HASH_OK;
}

static enum key_hash_result take_steps(struct key_hasher *hasher, const struct key_step *steps, size_t count,
				       struct place place, uint64_t *h)
{
	enum key_hash_result result = HASH_OK;

	for (size_t i = 0; i < count && result == HASH_OK; i += 1 + steps[i].steps)
		result = take_step(hasher, &steps[i], place_at(place, steps[i].offset), h);
	return result;
}

enum key_hash_result key_hash(struct key_hasher *hasher, const uint8_t *bytes, taddr address, uint64_t seed,
			      uint64_t *out)
{
	enum key_hash_result result = HASH_OK;
	uint64_t h = seed;

	switch (hasher->shape) {
	case SHAPE_MEMORY32: h = hasher->functions->memory32(&hasher->state, bytes, seed); break;
	case SHAPE_MEMORY64: h = hasher->functions->memory64(&hasher->state, bytes, seed); break;
	case SHAPE_STRING: result = hash_string(hasher, bytes, &h); break;
	case SHAPE_STEPS:
		hasher->depth = 0;
		result = take_steps(hasher, hasher->steps.list, hasher->steps.count, (struct place){ bytes, address },
				    &h);
		break;
	}
	if (result == HASH_OK)
		*out = h;
	return result;
}
