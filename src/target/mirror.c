#include "target/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "target/page_index.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/pages.h"

#define PAGE PAGE_INDEX_PAGE
/* A piece of a fetch. Small enough that a page missing in it costs little, large enough to cost no calls. */
#define PIECE_PAGES 256
/* How many pieces a batch has: one system call of a live target. */
#define BATCH_PIECES 1024
/* How many bytes a batch may have; between batches an interrupt is noticed. */
#define BATCH_PAGES ((size_t)16384)

/* A spare block with so many bytes is used for a part of a fetch. */
#define SPARE_LEAST ((size_t)1 << 20)

/* Values in the index; others are numbers of runs. */
#define NOTED UINT32_MAX
#define ABSENT (UINT32_MAX - 1)

/* Pages that follow each other, in the base and in our memory. */
struct run {
	uint64_t first; /* page number */
	uint64_t count;
	uint8_t *bytes; /* in a block */
};

/* The pages of an aligned GiB. */
#define REGION_PAGES ((uint64_t)1 << 18)
#define REGIONS_LIMIT 64

struct region {
	uint64_t number; /* of its first page, divided by REGION_PAGES */
	uint64_t *known; /* bit of a page: it is in the index */
};

/* What one fetch allocated. */
struct block {
	uint8_t *bytes;
	size_t size;
	bool used;
};

struct mirror {
	struct target target; /* as the mirror shows itself; first, so that target functions find the mirror */
	struct target *base;
	size_t limit_pages;
	size_t held_pages;
	bool sealed;
	uint64_t late_bytes;
	struct region *regions; /* which pages are known, a bit each: asked a million times while the target stands */
	size_t region_count;
	struct region *last_region;

	struct page_index index;
	uint64_t *noted; /* page numbers, not fetched yet */
	size_t noted_count;
	size_t noted_capacity;
	struct run *runs;
	size_t run_count;
	size_t run_capacity;
	size_t last_run; /* that a read hit */
	struct block *blocks;
	size_t block_count;
	size_t block_capacity;
};

static struct mirror *mirror_of(struct target *target)
{
	return (struct mirror *)target;
}

static bool run_holds(const struct run *run, uint64_t page)
{
	return page - run->first < run->count;
}

/* The run that holds a page, or NULL. */
static const struct run *run_of(struct mirror *mirror, uint64_t page)
{
	if (mirror->last_run < mirror->run_count && run_holds(&mirror->runs[mirror->last_run], page))
		return &mirror->runs[mirror->last_run];

	const uint32_t *value = page_index_get(&mirror->index, page);

	if (value == NULL || *value >= ABSENT)
		return NULL;
	mirror->last_run = *value;
	return &mirror->runs[*value];
}

/* The bytes at an address, and how many follow in the run; NULL where it is not mirrored. */
static const uint8_t *bytes_at(struct mirror *mirror, uint64_t address, uint64_t *length)
{
	const struct run *run = run_of(mirror, address / PAGE);

	if (run == NULL)
		return NULL;

	uint64_t at = (address / PAGE - run->first) * PAGE + address % PAGE;

	*length = run->count * PAGE - at;
	return run->bytes + at;
}

/* Copies as much of the rest of a piece as is mirrored in a row. */
static void copy_mirrored(struct mirror *mirror, struct target_piece *piece)
{
	const uint8_t *bytes;
	uint64_t length;

	while (piece->got < piece->length &&
	       (bytes = bytes_at(mirror, piece->address.v + piece->got, &length)) != NULL) {
		if (length > piece->length - piece->got)
			length = piece->length - piece->got;
		memcpy((uint8_t *)piece->to + piece->got, bytes, length);
		piece->got += length;
	}
}

/* The stretch of a piece that must come from the base: from where it stands up to the next mirrored page. */
static struct target_piece late_stretch(struct mirror *mirror, const struct target_piece *piece)
{
	uint64_t from = piece->address.v + piece->got;
	uint64_t length = PAGE - from % PAGE;

