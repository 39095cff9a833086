#include "target/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "target/mirror_private.h"
#include "util/alloc.h"

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

static struct error *mirror_threads(struct target *target, struct target_thread **out, size_t *count)
{
	return target_threads(mirror_of(target)->base, out, count);
}

static const struct target_ops mirror_ops = {
	.kind = "mirror",
	.read_pieces = mirror_read_pieces,
	.unreadable = mirror_unreadable,
	.view = mirror_view,
	.stop = mirror_stop,
	.resume = mirror_resume,
	.threads = mirror_threads,
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
