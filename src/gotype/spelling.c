#include "gotype/spelling.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "gotype/private.h"
#include "layout/shape.h"
#include "layout/table.h"
#include "util/alloc.h"
#include "util/buffer.h"
#include "util/limits.h"

/* A text of this length holds more types than there are descriptors for, but not so many that they take long. */
enum { SPELLING_LIMIT = 1 << 16 };

struct parser {
	struct program *program;
	const char *whole; /* for messages */
	const char *at;
	int depth;
};

static const struct basic {
	const char *spelling, *name;
	enum go_kind kind;
	uint8_t bytes, words; /* its size is the sum */
} basics[] = {
	{ "bool", "bool", GO_BOOL, 1, 0 },
	{ "int", "int", GO_INT, 0, 1 },
	{ "int8", "int8", GO_INT8, 1, 0 },
	{ "int16", "int16", GO_INT16, 2, 0 },
	{ "int32", "int32", GO_INT32, 4, 0 },
	{ "rune", "int32", GO_INT32, 4, 0 },
	{ "int64", "int64", GO_INT64, 8, 0 },
	{ "uint", "uint", GO_UINT, 0, 1 },
	{ "uint8", "uint8", GO_UINT8, 1, 0 },
	{ "byte", "uint8", GO_UINT8, 1, 0 },
	{ "uint16", "uint16", GO_UINT16, 2, 0 },
	{ "uint32", "uint32", GO_UINT32, 4, 0 },
	{ "uint64", "uint64", GO_UINT64, 8, 0 },
	{ "uintptr", "uintptr", GO_UINTPTR, 0, 1 },
	{ "float32", "float32", GO_FLOAT32, 4, 0 },
	{ "float64", "float64", GO_FLOAT64, 8, 0 },
	{ "complex64", "complex64", GO_COMPLEX64, 8, 0 },
	{ "complex128", "complex128", GO_COMPLEX128, 16, 0 },
	{ "string", "string", GO_STRING, 0, 2 },
	{ "any", "interface {}", GO_INTERFACE, 0, 2 },
	{ "error", "error", GO_INTERFACE, 0, 2 },
	{ "unsafe.Pointer", "unsafe.Pointer", GO_UNSAFE_POINTER, 0, 1 },
};

/* --- text ---------------------------------------------------------------------------------------------------- */

static struct error *expected_at(const struct parser *parser, const char *at, const char *what)
{
	return error_hint(error_new(ERROR_USAGE, "type %s: %s was expected at %s", parser->whole, what, *at ? at : "the end"),
			  "a type is written as in Go: map[string]int, map[[2]uint16]struct { A, B int; C *any }");
}

static struct error *expected(const struct parser *parser, const char *what)
{
	return expected_at(parser, parser->at, what);
}

static void skip_blanks(struct parser *parser)
{
	parser->at += strspn(parser->at, " \t\n");
}

static bool take(struct parser *parser, const char *token)
{
	size_t length = strlen(token);

	skip_blanks(parser);
	if (strncmp(parser->at, token, length) != 0)
		return false;
	parser->at += length;
	return true;
}

static struct error *must_take(struct parser *parser, const char *token, const char *what)
{
	return take(parser, token) ? NULL : expected(parser, what);
}

/* The length of the identifier at `at`; 0 where there is none. Go's letters outside ASCII are taken as they are. */
static size_t identifier(const char *at)
{
	size_t length = 0;

	if (isdigit((unsigned char)*at))
		return 0;
	while (isalnum((unsigned char)at[length]) || at[length] == '_' || (at[length] & 0x80))
		length++;
	return length;
}

static bool take_word(struct parser *parser, const char *word)
{
	skip_blanks(parser);
	if (identifier(parser->at) != strlen(word))
		return false;
	return take(parser, word);
}

/* --- the types of a program ---------------------------------------------------------------------------------- */

/* FNV-1a: the table's key of a name; equal ones move on by one. */
static uint64_t name_key(const char *name)
{
	uint64_t key = UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++)
		key = (key ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return key;
}

