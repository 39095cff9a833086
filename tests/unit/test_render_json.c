#include "render/json.h"
#include "test_render_json_reader.h"

enum { ROUNDS = 100000 };

static struct capture capture;
static struct json *json;

static const char *written(void)
{
	json_end_line(json);
	return capture_take(&capture);
}

static void decode_base64(struct buffer *to, const char *text, size_t length)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t group = 0;
	int bits = 0;

	for (size_t i = 0; i < length && text[i] != '='; i++) {
		group = group << 6 | (uint32_t)(strchr(alphabet, text[i]) - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buffer_append(to, &(uint8_t){ (uint8_t)(group >> bits) }, 1);
		}
	}
}

/* Writes the bytes as a Go string, reads the JSON and compares. */
static void check_bytes(const uint8_t *bytes, size_t length)
{
	json_bytes(json, bytes, length);

	const char *text = written();
	bool base64 = strncmp(text, "{\"base64\":", 10) == 0;
	struct reader r = { .at = text + (base64 ? 10 : 0) };
	struct buffer decoded = { 0 };

	reader_string(&r);
	if (base64)
		decode_base64(&decoded, (const char *)r.string.bytes, r.string.length);
	else
		buffer_append(&decoded, r.string.bytes, r.string.length);
	bool good = !r.bad && json_is_valid(text) && harmless(text) && decoded.length == length &&
		    (length == 0 || memcmp(decoded.bytes, bytes, length) == 0);

	if (!CHECK(good))
		fprintf(stderr, "\t%s", text);
	buffer_free(&r.string);
	buffer_free(&decoded);
}

static void check_string(const char *bytes, const char *expected)
{
	json_text(json, bytes);

	const char *text = written();

	CHECK(json_is_valid(text) && harmless(text));
	CHECK_TEXT(text, expected);
}

static void test_strings(void)
{
	check_string("plain", "\"plain\"\n");
	check_string(NULL, "null\n");
	check_string("\b\f\n\r\t\"\\/\x1b\x01\x7f", "\"\\b\\f\\n\\r\\t\\\"\\\\/\\u001b\\u0001\\u007f\"\n");
	check_string("héllo 漢字 🎉", "\"héllo 漢字 🎉\"\n");
	check_string("\xc2\x85\xc2\x9b[31m", "\"\\u0085\\u009b[31m\"\n");
	check_string("\u2028\u2029\u202e\ufeff\U000e0041", "\"\\u2028\\u2029\\u202e\\ufeff\\udb40\\udc41\"\n");
	check_string("\uffff\U0010ffff", "\"\\uffff\\udbff\\udfff\"\n");
	check_string("\xc0\x80", "{\"base64\":\"wIA=\"}\n");      /* overlong NUL */
	check_string("\xed\xa0\x80", "{\"base64\":\"7aCA\"}\n");  /* surrogate */
	check_string("\xf4\x90\x80\x80", "{\"base64\":\"9JCAgA==\"}\n"); /* beyond U+10FFFF */
	check_string("abc\xe6\xbc", "{\"base64\":\"YWJj5rw=\"}\n"); /* cut off */
	check_string("\x80", "{\"base64\":\"gA==\"}\n");
}

static void test_every_byte(void)
{
	uint8_t bytes[32];

	for (unsigned value = 0; value < 256; value++) {
		for (size_t at = 0; at < 17; at++) {
			memset(bytes, 'a', sizeof(bytes));
			bytes[at] = (uint8_t)value;
			check_bytes(bytes, 17);
			check_bytes(bytes + at, 1);
			check_bytes(bytes + at, 2);
		}
	}
	for (unsigned pair = 0; pair < 65536; pair++)
		check_bytes((const uint8_t[]){ (uint8_t)(pair >> 8), (uint8_t)pair }, 2);
	check_bytes((const uint8_t *)"", 0);
}

static size_t random_utf8(uint8_t *bytes)
{
	uint32_t code = (uint32_t)(random_next() % 0x110000) >> random_next() % 16;
	struct reader encoder = { 0 };

	if (code >= 0xd800 && code < 0xe000)
		code = 'x';
	reader_put(&encoder, code);
	memcpy(bytes, encoder.string.bytes, encoder.string.length);

	size_t length = encoder.string.length;

	buffer_free(&encoder.string);
	return length;
}

static void test_fuzz(void)
{
	uint8_t bytes[80];

	for (int round = 0; round < ROUNDS; round++) {
		size_t length = 0, wanted = random_next() % 64;
		bool valid = random_next() % 2;

		while (length < wanted) {
			if (valid) {
				length += random_utf8(bytes + length);
			} else {
				uint64_t random = random_next();

				bytes[length++] = random & 0x100 ? (uint8_t)random : (uint8_t)(random % 95 + 32);
			}
		}
		check_bytes(bytes, length);
	}
}

