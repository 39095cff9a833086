#include "target/fake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

struct range {
	uint64_t address;
	size_t length;
	uint8_t *bytes; /* an allocation of its own, so that a sanitizer sees a read past its end */
};

struct fake {
	struct target target;
	struct range *ranges; /* sorted by address */
	size_t range_count;
	size_t range_capacity;
};

static struct fake *fake_of(struct target *target)
{
	return (struct fake *)target;
}

/* How many ranges start at or below `address`. */
static size_t ranges_up_to(const struct fake *fake, uint64_t address)
{
	size_t low = 0, high = fake->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (fake->ranges[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The bytes at `address`, and in *length how many follow in the same range; NULL where there are none. */
static const uint8_t *bytes_at(const struct fake *fake, uint64_t address, size_t *length)
{
	size_t i = ranges_up_to(fake, address);

	if (i == 0)
		return NULL;

	const struct range *range = &fake->ranges[i - 1];
	uint64_t offset = address - range->address;

	if (offset >= range->length)
		return NULL;
	*length = range->length - offset;
	return range->bytes + offset;
}

static void read_piece(const struct fake *fake, struct target_piece *piece)
{
	const uint8_t *bytes;
	size_t length;

	piece->got = 0;
	while (piece->got < piece->length &&
	       (bytes = bytes_at(fake, piece->address.v + piece->got, &length)) != NULL) {
		if (length > piece->length - piece->got)
			length = piece->length - piece->got;
		memcpy((uint8_t *)piece->to + piece->got, bytes, length);
		piece->got += length;
	}
}

static void fake_read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		read_piece(fake_of(target), &pieces[i]);
}

static struct error *fake_unreadable(struct target *target, taddr address)
{
	return error_new(ERROR_MEMORY, "0x%" PRIx64 ": not mapped", address.v);
}

static const void *fake_view(struct target *target, taddr address, size_t length)
{
	size_t there;
	const uint8_t *bytes = bytes_at(fake_of(target), address.v, &there);

	return bytes != NULL && length <= there ? bytes : NULL;
}

static void fake_destroy(struct target *target)
{
	struct fake *fake = fake_of(target);

	for (size_t i = 0; i < fake->range_count; i++)
		free(fake->ranges[i].bytes);
	free(fake->ranges);
	free(fake);
}

static const struct target_ops fake_ops = {
	.kind = "fake",
	.read_pieces = fake_read_pieces,
	.unreadable = fake_unreadable,
	.view = fake_view,
	.destroy = fake_destroy,
};

struct target *fake_create(const struct machine *machine)
{
	struct fake *fake = xcalloc(1, sizeof(*fake));

	fake->target.ops = &fake_ops;
	fake->target.machine = *machine;
	fake->target.executable.fd = -1;
	return &fake->target;
}

void fake_put(struct target *target, taddr address, const void *bytes, size_t length)
{
	struct fake *fake = fake_of(target);
	size_t at = ranges_up_to(fake, address.v);

	if (length == 0)
		return;
	ARRAY_RESERVE(fake->ranges, fake->range_count, fake->range_capacity);
	memmove(&fake->ranges[at + 1], &fake->ranges[at], (fake->range_count - at) * sizeof(*fake->ranges));
	fake->ranges[at] = (struct range){ .address = address.v, .length = length, .bytes = xmalloc(length) };
	memcpy(fake->ranges[at].bytes, bytes, length);
	fake->range_count++;
}