	while (length < piece->length - piece->got && run_of(mirror, (from + length) / PAGE) == NULL)
		length += PAGE;
	if (length > piece->length - piece->got)
		length = piece->length - piece->got;
	return (struct target_piece){ .address = taddr_of(from), .to = (uint8_t *)piece->to + piece->got,
				      .length = length };
}

/* Reads what the mirror lacks at the places where the pieces stand, in one go. False where no piece went on. */
static bool read_late(struct mirror *mirror, struct target_piece *pieces, size_t count, bool *ended)
{
	struct target_piece *late = xcalloc(count, sizeof(*late));
	size_t late_count = 0, at = 0;
	bool progress = false;

	for (size_t i = 0; i < count; i++)
		if (!ended[i] && pieces[i].got < pieces[i].length)
			late[late_count++] = late_stretch(mirror, &pieces[i]);
	if (late_count != 0)
		target_read_pieces(mirror->base, late, late_count);
	for (size_t i = 0; i < count && at < late_count; i++) {
		if (ended[i] || pieces[i].got == pieces[i].length)
			continue;
		pieces[i].got += late[at].got;
		if (mirror->sealed)
			mirror->late_bytes += late[at].got;
		ended[i] = late[at].got < late[at].length;
		progress |= !ended[i];
		at++;
	}
	free(late);
	return progress;
}

/* The slow way: pieces that the mirror holds in part or not at all. */
static void read_mixed(struct mirror *mirror, struct target_piece *pieces, size_t count)
{
	bool *ended = xcalloc(count, sizeof(*ended)); /* the base could not read on */

	while (read_late(mirror, pieces, count, ended))
		for (size_t i = 0; i < count; i++)
			if (!ended[i])
				copy_mirrored(mirror, &pieces[i]);
	free(ended);
}

static void mirror_read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	struct mirror *mirror = mirror_of(target);
	bool whole = true;

	for (size_t i = 0; i < count; i++) {
		pieces[i].got = 0;
		copy_mirrored(mirror, &pieces[i]);
		whole &= pieces[i].got == pieces[i].length;
	}
	if (!whole)
		read_mixed(mirror, pieces, count);
}

static const void *mirror_view(struct target *target, taddr address, size_t length)
{
	uint64_t there;
	const uint8_t *bytes = bytes_at(mirror_of(target), address.v, &there);

	return bytes != NULL && length <= there ? bytes : NULL;
}

static struct error *mirror_unreadable(struct target *target, taddr address)
{
	return target_unreadable(mirror_of(target)->base, address);
}

static struct error *mirror_stop(struct target *target)
{
	return target_stop(mirror_of(target)->base);
}

static void mirror_resume(struct target *target)
{
	target_resume(mirror_of(target)->base);
}

/* The mirror owns its target; mirror_destroy() ends both. */
static void keep(struct target *target)
{
}

static const struct target_ops mirror_ops = {
	.kind = "mirror",
	.read_pieces = mirror_read_pieces,
	.unreadable = mirror_unreadable,
	.view = mirror_view,
	.stop = mirror_stop,
	.resume = mirror_resume,
	.destroy = keep,
};

struct mirror *mirror_create(struct target *base, size_t limit)
{
	struct mirror *mirror = xcalloc(1, sizeof(*mirror));

	mirror->target = *base;
	mirror->target.ops = &mirror_ops;
	mirror->base = base;
	mirror->limit_pages = limit / PAGE;
	return mirror;
}

void mirror_destroy(struct mirror *mirror)
{
	if (mirror == NULL)
		return;
	for (size_t i = 0; i < mirror->block_count; i++)
		free(mirror->blocks[i].bytes);
	free(mirror->blocks);
	free(mirror->runs);
	free(mirror->noted);
	for (size_t i = 0; i < mirror->region_count; i++)
		free(mirror->regions[i].known);
	free(mirror->regions);
	page_index_free(&mirror->index);
	free(mirror);
}

struct target *mirror_target(struct mirror *mirror)
{
	return &mirror->target;
}

