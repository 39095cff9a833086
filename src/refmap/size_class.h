/* How much memory Go's allocator gives for a request. Classic maps use what an array of buckets leaves over. */
#ifndef REFMAP_SIZE_CLASS_H
#define REFMAP_SIZE_CLASS_H

#include <stdbool.h>
#include <stdint.h>

#include "layout/version.h"

/* roundupsize() of that version: `size` bytes, not 0, and what fits behind them. `pointers`: the memory may hold pointers. */
uint64_t size_class_round(const struct go_version *version, unsigned word_size, uint64_t size, bool pointers);

#endif
