/* Many small reads, in as few of the target as their addresses allow. */
#ifndef HEAP_READ_MANY_H
#define HEAP_READ_MANY_H

#include "target/target.h"

/* `index` is the caller's, to know it by. */
struct heap_read {
	uint64_t address;
	uint32_t length; /* bytes, at most HEAP_READ_LIMIT */
	uint32_t index;
};

enum { HEAP_READ_LIMIT = 64 << 10 };

/* `bytes` are the first `got` ones of the read; they are good during the call only. */
typedef void heap_read_visit(void *context, const struct heap_read *read, const uint8_t *bytes, size_t got);

/* Sorts `reads` by address, reads each, calls `visit` with each in that order. */
void heap_read_many(struct target *target, struct heap_read *reads, size_t count, heap_read_visit *visit, void *context);

/* Sorts by address. */
void heap_reads_sort(struct heap_read *reads, size_t count);

#endif