/*
 * types/type.go, IsDirectIface: pointers, and from 1.26 on all that is a pointer in the end; before, arrays and structs of
 * exactly one part.
 */
static bool is_direct(const struct gotype *type, bool pointers)
{
	switch (type->kind) {
	case GO_POINTER:
	case GO_CHAN:
	case GO_MAP:
	case GO_FUNC:
	case GO_UNSAFE_POINTER:
		return true;
	case GO_ARRAY:
	case GO_STRUCT:
		if (type->program->version->direct_in_tflag)
			return pointers && type->size == type->program->machine.word_size;
		if (type->kind == GO_ARRAY)
			return type->length == 1 && is_direct(type->elem, pointers);
		return type->field_count == 1 && is_direct(type->fields[0].type, pointers);
	default:
		return false;
	}
}

/* Makes `type` one of the program's, unless it has one of that name: *out is the one it has then. */
static struct error *intern(const struct parser *parser, struct gotype *type, struct gotype **out)
{
	struct program *program = parser->program;
	struct table *types = &program->types_by_spelling;
	uint64_t key = name_key(type->name), *known;
	const struct gotype_traits *traits;

	for (; (known = table_get(types, key)) != NULL; key++) {
		*out = (struct gotype *)(uintptr_t)*known;
		if (strcmp((*out)->name, type->name) == 0)
			return NULL;
	}
	type->program = program;
	type->completed = true;
	type->descriptor = taddr_of(SPELLING_DESCRIPTORS + 16 * types->count);
	if (type->descriptor.v >= SPELLING_DESCRIPTORS_END)
		return error_new(ERROR_USAGE, "type %s: there are too many types", parser->whole);
	TRY(gotype_traits(type, &traits));
	type->regular_memory = program->version->minor >= 14 && traits->equality == GOTYPE_MEMORY;
	type->direct_interface = is_direct(type, traits->pointers);
	*out = program_allocate(program, sizeof(**out));
	**out = *type;
	table_put(types, key, (uintptr_t)*out);
	table_put(&program->types_by_descriptor, type->descriptor.v, (uintptr_t)*out);
	/* there are no itabs: the descriptor stands for that of its type and any interface */
	table_put(&program->descriptors_by_itab, type->descriptor.v, type->descriptor.v);
	return NULL;
}

static struct error *parse_type(struct parser *parser, struct gotype **out) MUST_CHECK;

static uint64_t words(const struct parser *parser, unsigned count)
{
	return (uint64_t)count * parser->program->machine.word_size;
}

static struct error *parse_basic(struct parser *parser, struct gotype **out)
{
	size_t length = identifier(parser->at);

	if (strncmp(parser->at, "unsafe.", 7) == 0)
		length = 7 + identifier(parser->at + 7);
	for (size_t i = 0; i < ARRAY_SIZE(basics); i++) {
		const struct basic *basic = &basics[i];

		if (strlen(basic->spelling) != length || strncmp(basic->spelling, parser->at, length) != 0)
			continue;
		parser->at += length;
		return intern(parser, &(struct gotype){
			.kind = basic->kind,
			.name = basic->name,
			.size = basic->bytes + words(parser, basic->words),
			.has_methods = strcmp(basic->name, "error") == 0,
		}, out);
	}
	return expected(parser, length != 0 ? "a type that Go itself has" : "a type");
}

/* --- compound types ------------------------------------------------------------------------------------------ */

static struct error *parse_interface(struct parser *parser, struct gotype **out)
{
	TRY(must_take(parser, "{", "{"));
	TRY(must_take(parser, "}", "} (an interface without methods)"));
	return intern(parser, &(struct gotype){ .kind = GO_INTERFACE, .name = "interface {}", .size = words(parser, 2) }, out);
}

static struct error *parse_pointer(struct parser *parser, struct gotype **out)
{
	struct gotype type = { .kind = GO_POINTER, .size = words(parser, 1) };

