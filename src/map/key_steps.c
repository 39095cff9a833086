/*
 * From a type to the steps of its hash.
 *
 * Go's sources: cmd/compile/internal/gc/alg.go (1.8 ... 1.16), cmd/compile/internal/reflectdata/alg.go (1.17 ...) with
 * types/alg.go and compare/compare.go; runtime/alg.go typehash (1.14 ...).
 */
#include "map/key_steps.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "gotype/program.h"
#include "util/alloc.h"
#include "util/table.h"

/* Types come from the target's memory: one that contains itself, or a billion fields, must come to an end. */
enum { DEPTH_LIMIT = 100, STEP_LIMIT = 1 << 16, EMPTY_ELEMENT_LIMIT = 1 << 20 };

enum algorithm {
	ALGORITHM_PENDING, /* being found out: the type contains itself */
	ALGORITHM_NONE,    /* not comparable */
	ALGORITHM_MEMORY,  /* plain memory */
	ALGORITHM_FLOAT32,
	ALGORITHM_FLOAT64,
	ALGORITHM_COMPLEX64,
	ALGORITHM_COMPLEX128,
	ALGORITHM_STRING,
	ALGORITHM_INTERFACE,
	ALGORITHM_SPECIAL, /* a function of its own */
};

struct maker {
	int go_minor;
	const struct machine *machine;
	struct key_steps *out;
	struct table algorithms; /* by address of the type */
	unsigned depth;
	/* Only 1.27's signatures: what is not yet a step. */
	uint64_t run_start, run_length;
};

static bool is_blank(const struct gotype_field *field)
{
	return strcmp(field->name, "_") == 0;
}

/* True where bytes that belong to no field follow field `i`. */
static bool is_padded(const struct gotype *type, size_t i)
{
	const struct gotype_field *field = &type->fields[i];
	uint64_t end = i + 1 < type->field_count ? field[1].offset : type->size;

	return field->offset + field->type->size != end;
}

static struct error *check_type(struct gotype *type)
{
	TRY(gotype_complete(type));
	if (type->kind == GO_ARRAY && type->elem == NULL)
		return error_new(ERROR_MEMORY, "%s: no element type", type->name);
	for (size_t i = 0; i < type->field_count; i++) {
		const struct gotype_field *field = &type->fields[i];

		if (field->type->size > type->size || field->offset > type->size - field->type->size ||
		    (i > 0 && field->offset < field[-1].offset))
			return error_new(ERROR_MEMORY, "%s: field %s lies outside", type->name, field->name);
	}
	if (type->kind == GO_ARRAY && type->elem->size != 0 && type->length != type->size / type->elem->size)
		return error_new(ERROR_MEMORY, "%s: size and length contradict each other", type->name);
	if (type->kind == GO_ARRAY && type->elem->size == 0 && type->length > EMPTY_ELEMENT_LIMIT)
		return error_new(ERROR_MEMORY, "%s: too many elements", type->name);
	return NULL;
}

static struct error *find_algorithm(struct maker *maker, struct gotype *type, enum algorithm *out) MUST_CHECK;

static struct error *array_algorithm(struct maker *maker, struct gotype *type, enum algorithm *out)
{
	enum algorithm elem;

	TRY(find_algorithm(maker, type->elem, &elem));
	if (elem == ALGORITHM_MEMORY || elem == ALGORITHM_NONE || type->length == 1)
		*out = elem;
	else
		*out = type->length == 0 ? ALGORITHM_MEMORY : ALGORITHM_SPECIAL;
	return NULL;
}

static struct error *struct_algorithm(struct maker *maker, struct gotype *type, enum algorithm *out)
{
	enum algorithm whole = ALGORITHM_MEMORY;

	if (type->field_count == 1 && !is_blank(&type->fields[0]))
		return find_algorithm(maker, type->fields[0].type, out);
	for (size_t i = 0; i < type->field_count && whole != ALGORITHM_NONE; i++) {
		enum algorithm field;

		TRY(find_algorithm(maker, type->fields[i].type, &field));
		if (field == ALGORITHM_NONE)
			whole = ALGORITHM_NONE;
		else if (field != ALGORITHM_MEMORY || is_blank(&type->fields[i]) || is_padded(type, i))
			whole = ALGORITHM_SPECIAL;
	}
	*out = whole;
	return NULL;
}

