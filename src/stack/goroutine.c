/*
 * Names are those of runtime/runtime2.go and runtime/proc.go: type g, type m, type gobuf, type stack, allgs, allm,
 * waitReasonStrings.
 */
#include "stack/goroutine.h"

#include <stdlib.h>
#include <string.h>

#include "layout/struct.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/limits.h"

/*
 * type g has 450 bytes, type m has 500 to 1,700; so many goroutines take 32 GB of stacks. The runtime itself ends a
 * program with 10,000 threads, unless debug.SetMaxThreads() allows more.
 */
enum { STRUCT_LIMIT = 8192 };

/* Structs in one bulk read. */
enum { BATCH = 256 };

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

struct goroutine_layout {
	uint32_t size; /* of g, as far as it is read */
	struct field_at id, status, start, creator, m, syscall_pc, syscall_sp;
	struct field_at reason;                /* an index from 1.12 on */
	uint32_t reason_string;                /* a string before: its offset; 0: none */
	uint32_t stack;                        /* in g */
	struct field_at low, high;             /* in type stack */
	uint32_t saved, saved_length;          /* in g: the gobuf */
	struct field_at pc, sp, bp, lr;        /* in the gobuf */
	uint64_t numbers[ARRAY_SIZE(statuses)];
	uint64_t reasons, reason_count;        /* an array of strings, in memory; 0: none */

	uint64_t all, all_length, all_pointer; /* addresses of allgs, allglen, allgptr; 0: none */
	uint64_t all_threads;                  /* of allm; 0: none */
	uint32_t thread_size;
	struct field_at tid, current, system, signal, next, vdso_pc, vdso_sp; /* in type m */
};

static struct error *unknown_layout(const char *what)
{
	return error_new(ERROR_TARGET, "struct %s: an unknown layout", what);
}

static struct error *load_gobuf(struct binary *binary, const struct layout_field *field, struct goroutine_layout *out)
{
	struct layout_struct gobuf;

	TRY(layout_struct_at(binary, field->type_die, &gobuf));
	out->saved = (uint32_t)field->offset;
	out->saved_length = (uint32_t)gobuf.size;

	struct error *error = NULL;

	if (gobuf.size != field->size)
		error = unknown_layout("runtime.gobuf");
	if (error == NULL)
		error = layout_field_at(&gobuf, "pc", false, &out->pc);
	if (error == NULL)
		error = layout_field_at(&gobuf, "sp", false, &out->sp);
	if (error == NULL)
		error = layout_field_at(&gobuf, "bp", true, &out->bp);
	if (error == NULL)
		error = layout_field_at(&gobuf, "lr", true, &out->lr);
	layout_struct_free(&gobuf);
	return error;
}

static struct error *load_stack(struct binary *binary, const struct layout_field *field, struct goroutine_layout *out)
{
	struct layout_struct stack;

	TRY(layout_struct_at(binary, field->type_die, &stack));
	out->stack = (uint32_t)field->offset;

	struct error *error = stack.size == field->size ? NULL : unknown_layout("runtime.stack");

	if (error == NULL)
		error = layout_field_at(&stack, "lo", false, &out->low);
	if (error == NULL)
		error = layout_field_at(&stack, "hi", false, &out->high);
	layout_struct_free(&stack);
	return error;
}

/* A struct inside g; NULL where it is not inside. */
static const struct layout_field *part_of(const struct layout_struct *g, const char *name)
{
	const struct layout_field *field = layout_field_find(g, name);

	return field != NULL && field->offset <= g->size && field->size <= g->size - field->offset ? field : NULL;
}

static struct error *load_g(struct binary *binary, const struct layout_struct *g, struct goroutine_layout *out)
{
	const struct layout_field *saved = part_of(g, "sched"), *stack = part_of(g, "stack");

