#include "heap/referrers.h"

#include <stdlib.h>

#include "heap/walk_private.h"
#include "util/interrupt.h"

/* Bytes that are read together. */
enum { WINDOW = 4 << 20 };

struct search {
	struct heap_walk *walk;
	const uint64_t *starts, *ends;
	size_t count, most;
	struct heap_pointers *out;
	uint8_t *buffer;
};

static void keep(struct search *search, const struct heap_pointer *pointer)
{
	struct heap_pointers *out = search->out;

	out->total++;
	if (out->count == search->most)
		return;
	ARRAY_RESERVE(out->items, out->count, out->capacity);
	out->items[out->count++] = *pointer;
}

static bool is_wanted(const struct search *search, uint64_t value)
{
	size_t low = 0, high = search->count;

	if (value < search->starts[0] || value >= search->ends[search->count - 1])
		return false;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (search->ends[middle] <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return value >= search->starts[low];
}

/* The words of a run of memory. `base` is the pointer to report, all but address and value. */
static void look_through(struct search *search, const uint8_t *bytes, size_t length, uint64_t address, struct heap_pointer base)
{
	const struct machine *machine = &search->walk->program->machine;

	for (size_t i = 0; i + machine->word_size <= length; i += machine->word_size) {
		uint64_t value = load_word(machine, bytes + i);

		if (!is_wanted(search, value))
			continue;

		const struct heap_span *span = heap_span_find(search->walk->spans, value);

		base.from = taddr_of(address + i);
		base.value = value;
		base.slot = span ? span->first + heap_slot_in(span, value) : UINT64_MAX;
		keep(search, &base);
	}
}

/* Calls `look` with the bytes of [start, start + size), in windows. */
static struct error *read_through(struct search *search, uint64_t start, uint64_t size, struct heap_pointer base)
{
	for (uint64_t at = 0; at < size; at += WINDOW) {
		uint64_t some = size - at < WINDOW ? size - at : WINDOW;
		const uint8_t *bytes = target_view(search->walk->program->memory, taddr_of(start + at), (size_t)some);

		if (bytes == NULL) {
			some = target_read_some(search->walk->program->memory, taddr_of(start + at), search->buffer, (size_t)some);
			bytes = search->buffer;
		}
		look_through(search, bytes, (size_t)some, start + at, base);
		TRY(interrupt_check());
	}
	return NULL;
}

/* Pointers that nothing reaches keep nothing alive. */
static void drop_unreached(struct search *search, size_t from)
{
	struct heap_pointers *out = search->out;
	size_t kept = from;

	for (size_t i = from; i < out->count; i++) {
		const struct heap_span *span = heap_span_find(search->walk->spans, out->items[i].from.v);

		if (span != NULL && heap_walk_reached(search->walk, span->first + heap_slot_in(span, out->items[i].from.v)))
			out->items[kept++] = out->items[i];
	}
	out->total -= out->count - kept;
	out->count = kept;
}

static struct error *look_at_heap(struct search *search)
{
	const struct heap_spans *spans = search->walk->spans;

	for (size_t i = 0; i < heap_span_count(spans); i++) {
		const struct heap_span *span = heap_span_at(spans, i);
		size_t before = search->out->count;

		if (!span->scannable)
			continue;
		TRY(read_through(search, span->start, span->end - span->start, (struct heap_pointer){ .in = HEAP_POINTER_OBJECT }));
		drop_unreached(search, before);
	}
	return NULL;
}

struct error *heap_referrers_find(struct heap_walk *walk, const struct heap_roots *roots, const uint64_t *starts, const uint64_t *ends,
				  size_t count, size_t most, struct heap_pointers *out)
{
	struct search search = { walk, starts, ends, count, most, out, NULL };
	struct error *error = NULL;

	if (count == 0)
		return NULL;
	search.buffer = xmalloc(WINDOW);
	for (size_t i = 0; i < roots->range_count && error == NULL; i++)
		error = read_through(&search, roots->ranges[i].start.v, roots->ranges[i].words * walk->program->machine.word_size,
				     (struct heap_pointer){ .in = HEAP_POINTER_DATA });
	for (size_t i = 0; i < walk->stack_count && error == NULL; i++)
		error = read_through(&search, walk->stacks[i].low, walk->stacks[i].high - walk->stacks[i].low,
				     (struct heap_pointer){ .in = HEAP_POINTER_STACK, .goroutine = walk->stacks[i].goroutine });
	if (error == NULL)
		error = look_at_heap(&search);
	free(search.buffer);
	return error;
}

void heap_pointers_free(struct heap_pointers *pointers)
{
	free(pointers->items);
	*pointers = (struct heap_pointers){ 0 };
}
