/* Between the census*.c files only. */
#ifndef ANALYSIS_CENSUS_PRIVATE_H
#define ANALYSIS_CENSUS_PRIVATE_H

#include "analysis/census.h"

/* Goroutines, their stacks and variables into the walk; between the roots and the run. */
struct error *census_seed_stacks(struct census *census) MUST_CHECK;

/* Room for one more item. */
void census_reserve(struct census *census);
/* What a map of type `like` at the item's address owns. */
void census_measure(struct census_map *item);
/* Adds the sync.Maps, and takes their inner maps away. */
struct error *census_find_sync(struct census *census) MUST_CHECK;

#endif
