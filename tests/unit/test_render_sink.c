/* The same walks through the JSON sink and the text sink. */
#include "render/json.h"
#include "render/text.h"
#include "test_render_json_reader.h"

static struct capture capture;
static struct json *json;
static struct text text;

typedef void walk(const struct sink_ops *ops, struct sink *sink);

/* Runs the walk twice through each sink: nothing of the first run may be left over in the second. */
static void check_walk(walk *one_walk, const char *expected_json, const char *expected_text)
{
	struct sink *sink = json_sink_create(json);

	for (int i = 0; i < 2; i++) {
		one_walk(sink->ops, sink);
		json_end_line(json);

		const char *written = capture_take(&capture);

		CHECK(json_is_valid(written) && harmless(written));
		if (CHECK(strlen(written) > 0))
			((char *)written)[strlen(written) - 1] = '\0';
		CHECK_TEXT(written, expected_json);
	}
	free(sink);
	sink = text_sink_create(&text);
	for (int i = 0; i < 2; i++) {
		one_walk(sink->ops, sink);
		CHECK_TEXT(capture_take(&capture), expected_text);
	}
	free(sink);
}

static void put_string(const struct sink_ops *ops, struct sink *sink, const char *bytes)
{
	ops->string(sink, (const uint8_t *)bytes, strlen(bytes), strlen(bytes));
}

static void walk_scalars(const struct sink_ops *ops, struct sink *sink)
{
	ops->array_begin(sink, 12);
	ops->boolean(sink, true);
	ops->signed_integer(sink, -7);
	ops->unsigned_integer(sink, UINT64_MAX);
	ops->floating(sink, (double)0.1f, 32);
	ops->floating(sink, 1e6, 64);
	ops->floating(sink, __builtin_nan(""), 64);
	ops->floating(sink, -__builtin_inf(), 64);
	ops->complex(sink, 1, -2.5, 64);
	ops->complex(sink, 1, __builtin_inf(), 64);
	ops->null(sink);
	ops->pointer(sink, taddr_of(0xc000012345));
	ops->unreadable(sink, "no memory at 0x10\n");
	ops->array_end(sink, 3);
}

static void walk_strings(const struct sink_ops *ops, struct sink *sink)
{
	ops->array_begin(sink, 3);
	put_string(ops, sink, "a\"\\\x1b[31m\n");
	put_string(ops, sink, "\xff");
	ops->string(sink, (const uint8_t *)"abc", 3, 1234);
	ops->array_begin(sink, 0);
	ops->array_end(sink, 0);
	ops->array_begin(sink, 5);
	ops->array_end(sink, 5);
	ops->array_end(sink, 0);
}

static void walk_struct(const struct sink_ops *ops, struct sink *sink)
{
	ops->struct_begin(sink, "main.person");
	ops->struct_field(sink, "Name");
	put_string(ops, sink, "x");
	ops->struct_field(sink, "Age");
	ops->signed_integer(sink, 3);
	ops->struct_field(sink, "Inner");
	ops->struct_begin(sink, "main.inner");
	ops->struct_end(sink);
	ops->struct_field(sink, "bad\x1b\xff");
	ops->null(sink);
	ops->struct_end(sink);
}

static void put_interface_int(const struct sink_ops *ops, struct sink *sink, int64_t value)
{
	ops->interface_begin(sink, "int");
	ops->signed_integer(sink, value);
	ops->interface_end(sink);
}

static void walk_interfaces(const struct sink_ops *ops, struct sink *sink)
{
	static const struct sink_map nil = { .type = "map[string]int", .expanded = true };

	ops->array_begin(sink, 4);
	put_interface_int(ops, sink, 5);
	ops->interface_begin(sink, "main.point");
	ops->struct_begin(sink, "main.point");
	ops->struct_field(sink, "X");
	put_interface_int(ops, sink, 1);
	ops->struct_end(sink);
	ops->interface_end(sink);
	ops->interface_begin(sink, "[]any");
	ops->array_begin(sink, 1);
	ops->interface_begin(sink, "struct {}");
	ops->struct_begin(sink, "struct {}");
	ops->struct_end(sink);
	ops->interface_end(sink);
	ops->array_end(sink, 0);
	ops->interface_end(sink);
	ops->interface_begin(sink, "map[string]int");
	ops->map_begin(sink, &nil);
	ops->map_end(sink, 0);
	ops->interface_end(sink);
	ops->array_end(sink, 0);
}

static void put_entry(const struct sink_ops *ops, struct sink *sink, const char *key, int64_t value)
{
	ops->map_key(sink);
	put_string(ops, sink, key);
	ops->map_elem(sink);
	ops->signed_integer(sink, value);
}

