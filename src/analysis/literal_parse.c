#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/literal_private.h"
#include "util/alloc.h"

enum { NESTING_LIMIT = 50 };

void literal_free(struct literal *literal)
{
	if (literal == NULL)
		return;
	for (size_t i = 0; i < literal->count; i++) {
		literal_free(literal->items[i]);
		free(literal->names[i]);
	}
	free(literal->items);
	free(literal->names);
	free(literal->type);
	buffer_free(&literal->bytes);
	free(literal);
}

static struct literal *create(enum literal_kind kind)
{
	struct literal *literal = xcalloc(1, sizeof(*literal));

	literal->kind = kind;
	return literal;
}

static void skip_blanks(const char **text)
{
	while (**text == ' ' || **text == '\t')
		(*text)++;
}

static struct error *syntax(const char *at, const char *why)
{
	return error_hint(error_new(ERROR_USAGE, "%s: %s", *at ? at : "end of the expression", why),
			  "keys are written as in Go: \"text\", 42, -1.5, true, 'x', {1, \"a\"}, int64(5)");
}

/* --- strings ------------------------------------------------------------------------------------------------ */

static void append_rune(struct buffer *buffer, uint32_t rune)
{
	if (rune < 0x80) {
		buffer_append(buffer, (uint8_t[]){ (uint8_t)rune }, 1);
	} else if (rune < 0x800) {
		buffer_append(buffer, (uint8_t[]){ (uint8_t)(0xc0 | rune >> 6), (uint8_t)(0x80 | (rune & 0x3f)) }, 2);
	} else if (rune < 0x10000) {
		buffer_append(buffer, (uint8_t[]){ (uint8_t)(0xe0 | rune >> 12), (uint8_t)(0x80 | (rune >> 6 & 0x3f)),
						   (uint8_t)(0x80 | (rune & 0x3f)) }, 3);
	} else {
		buffer_append(buffer, (uint8_t[]){ (uint8_t)(0xf0 | rune >> 18), (uint8_t)(0x80 | (rune >> 12 & 0x3f)),
						   (uint8_t)(0x80 | (rune >> 6 & 0x3f)), (uint8_t)(0x80 | (rune & 0x3f)) }, 4);
	}
}

/* `digits` of `base` at *text; false where there are fewer. */
static bool digits(const char **text, int count, int base, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < count; i++) {
		int c = tolower((unsigned char)**text);
		int digit = isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;

		if (digit >= base)
			return false;
		*out = *out * (uint32_t)base + (uint32_t)digit;
		(*text)++;
	}
	return true;
}

/* What follows a backslash. \x and octal give a byte, \u and \U a rune. */
static struct error *escape(const char **text, struct buffer *out)
{
	static const char letters[] = "abfnrtv\\'\"", bytes[] = "\a\b\f\n\r\t\v\\'\"";
	const char *start = *text - 1;
	const char *letter = **text ? strchr(letters, **text) : NULL;
	uint32_t value;
	bool good;

	if (letter != NULL) {
		buffer_append(out, &bytes[letter - letters], 1);
		(*text)++;
		return NULL;
	}
	if (**text == 'x') {
		(*text)++;
		good = digits(text, 2, 16, &value);
	} else if (**text == 'u' || **text == 'U') {
		int count = *(*text)++ == 'u' ? 4 : 8;

		good = digits(text, count, 16, &value) && value <= 0x10ffff;
		if (good) {
			append_rune(out, value);
			return NULL;
		}
	} else {
		good = digits(text, 3, 8, &value) && value <= 255;
	}
	if (!good)
		return syntax(start, "an unknown escape");
	buffer_append(out, (uint8_t[]){ (uint8_t)value }, 1);
	return NULL;
}

/* Up to the closing `quote`, which **text is behind the opening one of. */
static struct error *quoted(const char **text, char quote, struct buffer *out)
{
	const char *start = *text - 1;

	while (**text != quote) {
		if (**text == '\0')
			return syntax(start, "no closing quote");
		if (**text == '\\' && quote != '`') {
			(*text)++;
			TRY(escape(text, out));
			continue;
		}
		buffer_append(out, (*text)++, 1);
	}
	(*text)++;
	return NULL;
}

