#include "gotype/program.h"

#include <stdlib.h>
#include <string.h>

#include "binary/debug.h"
#include "gotype/private.h"
#include "util/alloc.h"

struct program_memory {
	struct program_memory *next;
	size_t size;
	max_align_t bytes[];
};

void *program_allocate(struct program *program, size_t size)
{
	struct program_memory *block = xcalloc(1, sizeof(*block) + size);

	block->next = program->allocations;
	block->size = size;
	program->allocated += size;
	program->allocations = block;
	return block->bytes;
}

const void *program_mark(const struct program *program)
{
	return program->allocations;
}

void program_release(struct program *program, const void *mark)
{
	while (program->allocations != mark) {
		struct program_memory *block = program->allocations;

		program->allocations = block->next;
		program->allocated -= block->size;
		free(block);
	}
}

char *program_format(struct program *program, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = xvasprintf(format, arguments);
	va_end(arguments);

	size_t size = strlen(text) + 1;
	char *kept = memcpy(program_allocate(program, size), text, size);

	free(text);
	return kept;
}

/* By where the target says that its program headers (AT_PHDR) or its entry point (AT_ENTRY) are, against where the file says. */
uint64_t program_bias(const struct binary *binary, const struct target *target)
{
	if (!binary->position_independent)
		return 0;
	if (target->executable.phdr_address != 0 && binary->phdr_address != 0)
		return target->executable.phdr_address - binary->phdr_address;
	return target->executable.entry != 0 ? target->executable.entry - binary->entry : 0;
}

/* Position-independent binaries before Go 1.18 have their version behind a pointer that only memory has filled in. */
static void learn_version(struct program *program)
{
	struct debug_variable variable;
	uint64_t data, length;
	char text[128];
	unsigned word = program->machine.word_size;

	if (!debug_find_variable(program->binary->debug, "runtime.buildVersion", &variable))
		return;

	taddr at = taddr_of(variable.address + program->bias);
	struct error *error = target_read_word(program->memory, at, &data);

	if (error == NULL)
		error = target_read_word(program->memory, taddr_add(at, word), &length);
	if (error == NULL && length < sizeof(text)) {
		error = target_read(program->memory, taddr_of(data), text, length);
		if (error == NULL)
			binary_set_go_version(program->binary, text, length);
	}
	error_free(error);
}

static struct error *find_version(struct program *program)
{
	const struct binary *binary = program->binary;
	bool newer;

	if (binary->go_minor == 0 && program->memory != NULL)
		learn_version(program);
	if (binary->go_minor == 0)
		return error_hint(error_new(ERROR_TARGET, "%s: its Go version is not known%s%s", binary->path,
					    binary->go_version ? ": " : "", binary->go_version ? binary->go_version : ""),
				  "name the nearest one with --go-version 1.N");
	/* a newer version than the newest row is decoded by its DWARF; the command says so */
	return go_version_find(binary->go_minor, &program->version, &newer);
}

struct error *program_create(struct binary *binary, struct target *target, struct program **out)
{
	struct program *program = xcalloc(1, sizeof(*program));

	program->binary = binary;
	program->memory = target;
	program->machine = binary->machine;
	program->bias = target ? program_bias(binary, target) : 0;

	struct error *error = find_version(program);

	if (error != NULL) {
		program_destroy(program);
		return error;
	}
	*out = program;
	return NULL;
}

void program_destroy(struct program *program)
{
	if (program == NULL)
		return;
	while (program->allocations != NULL) {
		struct program_memory *next = program->allocations->next;

		free(program->allocations);
		program->allocations = next;
	}
	descriptor_layout_destroy(program->descriptors);
	table_free(&program->types_by_die);
	table_free(&program->types_by_descriptor);
	table_free(&program->types_by_spelling);
	table_free(&program->descriptors_by_itab);
	free(program);
}

bool gotype_size_fits(enum go_kind kind, uint64_t size, unsigned word_size)
{
	static const uint8_t bytes[GO_UNSAFE_POINTER + 1] = {
		[GO_BOOL] = 1,	  [GO_INT8] = 1,    [GO_INT16] = 2,	[GO_INT32] = 4,	   [GO_INT64] = 8,     [GO_UINT8] = 1,
		[GO_UINT16] = 2,  [GO_UINT32] = 4,  [GO_UINT64] = 8,	[GO_FLOAT32] = 4,  [GO_FLOAT64] = 8,
		[GO_COMPLEX64] = 8, [GO_COMPLEX128] = 16,
	};
	static const uint8_t words[GO_UNSAFE_POINTER + 1] = {
		[GO_INT] = 1,	  [GO_UINT] = 1,   [GO_UINTPTR] = 1,   [GO_CHAN] = 1,  [GO_FUNC] = 1,	      [GO_INTERFACE] = 2,
		[GO_MAP] = 1,	  [GO_POINTER] = 1, [GO_SLICE] = 3,    [GO_STRING] = 2, [GO_UNSAFE_POINTER] = 1,
	};

	if (kind == GO_INVALID || kind > GO_UNSAFE_POINTER)
		return false;
	if (kind == GO_ARRAY || kind == GO_STRUCT)
		return size <= GOTYPE_SIZE_LIMIT;
	return size == (words[kind] ? words[kind] * word_size : bytes[kind]);
}

struct error *gotype_complete(struct gotype *type)
{
	if (type->completed)
		return NULL;

	struct error *error = type->die != 0 ? gotype_complete_from_dwarf(type) : gotype_complete_from_descriptor(type);

	if (error != NULL)
		return error_wrap(error, "type %s", type->name);
	type->completed = true;
	return NULL;
}

int gotype_field_find(const struct gotype *type, const char *name)
{
	for (size_t i = 0; i < type->field_count; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return (int)i;
	return -1;
}
