#include "analysis/literal_encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/expression.h"
#include "analysis/literal_private.h"
#include "analysis/suggestion.h"
#include "target/arena.h"

/* Not canonical on amd64, the kernel's or nobody's elsewhere; 32-bit: below what vm.mmap_min_addr lets anybody map (64 KiB). */
static const uint64_t base_64 = UINT64_C(0xfff0000000000000), base_32 = 0x2000;
enum { LIMIT_64 = 64 << 20, LIMIT_32 = 0xe000 };

struct target *literal_arena_create(const struct machine *machine)
{
	bool wide = machine->word_size == 8;

	return arena_create(machine, taddr_of(wide ? base_64 : base_32), wide ? LIMIT_64 : LIMIT_32);
}

static struct error *allocate(struct target *arena, uint64_t size, taddr *out)
{
	size_t wanted = size ? size : 1; /* an address for values without bytes, too */

	if (!arena_fits(arena, wanted))
		return error_new(ERROR_USAGE, "there is no room for %llu more bytes of a value", (unsigned long long)size);
	*out = arena_allocate(arena, wanted);
	return NULL;
}

static struct error *encode_at(const struct literal *literal, struct gotype *type, struct target *arena, taddr at);

static bool is_word(const struct literal *literal, const char *word)
{
	return literal->kind == LITERAL_WORD && literal->bytes.length == strlen(word) &&
	       memcmp(literal->bytes.bytes, word, literal->bytes.length) == 0;
}

static struct error *no_value(const struct gotype *type, const char *syntax)
{
	return error_hint(error_new(ERROR_USAGE, "the value is no %s", type->name), "values of type %s are written as %s", type->name, syntax);
}

static void store_words(struct target *arena, taddr at, uint64_t first, uint64_t second)
{
	unsigned word = arena->machine.word_size;
	uint8_t *bytes = arena_at(arena, at);

	store_word(&arena->machine, bytes, first);
	store_word(&arena->machine, bytes + word, second);
}

/* --- numbers, strings ------------------------------------------------------------------------------------------- */

static double real_of(const struct literal *literal)
{
	if (is_word(literal, "NaN"))
		return NAN;
	if (is_word(literal, "Inf"))
		return INFINITY;
	return literal->kind == LITERAL_RUNE ? (double)literal->magnitude : literal->real;
}

static struct error *store_float(const struct gotype *type, struct target *arena, taddr at, size_t size, double value)
{
	float narrow = (float)value;
	uint32_t bits32;
	uint64_t bits = 0;

	if (size == 4 && isinf(narrow) && !isinf(value))
		return error_new(ERROR_USAGE, "%g overflows %s", value, type->name);
	if (size == 4) {
		memcpy(&bits32, &narrow, sizeof(bits32));
		bits = bits32;
	} else {
		memcpy(&bits, &value, sizeof(bits));
	}
	store_uint(&arena->machine, arena_at(arena, at), size, bits);
	return NULL;
}

static struct error *encode_complex(const struct literal *literal, const struct gotype *type, struct target *arena, taddr at)
{
	size_t half = type->size / 2;

	TRY(store_float(type, arena, at, half, real_of(literal)));
	return store_float(type, arena, taddr_add(at, half), half, literal->imaginary);
}

static struct error *encode_string(const struct literal *literal, struct target *arena, taddr at)
{
	size_t length = literal->bytes.length;
	taddr data = { 0 };

	if (length != 0) {
		TRY(allocate(arena, length, &data));
		memcpy(arena_at(arena, data), literal->bytes.bytes, length);
	}
	store_words(arena, at, data.v, length);
	return NULL;
}

/* Pointers and the like: the address itself. */
static struct error *encode_address(const struct literal *literal, const struct gotype *type, struct target *arena, taddr at)
{
	if (literal->negative || (arena->machine.word_size == 4 && literal->magnitude > UINT32_MAX))
		return error_new(ERROR_USAGE, "no address of this machine: a %s", type->name);
	store_word(&arena->machine, arena_at(arena, at), literal->magnitude);
	return NULL;
}

