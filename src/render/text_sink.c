#include <inttypes.h>

#include "render/number.h"
#include "render/redact.h"
#include "render/text.h"
#include "util/alloc.h"

/* What the value that ended last was: an interface holding it has written a parenthesis in front of it, or not. */
enum ended { ENDED_BARE, ENDED_BRACED };

struct text_sink {
	struct sink sink;
	struct sink_ops redacted;
	const struct text *text;
	struct output *output;
	uint64_t depth;   /* of open arrays, structs and maps */
	bool fresh;       /* the next value is the first of its row or stands behind a name: nothing separates it */
	bool after_type;  /* an interface's type was written, its value comes */
	bool bare_map;    /* between map_begin() and map_end() of a nil map */
	enum ended ended;
};

static struct text_sink *self_of(struct sink *sink)
{
	return (struct text_sink *)sink;
}

static void separate(struct text_sink *self)
{
	if (!self->fresh && self->depth > 0)
		output_text(self->output, ", ");
	self->fresh = false;
}

/* Begins a value that brings no braces and type of its own. */
static struct output *bare_begin(struct text_sink *self)
{
	separate(self);
	if (self->after_type)
		output_char(self->output, '(');
	self->after_type = false;
	self->ended = ENDED_BARE;
	return self->output;
}

static void open_level(struct text_sink *self, char bracket)
{
	output_char(self->output, bracket);
	self->depth++;
	self->fresh = true;
	self->after_type = false;
}

static void close_level(struct text_sink *self, char bracket, enum ended ended)
{
	output_char(self->output, bracket);
	self->depth--;
	self->fresh = false;
	self->ended = ended;
}

static void write_left_out(struct text_sink *self, uint64_t count, const char *of_what)
{
	separate(self);
	text_begin(self->text, TEXT_DIM);
	output_text(self->output, "…(");
	output_unsigned(self->output, count);
	output_text(self->output, of_what);
	output_char(self->output, ')');
	text_end(self->text, TEXT_DIM);
}

static void write_dim(struct text_sink *self, const char *text)
{
	text_begin(self->text, TEXT_DIM);
	text_plain(self->output, text ? text : "?");
	text_end(self->text, TEXT_DIM);
}

static void write_boolean(struct sink *sink, bool value)
{
	output_text(bare_begin(self_of(sink)), value ? "true" : "false");
}

static void write_signed(struct sink *sink, int64_t value)
{
	output_signed(bare_begin(self_of(sink)), value);
}

static void write_unsigned(struct sink *sink, uint64_t value)
{
	output_unsigned(bare_begin(self_of(sink)), value);
}

static void write_floating(struct sink *sink, double value, unsigned bits)
{
	char text[NUMBER_TEXT];
	size_t length = number_text(text, value, bits, NUMBER_GO);

	output_bytes(bare_begin(self_of(sink)), text, length);
}

static void write_complex(struct sink *sink, double real, double imaginary, unsigned bits_of_part)
{
	struct output *output = bare_begin(self_of(sink));
	char text[NUMBER_TEXT];

	output_char(output, '(');
	output_bytes(output, text, number_text(text, real, bits_of_part, NUMBER_GO));

	size_t length = number_text(text, imaginary, bits_of_part, NUMBER_GO);

	if (text[0] != '-' && text[0] != '+')
		output_char(output, '+');
	output_bytes(output, text, length);
	output_text(output, "i)");
}

static void write_string(struct sink *sink, const uint8_t *bytes, size_t length, uint64_t whole_length)
{
	struct text_sink *self = self_of(sink);

	text_quoted(bare_begin(self), bytes, length);
	if (length == whole_length)
		return;
	self->fresh = true; /* right behind the quote */
	write_left_out(self, whole_length, " bytes");
}

static void write_null(struct sink *sink)
{
	struct text_sink *self = self_of(sink);

	bare_begin(self);
	write_dim(self, "nil");
}

static void write_pointer(struct sink *sink, taddr address)
{
	output_address(bare_begin(self_of(sink)), address.v);
}

static void array_begin(struct sink *sink, uint64_t length)
{
	struct text_sink *self = self_of(sink);

	bare_begin(self);
	open_level(self, '[');
}

static void array_end(struct sink *sink, uint64_t left_out)
{
	struct text_sink *self = self_of(sink);

	if (left_out > 0)
		write_left_out(self, left_out, " more");
	close_level(self, ']', ENDED_BARE);
}

static void struct_begin(struct sink *sink, const char *type)
{
	struct text_sink *self = self_of(sink);

	separate(self);
	open_level(self, '{');
}

static void struct_field(struct sink *sink, const char *name)
{
	struct text_sink *self = self_of(sink);

	separate(self);
	text_plain(self->output, name);
	output_text(self->output, ": ");
	self->fresh = true;
}

static void struct_end(struct sink *sink)
{
	close_level(self_of(sink), '}', ENDED_BRACED);
}

static void interface_begin(struct sink *sink, const char *dynamic_type)
{
	struct text_sink *self = self_of(sink);

	bare_begin(self);
	write_dim(self, dynamic_type);
	self->fresh = true;
	self->after_type = true;
}

static void interface_end(struct sink *sink)
{
	struct text_sink *self = self_of(sink);

	if (self->ended == ENDED_BARE)
		output_char(self->output, ')');
	self->ended = ENDED_BARE;
}

static void map_begin(struct sink *sink, const struct sink_map *map)
{
	struct text_sink *self = self_of(sink);

	self->bare_map = map->address.v == 0;
	if (self->bare_map) {
		write_null(sink);
		return;
	}
	separate(self);
	if (!self->after_type)
		write_dim(self, map->type);
	open_level(self, '{');
	if (!map->expanded && map->length > 0)
		write_left_out(self, map->length, map->length == 1 ? " entry" : " entries");
}

static void map_key(struct sink *sink)
{
	struct text_sink *self = self_of(sink);

	separate(self);
	text_begin(self->text, TEXT_KEY);
	self->fresh = true;
}

static void map_elem(struct sink *sink)
{
	struct text_sink *self = self_of(sink);

	text_end(self->text, TEXT_KEY);
	output_text(self->output, ": ");
	self->fresh = true;
}

static void map_end(struct sink *sink, uint64_t left_out)
{
	struct text_sink *self = self_of(sink);

	if (self->bare_map) {
		self->bare_map = false;
		return;
	}
	if (left_out > 0)
		write_left_out(self, left_out, " more");
	close_level(self, '}', ENDED_BRACED);
}

static void unreadable(struct sink *sink, const char *why)
{
	struct text_sink *self = self_of(sink);

	bare_begin(self);
	text_begin(self->text, TEXT_WARNING);
	output_text(self->output, "<unreadable: ");
	text_plain(self->output, why);
	output_char(self->output, '>');
	text_end(self->text, TEXT_WARNING);
}

static void withheld(struct sink *sink, const char *kind, uint64_t length)
{
	struct text_sink *self = self_of(sink);

	bare_begin(self);
	text_begin(self->text, TEXT_DIM);
	output_char(self->output, '<');
	output_text(self->output, kind);
	if (length != SINK_NO_LENGTH) {
		output_text(self->output, " of ");
		output_unsigned(self->output, length);
		output_text(self->output, length == 1 ? " byte" : " bytes");
	}
	output_char(self->output, '>');
	text_end(self->text, TEXT_DIM);
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

struct sink *text_sink_create(const struct text *text)
{
	struct text_sink *self = xcalloc(1, sizeof(*self));

	self->sink.ops = redact_sink_ops(&ops, &self->redacted);
	self->text = text;
	self->output = text->output;
	self->fresh = true;
	return &self->sink;
}
