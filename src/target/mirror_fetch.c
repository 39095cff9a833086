/* Filling a mirror: the noted pages in few and large pieces, and once more to compare. */
#include <stdlib.h>
#include <string.h>

#include "target/mirror_private.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/pages.h"

/* A piece of a fetch. Small enough that a page missing in it costs little, large enough to cost no calls. */
#define PIECE_PAGES 256
/* How many pieces a batch has: one system call of a live target. */
#define BATCH_PIECES 1024
/* How many bytes a batch may have; between batches an interrupt is noticed. */
#define BATCH_PAGES ((size_t)16384)
/* A spare block with so many bytes is used for a part of a fetch. */
#define SPARE_LEAST ((size_t)1 << 20)

/* The pages of one fetch, sorted: what lies where in its block, and what turned out absent. */
struct fetch {
	struct mirror *mirror;
	const uint64_t *pages;
	size_t count;
	uint8_t *bytes; /* of page i at i * PAGE */
	bool *absent;
};

/* How many pages from `from` on follow each other, up to `most`. */
static size_t row_length(const struct fetch *fetch, size_t from, size_t most)
{
	size_t n = 1;

	while (n < most && from + n < fetch->count && fetch->pages[from + n] == fetch->pages[from] + n)
		n++;
	return n;
}

static struct target_piece piece_of(const struct fetch *fetch, size_t from, size_t pages)
{
	return (struct target_piece){ .address = taddr_of(fetch->pages[from] * PAGE), .to = fetch->bytes + from * PAGE,
				      .length = pages * PAGE };
}

/*
 * A piece broke off: its page there is absent; those behind it are tried one by one, as many may be absent too.
 * A page that can be read in part is left out: the base reads it exactly.
 */
static void fetch_rest(const struct fetch *fetch, const struct target_piece *piece)
{
	size_t first = (size_t)((uint8_t *)piece->to - fetch->bytes) / PAGE;
	size_t bad = first + piece->got / PAGE, end = first + piece->length / PAGE;
	struct target_piece rest[PIECE_PAGES];
	size_t count = 0;

	fetch->absent[bad] = true;
	for (size_t i = bad + 1; i < end; i++)
		rest[count++] = piece_of(fetch, i, 1);
	if (count != 0)
		target_read_pieces(fetch->mirror->base, rest, count);
	for (size_t i = 0; i < count; i++)
		fetch->absent[bad + 1 + i] = rest[i].got < PAGE;
}

/* One batch of pieces from page `from` on; returns where the next one begins. */
static size_t fetch_batch(const struct fetch *fetch, size_t from, struct target_piece *pieces)
{
	size_t begin = from, count = 0;

	while (from < fetch->count && count < BATCH_PIECES && from - begin < BATCH_PAGES) {
		size_t pages = row_length(fetch, from, PIECE_PAGES);

		pieces[count++] = piece_of(fetch, from, pages);
		from += pages;
	}
	target_read_pieces(fetch->mirror->base, pieces, count);
	for (size_t i = 0; i < count; i++)
		if (pieces[i].got < pieces[i].length)
			fetch_rest(fetch, &pieces[i]);
	return from;
}

static struct error *fetch_all(const struct fetch *fetch)
{
	struct target_piece *pieces = xcalloc(BATCH_PIECES, sizeof(*pieces));
	struct error *error = NULL;

	for (size_t at = 0; at < fetch->count && error == NULL;) {
		error = interrupt_check();
		if (error == NULL)
			at = fetch_batch(fetch, at, pieces);
	}
	free(pieces);
	return error;
}

static void add_run(struct mirror *mirror, const struct fetch *fetch, size_t from, size_t pages)
{
	ARRAY_RESERVE(mirror->runs, mirror->run_count, mirror->run_capacity);
	mirror->runs[mirror->run_count] = (struct run){ fetch->pages[from], pages, fetch->bytes + from * PAGE };
	for (size_t i = 0; i < pages; i++)
		*page_index_get(&mirror->index, fetch->pages[from] + i) = (uint32_t)mirror->run_count;
	mirror->run_count++;
	mirror->held_pages += pages;
}

/* Whether page i + 1 continues a run that page i is in. */
static bool goes_on(const struct fetch *fetch, size_t i)
{
	return i + 1 < fetch->count && fetch->pages[i + 1] == fetch->pages[i] + 1 && !fetch->absent[i + 1];
}

/* Makes runs of the pages that came. */
static void take(struct mirror *mirror, const struct fetch *fetch)
{
	for (size_t at = 0; at < fetch->count;) {
		size_t pages = 1;

		if (fetch->absent[at]) {
			*page_index_get(&mirror->index, fetch->pages[at++]) = ABSENT;
			continue;
		}
		while (goes_on(fetch, at + pages - 1))
			pages++;
		add_run(mirror, fetch, at, pages);
		at += pages;
	}
}

/* A block that mirror_reserve() or mirror_clear() left: the smallest that has `size` bytes, else the largest. */
static struct block *spare_block(struct mirror *mirror, size_t size)
{
	struct block *best = NULL;

