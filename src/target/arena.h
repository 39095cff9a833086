/*
 * Memory of our own in the shape of a target's: what is written there by address can be read back as any target is. The
 * reference map lives in one, and so do keys that were typed, laid over the memory of a process or a core.
 */
#ifndef TARGET_ARENA_H
#define TARGET_ARENA_H

#include "target/target.h"

/* An arena whose addresses begin at `base`, not 0, a multiple of 16. It ends when `base` + `limit` would be passed; the size of a
 * reservation, not of memory. Out of either, the program ends as it does without memory. */
struct target *arena_create(const struct machine *machine, taddr base, size_t limit);

/* Whether arena_allocate() would find so much room. */
bool arena_fits(const struct target *arena, size_t size);
/* Zeroed memory of `size` bytes, not 0, at a multiple of 16. */
taddr arena_allocate(struct target *target, size_t size);
/* Gives back what was allocated with that size. */
void arena_free(struct target *target, taddr address, size_t size);
/* Forgets all allocations; the memory is kept. */
void arena_clear(struct target *target);

/* Where the bytes at `address`, which was allocated, are; they stay there until they are given back. */
void *arena_at(const struct target *target, taddr address);
/* Whether the address lies in what has been allocated. */
bool arena_holds(const struct target *arena, taddr address);

#endif