/* The one rune of UTF-8 bytes, or of a single byte; false where it is none or more. */
static bool one_rune(const struct buffer *buffer, uint64_t *out)
{
	const uint8_t *b = buffer->bytes;

	if (buffer->length == 1)
		*out = b[0];
	else if (buffer->length == 2)
		*out = (uint64_t)(b[0] & 0x1f) << 6 | (b[1] & 0x3f);
	else if (buffer->length == 3)
		*out = (uint64_t)(b[0] & 0x0f) << 12 | (uint64_t)(b[1] & 0x3f) << 6 | (b[2] & 0x3f);
	else if (buffer->length == 4)
		*out = (uint64_t)(b[0] & 0x07) << 18 | (uint64_t)(b[1] & 0x3f) << 12 | (uint64_t)(b[2] & 0x3f) << 6 |
		       (b[3] & 0x3f);
	else
		return false;
	return true;
}

/* --- numbers ------------------------------------------------------------------------------------------------ */

/* The characters of a Go number at `text`, underscores left out; an exponent's sign belongs to it. */
static char *number_text(const char **text)
{
	struct buffer buffer = { 0 };
	const char *at = *text;
	bool hexadecimal = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');

	for (; isalnum((unsigned char)*at) || *at == '.' || *at == '_' || ((*at == '+' || *at == '-') && at > *text); at++) {
		char before = at > *text ? (char)tolower((unsigned char)at[-1]) : 0;

		if ((*at == '+' || *at == '-') && before != 'p' && (before != 'e' || hexadecimal))
			break;
		if (*at == 'i')
			break;
		if (*at != '_')
			buffer_append(&buffer, at, 1);
	}
	*text = at;

	char *copy = xstrdup(buffer_text(&buffer));

	buffer_free(&buffer);
	return copy;
}

static bool parse_integer(const char *digits_text, uint64_t *out)
{
	int base = 10;
	char *end;

	if (digits_text[0] == '0' && digits_text[1] != '\0') {
		int letter = tolower((unsigned char)digits_text[1]);

		base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
		digits_text += letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1;
	}
	errno = 0;
	*out = strtoull(digits_text, &end, base);
	return errno == 0 && *end == '\0' && end != digits_text;
}

static struct error *parse_real(const char **text, struct literal *out)
{
	const char *start = *text;
	char *number = number_text(text), *end;

	if (parse_integer(number, &out->magnitude)) {
		out->kind = LITERAL_INTEGER;
		out->real = (double)out->magnitude;
		free(number);
		return NULL;
	}
	out->kind = LITERAL_FLOAT;
	out->real = strtod(number, &end);

	bool good = *number != '\0' && *end == '\0';

	free(number);
	return good ? NULL : syntax(start, "not a number");
}

static bool take_sign(const char **text)
{
	bool negative = **text == '-';

	if (**text == '-' || **text == '+')
		(*text)++;
	return negative;
}

/* [sign] number [i | (+|-) number i] */
static struct error *parse_number(const char **text, struct literal *out)
{
	struct literal part = { 0 };

	out->negative = take_sign(text);
	TRY(parse_real(text, out));
	if (out->negative)
		out->real = -out->real;
	if (**text == 'i') {
		(*text)++;
		out->kind = LITERAL_COMPLEX;
		out->imaginary = out->real;
		out->real = 0;
	} else if (**text == '+' || **text == '-') {
		bool negative = take_sign(text);

		TRY(parse_real(text, &part));
		if (**text != 'i')
			return syntax(*text, "the i of an imaginary part was expected");
		(*text)++;
		out->kind = LITERAL_COMPLEX;
		out->imaginary = negative ? -part.real : part.real;
	}
	return NULL;
}

/* --- the grammar -------------------------------------------------------------------------------------------- */

static struct error *parse(const char **text, int depth, struct literal **out);

/* "name:" in front of a list's item; NULL where there is none. */
static char *item_name(const char **text)
{
	const char *at = *text;

	while (isalnum((unsigned char)*at) || *at == '_' || (unsigned char)*at >= 0x80)
		at++;

	const char *end = at;

	skip_blanks(&at);
	if (end == *text || *at != ':' || isdigit((unsigned char)**text))
		return NULL;

	char *name = xstrndup(*text, (size_t)(end - *text));

	*text = at + 1;
	return name;
}

