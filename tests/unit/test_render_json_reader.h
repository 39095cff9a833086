/* A strict reader of JSON (RFC 8259), by its grammar alone: it shares no code with the writer that it judges. */
#ifndef TESTS_RENDER_JSON_READER_H
#define TESTS_RENDER_JSON_READER_H

#include "test_render.h"

struct reader {
	const char *at;
	bool bad;
	struct buffer string; /* the last string that was read, decoded */
};

static inline void reader_space(struct reader *r)
{
	r->at += strspn(r->at, " \n");
}

static inline bool reader_accept(struct reader *r, const char *token)
{
	size_t length = strlen(token);

	if (r->bad || strncmp(r->at, token, length) != 0)
		return false;
	r->at += length;
	return true;
}

static inline void reader_expect(struct reader *r, const char *token)
{
	if (!reader_accept(r, token))
		r->bad = true;
}

static inline uint32_t reader_unit(struct reader *r)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++, r->at++) {
		const char *digits = "0123456789abcdef", *digit = *r->at ? strchr(digits, *r->at) : NULL;

		if (digit == NULL) {
			r->bad = true;
			return 0;
		}
		unit = unit * 16 + (uint32_t)(digit - digits);
	}
	return unit;
}

static inline void reader_put(struct reader *r, uint32_t code)
{
	uint8_t bytes[4];
	size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = length; i-- > 1; code >>= 6)
		bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
	bytes[0] = (uint8_t)(leads[length] | code);
	buffer_append(&r->string, bytes, length);
}

static inline void reader_escape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = *r->at++;

	if (c == 'u') {
		uint32_t unit = reader_unit(r);

		if (unit >= 0xd800 && unit < 0xdc00) {
			reader_expect(r, "\\u");

			uint32_t low = r->bad ? 0 : reader_unit(r);

			if (low < 0xdc00 || low > 0xdfff)
				r->bad = true;
			unit = 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
		} else if (unit >= 0xdc00 && unit < 0xe000) {
			r->bad = true;
		}
		reader_put(r, unit);
	} else if (c != '\0' && strchr(from, c) != NULL) {
		buffer_append(&r->string, &to[strchr(from, c) - from], 1);
	} else {
		r->bad = true;
	}
}

static inline void reader_string(struct reader *r)
{
	reader_expect(r, "\"");
	r->string.length = 0;
	while (!r->bad && !reader_accept(r, "\"")) {
		if ((uint8_t)*r->at < 0x20)
			r->bad = true;
		else if (reader_accept(r, "\\"))
			reader_escape(r);
		else
			buffer_append(&r->string, r->at++, 1);
	}
}

static inline void reader_digits(struct reader *r)
{
	size_t count = strspn(r->at, "0123456789");

	if (count == 0)
		r->bad = true;
	r->at += count;
}

static inline void reader_number(struct reader *r)
{
	reader_accept(r, "-");
	if (!reader_accept(r, "0"))
		reader_digits(r);
	if (reader_accept(r, "."))
		reader_digits(r);
	if (reader_accept(r, "e")) {
		if (!reader_accept(r, "+"))
			reader_accept(r, "-");
		reader_digits(r);
	}
}

static inline void reader_value(struct reader *r);

static inline void reader_members(struct reader *r, bool named, const char *close)
{
	reader_space(r);
	if (reader_accept(r, close))
		return;
	do {
		reader_space(r);
		if (named) {
			reader_string(r);
			reader_expect(r, ":");
			reader_space(r);
		}
		reader_value(r);
		reader_space(r);
	} while (!r->bad && reader_accept(r, ","));
	reader_expect(r, close);
}

static inline void reader_value(struct reader *r)
{
	if (r->bad)
		return;
	if (reader_accept(r, "{"))
		reader_members(r, true, "}");
	else if (reader_accept(r, "["))
		reader_members(r, false, "]");
	else if (*r->at == '"')
		reader_string(r);
	else if (!reader_accept(r, "null") && !reader_accept(r, "true") && !reader_accept(r, "false"))
		reader_number(r);
}

/* Whether `text` is one JSON value and a newline behind it. */
static inline bool json_is_valid(const char *text)
{
	struct reader r = { .at = text };

	reader_value(&r);
	reader_expect(&r, "\n");
	buffer_free(&r.string);
	return !r.bad && *r.at == '\0';
}

#endif
