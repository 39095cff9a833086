#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/literal_private.h"
#include "gotype/program.h"
#include "util/alloc.h"

/* --- types --------------------------------------------------------------------------------------------------- */

static const char *syntax_of(const struct gotype *type)
{
	switch (type->kind) {
	case GO_STRING:
		return "\"text\"";
	case GO_BOOL:
		return "true or false";
	case GO_FLOAT32:
	case GO_FLOAT64:
		return "a number like -1.5 or +Inf";
	case GO_COMPLEX64:
	case GO_COMPLEX128:
		return "a number like (1+2i)";
	case GO_STRUCT:
		return "its fields, {1, \"a\"} or {X: 1, Y: \"a\"}";
	case GO_ARRAY:
		return "its elements, {1, 2, 3}";
	case GO_INTERFACE:
		return "a value with its type, int64(5) or main.point{1, 2}; \"text\", 5, 1.5 and true have Go's default types";
	case GO_POINTER:
	case GO_CHAN:
	case GO_UNSAFE_POINTER:
		return "an address like 0xc000012345, or nil";
	default:
		return gotype_is_integer(type) ? "a whole number that fits it, or 'x'" : "no key";
	}
}

static struct error *mismatch(const struct gotype *type)
{
	return error_hint(error_new(ERROR_USAGE, "the key is no %s", type->name), "values of type %s are written as %s", type->name,
			  syntax_of(type));
}

static bool integer_fits(const struct literal *literal, const struct gotype *type)
{
	unsigned bits = (unsigned)type->size * 8;
	bool is_signed = type->kind >= GO_INT && type->kind <= GO_INT64;
	uint64_t most = is_signed ? UINT64_MAX >> (65 - bits) : UINT64_MAX >> (64 - bits);

	if (literal->kind != LITERAL_INTEGER && literal->kind != LITERAL_RUNE)
		return false;
	if (literal->negative)
		return is_signed ? literal->magnitude <= most + 1 : literal->magnitude == 0;
	return literal->magnitude <= most;
}

static bool is_word(const struct literal *literal, const char *word)
{
	return literal->kind == LITERAL_WORD && literal->bytes.length == strlen(word) &&
	       memcmp(literal->bytes.bytes, word, literal->bytes.length) == 0;
}

static bool is_number(const struct literal *literal)
{
	return literal->kind == LITERAL_INTEGER || literal->kind == LITERAL_FLOAT || literal->kind == LITERAL_RUNE ||
	       is_word(literal, "NaN") || is_word(literal, "Inf");
}

/* The item of a list for field (or element) i; NULL: not given, it is zero. */
static const struct literal *item_for(const struct literal *literal, const struct gotype *type, size_t i)
{
	if (type->kind == GO_ARRAY || literal->count == 0 || literal->names[0] == NULL)
		return i < literal->count ? literal->items[i] : NULL;
	for (size_t k = 0; k < literal->count; k++)
		if (literal->names[k] != NULL && strcmp(literal->names[k], type->fields[i].name) == 0)
			return literal->items[k];
	return NULL;
}

static struct error *check_list(const struct literal *literal, struct gotype *type)
{
	size_t places = type->kind == GO_ARRAY ? type->length : type->field_count;

	if (literal->kind != LITERAL_LIST || literal->count > places)
		return mismatch(type);
	for (size_t i = 0; i < literal->count; i++) {
		size_t place = i;

		if (literal->names[i] != NULL) {
			int found = type->kind == GO_STRUCT ? gotype_field_find(type, literal->names[i]) : -1;

			if (found < 0)
				return error_new(ERROR_USAGE, "%s has no field %s", type->name, literal->names[i]);
			place = (size_t)found;
		}
		TRY(literal_check(literal->items[i], type->kind == GO_ARRAY ? type->elem : type->fields[place].type));
	}
	return NULL;
}

struct error *literal_check(const struct literal *literal, struct gotype *type)
{
	bool good = false;

	TRY(gotype_complete(type));
	switch (type->kind) {
	case GO_STRING:
		good = literal->kind == LITERAL_STRING;
		break;
	case GO_BOOL:
		good = is_word(literal, "true") || is_word(literal, "false");
		break;
	case GO_FLOAT32:
	case GO_FLOAT64:
		good = is_number(literal);
		break;
	case GO_COMPLEX64:
	case GO_COMPLEX128:
		good = is_number(literal) || literal->kind == LITERAL_COMPLEX;
		break;
	case GO_POINTER:
	case GO_CHAN:
	case GO_UNSAFE_POINTER:
		good = literal->kind == LITERAL_INTEGER || is_word(literal, "nil");
		break;
	case GO_INTERFACE:
		good = true; /* any value may be in it */
		break;
	case GO_STRUCT:
	case GO_ARRAY:
		return check_list(literal, type);
	default:
		good = gotype_is_integer(type) && integer_fits(literal, type);
	}
	return good ? NULL : mismatch(type);
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

static double float_value(const struct literal *literal)
{
	if (is_word(literal, "NaN"))
		return NAN;
	if (is_word(literal, "Inf"))
		return INFINITY;
	return literal->kind == LITERAL_RUNE ? (double)literal->magnitude : literal->real;
}

static bool float_equals(const struct machine *machine, const uint8_t *bytes, size_t size, double wanted)
{
	if (size == 4) {
		uint32_t raw = load_u32(machine, bytes);
		float value;

		memcpy(&value, &raw, sizeof(value));
		return value == (float)wanted;
	}

	uint64_t raw = load_u64(machine, bytes);
	double value;

	memcpy(&value, &raw, sizeof(value));
	return value == wanted;
}

static struct error *string_equals(const struct literal *literal, struct gotype *type, const uint8_t *bytes, bool *equal)
{
	struct program *program = type->program;
	const struct machine *machine = &program->machine;
	taddr data = load_address(machine, bytes);

