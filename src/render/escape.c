#include <stdlib.h>
#include <string.h>

#include "render/output_private.h"
#include "render/redact.h"
#include "render/text.h"
#include "render/utf8.h"

static void write_hex(struct output *output, char letter, uint32_t value, int digits)
{
	output_put(output, '\\');
	output_put(output, letter);
	while (digits-- > 0)
		output_put(output, "0123456789abcdef"[value >> 4 * digits & 15]);
}

static void write_escape(struct output *output, uint32_t code)
{
	static const char letters[] = "abtnvfr"; /* of 7 to 13 */

	if (code >= 7 && code <= 13) {
		output_put(output, '\\');
		output_put(output, letters[code - 7]);
	} else if (code < 0x80) {
		write_hex(output, 'x', code, 2);
	} else if (code < 0x10000) {
		write_hex(output, 'u', code, 4);
	} else {
		write_hex(output, 'U', code, 8);
	}
}

/* One code point or one bad byte; returns the bytes it took. */
static size_t write_one(struct output *output, const uint8_t *bytes, size_t length)
{
	uint32_t code;
	size_t step = utf8_decode(bytes, length, &code);

	if (step == 0) {
		write_hex(output, 'x', bytes[0], 2);
		return 1;
	}
	if (utf8_printable(code))
		output_bytes(output, bytes, step);
	else
		write_escape(output, code);
	return step;
}

static void write_escaped(struct output *output, const uint8_t *bytes, size_t length, bool quoted)
{
	for (size_t i = 0; i < length;) {
		size_t run = utf8_plain_run(bytes + i, length - i);

		output_bytes(output, bytes + i, run);
		i += run;
		if (i == length)
			break;
		if (quoted && (bytes[i] == '"' || bytes[i] == '\\'))
			output_put(output, '\\');
		i += write_one(output, bytes + i, length - i);
	}
}

void text_quoted(struct output *output, const uint8_t *bytes, size_t length)
{
	output_put(output, '"');
	write_escaped(output, bytes, length, true);
	output_put(output, '"');
}

void text_plain(struct output *output, const char *text)
{
	char *redacted = redact_wanted() ? redact_name(text) : NULL;

	if (redacted != NULL)
		text = redacted;
	write_escaped(output, (const uint8_t *)text, strlen(text), false);
	free(redacted);
}
