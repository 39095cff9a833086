/*
 * A copy of the pages of another target that somebody wants: they are noted first, then fetched in as few and as
 * large runs as their addresses allow, then read as a target like any other. So a process is stopped for the copying
 * only, and small things that lie side by side (the bytes of strings) cost one system call a run, not one each.
 */
#ifndef TARGET_MIRROR_H
#define TARGET_MIRROR_H

#include "target/target.h"

struct mirror;

/* `base` must outlive the mirror. The mirror holds at most `limit` bytes of pages. */
struct mirror *mirror_create(struct target *base, size_t limit);
void mirror_destroy(struct mirror *mirror);

/*
 * The mirror as a target. A read of pages that are not mirrored goes to the base; mirror_late_bytes() counts what was
 * read so after mirror_seal(). View works inside a fetched run. Owned by the mirror: not for target_destroy().
 * stop and resume go to the base.
 */
struct target *mirror_target(struct mirror *mirror);

/* Takes memory for fetching so many bytes later, so that the fetch does not wait for the kernel to find it. */
void mirror_reserve(struct mirror *mirror, size_t bytes);
/* Notes that these bytes are wanted. False, and nothing noted, where the limit would be passed. Cheap for pages already there or noted. */
bool mirror_want(struct mirror *mirror, taddr address, size_t length);
/* Fetches all that is noted. Pages that cannot be read are left out: reading them is an error then, as on the base. */
struct error *mirror_fetch(struct mirror *mirror) MUST_CHECK;
/* Fetches the mirrored pages once more and tells whether any differs from what is mirrored. Reads with a bounded buffer. */
bool mirror_unchanged(struct mirror *mirror);

/* From here on the base runs again: reads that still go to it are counted. */
void mirror_seal(struct mirror *mirror);
uint64_t mirror_late_bytes(const struct mirror *mirror);

/* Bytes held now. */
size_t mirror_size(const struct mirror *mirror);
/* Forgets all pages and notes, keeps memory for reuse. */
void mirror_clear(struct mirror *mirror);

#endif
