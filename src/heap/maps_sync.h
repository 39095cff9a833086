/* Between maps.c and maps_sync.c only. */
#ifndef HEAP_MAPS_SYNC_H
#define HEAP_MAPS_SYNC_H

#include "heap/maps_private.h"

struct sync_finder;

/* The judge must outlive it. */
struct sync_finder *sync_finder_create(struct map_judge *judge);
/* NULL is allowed. */
void sync_finder_destroy(struct sync_finder *finder);

/* Adds to maps->syncs those that the maps found so far, or nodes in the heap, are parts of. True where it told the walk something new. */
bool sync_finder_look(struct sync_finder *finder, struct heap_maps *maps);

#endif
