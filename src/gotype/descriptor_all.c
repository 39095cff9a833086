/* All types of a program by its descriptors: those that modules list, and what these are made of. */
#include <stdlib.h>

#include "gotype/descriptor.h"
#include "util/alloc.h"
#include "util/interrupt.h"

/* The largest programs known have some 200,000. */
enum { TYPES_LIMIT = 1 << 22, PARAMETERS_LIMIT = 1 << 10 };

struct gathering {
	struct program *program;
	struct table seen;
	struct gotype **types;
	size_t count, capacity;
};

static void add(struct gathering *gathering, struct gotype *type)
{
	if (type == NULL || type->descriptor.v == 0 || gathering->count == TYPES_LIMIT || !table_put(&gathering->seen, type->descriptor.v, 0))
		return;
	ARRAY_RESERVE(gathering->types, gathering->count, gathering->capacity);
	gathering->types[gathering->count++] = type;
}

static bool add_listed(void *context, taddr address)
{
	struct gathering *gathering = context;
	struct gotype *type;
	struct error *error = gotype_of_descriptor(gathering->program, address, &type);

	if (error == NULL)
		add(gathering, type);
	error_free(error);
	return gathering->count < TYPES_LIMIT;
}

/* Parameters and results, which a gotype does not have: pointers behind the struct, and behind the uncommon part of a type with a name. */
static struct error *add_parameters(struct gathering *gathering, const struct gotype *function)
{
	struct program *program = gathering->program;
	unsigned word = program->machine.word_size;
	struct descriptor descriptor;
	uint64_t in, out, flags;

	TRY(descriptor_read(program, COMMON, function->descriptor, &descriptor));
	TRY(descriptor_word(&descriptor, "TFlag", "tflag", 0, &flags));
	TRY(descriptor_read(program, FUNC, function->descriptor, &descriptor));
	TRY(descriptor_word(&descriptor, "InCount", "inCount", 0, &in));
	TRY(descriptor_word(&descriptor, "OutCount", "outCount", 0, &out));

	taddr at = taddr_add(function->descriptor, descriptor.layout->size + (flags & TFLAG_UNCOMMON ? DESCRIPTOR_UNCOMMON_SIZE : 0));
	uint64_t count = in + (out & ~(uint64_t)DESCRIPTOR_VARIADIC);

	for (uint64_t i = 0; i < count && i < PARAMETERS_LIMIT; i++) {
		uint64_t address;

		TRY(target_read_word(program->memory, taddr_add(at, i * word), &address));
		add_listed(gathering, taddr_of(address));
	}
	return NULL;
}

static void add_parts(struct gathering *gathering, struct gotype *type)
{
	struct error *error = gotype_complete(type);

	if (error == NULL && type->kind == GO_FUNC)
		error = add_parameters(gathering, type);
	if (error == NULL) {
		add(gathering, type->key);
		add(gathering, type->elem);
		for (size_t i = 0; i < type->field_count; i++)
			add(gathering, type->fields[i].type);
	}
	error_free(error); /* one that is unsound says nothing of the others */
}

struct error *gotype_each_described(struct program *program, void (*visit)(void *context, struct gotype *type), void *context)
{
	struct gathering gathering = { .program = program };
	struct error *error = descriptor_read_all_modules(program);

	for (size_t i = 0; error == NULL && i < program->descriptors->module_count; i++)
		error = descriptor_each_listed(program, &program->descriptors->modules[i], add_listed, &gathering);
	for (size_t i = 0; error == NULL && i < gathering.count; i++) {
		add_parts(&gathering, gathering.types[i]);
		visit(context, gathering.types[i]);
		error = interrupt_check();
	}
	table_free(&gathering.seen);
	free(gathering.types);
	return error;
}