	TRY(layout_field_at(g, "goid", false, &out->id));
	TRY(layout_field_at(g, "atomicstatus", false, &out->status));
	TRY(layout_field_at(g, "startpc", false, &out->start));
	TRY(layout_field_at(g, "gopc", true, &out->creator));
	TRY(layout_field_at(g, "m", false, &out->m));
	TRY(layout_field_at(g, "syscallpc", false, &out->syscall_pc));
	TRY(layout_field_at(g, "syscallsp", false, &out->syscall_sp));
	if (saved == NULL || stack == NULL || g->size > STRUCT_LIMIT)
		return unknown_layout("runtime.g");
	out->size = (uint32_t)g->size;
	TRY(load_gobuf(binary, saved, out));
	return load_stack(binary, stack, out);
}

/* From Go 1.12 on waitreason is an index; before, it was a string. */
static void load_reasons(struct program *program, const struct layout_struct *g, struct goroutine_layout *out)
{
	const struct layout_field *field = part_of(g, "waitreason");
	struct debug_variable variable;
	uint64_t size;

	if (field != NULL && field->size == 2u * program->machine.word_size)
		out->reason_string = (uint32_t)field->offset;
	if (field == NULL || field->size != 1 ||
	    !debug_find_variable(program->binary->debug, "runtime.waitReasonStrings", &variable) ||
	    !layout_size(program->binary, variable.type, &size))
		return;
	out->reason = (struct field_at){ (uint32_t)field->offset, 1 };
	out->reasons = variable.address + program->bias;
	out->reason_count = size / (2 * program->machine.word_size);
}

/* Where a variable is in memory; 0: there is none. */
static uint64_t address_of(struct program *program, const char *name)
{
	struct debug_variable variable;

	return debug_find_variable(program->binary->debug, name, &variable) ? variable.address + program->bias : 0;
}

static struct error *load_all(struct program *program, const struct layout_struct *g, struct goroutine_layout *out)
{
	TRY(load_g(program->binary, g, out));
	load_reasons(program, g, out);
	out->all = address_of(program, "runtime.allgs");
	out->all_length = address_of(program, "runtime.allglen");
	out->all_pointer = address_of(program, "runtime.allgptr");
	if (out->all == 0)
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.allgs", program->binary->path);
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (!debug_find_constant(program->binary->debug, statuses[i].constant, &out->numbers[i]))
			out->numbers[i] = statuses[i].number;
	return NULL;
}

static struct error *load_m(struct program *program, struct goroutine_layout *out)
{
	static const char *const names[] = { "runtime.m", NULL };
	const struct {
		const char *name;
		struct field_at *to;
		bool optional;
	} fields[] = {
		{ "procid", &out->tid, false },  { "curg", &out->current, false }, { "g0", &out->system, false },
		{ "gsignal", &out->signal, false }, { "alllink", &out->next, false }, { "vdsoPC", &out->vdso_pc, true }, /* >= 1.12 */
		{ "vdsoSP", &out->vdso_sp, true },
	};
	struct layout_struct m;
	struct error *error = NULL;
	uint32_t size = 0;

	TRY(layout_struct_named(program->binary, names, &m));
	for (size_t i = 0; i < ARRAY_SIZE(fields) && error == NULL; i++) {
		error = layout_field_at(&m, fields[i].name, fields[i].optional, fields[i].to);
		if (error == NULL && fields[i].to->offset + fields[i].to->size > size)
			size = fields[i].to->offset + fields[i].to->size;
	}
	if (error == NULL && size > STRUCT_LIMIT)
		error = unknown_layout("runtime.m");
	out->thread_size = size;
	out->all_threads = address_of(program, "runtime.allm");
	layout_struct_free(&m);
	return error;
}

struct error *goroutine_layout_load(struct program *program, struct goroutine_layout **out)
{
	static const char *const names[] = { "runtime.g", NULL };
	struct goroutine_layout *layout = xcalloc(1, sizeof(*layout));
	struct layout_struct g;
	struct error *error = layout_struct_named(program->binary, names, &g);

	if (error == NULL) {
		error = load_all(program, &g, layout);
		layout_struct_free(&g);
	}
	if (error == NULL)
		error = load_m(program, layout);
	if (error != NULL) {
		free(layout);
		return error;
	}
	*out = layout;
	return NULL;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* There are 20 to 50, in read-only data. */
enum { REASONS_KEPT = 64 };

struct reason {
	uint64_t key; /* its index, or the address of its bytes */
	char text[sizeof(((struct goroutine *)0)->reason)];
};

struct loader {
	struct program *program;
	const struct goroutine_layout *layout;
	struct findings *findings;
	struct reason reasons[REASONS_KEPT];
	size_t reason_count;
};

static uint64_t field_of(const struct program *program, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&program->machine, bytes + at.offset, at.size);
}