static void test_scalars(void)
{
	json_array_begin(json);
	json_bool(json, true);
	json_bool(json, false);
	json_null(json);
	json_signed(json, INT64_MIN);
	json_unsigned(json, UINT64_MAX);
	json_double(json, 1.5, 64);
	json_double(json, 1.0 / 0.0, 64);
	json_double(json, -1.0 / 0.0, 64);
	json_double(json, __builtin_nan(""), 32);
	json_double(json, -0.0, 64);
	json_address(json, taddr_of(0));
	json_address(json, taddr_of(0xc000012345));
	json_error(json, "read %d \xff bytes", 7);
	json_name(json, "a\xff" "b");
	json_array_end(json);
	CHECK_TEXT(written(), "[true,false,null,-9223372036854775808,18446744073709551615,1.5,\"+Inf\",\"-Inf\",\"NaN\",-0,"
			      "null,\"0xc000012345\",{\"error\":\"read 7 \\ufffd bytes\"},\"a\\ufffdb\"]\n");
}

static void test_lines(void)
{
	for (int i = 0; i < 2; i++) {
		json_object_begin(json);
		json_key(json, "k\x1b\n");
		json_signed(json, i);
		json_key(json, "empty");
		json_array_begin(json);
		json_array_end(json);
		json_object_end(json);
		json_end_line(json);
	}
	CHECK_TEXT(capture_take(&capture), "{\"k\\u001b\\n\":0,\"empty\":[]}\n{\"k\\u001b\\n\":1,\"empty\":[]}\n");
}

static void test_nesting(void)
{
	const size_t depth = 100000;

	for (size_t i = 0; i < depth; i++) {
		json_array_begin(json);
		json_object_begin(json);
		json_key(json, "");
	}
	json_null(json);
	for (size_t i = 0; i < depth; i++) {
		json_object_end(json);
		json_array_end(json);
	}

	const char *text = written();

	CHECK_UINT(strlen(text), depth * 7 + 5);
	CHECK(strncmp(text, "[{\"\":[{\"\":[", 11) == 0);
}

static void test_pretty(void)
{
	struct json *pretty = json_create(capture.output, true);

	json_object_begin(pretty);
	json_key(pretty, "map");
	json_text(pretty, "m");
	json_key(pretty, "none");
	json_array_begin(pretty);
	json_array_end(pretty);
	json_key(pretty, "entries");
	json_array_begin(pretty);
	for (int i = 0; i < 2; i++) {
		json_object_begin(pretty);
		json_key(pretty, "key");
		json_signed(pretty, i);
		json_key(pretty, "value");
		json_array_begin(pretty);
		json_null(pretty);
		json_null(pretty);
		json_array_end(pretty);
		json_object_end(pretty);
	}
	json_array_end(pretty);
	json_object_end(pretty);
	json_end_line(pretty);
	CHECK_TEXT(capture_take(&capture), "{\n  \"map\": \"m\",\n  \"none\": [],\n  \"entries\": [\n"
					   "    {\"key\": 0, \"value\": [null, null]},\n"
					   "    {\"key\": 1, \"value\": [null, null]}\n  ]\n}\n");
	json_destroy(pretty);
}

/* Wherever it is given up, what was written is a document that says so. */
static void test_give_up(void)
{
	json_give_up(json, "nothing is open");
	CHECK_TEXT(capture_take(&capture), "");
	json_object_begin(json);
	json_give_up(json, "at the start");
	CHECK_TEXT(capture_take(&capture), "{\"complete\":false,\"error\":\"at the start\"}\n");
	json_object_begin(json);
	json_key(json, "entries");
	json_array_begin(json);
	json_object_begin(json);
	json_field_unsigned(json, "key", 1);
	json_key(json, "value");
	json_give_up(json, "before a value");
	CHECK_TEXT(capture_take(&capture), "{\"entries\":[{\"key\":1,\"value\":null}],\"complete\":false,\"error\":\"before a value\"}\n");
	json_array_begin(json);
	json_signed(json, 1);
	json_give_up(json, "in an array");
	CHECK_TEXT(capture_take(&capture), "[1]\n");
}

int main(void)
{
	capture_begin(&capture);
	json = json_create(capture.output, false);
	test_strings();
	test_every_byte();
	test_fuzz();
	test_scalars();
	test_lines();
	test_nesting();
	test_pretty();
	test_give_up();
	json_destroy(json);
	capture_end(&capture);
	return check_done();
}