	*equal = false;
	if (load_word(machine, bytes + machine->word_size) != literal->bytes.length)
		return NULL;

	uint8_t *copy = xmalloc(literal->bytes.length);
	struct error *error = target_read(program->memory, data, copy, literal->bytes.length);

	if (error == NULL)
		*equal = literal->bytes.length == 0 || memcmp(copy, literal->bytes.bytes, literal->bytes.length) == 0;
	free(copy);
	return error;
}

static bool all_zero(const uint8_t *bytes, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static struct error *list_equals(const struct literal *literal, struct gotype *type, const uint8_t *bytes, taddr address,
				 bool *equal)
{
	size_t places = type->kind == GO_ARRAY ? type->length : type->field_count;

	*equal = true;
	for (size_t i = 0; i < places && *equal; i++) {
		struct gotype *part = type->kind == GO_ARRAY ? type->elem : type->fields[i].type;
		uint64_t offset = type->kind == GO_ARRAY ? i * part->size : type->fields[i].offset;
		const struct literal *item = item_for(literal, type, i);

		if (type->kind == GO_STRUCT && strcmp(type->fields[i].name, "_") == 0)
			continue;
		if (item == NULL)
			*equal = all_zero(bytes + offset, part->size);
		else
			TRY(literal_equals(item, part, bytes + offset, taddr_add(address, offset), equal));
	}
	return NULL;
}

/* The type that an untyped constant gets in an interface. */
static const char *default_type(const struct literal *literal)
{
	if (literal->type != NULL)
		return literal->type;
	switch (literal->kind) {
	case LITERAL_STRING:
		return "string";
	case LITERAL_INTEGER:
		return "int";
	case LITERAL_RUNE:
		return "int32";
	case LITERAL_FLOAT:
		return "float64";
	case LITERAL_COMPLEX:
		return "complex128";
	case LITERAL_WORD:
		return "bool";
	default:
		return "";
	}
}

static struct error *interface_equals(const struct literal *literal, struct gotype *type, const uint8_t *bytes,
				      taddr address, bool *equal)
{
	struct gotype *dynamic;
	taddr value;
	bool inside;

	TRY(gotype_of_interface(type, address, bytes, &dynamic, &value, &inside));
	*equal = dynamic == NULL && is_word(literal, "nil");
	if (dynamic == NULL || strcmp(dynamic->name, default_type(literal)) != 0)
		return NULL;
	TRY(literal_check(literal, dynamic));

	uint8_t *copy = xmalloc(dynamic->size);
	struct error *error = target_read(type->program->memory, value, copy, dynamic->size);

	if (inside) { /* the word may be in our memory only */
		error_free(error);
		error = NULL;
		memcpy(copy, bytes + type->program->machine.word_size, dynamic->size);
	}
	if (error == NULL)
		error = literal_equals(literal, dynamic, copy, value, equal);
	free(copy);
	return error;
}

struct error *literal_equals(const struct literal *literal, struct gotype *type, const uint8_t *bytes, taddr address,
			     bool *equal)
{
	const struct machine *machine = &type->program->machine;
	size_t half = type->size / 2;

	TRY(gotype_complete(type));
	switch (type->kind) {
	case GO_STRING:
		return string_equals(literal, type, bytes, equal);
	case GO_BOOL:
		*equal = (bytes[0] != 0) == is_word(literal, "true");
		return NULL;
	case GO_FLOAT32:
	case GO_FLOAT64:
		*equal = float_equals(machine, bytes, type->size, float_value(literal));
		return NULL;
	case GO_COMPLEX64:
	case GO_COMPLEX128:
		*equal = float_equals(machine, bytes, half, float_value(literal)) &&
			 float_equals(machine, bytes + half, half, literal->imaginary);
		return NULL;
	case GO_STRUCT:
	case GO_ARRAY:
		return list_equals(literal, type, bytes, address, equal);
	case GO_INTERFACE:
		return interface_equals(literal, type, bytes, address, equal);
	default: {
		uint64_t wanted = literal->negative ? -literal->magnitude : literal->magnitude;
		uint64_t mask = type->size >= 8 ? UINT64_MAX : (UINT64_C(1) << type->size * 8) - 1;

		*equal = load_uint(machine, bytes, type->size) == (wanted & mask);
		return NULL;
	}
	}
}
