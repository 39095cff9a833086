#include "map/key_equal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gotype/program.h"
#include "map/key_steps.h"
#include "util/alloc.h"
#include "util/table.h"

/* What a bad pointer could make us read or recurse through. */
enum { INTERFACE_DEPTH_LIMIT = 64, VALUE_LIMIT = 1 << 20 };
/* Of one pair of keys: bytes that are read, and steps. Interfaces that lead to each other would multiply without it. */
enum { WORK_LIMIT = 256 << 20, STEP_WORK = 256 };

/* What a dynamic type is compared by. */
struct dynamic {
	struct key_steps steps;
	char *problem; /* why it cannot be compared, or NULL */
};

struct key_comparer {
	struct program *program;
	struct key_steps steps;
	bool plain; /* one run of memory: plain_size bytes from plain_offset on */
	uint64_t plain_offset, plain_size;
	struct table dynamics; /* by address of the gotype: index in dynamic_list */
	struct dynamic *dynamic_list;
	size_t dynamic_count, dynamic_capacity;
	unsigned depth;
	uint64_t work; /* left for this pair */
	char reason[256];
};

/*
 * The steps that hash a key are those that compare it: both functions of a type skip the same fields and gaps
 * (cmd/compile/internal/reflectdata/alg.go, genhash and geneq), whichever way a version cuts its runs.
 */
static struct error *make_steps(struct gotype *type, struct key_steps *out)
{
	return key_steps_make(type, type->program->version->minor, HOW_COMPILER, out);
}

static uint64_t step_size(const struct key_step *step)
{
	return step->kind == STEP_MEMORY32 ? 4 : step->kind == STEP_MEMORY64 ? 8 : step->size;
}

static bool is_memory(enum key_step_kind kind)
{
	return kind == STEP_MEMORY || kind == STEP_MEMORY32 || kind == STEP_MEMORY64;
}

struct error *key_comparer_create(struct gotype *key, struct key_comparer **out)
{
	struct key_steps steps = { 0 };

	TRY(make_steps(key, &steps));

	struct key_comparer *comparer = xcalloc(1, sizeof(*comparer));

	comparer->program = key->program;
	comparer->steps = steps;
	if (steps.count == 1 && is_memory(steps.list[0].kind)) {
		comparer->plain = true;
		comparer->plain_offset = steps.list[0].offset;
		comparer->plain_size = step_size(&steps.list[0]);
	}
	*out = comparer;
	return NULL;
}

void key_comparer_destroy(struct key_comparer *comparer)
{
	if (comparer == NULL)
		return;
	for (size_t i = 0; i < comparer->dynamic_count; i++) {
		key_steps_free(&comparer->dynamic_list[i].steps);
		free(comparer->dynamic_list[i].problem);
	}
	free(comparer->dynamic_list);
	table_free(&comparer->dynamics);
	key_steps_free(&comparer->steps);
	free(comparer);
}

const char *key_equal_reason(const struct key_comparer *comparer)
{
	return comparer->reason;
}

static struct key_place place_at(struct key_place place, uint64_t offset)
{
	return (struct key_place){ place.bytes + offset, taddr_add(place.address, offset) };
}

static enum key_equality unknown(struct key_comparer *comparer, const char *format, ...) PRINTF(2, 3);

static enum key_equality unknown(struct key_comparer *comparer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(comparer->reason, sizeof(comparer->reason), format, arguments);
	va_end(arguments);
	return KEYS_UNKNOWN;
}

/* Consumes `error`. */
static enum key_equality unknown_by(struct key_comparer *comparer, struct error *error)
{
	unknown(comparer, "%s", error->message);
	error_free(error);
	return KEYS_UNKNOWN;
}

static bool spend(struct key_comparer *comparer, uint64_t work)
{
	bool enough = work <= comparer->work;

	comparer->work -= enough ? work : comparer->work;
	return enough;
}

static enum key_equality out_of_work(struct key_comparer *comparer)
{
	return unknown(comparer, "the keys are too large to compare");
}

/* --- strings ---------------------------------------------------------------------------------------------------- */

/* Piece by piece, so that a wrong length ends at the first hole. */
static enum key_equality compare_memory(struct key_comparer *comparer, taddr a, taddr b, uint64_t length)
{
	struct target *memory = comparer->program->memory;

	while (length != 0) {
		uint8_t bytes[2][4096];
		size_t piece = length < sizeof(bytes[0]) ? length : sizeof(bytes[0]);
		struct error *error = target_read(memory, a, bytes[0], piece);

		if (error == NULL)
			error = target_read(memory, b, bytes[1], piece);
		if (error != NULL)
			return unknown_by(comparer, error_wrap(error, "string"));
		if (memcmp(bytes[0], bytes[1], piece) != 0)
			return KEYS_DIFFERENT;
		a = taddr_add(a, piece);
		b = taddr_add(b, piece);
		length -= piece;
	}
	return KEYS_EQUAL;
}

