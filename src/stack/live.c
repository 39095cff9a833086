#include "stack/live.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stack/defers.h"
#include "stack/stack_private.h"
#include "util/alloc.h"
#include "util/interrupt.h"

enum {
	BYTES_LIMIT = 64 << 20,    /* of a stack */
	READ_AT_ONCE = 1 << 20,
	OBJECTS_LIMIT = 1 << 20,   /* of a stack */
};

/* A variable found by pointers, where it is on the stack. */
struct placed_object {
	uint64_t address;
	const struct stack_object *object;
	bool alive;
};

struct finder {
	struct stack *stack;
	struct stack_maps *maps;
	const struct stack_root_range *range;
	struct stack_live *live;
	const struct frame_rules *rules;
	unsigned word;
	uint64_t covered;         /* up to there frames have told what is alive */
	bool ended;               /* the stack was seen to its end */
	bool runs; /* it has not been in a function outside the runtime yet, and does not stand at a safe point */
	bool whole_next; /* the next frame is to be taken whole */
	bool panicked; /* the frame before is sigpanic() */
	struct placed_object *objects;
	size_t object_count, object_capacity;
	uint64_t *pending; /* pointers into the stack that have not been followed */
	size_t pending_count, pending_capacity;
};

/* --- words ---------------------------------------------------------------------------------------------------- */

static uint64_t end_of(const struct finder *finder)
{
	return finder->live->start + (uint64_t)finder->live->words * finder->word;
}

