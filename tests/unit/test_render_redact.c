#include "render/json.h"
#include "render/redact.h"
#include "render/text.h"
#include "test_render.h"
#include "util/alloc.h"

static struct capture capture;

/* --- names ------------------------------------------------------------------------------------------------------ */

static const char *redacted(const char *name)
{
	static char *last;

	free(last);
	last = redact_name(name);
	return last;
}

static void test_keys(void)
{
	CHECK_TEXT(redacted("main.stock[\"eu\"][7]"), "main.stock[…][…]");
	CHECK_TEXT(redacted("main.m[-5].cache[0x1f]"), "main.m[…].cache[…]");
	CHECK_TEXT(redacted("main.m[1.5e+20][true][nil]"), "main.m[…][…][…]");
	CHECK_TEXT(redacted("main.m[\"a]b\\\"]\"].f"), "main.m[…].f");
	CHECK_TEXT(redacted("main.m[`a\\`].f"), "main.m[…].f");
	CHECK_TEXT(redacted("main.grid[main.point{1, \"x\"}]"), "main.grid[…]");
	CHECK_TEXT(redacted("main.any[int64(5)]"), "main.any[…]");
	CHECK_TEXT(redacted("main.m[key \"a\"]"), "main.m[…]");
	CHECK_TEXT(redacted("main.m[key 5]"), "main.m[…]");
	CHECK_TEXT(redacted("main.m[{1, 2}].(captured x)"), "main.m[…].(captured x)");
	CHECK_TEXT(redacted("(map[string]int)(0xc000012345)[\"a\"]"), "(map[string]int)(0xc000012345)[…]");
	CHECK_TEXT(redacted("goroutine 7: frame 2: cache[\"a\"]: no such key"), "goroutine 7: frame 2: cache[…]: no such key");
	CHECK_TEXT(redacted("main.f()[3]"), "main.f()[…]");
	CHECK_TEXT(redacted("main.m[secret]"), "main.m[…]");
}

static void test_unfinished(void)
{
	CHECK_TEXT(redacted("main.m[\"secret"), "main.m[…]");
	CHECK_TEXT(redacted("main.m[secret"), "main.m[…]");
	CHECK_TEXT(redacted("\"secret"), "\"…\"");
	CHECK_TEXT(redacted("said \"secret\\"), "said \"…\"");
	CHECK_TEXT(redacted("main.m["), "main.m[…]");
	CHECK_TEXT(redacted("["), "[…]");
	CHECK_TEXT(redacted("]"), "]");
	CHECK_TEXT(redacted(""), "");
}

static void test_types(void)
{
	static const char *const kept[] = {
		"map[string]int", "[]map[[4]uint8][]string", "[3]int", "map[string][3]int", "map[string][3]*main.T", "main.List[int]",
		"main.Pair[string,*main.T]", "main.Pair[[]uint8,[3]main.T]", "example.com/my-pkg/v2.Tree[go.shape.int]", "map[main.G[int]]bool",
		"map[struct { A int }]string", "chan map[int]int", "func(map[string]int) []error", "(*[3]int)(0xc000)", "main.(*List[int]).Add",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK_TEXT(redacted(kept[i]), kept[i]);
	CHECK_TEXT(redacted("map[struct { A int \"json:\\\"a\\\"\" }]int"), "map[struct { A int \"…\" }]int");
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static void emit_all(struct sink *sink)
{
	const struct sink_ops *ops = sink->ops;

	ops->struct_begin(sink, "main.T");
	ops->struct_field(sink, "A"), ops->boolean(sink, true);
	ops->struct_field(sink, "B"), ops->signed_integer(sink, -7316);
	ops->struct_field(sink, "C"), ops->unsigned_integer(sink, 7316);
	ops->struct_field(sink, "D"), ops->floating(sink, 7316.5, 64);
	ops->struct_field(sink, "E"), ops->complex(sink, 7316.5, 7316.5, 64);
	ops->struct_field(sink, "F"), ops->string(sink, (const uint8_t *)"7316", 4, 4);
	ops->struct_field(sink, "G"), ops->string(sink, (const uint8_t *)"7316\xff", 5, 7000);
	ops->struct_field(sink, "H"), ops->pointer(sink, taddr_of(0x7316));
	ops->struct_field(sink, "I"), ops->null(sink);
	ops->struct_field(sink, "J"), ops->unreadable(sink, "main.m[7316]: \"7316\"");
	ops->struct_end(sink);
}

static void test_text(void)
{
	struct text text = { .output = capture.output };
	struct sink *sink = text_sink_create(&text);

	emit_all(sink);
	CHECK_TEXT(capture_take(&capture), "{A: <bool>, B: <integer>, C: <integer>, D: <float>, E: <complex>, F: <string of 4 bytes>, "
					   "G: <string of 7000 bytes>, H: <pointer>, I: nil, J: <unreadable: main.m[…]: \"…\">}");
	free(sink);
	text_plain(capture.output, "main.m[\"7316\"]");
	CHECK_TEXT(capture_take(&capture), "main.m[…]");
}

static void test_json(void)
{
	struct json *json = json_create(capture.output, false);
	struct sink *sink = json_sink_create(json);

	emit_all(sink);
	CHECK_TEXT(capture_take(&capture), "{\"A\":{\"redacted\":\"bool\"},\"B\":{\"redacted\":\"integer\"},\"C\":{\"redacted\":\"integer\"},"
					   "\"D\":{\"redacted\":\"float\"},\"E\":{\"redacted\":\"complex\"},"
					   "\"F\":{\"redacted\":\"string\",\"length\":4},\"G\":{\"redacted\":\"string\",\"length\":7000},"
					   "\"H\":{\"redacted\":\"pointer\"},\"I\":null,\"J\":{\"error\":\"main.m[…]: \\\"…\\\"\"}}");
	json_name(json, "main.m[7316]");
	CHECK_TEXT(capture_take(&capture), "\"main.m[…]\"");
	free(sink);
	json_destroy(json);
}

int main(void)
{
	capture_begin(&capture);
	test_keys();
	test_unfinished();
	test_types();
	redact_begin();
	test_text();
	test_json();
	capture_end(&capture);
	return check_done();
}
