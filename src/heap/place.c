/*
 * spanOf() and objIndex() of runtime/mheap.go, mbitmap.go: a page's number gives an arena, the arena's table gives a span,
 * the span gives the slot. Many addresses go through each of these steps together, so that a step costs one read.
 */
#include "heap/place_private.h"

#include <stdlib.h>

#include "util/alloc.h"

/* Instead of an address that could not be read, and of the page of an address that no span can have. */
static const uint64_t unreadable = UINT64_MAX, no_page = UINT64_MAX;

/* Keeps the first reason. Ends `error`. */
static void note_unknown(struct heap *heap, struct error *error)
{
	if (heap->reason == NULL)
		heap->reason = xstrdup(error->message);
	error_free(error);
}

static void note_unreadable(struct heap *heap, const char *what, const struct target_piece *piece)
{
	taddr failed = taddr_add(piece->address, piece->got);

	note_unknown(heap, error_wrap(target_unreadable(heap->program->memory, failed), "%s", what));
}

/* --- what is read once ------------------------------------------------------------------------------------- */

static struct error *read_modules(struct heap *heap, struct table *seen)
{
	const struct heap_layout *layout = &heap->layout;
	uint64_t module = layout->first_module + heap->program->bias;
	uint8_t bytes[HEAP_STRUCT_LIMIT];

	while (module != 0) {
		if (seen->count == MODULES_KEPT || !table_put(seen, module, 0))
			return error_new(ERROR_MEMORY, "0x%llx: the list of modules does not end", (unsigned long long)module);
		TRY(target_read(heap->program->memory, taddr_of(module), bytes, layout->module_size));
		for (int i = 0; i < MODULE_RANGES; i++) {
			const struct field_at *at = layout->ranges[i];

			ARRAY_RESERVE(heap->ranges, heap->range_count, heap->range_capacity);
			heap->ranges[heap->range_count++] = (struct range){ place_field(heap, bytes, at[0]), place_field(heap, bytes, at[1]) };
		}
		module = place_field(heap, bytes, layout->next);
	}
	return NULL;
}

static taddr in_mheap(const struct heap *heap, uint64_t offset)
{
	return taddr_of(heap->layout.mheap + heap->program->bias + offset);
}

/* Go >= 1.11. */
static struct error *read_arena_roots(struct heap *heap)
{
	const struct heap_layout *layout = &heap->layout;
	struct program *program = heap->program;

	heap->origin = layout->origin;
	heap->arena_pages = layout->arena_pages;
	heap->page_limit = layout->l1_length * layout->l2_length * layout->arena_pages;
	heap->roots = xcalloc(layout->l1_length, sizeof(*heap->roots));
	for (uint64_t i = 0; i < layout->l1_length; i++) {
		taddr at = taddr_add(in_mheap(heap, layout->arenas_at), i * program->machine.word_size);

		TRY(target_read_word(program->memory, at, &heap->roots[i]));
	}
	return NULL;
}

/* Go <= 1.10: the whole heap is one arena, with as many pages as the slice has span pointers. */
static struct error *read_spans_slice(struct heap *heap)
{
	const struct heap_layout *layout = &heap->layout;
	struct program *program = heap->program;
	taddr slice = in_mheap(heap, layout->arenas_at);
	uint64_t table;

	TRY(target_read_word(program->memory, slice, &table));
	TRY(target_read_word(program->memory, taddr_add(slice, program->machine.word_size), &heap->arena_pages));
	TRY(target_read_word(program->memory, in_mheap(heap, layout->arena_start.offset), &heap->origin));
	heap->page_limit = heap->arena_pages;
	table_put(&heap->arenas, 0, table);
	return NULL;
}

static uint64_t read_sweepgen(struct heap *heap)
{
	const struct heap_layout *layout = &heap->layout;
	uint8_t bytes[8];

	if (layout->no_spans != NULL || layout->no_collector != NULL || layout->heap_sweepgen.size == 0)
		return UINT64_MAX;

	struct error *error = target_read(heap->program->memory, in_mheap(heap, layout->heap_sweepgen.offset), bytes,
					  layout->heap_sweepgen.size);
	uint64_t sweepgen = error == NULL ? load_uint(&heap->program->machine, bytes, layout->heap_sweepgen.size) : UINT64_MAX;

	error_free(error);
	return sweepgen;
}