static struct error *new_algorithm(struct maker *maker, struct gotype *type, enum algorithm *out)
{
	switch (type->kind) {
	case GO_FLOAT32: *out = ALGORITHM_FLOAT32; return NULL;
	case GO_FLOAT64: *out = ALGORITHM_FLOAT64; return NULL;
	case GO_COMPLEX64: *out = ALGORITHM_COMPLEX64; return NULL;
	case GO_COMPLEX128: *out = ALGORITHM_COMPLEX128; return NULL;
	case GO_STRING: *out = ALGORITHM_STRING; return NULL;
	case GO_INTERFACE: *out = ALGORITHM_INTERFACE; return NULL;
	case GO_INVALID:
	case GO_FUNC:
	case GO_MAP:
	case GO_SLICE: *out = ALGORITHM_NONE; return NULL;
	case GO_ARRAY: return array_algorithm(maker, type, out);
	case GO_STRUCT: return struct_algorithm(maker, type, out);
	default: *out = ALGORITHM_MEMORY; return NULL;
	}
}

/* algtype1 of gc/alg.go, AlgType of types/alg.go. */
static struct error *find_algorithm(struct maker *maker, struct gotype *type, enum algorithm *out)
{
	uint64_t name = (uintptr_t)type;
	uint64_t *known = table_get(&maker->algorithms, name);
	struct error *error;

	if (known != NULL) {
		*out = (enum algorithm)*known;
		if (*out == ALGORITHM_PENDING)
			return error_new(ERROR_MEMORY, "%s: contains itself", type->name);
		return NULL;
	}
	TRY(check_type(type));
	if (maker->depth >= DEPTH_LIMIT)
		return error_new(ERROR_MEMORY, "%s: nests too deep", type->name);
	table_put(&maker->algorithms, name, ALGORITHM_PENDING);
	maker->depth++;
	error = new_algorithm(maker, type, out);
	maker->depth--;
	if (error == NULL)
		*table_get(&maker->algorithms, name) = *out;
	return error;
}

static struct error *add_step(struct maker *maker, struct key_step step)
{
	struct key_steps *steps = maker->out;

	if (steps->count >= STEP_LIMIT)
		return error_new(ERROR_MEMORY, "the key's type has too many parts");
	ARRAY_RESERVE(steps->list, steps->count, steps->capacity);
	steps->list[steps->count++] = step;
	return NULL;
}

static struct error *add_memory(struct maker *maker, uint64_t offset, uint64_t size)
{
	return add_step(maker, (struct key_step){ .kind = STEP_MEMORY, .offset = offset, .size = size });
}

/* The sizes that have a function of their own: memhash32 and memhash64. */
static struct error *add_sized_memory(struct maker *maker, uint64_t offset, uint64_t size)
{
	enum key_step_kind kind = size == 4 ? STEP_MEMORY32 : size == 8 ? STEP_MEMORY64 : STEP_MEMORY;

	return add_step(maker, (struct key_step){ .kind = kind, .offset = offset, .size = size });
}

static struct error *add_floats(struct maker *maker, enum key_step_kind kind, uint64_t offset, unsigned count)
{
	uint64_t size = kind == STEP_FLOAT32 ? 4 : 8;

	for (unsigned i = 0; i < count; i++)
		TRY(add_step(maker, (struct key_step){ .kind = kind, .offset = offset + i * size, .size = size }));
	return NULL;
}

/* Kinds that are neither memory nor composed. */
static struct error *add_basic(struct maker *maker, struct gotype *type, uint64_t offset)
{
	switch (type->kind) {
	case GO_FLOAT32: return add_floats(maker, STEP_FLOAT32, offset, 1);
	case GO_FLOAT64: return add_floats(maker, STEP_FLOAT64, offset, 1);
	case GO_COMPLEX64: return add_floats(maker, STEP_FLOAT32, offset, 2);
	case GO_COMPLEX128: return add_floats(maker, STEP_FLOAT64, offset, 2);
	case GO_STRING: return add_step(maker, (struct key_step){ .kind = STEP_STRING, .offset = offset });
	case GO_INTERFACE:
		return add_step(maker, (struct key_step){ .kind = STEP_INTERFACE, .offset = offset, .type = type });
	default: return error_new(ERROR_MEMORY, "%s: cannot be hashed", type->name);
	}
}

/* Makes a step of a run that is open; only add_signature() leaves one so. */
static struct error *flush_run(struct maker *maker)
{
	uint64_t length = maker->run_length;

	maker->run_length = 0;
	return length == 0 ? NULL : add_sized_memory(maker, maker->run_start, length);
}

typedef struct error *adder(struct maker *maker, struct gotype *type, uint64_t offset);

/* `count` elements from `offset`, `together` of them a round. A round's offsets start at 0 again. */
static struct error *add_rounds(struct maker *maker, struct gotype *elem, uint64_t offset, uint64_t count,
				uint64_t together, adder *add)
{
	struct key_steps *steps = maker->out;
	size_t at = steps->count;

	TRY(add_step(maker, (struct key_step){ .kind = STEP_REPEAT, .offset = offset, .size = together * elem->size,
					       .count = count / together }));
	for (uint64_t i = 0; i < together; i++)
		TRY(add(maker, elem, i * elem->size));
	TRY(flush_run(maker));
	steps->list[at].steps = (uint32_t)(steps->count - at - 1);
	return NULL;
}

