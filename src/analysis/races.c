#include "analysis/races_private.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/list.h"
#include "util/alloc.h"

/* Variables that are named as holders of a map. */
enum { HOLDERS_MOST = 16 };
/* The frames of throw() and fatal() have 48 to 80 bytes. */
enum { MESSAGE_FRAME = 512 };

struct hunt {
	struct program *program;
	struct races *races;
	size_t capacity;
	struct table functions;  /* name -> its row, or 0 */
	struct error *error;

	/* Of the goroutine that is looked at. */
	const struct goroutine *goroutine;
	struct race_group *group;
	bool fatal;              /* since the last group: frames of a fatal error */
	char *message;
	struct race_operation *open; /* its frames are being noted; NULL: none */
};

/* --- frames ----------------------------------------------------------------------------------------------------- */

static const struct race_function *function_of(struct hunt *hunt, const char *name)
{
	const uint64_t *known = table_get(&hunt->functions, (uintptr_t)name);
	const struct race_function *function;

	if (known != NULL)
		return (const struct race_function *)(uintptr_t)*known;
	function = race_function_find(name);
	table_put(&hunt->functions, (uintptr_t)name, (uintptr_t)function);
	return function;
}

static bool is_fatal(const char *name)
{
	return strcmp(name, "runtime.throw") == 0 || strcmp(name, "runtime.fatal") == 0;
}

/* Whether a string is there whose words are those of a race. */
static bool take_message(struct hunt *hunt, const uint8_t *string)
{
	static const char start[] = "concurrent map ";
	const struct program *program = hunt->program;
	uint64_t length = load_word(&program->machine, string + program->machine.word_size);
	char text[64];

	if (length < sizeof(start) - 1 || length >= sizeof(text) ||
	    target_read_some(program->memory, load_address(&program->machine, string), text, length) != length ||
	    memcmp(text, start, sizeof(start) - 1) != 0)
		return false;
	hunt->message = xstrndup(text, length);
	return true;
}

/*
 * The words of a fatal error: a parameter of throw() or fatal(), and in a closure of it, in its frame. There is no
 * other such string in a frame of these.
 */
static void read_message(struct hunt *hunt, const struct stack_frame *frame)
{
	const struct program *program = hunt->program;
	unsigned word = program->machine.word_size;
	uint64_t sp = frame->registers.values[register_roles_find(&program->machine)->sp];
	uint8_t bytes[MESSAGE_FRAME];
	uint64_t slots = race_slots(program, frame);
	size_t length = slots > sp && slots - sp < sizeof(bytes) - 2u * word ? slots - sp + 2u * word : 0;

	length = target_read_some(program->memory, taddr_of(sp), bytes, length);
	for (size_t at = 0; at + 2u * word <= length && hunt->message == NULL; at += word)
		if (take_message(hunt, bytes + at))
			return;
}

/* --- operations ------------------------------------------------------------------------------------------------- */

static struct race_operation *add_operation(struct hunt *hunt)
{
	struct races *races = hunt->races;

	ARRAY_RESERVE(races->operations, races->count, hunt->capacity);
	races->operations[races->count] =
		(struct race_operation){ .goroutine = hunt->goroutine->id, .status = hunt->goroutine->status };
	return &races->operations[races->count++];
}

/* The outermost function that says what is done. */
static const struct race_inside *main_of(const struct race_group *group)
{
	for (size_t i = group->count; i-- > 0;)
		if (group->inside[i].function->kind != RACE_INNER)
			return &group->inside[i];
	return NULL;
}

/* The group is complete: `caller` is the frame behind it, or NULL. */
static void close_group(struct hunt *hunt, const struct stack_frame *caller)
{
	struct race_group *group = hunt->group;
	const struct race_inside *which = main_of(group);
	struct race_operation *operation;

	group->has_caller = caller != NULL;
	if (caller != NULL)
		group->caller = *caller;
	hunt->open = NULL;
	if (which != NULL) {
		operation = add_operation(hunt);
		operation->kind = which->function->kind;
		operation->sync = which->function->shape == RACE_SYNC;
		operation->function = which->frame.function;
		operation->frame = which->frame.number;
		operation->fatal = hunt->fatal;
		operation->message = hunt->message;
		hunt->message = NULL;
		hunt->error = race_find_evidence(hunt->program, group, operation);
		hunt->open = operation;
	}
	hunt->fatal = false;
	group->count = 0;
}

