/*
 * A target that passes reads on and remembers which pages they touched: whoever reads the same things again soon can have those pages
 * fetched in bulk first.
 */
#ifndef TARGET_RECORDER_H
#define TARGET_RECORDER_H

#include "target/mirror.h"

struct recorder;

/* `base` must outlive it. */
struct recorder *recorder_create(struct target *base);
/* Owned by the recorder: not for target_destroy(). */
struct target *recorder_target(struct recorder *recorder);
/* Notes all pages that were touched in a mirror, as far as its limit lets it. */
void recorder_want(const struct recorder *recorder, struct mirror *mirror);
/* Pages that were touched, in bytes. */
size_t recorder_size(const struct recorder *recorder);
/* NULL is allowed. */
void recorder_destroy(struct recorder *recorder);

#endif
