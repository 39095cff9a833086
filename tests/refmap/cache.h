/* What was read once of a process that stands still, kept. */
#ifndef TESTS_REFMAP_CACHE_H
#define TESTS_REFMAP_CACHE_H

#include "target/target.h"

/* `base` must outlive it. */
struct target *cache_create(struct target *base);
/* Forgets everything: the process went on. */
void cache_clear(struct target *cache);

#endif