	TRY(parse_type(parser, &type.elem));
	type.name = program_format(parser->program, "*%s", type.elem->name);
	return intern(parser, &type, out);
}

/* `before` is what stands before the element's type: "chan ", "<-chan ", "chan<- " */
static struct error *parse_chan(struct parser *parser, const char *before, struct gotype **out)
{
	struct gotype type = { .kind = GO_CHAN, .size = words(parser, 1) };

	TRY(parse_type(parser, &type.elem));

	/* chan <-chan T would be chan<- chan T */
	bool braces = strcmp(before, "chan ") == 0 && type.elem->name[0] == '<';

	type.name = program_format(parser->program, braces ? "%s(%s)" : "%s%s", before, type.elem->name);
	return intern(parser, &type, out);
}

static struct error *parse_length(struct parser *parser, uint64_t *out)
{
	char *end;

	skip_blanks(parser);
	if (!isdigit((unsigned char)*parser->at))
		return expected(parser, "] or a length");
	*out = strtoull(parser->at, &end, 0);
	if (*out > GOTYPE_SIZE_LIMIT)
		return expected(parser, "a smaller length");
	parser->at = end;
	return must_take(parser, "]", "]");
}

static struct error *parse_array(struct parser *parser, struct gotype **out)
{
	struct gotype type = { .kind = GO_ARRAY };
	const char *start = parser->at;

	TRY(parse_length(parser, &type.length));
	TRY(parse_type(parser, &type.elem));
	if (__builtin_mul_overflow(type.length, type.elem->size, &type.size) || type.size > GOTYPE_SIZE_LIMIT)
		return expected_at(parser, start, "an array of less memory");
	type.name = program_format(parser->program, "[%llu]%s", (unsigned long long)type.length, type.elem->name);
	return intern(parser, &type, out);
}

static struct error *parse_slice(struct parser *parser, struct gotype **out)
{
	struct gotype type = { .kind = GO_SLICE, .size = words(parser, 3) };

	TRY(parse_type(parser, &type.elem));
	type.name = program_format(parser->program, "[]%s", type.elem->name);
	return intern(parser, &type, out);
}

static struct error *known_layout(const struct gotype *map, struct program *program, struct map_layout *out)
{
	struct map_layout_request request = {
		.version = program->version,
		.machine = program->machine,
		.implementation = program->version->minor < 24 ? MAP_CLASSIC : MAP_SWISS,
		.key_size = map->key->size,
		.elem_size = map->elem->size,
	};

	TRY(gotype_align(map->key, &request.key_align));
	TRY(gotype_align(map->elem, &request.elem_align));
	return map_layout_known(&request, out);
}

static struct error *parse_map(struct parser *parser, struct gotype **out)
{
	struct program *program = parser->program;
	struct gotype type = { .kind = GO_MAP, .size = words(parser, 1) };
	struct map_layout *layout = program_allocate(program, sizeof(*layout));
	const struct gotype_traits *key;

	TRY(must_take(parser, "[", "["));
	skip_blanks(parser);

	const char *key_at = parser->at;

	TRY(parse_type(parser, &type.key));
	TRY(gotype_traits(type.key, &key));
	if (key->equality == GOTYPE_NO_EQUALITY)
		return expected_at(parser, key_at, "a key that can be compared");
	TRY(must_take(parser, "]", "]"));
	TRY(parse_type(parser, &type.elem));
	TRY(known_layout(&type, program, layout));
	type.map_layout = layout;
	type.name = program_format(program, "map[%s]%s", type.key->name, type.elem->name);
	return intern(parser, &type, out);
}

/* --- func ---------------------------------------------------------------------------------------------------- */

/* Types behind a parenthesis that is taken, and the one that ends them; `names` gets "int, ...string". */
static struct error *parse_list(struct parser *parser, bool parameters, struct buffer *names)
{
	bool variadic = false;

