/*
 * From the page of an address to its span. The address space is cut into blocks of 1024 pages; those that have a span have a
 * table of their own, so that a heap whose parts lie far from each other costs little.
 */
#include <stdlib.h>

#include "heap/spans_private.h"
#include "util/alloc.h"

enum { BLOCK = 1 << HEAP_BLOCK_SHIFT };

struct maker {
	struct heap_spans_private *private;
	unsigned page_shift;
	uint64_t base;
	uint64_t used; /* entries of `pages` */
	bool counting; /* only how many entries there will be */
};

/* The table of a block, begun where it is none yet. */
static uint32_t *block_of(struct maker *maker, uint64_t block)
{
	uint32_t *at = &maker->private->blocks[block - maker->base];

	if (*at == 0) {
		*at = (uint32_t)maker->used;
		maker->used += BLOCK;
	}
	return maker->counting ? NULL : maker->private->pages + *at;
}

/* Blocks that are all of one span are one table. */
static void put_whole_blocks(struct maker *maker, uint64_t block, uint64_t end, uint32_t span)
{
	uint32_t *pages = block_of(maker, block);

	for (uint64_t i = 0; i < BLOCK && !maker->counting; i++)
		pages[i] = span;
	for (uint64_t i = block + 1; i < end; i++)
		maker->private->blocks[i - maker->base] = maker->private->blocks[block - maker->base];
}

static void put_span(struct maker *maker, uint64_t page, uint64_t end, uint32_t span)
{
	while (page < end) {
		uint64_t block = page >> HEAP_BLOCK_SHIFT, whole = end >> HEAP_BLOCK_SHIFT;

		if (page % BLOCK == 0 && whole > block) {
			put_whole_blocks(maker, block, whole, span);
			page = whole << HEAP_BLOCK_SHIFT;
			continue;
		}

		uint32_t *pages = block_of(maker, block);
		uint64_t stop = (block + 1) << HEAP_BLOCK_SHIFT < end ? (block + 1) << HEAP_BLOCK_SHIFT : end;

		for (; page < stop; page++)
			if (!maker->counting)
				pages[page % BLOCK] = span;
	}
}

static void put_all(struct maker *maker)
{
	const struct heap_spans_private *private = maker->private;

	maker->used = BLOCK; /* the first table is that of blocks without a span */
	for (size_t i = 1; i <= private->count; i++) {
		uint64_t page = private->spans[i].start >> maker->page_shift;

		put_span(maker, page, page + (private->sources[i - 1].size >> maker->page_shift), (uint32_t)i);
	}
}

static struct error *allocate(size_t count, uint32_t **out)
{
	void *bytes;

	TRY(alloc_checked(count, sizeof(**out), "the heap's pages", &bytes));
	*out = bytes;
	return NULL;
}

struct error *heap_page_table_make(struct heap_spans *spans)
{
	struct heap_spans_private *private = spans->private;
	struct maker maker = { .private = private, .page_shift = (unsigned)__builtin_ctzll(private->layout.page_size) };
	uint64_t block_count = 0;

	if (private->count != 0) {
		const struct heap_span *last = &private->spans[private->count];
		unsigned shift = maker.page_shift + HEAP_BLOCK_SHIFT;

		maker.base = private->spans[1].start >> shift;
		block_count = ((last->start + private->sources[private->count - 1].size - 1) >> shift) - maker.base + 1;
	}
	TRY(allocate(block_count, &private->blocks));
	maker.counting = true;
	put_all(&maker);
	if (maker.used > UINT32_MAX)
		return error_new(ERROR_MEMORY, "the heap's pages: more than 32 TB");
	TRY(allocate(maker.used, &private->pages));
	maker.counting = false;
	put_all(&maker); /* block_of() finds all tables begun */
	spans->table = (struct heap_page_table){
		.page_shift = maker.page_shift,
		.base = maker.base,
		.block_count = block_count,
		.blocks = private->blocks,
		.pages = private->pages,
		.spans = private->spans,
	};
	return NULL;
}
