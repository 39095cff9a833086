#include "render/redact.h"

#include <ctype.h>
#include <string.h>

#include "util/alloc.h"
#include "util/buffer.h"

static bool wanted;

void redact_begin(void)
{
	wanted = true;
}

bool redact_wanted(void)
{
	return wanted;
}

/* --- sinks ------------------------------------------------------------------------------------------------------ */

static void withhold(struct sink *sink, const char *kind)
{
	sink->ops->withheld(sink, kind, SINK_NO_LENGTH);
}

static void withhold_boolean(struct sink *sink, bool value)
{
	withhold(sink, "bool");
}

static void withhold_signed(struct sink *sink, int64_t value)
{
	withhold(sink, "integer");
}

static void withhold_unsigned(struct sink *sink, uint64_t value)
{
	withhold(sink, "integer");
}

static void withhold_floating(struct sink *sink, double value, unsigned bits)
{
	withhold(sink, "float");
}

static void withhold_complex(struct sink *sink, double real, double imaginary, unsigned bits_of_part)
{
	withhold(sink, "complex");
}

static void withhold_string(struct sink *sink, const uint8_t *bytes, size_t length, uint64_t whole_length)
{
	sink->ops->withheld(sink, "string", whole_length);
}

static void withhold_pointer(struct sink *sink, taddr address)
{
	withhold(sink, "pointer");
}

const struct sink_ops *redact_sink_ops(const struct sink_ops *ops, struct sink_ops *room)
{
	if (!wanted)
		return ops;
	*room = *ops;
	room->boolean = withhold_boolean;
	room->signed_integer = withhold_signed;
	room->unsigned_integer = withhold_unsigned;
	room->floating = withhold_floating;
	room->complex = withhold_complex;
	room->string = withhold_string;
	room->pointer = withhold_pointer;
	return room;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Of the quoted text that begins here, with its quotes; all that is left where the closing one is missing. */
static size_t quoted_length(const char *text)
{
	char quote = text[0];
	size_t i = 1;

	for (; text[i] != '\0' && text[i] != quote; i++)
		if (quote != '`' && text[i] == '\\' && text[i + 1] != '\0')
			i++;
	return text[i] != '\0' ? i + 1 : i;
}

/* Of an index or type arguments, with their brackets. */
static size_t bracket_length(const char *text)
{
	size_t i = 0, depth = 0;

	while (text[i] != '\0') {
		if (text[i] == '"' || text[i] == '`') {
			i += quoted_length(text + i);
			continue;
		}
		depth += text[i] == '[';
		depth -= text[i] == ']';
		i++;
		if (depth == 0)
			break;
	}
	return i;
}

/* Whether a word in brackets can only be a type: predeclared (universe.go of go/types), or qualified as in main.T. */
static bool is_type_word(const char *word, size_t length)
{
	static const char *const predeclared[] = {
		"any", "bool", "byte", "chan", "complex128", "complex64", "error", "float32", "float64", "int", "int16", "int32", "int64",
		"int8", "map", "rune", "string", "uint", "uint16", "uint32", "uint64", "uint8", "uintptr",
	};

	if (memchr(word, '.', length) != NULL)
		return !isdigit((unsigned char)word[0]) && is_word(word[0]) && word[length - 1] != '.';
	for (size_t i = 0; i < ARRAY_SIZE(predeclared); i++)
		if (strlen(predeclared[i]) == length && memcmp(predeclared[i], word, length) == 0)
			return true;
	return false;
}

static size_t digits_length(const char *text)
{
	return strspn(text, "0123456789");
}

/* [int], [string,*main.T], [[]byte], [[3]main.T]: `length` bytes between brackets. */
static bool is_type_list(const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t word = i;

		while (word < length && (is_word(text[word]) || strchr("./-", text[word]) != NULL))
			word++;
		if (word > i) {
			bool array = i > 0 && text[i - 1] == '[' && digits_length(text + i) == word - i;

			if (!array && !is_type_word(text + i, word - i))
				return false;
			i = word;
		} else if (strchr(",*[]", text[i++]) == NULL) {
			return false;
		}
	}
	return length > 0;
}

/* Whether a bracket at `at` is part of a type, and not an index or unfinished. */
static bool is_type_bracket(const char *name, size_t at)
{
	const char *text = name + at;
	size_t length = bracket_length(text), digits = digits_length(text + 1);
	bool closed = text[length - 1] == ']', in_type = is_word(text[length]) || text[length] == '*';
	char before = at > 0 ? name[at - 1] : ' ';

	if (text[1] == ']')
		return true;
	if (digits > 0 && text[1 + digits] == ']' && in_type)
		return true; /* an array's length */
	if (!is_word(before) && before != ']' && before != ')' && before != '}')
		return closed && digits > 0 && text[1 + digits] == ']' && in_type;
	if (at >= 3 && memcmp(text - 3, "map", 3) == 0 && (at == 3 || (!is_word(text[-4]) && text[-4] != '.')))
		return true;
	return closed && is_type_list(text + 1, length - 2);
}

char *redact_name(const char *name)
{
	struct buffer out = { 0 };

	for (size_t i = 0; name[i] != '\0';) {
		if (name[i] == '"' || name[i] == '`') {
			buffer_append_text(&out, "\"…\"");
			i += quoted_length(name + i);
		} else if (name[i] == '[' && !is_type_bracket(name, i)) {
			buffer_append_text(&out, "[…]");
			i += bracket_length(name + i);
		} else {
			buffer_append(&out, name + i++, 1);
		}
	}
	buffer_text(&out);
	return (char *)out.bytes;
}

const char *redact_error(const struct error *error)
{
	if (!wanted || error->code != ERROR_USAGE)
		return error->message;
	return "the command line: something in it is wrong, and is not repeated here, for it may hold keys";
}