	while (!variadic && !take(parser, ")")) {
		struct gotype *type;

		if (names->length > 0)
			TRY(must_take(parser, ",", ", or )"));
		variadic = parameters && take(parser, "...");
		TRY(parse_type(parser, &type));
		buffer_append_format(names, "%s%s%s", names->length > 0 ? ", " : "", variadic ? "..." : "", type->name);
	}
	return variadic ? must_take(parser, ")", ")") : NULL;
}

/* What a function returns, with the blank before it: nothing, " int", " (int, string)". */
static struct error *parse_results(struct parser *parser, struct buffer *name)
{
	struct buffer names = { 0 };
	struct gotype *type;

	skip_blanks(parser);
	if (*parser->at == '\0' || strchr(",;)]}", *parser->at) != NULL)
		return NULL;
	if (!take(parser, "(")) {
		TRY(parse_type(parser, &type));
		buffer_append_format(name, " %s", type->name);
		return NULL;
	}

	struct error *error = parse_list(parser, false, &names);

	if (error == NULL && names.length > 0)
		buffer_append_format(name, strstr(buffer_text(&names), ", ") ? " (%s)" : " %s", buffer_text(&names));
	buffer_free(&names);
	return error;
}

static struct error *parse_signature(struct parser *parser, struct buffer *name)
{
	struct buffer parameters = { 0 };

	TRY(must_take(parser, "(", "("));

	struct error *error = parse_list(parser, true, &parameters);

	if (error == NULL) {
		buffer_append_format(name, "func(%s)", buffer_text(&parameters));
		error = parse_results(parser, name);
	}
	buffer_free(&parameters);
	return error;
}

static struct error *parse_func(struct parser *parser, struct gotype **out)
{
	struct gotype type = { .kind = GO_FUNC, .size = words(parser, 1) };
	struct buffer name = { 0 };
	struct error *error = parse_signature(parser, &name);

	if (error == NULL) {
		type.name = program_format(parser->program, "%s", buffer_text(&name));
		error = intern(parser, &type, out);
	}
	buffer_free(&name);
	return error;
}

/* --- struct -------------------------------------------------------------------------------------------------- */

struct fields {
	struct gotype_field *list;
	size_t count, capacity;
};

static struct error *parse_field_name(struct parser *parser, struct fields *fields)
{
	skip_blanks(parser);

	size_t length = identifier(parser->at);
	const char *name = program_format(parser->program, "%.*s", (int)length, parser->at);

	if (length == 0)
		return expected(parser, "a field's name or }");
	for (size_t i = 0; i < fields->count; i++)
		if (strcmp(name, "_") != 0 && strcmp(fields->list[i].name, name) == 0)
			return expected(parser, "another field name: this one is taken");
	if (fields->count >= limit_of(LIMIT_FIELDS))
		return expected(parser, "the struct's last field long before this one");
	parser->at += length;
	ARRAY_RESERVE(fields->list, fields->count, fields->capacity);
	fields->list[fields->count++] = (struct gotype_field){ .name = name };
	return NULL;
}

/* A, B int */
static struct error *parse_fields_of_one_type(struct parser *parser, struct fields *fields)
{
	size_t first = fields->count;
	struct gotype *type;

	do
		TRY(parse_field_name(parser, fields));
	while (take(parser, ","));
	TRY(parse_type(parser, &type));
	for (size_t i = first; i < fields->count; i++)
		fields->list[i].type = type;
	return NULL;
}

static struct error *parse_fields(struct parser *parser, struct fields *fields)
{
	TRY(must_take(parser, "{", "{"));
	while (!take(parser, "}")) {
		TRY(parse_fields_of_one_type(parser, fields));
		skip_blanks(parser);
		if (*parser->at != '}')
			TRY(must_take(parser, ";", "; or }"));
	}
	return NULL;
}

static struct error *lay_out(struct gotype *type)
{
	struct shape shape = { 0 };

