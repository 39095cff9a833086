#include "render/json.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "render/number.h"
#include "render/output_private.h"
#include "render/redact.h"
#include "render/utf8.h"
#include "util/alloc.h"

enum { PRETTY_LEVELS = 2 }; /* so many levels have their members on lines of their own */

enum level_flag { LEVEL_OBJECT = 1, LEVEL_FILLED = 2 };

struct json {
	struct output *output;
	bool pretty;
	bool after_key;   /* a value must follow */
	bool in_key, in_string; /* one is being written */
	uint8_t *levels;  /* flags of the open objects and arrays; levels[0] is the outermost and always there */
	size_t depth;     /* open objects and arrays */
	size_t capacity;
};

struct json *json_create(struct output *output, bool pretty)
{
	struct json *json = xcalloc(1, sizeof(*json));

	json->output = output;
	json->pretty = pretty;
	json->capacity = 64;
	json->levels = xcalloc(json->capacity, 1);
	return json;
}

void json_destroy(struct json *json)
{
	if (json == NULL)
		return;
	free(json->levels);
	free(json);
}

bool json_in_object(const struct json *json)
{
	return json->depth > 0 && (json->levels[json->depth] & LEVEL_OBJECT);
}

static void new_line(struct json *json)
{
	output_put(json->output, '\n');
	for (size_t i = 0; i < json->depth; i++)
		output_few(json->output, "  ", 2);
}

/* What stands between two members, or in front of the first. */
static void separate(struct json *json)
{
	uint8_t *level = &json->levels[json->depth];
	bool broken = json->pretty && json->depth <= PRETTY_LEVELS;

	if (*level & LEVEL_FILLED)
		output_put(json->output, ',');
	if (broken)
		new_line(json);
	else if (json->pretty && (*level & LEVEL_FILLED))
		output_put(json->output, ' ');
	*level |= LEVEL_FILLED;
}

static void before_value(struct json *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	assert(!json_in_object(json));
	if (json->depth > 0)
		separate(json);
}

static void begin(struct json *json, char bracket, uint8_t flags)
{
	if (json->depth + 1 == json->capacity) {
		json->levels = xreallocarray(json->levels, 2 * json->capacity, 1);
		json->capacity *= 2;
	}
	before_value(json);
	output_put(json->output, bracket);
	json->levels[++json->depth] = flags;
}

static void end(struct json *json, char bracket)
{
	assert(json->depth > 0 && !json->after_key);

	bool filled = json->levels[json->depth--] & LEVEL_FILLED;

	if (json->pretty && filled && json->depth < PRETTY_LEVELS)
		new_line(json);
	output_put(json->output, bracket);
}

void json_object_begin(struct json *json)
{
	begin(json, '{', LEVEL_OBJECT);
}

void json_object_end(struct json *json)
{
	assert(json_in_object(json));
	end(json, '}');
}

void json_array_begin(struct json *json)
{
	begin(json, '[', 0);
}

void json_array_end(struct json *json)
{
	assert(!json_in_object(json));
	end(json, ']');
}

static void write_unit(struct output *output, unsigned unit)
{
	static const char digits[] = "0123456789abcdef";
	char escape[6] = { '\\', 'u', digits[unit >> 12], digits[unit >> 8 & 15], digits[unit >> 4 & 15],
			   digits[unit & 15] };

	output_few(output, escape, sizeof(escape));
}

/* The letter of a two-character escape, or 0. */
static char escape_letter(uint32_t code)
{
	switch (code) {
	case '"': return '"';
	case '\\': return '\\';
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	default: return 0;
	}
}

static void write_escape(struct output *output, uint32_t code)
{
	char letter = escape_letter(code);

	if (letter != 0) {
		output_put(output, '\\');
		output_put(output, letter);
	} else if (code < 0x10000) {
		write_unit(output, code);
	} else {
		write_unit(output, 0xd7c0 + (code >> 10));
		write_unit(output, 0xdc00 + (code & 0x3ff));
	}
}

/* Returns the bytes it took. */
static size_t write_code_point(struct output *output, const uint8_t *bytes, size_t length)
{
	uint32_t code;
	size_t step = utf8_decode(bytes, length, &code);

	if (step == 0) {
		write_unit(output, 0xfffd);
		return 1;
	}
	if (code == '"' || code == '\\' || !utf8_printable(code))
		write_escape(output, code);
	else
		output_bytes(output, bytes, step);
	return step;
}

static void write_string(struct json *json, const uint8_t *bytes, size_t length)
{
	struct output *output = json->output;

	output_put(output, '"');
	json->in_string = true;
	for (size_t i = 0; i < length;) {
		size_t run = utf8_plain_run(bytes + i, length - i);

		output_bytes(output, bytes + i, run);
		i += run;
		if (i < length)
			i += write_code_point(output, bytes + i, length - i);
	}
	output_put(output, '"');
	json->in_string = false;
}

/* Contract keys are short and plain, and come a million times. */
static bool is_plain(const char *name, size_t *length)
{
	size_t i = 0;

	while ((name[i] >= 'a' && name[i] <= 'z') || name[i] == '_')
		i++;
	*length = i;
	return name[i] == '\0';
}

