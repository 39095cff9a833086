/* From a type to its descriptor: by what DWARF says of it, else by its name among the types that a module names. */
#include <string.h>

#include "binary/debug.h"
#include "gotype/descriptor.h"
#include "gotype/private.h"

/* What is known of a type whose descriptor is looked for. */
struct wanted {
	const char *name;
	enum go_kind kind; /* GO_INVALID: any, of any size */
	uint64_t size;
};

static bool is_path_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("._-~%/", c) != NULL);
}

/* Reflect's names are DWARF's with the last element of each package's path: json.Decoder is encoding/json.Decoder, also inside. */
static bool same_name(const char *reflects, const char *dwarfs)
{
	while (*dwarfs != '\0') {
		const char *last = dwarfs;

		for (const char *at = dwarfs; is_path_character(*at); at++)
			if (*at == '/')
				last = at + 1;
		for (dwarfs = last; is_path_character(*dwarfs); dwarfs++)
			if (*reflects++ != *dwarfs)
				return false;
		if (*dwarfs != '\0' && *reflects++ != *dwarfs++)
			return false;
	}
	return *reflects == '\0';
}

static bool is_wanted(const struct gotype *found, const struct wanted *wanted)
{
	return (wanted->kind == GO_INVALID || (found->kind == wanted->kind && found->size == wanted->size)) &&
	       same_name(found->name, wanted->name);
}

/* What moduledata.typelinks names are types without a name of their own: pointers lead to those that have one. */
static struct error *match_link(struct program *program, taddr address, const struct wanted *wanted, taddr *out)
{
	struct gotype *found;

	TRY(gotype_of_descriptor(program, address, &found));
	if (is_wanted(found, wanted))
		*out = address;
	if (found->kind != GO_POINTER)
		return NULL;
	TRY(gotype_complete(found));
	if (is_wanted(found->elem, wanted))
		*out = found->elem->descriptor;
	return NULL;
}

/* runtime/type.go and symtab.go, Go 1.8 ... 1.26: typelinks []int32 are offsets from types. `out` stays 0 where there is none. */
static struct error *search_links(struct program *program, const struct wanted *wanted, taddr *out)
{
	const struct module *module = &program->descriptors->modules[0];
	const struct layout_field *field = layout_field_find(&program->descriptors->structs[MODULE], "typelinks");
	struct debug_variable first;
	uint64_t links, count;

	if (field == NULL || !debug_find_variable(program->binary->debug, "runtime.firstmoduledata", &first))
		return NULL;

	taddr slice = taddr_of(first.address + program->bias + field->offset);

	TRY(target_read_word(program->memory, slice, &links));
	TRY(target_read_word(program->memory, taddr_add(slice, program->machine.word_size), &count));
	for (uint64_t i = 0; i < count && i < (module->etypes - module->types) / 4 && out->v == 0; i++) {
		uint8_t offset[4];

		TRY(target_read(program->memory, taddr_of(links + 4 * i), offset, sizeof(offset)));
		/* a type that is not to be had, larger than any value say, is another one */
		error_free(match_link(program, taddr_of(module->types + load_u32(&program->machine, offset)), wanted, out));
	}
	return NULL;
}

static struct error *first_module(struct program *program, const struct module **out)
{
	const struct layout_struct *layout;

	if (program->binary == NULL || program->memory == NULL)
		return error_new(ERROR_TARGET, "type descriptors need the memory of a process or a core");
	TRY(descriptor_load_struct(program, MODULE, &layout));
	TRY(descriptor_read_modules(program));
	if (program->descriptors->module_count == 0)
		return error_new(ERROR_MEMORY, "runtime.firstmoduledata: no module there");
	*out = &program->descriptors->modules[0];
	return NULL;
}

bool gotype_may_be_descriptor(struct program *program, taddr address)
{
	const struct module *module;
	struct error *error = first_module(program, &module);
	bool found = false;

	for (size_t i = 0; error == NULL && i < program->descriptors->module_count && !found; i++)
		found = address.v - program->descriptors->modules[i].types <
			program->descriptors->modules[i].etypes - program->descriptors->modules[i].types;
	error_free(error);
	return found;
}

struct error *gotype_descriptor(struct gotype *type, taddr *out)
{
	struct program *program = type->program;
	const struct wanted wanted = { type->name, type->kind, type->size };
	const struct module *module = NULL;

	if (type->descriptor.v == 0) {
		TRY(first_module(program, &module));
		/* cmd/link/internal/ld/dwarf.go, Go 1.11 ... 1.22: of uintptr it is an address, which no offset reaches */
		if (type->runtime_offset >= module->etypes - module->types)
			type->descriptor = taddr_of(type->runtime_offset + program->bias);
		else if (type->runtime_offset != 0)
			type->descriptor = taddr_of(module->types + type->runtime_offset);
		else
			TRY(search_links(program, &wanted, &type->descriptor));
	}
	if (type->descriptor.v == 0)
		return error_new(ERROR_TARGET, "%s: the program has no descriptor of this type: no interface in it holds one",
				 type->name);
	*out = type->descriptor;
	return NULL;
}

struct error *gotype_find_described(struct program *program, const char *name, struct gotype **out)
{
	const struct wanted wanted = { .name = name };
	const struct module *module;
	taddr found = { 0 };

	TRY(first_module(program, &module));
	TRY(search_links(program, &wanted, &found));
	if (found.v == 0)
		return error_new(ERROR_TARGET, "%s: no such type in %s", name, program->binary->path);
	return gotype_of_descriptor(program, found, out);
}