	for (size_t i = 0; i < mirror->block_count; i++) {
		struct block *block = &mirror->blocks[i];

		if (block->used)
			continue;
		if (best == NULL || (block->size >= size && (best->size < size || block->size < best->size)) ||
		    (best->size < size && block->size > best->size))
			best = block;
	}
	return best;
}

/* Room for the pages of a fetch, or for as many as a spare block has: *size comes back as what there is. */
static struct error *get_block(struct mirror *mirror, size_t *size, uint8_t **out)
{
	struct block *spare = spare_block(mirror, *size);

	if (spare != NULL && (spare->size >= *size || spare->size >= SPARE_LEAST)) {
		spare->used = true;
		*out = spare->bytes;
		if (*size > spare->size)
			*size = spare->size;
		return NULL;
	}

	uint8_t *bytes = NULL;

	TRY(pages_allocate(*size, "a copy of the target's memory", &bytes));
	ARRAY_RESERVE(mirror->blocks, mirror->block_count, mirror->block_capacity);
	mirror->blocks[mirror->block_count++] = (struct block){ bytes, *size, true };
	*out = bytes;
	return NULL;
}

void mirror_reserve(struct mirror *mirror, size_t bytes)
{
	struct block block = { .size = (bytes + PAGE - 1) / PAGE * PAGE };
	struct error *error = pages_allocate(block.size, "a copy of the target's memory", &block.bytes);

	if (error != NULL) { /* the fetch tries again, and says so */
		error_free(error);
		return;
	}
	pages_touch(block.bytes, block.size);
	ARRAY_RESERVE(mirror->blocks, mirror->block_count, mirror->block_capacity);
	mirror->blocks[mirror->block_count++] = block;
}

static void put_block_back(struct mirror *mirror, const uint8_t *bytes)
{
	for (size_t i = 0; i < mirror->block_count; i++)
		if (mirror->blocks[i].bytes == bytes)
			mirror->blocks[i].used = false;
}

/* Fetches the noted pages from `from` on, as many as find room together. */
static struct error *fetch_some(struct mirror *mirror, size_t from, size_t *count)
{
	struct fetch fetch = { .mirror = mirror, .pages = mirror->noted + from };
	size_t size = (mirror->noted_count - from) * PAGE;

	TRY(get_block(mirror, &size, &fetch.bytes));
	fetch.count = size / PAGE;
	fetch.absent = xcalloc(fetch.count, sizeof(*fetch.absent));

	struct error *error = fetch_all(&fetch);

	if (error == NULL)
		take(mirror, &fetch);
	else
		put_block_back(mirror, fetch.bytes);
	free(fetch.absent);
	*count = fetch.count;
	return error;
}

struct error *mirror_fetch(struct mirror *mirror)
{
	size_t done = 0, count;

	page_numbers_sort(mirror->noted, mirror->noted_count);
	while (done < mirror->noted_count) {
		TRY(fetch_some(mirror, done, &count));
		done += count;
	}
	mirror->noted_count = 0;
	return NULL;
}

/* Fetches a piece of a run again; a page that has become unreadable has changed. */
static bool piece_unchanged(struct mirror *mirror, const struct run *run, uint64_t from, uint64_t pages, uint8_t *room)
{
	size_t length = pages * PAGE;

	return target_read_some(mirror->base, taddr_of((run->first + from) * PAGE), room, length) == length &&
	       memcmp(room, run->bytes + from * PAGE, length) == 0;
}

/* Fetches short runs again, many with one call. `room` has PIECE_PAGES pages; returns how many runs were compared. */
static size_t short_runs_unchanged(struct mirror *mirror, size_t from, uint8_t *room, bool *same)
{
	struct target_piece pieces[PIECE_PAGES];
	size_t count = 0, pages = 0;

	for (size_t i = from; i < mirror->run_count && pages + mirror->runs[i].count <= PIECE_PAGES; i++) {
		const struct run *run = &mirror->runs[i];

		pieces[count++] = (struct target_piece){ .address = taddr_of(run->first * PAGE),
							 .to = room + pages * PAGE, .length = run->count * PAGE };
		pages += run->count;
	}
	if (count != 0)
		target_read_pieces(mirror->base, pieces, count);
	for (size_t i = 0; i < count; i++)
		*same &= pieces[i].got == pieces[i].length &&
			 memcmp(pieces[i].to, mirror->runs[from + i].bytes, pieces[i].length) == 0;
	return count;
}

bool mirror_unchanged(struct mirror *mirror)
{
	uint8_t *room = xmalloc(PIECE_PAGES * PAGE);
	bool same = true;

	for (size_t i = 0; i < mirror->run_count && same;) {
		const struct run *run = &mirror->runs[i];
		size_t compared = short_runs_unchanged(mirror, i, room, &same);

		i += compared ? compared : 1;
		for (uint64_t at = 0; compared == 0 && at < run->count && same; at += PIECE_PAGES) {
			uint64_t left = run->count - at;

			same = piece_unchanged(mirror, run, at, left < PIECE_PAGES ? left : PIECE_PAGES, room);
		}
	}
	free(room);
	return same;
}
