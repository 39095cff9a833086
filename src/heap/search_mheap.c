/*
 * runtime.mheap_ (runtime/mheap.go): its allspans is a slice of pointers to all mspans, and from the pages that an mspan says to have its
 * arenas (<= 1.10: spans) lead back to that mspan.
 */
#include <inttypes.h>

#include "binary/debug.h"
#include "heap/place.h"
#include "heap/search_private.h"
#include "layout/heap.h"

enum {
	SPANS_TRIED = 64,  /* of one list */
	SPANS_ENOUGH = 3,  /* in use: a program that has begun has dozens */
	STATES = 4,        /* mspan.state is below it */
};

#define MOST_SPANS (UINT64_C(1) << 31)

struct mheap_search {
	struct search *search;
	struct heap_layout layout;
	taddr found;
	uint64_t spans;
};

/* Of one list: starts of spans in use. */
struct sample {
	taddr starts[SPANS_TRIED];
	uint64_t sizes[SPANS_TRIED];
	size_t count;
};

/* Adds a span in use to the sample; false where it is no mspan. */
static bool take_span(const struct mheap_search *search, uint64_t address, struct sample *sample)
{
	const struct heap_layout *layout = &search->layout;
	const struct program *program = search->search->program;
	uint8_t bytes[HEAP_STRUCT_LIMIT];

	if (address % program->machine.word_size != 0 ||
	    target_read_some(program->memory, taddr_of(address), bytes, layout->span_size) != layout->span_size)
		return false;

	uint64_t start = load_uint(&program->machine, bytes + layout->start.offset, layout->start.size);
	uint64_t pages = load_uint(&program->machine, bytes + layout->pages.offset, layout->pages.size);
	uint64_t state = load_uint(&program->machine, bytes + layout->state.offset, layout->state.size);
	uint64_t size = load_uint(&program->machine, bytes + layout->elem_size.offset, layout->elem_size.size);

	if (state >= STATES || start % layout->page_size != 0 || pages > UINT32_MAX)
		return false;
	if (state != 1 /* in use */ || start == 0 || pages == 0 || size == 0)
		return true;
	sample->starts[sample->count] = taddr_of(start);
	sample->sizes[sample->count++] = pages * layout->page_size;
	return true;
}

static bool take_sample(const struct mheap_search *search, const struct search_slice *slice, struct sample *sample)
{
	uint64_t step = slice->length / SPANS_TRIED + 1;

	sample->count = 0;
	for (uint64_t i = 0; i < slice->length; i += step)
		if (!take_span(search, search_pointer(search->search, slice, i), sample))
			return false;
	return sample->count >= SPANS_ENOUGH;
}

/* How many of the sample the arenas know as well, if mheap_ is at that address. */
static uint64_t count_known(const struct mheap_search *search, taddr mheap, const struct sample *sample)
{
	struct program *program = search->search->program;
	struct heap_layout layout;
	struct heap_object objects[SPANS_TRIED];
	enum heap_place places[SPANS_TRIED];
	uint64_t known = 0;

	heap_layout_load(program->binary, &layout);
	layout.mheap = mheap.v - program->bias;

	struct heap *heap = heap_create(program, &layout);

	heap_find_many(heap, sample->starts, sample->count, places, objects);
	for (size_t i = 0; i < sample->count; i++)
		known += places[i] == HEAP_OBJECT && objects[i].span_start == sample->starts[i].v && objects[i].span_size == sample->sizes[i];
	heap_close(heap);
	return known;
}

static bool try_list(void *context, taddr at, const uint8_t *bytes)
{
	struct mheap_search *search = context;
	struct search_slice slice;
	struct sample sample;

	if (!search_is_slice(search->search, bytes, MOST_SPANS, &slice) || !take_sample(search, &slice, &sample))
		return true;

	taddr mheap = taddr_of(at.v - search->layout.all_spans_at);
	uint64_t known = count_known(search, mheap, &sample);

	/* spans come and go in a target that runs */
	if (known < SPANS_ENOUGH || known < sample.count - sample.count / 4)
		return true;
	search->found = mheap;
	search->spans = known;
	return false;
}

struct error *search_mheap(struct search *search)
{
	struct mheap_search mheap = { .search = search };
	const struct search_visit visit = { 3u * search->program->machine.word_size, false, try_list, &mheap };
	struct error *error = NULL;

	search_tell(search, "runtime.mheap_", taddr_of(search->program->bias)); /* its layout is wanted first */
	heap_layout_load(search->program->binary, &mheap.layout);
	if (mheap.layout.no_spans != NULL || mheap.layout.no_collector != NULL)
		error = error_new(ERROR_TARGET, "%s", mheap.layout.no_spans ? mheap.layout.no_spans : mheap.layout.no_collector);
	else
		search_each(search, &visit);
	if (error == NULL && mheap.spans == 0)
		error = error_new(ERROR_MEMORY, "no variable is runtime.mheap_ as Go 1.%d lays it out", search->program->version->minor);
	heap_layout_free(&mheap.layout);
	search_tell(search, "runtime.mheap_", mheap.found);
	search->proof->spans = mheap.spans;
	return error;
}