/* The reason that is known under a key, or an empty place for it. */
static struct reason *reason_of(struct loader *loader, uint64_t key, bool *known)
{
	struct reason *at = loader->reasons, *end = at + loader->reason_count;

	while (at < end && at->key != key)
		at++;
	*known = at < end;
	if (*known)
		return at;
	if (loader->reason_count == REASONS_KEPT)
		loader->reason_count = 0; /* hostile memory: begin anew */
	at = &loader->reasons[loader->reason_count++];
	*at = (struct reason){ .key = key };
	return at;
}

/* A string of the runtime's, if it fits. */
static void read_string(const struct loader *loader, const uint8_t *string, char *to, size_t capacity)
{
	const struct machine *machine = &loader->program->machine;
	uint64_t length = load_word(machine, string + machine->word_size);

	if (length < capacity)
		to[target_read_some(loader->program->memory, load_address(machine, string), to, length)] = '\0';
}

/* Read once for all goroutines that wait for the same reason. */
static void copy_reason(struct loader *loader, const uint8_t *g, char *to, size_t capacity)
{
	const struct program *program = loader->program;
	const struct goroutine_layout *layout = loader->layout;
	unsigned word = program->machine.word_size;
	uint64_t index = field_of(program, g, layout->reason);
	bool in_g = layout->reason_string != 0, known;
	uint8_t string[16];

	if (!in_g && index >= layout->reason_count)
		return;
	if (in_g)
		memcpy(string, g + layout->reason_string, 2u * word);

	struct reason *reason = reason_of(loader, in_g ? load_word(&program->machine, string) : index, &known);

	if (!known && (in_g || target_read_some(program->memory, taddr_of(layout->reasons + index * 2 * word), string,
						2u * word) == 2u * word))
		read_string(loader, string, reason->text, sizeof(reason->text));
	memcpy(to, reason->text, capacity);
}

/* False where there is no such goroutine any more. */
static bool decode(struct loader *loader, taddr address, const uint8_t *g, struct goroutine *out)
{
	const struct program *program = loader->program;
	const struct goroutine_layout *layout = loader->layout;
	const uint8_t *gobuf = g + layout->saved, *stack = g + layout->stack;
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
		.creator = field_of(program, g, layout->creator),
		.parked = i < ARRAY_SIZE(statuses) && statuses[i].parked,
		.in_syscall = i < ARRAY_SIZE(statuses) && strcmp(statuses[i].name, "syscall") == 0,
		.g = address,
		.m = taddr_of(field_of(program, g, layout->m)),
		.stack_low = field_of(program, stack, layout->low),
		.stack_high = field_of(program, stack, layout->high),
		.saved = taddr_add(address, layout->saved),
		.saved_length = layout->saved_length,
		.pc = field_of(program, gobuf, layout->pc),
		.sp = field_of(program, gobuf, layout->sp),
		.bp = field_of(program, gobuf, layout->bp),
		.lr = field_of(program, gobuf, layout->lr),
		.syscall_pc = field_of(program, g, layout->syscall_pc),
		.syscall_sp = field_of(program, g, layout->syscall_sp),
	};
	if (strcmp(out->status, "waiting") == 0)
		copy_reason(loader, g, out->reason, sizeof(out->reason));
	return true;
}

/* Whether Go has the array's address and length in variables of their own too, which it sets when what it adds is there. */
static bool counts_apart(const struct goroutine_layout *layout)
{
	return layout->all_length != 0 && layout->all_pointer != 0;
}

/*
 * The array of all. A target that runs may be moving it: atomicAllG() of runtime/proc.go loads the length first, then
 * the pointer, which is then that of an array at least as long.
 */
static struct error *find_all(const struct loader *loader, taddr *first, uint64_t *count)
{
	const struct program *program = loader->program;
	const struct goroutine_layout *layout = loader->layout;
	uint8_t slice[16];
	unsigned word = program->machine.word_size;