/* The compiler's functions, 1.8 ... 1.26. */

/* What unaligned loads cost (cmd/internal/sys/arch.go, 1.17 ... 1.26); 1: nothing. */
static uint64_t load_alignment(const struct maker *maker)
{
	if (maker->go_minor < 17)
		return 1;
	switch (maker->machine->elf_machine) {
	case EM_ARM: return 4;
	case EM_MIPS: return maker->machine->word_size;
	case EM_RISCV:
	case EM_LOONGARCH: return 8;
	default: return 1;
	}
}

/* Only of types whose algorithm is known: those end. */
static uint64_t alignment_of(const struct maker *maker, const struct gotype *type)
{
	uint64_t word = maker->machine->word_size, most = 1;

	switch (type->kind) {
	case GO_ARRAY: return alignment_of(maker, type->elem);
	case GO_STRUCT:
		for (size_t i = 0; i < type->field_count; i++) {
			uint64_t field = alignment_of(maker, type->fields[i].type);

			most = field > most ? field : most;
		}
		return most;
	case GO_COMPLEX64: return 4;
	case GO_STRING:
	case GO_INTERFACE:
	case GO_COMPLEX128: return word;
	default: return type->size < word ? type->size : word;
	}
}

/* memrun, compare.Memrun: the plain fields from `start` that are hashed as one. Returns the index behind them. */
static struct error *find_run(struct maker *maker, struct gotype *type, size_t start, size_t *end)
{
	uint64_t from = type->fields[start].offset, alignment = alignment_of(maker, type);
	bool strict = load_alignment(maker) > 1;
	size_t i = start;

	if (from % alignment != 0)
		alignment = from & -from;
	while (++i < type->field_count) {
		const struct gotype_field *field = &type->fields[i];
		enum algorithm algorithm;

		if (is_padded(type, i - 1) || is_blank(field))
			break;
		TRY(find_algorithm(maker, field->type, &algorithm));
		if (algorithm != ALGORITHM_MEMORY)
			break;
		/* Go issue 46283: a run must not need more alignment than its fields have. */
		if (strict && field->offset + field->type->size - from > alignment)
			break;
	}
	*end = i;
	return NULL;
}

static adder add_compiled;

static struct error *add_fields(struct maker *maker, struct gotype *type, uint64_t offset)
{
	for (size_t i = 0, next; i < type->field_count; i = next) {
		const struct gotype_field *field = &type->fields[i], *last;
		enum algorithm algorithm;

		next = i + 1;
		if (is_blank(field))
			continue;
		TRY(find_algorithm(maker, field->type, &algorithm));
		if (algorithm != ALGORITHM_MEMORY) {
			TRY(add_compiled(maker, field->type, offset + field->offset));
			continue;
		}
		TRY(find_run(maker, type, i, &next));
		last = &type->fields[next - 1];
		TRY(add_memory(maker, offset + field->offset, last->offset + last->type->size - field->offset));
	}
	return NULL;
}

/* genhash. Memory here is a whole key; within structs it goes in runs, which never use memhash32 and memhash64. */
static struct error *add_compiled(struct maker *maker, struct gotype *type, uint64_t offset)
{
	enum algorithm algorithm;

	TRY(find_algorithm(maker, type, &algorithm));
	if (algorithm == ALGORITHM_MEMORY)
		return type->size == 0 ? NULL : add_sized_memory(maker, offset, type->size);
	if (type->kind == GO_STRUCT)
		return add_fields(maker, type, offset);
	if (type->kind != GO_ARRAY)
		return add_basic(maker, type, offset);
	if (type->length == 1)
		return add_compiled(maker, type->elem, offset);
	return add_rounds(maker, type->elem, offset, type->length, 1, add_compiled);
}

/* The compiler's functions, 1.27 ...: of a signature of the whole type (reflectdata/alg.go, eqSignature). */

/* A gap ends the run, whatever it is made of. */
static struct error *extend_run(struct maker *maker, uint64_t offset, uint64_t size)
{
	if (size == 0)
		return NULL;
	if (maker->run_length > 0 && maker->run_start + maker->run_length != offset)
		TRY(flush_run(maker));
	if (maker->run_length == 0)
		maker->run_start = offset;
	maker->run_length += size;
	return NULL;
}

static adder add_signature;

static struct error *add_signature_array(struct maker *maker, struct gotype *type, uint64_t offset)
{
	uint64_t size = type->elem->size, length = type->length, unroll, first, rounds;

