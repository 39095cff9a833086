/*
 * What the compiler derives from a type's parts. Sources, in each release's src/cmd/compile/internal/:
 * alignment          types/size.go, CalcSize (<= 1.16: gc/align.go, dowidth)
 * equality           types/alg.go, AlgType; types/size.go (>= 1.23) (<= 1.16: gc/alg.go, algtype1)
 * keys of maps       reflectdata/reflect.go, needkeyupdate, hashMightPanic; types/type.go, IsReflexive (<= 1.16: gc/reflect.go)
 * pointers           types/type.go, HasPointers
 */
#include <string.h>

#include "gotype/private.h"
#include "layout/shape.h"

static struct error *traits_of(struct gotype *type, int depth, const struct gotype_traits **out);

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* A field is followed by padding, which is not to be compared. */
static bool is_padded(const struct gotype *type, size_t i)
{
	uint64_t end = i + 1 < type->field_count ? type->fields[i + 1].offset : type->size;

	return type->fields[i].offset + type->fields[i].type->size != end;
}

static enum gotype_equality struct_equality(enum gotype_equality so_far, const struct gotype *type, size_t i,
					    enum gotype_equality field)
{
	bool blank = strcmp(type->fields[i].name, "_") == 0;

	if (so_far == GOTYPE_NO_EQUALITY || field == GOTYPE_NO_EQUALITY)
		return GOTYPE_NO_EQUALITY;
	if (type->field_count == 1 && !blank)
		return field;
	return field != GOTYPE_MEMORY || blank || is_padded(type, i) ? GOTYPE_SPECIAL : so_far;
}

static struct error *struct_traits(struct gotype *type, int depth, struct gotype_traits *out)
{
	*out = (struct gotype_traits){ .align = 1, .equality = GOTYPE_MEMORY, .reflexive = true };
	/* Go >= 1.19: what atomic.Int64 and atomic.Uint64 have as their first field; 8 on all machines */
	if (ends_with(type->name, "atomic.align64"))
		out->align = 8;
	for (size_t i = 0; i < type->field_count; i++) {
		const struct gotype_traits *field;

		TRY(traits_of(type->fields[i].type, depth, &field));
		out->align = field->align > out->align ? field->align : out->align;
		out->equality = struct_equality(out->equality, type, i, field->equality);
		out->pointers |= field->pointers;
		out->reflexive &= field->reflexive;
		out->key_update |= field->key_update;
		out->hash_panics |= field->hash_panics;
	}
	return NULL;
}

static struct error *array_traits(struct gotype *type, int depth, struct gotype_traits *out)
{
	const struct gotype_traits *elem;

	TRY(traits_of(type->elem, depth, &elem));
	*out = *elem;
	out->pointers = elem->pointers && type->length > 0;
	if (elem->equality != GOTYPE_NO_EQUALITY && type->length != 1)
		out->equality = elem->equality == GOTYPE_MEMORY || type->length == 0 ? GOTYPE_MEMORY : GOTYPE_SPECIAL;
	return NULL;
}

static struct error *compound_traits(struct gotype *type, int depth, struct gotype_traits *out)
{
	if (depth == GOTYPE_DEPTH_LIMIT)
		return error_new(ERROR_TARGET, "type %s: nested too deeply", type->name);
	TRY(gotype_complete(type));
	return type->kind == GO_ARRAY ? array_traits(type, depth + 1, out) : struct_traits(type, depth + 1, out);
}

static struct gotype_traits basic_traits(const struct gotype *type)
{
	unsigned word = type->program->machine.word_size;
	bool two_parts = type->kind == GO_COMPLEX64 || type->kind == GO_COMPLEX128;
	uint64_t size = two_parts ? type->size / 2 : type->size;
	struct gotype_traits number = { .align = (uint8_t)shape_number_align(size, word), .reflexive = true };
	struct gotype_traits words = { .align = (uint8_t)word, .pointers = true, .reflexive = true };

	number.equality = words.equality = GOTYPE_MEMORY;
	switch (type->kind) {
	case GO_COMPLEX64:
	case GO_COMPLEX128:
	case GO_FLOAT32:
	case GO_FLOAT64: /* a NaN is not itself, and an assignment turns +0 into -0 */
		number.equality = GOTYPE_SPECIAL;
		number.reflexive = false;
		number.key_update = true;
		return number;
	case GO_STRING: /* an equal one may hold less memory */
		words.equality = GOTYPE_STRING_EQUALITY;
		words.key_update = true;
		return words;
	case GO_INTERFACE:
		words.equality = GOTYPE_SPECIAL;
		words.reflexive = false;
		words.key_update = words.hash_panics = true;
		return words;
	case GO_FUNC:
	case GO_MAP:
	case GO_SLICE:
		words.equality = GOTYPE_NO_EQUALITY;
		return words;
	case GO_CHAN:
	case GO_POINTER:
	case GO_UNSAFE_POINTER:
		return words;
	default:
		return number;
	}
}

static struct error *traits_of(struct gotype *type, int depth, const struct gotype_traits **out)
{
	if (type->traits == NULL) {
		struct gotype_traits traits;

		if (type->kind == GO_INVALID)
			return error_new(ERROR_TARGET, "type %s: Go has no such type", type->name);
		if (type->kind == GO_ARRAY || type->kind == GO_STRUCT)
			TRY(compound_traits(type, depth, &traits));
		else
			traits = basic_traits(type);
		type->traits = program_allocate(type->program, sizeof(traits));
		*type->traits = traits;
	}
	*out = type->traits;
	return NULL;
}

struct error *gotype_traits(struct gotype *type, const struct gotype_traits **out)
{
	return traits_of(type, 0, out);
}

struct error *gotype_align(struct gotype *type, uint64_t *out)
{
	const struct gotype_traits *traits;

	TRY(gotype_traits(type, &traits));
	*out = traits->align;
	return NULL;
}

struct gotype *gotype_atomic_pointer(const struct gotype *type)
{
	for (size_t i = 0; i < type->field_count; i++) {
		struct gotype *field = type->fields[i].type;
		struct error *error = field->kind == GO_ARRAY && field->size == 0 ? gotype_complete(field) : NULL;
		bool empty = error == NULL && field->kind == GO_ARRAY && field->completed && field->length == 0;

		error_free(error);
		if (!empty || field->elem == NULL || field->elem->kind != GO_POINTER)
			continue;
		error = gotype_complete(field->elem);
		empty = error == NULL && field->elem->elem != NULL;
		error_free(error);
		return empty ? field->elem : NULL;
	}
	return NULL;
}