static void note_frame(struct race_operation *operation, const struct stack_frame *frame)
{
	if (operation->frame_count < RACE_FRAMES)
		operation->frames[operation->frame_count++] =
			(struct race_frame){ frame->number, frame->function, frame->file, frame->line, frame->inlined };
}

/* Reflect and the runtime's map are one operation; a sync.Map and the plain map inside it are two. */
static bool belongs(const struct race_group *group, const struct race_function *function)
{
	return group->count == 0 || (group->inside[0].function->shape == RACE_SYNC) == (function->shape == RACE_SYNC);
}

static void add_inside(struct race_group *group, const struct race_function *function, const struct stack_frame *frame)
{
	/* deeper ones than there is room for: the outermost say more */
	if (group->count == RACE_INSIDE)
		memmove(group->inside, group->inside + 1, --group->count * sizeof(*group->inside));
	group->inside[group->count++] = (struct race_inside){ function, *frame };
}

static bool look_at_frame(void *context, const struct stack_frame *frame)
{
	struct hunt *hunt = context;
	const struct race_function *function = function_of(hunt, frame->function);

	if (is_fatal(frame->function)) {
		hunt->fatal = true;
		if (hunt->message == NULL)
			read_message(hunt, frame);
	}
	if (hunt->group->count != 0 && (function == NULL || !belongs(hunt->group, function)))
		close_group(hunt, frame);
	if (hunt->open != NULL)
		note_frame(hunt->open, frame);
	if (function != NULL)
		add_inside(hunt->group, function, frame);
	return hunt->error == NULL;
}

static bool look_at_goroutine(void *context, const struct goroutine *goroutine)
{
	struct hunt *hunt = context;
	const char *why;
	struct error *error;

	hunt->goroutine = goroutine;
	hunt->group->count = 0;
	hunt->fatal = false;
	hunt->open = NULL;
	hunt->races->goroutines++;
	error = stack_each_frame(hunt->program->stack, goroutine, look_at_frame, hunt, &why);
	if (why != NULL && hunt->races->cut++ == 0)
		hunt->races->cut_why = xasprintf("goroutine %llu: %s", (unsigned long long)goroutine->id, why);
	if (hunt->error == NULL && error == NULL && hunt->group->count != 0)
		close_group(hunt, NULL);
	free(hunt->message);
	hunt->message = NULL;
	if (hunt->error == NULL)
		hunt->error = error;
	else
		error_free(error);
	return hunt->error == NULL;
}

/* --- what belongs together -------------------------------------------------------------------------------------- */

size_t races_on_same_map(const struct races *races, const struct race_operation *operation)
{
	size_t count = 0;

	if (operation->map.v == 0)
		return 1;
	for (size_t i = 0; i < races->count; i++)
		count += races->operations[i].map.v == operation->map.v;
	return count;
}

/* A fatal error whose own map is gone: if others are writing to one map only, it is that. */
static void infer_fatal(struct races *races, struct race_operation *fatal)
{
	const struct race_operation *other = NULL;

	if (!fatal->fatal || fatal->map.v != 0 || fatal->sync)
		return;
	for (size_t i = 0; i < races->count; i++) {
		const struct race_operation *at = &races->operations[i];

		if (at->map.v == 0 || at->sync || at->goroutine == fatal->goroutine ||
		    (!at->writing && !race_kind_writes(at->kind)))
			continue;
		if (other != NULL && other->map.v != at->map.v)
			return;
		other = at;
	}
	if (other == NULL)
		return;
	fatal->map = other->map;
	fatal->evidence = RACE_SAME;
	fatal->type = other->type;
	fatal->sound = other->sound;
	fatal->writing = other->writing;
	fatal->length = other->length;
	free(fatal->missing);
	fatal->missing = NULL;
}

struct order {
	struct race_operation operation;
	bool fatal; /* of any operation on the same map */
	size_t same;
};

