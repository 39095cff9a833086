/* Reads a stored layout: JSON, of which the members that are not known are skipped. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/layout_set.h"
#include "util/alloc.h"
#include "util/buffer.h"

enum { NESTING_LIMIT = 32, FILE_LIMIT = 256 << 20, MEMBER_LIMIT = 1 << 20 };

struct reader {
	const char *path, *text, *at, *end;
	struct layout_set *set;
	unsigned depth;
};

static struct error *wrong(const struct reader *reader, const char *what)
{
	size_t line = 1;

	for (const char *c = reader->text; c < reader->at; c++)
		line += *c == '\n';
	return error_new(ERROR_TARGET, "%s: line %zu: %s: no layout as layout --format json writes it", reader->path,
			 line, what);
}

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) != NULL && *reader->at != '\0')
		reader->at++;
}

static bool take(struct reader *reader, char c)
{
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static bool take_word(struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	skip_space(reader);
	if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
		return false;
	reader->at += length;
	return true;
}

/* --- strings and numbers ------------------------------------------------------------------------------------------ */

static void append_utf8(struct buffer *to, uint32_t code)
{
	uint8_t bytes[4];
	size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t first[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };

	for (size_t i = length; i-- > 1; code >>= 6)
		bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
	bytes[0] = (uint8_t)(first[length] | code);
	buffer_append(to, bytes, length);
}

/* The four digits of a \u. */
static struct error *read_unit(struct reader *reader, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef";

	*out = 0;
	for (int i = 0; i < 4; i++, reader->at++) {
		const char *digit =
			reader->at < reader->end && *reader->at != '\0' ? strchr(digits, *reader->at | 0x20) : NULL;

		if (digit == NULL)
			return wrong(reader, "a \\u without four digits");
		*out = *out << 4 | (uint32_t)(digit - digits);
	}
	return NULL;
}

/* A character beyond 16 bits comes as two surrogates; one that is alone is no character. */
static struct error *read_code_point(struct reader *reader, uint32_t *out)
{
	uint32_t low;

	TRY(read_unit(reader, out));
	if (*out < 0xd800 || *out > 0xdfff)
		return NULL;
	if (*out <= 0xdbff && reader->end - reader->at >= 2 && memcmp(reader->at, "\\u", 2) == 0) {
		const char *second = reader->at;

		reader->at += 2;
		TRY(read_unit(reader, &low));
		if (low >= 0xdc00 && low <= 0xdfff) {
			*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
			return NULL;
		}
		reader->at = second;
	}
	*out = 0xfffd;
	return NULL;
}

/* Behind a backslash. */
static struct error *read_escape(struct reader *reader, struct buffer *to)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	uint32_t code;

	if (reader->at == reader->end)
		return wrong(reader, "a string does not end");

	char c = *reader->at++;
	const char *letter = c != '\0' ? strchr(letters, c) : NULL;

	if (c != 'u') {
		buffer_append(to, letter != NULL ? &meant[letter - letters] : &c, 1);
		return NULL;
	}
	TRY(read_code_point(reader, &code));
	if (code == 0)
		return wrong(reader, "a name with a NUL in it");
	append_utf8(to, code);
	return NULL;
}

/* The set's from now on. */
static struct error *read_string(struct reader *reader, const char **out)
{
	struct buffer text = { 0 };
	struct error *error = NULL;

	if (!take(reader, '"'))
		return wrong(reader, "a string was expected");
	while (error == NULL && reader->at < reader->end && *reader->at != '"') {
		char c = *reader->at++;

		if (c == '\\')
			error = read_escape(reader, &text);
		else if (c == '\0')
			error = wrong(reader, "a name with a NUL in it");
		else
			buffer_append(&text, &c, 1);
	}
	if (error == NULL && !take(reader, '"'))
		error = wrong(reader, "a string does not end");
	if (error == NULL)
		*out = layout_set_text(reader->set, buffer_text(&text));
	buffer_free(&text);
	return error;
}

static struct error *read_string_or_null(struct reader *reader, const char **out)
{
	*out = NULL;
	return take_word(reader, "null") ? NULL : read_string(reader, out);
}

static struct error *read_number(struct reader *reader, uint64_t most, uint64_t *out)
{
	uint64_t value = 0;
	const char *start;

	skip_space(reader);
	start = reader->at;
	for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*reader->at - '0'), &value))
			return wrong(reader, "a number of more than 64 bits");
	if (reader->at == start || value > most ||
	    (reader->at < reader->end && strchr(".eE", *reader->at) != NULL && *reader->at != '\0'))
		return wrong(reader, "a number of bytes was expected");
	*out = value;
	return NULL;
}

