/* Text that becomes source: names and comments in C and Go, printf commands of a GDB script. */
#include "fuzz.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugin/print.c" /* its functions are static */
#include "render/layout_name.h"
#include "render/output.h"
#include "render/text.h"
#include "render/utf8.h"
#include "util/alloc.h"

static void check_identifier(const struct buffer *name)
{
	for (size_t i = 0; i < name->length; i++)
		if (!isalnum((unsigned char)name->bytes[i]) && name->bytes[i] != '_')
			abort();
	buffer_free((struct buffer *)name);
}

static void check_text(const struct buffer *text)
{
	for (size_t i = 0; i < text->length;) {
		uint32_t code;
		size_t step = utf8_decode(text->bytes + i, text->length - i, &code);

		if (step == 0 || !utf8_printable(code))
			abort();
		i += step;
	}
}

static void check_names(const char *text)
{
	struct buffer of_struct = { 0 }, word = { 0 }, comment = { 0 };
	struct layout_names names = { 0 };

	layout_name_struct(&of_struct, text);
	layout_name_settle(&names, &of_struct);
	layout_name_settle(&names, &of_struct);
	check_identifier(&of_struct);
	layout_name_word(&word, text);
	check_identifier(&word);
	layout_name_comment(&comment, text);
	check_text(&comment);
	if (strstr(buffer_text(&comment), "*/") != NULL || strpbrk(buffer_text(&comment), "\n\r\x1b\x7f") != NULL)
		abort();
	buffer_free(&comment);
	table_free(&names.given);
}

/* What GDB's printf makes of a script must be the text. */
static void check_script(const char *script, const struct buffer *text)
{
	static const char before[] = "printf \"", behind[] = "\"\n";
	size_t at = 0;

	for (const char *from = script; *from != '\0';) {
		if (strncmp(from, before, sizeof(before) - 1) != 0)
			abort();
		for (from += sizeof(before) - 1; *from != '"'; from++, at++) {
			char byte = *from;

			if (byte == '\n' || byte == '\0')
				abort();
			if ((byte == '\\' || byte == '%') && *++from != byte)
				byte = byte == '\\' && *from == 'n' ? '\n' : byte == '\\' && *from == '"' ? '"' : '\0';
			if (at >= text->length || (uint8_t)byte != text->bytes[at])
				abort();
		}
		if (strncmp(from, behind, sizeof(behind) - 1) != 0)
			abort();
		from += sizeof(behind) - 1;
	}
	if (at != text->length)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = xstrndup((const char *)data, size), *script = NULL;
	struct buffer text = { 0 };
	struct output *output = output_create_memory(&text);
	size_t length;
	FILE *file = open_memstream(&script, &length);

	check_names(name);
	text_quoted(output, data, size);
	output_char(output, '\n');
	text_plain(output, name);
	error_free(output_close(output));
	write_printf(file, (const uint8_t *)text.bytes, text.length);
	fclose(file);
	check_script(script, &text);
	buffer_free(&text);
	free(script);
	free(name);
	return 0;
}
