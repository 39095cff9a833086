/* Looking for a key in a map: all entries are gone through, no hash is computed. */
#ifndef ANALYSIS_KEY_FIND_H
#define ANALYSIS_KEY_FIND_H

#include "analysis/literal.h"
#include "map/sync_map.h"

/*
 * *found false: there is no such key, as far as the map could be read; *whole says whether all of it could
 * be. `elem` is where the key's elem lies.
 */
struct error *key_find(const struct go_map *map, const struct literal *key, taddr *elem, bool *found, bool *whole) MUST_CHECK;
/* The same of a sync.Map. */
struct error *key_find_sync(const struct sync_map *map, const struct literal *key, taddr *value, bool *found, bool *whole) MUST_CHECK;

#endif