static void begin(struct heap *heap)
{
	const struct heap_layout *layout = &heap->layout;
	struct error *error;

	heap->begun = true;
	if (layout->no_spans != NULL)
		error = error_new(ERROR_TARGET, "%s", layout->no_spans);
	else
		error = layout->l1_length != 0 ? read_arena_roots(heap) : read_spans_slice(heap);
	heap->spans_known = error == NULL;
	heap->sweepgen = read_sweepgen(heap);
	if (error != NULL)
		note_unknown(heap, error_wrap(error, "the heap's spans"));

	struct table seen = { 0 };

	error = layout->no_modules ? error_new(ERROR_TARGET, "%s", layout->no_modules) : read_modules(heap, &seen);
	table_free(&seen);
	heap->modules_known = error == NULL;
	if (error != NULL)
		note_unknown(heap, error_wrap(error, "the program's modules"));
}

/* --- pieces ------------------------------------------------------------------------------------------------ */

/* Notes a read of what `key` stands for, unless the table has it already; its value is set when it has been read. */
static struct target_piece *want(struct heap *heap, struct table *table, uint64_t key, uint64_t address)
{
	if (!table_put(table, key, unreadable))
		return NULL;

	struct target_piece *piece = &heap->pieces[heap->piece_count];

	heap->keys[heap->piece_count++] = key;
	*piece = (struct target_piece){ .address = taddr_of(address) };
	return piece;
}

/* --- from the page to its span ------------------------------------------------------------------------------- */

static void load_arenas(struct heap *heap, size_t count)
{
	const struct machine *machine = &heap->program->machine;

	heap->piece_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (heap->pages[i] == no_page)
			continue;

		uint64_t arena = heap->pages[i] / heap->arena_pages;

		if (table_get(&heap->arenas, arena) != NULL)
			continue;

		uint64_t root = heap->roots[arena / heap->layout.l2_length];

		if (root == 0) {
			table_put(&heap->arenas, arena, 0);
			continue;
		}

		uint64_t at = root + arena % heap->layout.l2_length * machine->word_size;
		struct target_piece *piece = want(heap, &heap->arenas, arena, at);

		piece->to = heap->words[heap->piece_count - 1];
		piece->length = machine->word_size;
	}
	place_read_wanted(heap);
	for (size_t i = 0; i < heap->piece_count; i++) {
		uint64_t arena = load_word(machine, heap->words[i]);

		if (heap->pieces[i].got < heap->pieces[i].length)
			note_unreadable(heap, "the heap's arenas", &heap->pieces[i]);
		else
			*table_get(&heap->arenas, heap->keys[i]) = arena ? arena + heap->layout.spans_at : 0;
	}
}

/* Chunks end where their arena's table ends. */
static uint64_t chunk_number(const struct heap *heap, uint64_t page)
{
	uint64_t in_arena = heap->arena_pages / CHUNK + 1;

	return page / heap->arena_pages * in_arena + page % heap->arena_pages / CHUNK;
}

static void load_chunks(struct heap *heap, size_t count)
{
	unsigned word = heap->program->machine.word_size;

	heap->piece_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (heap->pages[i] == no_page)
			continue;

		uint64_t table = *table_get(&heap->arenas, heap->pages[i] / heap->arena_pages);
		uint64_t first = heap->pages[i] % heap->arena_pages / CHUNK * CHUNK;
		uint64_t length = heap->arena_pages - first < CHUNK ? heap->arena_pages - first : CHUNK;

		if (table == 0 || table == unreadable)
			continue;

		struct target_piece *piece = want(heap, &heap->chunks, chunk_number(heap, heap->pages[i]), table + first * word);

		if (piece == NULL)
			continue;

		struct chunk *chunk = xmalloc(sizeof(*chunk));

		*table_get(&heap->chunks, heap->keys[heap->piece_count - 1]) = heap->chunk_count;
		ARRAY_RESERVE(heap->chunk_list, heap->chunk_count, heap->chunk_capacity);
		heap->chunk_list[heap->chunk_count++] = chunk;
		piece->to = chunk->words;
		piece->length = length * word;
	}
	place_read_wanted(heap);
	for (size_t i = 0; i < heap->piece_count; i++) {
		heap->chunk_list[heap->chunk_count - heap->piece_count + i]->good = heap->pieces[i].got;
		if (heap->pieces[i].got < heap->pieces[i].length)
			note_unreadable(heap, "the heap's table of spans", &heap->pieces[i]);
	}
}

