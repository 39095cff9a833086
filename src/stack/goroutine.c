/* Names are those of runtime/runtime2.go and runtime/proc.go: type g, type gobuf, allgs, waitReasonStrings. */
#include "stack/goroutine.h"

#include <stdlib.h>
#include <string.h>

#include "layout/struct.h"
#include "util/alloc.h"

/* type g has 450 bytes; so many goroutines take 32 GB of stacks. */
enum { STRUCT_LIMIT = 4096, GOROUTINES_LIMIT = 1 << 24 };

/* Set in a status while the garbage collector scans the stack. */
enum { SCAN = 0x1000 };

struct status {
	const char *constant; /* in the DWARF, from Go 1.10 on; before, and where it is not used, its number was the default */
	uint64_t number;
	const char *name; /* NULL: it has ended, or never began */
	bool parked;
};

static const struct status statuses[] = {
	{ "runtime._Gidle", 0, NULL, false },
	{ "runtime._Grunnable", 1, "runnable", true },
	{ "runtime._Grunning", 2, "running", false },
	{ "runtime._Gsyscall", 3, "syscall", false },
	{ "runtime._Gwaiting", 4, "waiting", true },
	{ "runtime._Gdead", 6, NULL, false },
	{ "runtime._Gdeadextra", UINT64_MAX, NULL, false }, /* >= 1.26 */
	{ "runtime._Gcopystack", 8, "copystack", false },
	{ "runtime._Gpreempted", 9, "preempted", true },      /* >= 1.14 */
	{ "runtime._Gleaked", UINT64_MAX, "leaked", true },   /* >= 1.26 */
};

struct layout {
	uint32_t size;
	struct field_at id, status, reason, start;
	uint32_t saved, saved_length;
	struct field_at pc, sp, bp; /* in the gobuf */
	uint64_t numbers[ARRAY_SIZE(statuses)];
	uint64_t reasons, reason_count; /* an array of strings, in memory; 0: none */
};

static struct error *load_gobuf(struct binary *binary, const struct layout_field *field, struct layout *out)
{
	struct layout_struct gobuf;

	TRY(layout_struct_at(binary, field->type_die, &gobuf));
	out->saved = (uint32_t)field->offset;
	out->saved_length = (uint32_t)gobuf.size;

	struct error *error = NULL;

	if (gobuf.size != field->size)
		error = error_new(ERROR_TARGET, "struct runtime.gobuf: an unknown layout");
	if (error == NULL)
		error = layout_field_at(&gobuf, "pc", false, &out->pc);
	if (error == NULL)
		error = layout_field_at(&gobuf, "sp", false, &out->sp);
	if (error == NULL)
		error = layout_field_at(&gobuf, "bp", true, &out->bp);
	layout_struct_free(&gobuf);
	return error;
}

static struct error *load_g(struct binary *binary, const struct layout_struct *g, struct layout *out)
{
	const struct layout_field *saved = layout_field_find(g, "sched");

	TRY(layout_field_at(g, "goid", false, &out->id));
	TRY(layout_field_at(g, "atomicstatus", false, &out->status));
	TRY(layout_field_at(g, "startpc", false, &out->start));
	if (saved == NULL || g->size > STRUCT_LIMIT || saved->offset > g->size || saved->size > g->size - saved->offset)
		return error_new(ERROR_TARGET, "struct runtime.g: an unknown layout");
	out->size = (uint32_t)g->size;
	return load_gobuf(binary, saved, out);
}

/* From Go 1.12 on waitreason is an index; before, it was a string. */
static void load_reasons(struct program *program, const struct layout_struct *g, struct layout *out)
{
	const struct layout_field *field = layout_field_find(g, "waitreason");
	struct debug_variable variable;
	uint64_t size;

	if (field == NULL || field->size != 1 ||
	    !debug_find_variable(program->binary->debug, "runtime.waitReasonStrings", &variable) ||
	    !layout_size(program->binary, variable.type, &size))
		return;
	out->reason = (struct field_at){ (uint32_t)field->offset, 1 };
	out->reasons = variable.address + program->bias;
	out->reason_count = size / (2 * program->machine.word_size);
}

