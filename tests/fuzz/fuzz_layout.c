/* The file of verify --expect and layout diff, and layouts as JSON, C and Go. What was read and written is read again, and written alike. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/layout_set.h"
#include "render/layout.h"
#include "render/utf8.h"
#include "util/buffer.h"

static struct buffer written(const struct layout_set *set)
{
	struct buffer text = { 0 };
	struct output *output = output_create_memory(&text);
	struct json *json = json_create(output, false);

	layout_json_write(json, set);
	json_end_line(json);
	json_destroy(json);
	error_free(output_close(output));
	return text;
}

static void must_be_harmless(const struct buffer *text)
{
	for (size_t i = 0; i < text->length;) {
		uint32_t code;
		size_t step = utf8_decode(text->bytes + i, text->length - i, &code);

		if (step == 0 || (code != '\n' && code != '\t' && !utf8_printable(code)))
			abort();
		i += step;
	}
}

static void write_sources(const struct layout_set *set)
{
	struct buffer text = { 0 };
	struct output *output = output_create_memory(&text);

	layout_c_write(output, set, true);
	layout_go_write(output, set, true);
	error_free(output_close(output));
	must_be_harmless(&text);
	buffer_free(&text);
}

/* What was written is read, and written again. Consumes `text`. */
static struct buffer again(struct buffer text)
{
	struct layout_set set;
	struct error *error = layout_set_parse_text("written", (const char *)text.bytes, text.length, &set);

	if (error != NULL)
		abort();

	struct buffer second = written(&set);

	layout_set_free(&set);
	buffer_free(&text);
	return second;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layout_set set;
	struct error *error = layout_set_parse_text("input", (const char *)data, size, &set);

	if (error != NULL) {
		error_free(error);
		return 0;
	}

	struct buffer first = written(&set);

	must_be_harmless(&first);
	write_sources(&set);
	layout_set_free(&set);

	struct buffer second = again(first); /* broken UTF-8 is now the character that stands for it */
	struct buffer copy = { 0 };

	buffer_append(&copy, second.bytes, second.length);
	copy = again(copy);
	if (copy.length != second.length || memcmp(copy.bytes, second.bytes, copy.length) != 0)
		abort();
	buffer_free(&copy);
	buffer_free(&second);
	return 0;
}