/* The address of the mspan of a page; 0: none. Arena and chunk are loaded. */
static uint64_t span_of_page(const struct heap *heap, uint64_t page)
{
	unsigned word = heap->program->machine.word_size;

	if (page == no_page)
		return 0;

	uint64_t table = *table_get(&heap->arenas, page / heap->arena_pages);

	if (table == 0 || table == unreadable)
		return table;

	const struct chunk *chunk = heap->chunk_list[*table_get(&heap->chunks, chunk_number(heap, page))];
	size_t at = page % heap->arena_pages % CHUNK * word;

	return at + word <= chunk->good ? load_word(&heap->program->machine, chunk->words + at) : unreadable;
}

static struct span decode_span(const struct heap *heap, const uint8_t *bytes)
{
	const struct heap_layout *layout = &heap->layout;
	uint64_t class = place_field(heap, bytes, layout->span_class), used, end;
	uint64_t size_class = layout->noscan_in_class ? class >> 1 : class;
	struct span span = {
		.start = place_field(heap, bytes, layout->start),
		.elem_size = place_field(heap, bytes, layout->elem_size),
		.count = place_field(heap, bytes, layout->count),
		.free_index = place_field(heap, bytes, layout->free_index),
		.alloc_bits = place_field(heap, bytes, layout->alloc_bits),
		.state = (enum span_state)place_field(heap, bytes, layout->state),
		.scannable = !layout->noscan_in_class || !(class & 1),
	};

	span.unsound = __builtin_mul_overflow(place_field(heap, bytes, layout->pages), layout->page_size, &span.size) || span.size == 0 ||
		       __builtin_add_overflow(span.start, span.size, &end) || span.state > SPAN_FREE;
	if (span.state != SPAN_IN_USE)
		return span;
	span.unsound |= span.elem_size == 0 || __builtin_mul_overflow(span.elem_size, span.count, &used) || used > span.size;
	if (span.scannable && size_class != 0 && span.elem_size > layout->header_above && span.elem_size > layout->header_size)
		span.header = (uint32_t)layout->header_size;
	place_decode_marks(heap, bytes, size_class, &span);
	return span;
}

static void load_spans(struct heap *heap, size_t count)
{
	size_t size = heap->layout.span_size;

	heap->piece_count = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t address = heap->span_addresses[i] = span_of_page(heap, heap->pages[i]);
		struct target_piece *piece;

		if (address == 0 || address == unreadable || !(piece = want(heap, &heap->spans, address, address)))
			continue;
		piece->to = heap->span_bytes + (heap->piece_count - 1) * size;
		piece->length = size;
	}
	place_read_wanted(heap);
	for (size_t i = 0; i < heap->piece_count; i++) {
		if (heap->pieces[i].got < size) {
			note_unreadable(heap, "a span of the heap", &heap->pieces[i]);
			continue;
		}
		*table_get(&heap->spans, heap->keys[i]) = heap->span_count;
		ARRAY_RESERVE(heap->span_list, heap->span_count, heap->span_capacity);
		heap->span_list[heap->span_count++] = decode_span(heap, heap->span_bytes + i * size);
	}
}

/* --- from the span to the object ----------------------------------------------------------------------------- */

static struct heap_object object_at(const struct span *span, uint64_t index)
{
	taddr base = taddr_of(span->start + index * span->elem_size);

	return (struct heap_object){
		.base = base,
		.size = span->elem_size,
		.data = taddr_add(base, span->header),
		.data_size = span->elem_size - span->header,
		.span_start = span->start,
		.span_size = span->size,
		.index = index,
		.allocated = index < span->free_index,
		.scannable = span->scannable,
	};
}

static enum heap_place place_in_span(struct heap *heap, uint64_t span_address, const struct span *span, uint64_t address,
				     struct heap_object *out)
{
	enum heap_place elsewhere = heap->modules_known ? HEAP_NOWHERE : HEAP_UNKNOWN;

	if (span->unsound) {
		note_unknown(heap, error_new(ERROR_MEMORY, "0x%llx: this span of the heap is not sound: %llu bytes, %llu objects of "
					     "%llu bytes, state %d", (unsigned long long)span_address, (unsigned long long)span->size,
					     (unsigned long long)span->count, (unsigned long long)span->elem_size, (int)span->state));
		return HEAP_UNKNOWN;
	}
	/* tables keep the spans that were (spanOf(): "may return a non-nil span that does not contain p") */
	if (address < span->start || address - span->start >= span->size)
		return elsewhere;
	if (span->state == SPAN_MANUAL) {
		*out = (struct heap_object){ .span_start = span->start, .span_size = span->size };
		return HEAP_STACK;
	}
	if (span->state != SPAN_IN_USE || (address - span->start) / span->elem_size >= span->count)
		return elsewhere;
	*out = object_at(span, (address - span->start) / span->elem_size);
	return HEAP_OBJECT;
}

