/*
 * sync.expunged (sync/map.go, Go 1.9 ... 1.23 and GOEXPERIMENT=nosynchashtriemap): a variable that package sync's init() sets to new(any), an
 * object of two words that nobody writes. Of variables without a name the one that leads to such an object is it, if it is the only one.
 */
#include "heap/search_private.h"

struct expunged_search {
	struct search *search;
	const struct heap_spans *spans;
	taddr found;
	size_t count;
};

static bool try_word(void *context, taddr at, const uint8_t *bytes)
{
	struct expunged_search *search = context;
	struct program *program = search->search->program;
	unsigned word = program->machine.word_size;
	uint64_t value = load_word(&program->machine, bytes);
	const struct heap_span *span = value ? heap_span_find(search->spans, value) : NULL;
	uint8_t any[16];

	if (span == NULL || !span->scannable || span->elem_size != 2 * word || (value - span->start) % span->elem_size != 0 ||
	    target_read_some(program->memory, taddr_of(value), any, 2 * word) != 2 * word)
		return true;
	if (load_word(&program->machine, any) != 0 || load_word(&program->machine, any + word) != 0)
		return true;
	search->found = at;
	return ++search->count < 2;
}

void search_expunged(struct search *search, const struct heap_spans *spans)
{
	struct expunged_search expunged = { .search = search, .spans = spans };
	const struct search_visit visit = { search->program->machine.word_size, true, try_word, &expunged };

	search_each(search, &visit);
	if (expunged.count == 1)
		search_tell(search, "sync.expunged", expunged.found);
}