static bool is_known(const struct mirror *mirror, uint64_t page)
{
	return page_index_get(&mirror->index, page) != NULL;
}

/* The region of a page, made if need be; NULL where there are too many. */
static struct region *region_of(struct mirror *mirror, uint64_t page)
{
	uint64_t number = page / REGION_PAGES;

	for (size_t i = 0; i < mirror->region_count; i++)
		if (mirror->regions[i].number == number)
			return &mirror->regions[i];
	if (mirror->region_count == REGIONS_LIMIT)
		return NULL;
	if (mirror->regions == NULL)
		mirror->regions = xcalloc(REGIONS_LIMIT, sizeof(*mirror->regions));

	struct region *region = &mirror->regions[mirror->region_count++];

	*region = (struct region){ number, xcalloc(REGION_PAGES / 64, sizeof(*region->known)) };
	return region;
}

/* Whether the page was marked known, told by the region that the last one was in. */
static inline bool is_marked(const struct mirror *mirror, uint64_t page)
{
	const struct region *region = mirror->last_region;
	uint64_t bit = page % REGION_PAGES;

	return region != NULL && region->number == page / REGION_PAGES && (region->known[bit / 64] >> bit % 64 & 1);
}

static void mark(struct mirror *mirror, uint64_t page)
{
	struct region *region = region_of(mirror, page);
	uint64_t bit = page % REGION_PAGES;

	if (region == NULL)
		return;
	region->known[bit / 64] |= UINT64_C(1) << bit % 64;
	mirror->last_region = region;
}

static bool fits(const struct mirror *mirror, uint64_t pages)
{
	return pages <= mirror->limit_pages - mirror->held_pages - mirror->noted_count;
}

static void note(struct mirror *mirror, uint64_t page)
{
	page_index_put(&mirror->index, page, NOTED);
	ARRAY_RESERVE(mirror->noted, mirror->noted_count, mirror->noted_capacity);
	mirror->noted[mirror->noted_count++] = page;
}

/* Several pages, or a new one: all or nothing. */
static bool want_pages(struct mirror *mirror, uint64_t first, uint64_t count)
{
	uint64_t missing = 0;

	for (uint64_t i = 0; i < count; i++) {
		missing += !is_known(mirror, first + i);
		if (!fits(mirror, missing))
			return false;
	}
	for (uint64_t i = 0; i < count && missing != 0; i++) {
		if (!is_known(mirror, first + i)) {
			note(mirror, first + i);
			missing--;
		}
	}
	return true;
}

bool mirror_want(struct mirror *mirror, taddr address, size_t length)
{
	uint64_t first = address.v / PAGE, last;

	if (length == 0)
		return true;
	if (__builtin_add_overflow(address.v, length - 1, &last))
		return false; /* more than there is */
	last /= PAGE;
	if (is_marked(mirror, first) && (first == last || (first + 1 == last && is_marked(mirror, last))))
		return true;
	if (!want_pages(mirror, first, last - first + 1))
		return false;
	for (uint64_t page = first; page <= last; page++)
		mark(mirror, page);
	return true;
}

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

void mirror_seal(struct mirror *mirror)
{
	mirror->sealed = true;
}

uint64_t mirror_late_bytes(const struct mirror *mirror)
{
	return mirror->late_bytes;
}

size_t mirror_size(const struct mirror *mirror)
{
	return mirror->held_pages * PAGE;
}

void mirror_clear(struct mirror *mirror)
{
	page_index_clear(&mirror->index);
	for (size_t i = 0; i < mirror->region_count; i++)
		memset(mirror->regions[i].known, 0, REGION_PAGES / 8);
	mirror->noted_count = 0;
	mirror->run_count = 0;
	mirror->last_run = 0;
	mirror->held_pages = 0;
	mirror->sealed = false;
	mirror->late_bytes = 0;
	for (size_t i = 0; i < mirror->block_count; i++)
		mirror->blocks[i].used = false;
}