static struct error *load_layout(struct program *program, struct layout *out)
{
	static const char *const names[] = { "runtime.g", NULL };
	struct layout_struct g;

	*out = (struct layout){ 0 };
	TRY(layout_struct_named(program->binary, names, &g));

	struct error *error = load_g(program->binary, &g, out);

	if (error == NULL)
		load_reasons(program, &g, out);
	layout_struct_free(&g);
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (!debug_find_constant(program->binary->debug, statuses[i].constant, &out->numbers[i]))
			out->numbers[i] = statuses[i].number;
	return error;
}

static uint64_t field_of(const struct program *program, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&program->machine, bytes + at.offset, at.size);
}

/* A string of the runtime's, as far as it fits. */
static void read_reason(const struct program *program, const struct layout *layout, uint64_t index, char *to, size_t capacity)
{
	unsigned word = program->machine.word_size;
	taddr at = taddr_of(layout->reasons + index * 2 * word);
	uint64_t data, length;
	struct error *error = target_read_word(program->memory, at, &data);

	if (error == NULL)
		error = target_read_word(program->memory, taddr_add(at, word), &length);
	if (error == NULL && length < capacity)
		to[target_read_some(program->memory, taddr_of(data), to, length)] = '\0';
	error_free(error);
}

/* False where there is no such goroutine any more. */
static bool decode(const struct program *program, const struct layout *layout, taddr address, const uint8_t *g,
		   struct goroutine *out)
{
	const uint8_t *gobuf = g + layout->saved;
	uint64_t number = field_of(program, g, layout->status) & ~(uint64_t)SCAN;
	size_t i = 0;

	while (i < ARRAY_SIZE(statuses) && layout->numbers[i] != number)
		i++;
	if (i < ARRAY_SIZE(statuses) && statuses[i].name == NULL)
		return false;
	*out = (struct goroutine){
		.id = field_of(program, g, layout->id),
		.status = i < ARRAY_SIZE(statuses) ? statuses[i].name : "unknown",
		.start = field_of(program, g, layout->start),
		.parked = i < ARRAY_SIZE(statuses) && statuses[i].parked,
		.saved = taddr_add(address, layout->saved),
		.saved_length = layout->saved_length,
		.pc = field_of(program, gobuf, layout->pc),
		.sp = field_of(program, gobuf, layout->sp),
		.bp = field_of(program, gobuf, layout->bp),
	};

	uint64_t reason = field_of(program, g, layout->reason);

	if (strcmp(out->status, "waiting") == 0 && reason < layout->reason_count)
		read_reason(program, layout, reason, out->reason, sizeof(out->reason));
	return true;
}

/* The slice runtime.allgs. */
static struct error *find_all(const struct program *program, taddr *first, uint64_t *count)
{
	struct debug_variable variable;

	if (!debug_find_variable(program->binary->debug, "runtime.allgs", &variable))
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.allgs", program->binary->path);

	taddr at = taddr_of(variable.address + program->bias);

	TRY(target_read_word(program->memory, at, &first->v));
	TRY(target_read_word(program->memory, taddr_add(at, program->machine.word_size), count));
	if (*count > GOROUTINES_LIMIT)
		return error_new(ERROR_MEMORY, "runtime.allgs: it says to have %llu goroutines", (unsigned long long)*count);
	return NULL;
}

struct error *goroutines_each(struct program *program, bool (*visit)(void *context, const struct goroutine *goroutine),
			      void *context)
{
	struct layout layout;
	taddr first;
	uint64_t count;

	TRY(load_layout(program, &layout));
	TRY(find_all(program, &first, &count));
	for (uint64_t i = 0; i < count; i++) {
		uint8_t bytes[STRUCT_LIMIT];
		struct goroutine goroutine;
		uint64_t g;

		TRY(target_read_word(program->memory, taddr_add(first, i * program->machine.word_size), &g));
		TRY(target_read(program->memory, taddr_of(g), bytes, layout.size));
		if (decode(program, &layout, taddr_of(g), bytes, &goroutine) && !visit(context, &goroutine))
			return NULL;
	}
	return NULL;
}
