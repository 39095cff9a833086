#include "analysis/expression.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/key_find.h"
#include "analysis/literal.h"
#include "analysis/local.h"
#include "analysis/suggestion.h"
#include "binary/debug.h"
#include "map/value.h"
#include "util/alloc.h"
#include "util/buffer.h"

/* Parentheses in parentheses, pointers to pointers, embedded structs in embedded structs. */
enum { NESTING_LIMIT = 32 };

struct parser {
	struct program *program;
	const char *whole; /* for messages */
	const char *at;
	int depth;
	bool local; /* the variable is one of `scope` */
	struct local_scope scope;
};

static struct error *usage(const struct parser *parser, const char *why)
{
	return error_hint(error_new(ERROR_USAGE, "%s: %s%s%s", parser->whole, why, *parser->at ? " at " : "", parser->at),
			  "a map is named like main.users, main.reg.nested[\"eu\"] or (map[string]int)(0xc000012345)");
}

static void skip_blanks(struct parser *parser)
{
	while (*parser->at == ' ')
		parser->at++;
}

static bool take(struct parser *parser, char c)
{
	skip_blanks(parser);
	if (*parser->at != c)
		return false;
	parser->at++;
	return true;
}

/* What was read so far, for messages about values on the way. The caller frees it. */
static char *so_far(const struct parser *parser)
{
	size_t length = (size_t)(parser->at - parser->whole);

	while (length > 0 && parser->whole[length - 1] == '.')
		length--;
	if (parser->whole[length] == ']')
		length++;
	return xstrndup(parser->whole, length);
}

static struct error *impossible(const struct parser *parser, const char *format, const char *detail)
{
	char *name = so_far(parser);
	char *why = xasprintf("%s%s", format, detail);
	struct error *error = error_new(ERROR_TARGET, "%s: %s", name, why);

	free(why);
	free(name);
	return error;
}

/* --- values on the way --------------------------------------------------------------------------------------- */

/* Bytes of a value; those of registers may be lost in part. */
static struct error *load_bytes(const struct place *place, uint64_t offset, void *to, size_t length)
{
	if (place->bytes == NULL)
		return target_read(place->type->program->memory, taddr_add(place->address, offset), to, length);
	if (memchr(place->known + offset, 0, length) != NULL)
		return error_new(ERROR_TARGET, "this part of the variable is optimised out");
	memcpy(to, place->bytes + offset, length);
	return NULL;
}

static struct error *load_word_at(const struct place *place, uint64_t offset, uint64_t *out)
{
	const struct machine *machine = &place->type->program->machine;
	uint8_t bytes[8];

	TRY(load_bytes(place, offset, bytes, machine->word_size));
	*out = load_word(machine, bytes);
	return NULL;
}

static struct error *load_word_of(const struct place *place, uint64_t *out)
{
	if (place->is_word) {
		*out = place->word;
		return NULL;
	}
	return load_word_at(place, 0, out);
}

/* A part of a value: a field, an element of an array. */
static struct place part_of(const struct place *place, struct gotype *type, uint64_t offset)
{
	struct place part = { .type = type, .address = taddr_add(place->address, offset) };

	if (place->bytes != NULL) {
		part.bytes = place->bytes + offset;
		part.known = place->known + offset;
	}
	return part;
}

static struct error *follow_pointer(const struct parser *parser, struct place *place)
{
	uint64_t word;

	TRY(gotype_complete(place->type));
	if (place->type->elem == NULL)
		return impossible(parser, "a pointer to something that has no type", "");
	TRY(load_word_of(place, &word));
	if (word == 0)
		return impossible(parser, "a nil pointer", "");
	*place = (struct place){ .type = place->type->elem, .address = taddr_of(word) };
	return NULL;
}

static struct error *follow_interface(const struct parser *parser, struct place *place)
{
	struct program *program = place->type->program;
	struct gotype *dynamic;
	uint8_t bytes[16];
	taddr value;
	bool inside;

	TRY(load_bytes(place, 0, bytes, 2u * program->machine.word_size));
	TRY(gotype_of_interface(place->type, place->address, bytes, &dynamic, &value, &inside));
	if (dynamic == NULL)
		return impossible(parser, "a nil interface", "");
	*place = inside ? part_of(place, dynamic, program->machine.word_size) : (struct place){ .type = dynamic, .address = value };
	return NULL;
}