static struct error *read_figure(struct reader *reader, uint32_t *out)
{
	uint64_t value;

	TRY(read_number(reader, UINT32_MAX, &value));
	*out = (uint32_t)value;
	return NULL;
}

static struct error *read_bool(struct reader *reader, bool *out)
{
	*out = take_word(reader, "true");
	return *out || take_word(reader, "false") ? NULL : wrong(reader, "true or false was expected");
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

/* Reads the value of `key`. */
typedef struct error *member_reader(struct reader *reader, const char *key, void *context);

static struct error *read_members(struct reader *reader, member_reader *read, void *context)
{
	size_t count = 0;

	do {
		const char *key;

		if (++count > MEMBER_LIMIT)
			return wrong(reader, "too many members");
		TRY(read_string(reader, &key));
		if (!take(reader, ':'))
			return wrong(reader, "a : was expected");
		TRY(read(reader, key, context));
	} while (take(reader, ','));
	return take(reader, '}') ? NULL : wrong(reader, "a } was expected");
}

static struct error *read_object(struct reader *reader, member_reader *read, void *context)
{
	if (!take(reader, '{'))
		return wrong(reader, "an object was expected");
	if (take(reader, '}'))
		return NULL;
	if (++reader->depth > NESTING_LIMIT)
		return wrong(reader, "too many objects in objects");
	TRY(read_members(reader, read, context));
	reader->depth--;
	return NULL;
}

static struct error *skip_value(struct reader *reader, const char *key, void *context);

static struct error *skip_array(struct reader *reader)
{
	if (take(reader, ']'))
		return NULL;
	if (++reader->depth > NESTING_LIMIT)
		return wrong(reader, "too many arrays in arrays");
	do {
		TRY(skip_value(reader, NULL, NULL));
	} while (take(reader, ','));
	reader->depth--;
	return take(reader, ']') ? NULL : wrong(reader, "a ] was expected");
}

/* A member that later versions write. */
static struct error *skip_value(struct reader *reader, const char *key, void *context)
{
	const char *text;

	skip_space(reader);
	if (reader->at < reader->end && *reader->at == '{')
		return read_object(reader, skip_value, NULL);
	if (take(reader, '['))
		return skip_array(reader);
	if (reader->at < reader->end && *reader->at == '"')
		return read_string(reader, &text);

	const char *start = reader->at;

	while (reader->at < reader->end && strchr(",]} \t\r\n", *reader->at) == NULL)
		reader->at++;
	return reader->at != start ? NULL : wrong(reader, "a value was expected");
}

/* --- a layout ----------------------------------------------------------------------------------------------------- */

static struct error *read_field_member(struct reader *reader, const char *key, void *context)
{
	struct layout_field *field = context;

	if (strcmp(key, "offset") == 0)
		return read_number(reader, UINT64_MAX, &field->offset);
	if (strcmp(key, "size") == 0)
		return read_number(reader, UINT64_MAX, &field->size);
	if (strcmp(key, "type") == 0)
		return read_string(reader, &field->type);
	return skip_value(reader, key, NULL);
}

struct reading_struct {
	struct layout_struct layout;
	size_t capacity;
};

static struct error *read_field(struct reader *reader, const char *key, void *context)
{
	struct reading_struct *reading = context;

	ARRAY_RESERVE(reading->layout.fields, reading->layout.field_count, reading->capacity);

	struct layout_field *field = &reading->layout.fields[reading->layout.field_count++];

	*field = (struct layout_field){ .name = key, .type = "?" };
	return read_object(reader, read_field_member, field);
}

static struct error *read_struct_member(struct reader *reader, const char *key, void *context)
{
	struct reading_struct *reading = context;

	if (strcmp(key, "size") == 0)
		return read_number(reader, UINT64_MAX, &reading->layout.size);
	if (strcmp(key, "fields") == 0)
		return read_object(reader, read_field, reading);
	return skip_value(reader, key, NULL);
}

static struct error *read_struct(struct reader *reader, const char *key, void *context)
{
	struct reading_struct reading = { .layout.name = key };
	struct error *error = read_object(reader, read_struct_member, &reading);

	if (error == NULL)
		layout_set_add_struct(reader->set, &reading.layout);
	layout_struct_free(&reading.layout);
	return error;
}

static struct error *read_constant(struct reader *reader, const char *key, void *context)
{
	uint64_t value;