void json_key(struct json *json, const char *name)
{
	size_t length;

	assert(json_in_object(json) && !json->after_key);
	separate(json);
	json->in_key = true;
	if (is_plain(name, &length)) {
		output_put(json->output, '"');
		output_bytes(json->output, name, length); /* known to be readable */
		output_put(json->output, '"');
	} else {
		write_string(json, (const uint8_t *)name, strlen(name));
	}
	output_put(json->output, ':');
	if (json->pretty)
		output_put(json->output, ' ');
	json->in_key = false;
	json->after_key = true;
}

static void write_literal(struct json *json, const char *literal)
{
	before_value(json);
	output_text(json->output, literal);
}

void json_null(struct json *json)
{
	write_literal(json, "null");
}

void json_bool(struct json *json, bool value)
{
	write_literal(json, value ? "true" : "false");
}

void json_signed(struct json *json, int64_t value)
{
	before_value(json);
	output_signed(json->output, value);
}

void json_unsigned(struct json *json, uint64_t value)
{
	before_value(json);
	output_unsigned(json->output, value);
}

void json_double(struct json *json, double value, unsigned bits)
{
	char text[NUMBER_TEXT];
	size_t length = number_text(text, value, bits, NUMBER_JSON);

	before_value(json);
	if (isfinite(value))
		output_bytes(json->output, text, length);
	else
		write_string(json, (const uint8_t *)text, length);
}

static void write_base64(struct output *output, const uint8_t *bytes, size_t length)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				 (left > 2 ? bytes[i + 2] : 0);
		char text[4] = { alphabet[group >> 18], alphabet[group >> 12 & 63],
				 left > 1 ? alphabet[group >> 6 & 63] : '=', left > 2 ? alphabet[group & 63] : '=' };

		output_few(output, text, sizeof(text));
	}
}

static void write_base64_object(struct json *json, const uint8_t *bytes, size_t length)
{
	json_object_begin(json);
	json_key(json, "base64");
	json->after_key = false;
	output_put(json->output, '"');
	json->in_string = true;
	write_base64(json->output, bytes, length);
	output_put(json->output, '"');
	json->in_string = false;
	json_object_end(json);
}

void json_bytes(struct json *json, const uint8_t *bytes, size_t length)
{
	if (utf8_plain_run(bytes, length) < length && !utf8_valid(bytes, length)) {
		write_base64_object(json, bytes, length);
		return;
	}
	before_value(json);
	write_string(json, bytes, length);
}

void json_text(struct json *json, const char *text)
{
	if (text == NULL)
		json_null(json);
	else
		json_bytes(json, (const uint8_t *)text, strlen(text));
}

void json_name(struct json *json, const char *text)
{
	if (text == NULL) {
		json_null(json);
		return;
	}

	char *redacted = redact_wanted() ? redact_name(text) : NULL;

	if (redacted != NULL)
		text = redacted;
	before_value(json);
	write_string(json, (const uint8_t *)text, strlen(text));
	free(redacted);
}

void json_address(struct json *json, taddr address)
{
	if (address.v == 0) {
		json_null(json);
		return;
	}
	before_value(json);
	output_put(json->output, '"');
	output_address(json->output, address.v);
	output_put(json->output, '"');
}

void json_error(struct json *json, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = xvasprintf(format, arguments);
	va_end(arguments);
	json_object_begin(json);
	json_key(json, "error");
	json_name(json, text);
	json_object_end(json);
	free(text);
}

void json_give_up(struct json *json, const char *why)
{
	if (json->depth == 0)
		return;
	if (json->in_string)
		output_put(json->output, '"');
	json->in_string = false;
	if (json->in_key)
		output_put(json->output, ':');
	json->after_key |= json->in_key;
	json->in_key = false;
	if (json->after_key)
		json_null(json);
	while (json->depth > 1)
		end(json, json_in_object(json) ? '}' : ']');
	if (json_in_object(json)) {
		json_field_bool(json, "complete", false);
		json_field_name(json, "error", why);
	}
	end(json, json_in_object(json) ? '}' : ']');
	json_end_line(json);
}

void json_end_line(struct json *json)
{
	if (json->depth == 0)
		output_put(json->output, '\n');
}

void json_field_unsigned(struct json *json, const char *name, uint64_t value)
{
	json_key(json, name);
	json_unsigned(json, value);
}

void json_field_known(struct json *json, const char *name, uint64_t value)
{
	json_key(json, name);
	if (value == UINT64_MAX)
		json_null(json);
	else
		json_unsigned(json, value);
}

void json_field_bool(struct json *json, const char *name, bool value)
{
	json_key(json, name);
	json_bool(json, value);
}

void json_field_name(struct json *json, const char *name, const char *value)
{
	json_key(json, name);
	json_name(json, value);
}

void json_field_address(struct json *json, const char *name, taddr value)
{
	json_key(json, name);
	json_address(json, value);
}
