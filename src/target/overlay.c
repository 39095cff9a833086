#include "target/overlay.h"

#include <stdlib.h>

#include "target/arena.h"
#include "util/alloc.h"

struct overlay {
	struct target target;
	struct target *over, *base;
};

static struct overlay *overlay_of(struct target *target)
{
	return (struct overlay *)target;
}

static struct target *holder(struct target *target, taddr address)
{
	struct overlay *overlay = overlay_of(target);

	return arena_holds(overlay->over, address) ? overlay->over : overlay->base;
}

/* Pieces for the same target go to it together: one system call for many is what they are for. */
static void read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	for (size_t from = 0, to; from < count; from = to) {
		struct target *of = holder(target, pieces[from].address);

		for (to = from + 1; to < count && holder(target, pieces[to].address) == of; to++)
			;
		target_read_pieces(of, pieces + from, to - from);
	}
}

static struct error *unreadable(struct target *target, taddr address)
{
	return target_unreadable(holder(target, address), address);
}

static const void *view(struct target *target, taddr address, size_t length)
{
	return target_view(holder(target, address), address, length);
}

static void destroy(struct target *target)
{
	free(target);
}

static const struct target_ops ops = {
	.kind = "overlay",
	.read_pieces = read_pieces,
	.unreadable = unreadable,
	.view = view,
	.destroy = destroy,
};

struct target *overlay_create(struct target *over, struct target *base)
{
	struct overlay *overlay = xcalloc(1, sizeof(*overlay));

	overlay->target = *base;
	overlay->target.ops = &ops;
	overlay->over = over;
	overlay->base = base;
	return &overlay->target;
}