	for (size_t i = 0; i < type->field_count; i++) {
		struct gotype_field *field = &type->fields[i];
		uint64_t align;

		TRY(gotype_align(field->type, &align));
		field->offset = shape_add(&shape, field->type->size, align);
	}
	type->size = shape_end(&shape);
	return NULL;
}

static const char *struct_name(struct program *program, const struct fields *fields)
{
	struct buffer name = { 0 };

	buffer_append_text(&name, "struct {");
	for (size_t i = 0; i < fields->count; i++)
		buffer_append_format(&name, "%s %s %s", i > 0 ? ";" : "", fields->list[i].name, fields->list[i].type->name);
	buffer_append_text(&name, fields->count > 0 ? " }" : "}");

	const char *kept = program_format(program, "%s", buffer_text(&name));

	buffer_free(&name);
	return kept;
}

static struct error *make_struct(struct parser *parser, const struct fields *fields, struct gotype **out)
{
	struct program *program = parser->program;
	struct gotype type = { .kind = GO_STRUCT, .name = struct_name(program, fields), .field_count = fields->count };

	type.fields = program_allocate(program, fields->count * sizeof(*type.fields));
	if (fields->count > 0)
		memcpy(type.fields, fields->list, fields->count * sizeof(*type.fields));
	TRY(lay_out(&type));
	if (type.size > GOTYPE_SIZE_LIMIT)
		return expected(parser, "a struct of less memory");
	return intern(parser, &type, out);
}

static struct error *parse_struct(struct parser *parser, struct gotype **out)
{
	struct fields fields = { 0 };
	struct error *error = parse_fields(parser, &fields);

	if (error == NULL)
		error = make_struct(parser, &fields, out);
	free(fields.list);
	return error;
}

/* --- all of them --------------------------------------------------------------------------------------------- */

static struct error *parse_one(struct parser *parser, struct gotype **out)
{
	if (take(parser, "(")) {
		TRY(parse_type(parser, out));
		return must_take(parser, ")", ")");
	}
	if (take(parser, "*"))
		return parse_pointer(parser, out);
	if (take(parser, "[")) {
		if (take(parser, "]"))
			return parse_slice(parser, out);
		return parse_array(parser, out);
	}
	if (take_word(parser, "map"))
		return parse_map(parser, out);
	if (take_word(parser, "struct"))
		return parse_struct(parser, out);
	if (take_word(parser, "interface"))
		return parse_interface(parser, out);
	if (take_word(parser, "func"))
		return parse_func(parser, out);
	if (take_word(parser, "chan"))
		return parse_chan(parser, take(parser, "<-") ? "chan<- " : "chan ", out);
	if (take(parser, "<-"))
		return take_word(parser, "chan") ? parse_chan(parser, "<-chan ", out) : expected(parser, "chan");
	return parse_basic(parser, out);
}

static struct error *parse_type(struct parser *parser, struct gotype **out)
{
	if (parser->depth == GOTYPE_DEPTH_LIMIT)
		return expected(parser, "a type that nests less");
	parser->depth++;

	struct error *error = parse_one(parser, out);

	parser->depth--;
	return error;
}

struct error *gotype_of_spelling(struct program *program, const char *text, struct gotype **out)
{
	struct parser parser = { .program = program, .whole = text, .at = text };
	struct gotype *type;

	if (strlen(text) > SPELLING_LIMIT)
		return error_new(ERROR_USAGE, "the type: it is longer than %d bytes", SPELLING_LIMIT);
	TRY(parse_type(&parser, &type));
	skip_blanks(&parser);
	if (*parser.at != '\0')
		return expected(&parser, "the end");
	*out = type;
	return NULL;
}

struct error *program_create_alone(const struct go_version *version, const struct machine *machine, struct program **out)
{
	struct program *program;

	if (machine->word_size != 4 && machine->word_size != 8)
		return error_new(ERROR_USAGE, "a machine with words of %d bytes: not supported", machine->word_size);
	program = xcalloc(1, sizeof(*program));
	program->version = version;
	program->machine = *machine;
	*out = program;
	return NULL;
}
