#include "heap/walk.h"

#include <stdlib.h>
#include <string.h>

#include "heap/walk_private.h"
#include "util/interrupt.h"
#include "util/sorted.h"

enum {
	BUFFER = 6 << 20,            /* bytes; walk_scan.c reads less */
	PART_LIMIT = 64 << 20,       /* bytes of one part */
	SORTED_BY_BITS_ABOVE = 1 << 16,
};

struct error *heap_walk_create(struct program *program, struct heap_spans *spans, struct heap_types *types,
			       const struct heap_walk_options *options, struct findings *findings, struct heap_walk **out)
{
	struct heap_walk *walk = xcalloc(1, sizeof(*walk));
	void *memory[3] = { NULL };
	uint64_t slots = heap_slot_count(spans);
	struct error *error = NULL;

	walk->program = program;
	walk->spans = spans;
	walk->types = types;
	walk->options = *options;
	walk->findings = findings;
	walk->slots = slots;
	walk->allocated = heap_allocated(spans);
	if (slots >= ROOT_CODES)
		error = error_new(ERROR_TARGET, "the heap has %llu slots for objects, more than can be walked", (unsigned long long)slots);
	if (error == NULL)
		error = alloc_checked(slots / 64 + 1, 8, "marks", &memory[0]);
	if (error == NULL)
		error = alloc_checked(slots / 64 + 1, 8, "marks", &memory[1]);
	if (error == NULL)
		error = alloc_checked(slots + 1, sizeof(struct record), "objects", &memory[2]);
	walk->seen = memory[0];
	walk->queued = memory[1];
	walk->records = memory[2];
	walk->buffer = xmalloc(BUFFER);
	walk->mask = xmalloc(BUFFER / 8);
	if (error != NULL) {
		heap_walk_free(walk);
		return error;
	}
	for (size_t i = 0; i < heap_span_count(spans); i++)
		walk->total += heap_span_at(spans, i)->scannable ? heap_span_at(spans, i)->end - heap_span_at(spans, i)->start : 0;
	walk_find_image(walk);
	*out = walk;
	return NULL;
}

void heap_walk_free(struct heap_walk *walk)
{
	if (walk == NULL)
		return;
	free(walk->seen);
	free(walk->queued);
	free(walk->records);
	free(walk->next);
	free(walk->roots);
	free(walk->parts);
	free(walk->outside);
	free(walk->stacks);
	free(walk->objects);
	free(walk->data);
	free(walk->buffer);
	free(walk->mask);
	table_free(&walk->parts_seen);
	free(walk);
}

/* --- levels -------------------------------------------------------------------------------------------------------- */