	if (size == 0 || length == 0)
		return NULL;
	unroll = size > 32 ? 1 : 32 / size;
	if (length == 1)
		unroll = 1;
	first = length % unroll;
	rounds = (length - first) / unroll;
	if (rounds == 1) {
		first = length;
		rounds = 0;
	}
	for (uint64_t i = 0; i < first; i++)
		TRY(add_signature(maker, type->elem, offset + i * size));
	if (rounds == 0)
		return NULL;
	TRY(flush_run(maker));
	TRY(add_rounds(maker, type->elem, offset + first * size, length - first, unroll, add_signature));
	return NULL;
}

static struct error *add_signature(struct maker *maker, struct gotype *type, uint64_t offset)
{
	enum algorithm algorithm;

	TRY(find_algorithm(maker, type, &algorithm));
	if (type->kind == GO_STRUCT) {
		for (size_t i = 0; i < type->field_count; i++) {
			const struct gotype_field *field = &type->fields[i];

			if (!is_blank(field))
				TRY(add_signature(maker, field->type, offset + field->offset));
		}
		return NULL;
	}
	if (algorithm == ALGORITHM_MEMORY)
		return extend_run(maker, offset, type->size);
	if (type->kind == GO_ARRAY)
		return add_signature_array(maker, type, offset);
	TRY(flush_run(maker));
	return add_basic(maker, type, offset);
}

/* runtime.typehash, 1.14 ... */

static struct error *is_regular(struct maker *maker, struct gotype *type, bool *out)
{
	enum algorithm algorithm;

	TRY(find_algorithm(maker, type, &algorithm));
	/* The compiler sets tflagRegularMemory where the algorithm is memory; reflect by rules of its own. */
	*out = type->die == 0 ? type->regular_memory : algorithm == ALGORITHM_MEMORY;
	return NULL;
}

static adder add_typehash;

/* 1.14 ... 1.16: plain fields that touch go in one memhash. */
static struct error *add_typehash_runs(struct maker *maker, struct gotype *type, uint64_t offset)
{
	uint64_t start = 0, end = 0;

	for (size_t i = 0; i < type->field_count; i++) {
		const struct gotype_field *field = &type->fields[i];
		bool regular;

		TRY(is_regular(maker, field->type, &regular));
		if (end > start && (is_blank(field) || field->offset != end || !regular)) {
			TRY(add_memory(maker, offset + start, end - start));
			start = end;
		}
		if (is_blank(field))
			continue;
		if (!regular) {
			TRY(add_typehash(maker, field->type, offset + field->offset));
			continue;
		}
		if (start == end)
			start = field->offset;
		end = field->offset + field->type->size;
	}
	return end > start ? add_memory(maker, offset + start, end - start) : NULL;
}

static struct error *add_typehash(struct maker *maker, struct gotype *type, uint64_t offset)
{
	bool regular;

	TRY(is_regular(maker, type, &regular));
	if (regular)
		return add_sized_memory(maker, offset, type->size);
	if (type->kind == GO_ARRAY)
		return type->length == 0 ? NULL : add_rounds(maker, type->elem, offset, type->length, 1, add_typehash);
	if (type->kind != GO_STRUCT)
		return add_basic(maker, type, offset);
	if (maker->go_minor < 17)
		return add_typehash_runs(maker, type, offset);
	for (size_t i = 0; i < type->field_count; i++) {
		if (!is_blank(&type->fields[i]))
			TRY(add_typehash(maker, type->fields[i].type, offset + type->fields[i].offset));
	}
	return NULL;
}

static struct error *make(struct maker *maker, struct gotype *type, enum key_steps_how how)
{
	enum algorithm algorithm;

	TRY(find_algorithm(maker, type, &algorithm));
	if (algorithm == ALGORITHM_NONE)
		return error_new(ERROR_MEMORY, "%s: values of this type cannot be hashed", type->name);
	if (how == HOW_TYPEHASH)
		return add_typehash(maker, type, 0);
	if (maker->go_minor < 27)
		return add_compiled(maker, type, 0);
	TRY(add_signature(maker, type, 0));
	return flush_run(maker);
}

struct error *key_steps_make(struct gotype *type, int go_minor, enum key_steps_how how, struct key_steps *out)
{
	struct maker maker = { .go_minor = go_minor, .machine = &type->program->machine, .out = out };
	struct error *error = make(&maker, type, how);

	table_free(&maker.algorithms);
	if (error != NULL)
		key_steps_free(out);
	return error;
}

void key_steps_free(struct key_steps *steps)
{
	free(steps->list);
	*steps = (struct key_steps){ 0 };
}