static struct error *parse_list(const char **text, int depth, struct literal *out)
{
	out->kind = LITERAL_LIST;
	(*text)++;
	for (;;) {
		struct literal *item;

		skip_blanks(text);
		if (**text == '}') {
			(*text)++;
			return NULL;
		}

		char *name = item_name(text);
		struct error *error = parse(text, depth + 1, &item);

		if (error != NULL) {
			free(name);
			return error;
		}
		if (out->count == out->capacity) {
			out->capacity = out->capacity ? out->capacity * 2 : 8;
			out->items = xreallocarray(out->items, out->capacity, sizeof(*out->items));
			out->names = xreallocarray(out->names, out->capacity, sizeof(*out->names));
		}
		out->items[out->count] = item;
		out->names[out->count++] = name;
		skip_blanks(text);
		if (**text == ',')
			(*text)++;
		else if (**text != '}')
			return syntax(*text, "a comma or } was expected");
	}
}

/* A word, or a type in front of (literal) or {list}: int64(5), main.point{1}, [2]int{1, 2}. */
static struct error *parse_word(const char **text, int depth, struct literal *out)
{
	const char *start = *text;
	int brackets = 0;

	for (; **text != '\0'; (*text)++) {
		char c = **text;

		if (c == '[' && brackets++ >= 0)
			continue;
		if (c == ']') {
			if (--brackets < 0)
				break;
			continue;
		}
		if (brackets == 0 && !isalnum((unsigned char)c) && strchr("_./%*-", c) == NULL && (unsigned char)c < 0x80)
			break;
	}
	if (*text == start)
		return syntax(start, "a key was expected");

	char *word = xstrndup(start, (size_t)(*text - start));

	if (**text == '{') {
		out->type = word;
		return parse_list(text, depth, out);
	}
	if (**text == '(') {
		struct literal *inner;

		(*text)++;
		struct error *error = parse(text, depth + 1, &inner);

		if (error == NULL && **text != ')') {
			literal_free(inner);
			error = syntax(*text, "a closing parenthesis was expected");
		}
		if (error != NULL) {
			free(word);
			return error;
		}
		(*text)++;
		free(inner->type);
		*out = *inner;
		out->type = word;
		free(inner);
		return NULL;
	}
	out->kind = LITERAL_WORD;
	buffer_append_text(&out->bytes, word);
	free(word);
	return NULL;
}

static struct error *parse_into(const char **text, int depth, struct literal *out)
{
	char first = **text;

	if (first == '"' || first == '`') {
		out->kind = LITERAL_STRING;
		(*text)++;
		return quoted(text, first, &out->bytes);
	}
	if (first == '\'') {
		const char *start = (*text)++;

		out->kind = LITERAL_RUNE;
		TRY(quoted(text, first, &out->bytes));
		return one_rune(&out->bytes, &out->magnitude) ? NULL : syntax(start, "not one character");
	}
	if (first == '{')
		return parse_list(text, depth, out);
	if (first == '(') { /* (1+2i) */
		(*text)++;
		TRY(parse_number(text, out));
		if (*(*text)++ != ')')
			return syntax(*text - 1, "a closing parenthesis was expected");
		return NULL;
	}
	if (isdigit((unsigned char)first) || first == '-' || first == '+' || first == '.') {
		if (strncmp(*text + 1, "Inf", 3) == 0) {
			out->kind = LITERAL_FLOAT;
			out->real = first == '-' ? -INFINITY : INFINITY;
			*text += 4;
			return NULL;
		}
		return parse_number(text, out);
	}
	return parse_word(text, depth, out);
}

static struct error *parse(const char **text, int depth, struct literal **out)
{
	struct literal *literal = create(LITERAL_WORD);

	skip_blanks(text);

	struct error *error = depth > NESTING_LIMIT ? syntax(*text, "nested too deeply") : parse_into(text, depth, literal);

	if (error != NULL) {
		literal_free(literal);
		return error;
	}
	skip_blanks(text);
	*out = literal;
	return NULL;
}

struct error *literal_parse(const char **text, struct literal **out)
{
	return parse(text, 0, out);
}
