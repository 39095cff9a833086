/* Types as people write them. */
#include <ctype.h>
#include <string.h>

#include "analysis/expression.h"
#include "util/alloc.h"
#include "util/buffer.h"

static bool is_name_character(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The word at `at`, where it stands on its own. */
static bool is_word_at(const char *start, const char *at, const char *word)
{
	size_t length = strlen(word);

	return strncmp(at, word, length) == 0 && !is_name_character(at[length]) && at[length] != '.' &&
	       (at == start || (!is_name_character(at[-1]) && at[-1] != '.' && at[-1] != '/'));
}

char *expression_type_spelling(const char *type)
{
	struct buffer out = { 0 };

	for (const char *at = type; *at != '\0'; at++) {
		if (is_word_at(type, at, "any")) {
			buffer_append_text(&out, "interface {}");
			at += 2;
			continue;
		}
		buffer_append(&out, at, 1);
		if (at[1] == '{' && (at - type >= 5) &&
		    (strncmp(at - 5, "struct", 6) == 0 || (at - type >= 8 && strncmp(at - 8, "interface", 9) == 0)))
			buffer_append_text(&out, " ");
	}

	char *text = xstrdup(buffer_text(&out));

	buffer_free(&out);
	return text;
}
