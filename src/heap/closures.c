#include "heap/closures.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"
#include "util/table.h"

/* Bytes of code between the descriptor's address and the function's: a call, few moves. */
enum { DISTANCE_LIMIT = 192 };

struct closures {
	struct program *program;
	struct table by_function; /* address of code -> gotype; 0: different code says different things */
	struct table descriptors; /* address -> gotype of a closure's struct; 0: another type */
	uint64_t code, code_size; /* .text in the program; size 0: not found */
};

/* A descriptor that the code loads: of a closure's object? */
static struct gotype *closure_struct(struct closures *closures, uint64_t address)
{
	static const char prefix[] = "struct { F uintptr";
	const uint64_t *known = table_get(&closures->descriptors, address);
	struct gotype *type = NULL;

	if (known != NULL)
		return (struct gotype *)(uintptr_t)*known;

	/* of most types the code names nothing is to be kept */
	struct error *error = gotype_kind_at(closures->program, taddr_of(address)) == GO_STRUCT
				      ? gotype_of_descriptor(closures->program, taddr_of(address), &type)
				      : error_new(ERROR_TARGET, "another kind");
	bool good = error == NULL && type->kind == GO_STRUCT && strncmp(type->name, prefix, sizeof(prefix) - 1) == 0;

	error_free(error);
	table_put(&closures->descriptors, address, good ? (uintptr_t)type : 0);
	return good ? type : NULL;
}

static void pair(struct closures *closures, uint64_t function, struct gotype *type)
{
	uint64_t *known = table_get(&closures->by_function, function);

	if (known == NULL)
		table_put(&closures->by_function, function, (uintptr_t)type);
	else if (*known != (uintptr_t)type)
		*known = 0;
}

/*
 * LEA reg, [RIP + displacement] of amd64: REX.W 8D /r with mod 00 and r/m 101. On 386 that is LEA reg, [address], without the prefix.
 * Its length; 0: another instruction.
 */
static size_t lea_length(bool wide, const uint8_t *code)
{
	size_t prefix = wide ? 1 : 0;

	if (wide && (code[0] & 0xfb) != 0x48)
		return 0;
	return code[prefix] == 0x8d && (code[prefix + 1] & 0xc7) == 0x05 ? prefix + 6 : 0;
}

/* What it loads. */
static uint64_t lea_target(const struct closures *closures, bool wide, const uint8_t *code, size_t length, uint64_t next)
{
	const struct machine *machine = &closures->program->machine;

	return wide ? next + (uint64_t)load_int(machine, code + length - 4, 4)
		    : load_uint(machine, code + length - 4, 4) + closures->program->bias;
}

static void scan_code(struct closures *closures, const uint8_t *code, size_t size, uint64_t address)
{
	enum { LEA_MAX = 7 };
	bool wide = closures->program->machine.elf_machine == EM_X86_64;
	struct gotype *type = NULL;
	size_t type_at = 0;

	for (size_t i = 0; i + LEA_MAX <= size; i++) {
		size_t length = lea_length(wide, code + i);

		if (length == 0)
			continue;

		uint64_t target = lea_target(closures, wide, code + i, length, address + i + length);

		if (gotype_may_be_descriptor(closures->program, taddr_of(target))) {
			type = closure_struct(closures, target);
			type_at = i;
		} else if (type != NULL && i - type_at < DISTANCE_LIMIT && target - address < size) {
			pair(closures, target, type);
			type = NULL;
		}
	}
}

struct closures *closures_create(struct program *program)
{
	struct closures *closures = xcalloc(1, sizeof(*closures));
	const uint8_t *code;
	uint64_t address;
	size_t size;

	closures->program = program;
	if (!binary_section(program->binary, ".text", &code, &size, &address))
		return closures;
	closures->code = address + program->bias;
	closures->code_size = size;
	if (program->machine.elf_machine == EM_X86_64 || program->machine.elf_machine == EM_386)
		scan_code(closures, code, size, closures->code);
	return closures;
}

void closures_destroy(struct closures *closures)
{
	if (closures == NULL)
		return;
	table_free(&closures->by_function);
	table_free(&closures->descriptors);
	free(closures);
}

struct gotype *closures_type(const struct closures *closures, uint64_t function)
{
	const uint64_t *known = table_get(&closures->by_function, function);

	return known ? (struct gotype *)(uintptr_t)*known : NULL;
}

bool closures_is_code(const struct closures *closures, uint64_t address)
{
	return closures->code_size == 0 || address - closures->code < closures->code_size;
}
