/* Alignment of types: cmd/compile/internal/types/size.go, CalcSize (<= 1.16: gc/align.go, dowidth). */
#include <string.h>

#include "gotype/private.h"
#include "layout/shape.h"

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static struct error *align_of(struct gotype *type, int depth, uint64_t *out);

static struct error *struct_align(struct gotype *type, int depth, uint64_t *out)
{
	/* Go >= 1.19: what atomic.Int64 and atomic.Uint64 have as their first field; 8 on all machines */
	uint64_t most = ends_with(type->name, "atomic.align64") ? 8 : 1;

	for (size_t i = 0; i < type->field_count; i++) {
		uint64_t align;

		TRY(align_of(type->fields[i].type, depth + 1, &align));
		most = align > most ? align : most;
	}
	*out = most;
	return NULL;
}

static struct error *compound_align(struct gotype *type, int depth, uint64_t *out)
{
	if (depth == GOTYPE_DEPTH_LIMIT)
		return error_new(ERROR_TARGET, "type %s: nested too deeply", type->name);
	TRY(gotype_complete(type));
	return type->kind == GO_ARRAY ? align_of(type->elem, depth + 1, out) : struct_align(type, depth, out);
}

static struct error *align_of(struct gotype *type, int depth, uint64_t *out)
{
	unsigned word = type->program->machine.word_size;

	switch (type->kind) {
	case GO_INVALID:
		return error_new(ERROR_TARGET, "type %s: its alignment is not known", type->name);
	case GO_ARRAY:
	case GO_STRUCT:
		if (type->align == 0) {
			TRY(compound_align(type, depth, out));
			type->align = (uint8_t)*out;
		}
		*out = type->align;
		return NULL;
	case GO_COMPLEX64:
	case GO_COMPLEX128: /* as its two parts */
		*out = shape_number_align(type->size / 2, word);
		return NULL;
	case GO_STRING:
	case GO_SLICE:
	case GO_INTERFACE:
		*out = word;
		return NULL;
	default:
		*out = shape_number_align(type->size, word);
		return NULL;
	}
}

struct error *gotype_align(struct gotype *type, uint64_t *out)
{
	return align_of(type, 0, out);
}
