/* Looking for a key in a sync.Map. */
#ifndef ANALYSIS_SYNC_KEY_H
#define ANALYSIS_SYNC_KEY_H

#include "analysis/literal.h"
#include "map/sync_map.h"

/*
 * Looks through all entries. *found false: there is no such key, as far as the map could be read; *whole says whether all of it could
 * be. `value` is where the key's value lies.
 */
struct error *sync_key_find(const struct sync_map *map, const struct literal *key, taddr *value, bool *found, bool *whole) MUST_CHECK;

#endif
