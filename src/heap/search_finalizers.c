/*
 * runtime.allfin (runtime/mfinal.go): the head of a list of all blocks of finalizers that have ever been made, linked by alllink, outside the
 * heap. Others lead to one of these blocks too (finq, finc): the one that leads to the most is allfin. What waits in a block proves it: func
 * values, each with the object that it will be called with and the descriptors of types that runfinq() needs for the call.
 */
#include <stdlib.h>

#include "binary/debug.h"
#include "heap/search_private.h"
#include "layout/heap.h"
#include "layout/heap_roots.h"
#include "util/alloc.h"

enum {
	BLOCKS_TRIED = 1 << 14, /* of one list: 4 KiB each, of some 100 finalizers */
	FOLLOWED = 1 << 16,     /* blocks of all lists behind their first ones */
	MOST_RESULTS = 1 << 16, /* bytes of what a finalizer returns */
	HEAD_BYTES = 64,        /* of a block: what stands before its records */
};

/* runtime.finalizer, the same in all versions: words. */
enum { FINALIZER_FN, FINALIZER_ARG, FINALIZER_NRET, FINALIZER_FINT, FINALIZER_OT, FINALIZER_WORDS };

struct finalizer_search {
	struct search *search;
	const struct heap_spans *spans;
	struct heap_queue_layout layout;
	taddr found;
	size_t blocks;
	size_t followed;
};

static uint64_t field_of(const struct finalizer_search *search, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&search->search->program->machine, bytes + at.offset, at.size);
}

/* A func value: its first word is an address of code. */
static bool is_function(const struct finalizer_search *search, uint64_t value)
{
	const struct module_place *module = search->search->module;
	uint64_t code = 0;

	error_free(target_read_word(search->search->program->memory, taddr_of(value), &code));
	return code - module->text < module->text_end - module->text;
}

static bool is_type(const struct finalizer_search *search, uint64_t value)
{
	/* one that reflect made lies in the heap */
	return gotype_may_be_descriptor(search->search->program, taddr_of(value)) || heap_span_find(search->spans, value) != NULL;
}

/* Cleanups (1.24) wait among the finalizers, with a function and nothing else: runtime/mheap.go, freeSpecial(). */
static bool is_record(const struct finalizer_search *search, const uint64_t *words)
{
	bool has_object = words[FINALIZER_ARG] != 0;

	if (words[FINALIZER_FN] == 0 || words[FINALIZER_NRET] >= MOST_RESULTS || !is_function(search, words[FINALIZER_FN]))
		return false;
	if (!has_object)
		return words[FINALIZER_FINT] == 0 && words[FINALIZER_OT] == 0;
	return heap_span_find(search->spans, words[FINALIZER_ARG]) != NULL && is_type(search, words[FINALIZER_FINT]) &&
	       is_type(search, words[FINALIZER_OT]);
}

static bool are_records(const struct finalizer_search *search, uint64_t block, uint64_t count)
{
	const struct machine *machine = &search->search->program->machine;
	size_t size = (size_t)(count * search->layout.record_size);
	uint8_t *bytes = xmalloc(size + 1);
	bool sound = target_read_some(search->search->program->memory, taddr_of(block + search->layout.records_at), bytes, size) == size;

	for (uint64_t i = 0; sound && i < count; i++) {
		uint64_t words[FINALIZER_WORDS];

		for (unsigned k = 0; k < FINALIZER_WORDS; k++)
			words[k] = load_word(machine, bytes + i * search->layout.record_size + k * machine->word_size);
		sound = is_record(search, words);
	}
	free(bytes);
	return sound;
}

/* Blocks come from persistentalloc(), not from the heap, and are no variables. */
static bool may_be_block(const struct finalizer_search *search, uint64_t address)
{
	for (int i = 0; i < MODULE_RANGES; i++)
		if (address - search->search->ranges[i].start.v < search->search->ranges[i].size)
			return false;
	return address % search->search->program->machine.word_size == 0 && heap_span_find(search->spans, address) == NULL;
}

/* Records that wait in the block; false: it is none. */
static bool look_at_block(const struct finalizer_search *search, uint64_t block, uint64_t *next, uint64_t *count)
{
	uint8_t head[HEAD_BYTES];
	size_t size = (size_t)search->layout.records_at;

	if (!may_be_block(search, block) ||
	    target_read_some(search->search->program->memory, taddr_of(block), head, size) != size)
		return false;
	*next = field_of(search, head, search->layout.next);
	*count = field_of(search, head, search->layout.count);
	return *count <= search->layout.record_limit && are_records(search, block, *count);
}

/* The blocks of a list in which something waits; 0: it is no such list. */
static size_t list_length(struct finalizer_search *search, uint64_t head)
{
	uint64_t waiting = 0, count, next;
	size_t blocks = 0;

	for (uint64_t at = head; at != 0; at = next, waiting += count)
		if (blocks++ == BLOCKS_TRIED || (at != head && search->followed++ >= FOLLOWED) || !look_at_block(search, at, &next, &count))
			return 0;
	return waiting != 0 ? blocks : 0;
}

static bool try_head(void *context, taddr at, const uint8_t *bytes)
{
	struct finalizer_search *search = context;
	uint64_t head = load_word(&search->search->program->machine, bytes);
	size_t blocks = head >= 4096 ? list_length(search, head) : 0;

	if (blocks > search->blocks) {
		search->found = at;
		search->blocks = blocks;
	}
	return true;
}

void search_finalizers(struct search *search, const struct heap_spans *spans)
{
	unsigned word = search->program->machine.word_size;
	struct finalizer_search finalizers = { .search = search, .spans = spans };
	const struct search_visit visit = { word, true, try_head, &finalizers };
	struct debug_variable known;
	struct error *error;

	if (debug_find_variable(search->program->binary->debug, "runtime.allfin", &known)) /* a symbol said it */
		return;
	error = heap_finalizer_blocks_load(search->program->binary, &finalizers.layout);
	if (error == NULL && finalizers.layout.records_at <= HEAD_BYTES && finalizers.layout.record_size == FINALIZER_WORDS * word)
		search_each(search, &visit);
	error_free(error);
	if (finalizers.blocks != 0)
		search_tell(search, "runtime.allfin", finalizers.found);
}