/* --- arrays, slices, structs ------------------------------------------------------------------------------------ */

static struct error *encode_items(const struct literal *literal, struct gotype *elem, struct target *arena, taddr at)
{
	for (size_t i = 0; i < literal->count; i++) {
		if (literal->names[i] != NULL)
			return error_new(ERROR_USAGE, "%s: elements have no names", literal->names[i]);
		TRY(encode_at(literal->items[i], elem, arena, taddr_add(at, i * elem->size)));
	}
	return NULL;
}

static struct error *encode_array(const struct literal *literal, struct gotype *type, struct target *arena, taddr at)
{
	if (literal->kind != LITERAL_LIST || literal->count > type->length)
		return literal_check(literal, type);
	return encode_items(literal, type->elem, arena, at);
}

static struct error *encode_slice(const struct literal *literal, struct gotype *type, struct target *arena, taddr at)
{
	taddr data = { 0 };
	uint64_t size;

	if (is_word(literal, "nil"))
		return NULL;
	if (literal->kind != LITERAL_LIST)
		return no_value(type, "its elements, {1, 2, 3}, or nil");
	if (__builtin_mul_overflow(literal->count, type->elem->size, &size))
		size = UINT64_MAX;
	TRY(allocate(arena, size, &data));
	TRY(encode_items(literal, type->elem, arena, data));
	store_words(arena, at, data.v, literal->count);
	store_word(&arena->machine, (uint8_t *)arena_at(arena, at) + 2 * arena->machine.word_size, literal->count);
	return NULL;
}

static struct error *encode_struct(const struct literal *literal, struct gotype *type, struct target *arena, taddr at)
{
	if (literal->kind != LITERAL_LIST || literal->count > type->field_count)
		return literal_check(literal, type);
	for (size_t i = 0; i < literal->count; i++) {
		int place = literal->names[i] ? gotype_field_find(type, literal->names[i]) : (int)i;

		if (place < 0)
			return suggest_field(error_new(ERROR_USAGE, "%s has no field %s", type->name, literal->names[i]), type,
					     literal->names[i]);
		TRY(encode_at(literal->items[i], type->fields[place].type, arena, taddr_add(at, type->fields[place].offset)));
	}
	return NULL;
}

/* --- interfaces ------------------------------------------------------------------------------------------------- */

/* The name of the type that a value in an interface has; NULL where Go could not tell either. */
static const char *dynamic_name(const struct literal *literal)
{
	if (literal->type != NULL)
		return literal->type;
	switch (literal->kind) {
	case LITERAL_STRING: return "string";
	case LITERAL_INTEGER: return "int";
	case LITERAL_RUNE: return "int32";
	case LITERAL_FLOAT: return "float64";
	case LITERAL_COMPLEX: return "complex128";
	case LITERAL_WORD: return is_word(literal, "true") || is_word(literal, "false") ? "bool" : "float64"; /* NaN, Inf */
	case LITERAL_LIST: return NULL;
	}
	return NULL;
}

/* The type of that name, as its descriptor gives it, which is what the process knows it by. */
static struct error *find_described(struct program *program, const char *spelling, struct gotype **out)
{
	struct gotype *named;
	struct error *error = program_type_named(program, spelling, &named);
	taddr descriptor;

	if (error == NULL) {
		TRY(gotype_descriptor(named, &descriptor));
		return gotype_of_descriptor(program, descriptor, out);
	}

	struct error *missing = gotype_find_described(program, spelling, out); /* the linker leaves DWARF of types out */

	error_free(missing == NULL ? error : missing);
	return missing == NULL ? NULL : error;
}

static struct error *find_dynamic(struct program *program, const char *name, struct gotype **out)
{
	char *spelling = expression_type_spelling(name);
	struct error *error = find_described(program, spelling, out);

