/*
 * Memory of our own laid over a target's: what an arena holds is read from there, all else from the target. So a key that was
 * typed can be hashed and compared as if the process had it.
 */
#ifndef TARGET_OVERLAY_H
#define TARGET_OVERLAY_H

#include "target/target.h"

/*
 * A target that reads what `over`, an arena, holds from there, and all else from `base`. Both must outlive it: it destroys
 * neither, and stops nothing. A read does not go on from one into the other.
 */
struct target *overlay_create(struct target *over, struct target *base);

#endif
