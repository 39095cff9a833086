#include "target/cache.h"

#include <stdlib.h>
#include <string.h>

#include "target/page_index.h"
#include "util/alloc.h"

enum {
	PAGE = PAGE_INDEX_PAGE,
	BATCH = 512, /* pages that are fetched together */
};

struct line {
	uint64_t number; /* of the page; UINT64_MAX: none */
	uint32_t got;    /* bytes that are good */
	uint32_t batch;  /* the last that needed it */
};

struct cache {
	struct target target; /* first, so that target functions find the cache */
	struct target *base;
	struct line *lines;
	uint8_t *bytes; /* a page a line */
	size_t count;
	struct target_piece pieces[BATCH];
	struct line *fetched[BATCH];
	size_t piece_count;
	uint32_t batch; /* of pieces that are answered together */
};

static struct cache *cache_of(struct target *target)
{
	return (struct cache *)target;
}

static struct line *line_of(struct cache *cache, uint64_t number)
{
	return &cache->lines[number & (cache->count - 1)];
}

static uint8_t *bytes_of(struct cache *cache, const struct line *line)
{
	return cache->bytes + (size_t)(line - cache->lines) * PAGE;
}

static void fetch(struct cache *cache)
{
	if (cache->piece_count != 0)
		target_read_pieces(cache->base, cache->pieces, cache->piece_count);
	for (size_t i = 0; i < cache->piece_count; i++)
		cache->fetched[i]->got = (uint32_t)cache->pieces[i].got;
	cache->piece_count = 0;
}

/* Notes that the page is needed, and to be fetched if it is not there. False: the batch needs its line for another page, or is full. */
static bool want(struct cache *cache, uint64_t number)
{
	struct line *line = line_of(cache, number);

	if (line->number == number) {
		line->batch = cache->batch;
		return true;
	}
	if (line->batch == cache->batch || cache->piece_count == BATCH)
		return false;
	line->number = number;
	line->batch = cache->batch;
	cache->fetched[cache->piece_count] = line;
	cache->pieces[cache->piece_count++] =
		(struct target_piece){ taddr_of(number * PAGE), bytes_of(cache, line), PAGE, 0 };
	return true;
}

/* Small pieces lie in one page or two. */
static bool want_piece(struct cache *cache, const struct target_piece *piece)
{
	return piece->length == 0 ||
	       (want(cache, piece->address.v / PAGE) && want(cache, (piece->address.v + piece->length - 1) / PAGE));
}

static void copy(struct cache *cache, struct target_piece *piece)
{
	piece->got = 0;
	while (piece->got < piece->length) {
		uint64_t at = piece->address.v + piece->got;
		const struct line *line = line_of(cache, at / PAGE);
		size_t offset = (size_t)(at % PAGE);
		size_t some = line->number == at / PAGE && line->got > offset ? line->got - offset : 0;

		if (some == 0)
			return;
		if (some > piece->length - piece->got)
			some = piece->length - piece->got;
		memcpy((uint8_t *)piece->to + piece->got, bytes_of(cache, line) + offset, some);
		piece->got += some;
	}
}

static bool is_small(const struct target_piece *piece)
{
	/* a piece that goes round the end of the addresses is the base's to refuse */
	return piece->length < PAGE && piece->address.v + piece->length >= piece->address.v;
}

static void cache_read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	struct cache *cache = cache_of(target);

	for (size_t i = 0; i < count;) {
		size_t first = i;

		cache->batch++;
		if (!is_small(&pieces[i])) {
			while (i < count && !is_small(&pieces[i]))
				i++;
			target_read_pieces(cache->base, pieces + first, i - first);
			continue;
		}
		while (i < count && is_small(&pieces[i]) && want_piece(cache, &pieces[i]))
			i++;
		fetch(cache);
		for (size_t k = first; k < i; k++)
			copy(cache, &pieces[k]);
		if (i == first) { /* its two pages share a line */
			target_read_pieces(cache->base, &pieces[i], 1);
			i++;
		}
	}
}

static struct error *cache_unreadable(struct target *target, taddr address)
{
	return target_unreadable(cache_of(target)->base, address);
}

static struct error *cache_threads(struct target *target, struct target_thread **out, size_t *count)
{
	return target_threads(cache_of(target)->base, out, count);
}

/* cache_destroy() ends both. */
static void keep(struct target *target)
{
}

static const struct target_ops cache_ops = {
	.kind = "cache",
	.read_pieces = cache_read_pieces,
	.unreadable = cache_unreadable,
	.threads = cache_threads,
	.destroy = keep,
};

struct cache *cache_create(struct target *base, size_t pages)
{
	struct cache *cache = xcalloc(1, sizeof(*cache));

	cache->target = *base;
	cache->target.ops = &cache_ops;
	cache->base = base;
	cache->count = pages;
	cache->lines = xcalloc(pages, sizeof(*cache->lines));
	cache->bytes = xmalloc(pages * PAGE);
	for (size_t i = 0; i < pages; i++)
		cache->lines[i].number = UINT64_MAX;
	return cache;
}

struct target *cache_target(struct cache *cache)
{
	return &cache->target;
}

void cache_destroy(struct cache *cache)
{
	if (cache == NULL)
		return;
	free(cache->lines);
	free(cache->bytes);
	free(cache);
}