static enum key_equality compare_strings(struct key_comparer *comparer, const uint8_t *a, const uint8_t *b)
{
	const struct machine *machine = &comparer->program->machine;
	struct target *memory = comparer->program->memory;
	uint64_t length = load_word(machine, a + machine->word_size);
	taddr from = load_address(machine, a), to = load_address(machine, b);

	if (length != load_word(machine, b + machine->word_size))
		return KEYS_DIFFERENT;
	if (length == 0 || from.v == to.v)
		return KEYS_EQUAL;
	if (memory == NULL)
		return unknown(comparer, "there is no memory to read a string from");
	if (!spend(comparer, length))
		return out_of_work(comparer);

	const uint8_t *x = target_view(memory, from, length), *y = target_view(memory, to, length);

	if (x != NULL && y != NULL)
		return memcmp(x, y, length) == 0 ? KEYS_EQUAL : KEYS_DIFFERENT;
	return compare_memory(comparer, from, to, length);
}

/* --- floats ----------------------------------------------------------------------------------------------------- */

static bool equal_floats(uint64_t a, uint64_t b, uint64_t sign, uint64_t infinity)
{
	uint64_t magnitude = a & (sign - 1);

	if (magnitude > infinity)
		return false;
	return a == b || (magnitude == 0 && (b & (sign - 1)) == 0);
}

static enum key_equality compare_floats(const struct key_comparer *comparer, const uint8_t *a, const uint8_t *b, size_t size)
{
	const struct machine *machine = &comparer->program->machine;
	uint64_t sign = UINT64_C(1) << (8 * size - 1);
	uint64_t infinity = size == 4 ? UINT64_C(0x7f800000) : UINT64_C(0x7ff0000000000000);

	bool equal = equal_floats(load_uint(machine, a, size), load_uint(machine, b, size), sign, infinity);

	return equal ? KEYS_EQUAL : KEYS_DIFFERENT;
}

/* --- interfaces ------------------------------------------------------------------------------------------------- */

static size_t dynamic_index(struct key_comparer *comparer, struct gotype *type)
{
	const uint64_t *known = table_get(&comparer->dynamics, (uintptr_t)type);

	if (known != NULL)
		return *known;
	table_put(&comparer->dynamics, (uintptr_t)type, comparer->dynamic_count);
	ARRAY_RESERVE(comparer->dynamic_list, comparer->dynamic_count, comparer->dynamic_capacity);

	struct dynamic *dynamic = &comparer->dynamic_list[comparer->dynamic_count];

	*dynamic = (struct dynamic){ 0 };

	struct error *error = make_steps(type, &dynamic->steps);

	if (error != NULL) {
		dynamic->problem = xstrdup(error->message);
		error_free(error);
	}
	return comparer->dynamic_count++;
}

static enum key_equality compare_steps(struct key_comparer *comparer, const struct key_step *steps, size_t count,
				       struct key_place a, struct key_place b);

static enum key_equality compare_values(struct key_comparer *comparer, struct gotype *type, struct key_place a,
					struct key_place b)
{
	size_t index = dynamic_index(comparer, type);
	struct key_steps steps = comparer->dynamic_list[index].steps;

	if (comparer->dynamic_list[index].problem != NULL)
		return unknown(comparer, "%s", comparer->dynamic_list[index].problem);
	return compare_steps(comparer, steps.list, steps.count, a, b);
}

/* Values that interfaces point to. */
static enum key_equality compare_values_at(struct key_comparer *comparer, struct gotype *type, taddr a, taddr b)
{
	struct target *memory = comparer->program->memory;
	uint64_t size = type->size;
	uint8_t small[128], *bytes = small;

	if (memory == NULL)
		return unknown(comparer, "there is no memory to read an interface's value from");
	if (size > VALUE_LIMIT || !spend(comparer, size))
		return unknown(comparer, "%s: a value of %llu bytes in an interface is not read", type->name,
			       (unsigned long long)size);
	if (2 * size > sizeof(small))
		bytes = xmalloc(2 * size);

	struct error *error = size == 0 ? NULL : target_read(memory, a, bytes, size);
	enum key_equality result;

	if (error == NULL && size != 0)
		error = target_read(memory, b, bytes + size, size);
	if (error != NULL)
		result = unknown_by(comparer, error_wrap(error, "value in an interface"));
	else
		result = compare_values(comparer, type, (struct key_place){ bytes, a }, (struct key_place){ bytes + size, b });
	if (bytes != small)
		free(bytes);
	return result;
}