static void walk_maps(const struct sink_ops *ops, struct sink *sink)
{
	static const struct sink_map outer = { .type = "map[any]any", .address = { 0xc000 }, .length = 9, .expanded = true };
	static const struct sink_map inner = { .type = "map[string]int", .address = { 0xd000 }, .length = 2, .expanded = true };
	static const struct sink_map empty = { .type = "map[int]int", .address = { 0xe000 }, .expanded = true };
	static const struct sink_map deep = { .type = "map[int]int", .address = { 0xf000 }, .length = 7 };
	static const struct sink_map nil = { .type = "map[int]int" };
	static const struct sink_map *const bare[] = { &empty, &deep, &nil };

	ops->map_begin(sink, &outer);
	ops->map_key(sink);
	put_interface_int(ops, sink, 1);
	ops->map_elem(sink);
	ops->interface_begin(sink, "map[string]int");
	ops->map_begin(sink, &inner);
	put_entry(ops, sink, "a", 1);
	put_entry(ops, sink, "b", 2);
	ops->map_end(sink, 0);
	ops->interface_end(sink);
	for (size_t i = 0; i < 3; i++) {
		ops->map_key(sink);
		ops->boolean(sink, true);
		ops->map_elem(sink);
		ops->map_begin(sink, bare[i]);
		ops->map_end(sink, 0);
	}
	ops->map_key(sink);
	ops->unreadable(sink, "gone");
	ops->map_elem(sink);
	ops->null(sink);
	ops->map_end(sink, 4);
}

static void test_colour(void)
{
	struct sink *sink;

	text.colour = true;
	sink = text_sink_create(&text);
	walk_maps(sink->ops, sink);
	CHECK(strstr(capture_take(&capture), "\033[2mmap[any]any\033[22m{\033[36m\033[2mint\033[22m(1)\033[39m: ") != NULL);
	sink->ops->unreadable(sink, "\033[0m");
	CHECK_TEXT(capture_take(&capture), "\033[31m<unreadable: \\x1b[0m>\033[39m");
	free(sink);
	text.colour = false;
}

int main(void)
{
	capture_begin(&capture);
	json = json_create(capture.output, false);
	text.output = capture.output;
	check_walk(walk_scalars,
		   "[true,-7,18446744073709551615,0.1,1000000,\"NaN\",\"-Inf\",[1,-2.5],[1,\"+Inf\"],null,\"0xc000012345\","
		   "{\"error\":\"no memory at 0x10\\n\"},{\"error\":\"3 more elements left out\"}]",
		   "[true, -7, 18446744073709551615, 0.1, 1e+06, NaN, -Inf, (1-2.5i), (1+Infi), nil, 0xc000012345, "
		   "<unreadable: no memory at 0x10\\n>, …(3 more)]");
	check_walk(walk_strings,
		   "[\"a\\\"\\\\\\u001b[31m\\n\",{\"base64\":\"/w==\"},{\"text\":\"abc\",\"length\":1234},[],"
		   "[{\"error\":\"5 more elements left out\"}]]",
		   "[\"a\\\"\\\\\\x1b[31m\\n\", \"\\xff\", \"abc\"…(1234 bytes), [], […(5 more)]]");
	check_walk(walk_struct, "{\"Name\":\"x\",\"Age\":3,\"Inner\":{},\"bad\\u001b\\ufffd\":null}",
		   "{Name: \"x\", Age: 3, Inner: {}, bad\\x1b\\xff: nil}");
	check_walk(walk_interfaces,
		   "[{\"type\":\"int\",\"value\":5},{\"type\":\"main.point\",\"value\":{\"X\":{\"type\":\"int\",\"value\":1}}},"
		   "{\"type\":\"[]any\",\"value\":[{\"type\":\"struct {}\",\"value\":{}}]},"
		   "{\"type\":\"map[string]int\",\"value\":null}]",
		   "[int(5), main.point{X: int(1)}, []any([struct {}{}]), map[string]int(nil)]");
	check_walk(walk_maps,
		   "{\"address\":\"0xc000\",\"type\":\"map[any]any\",\"len\":9,\"entries\":["
		   "{\"key\":{\"type\":\"int\",\"value\":1},\"value\":{\"type\":\"map[string]int\",\"value\":"
		   "{\"address\":\"0xd000\",\"type\":\"map[string]int\",\"len\":2,\"entries\":["
		   "{\"key\":\"a\",\"value\":1},{\"key\":\"b\",\"value\":2}]}}},"
		   "{\"key\":true,\"value\":{\"address\":\"0xe000\",\"type\":\"map[int]int\",\"len\":0,\"entries\":[]}},"
		   "{\"key\":true,\"value\":{\"address\":\"0xf000\",\"type\":\"map[int]int\",\"len\":7}},"
		   "{\"key\":true,\"value\":null},{\"key\":{\"error\":\"gone\"},\"value\":null}],\"left_out\":4}",
		   "map[any]any{int(1): map[string]int{\"a\": 1, \"b\": 2}, true: map[int]int{}, "
		   "true: map[int]int{…(7 entries)}, true: nil, <unreadable: gone>: nil, …(4 more)}");
	test_colour();
	json_destroy(json);
	capture_end(&capture);
	return check_done();
}
