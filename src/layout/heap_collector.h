/* What the collector knows of objects: where its bitmaps are, and the types' masks. Called by layout/heap.c only. */
#ifndef LAYOUT_HEAP_COLLECTOR_H
#define LAYOUT_HEAP_COLLECTOR_H

#include "layout/heap.h"

/* The fields of `out` behind no_collector; those before them are set. */
struct error *heap_collector_load(struct binary *binary, const struct layout_struct *mheap, const struct layout_struct *span,
				  struct heap_layout *out) MUST_CHECK;

#endif
