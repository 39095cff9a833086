/* mheap.arenas, arenaIndex() of runtime/mheap.go (>= 1.11); mheap.arena_start and spans before. */
#include "heap/arenas.h"

#include <inttypes.h>

static struct error *read_flat(struct heap_arenas *arenas)
{
	struct program *program = arenas->program;
	const struct heap_layout *layout = arenas->layout;
	taddr mheap = taddr_of(layout->mheap + program->bias);
	uint64_t pages, size;

	TRY(target_read_word(program->memory, taddr_add(mheap, layout->arena_start.offset), &arenas->origin));
	TRY(target_read_word(program->memory, taddr_add(mheap, layout->arenas_at + program->machine.word_size), &pages));
	TRY(target_read_word(program->memory, taddr_add(mheap, layout->bitmap_at), &arenas->bitmap));
	if (__builtin_mul_overflow(pages, layout->page_size, &size) || __builtin_add_overflow(arenas->origin, size, &arenas->end))
		return error_new(ERROR_MEMORY, "the heap's arena: %" PRIu64 " pages from 0x%" PRIx64 " on", pages, arenas->origin);
	return NULL;
}

struct error *heap_arenas_open(struct program *program, const struct heap_layout *layout, struct heap_arenas *out)
{
	*out = (struct heap_arenas){ .program = program, .layout = layout, .last = UINT64_MAX };
	return layout->l1_length == 0 ? read_flat(out) : NULL;
}

void heap_arenas_close(struct heap_arenas *arenas)
{
	table_free(&arenas->known);
}

static struct error *read_arena(struct heap_arenas *arenas, uint64_t number, uint64_t *out)
{
	const struct heap_layout *layout = arenas->layout;
	struct program *program = arenas->program;
	unsigned word = program->machine.word_size;
	taddr roots = taddr_of(layout->mheap + program->bias + layout->arenas_at);
	uint64_t table;

	*out = 0;
	if (number / layout->l2_length >= layout->l1_length)
		return NULL;
	TRY(target_read_word(program->memory, taddr_add(roots, number / layout->l2_length * word), &table));
	return table ? target_read_word(program->memory, taddr_of(table + number % layout->l2_length * word), out) : NULL;
}

struct error *heap_arena_of(struct heap_arenas *arenas, uint64_t address, uint64_t *out)
{
	const struct heap_layout *layout = arenas->layout;
	uint64_t number = (address - layout->origin) / layout->page_size / layout->arena_pages;
	const uint64_t *known;

	*out = arenas->last_arena;
	if (number == arenas->last && *out != 0)
		return NULL;
	known = table_get(&arenas->known, number);
	*out = known ? *known : 0;
	if (known == NULL) {
		TRY(read_arena(arenas, number, out));
		table_put(&arenas->known, number, *out);
	}
	arenas->last = number;
	arenas->last_arena = *out;
	return *out != 0 ? NULL : error_new(ERROR_MEMORY, "0x%" PRIx64 " is in no arena of the heap", address);
}

struct error *heap_arenas_check(struct heap_arenas *arenas, uint64_t start, uint64_t end)
{
	const struct heap_layout *layout = arenas->layout;
	uint64_t size = layout->page_size * layout->arena_pages, arena;

	if (layout->l1_length == 0)
		return start >= arenas->origin && end <= arenas->end
			       ? NULL
			       : error_new(ERROR_MEMORY, "0x%" PRIx64 " is not in the heap's arena", start);
	for (uint64_t at = start; at < end; at += size - (at - layout->origin) % size)
		TRY(heap_arena_of(arenas, at, &arena));
	return NULL;
}