static int compare(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->fatal != y->fatal)
		return x->fatal ? -1 : 1;
	if ((x->same > 1) != (y->same > 1))
		return x->same > 1 ? -1 : 1;
	if (x->operation.writing != y->operation.writing)
		return x->operation.writing ? -1 : 1;
	if (x->operation.map.v != y->operation.map.v)
		return x->operation.map.v < y->operation.map.v ? -1 : 1;
	if (x->operation.fatal != y->operation.fatal)
		return x->operation.fatal ? -1 : 1;
	return x->operation.goroutine < y->operation.goroutine ? -1 : x->operation.goroutine > y->operation.goroutine;
}

static void sort(struct races *races)
{
	struct order *orders = xcalloc(races->count + 1, sizeof(*orders));
	struct table fatal = { 0 }, counts = { 0 };

	for (size_t i = 0; i < races->count; i++) {
		const struct race_operation *operation = &races->operations[i];

		if (operation->fatal && operation->map.v != 0)
			table_put(&fatal, operation->map.v, 0);
		if (operation->map.v != 0 && !table_put(&counts, operation->map.v, 1))
			++*table_get(&counts, operation->map.v);
	}
	for (size_t i = 0; i < races->count; i++) {
		uint64_t map = races->operations[i].map.v;

		orders[i] = (struct order){ races->operations[i],
					   races->operations[i].fatal || (map != 0 && table_get(&fatal, map) != NULL),
					   map != 0 ? *table_get(&counts, map) : 1 };
	}
	qsort(orders, races->count, sizeof(*orders), compare);
	for (size_t i = 0; i < races->count; i++)
		races->operations[i] = orders[i].operation;
	table_free(&fatal);
	table_free(&counts);
	free(orders);
}

/* --- who holds it ----------------------------------------------------------------------------------------------- */

struct holding {
	struct races *races;
	const struct race_operation *operation;
	char *own; /* how names of its own goroutine begin */
};

static bool note_holder(void *context, const struct listed_map *map)
{
	struct holding *holding = context;
	struct races *races = holding->races;

	if (map->gone || map->address.v != holding->operation->map.v ||
	    strncmp(map->name, holding->own, strlen(holding->own)) == 0)
		return true;
	races->holders[races->holder_count++] = xstrdup(map->name);
	return races->holder_count < HOLDERS_MOST;
}

/* Variables of other goroutines that are the map of the first fatal operation, where nobody else is inside it. */
static struct error *find_holders(struct program *program, struct races *races)
{
	struct findings ignored = { 0 }; /* the same as before */
	struct list_cut cut;
	struct holding holding = { .races = races, .operation = races->count ? &races->operations[0] : NULL };

	if (races->count == 0 || !holding.operation->fatal || holding.operation->map.v == 0 ||
	    races_on_same_map(races, holding.operation) > 1)
		return NULL;
	races->holders = xcalloc(HOLDERS_MOST, sizeof(*races->holders));
	holding.own = xasprintf("goroutine %llu: ", (unsigned long long)holding.operation->goroutine);

	struct error *error = list_locals(program, &ignored, &cut, note_holder, &holding);

	free(cut.why);
	free(holding.own);
	findings_free(&ignored);
	return error;
}

/* --- the interface ---------------------------------------------------------------------------------------------- */

struct error *races_find(struct program *program, struct findings *findings, struct races *out)
{
	struct hunt hunt = { .program = program, .races = out };

	*out = (struct races){ 0 };
	if (program->stack == NULL)
		TRY(stack_open(program, &program->stack));
	TRY(stack_load(program->stack, findings));
	hunt.group = xcalloc(1, sizeof(*hunt.group));

	struct error *error = stack_each_goroutine(program->stack, look_at_goroutine, &hunt);

	free(hunt.group);
	table_free(&hunt.functions);
	if (hunt.error != NULL) {
		error_free(error);
		return hunt.error;
	}
	TRY(error);
	for (size_t i = 0; i < out->count; i++)
		infer_fatal(out, &out->operations[i]);
	sort(out);
	return find_holders(program, out);
}

void races_free(struct races *races)
{
	for (size_t i = 0; i < races->count; i++) {
		struct race_operation *operation = &races->operations[i];

		free(operation->message);
		free(operation->missing);
		free(operation->key);
		free(operation->variable);
	}
	for (size_t i = 0; i < races->holder_count; i++)
		free(races->holders[i]);
	free(races->operations);
	free(races->holders);
	free(races->cut_why);
	*races = (struct races){ 0 };
}
