/*
 * How far a long run is: one line on standard error that rewrites itself, with rate and time left. It is there only on
 * a terminal that can (TERM is not "dumb"), and only once the run has taken half a second.
 */
#ifndef RENDER_PROGRESS_H
#define RENDER_PROGRESS_H

#include <stdint.h>

struct progress;

/* `what` is being done: "scanning the heap". One at a time. */
struct progress *progress_create(const char *what);
/* Cheap enough for every step: most calls only count. Both in the caller's unit; `total` 0: not known. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);
/* Takes the line away and frees. NULL is allowed. */
void progress_end(struct progress *progress);
/* Takes the line away until the next update shows it again: for whoever writes to the terminal meanwhile. */
void progress_hide(void);

#endif