	if (counts_apart(layout)) {
		TRY(target_read_word(program->memory, taddr_of(layout->all_length), count));
		TRY(target_read_word(program->memory, taddr_of(layout->all_pointer), &first->v));
	} else {
		TRY(target_read(program->memory, taddr_of(layout->all), slice, 2u * word));
		first->v = load_word(&program->machine, slice);
		*count = load_word(&program->machine, slice + word);
	}
	if (*count > limit_of(LIMIT_GOROUTINES))
		return limit_passed(LIMIT_GOROUTINES, "runtime.allgs: it says to have %llu", (unsigned long long)*count);
	return NULL;
}

/* Reads `count` <= BATCH structs; pieces that are not whole are left out. */
static bool load_batch(struct loader *loader, const uint8_t *pointers, size_t count, uint8_t *bytes,
		       bool (*visit)(void *, const struct goroutine *), void *context)
{
	const struct machine *machine = &loader->program->machine;
	uint32_t size = loader->layout->size;
	struct target_piece pieces[BATCH];

	for (size_t i = 0; i < count; i++)
		pieces[i] = (struct target_piece){ load_address(machine, pointers + i * machine->word_size),
						  bytes + i * size, size, 0 };
	target_read_pieces(loader->program->memory, pieces, count);
	for (size_t i = 0; i < count; i++) {
		struct goroutine goroutine;

		if (pieces[i].got != size)
			findings_add(loader->findings, pieces[i].address,
				     "runtime.allgs: this goroutine's struct g cannot be read");
		else if (decode(loader, pieces[i].address, pieces[i].to, &goroutine) && !visit(context, &goroutine))
			return false;
	}
	return true;
}

static struct error *load_each(struct loader *loader, bool (*visit)(void *, const struct goroutine *), void *context)
{
	unsigned word = loader->program->machine.word_size;
	taddr first;
	uint64_t count;
	void *pointers;
	struct error *error;

	TRY(find_all(loader, &first, &count));
	TRY(alloc_checked(count, word, "runtime.allgs", &pointers));
	error = target_read(loader->program->memory, first, pointers, count * word);
	/* append() makes a slice longer before it stores what it adds */
	if (error == NULL && count != 0 && !counts_apart(loader->layout) &&
	    load_word(&loader->program->machine, (const uint8_t *)pointers + (count - 1) * word) == 0)
		count--;

	uint8_t *bytes = xmalloc((size_t)BATCH * loader->layout->size);
	bool more = error == NULL;

	for (uint64_t i = 0; i < count && more && error == NULL; i += BATCH) {
		more = load_batch(loader, (const uint8_t *)pointers + i * word, count - i < BATCH ? count - i : BATCH,
				  bytes, visit, context);
		error = interrupt_check();
	}
	free(bytes);
	free(pointers);
	return error ? error_wrap(error, "runtime.allgs") : NULL;
}

/* --- threads ---------------------------------------------------------------------------------------------------- */

/* The stack of a g0 or gsignal; a thread may have none. */
static void read_stack(const struct loader *loader, uint64_t g, uint64_t *low, uint64_t *high)
{
	const struct goroutine_layout *layout = loader->layout;
	const struct machine *machine = &loader->program->machine;
	uint8_t stack[32];
	size_t size = 2u * machine->word_size;

	if (g == 0 || layout->low.offset + layout->low.size > size || layout->high.offset + layout->high.size > size)
		return;
	if (target_read_some(loader->program->memory, taddr_of(g + layout->stack), stack, size) != size) {
		findings_add(loader->findings, taddr_of(g),
			     "runtime.allm: the struct g of a thread's own stack cannot be read");
		return;
	}
	*low = load_uint(machine, stack + layout->low.offset, layout->low.size);
	*high = load_uint(machine, stack + layout->high.offset, layout->high.size);
}