	TRY(read_number(reader, UINT64_MAX, &value));
	layout_set_add_constant(reader->set, key, value);
	return NULL;
}

static struct error *read_unit_member(struct reader *reader, const char *key, void *context)
{
	struct map_unit_layout *unit = context;
	const struct {
		const char *name;
		uint32_t *at;
	} figures[] = { { "size", &unit->size },
			{ "tophash_offset", &unit->control_offset },
			{ "control_offset", &unit->control_offset },
			{ "key_offset", &unit->key_offset },
			{ "key_stride", &unit->key_stride },
			{ "elem_offset", &unit->elem_offset },
			{ "elem_stride", &unit->elem_stride },
			{ "overflow_offset", &unit->overflow_offset } };

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		if (strcmp(key, figures[i].name) == 0)
			return read_figure(reader, figures[i].at);
	return skip_value(reader, key, NULL);
}

static struct error *read_map_member(struct reader *reader, const char *key, void *context)
{
	struct layout_map_type *map = context;

	if (strcmp(key, "bucket") == 0 || strcmp(key, "group") == 0) {
		map->implementation = key[0] == 'b' ? MAP_CLASSIC : MAP_SWISS;
		return read_object(reader, read_unit_member, &map->unit);
	}
	if (strcmp(key, "key_size") == 0)
		return read_number(reader, UINT64_MAX, &map->key_size);
	if (strcmp(key, "elem_size") == 0)
		return read_number(reader, UINT64_MAX, &map->elem_size);
	if (strcmp(key, "key_indirect") == 0)
		return read_bool(reader, &map->key_indirect);
	if (strcmp(key, "elem_indirect") == 0)
		return read_bool(reader, &map->elem_indirect);
	return skip_value(reader, key, NULL);
}

static struct error *read_map(struct reader *reader, const char *key, void *context)
{
	struct layout_map_type map = { .name = key };

	TRY(read_object(reader, read_map_member, &map));
	layout_set_add_map(reader->set, &map);
	return NULL;
}

static struct error *read_byte_order(struct reader *reader)
{
	const char *order;

	TRY(read_string(reader, &order));
	reader->set->big_endian = strcmp(order, "big") == 0;
	return NULL;
}

static struct error *read_member(struct reader *reader, const char *key, void *context)
{
	struct layout_set *set = reader->set;
	uint64_t word_size = 0;

	if (strcmp(key, "go") == 0)
		return read_string_or_null(reader, &set->go);
	if (strcmp(key, "arch") == 0)
		return read_string(reader, &set->architecture);
	if (strcmp(key, "implementation") == 0)
		return read_string_or_null(reader, &set->implementation);
	if (strcmp(key, "source") == 0)
		return read_string(reader, &set->source);
	if (strcmp(key, "byte_order") == 0)
		return read_byte_order(reader);
	if (strcmp(key, "structs") == 0)
		return read_object(reader, read_struct, NULL);
	if (strcmp(key, "constants") == 0)
		return read_object(reader, read_constant, NULL);
	if (strcmp(key, "maps") == 0)
		return read_object(reader, read_map, NULL);
	if (strcmp(key, "word_size") != 0)
		return skip_value(reader, key, NULL);
	TRY(read_number(reader, 8, &word_size));
	set->word_size = (unsigned)word_size;
	return NULL;
}

static struct error *read_document(struct reader *reader)
{
	TRY(read_object(reader, read_member, NULL));
	skip_space(reader);
	if (reader->at != reader->end)
		return wrong(reader, "there is more behind the document");
	if (reader->set->architecture == NULL || reader->set->source == NULL ||
	    reader->set->struct_count + reader->set->map_count == 0)
		return wrong(reader, "arch, source, and structs or maps are missing");
	return NULL;
}

struct error *layout_set_parse_text(const char *path, const char *text, size_t length, struct layout_set *out)
{
	struct layout_set set = { 0 };
	struct reader reader = { .path = path, .text = text, .at = text, .end = text + length, .set = &set };
	struct error *error = read_document(&reader);

	if (error != NULL)
		layout_set_free(&set);
	*out = set;
	return error;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static struct error *read_file(const char *path, struct buffer *out)
{
	struct stat status;
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_new(ERROR_TARGET, "%s: %s", path, strerror(errno));
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
		errno = EISDIR;
	else
		while ((got = read(fd, buffer_reserve(out, 1 << 16), 1 << 16)) > 0 && out->length < FILE_LIMIT)
			out->length += (size_t)got;

	int reason = errno;

	close(fd);
	if (got < 0)
		return error_new(ERROR_TARGET, "%s: %s", path, strerror(reason));
	if (got > 0)
		return error_new(ERROR_TARGET, "%s: larger than %d MB", path, FILE_LIMIT >> 20);
	return NULL;
}

struct error *layout_set_parse(const char *path, struct layout_set *out)
{
	struct buffer text = { 0 };
	struct error *error = read_file(path, &text);

	if (error == NULL)
		error = layout_set_parse_text(path, (const char *)text.bytes, text.length, out);
	buffer_free(&text);
	return error;
}
