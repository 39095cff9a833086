#include "heap/search.h"

#include <stdlib.h>

#include "binary/debug.h"
#include "heap/search_private.h"
#include "layout/runtime.h"
#include "util/alloc.h"

/* No program has more variables: the largest known has some 30 MB. */
enum { RANGE_LIMIT = 512 << 20 };

void search_tell(const struct search *search, const char *name, taddr at)
{
	debug_set_variable(search->program->binary->debug, name, at.v - search->program->bias);
}

void search_each(const struct search *search, const struct search_visit *visit)
{
	unsigned word = search->program->machine.word_size;

	for (int i = 0; i < MODULE_RANGES; i++) {
		const struct search_range *range = &search->ranges[i];

		if (visit->drawn && i != VARIABLES_BSS && i != VARIABLES_NOPTRBSS)
			continue;
		for (size_t at = (size_t)(-range->start.v & (word - 1)); at + visit->length <= range->size; at += word)
			if (!visit->visit(visit->context, taddr_add(range->start, at), range->bytes + at))
				return;
	}
}

bool search_is_slice(const struct search *search, const uint8_t *bytes, uint64_t most, struct search_slice *out)
{
	const struct machine *machine = &search->program->machine;
	unsigned word = machine->word_size;
	uint64_t capacity = load_word(machine, bytes + 2 * word);

	*out = (struct search_slice){ load_word(machine, bytes), load_word(machine, bytes + word) };
	return out->length != 0 && out->length <= capacity && capacity <= most && out->first >= 4096 && out->first % word == 0;
}

uint64_t search_pointer(const struct search *search, const struct search_slice *slice, uint64_t index)
{
	struct program *program = search->program;
	uint64_t value = 0;

	error_free(target_read_word(program->memory, taddr_of(slice->first + index * program->machine.word_size), &value));
	return value;
}

/* What cannot be read to its end is looked at as far as it goes. */
static void load_ranges(struct search *search)
{
	for (int i = 0; i < MODULE_RANGES; i++) {
		const uint64_t *variables = search->module->variables[i];
		struct search_range *range = &search->ranges[i];
		uint64_t size = variables[1] - variables[0];

		range->start = taddr_of(variables[0]);
		range->bytes = xmalloc(size < RANGE_LIMIT ? (size_t)size : RANGE_LIMIT);
		range->size = target_read_some(search->program->memory, range->start, range->bytes, size < RANGE_LIMIT ? (size_t)size : RANGE_LIMIT);
	}
}

/* A program with symbols (-ldflags=-w) names the runtime's variables: those too that are searched for, and proved, all the same. */
static void tell_symbols(const struct binary *binary)
{
	uint64_t address, size;

	for (const char *const *name = layout_own_variables; *name != NULL; name++)
		if (binary_symbol(binary, *name, &address, &size))
			debug_set_variable(binary->debug, *name, address);
}

struct error *search_variables(struct program *program, const struct module_place *module, struct search_proof *proof)
{
	struct search search = { .program = program, .module = module, .proof = proof };

	*proof = (struct search_proof){ 0 };
	tell_symbols(program->binary);
	search_tell(&search, "runtime.firstmoduledata", taddr_of(module->address + program->bias));
	load_ranges(&search);

	struct error *error = search_mheap(&search);

	if (error == NULL)
		error = search_goroutines(&search);
	if (error == NULL)
		error = search_hashes(&search);
	for (int i = 0; i < MODULE_RANGES; i++)
		free(search.ranges[i].bytes);
	return error;
}
