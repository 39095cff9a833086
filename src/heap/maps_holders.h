/* Between maps.c and maps_holders.c only. */
#ifndef HEAP_MAPS_HOLDERS_H
#define HEAP_MAPS_HOLDERS_H

#include "heap/maps_private.h"

struct map_holders;

/* What of the program's types has maps in it; the judge must outlive it. Only for programs without DWARF, whose types are those of descriptors. */
struct map_holders *map_holders_create(struct map_judge *judge);
/* NULL is allowed. */
void map_holders_destroy(struct map_holders *holders);

/* Takes candidates away that what holds the map cannot hold; where one is left it is the map's type. */
void map_holders_narrow(struct map_holders *holders, struct heap_map *map);

#endif