static void decode_thread(const struct loader *loader, taddr address, const uint8_t *m, struct goroutine_thread *out)
{
	const struct program *program = loader->program;
	const struct goroutine_layout *layout = loader->layout;

	*out = (struct goroutine_thread){
		.m = address,
		.tid = field_of(program, m, layout->tid),
		.current = taddr_of(field_of(program, m, layout->current)),
		.vdso_pc = field_of(program, m, layout->vdso_pc),
		.vdso_sp = field_of(program, m, layout->vdso_sp),
	};
	read_stack(loader, field_of(program, m, layout->system), &out->system_low, &out->system_high);
	read_stack(loader, field_of(program, m, layout->signal), &out->signal_low, &out->signal_high);
}

/* The list runtime.allm. */
static void load_threads(struct loader *loader, struct goroutines *out)
{
	const struct goroutine_layout *layout = loader->layout;
	struct target *memory = loader->program->memory;
	size_t capacity = 0;
	struct table seen = { 0 };
	uint64_t at = 0;

	if (layout->all_threads != 0)
		error_free(target_read_word(memory, taddr_of(layout->all_threads), &at));
	while (at != 0) {
		uint8_t m[STRUCT_LIMIT];

		if (out->thread_count >= limit_of(LIMIT_THREADS) || !table_put(&seen, at, 0)) {
			findings_add(loader->findings, taddr_of(at), "runtime.allm: the list of threads has no end (limit threads)");
			break;
		}
		if (target_read_some(memory, taddr_of(at), m, layout->thread_size) != layout->thread_size) {
			findings_add(loader->findings, taddr_of(at),
				     "runtime.allm: this thread's struct m cannot be read");
			break;
		}
		ARRAY_RESERVE(out->threads, out->thread_count, capacity);
		decode_thread(loader, taddr_of(at), m, &out->threads[out->thread_count++]);
		at = field_of(loader->program, m, layout->next);
	}
	table_free(&seen);
}

/* --- the interface ---------------------------------------------------------------------------------------------- */

struct collection {
	struct goroutines *all;
	size_t capacity;
	struct table seen;
	struct findings *findings;
};

static bool collect(void *context, const struct goroutine *goroutine)
{
	struct collection *collection = context;
	struct goroutines *all = collection->all;

	if (!table_put(&collection->seen, goroutine->g.v, 0)) {
		findings_add(collection->findings, goroutine->g, "runtime.allgs: it has this goroutine twice");
		return !findings_give_up(collection->findings);
	}
	ARRAY_RESERVE(all->items, all->count, collection->capacity);
	all->items[all->count++] = *goroutine;
	return true;
}

struct error *goroutines_load(struct program *program, const struct goroutine_layout *layout, struct findings *findings,
			      struct goroutines *out)
{
	struct loader loader = { .program = program, .layout = layout, .findings = findings };
	struct goroutines all = { 0 };
	struct collection collection = { .all = &all, .findings = findings };
	struct error *error = load_each(&loader, collect, &collection);

	table_free(&collection.seen);
	if (error == NULL)
		load_threads(&loader, &all);
	if (error != NULL) {
		goroutines_free(&all);
		return error;
	}
	*out = all;
	return NULL;
}

void goroutines_free(struct goroutines *goroutines)
{
	free(goroutines->items);
	free(goroutines->threads);
	*goroutines = (struct goroutines){ 0 };
}

const struct goroutine *goroutines_find(const struct goroutines *goroutines, uint64_t id)
{
	for (size_t i = 0; i < goroutines->count; i++)
		if (goroutines->items[i].id == id)
			return &goroutines->items[i];
	return NULL;
}

const struct goroutine_thread *goroutines_thread(const struct goroutines *goroutines, taddr m)
{
	for (size_t i = 0; i < goroutines->thread_count; i++)
		if (goroutines->threads[i].m.v == m.v)
			return &goroutines->threads[i];
	return NULL;
}

struct error *goroutines_each(struct program *program, bool (*visit)(void *context, const struct goroutine *goroutine),
			      void *context)
{
	struct goroutine_layout *layout;
	struct findings findings = { 0 };

	TRY(goroutine_layout_load(program, &layout));

	struct loader loader = { .program = program, .layout = layout, .findings = &findings };
	struct error *error = load_each(&loader, visit, context);

	findings_free(&findings);
	free(layout);
	return error;
}