static int compare_slots(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The level's slots in order; a large one is read off the bits that say who is in it. */
static void sort_level(const struct heap_walk *walk, uint32_t *slots, size_t count)
{
	size_t n = 0;

	if (count < SORTED_BY_BITS_ABOVE || count < walk->slots / 256) {
		qsort(slots, count, sizeof(*slots), compare_slots);
		return;
	}
	for (uint64_t i = 0; i <= walk->slots / 64; i++)
		for (uint64_t bits = walk->queued[i]; bits != 0; bits &= bits - 1)
			slots[n++] = (uint32_t)(i * 64 + (unsigned)__builtin_ctzll(bits));
}

static struct error *run_levels(struct heap_walk *walk)
{
	walk_flush(walk);
	while (walk->next_count != 0) {
		uint32_t *level = walk->next;
		size_t count = walk->next_count;

		walk->next = NULL;
		walk->next_count = walk->next_capacity = 0;
		sort_level(walk, level, count);

		struct error *error = walk_scan_level(walk, level, count);

		free(level);
		if (error != NULL)
			return error;
	}
	return NULL;
}

/* --- parts --------------------------------------------------------------------------------------------------------- */

static struct heap_origin root_at(const struct heap_walk *walk, uint64_t address)
{
	const struct stack_range *stack = walk_stack_of(walk, address);

	if (stack != NULL)
		return (struct heap_origin){ HEAP_ORIGIN_STACK, taddr_of(address), stack->goroutine };
	return (struct heap_origin){ HEAP_ORIGIN_DATA, taddr_of(address), 0 };
}

/* How many bytes of values there can be: not more than the object, the stack, the data have from there on. */
static uint64_t room_of(const struct heap_walk *walk, const struct part *part)
{
	uint64_t address = part->place.address.v;

	if (part->inside) {
		const struct heap_span *span = heap_span_find(walk->spans, address);

		return heap_slot_address(span, heap_slot_in(span, address)) + span->elem_size - address;
	}

	const struct stack_range *stack = walk_stack_of(walk, address);
	const struct heap_root_range *data = walk_data_of(walk, address);

	if (stack != NULL)
		return stack->high - address;
	return data ? data->start.v + data->words * walk->program->machine.word_size - address : 0;
}

/* Whether the object's type, known by now, says what is there. */
static bool is_known_by_now(const struct heap_walk *walk, const struct part *part)
{
	uint64_t address = part->place.address.v;
	const struct heap_span *span = heap_span_find(walk->spans, address);
	uint32_t index = heap_slot_in(span, address);
	heap_type_id id = type_of(&walk->records[span->first + index]);
	uint64_t start = heap_slot_address(span, index) + span->header;

	return id != 0 && (heap_type_at(walk->types, id)->repeats || address - start < heap_type_at(walk->types, id)->size);
}

static void scan_part(struct heap_walk *walk, const struct part *part)
{
	const struct heap_type *type = heap_type_at(walk->types, part->place.type);
	uint64_t room = room_of(walk, part), address = part->place.address.v, size, count;
	const struct heap_span *span = part->inside ? heap_span_find(walk->spans, address) : NULL;
	struct scan scan = { .address = address, .parent = PARENT_IS_ROOT };

	count = part->count ? part->count : type->form == HEAP_UNITS ? UINT64_MAX : 1;
	if (__builtin_mul_overflow(type->size, count, &size) || size > room)
		size = room;
	if (size > PART_LIMIT)
		size = PART_LIMIT;
	if (span != NULL)
		scan.parent = (uint32_t)(span->first + heap_slot_in(span, address) + 1);
	walk->root = root_at(walk, address);
	for (uint64_t at = 0; at < size;) {
		/* values larger than the buffer are cut: types are learnt, marks are made without them */
		uint64_t some = BUFFER / type->size ? BUFFER / type->size * type->size : BUFFER;

		scan.length = (size_t)(size - at < some ? size - at : some);
		scan.address = address + at;
		scan.bytes = target_view(walk->program->memory, taddr_of(scan.address), scan.length);
		if (scan.bytes == NULL) {
			scan.length = target_read_some(walk->program->memory, taddr_of(scan.address), walk->buffer, scan.length);
			scan.bytes = walk->buffer;
		}
		if (scan.length == 0)
			break;
		scan.starts = scan.length;
		walk_scan_typed(walk, &scan, part->place.type, scan.address, UINT64_MAX);
		at += scan.length;
	}
	walk_flush(walk);
}

static void keep_outside(struct heap_walk *walk, const struct part *part)
{
	struct heap_place_outside place = part->place;
	uint64_t room = room_of(walk, part);

	if (__builtin_mul_overflow(heap_type_at(walk->types, place.type)->size, part->count ? part->count : 1, &place.size) || place.size > room)
		place.size = room;
	ARRAY_RESERVE(walk->outside, walk->outside_count, walk->outside_capacity);
	walk->outside[walk->outside_count++] = place;
}

static struct error *run_parts(struct heap_walk *walk, size_t *done, bool inside)
{
	for (; *done < walk->part_count; ++*done) {
		const struct part part = walk->parts[*done];

		if (part.inside != inside || (inside && is_known_by_now(walk, &part)))
			continue;
		if (!inside)
			keep_outside(walk, &part);
		scan_part(walk, &part);
		TRY(interrupt_check());
	}
	return NULL;
}

struct error *heap_walk_run(struct heap_walk *walk)
{
	walk_sort_stacks(walk);
	do {
		/* variables first, so that what they lead to is of known type when it is looked at */
		do {
			TRY(run_parts(walk, &walk->parts_done_outside, false));
			TRY(run_levels(walk));
		} while (walk->next_count != 0 || walk->parts_done_outside < walk->part_count);
		/* what only pointers into the middle of objects say comes last: a pointer to the start says more */
		TRY(run_parts(walk, &walk->parts_done_inside, true));
		if (walk->next_count == 0 && !walk->sniffed) {
			walk->sniffed = true;
			TRY(walk_sniff(walk));
		}
	} while (walk->next_count != 0 || walk->parts_done_inside < walk->part_count);
	return NULL;
}

void heap_walk_claim(struct heap_walk *walk, uint64_t slot, heap_type_id type)
{
	walk->records[slot].type = type | GUESSED;
	if (bit_test(walk->seen, slot))
		walk_queue(walk, slot);
}

void heap_walk_claim_value(struct heap_walk *walk, taddr address, heap_type_id type)
{
	const struct edge edge = { .value = address.v, .from = address.v, .type = type };

	walk_note_part(walk, &edge, heap_span_find(walk->spans, address.v) != NULL);
}

/* --- results ------------------------------------------------------------------------------------------------------- */

bool heap_walk_reached(const struct heap_walk *walk, uint64_t slot)
{
	return bit_test(walk->seen, slot);
}

heap_type_id heap_walk_type(const struct heap_walk *walk, uint64_t slot)
{
	return type_of(&walk->records[slot]);
}

bool heap_walk_guessed(const struct heap_walk *walk, uint64_t slot)
{
	return walk->records[slot].type & GUESSED;
}

struct heap_referrer heap_walk_referrer(const struct heap_walk *walk, uint64_t slot)
{
	uint32_t parent = walk->records[slot].parent;

	if (parent >= ROOT_CODES && parent - ROOT_CODES < walk->root_count)
		return (struct heap_referrer){ .is_root = true, .root = walk->roots[parent - ROOT_CODES] };
	return (struct heap_referrer){ .slot = parent ? parent - 1 : UINT64_MAX };
}

const struct heap_place_outside *heap_walk_outside(const struct heap_walk *walk, size_t *count)
{
	*count = walk->outside_count;
	return walk->outside;
}

const struct heap_stack_object *heap_walk_stack_objects(const struct heap_walk *walk, size_t *count)
{
	*count = walk->object_count;
	return walk->objects;
}

const struct heap_stack_object *heap_walk_stack_object_at(const struct heap_walk *walk, uint64_t address)
{
	size_t above = SORTED_ABOVE(walk->objects, walk->object_count, address, address);

	return above != 0 && walk->objects[above - 1].address.v == address ? &walk->objects[above - 1] : NULL;
}

void heap_walk_figures(const struct heap_walk *walk, struct heap_walk_figures *out)
{
	*out = (struct heap_walk_figures){ .pointers = walk->pointers };
	for (size_t s = 0; s < heap_span_count(walk->spans); s++) {
		const struct heap_span *span = heap_span_at(walk->spans, s);
		uint64_t reached = 0;

		for (uint64_t slot = span->first; slot < span->first + span->count; slot++) {
			if (!bit_test(walk->seen, slot))
				continue;
			reached++;
			out->typed += span->scannable && walk->records[slot].type != 0;
		}
		out->objects += reached;
		out->bytes += reached * span->elem_size;
		out->scannable += span->scannable ? reached : 0;
	}
}
