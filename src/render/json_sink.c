#include <inttypes.h>

#include "render/json.h"
#include "render/redact.h"
#include "util/alloc.h"

struct json_sink {
	struct sink sink;
	struct sink_ops redacted;
	struct json *json;
	bool bare_map; /* between map_begin() and map_end() of a map without "entries" */
};

static struct json *json_of(struct sink *sink)
{
	return ((struct json_sink *)sink)->json;
}

static void write_boolean(struct sink *sink, bool value)
{
	json_bool(json_of(sink), value);
}

static void write_signed(struct sink *sink, int64_t value)
{
	json_signed(json_of(sink), value);
}

static void write_unsigned(struct sink *sink, uint64_t value)
{
	json_unsigned(json_of(sink), value);
}

static void write_floating(struct sink *sink, double value, unsigned bits)
{
	json_double(json_of(sink), value, bits);
}

static void write_complex(struct sink *sink, double real, double imaginary, unsigned bits_of_part)
{
	struct json *json = json_of(sink);

	json_array_begin(json);
	json_double(json, real, bits_of_part);
	json_double(json, imaginary, bits_of_part);
	json_array_end(json);
}

static void write_string(struct sink *sink, const uint8_t *bytes, size_t length, uint64_t whole_length)
{
	struct json *json = json_of(sink);

	if (length == whole_length) {
		json_bytes(json, bytes, length);
		return;
	}
	json_object_begin(json);
	json_key(json, "text");
	json_bytes(json, bytes, length);
	json_key(json, "length");
	json_unsigned(json, whole_length);
	json_object_end(json);
}

static void write_null(struct sink *sink)
{
	json_null(json_of(sink));
}

static void write_pointer(struct sink *sink, taddr address)
{
	json_address(json_of(sink), address);
}

static void array_begin(struct sink *sink, uint64_t length)
{
	json_array_begin(json_of(sink));
}

static void array_end(struct sink *sink, uint64_t left_out)
{
	if (left_out > 0)
		json_error(json_of(sink), "%" PRIu64 " more elements left out", left_out);
	json_array_end(json_of(sink));
}

static void struct_begin(struct sink *sink, const char *type)
{
	json_object_begin(json_of(sink));
}

static void struct_field(struct sink *sink, const char *name)
{
	json_key(json_of(sink), name);
}

static void struct_end(struct sink *sink)
{
	json_object_end(json_of(sink));
}

static void interface_begin(struct sink *sink, const char *dynamic_type)
{
	struct json *json = json_of(sink);

	json_object_begin(json);
	json_key(json, "type");
	json_name(json, dynamic_type);
	json_key(json, "value");
}

static void interface_end(struct sink *sink)
{
	json_object_end(json_of(sink));
}

static void map_begin(struct sink *sink, const struct sink_map *map)
{
	struct json *json = json_of(sink);

	((struct json_sink *)sink)->bare_map = map->address.v == 0 || !map->expanded;
	if (map->address.v == 0) {
		json_null(json);
		return;
	}
	json_object_begin(json);
	json_key(json, "address");
	json_address(json, map->address);
	json_key(json, "type");
	json_name(json, map->type);
	json_key(json, "len");
	json_unsigned(json, map->length);
	if (!map->expanded) {
		json_object_end(json);
		return;
	}
	json_key(json, "entries");
	json_array_begin(json);
}

/* Entries have no end of their own in the sink's interface: the next key or the end of the map ends one. */
static void entry_end(struct json *json)
{
	if (json_in_object(json))
		json_object_end(json);
}

static void map_key(struct sink *sink)
{
	struct json *json = json_of(sink);

	entry_end(json);
	json_object_begin(json);
	json_key(json, "key");
}

static void map_elem(struct sink *sink)
{
	json_key(json_of(sink), "value");
}

static void map_end(struct sink *sink, uint64_t left_out)
{
	struct json_sink *self = (struct json_sink *)sink;
	struct json *json = self->json;

	if (self->bare_map) {
		self->bare_map = false;
		return;
	}
	entry_end(json);
	json_array_end(json);
	if (left_out > 0) {
		json_key(json, "left_out");
		json_unsigned(json, left_out);
	}
	json_object_end(json);
}

static void unreadable(struct sink *sink, const char *why)
{
	json_error(json_of(sink), "%s", why);
}

static void withheld(struct sink *sink, const char *kind, uint64_t length)
{
	struct json *json = json_of(sink);

	json_object_begin(json);
	json_field_name(json, "redacted", kind);
	if (length != SINK_NO_LENGTH)
		json_field_unsigned(json, "length", length);
	json_object_end(json);
}

static const struct sink_ops ops = {
	.boolean = write_boolean,
	.signed_integer = write_signed,
	.unsigned_integer = write_unsigned,
	.floating = write_floating,
	.complex = write_complex,
	.string = write_string,
	.null = write_null,
	.pointer = write_pointer,
	.array_begin = array_begin,
	.array_end = array_end,
	.struct_begin = struct_begin,
	.struct_field = struct_field,
	.struct_end = struct_end,
	.interface_begin = interface_begin,
	.interface_end = interface_end,
	.map_begin = map_begin,
	.map_key = map_key,
	.map_elem = map_elem,
	.map_end = map_end,
	.unreadable = unreadable,
	.withheld = withheld,
};

struct sink *json_sink_create(struct json *json)
{
	struct json_sink *self = xcalloc(1, sizeof(*self));

	self->sink.ops = redact_sink_ops(&ops, &self->redacted);
	self->json = json;
	return &self->sink;
}
