/*
 * Names of types that reflect made at run time (MapOf, StructOf, ChanOf, ...): their descriptors lie in the heap and name
 * themselves by an id of runtime.reflectOffs. The name is put together from the parts, as reflect does.
 */
#include <string.h>

#include "gotype/descriptor.h"
#include "util/buffer.h"
#include "util/limits.h"

/* A tag as reflect.StructOf quotes it (strconv.Quote; tags are printable but for what is escaped here). */
static void append_quoted(struct buffer *out, const char *tag)
{
	buffer_append_text(out, " \"");
	for (; *tag != '\0'; tag++) {
		if (*tag == '"' || *tag == '\\')
			buffer_append_text(out, "\\");
		buffer_append(out, tag, 1);
	}
	buffer_append_text(out, "\"");
}

/* Structs of structs of structs in garbage double a name with each level. */
static bool is_too_long(const struct buffer *name)
{
	return name->length > limit_of(LIMIT_NAME);
}

static struct error *struct_name(struct gotype *type)
{
	struct buffer name = { 0 };

	buffer_append_text(&name, "struct {");
	for (size_t i = 0; i < type->field_count && !is_too_long(&name); i++) {
		const struct gotype_field *field = &type->fields[i];

		buffer_append_format(&name, "%s %s %s", i ? ";" : "", field->name, field->type->name);
		if (field->tag != NULL)
			append_quoted(&name, field->tag);
	}
	if (is_too_long(&name)) {
		buffer_free(&name);
		return not_a_descriptor(type->descriptor, "its name is too long");
	}
	type->name = program_format(type->program, type->field_count ? "%s }" : "%s}", buffer_text(&name));
	buffer_free(&name);
	return NULL;
}

/* reflect.ChanDir: 1 receive, 2 send. */
static struct error *chan_name(struct gotype *type)
{
	struct descriptor descriptor;
	uint64_t direction;

	TRY(descriptor_read(type->program, CHAN, type->descriptor, &descriptor));
	TRY(descriptor_part(&descriptor, "Elem", "elem", &type->elem));
	TRY(descriptor_word(&descriptor, "Dir", "dir", 0, &direction));
	type->name = program_format(type->program, "%s %s",
				    direction == 1 ? "<-chan" : direction == 2 ? "chan<-" : "chan", type->elem->name);
	return NULL;
}

/* `count` types whose addresses lie at *at, which moves behind them: "(int, string)". */
static struct error *append_types(struct program *program, taddr *at, uint64_t count, bool variadic, struct buffer *out)
{
	for (uint64_t i = 0; i < count; i++) {
		struct gotype *parameter;
		uint64_t address;

		if (is_too_long(out))
			return not_a_descriptor(*at, "a function with too long a signature");
		TRY(target_read_word(program->memory, *at, &address));
		TRY(gotype_of_descriptor(program, taddr_of(address), &parameter));
		buffer_append_text(out, i ? ", " : "");
		if (variadic && i + 1 == count && strncmp(parameter->name, "[]", 2) == 0)
			buffer_append_format(out, "...%s", parameter->name + 2);
		else
			buffer_append_text(out, parameter->name);
		*at = taddr_add(*at, program->machine.word_size);
	}
	return NULL;
}

/* The parameters' and results' descriptors follow funcType, and the uncommon part where there is one. */
static struct error *append_signature(struct gotype *type, struct buffer *out)
{
	enum { VARIADIC = 1 << 15, UNCOMMON_SIZE = 16 };
	struct program *program = type->program;
	struct descriptor descriptor, common;
	uint64_t in, results, tflag;

	TRY(descriptor_read(program, FUNC, type->descriptor, &descriptor));
	TRY(descriptor_read(program, COMMON, type->descriptor, &common));
	TRY(descriptor_word(&descriptor, "InCount", "inCount", 0, &in));
	TRY(descriptor_word(&descriptor, "OutCount", "outCount", 0, &results));
	TRY(descriptor_word(&common, "TFlag", "tflag", 0, &tflag));

	taddr at = taddr_add(type->descriptor, descriptor.layout->size + (tflag & TFLAG_UNCOMMON ? UNCOMMON_SIZE : 0));
	bool variadic = results & VARIADIC;

	results &= VARIADIC - 1;
	buffer_append_text(out, "func(");
	TRY(append_types(program, &at, in, variadic, out));
	buffer_append_text(out, results == 0 ? ")" : results == 1 ? ") " : ") (");
	TRY(append_types(program, &at, results, false, out));
	buffer_append_text(out, results > 1 ? ")" : "");
	return NULL;
}

static struct error *func_name(struct gotype *type)
{
	struct buffer name = { 0 };
	struct error *error = append_signature(type, &name);

	if (error == NULL)
		type->name = program_format(type->program, "%s", buffer_text(&name));
	buffer_free(&name);
	return error;
}

static struct error *make_name(struct gotype *type)
{
	switch (type->kind) {
	case GO_ARRAY:
		type->name = program_format(type->program, "[%llu]%s", (unsigned long long)type->length, type->elem->name);
		return NULL;
	case GO_CHAN:
		return chan_name(type);
	case GO_FUNC:
		return func_name(type);
	case GO_MAP:
		type->name = program_format(type->program, "map[%s]%s", type->key->name, type->elem->name);
		return NULL;
	case GO_POINTER:
		type->name = program_format(type->program, "*%s", type->elem->name);
		return NULL;
	case GO_SLICE:
		type->name = program_format(type->program, "[]%s", type->elem->name);
		return NULL;
	case GO_STRUCT:
		return struct_name(type);
	default:
		return NULL;
	}
}

struct error *descriptor_name_from_parts(struct gotype *type)
{
	if (++type->program->depth > GOTYPE_DEPTH_LIMIT) {
		type->program->depth--;
		return not_a_descriptor(type->descriptor, "it nests too deeply");
	}
	type->name = "?"; /* while its parts are looked at */

	struct error *error = gotype_complete(type);

	if (error == NULL)
		error = make_name(type);
	type->program->depth--;
	return error;
}
