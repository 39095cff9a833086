#include "binary/image.h"

#include <stdlib.h>

#include "util/alloc.h"

struct image {
	struct target target;
	const struct binary *binary;
};

static void read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	const struct image *image = (const struct image *)target;

	for (size_t i = 0; i < count; i++) {
		struct target_piece *piece = &pieces[i];

		/* all or nothing: only what lies at the very end of a segment is read shorter, byte by byte */
		piece->got = binary_read(image->binary, piece->address.v, piece->to, piece->length) ? piece->length : 0;
		if (piece->got == 0)
			while (piece->got < piece->length && binary_read(image->binary, piece->address.v + piece->got,
									 (uint8_t *)piece->to + piece->got, 1))
				piece->got++;
	}
}

static struct error *unreadable(struct target *target, taddr address)
{
	const struct image *image = (const struct image *)target;

	return error_new(ERROR_MEMORY, "0x%llx is not in %s", (unsigned long long)address.v, image->binary->path);
}

static void destroy(struct target *target)
{
	free(target);
}

static const struct target_ops ops = {
	.kind = "image",
	.read_pieces = read_pieces,
	.unreadable = unreadable,
	.destroy = destroy,
};

struct target *image_create(const struct binary *binary)
{
	struct image *image = xcalloc(1, sizeof(*image));

	image->binary = binary;
	image->target.ops = &ops;
	image->target.machine = binary->machine;
	image->target.executable.fd = -1;
	return &image->target;
}
