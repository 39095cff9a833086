#include "render/layout_name.h"

#include <string.h>

#include "render/utf8.h"
#include "util/alloc.h"

/* Longer names are cut; they stay different by their numbers. */
enum { NAME_LIMIT = 200 };

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void append_part(struct buffer *to, const char *text, size_t length)
{
	for (size_t i = 0; i < length && i < NAME_LIMIT; i++) {
		if (is_word(text[i])) {
			buffer_append(to, &text[i], 1);
		} else if (text[i] == '*') {
			buffer_append_text(to, "ptr_");
		} else if (text[i] == '[' && i + 1 < length && text[i + 1] == ']') {
			buffer_append_text(to, "slice_");
			i++;
		} else {
			buffer_append(to, "_", 1);
		}
	}
}

void layout_name_struct(struct buffer *to, const char *name)
{
	size_t length = strcspn(name, "[");
	size_t start = length;

	while (start > 0 && name[start - 1] != '/')
		start--;
	append_part(to, name + start, length - start);
}

void layout_name_word(struct buffer *to, const char *name)
{
	append_part(to, name, strlen(name));
}

/* FNV-1a; two names of one hash only get a number that they would not need. */
static uint64_t hash_of(const struct buffer *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < name->length; i++)
		hash = (hash ^ name->bytes[i]) * 0x100000001b3;
	return hash;
}

void layout_name_settle(struct layout_names *names, struct buffer *name)
{
	size_t length = name->length;

	for (unsigned number = 2; !table_put(&names->given, hash_of(name), 0); number++) {
		name->length = length;
		buffer_append_format(name, "_%u", number);
	}
}

void layout_name_comment(struct buffer *to, const char *text)
{
	size_t left = strlen(text), step;

	for (; left != 0; text += step, left -= step) {
		uint32_t code;

		step = utf8_decode((const uint8_t *)text, left, &code);
		if (step == 0 || !utf8_printable(code) || code == '\\') {
			buffer_append(to, "?", 1);
			step += step == 0;
			continue;
		}
		buffer_append(to, text, step);
		/* no end of a comment, no beginning of another */
		if ((text[0] == '*' && text[1] == '/') || (text[0] == '/' && text[1] == '*'))
			buffer_append(to, " ", 1);
	}
}

bool layout_name_is_keyword(const char *word)
{
	static const char *const keywords[] = {
		"auto",	   "break",    "case",	   "char",	"const",   "continue", "default", "do",	    "double",
		"else",	   "enum",     "extern",   "float",	"for",	   "goto",     "if",	  "inline", "int",
		"long",	   "register", "restrict", "return",	"short",   "signed",   "sizeof",  "static", "struct",
		"switch",  "typedef",  "union",	   "unsigned",	"void",	   "volatile", "while",	  "asm",    "typeof",
		"linux",   "unix",     "bool",	   "true",	"false",   "class",    "new",	  "delete", "this",
		"private", "public",   "template", "namespace", "operator"
	};

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (strcmp(word, keywords[i]) == 0)
			return true;
	return false;
}
