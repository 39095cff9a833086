#include "analysis/literal_text.h"

#include <math.h>
#include <string.h>

#include "gotype/program.h"

/* Longer keys make no names. */
enum { STRING_LIMIT = 200, NESTING_LIMIT = 8, PARTS_LIMIT = 16 };

static bool append(struct gotype *type, const uint8_t *bytes, taddr address, struct buffer *out, int nesting);

/* Bytes of the UTF-8 sequence at `text`; 0: it is none, or a control. */
static size_t sequence_length(const uint8_t *text, size_t length)
{
	size_t want = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc3 ? 2 : 0;

	if (text[0] >= 0x20 && text[0] < 0x7f)
		return 1;
	if (want == 0 || want > length || text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xed && text[1] >= 0xa0))
		return 0;
	return want;
}

static void append_quoted(struct buffer *out, const uint8_t *text, size_t length)
{
	buffer_append_text(out, "\"");
	for (size_t i = 0; i < length;) {
		size_t some = sequence_length(text + i, length - i);

		if (some == 0) {
			buffer_append_format(out, "\\x%02x", text[i++]);
			continue;
		}
		if (text[i] == '"' || text[i] == '\\')
			buffer_append_text(out, "\\");
		buffer_append(out, text + i, some);
		i += some;
	}
	buffer_append_text(out, "\"");
}

static bool append_string(struct program *program, const uint8_t *bytes, struct buffer *out)
{
	uint64_t length = load_word(&program->machine, bytes + program->machine.word_size);
	uint8_t text[STRING_LIMIT];

	if (length > sizeof(text) ||
	    target_read_some(program->memory, load_address(&program->machine, bytes), text, (size_t)length) != length)
		return false;
	append_quoted(out, text, (size_t)length);
	return true;
}

static bool append_float(struct gotype *type, const uint8_t *bytes, struct buffer *out)
{
	const struct machine *machine = &type->program->machine;
	uint64_t bits = load_uint(machine, bytes, (size_t)type->size);
	double value;

	if (type->kind == GO_FLOAT32) {
		uint32_t half = (uint32_t)bits;
		float small;

		memcpy(&small, &half, sizeof(small));
		value = (double)small;
	} else {
		memcpy(&value, &bits, sizeof(value));
	}
	if (!isfinite(value))
		return false;
	buffer_append_format(out, "%.17g", value);
	return true;
}

static bool append_interface(struct gotype *type, const uint8_t *bytes, taddr address, struct buffer *out, int nesting)
{
	struct gotype *dynamic;
	uint8_t value[STRING_LIMIT];
	taddr at;
	bool inside;
	struct error *error = gotype_of_interface(type, address, bytes, &dynamic, &at, &inside);

	if (error != NULL || dynamic == NULL || dynamic->size > sizeof(value)) {
		error_free(error);
		return false;
	}
	if (inside)
		memcpy(value, bytes + type->program->machine.word_size, (size_t)dynamic->size);
	else if (target_read_some(type->program->memory, at, value, (size_t)dynamic->size) != dynamic->size)
		return false;
	if (dynamic->kind == GO_STRING && strcmp(dynamic->name, "string") == 0)
		return append(dynamic, value, at, out, nesting);
	if (dynamic->kind == GO_STRUCT || dynamic->kind == GO_ARRAY) {
		buffer_append_text(out, dynamic->name);
		return append(dynamic, value, at, out, nesting);
	}
	buffer_append_format(out, "%s(", dynamic->name);
	if (!append(dynamic, value, at, out, nesting))
		return false;
	buffer_append_text(out, ")");
	return true;
}

static bool append_parts(struct gotype *type, const uint8_t *bytes, taddr address, struct buffer *out, int nesting)
{
	uint64_t count = type->kind == GO_ARRAY ? type->length : type->field_count;

	if (count > PARTS_LIMIT)
		return false;
	buffer_append_text(out, "{");
	for (uint64_t i = 0; i < count; i++) {
		struct gotype *part = type->kind == GO_ARRAY ? type->elem : type->fields[i].type;
		uint64_t offset = type->kind == GO_ARRAY ? i * part->size : type->fields[i].offset;

		buffer_append_text(out, i == 0 ? "" : ", ");
		if (!append(part, bytes + offset, taddr_add(address, offset), out, nesting + 1))
			return false;
	}
	buffer_append_text(out, "}");
	return true;
}

static bool append(struct gotype *type, const uint8_t *bytes, taddr address, struct buffer *out, int nesting)
{
	const struct machine *machine = &type->program->machine;
	struct error *error = gotype_complete(type);

	if (error != NULL || nesting == NESTING_LIMIT) {
		error_free(error);
		return false;
	}
	switch (type->kind) {
	case GO_BOOL:
		buffer_append_text(out, bytes[0] ? "true" : "false");
		return true;
	case GO_STRING:
		return append_string(type->program, bytes, out);
	case GO_FLOAT32:
	case GO_FLOAT64:
		return append_float(type, bytes, out);
	case GO_INTERFACE:
		return append_interface(type, bytes, address, out, nesting + 1);
	case GO_STRUCT:
	case GO_ARRAY:
		return append_parts(type, bytes, address, out, nesting);
	case GO_POINTER:
	case GO_CHAN:
	case GO_UNSAFE_POINTER:
		buffer_append_format(out, "0x%llx", (unsigned long long)load_word(machine, bytes));
		return true;
	default:
		break;
	}
	if (!gotype_is_integer(type))
		return false;
	if (type->kind <= GO_INT64)
		buffer_append_format(out, "%lld", (long long)load_int(machine, bytes, (size_t)type->size));
	else
		buffer_append_format(out, "%llu", (unsigned long long)load_uint(machine, bytes, (size_t)type->size));
	return true;
}

bool literal_text(struct gotype *type, const uint8_t *bytes, taddr address, struct buffer *out)
{
	size_t before = out->length;

	if (append(type, bytes, address, out, 0))
		return true;
	out->length = before;
	return false;
}