static bool bit_at(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static void set_word(struct finder *finder, uint64_t address)
{
	uint64_t i = (address - finder->live->start) / finder->word;

	if (address >= finder->live->start && i < finder->live->words)
		finder->live->bits[i / 8] |= (uint8_t)(1 << i % 8);
}

static void set_all(struct finder *finder, uint64_t low, uint64_t high)
{
	if (low < finder->live->start)
		low = finder->live->start;
	if (high > end_of(finder))
		high = end_of(finder);
	for (uint64_t at = low / finder->word * finder->word; at < high; at += finder->word)
		set_word(finder, at);
}

static void set_masked(struct finder *finder, uint64_t low, const uint8_t *mask, uint64_t words)
{
	for (uint64_t i = 0; i < words; i++)
		if (bit_at(mask, i))
			set_word(finder, low + i * finder->word);
}

/* --- frames --------------------------------------------------------------------------------------------------- */

/* Packages of the runtime's own: runtime, runtime/internal/..., internal/runtime/... */
static bool is_runtime(const char *name)
{
	return strncmp(name, "runtime.", 8) == 0 || strncmp(name, "runtime/", 8) == 0 ||
	       strncmp(name, "internal/runtime/", 17) == 0;
}

static bool is_sigpanic(const struct code_point *point)
{
	return point->role == CODE_INJECTED &&
	       strncmp(point->scopes[point->scope_count - 1].function, "runtime.sigpanic", 16) == 0;
}

/*
 * The end of the locals (varp): above them are the return address, where a call puts it on the stack, and, where there
 * is a frame at all, the saved frame pointer (resolveInternal() of runtime/traceback.go).
 */
static uint64_t locals_end(const struct finder *finder, const struct stack_live_frame *frame)
{
	uint64_t end = finder->rules->link ? frame->cfa : frame->cfa - finder->word;

	return end > frame->sp && finder->rules->saves_pointer ? end - finder->word : end;
}

/* What is below it; nothing where these are but the words that each frame has at its bottom (minsize in getStackMap()). */
static uint64_t locals_room(const struct finder *finder, const struct stack_live_frame *frame)
{
	uint64_t room = locals_end(finder, frame) - frame->sp;

	return finder->rules->link && room <= (uint64_t)finder->rules->injected * finder->word ? 0 : room;
}

static uint64_t arguments_start(const struct finder *finder, const struct stack_live_frame *frame)
{
	return frame->cfa + (uint64_t)finder->rules->reserved * finder->word;
}

/* Whether the maps tell all of the frame. */
static bool is_told(const struct finder *finder, const struct stack_live_frame *frame, const struct stack_map *map)
{
	uint64_t room = locals_room(finder, frame);

	if (map->function == NULL || map->function->args == PCLNTAB_ARGS_UNKNOWN)
		return false;
	if (room != 0 && (!map->has_locals || map->local_words * finder->word > room))
		return false;
	return map->function->args == 0 || map->has_args;
}

static void add_objects(struct finder *finder, const struct stack_live_frame *frame, const struct stack_map *map)
{
	for (size_t i = 0; i < map->object_count && finder->object_count < OBJECTS_LIMIT; i++) {
		const struct stack_object *object = &map->objects[i];
		uint64_t base = object->offset < 0 ? locals_end(finder, frame) : arguments_start(finder, frame),
			 at = base + (uint64_t)object->offset;

		/* below: it is not in the frame yet */
		if (at < frame->sp || at >= end_of(finder) || object->size > end_of(finder) - at)
			continue;
		ARRAY_RESERVE(finder->objects, finder->object_count, finder->object_capacity);
		finder->objects[finder->object_count++] = (struct placed_object){ at, object, false };
	}
}

static void take_exactly(struct finder *finder, struct stack_live_frame *frame, const struct stack_map *map)
{
	uint64_t locals = locals_end(finder, frame);

	frame->exact = true;
	if (locals > frame->sp && map->local_words != 0)
		set_masked(finder, locals - map->local_words * finder->word, map->locals, map->local_words);
	if (map->function->args > 0 && map->arg_words != 0)
		set_masked(finder, arguments_start(finder, frame), map->args, map->arg_words);
	add_objects(finder, frame, map);
}

/* With the space of arguments that it was about to call something with. */
static void take_whole(struct finder *finder, const struct stack_live_frame *frame)
{
	set_all(finder, frame->sp, frame->end);
}

/*
 * A function that a fault interrupted goes on behind its deferred calls, if at all: continpc in runtime/traceback.go.
 * Go <= 1.11 goes on where the last call was deferred, if that is still to come.
 */
static uint64_t pc_after_panic(const struct finder *finder, const struct stack_live_frame *frame,
			       const struct stack_map *map)
{
	if (finder->stack->program->version->minor < 12)
		return defers_find(finder->stack, stack_maps_defers(finder->maps), finder->range->owner, frame->sp);
	return map->function->defer_return ? map->function->entry + map->function->defer_return + 1 : 0;
}

static void take_panicked(struct finder *finder, struct stack_live_frame *frame, const struct stack_map *map)
{
	const struct stack_map *then;
	uint64_t pc;

	if (map->function == NULL) {
		take_whole(finder, frame);
		return;
	}
	pc = pc_after_panic(finder, frame, map);
	frame->exact = pc == 0;
	if (pc == 0)
		return;
	then = stack_map_find(finder->maps, pc, finder->stack->findings);
	if (then->function == map->function && is_told(finder, frame, then))
		take_exactly(finder, frame, then);
	else
		take_whole(finder, frame);
}

/* Which are taken whole, see the header; asyncPreempt's frame holds the registers of the one that it interrupted. */
static void take_frame(struct finder *finder, const struct code_point *point, uint64_t pc,
		       struct stack_live_frame *frame)
{
	const struct stack_map *map = stack_map_find(finder->maps, pc, finder->stack->findings);
	bool interrupts = point->role == CODE_PREEMPTED || (point->role == CODE_INJECTED && !is_sigpanic(point));
	bool knows_args = map->function != NULL && map->function->args != PCLNTAB_ARGS_UNKNOWN;

	if (knows_args && map->function->args > 0)
		frame->end = arguments_start(finder, frame) + (uint32_t)map->function->args;
	if (finder->runs || finder->whole_next || interrupts)
		take_whole(finder, frame);
	else if (finder->panicked)
		take_panicked(finder, frame, map);
	else if (is_told(finder, frame, map))
		take_exactly(finder, frame, map);
	else
		take_whole(finder, frame);
	finder->whole_next = interrupts || !knows_args;
	finder->panicked = is_sigpanic(point);
	if (map->function != NULL && !is_runtime(map->function->name))
		finder->runs = false;
}

static void add_frame(struct finder *finder, const struct stack_live_frame *frame)
{
	struct stack_live *live = finder->live;

	ARRAY_RESERVE(live->frames, live->frame_count, live->frame_capacity);
	live->frames[live->frame_count++] = *frame;
}

/* One that lies below the one before has no place here: what is above the lowest is taken whole. */
static bool visit_frame(void *context, const struct stack_frame *at)
{
	struct finder *finder = context;
	struct stack_live_frame frame = { .cfa = at->sp, .end = at->sp };

	if (at->system || (at->point->scope_count != 0 && at->scope != at->point->scope_count - 1))
		return true;
	if (!registers_get(&at->registers, finder->stack->roles->sp, &frame.sp) || frame.sp < finder->covered)
		return false;
	if (frame.sp > finder->covered)
		set_all(finder, finder->covered, frame.sp);
	finder->covered = frame.sp;
	finder->ended = at->point->role == CODE_END;
	if (finder->ended)
		return false;
	if (frame.cfa == frame.sp && finder->rules->link)
		return true; /* it has no frame yet */
	if (frame.cfa <= frame.sp || frame.cfa % finder->word != 0 || frame.sp % finder->word != 0 ||
	    frame.cfa > end_of(finder))
		return false;
	take_frame(finder, at->point, at->pc, &frame);
	add_frame(finder, &frame);
	finder->covered = frame.cfa;
	return true;
}

/* --- objects -------------------------------------------------------------------------------------------------- */

static int compare_objects(const void *a, const void *b)
{
	const struct placed_object *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static struct placed_object *object_at(const struct finder *finder, uint64_t address)
{
	size_t low = 0, high = finder->object_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (finder->objects[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low != 0 && address - finder->objects[low - 1].address < finder->objects[low - 1].object->size
		       ? &finder->objects[low - 1]
		       : NULL;
}

static void follow_later(struct finder *finder, uint64_t value)
{
	if (value < finder->live->start || value >= end_of(finder))
		return;
	ARRAY_RESERVE(finder->pending, finder->pending_count, finder->pending_capacity);
	finder->pending[finder->pending_count++] = value;
}

static uint64_t value_at(const struct finder *finder, uint64_t i)
{
	return load_word(&finder->stack->program->machine, finder->live->bytes + i * finder->word);
}

static void revive(struct finder *finder, struct placed_object *placed)
{
	const struct stack_object *object = placed->object;
	uint64_t first = (placed->address - finder->live->start) / finder->word;

	placed->alive = true;
	for (uint64_t i = 0; i < object->words && i * finder->word < object->size; i++) {
		if (object->mask != NULL && !bit_at(object->mask, i))
			continue;
		set_word(finder, placed->address + i * finder->word);
		follow_later(finder, value_at(finder, first + i));
	}
}

static void follow_pending(struct finder *finder)
{
	while (finder->pending_count != 0) {
		struct placed_object *placed = object_at(finder, finder->pending[--finder->pending_count]);

		if (placed != NULL && !placed->alive)
			revive(finder, placed);
	}
}

/* What lies on the stack is looked at with it, what lies elsewhere only leads there. */
static void visit_record_word(void *context, uint64_t address, uint64_t value)
{
	struct finder *finder = context;
	struct stack_live *live = finder->live;

	follow_later(finder, value);
	if (address >= live->start && address < end_of(finder)) {
		set_word(finder, address);
	} else if (address != 0) {
		ARRAY_RESERVE(live->elsewhere, live->elsewhere_count, live->elsewhere_capacity);
		live->elsewhere[live->elsewhere_count++] = (struct stack_live_elsewhere){ taddr_of(address), value };
	}
}

static void keep_alive(struct finder *finder)
{
	struct stack_live *live = finder->live;

	for (size_t i = 0; i < finder->object_count; i++) {
		const struct placed_object *placed = &finder->objects[i];

		if (!placed->alive)
			continue;
		ARRAY_RESERVE(live->objects, live->object_count, live->object_capacity);
		live->objects[live->object_count++] = (struct stack_live_object){ placed->address, placed->object };
	}
}

static void find_objects(struct finder *finder)
{
	const struct stack_live *live = finder->live;

	if (finder->object_count == 0)
		return;
	qsort(finder->objects, finder->object_count, sizeof(*finder->objects), compare_objects);
	for (uint64_t i = 0; i < live->words; i++)
		if (bit_at(live->bits, i))
			follow_later(finder, value_at(finder, i));
	follow_pending(finder);
	keep_alive(finder);
}

/* --- all of it ------------------------------------------------------------------------------------------------ */

/* Grows with what can be read. */
static void read_bytes(struct finder *finder)
{
	struct stack_live *live = finder->live;
	uint64_t length = finder->range->length < BYTES_LIMIT ? finder->range->length : BYTES_LIMIT, got = 0;

	while (got < length) {
		size_t some = length - got < READ_AT_ONCE ? (size_t)(length - got) : READ_AT_ONCE, part;

		if (got + some > live->capacity) {
			live->capacity = got + some;
			live->bytes = xreallocarray(live->bytes, live->capacity, 1);
			live->bits = xreallocarray(live->bits, live->capacity / 8 + 1, 1);
		}
		part = target_read_some(finder->stack->program->memory, taddr_add(finder->range->start, got),
					live->bytes + got, some);
		got += part;
		if (part < some)
			break;
	}
	live->start = finder->range->start.v;
	live->words = (size_t)(got / finder->word);
	if (live->words != 0)
		memset(live->bits, 0, live->words / 8 + 1);
	stack_set_window(finder->stack, live->start, live->bytes, live->words * finder->word);
}

static struct error *look_at_frames(struct finder *finder)
{
	const struct goroutine *goroutine = finder->range->owner;
	const char *why;

	finder->runs = !goroutine->parked && !goroutine->in_syscall;
	TRY(stack_each_frame(finder->stack, goroutine, visit_frame, finder, &why));
	if (!finder->ended)
		set_all(finder, finder->covered, end_of(finder));
	defers_each_word(finder->stack, stack_maps_defers(finder->maps), goroutine, visit_record_word, finder);
	find_objects(finder);
	return NULL;
}

struct error *stack_live_find(struct stack *stack, struct stack_maps *maps, const struct stack_root_range *range,
			      struct stack_live *live)
{
	struct finder finder = {
		.stack = stack,
		.maps = maps,
		.range = range,
		.live = live,
		.rules = stack->rules,
		.word = stack->program->machine.word_size,
		.covered = range->start.v,
	};
	struct error *error = NULL;

	live->frame_count = live->elsewhere_count = live->object_count = 0;
	read_bytes(&finder);
	if (maps == NULL || range->owner == NULL || stack->roles == NULL || finder.rules == NULL)
		set_all(&finder, live->start, end_of(&finder));
	else
		error = look_at_frames(&finder);
	free(finder.objects);
	free(finder.pending);
	return error;
}

void stack_live_free(struct stack_live *live)
{
	free(live->bytes);
	free(live->bits);
	free(live->frames);
	free(live->elsewhere);
	free(live->objects);
	*live = (struct stack_live){ 0 };
}

const struct stack_live_frame *stack_live_frame_of(const struct stack_live *live, const struct stack *stack,
						   const struct stack_frame *frame)
{
	size_t low = 0, high = live->frame_count;
	uint64_t sp;

	if (frame->system || !registers_get(&frame->registers, stack->roles->sp, &sp))
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (live->frames[middle].sp < sp)
			low = middle + 1;
		else
			high = middle;
	}
	return low < live->frame_count && live->frames[low].sp == sp ? &live->frames[low] : NULL;
}
