/* Between the census*.c files only. */
#ifndef ANALYSIS_CENSUS_PRIVATE_H
#define ANALYSIS_CENSUS_PRIVATE_H

#include "analysis/census.h"

/* Goroutines, their stacks and variables into the walk; between the roots and the run. */
struct error *census_seed_stacks(struct census *census) MUST_CHECK;

#endif