/* What an interface holds. */
struct held {
	struct gotype *type; /* NULL: it is nil */
	taddr value;
	bool inside;
};

static struct error *look_inside(const struct key_comparer *comparer, struct gotype *type, struct key_place place,
				 struct held *out)
{
	*out = (struct held){ 0 };
	if (load_word(&comparer->program->machine, place.bytes) == 0)
		return NULL;
	return gotype_of_interface(type, place.address, place.bytes, &out->type, &out->value, &out->inside);
}

/* efaceeq and ifaceeq of runtime/alg.go */
static enum key_equality compare_interfaces(struct key_comparer *comparer, struct gotype *type, struct key_place a,
					    struct key_place b)
{
	unsigned word = comparer->program->machine.word_size;
	struct held x, y;
	enum key_equality result;
	struct error *error = look_inside(comparer, type, a, &x);

	if (error == NULL)
		error = look_inside(comparer, type, b, &y);
	if (error != NULL)
		return unknown_by(comparer, error);
	if (x.type != y.type)
		return KEYS_DIFFERENT;
	if (x.type == NULL)
		return KEYS_EQUAL;
	if (comparer->depth >= INTERFACE_DEPTH_LIMIT)
		return unknown(comparer, "interfaces nest too deep");
	if (x.inside && x.type->size > word)
		return unknown(comparer, "%s: too large for an interface's word", x.type->name);
	comparer->depth++;
	if (x.inside)
		result = compare_values(comparer, x.type, place_at(a, word), place_at(b, word));
	else
		result = compare_values_at(comparer, x.type, x.value, y.value);
	comparer->depth--;
	return result;
}

/* --- steps ------------------------------------------------------------------------------------------------------ */

static enum key_equality compare_rounds(struct key_comparer *comparer, const struct key_step *step, struct key_place a,
					struct key_place b)
{
	enum key_equality result = KEYS_EQUAL;

	for (uint64_t i = 0; i < step->count && result != KEYS_DIFFERENT; i++) {
		uint64_t offset = i * step->size;
		struct key_place x = place_at(a, offset), y = place_at(b, offset);
		enum key_equality round = compare_steps(comparer, step + 1, step->steps, x, y);

		result = round == KEYS_EQUAL ? result : round;
		if (comparer->work == 0)
			break;
	}
	return result;
}

static enum key_equality compare_step(struct key_comparer *comparer, const struct key_step *step, struct key_place a,
				      struct key_place b)
{
	switch (step->kind) {
	case STEP_MEMORY:
	case STEP_MEMORY32:
	case STEP_MEMORY64: return memcmp(a.bytes, b.bytes, step_size(step)) == 0 ? KEYS_EQUAL : KEYS_DIFFERENT;
	case STEP_FLOAT32: return compare_floats(comparer, a.bytes, b.bytes, 4);
	case STEP_FLOAT64: return compare_floats(comparer, a.bytes, b.bytes, 8);
	case STEP_STRING: return compare_strings(comparer, a.bytes, b.bytes);
	case STEP_INTERFACE: return compare_interfaces(comparer, step->type, a, b);
	case STEP_REPEAT: return compare_rounds(comparer, step, a, b);
	}
	return KEYS_EQUAL;
}

/* One part that differs decides, whatever of the others cannot be read. */
static enum key_equality compare_steps(struct key_comparer *comparer, const struct key_step *steps, size_t count,
				       struct key_place a, struct key_place b)
{
	enum key_equality result = KEYS_EQUAL;

	for (size_t i = 0; i < count; i += 1 + steps[i].steps) {
		if (!spend(comparer, STEP_WORK))
			return out_of_work(comparer);

		struct key_place x = place_at(a, steps[i].offset), y = place_at(b, steps[i].offset);
		enum key_equality part = compare_step(comparer, &steps[i], x, y);

		if (part == KEYS_DIFFERENT)
			return part;
		result = part == KEYS_EQUAL ? result : part;
	}
	return result;
}

enum key_equality key_equal(struct key_comparer *comparer, struct key_place a, struct key_place b)
{
	if (comparer->plain)
		return memcmp(a.bytes + comparer->plain_offset, b.bytes + comparer->plain_offset, comparer->plain_size) == 0
			       ? KEYS_EQUAL : KEYS_DIFFERENT;
	comparer->depth = 0;
	comparer->work = WORK_LIMIT;
	return compare_steps(comparer, comparer->steps.list, comparer->steps.count, a, b);
}
