#include "target/recorder.h"

#include <stdlib.h>

#include "target/page_index.h"
#include "util/alloc.h"
#include "util/table.h"

struct recorder {
	struct target target; /* first, so that target functions find the recorder */
	struct target *base;
	struct table seen; /* page numbers */
	uint64_t *pages;
	size_t count, capacity;
};

static struct recorder *recorder_of(struct target *target)
{
	return (struct recorder *)target;
}

static void record(struct recorder *recorder, const struct target_piece *piece)
{
	if (piece->got == 0)
		return;

	uint64_t last = (piece->address.v + piece->got - 1) / PAGE_INDEX_PAGE;

	for (uint64_t page = piece->address.v / PAGE_INDEX_PAGE; page <= last; page++) {
		if (!table_put(&recorder->seen, page, 0))
			continue;
		ARRAY_RESERVE(recorder->pages, recorder->count, recorder->capacity);
		recorder->pages[recorder->count++] = page;
	}
}

static void recorder_read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	struct recorder *recorder = recorder_of(target);

	target_read_pieces(recorder->base, pieces, count);
	for (size_t i = 0; i < count; i++)
		record(recorder, &pieces[i]);
}

static struct error *recorder_unreadable(struct target *target, taddr address)
{
	return target_unreadable(recorder_of(target)->base, address);
}

static struct error *recorder_threads(struct target *target, struct target_thread **out, size_t *count)
{
	return target_threads(recorder_of(target)->base, out, count);
}

/* recorder_destroy() ends both. */
static void keep(struct target *target)
{
}

static const struct target_ops recorder_ops = {
	.kind = "recorder",
	.read_pieces = recorder_read_pieces,
	.unreadable = recorder_unreadable,
	.threads = recorder_threads,
	.destroy = keep,
};

struct recorder *recorder_create(struct target *base)
{
	struct recorder *recorder = xcalloc(1, sizeof(*recorder));

	recorder->target = *base;
	recorder->target.ops = &recorder_ops;
	recorder->base = base;
	return recorder;
}

struct target *recorder_target(struct recorder *recorder)
{
	return &recorder->target;
}

void recorder_want(const struct recorder *recorder, struct mirror *mirror)
{
	for (size_t i = 0; i < recorder->count; i++)
		if (!mirror_want(mirror, taddr_of(recorder->pages[i] * PAGE_INDEX_PAGE), PAGE_INDEX_PAGE))
			return;
}

size_t recorder_size(const struct recorder *recorder)
{
	return recorder->count * PAGE_INDEX_PAGE;
}

void recorder_destroy(struct recorder *recorder)
{
	if (recorder == NULL)
		return;
	table_free(&recorder->seen);
	free(recorder->pages);
	free(recorder);
}
