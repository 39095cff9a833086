/*
 * Pages of another target that were read lately, for whoever asks for many small things that lie near each other, while that target stands
 * still. What is read in one piece of a page or more goes by it.
 */
#ifndef TARGET_CACHE_H
#define TARGET_CACHE_H

#include "target/target.h"

struct cache;

/* `base` must outlive it. Takes 4 KiB for each of `pages`, a power of two. */
struct cache *cache_create(struct target *base, size_t pages);
/* Owned by the cache: not for target_destroy(). */
struct target *cache_target(struct cache *cache);
/* NULL is allowed. */
void cache_destroy(struct cache *cache);

#endif
