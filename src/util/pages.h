/* Memory for bulk copies. */
#ifndef UTIL_PAGES_H
#define UTIL_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/*
 * Memory that is all written soon: taken 2 MiB at a time where the kernel can, as faulting it in page by page takes
 * longer than the copying. Freed with free(). `what` is for the error.
 */
struct error *pages_allocate(size_t size, const char *what, uint8_t **out) MUST_CHECK;
/* Makes the kernel find the memory now. */
void pages_touch(uint8_t *bytes, size_t size);

#endif
