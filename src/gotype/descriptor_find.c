/* From a type to its descriptor: by what DWARF says of it, else by its name among the types that a module names. */
#include <string.h>

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

/* What a module lists are types without a name of their own: pointers lead to those that have one. */
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

struct link_search {
	struct program *program;
	const struct wanted *wanted;
	taddr *out;
};

static bool visit_link(void *context, taddr address)
{
	struct link_search *search = context;

	/* a type that is not to be had, larger than any value say, is another one */
	error_free(match_link(search->program, address, search->wanted, search->out));
	return search->out->v == 0;
}

/* `out` stays 0 where there is none. */
static struct error *search_links(struct program *program, const struct wanted *wanted, taddr *out)
{
	struct link_search search = { program, wanted, out };

	return descriptor_each_listed(program, &program->descriptors->modules[0], visit_link, &search);
}

struct error *descriptor_read_all_modules(struct program *program)
{
	const struct layout_struct *layout;

	if (program->binary == NULL || program->memory == NULL)
		return error_new(ERROR_TARGET, "type descriptors need the memory of a process or a core");
	TRY(descriptor_load_struct(program, MODULE, &layout));
	TRY(descriptor_read_modules(program));
	return program->descriptors->module_count != 0 ? NULL : error_new(ERROR_MEMORY, "runtime.firstmoduledata: no module there");
}

static struct error *first_module(struct program *program, const struct module **out)
{
	TRY(descriptor_read_all_modules(program));
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
