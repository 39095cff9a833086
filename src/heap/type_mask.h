/* Which words of a type's values hold pointers: the masks of type descriptors, each read once. For this folder only. */
#ifndef HEAP_TYPE_MASK_H
#define HEAP_TYPE_MASK_H

#include "gotype/program.h"
#include "layout/heap.h"

struct type_mask {
	uint64_t size;     /* bytes of a value */
	/* A pattern that repeats each `stride` words, and has no pointer behind `words` of these. It may be of several values. */
	uint64_t stride, words;
	uint64_t *pattern; /* NULL: no pointers at all */
	bool describes;    /* it is a type; else a bitmap that the runtime made in the form of one */
	char *unreadable;  /* why nothing is known; NULL where it is */
};

struct type_masks;

/* `layout` must outlive it. */
struct type_masks *type_masks_create(struct program *program, const struct heap_layout *layout);
/* NULL is allowed. */
void type_masks_free(struct type_masks *masks);

/*
 * The mask of the type at `descriptor`, whose values take `limit` bytes at most. Never NULL; good for the masks' life, but where
 * it is unreadable until the next call.
 */
const struct type_mask *type_mask_find(struct type_masks *masks, taddr descriptor, uint64_t limit);

/* ORs the masks of values side by side, words [first, first + count) of them, into bits [to, to + count) of `out`. */
void type_mask_repeat(const struct type_mask *mask, uint64_t first, uint64_t count, uint64_t *out, uint64_t to);

#endif
