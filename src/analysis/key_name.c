#include "analysis/key_name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "gotype/program.h"

enum { STRING_LIMIT = 200 };

static void append_quoted(struct buffer *out, const uint8_t *bytes, size_t length)
{
	buffer_append_text(out, "\"");
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '"' || bytes[i] == '\\')
			buffer_append_format(out, "\\%c", bytes[i]);
		else if (bytes[i] >= ' ' && bytes[i] < 0x7f)
			buffer_append(out, &bytes[i], 1);
		else
			buffer_append_format(out, "\\x%02x", bytes[i]);
	}
	buffer_append_text(out, "\"");
}

static bool append_string(struct buffer *out, const struct program *program, const uint8_t *header)
{
	uint8_t bytes[STRING_LIMIT];
	uint64_t length = load_word(&program->machine, header + program->machine.word_size);

	if (length > sizeof(bytes))
		return false;

	struct error *error = target_read(program->memory, load_address(&program->machine, header), bytes, length);
	bool good = error == NULL || length == 0;

	error_free(error);
	if (good)
		append_quoted(out, bytes, length);
	return good;
}

/* A value that is no interface. */
static bool append_value(struct buffer *out, const struct gotype *type, const uint8_t *bytes)
{
	const struct machine *machine = &type->program->machine;

	switch (type->kind) {
	case GO_STRING:
		return append_string(out, type->program, bytes);
	case GO_BOOL:
		buffer_append_text(out, bytes[0] != 0 ? "true" : "false");
		return true;
	case GO_POINTER:
	case GO_CHAN:
	case GO_UNSAFE_POINTER:
		buffer_append_format(out, "0x%llx", (unsigned long long)load_word(machine, bytes));
		return true;
	default:
		if (!gotype_is_integer(type))
			return false;
		if (type->kind <= GO_INT64)
			buffer_append_format(out, "%lld", (long long)load_int(machine, bytes, type->size));
		else
			buffer_append_format(out, "%llu", (unsigned long long)load_uint(machine, bytes, type->size));
		return true;
	}
}

/* The types that untyped constants have in an interface. */
static bool is_default(const char *name)
{
	return strcmp(name, "string") == 0 || strcmp(name, "int") == 0 || strcmp(name, "bool") == 0;
}

/* A name that literal_parse() takes for a type's. */
static bool is_plain(const char *name)
{
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && strchr("_./*", *name) == NULL)
			return false;
	return true;
}

static bool append_interface(struct buffer *out, struct gotype *type, const uint8_t *bytes, taddr address)
{
	struct gotype *dynamic;
	uint8_t value[16];
	taddr at;
	bool inside;
	struct error *error = gotype_of_interface(type, address, bytes, &dynamic, &at, &inside);

	if (error == NULL && dynamic != NULL && dynamic->size <= sizeof(value))
		error = target_read(type->program->memory, at, value, dynamic->size);
	if (error != NULL || dynamic == NULL || dynamic->size > sizeof(value) || !is_plain(dynamic->name)) {
		error_free(error);
		return false;
	}
	if (is_default(dynamic->name))
		return append_value(out, dynamic, value);
	buffer_append_format(out, "%s(", dynamic->name);
	if (!append_value(out, dynamic, value))
		return false;
	buffer_append_text(out, ")");
	return true;
}

bool key_name_append(struct buffer *out, struct gotype *type, taddr address)
{
	uint8_t bytes[16];
	size_t length = out->length;
	struct error *error = gotype_complete(type);

	if (error == NULL && type->size <= sizeof(bytes))
		error = target_read(type->program->memory, address, bytes, type->size);

	bool good = error == NULL && type->size <= sizeof(bytes);

	error_free(error);
	buffer_append_text(out, "[");
	if (good)
		good = type->kind == GO_INTERFACE ? append_interface(out, type, bytes, address) : append_value(out, type, bytes);
	buffer_append_text(out, "]");
	if (!good)
		out->length = length;
	return good;
}
