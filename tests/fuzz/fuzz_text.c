/* Everything that leaves the program: no byte of it may steer a terminal, whatever it is made of. */
#include "fuzz.h"

#include <stdlib.h>

#include "render/json.h"
#include "render/text.h"
#include "util/alloc.h"
#include "util/buffer.h"

static void must_be_harmless(const struct buffer *buffer)
{
	for (size_t i = 0; i < buffer->length; i++) {
		uint8_t byte = (uint8_t)buffer->bytes[i];

		if ((byte < 0x20 && byte != '\n') || byte == 0x7f)
			abort();
		/* U+0080 to U+009F are C1 controls */
		if (byte == 0xc2 && i + 1 < buffer->length && (uint8_t)buffer->bytes[i + 1] < 0xa0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer buffer = { 0 };
	struct output *output = output_create_memory(&buffer);
	struct json *json = json_create(output, size & 1);
	char *text = xstrndup((const char *)data, size);

	text_quoted(output, data, size);
	text_plain(output, text);
	json_array_begin(json);
	json_bytes(json, data, size);
	json_text(json, text);
	json_name(json, text);
	json_error(json, "%s", text);
	json_object_begin(json);
	json_key(json, text);
	json_null(json);
	json_object_end(json);
	json_array_end(json);
	json_end_line(json);
	json_destroy(json);
	error_free(output_close(output));
	must_be_harmless(&buffer);
	buffer_free(&buffer);
	free(text);
	return 0;
}