/* Pointers and interfaces are followed to what is behind them. */
static struct error *follow(const struct parser *parser, struct place *place)
{
	for (int i = 0; i < NESTING_LIMIT; i++) {
		if (place->type->kind == GO_POINTER)
			TRY(follow_pointer(parser, place));
		else if (place->type->kind == GO_INTERFACE)
			TRY(follow_interface(parser, place));
		else
			return gotype_complete(place->type);
	}
	return impossible(parser, "pointers to pointers without end", "");
}

/* --- selectors ------------------------------------------------------------------------------------------------ */

static bool is_name_character(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static char *take_name(struct parser *parser)
{
	const char *start = parser->at;

	while (is_name_character(*parser->at))
		parser->at++;
	return xstrndup(start, (size_t)(parser->at - start));
}

/* Goes to field `name`, of the struct itself or promoted from an embedded one. Sets *found. */
static struct error *select_field(const struct parser *parser, struct place *place, const char *name, int depth, bool *found)
{
	int index = gotype_field_find(place->type, name);

	*found = index >= 0;
	if (*found) {
		const struct gotype_field *field = &place->type->fields[index];
		struct gotype *pointer = field->type->kind == GO_UNSAFE_POINTER ? gotype_atomic_pointer(place->type) : NULL;

		*place = part_of(place, pointer ? pointer : field->type, field->offset);
		return NULL;
	}
	for (size_t i = 0; i < place->type->field_count && depth < NESTING_LIMIT; i++) {
		const struct gotype_field *field = &place->type->fields[i];
		struct place embedded = part_of(place, field->type, field->offset);

		if (!field->embedded)
			continue;

		struct error *error = follow(parser, &embedded);

		if (error != NULL) { /* a nil one: the field may be another's */
			error_free(error);
			continue;
		}
		if (embedded.type->kind != GO_STRUCT)
			continue;
		TRY(select_field(parser, &embedded, name, depth + 1, found));
		if (*found) {
			*place = embedded;
			return NULL;
		}
	}
	return NULL;
}

static struct error *parse_field(struct parser *parser, struct place *place)
{
	TRY(follow(parser, place));

	char *name = take_name(parser);
	bool found = false;
	struct error *error;

	if (*name == '\0')
		error = usage(parser, "a field's name was expected");
	else if (place->type->kind != GO_STRUCT)
		error = impossible(parser, "not a field: the value in front of it is a ", place->type->name);
	else
		error = select_field(parser, place, name, 0, &found);
	if (error == NULL && !found)
		error = suggest_field(impossible(parser, "no such field in ", place->type->name), place->type, name);
	free(name);
	return error;
}

static struct error *index_elements(struct parser *parser, struct place *place)
{
	struct program *program = place->type->program;
	char *end;
	uint64_t length = place->type->length;
	struct place whole = *place;

	errno = 0;

	uint64_t index = strtoull(parser->at, &end, 0);

	if (end == parser->at || errno != 0 || *parser->at == '-')
		return usage(parser, "an index was expected");
	parser->at = end;
	if (place->type->kind == GO_SLICE) {
		uint64_t word;

		TRY(load_word_at(place, 0, &word));
		TRY(load_word_at(place, program->machine.word_size, &length));
		whole = (struct place){ .type = place->type, .address = taddr_of(word) };
	}
	if (index >= length) {
		char *detail = xasprintf("%llu of %llu elements", (unsigned long long)index, (unsigned long long)length);
		struct error *error = impossible(parser, "the index is out of range: ", detail);

		free(detail);
		return error;
	}
	*place = part_of(&whole, place->type->elem, index * place->type->elem->size);
	return NULL;
}

static struct error *no_such_key(const struct parser *parser, bool whole)
{
	return impossible(parser, "no such key", whole ? "" : " (parts of the map are not readable)");
}

/* A literal that can be a key of that type. The caller frees it. */
static struct error *parse_key(struct parser *parser, struct gotype *type, struct literal **out)
{
	struct literal *key;

	TRY(literal_parse(&parser->at, &key));

	struct error *error = literal_check(key, type);

	if (error != NULL) {
		char *name = so_far(parser);

		literal_free(key);
		error = error_wrap(error, "%s", name);
		free(name);
		return error;
	}
	*out = key;
	return NULL;
}

static struct error *index_map(struct parser *parser, struct place *place)
{
	struct literal *key;
	struct go_map map;
	uint64_t header;
	taddr elem = { 0 };
	bool found, whole;

	TRY(load_word_of(place, &header));
	TRY(map_open(place->type, taddr_of(header), &map));
	TRY(parse_key(parser, place->type->key, &key));

	struct error *error = key_find(&map, key, &elem, &found, &whole);

	literal_free(key);
	TRY(error);
	*place = (struct place){ .type = place->type->elem, .address = elem };
	return found ? NULL : no_such_key(parser, whole);
}

static struct error *index_sync(struct parser *parser, struct place *place)
{
	struct literal *key;
	struct sync_map map;
	taddr value = { 0 };
	bool found, whole;

	TRY(sync_map_open(place->type, place->address, &map));
	TRY(parse_key(parser, map.layout->key, &key));

	struct error *error = key_find_sync(&map, key, &value, &found, &whole);

	literal_free(key);
	TRY(error);
	*place = (struct place){ .type = map.layout->value, .address = value };
	return found ? NULL : no_such_key(parser, whole);
}

static struct error *parse_index(struct parser *parser, struct place *place)
{
	TRY(follow(parser, place));
	skip_blanks(parser);
	if (gotype_is_sync(place->type) && place->bytes == NULL) {
		TRY(index_sync(parser, place));
		return take(parser, ']') ? NULL : usage(parser, "a closing bracket was expected");
	}
	switch (place->type->kind) {
	case GO_ARRAY:
	case GO_SLICE:
		TRY(index_elements(parser, place));
		break;
	case GO_MAP:
		TRY(index_map(parser, place));
		break;
	default:
		return impossible(parser, "not to be indexed: a ", place->type->name);
	}
	return take(parser, ']') ? NULL : usage(parser, "a closing bracket was expected");
}

static struct error *parse_selectors(struct parser *parser, struct place *place)
{
	for (;;) {
		if (take(parser, '.'))
			TRY(parse_field(parser, place));
		else if (take(parser, '['))
			TRY(parse_index(parser, place));
		else
			return NULL;
	}
}

/* --- variables ------------------------------------------------------------------------------------------------ */

/* In symbols dots of a package path's last element are written %2e (cmd/internal/objabi, PathToPrefix). */
__attribute__((nonnull)) static char *escape_package(const char *name, size_t length)
{
	const char *last_dot = memrchr(name, '.', length);
	const char *slash = memrchr(name, '/', length);
	struct buffer buffer = { 0 };

	for (const char *c = name; c < name + length; c++) {
		if (*c == '.' && c != last_dot && slash != NULL && c > slash)
			buffer_append_text(&buffer, "%2e");
		else
			buffer_append(&buffer, c, 1);
	}

	char *text = xstrdup(buffer_text(&buffer));

	buffer_free(&buffer);
	return text;
}

static bool find_variable(struct parser *parser, const char *name, size_t length, struct debug_variable *out)
{
	struct debug *debug = parser->program->binary->debug;
	char *plain = xstrndup(name, length);
	bool found = debug_find_variable(debug, plain, out);

	if (!found && memchr(name, '/', length) != NULL) {
		char *escaped = escape_package(name, length);

		found = strcmp(escaped, plain) != 0 && debug_find_variable(debug, escaped, out);
		free(escaped);
	}
	free(plain);
	return found;
}

static struct error *parse_local(struct parser *parser, struct place *place)
{
	const char *start = parser->at;
	struct error *error;

	parser->at += strcspn(start, "[].() \t");

	char *name = xstrndup(start, (size_t)(parser->at - start));

	if (*name == '\0')
		error = usage(parser, "a variable's name was expected");
	else
		error = local_find(parser->program, &parser->scope, name, place);
	free(name);
	return error;
}

/*
 * A package path may have dots, so "a.b/c.d.e" can end after d or after e: the shortest name that exists is taken, what
 * follows are selectors.
 */
static struct error *parse_variable(struct parser *parser, struct place *place)
{
	const char *start = parser->at;
	size_t whole = strcspn(start, "[]() \t");
	const char *slash = memrchr(start, '/', whole);
	const char *dot = memchr(slash ? slash : start, '.', whole - (slash ? (size_t)(slash - start) : 0));
	struct debug_variable variable;

	if (parser->local)
		return parse_local(parser, place);
	while (dot != NULL) {
		const char *next = memchr(dot + 1, '.', whole - (size_t)(dot + 1 - start));
		size_t length = next ? (size_t)(next - start) : whole;

		if (length > (size_t)(dot + 1 - start) && find_variable(parser, start, length, &variable)) {
			parser->at = start + length;
			place->address = taddr_of(variable.address + parser->program->bias);
			return program_type_at(parser->program, variable.type, &place->type);
		}
		dot = next;
	}

	char *name = xstrndup(start, whole);
	struct error *error = whole == 0 ? usage(parser, "a variable's name was expected")
					 : suggest_variable(error_new(ERROR_TARGET, "%s: no such variable", name),
							    parser->program->binary->debug, name);

	free(name);
	return error;
}

/* --- (TYPE)(ADDRESS), parentheses, * -------------------------------------------------------------------------- */

/* The parenthesis that closes the one in front of `at`; NULL where there is none. */
static const char *closing(const char *at)
{
	int depth = 1;

	for (; *at != '\0'; at++) {
		depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
		if (depth == 0)
			return at;
	}
	return NULL;
}

static struct error *parse_cast(struct parser *parser, const char *end, struct place *place)
{
	char *written = xstrndup(parser->at, (size_t)(end - parser->at));
	char *name = expression_type_spelling(written);
	struct error *error = program_type_named(parser->program, name, &place->type);
	char *after;

	free(written);
	free(name);
	if (error != NULL)
		return error;
	parser->at = end + 2; /* ")(" */
	place->word = strtoull(parser->at, &after, 0);
	place->is_word = true;
	if (after == parser->at)
		return usage(parser, "an address was expected");
	parser->at = after;
	if (!take(parser, ')'))
		return usage(parser, "a closing parenthesis was expected");
	if (place->type->size != parser->program->machine.word_size) {
		/* (main.T)(0xc000...) is the T at that address */
		place->address = taddr_of(place->word);
		place->is_word = false;
	}
	return NULL;
}

static struct error *parse_unary(struct parser *parser, struct place *place);

static struct error *parse_primary(struct parser *parser, struct place *place)
{
	if (take(parser, '(')) {
		const char *end = closing(parser->at);

		if (end == NULL)
			return usage(parser, "a closing parenthesis was expected");
		if (end[1] == '(') {
			TRY(parse_cast(parser, end, place));
		} else {
			TRY(parse_unary(parser, place));
			if (!take(parser, ')'))
				return usage(parser, "a closing parenthesis was expected");
		}
	} else {
		TRY(parse_variable(parser, place));
	}
	return parse_selectors(parser, place);
}

static struct error *parse_unary(struct parser *parser, struct place *place)
{
	if (++parser->depth > NESTING_LIMIT)
		return usage(parser, "nested too deeply");
	if (!take(parser, '*'))
		return parse_primary(parser, place);
	TRY(parse_unary(parser, place));
	if (place->type->kind != GO_POINTER)
		return impossible(parser, "not a pointer: a ", place->type->name);
	return follow_pointer(parser, place);
}

/* --- the interface --------------------------------------------------------------------------------------------- */

struct error *expression_evaluate(struct program *program, const char *text, struct place *out)
{
	struct parser parser = { .program = program, .whole = text, .at = text };
	struct place place = { 0 };

	TRY(local_parse_scope(&parser.at, &parser.scope, &parser.local));
	if (text[strspn(text, " ")] == '\0')
		return error_new(ERROR_USAGE, "MAP: it is empty");
	TRY(parse_unary(&parser, &place));
	skip_blanks(&parser);
	if (*parser.at != '\0')
		return usage(&parser, "something is left over");
	*out = place;
	return NULL;
}

struct error *expression_find_map(struct program *program, const char *text, struct gotype **type, taddr *header)
{
	struct parser parser = { .program = program, .whole = text, .at = text + strlen(text) };
	struct place place;
	uint64_t word;

	TRY(expression_evaluate(program, text, &place));
	TRY(follow(&parser, &place));
	if (gotype_is_sync(place.type) && place.bytes == NULL) {
		*type = place.type;
		*header = place.address;
		return NULL;
	}
	if (place.type->kind != GO_MAP)
		return error_new(ERROR_TARGET, "%s: not a map: a %s", text, place.type->name);
	TRY(load_word_of(&place, &word));
	*type = place.type;
	*header = taddr_of(word);
	return NULL;
}

bool expression_is_local(const char *text)
{
	return strncmp(text + strspn(text, " "), "goroutine ", 10) == 0;
}

bool expression_is_address(const char *text, taddr *out)
{
	char *end;

	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
		return false;
	errno = 0;
	*out = taddr_of(strtoull(text, &end, 16));
	return errno == 0 && end != text && *end == '\0';
}