static enum heap_place place_in_heap(struct heap *heap, size_t i, uint64_t address, struct heap_object *out)
{
	uint64_t span_address = heap->span_addresses[i];

	if (span_address == 0)
		return heap->modules_known && heap->spans_known ? HEAP_NOWHERE : HEAP_UNKNOWN;

	uint64_t at = span_address == unreadable ? unreadable : *table_get(&heap->spans, span_address);

	if (at != unreadable)
		return place_in_span(heap, span_address, &heap->span_list[at], address, out);
	note_unknown(heap, error_new(ERROR_MEMORY, "0x%llx: its span of the heap cannot be read", (unsigned long long)address));
	return HEAP_UNKNOWN;
}

/* --- all of it ----------------------------------------------------------------------------------------------- */

static bool in_data(const struct heap *heap, uint64_t address)
{
	for (size_t i = 0; i < heap->range_count; i++)
		if (address >= heap->ranges[i].start && address < heap->ranges[i].end)
			return true;
	return false;
}

/* Forgets what was read where it has become too much: a program has fewer spans; one that lies about them cannot fill memory. */
static void trim(struct heap *heap)
{
	if (heap->chunk_count + SLICE > CHUNKS_KEPT || heap->span_count + SLICE > SPANS_KEPT ||
	    heap->arenas.count + SLICE > KEYS_KEPT || heap->spans.count + SLICE > KEYS_KEPT)
		heap_forget(heap);
}

static void find_slice(struct heap *heap, const taddr *addresses, size_t count, enum heap_place *places,
		       struct heap_object *objects)
{
	struct heap_object unwanted;

	trim(heap);
	if (!heap->begun)
		begin(heap);
	for (size_t i = 0; i < count; i++) {
		uint64_t page = (addresses[i].v - heap->origin) / heap->layout.page_size;

		places[i] = in_data(heap, addresses[i].v) ? HEAP_DATA : HEAP_UNKNOWN;
		heap->pages[i] = places[i] != HEAP_DATA && heap->spans_known && page < heap->page_limit ? page : no_page;
	}
	load_arenas(heap, count);
	load_chunks(heap, count);
	load_spans(heap, count);
	for (size_t i = 0; i < count; i++)
		if (places[i] != HEAP_DATA)
			places[i] = place_in_heap(heap, i, addresses[i].v, objects ? &objects[i] : &unwanted);
	if (objects != NULL)
		place_load_bits(heap, count, places, objects);
}

void heap_find_many(struct heap *heap, const taddr *addresses, size_t count, enum heap_place *places,
		    struct heap_object *objects)
{
	for (size_t done = 0; done < count;) {
		size_t some = count - done < SLICE ? count - done : SLICE;

		find_slice(heap, addresses + done, some, places + done, objects ? objects + done : NULL);
		done += some;
	}
}

enum heap_place heap_find(struct heap *heap, taddr address, struct heap_object *out)
{
	enum heap_place place;

	heap_find_many(heap, &address, 1, &place, out);
	return place;
}

const char *heap_reason(const struct heap *heap)
{
	return heap->reason;
}

void heap_forget(struct heap *heap)
{
	for (size_t i = 0; i < heap->chunk_count; i++)
		free(heap->chunk_list[i]);
	free(heap->roots);
	heap->roots = NULL;
	heap->chunk_count = heap->span_count = heap->range_count = 0;
	heap->begun = false;
	table_clear(&heap->arenas);
	table_clear(&heap->chunks);
	table_clear(&heap->spans);
}

struct heap *heap_create(struct program *program, const struct heap_layout *layout)
{
	struct heap *heap = xcalloc(1, sizeof(*heap));

	heap->program = program;
	heap->layout = *layout;
	heap->span_bytes = xcalloc(SLICE, layout->span_size ? layout->span_size : 1);
	return heap;
}

struct error *heap_open(struct program *program, struct heap **out)
{
	struct heap_layout layout;

	if (program->memory == NULL)
		return error_new(ERROR_TARGET, "the heap is looked at in a process or a core, not in a binary");
	heap_layout_load(program->binary, &layout);
	*out = heap_create(program, &layout);
	return NULL;
}

void heap_close(struct heap *heap)
{
	if (heap == NULL)
		return;
	heap_forget(heap);
	free(heap->ranges);
	free(heap->chunk_list);
	free(heap->span_list);
	free(heap->span_bytes);
	free(heap->reason);
	table_free(&heap->arenas);
	table_free(&heap->chunks);
	table_free(&heap->spans);
	heap_layout_free(&heap->layout);
	free(heap);
}
