#include <locale.h>

#include "render/text.h"
#include "render/utf8.h"
#include "test_render.h"

enum { ROUNDS = 100000 };

static struct capture capture;

static const char *quoted(const char *bytes, size_t length)
{
	text_quoted(capture.output, (const uint8_t *)bytes, length);
	return capture_take(&capture);
}

static const char *plain(const char *bytes)
{
	text_plain(capture.output, bytes);
	return capture_take(&capture);
}

/* The expectation is what Go 1.26 prints for %q. */
static void test_golden(void)
{
	static const char nasty[] = "\x00\a\x1b\x7f\xc2\x85\xc2\xa0\u202e\U000e0001\ufeff\xff\u2028é漢🎉\u3000\"\\`'";

	CHECK_TEXT(quoted(nasty, sizeof(nasty) - 1),
		   "\"\\x00\\a\\x1b\\x7f\\u0085\\u00a0\\u202e\\U000e0001\\ufeff\\xff\\u2028é漢🎉\\u3000\\\"\\\\`'\"");
	CHECK_TEXT(quoted("", 0), "\"\"");
	CHECK_TEXT(quoted("\b\f\n\r\t\v", 6), "\"\\b\\f\\n\\r\\t\\v\"");
	CHECK_TEXT(quoted("\xe6\xbc", 2), "\"\\xe6\\xbc\"");
	CHECK_TEXT(plain("/bin/\x1b]0;title\a \"quoted\\\" é\n"), "/bin/\\x1b]0;title\\a \"quoted\\\" é\\n");
	CHECK_TEXT(plain("\\x1b \\u202e"), "\\x1b \\u202e");
}

static void test_printable(void)
{
	static const uint32_t hidden[] = {
		0, 0x1f, 0x7f, 0x80, 0x9f, 0xa0, 0xad, 0x61c, 0x200b, 0x200f, 0x2028, 0x202a, 0x202e, 0x2060, 0x2066,
		0x2069, 0xd800, 0xdfff, 0xe000, 0xf8ff, 0xfdd0, 0xfeff, 0xfff9, 0xfffe, 0xffff, 0x1fffe, 0xe0001, 0xe007f,
		0xf0000, 0x10ffff,
	};
	static const uint32_t shown[] = {
		' ', '~', 0xa1, 0xac, 0xae, 0xe9, 0x3b1, 0x5d0, 0x2010, 0x2026, 0x4e00, 0xd7ff, 0xfb00, 0xfffd, 0x1f389,
		0x2fffd,
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (!CHECK(!utf8_printable(hidden[i])))
			fprintf(stderr, "\tU+%04X\n", hidden[i]);
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		if (!CHECK(utf8_printable(shown[i])))
			fprintf(stderr, "\tU+%04X\n", shown[i]);
}

/* The run by words against the run by bytes. */
static void check_run(const uint8_t *bytes, size_t length)
{
	size_t run = 0;

	while (run < length && bytes[run] >= 0x20 && bytes[run] < 0x7f && bytes[run] != '"' && bytes[run] != '\\')
		run++;
	CHECK_UINT(utf8_plain_run(bytes, length), run);
}

static void test_fuzz(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		uint8_t bytes[64];
		size_t length = random_next() % (sizeof(bytes) - 1);

		for (size_t i = 0; i < length; i++) {
			uint64_t random = random_next();

			bytes[i] = random >> 60 ? (uint8_t)(random % 96 + 0x1f) : (uint8_t)random;
		}
		bytes[length] = '\0';
		check_run(bytes, length);

		const char *text = quoted((const char *)bytes, length);

		CHECK(harmless(text) && strchr(text, '\n') == NULL && utf8_valid((const uint8_t *)text, strlen(text)));
		text = plain((const char *)bytes);
		CHECK(harmless(text) && strchr(text, '\n') == NULL && utf8_valid((const uint8_t *)text, strlen(text)));
	}
	for (unsigned pair = 0; pair < 65536; pair++) {
		const char *text = quoted((const char[]){ (char)(pair >> 8), (char)pair }, 2);

		CHECK(harmless(text) && utf8_valid((const uint8_t *)text, strlen(text)));
	}
}

static const char *bar(uint64_t value, uint64_t maximum, unsigned width)
{
	text_bar(&(struct text){ .output = capture.output }, value, maximum, width);
	return capture_take(&capture);
}

static void test_bar(void)
{
	CHECK_TEXT(bar(5, 10, 4), "##");
	CHECK_TEXT(bar(1, 1000, 4), "#");
	CHECK_TEXT(bar(0, 10, 4), "");
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
		fprintf(stderr, "skipped: no locale with UTF-8\n");
		return;
	}
	CHECK_TEXT(bar(10, 10, 3), "███");
	CHECK_TEXT(bar(11, 10, 3), "███");
	CHECK_TEXT(bar(5, 10, 3), "█▌");
	CHECK_TEXT(bar(1, UINT64_MAX, 3), "▏");
	CHECK_TEXT(bar(UINT64_MAX, UINT64_MAX, 1), "█");
	CHECK_TEXT(bar(0, 0, 3), "");
	CHECK_TEXT(bar(3, 0, 3), "");
	setlocale(LC_CTYPE, "C");
}

int main(void)
{
	capture_begin(&capture);
	test_golden();
	test_printable();
	test_fuzz();
	test_bar();
	capture_end(&capture);
	return check_done();
}