	free(spelling);
	if (error == NULL || error->code != ERROR_TARGET)
		return error;
	error->code = ERROR_USAGE;
	return error_hint(error, "types are written with the whole path of their package: main.point{1, 2}");
}

/* runtime.itab, in all versions: the interface's type, the dynamic type, its hash, methods. Nobody reads but the second. */
static struct error *make_itab(struct target *arena, taddr descriptor, taddr *out)
{
	enum { ITAB_WORDS = 5 };

	TRY(allocate(arena, ITAB_WORDS * arena->machine.word_size, out));
	store_words(arena, *out, 0, descriptor.v);
	return NULL;
}

static struct error *encode_interface(const struct literal *literal, struct gotype *type, struct target *arena, taddr at)
{
	unsigned word = arena->machine.word_size;
	const char *name = dynamic_name(literal);
	struct gotype *dynamic;
	taddr first, value;

	if (literal->type == NULL && is_word(literal, "nil"))
		return NULL;
	if (name == NULL)
		return error_hint(error_new(ERROR_USAGE, "a value in an interface without its type"),
				  "write it in front: main.point{1, 2}");
	TRY(find_dynamic(type->program, name, &dynamic));
	first = dynamic->descriptor;
	if (type->has_methods && type->program->binary != NULL) /* gotype/spelling.h: else the descriptor stands there itself */
		TRY(make_itab(arena, dynamic->descriptor, &first));
	if (dynamic->direct_interface && dynamic->size <= word) {
		TRY(encode_at(literal, dynamic, arena, taddr_add(at, word)));
		store_word(&arena->machine, arena_at(arena, at), first.v);
		return NULL;
	}
	TRY(allocate(arena, dynamic->size, &value));
	TRY(encode_at(literal, dynamic, arena, value));
	store_words(arena, at, first.v, value.v);
	return NULL;
}

/* --- any kind --------------------------------------------------------------------------------------------------- */

/* Kinds whose literals have no parts of other types. */
static struct error *encode_scalar(const struct literal *literal, struct gotype *type, struct target *arena, taddr at)
{
	TRY(literal_check(literal, type));
	switch (type->kind) {
	case GO_BOOL:
		*(uint8_t *)arena_at(arena, at) = is_word(literal, "true");
		return NULL;
	case GO_FLOAT32:
	case GO_FLOAT64: return store_float(type, arena, at, type->size, real_of(literal));
	case GO_COMPLEX64:
	case GO_COMPLEX128: return encode_complex(literal, type, arena, at);
	case GO_STRING: return encode_string(literal, arena, at);
	case GO_POINTER:
	case GO_CHAN:
	case GO_UNSAFE_POINTER: return encode_address(literal, type, arena, at);
	default:
		store_uint(&arena->machine, arena_at(arena, at), type->size,
			   literal->negative ? -literal->magnitude : literal->magnitude);
		return NULL;
	}
}

/* Writes to memory that is zero. */
static struct error *encode_at(const struct literal *literal, struct gotype *type, struct target *arena, taddr at)
{
	TRY(gotype_complete(type));
	switch (type->kind) {
	case GO_ARRAY: return encode_array(literal, type, arena, at);
	case GO_SLICE: return encode_slice(literal, type, arena, at);
	case GO_STRUCT: return encode_struct(literal, type, arena, at);
	case GO_INTERFACE: return encode_interface(literal, type, arena, at);
	case GO_MAP:
	case GO_FUNC: return is_word(literal, "nil") ? NULL : no_value(type, "nil; no other can be made here");
	default: return encode_scalar(literal, type, arena, at);
	}
}

struct error *literal_encode(const struct literal *literal, struct gotype *type, struct target *arena, taddr *out)
{
	taddr at;

	TRY(allocate(arena, type->size, &at));
	TRY(encode_at(literal, type, arena, at));
	*out = at;
	return NULL;
}
