/* A core file, as the kernel or gdb's gcore write them; mapped, never read whole. */
#ifndef TARGET_CORE_H
#define TARGET_CORE_H

#include "target/target.h"

/*
 * Opens a core. Its executable (target->executable) is looked for by the path in NT_FILE and may be missing (fd -1).
 * A truncated core works as far as it goes; core_truncated_at() tells. Errors are ERROR_TARGET.
 */
struct error *core_open(const char *path, struct target **out) MUST_CHECK;

/*
 * Uses `fd` (duplicated) as the executable, instead of what NT_FILE named. Pages of it that the core lacks and that
 * nothing can have changed (file-backed, never written) are then read from the file. The caller has checked that it is the same build.
 * `path` is for messages.
 */
struct error *core_use_executable(struct target *target, int fd, const char *path) MUST_CHECK;

/* The size of the file that a truncated core should have had; 0 where it is complete. */
uint64_t core_truncated_at(const struct target *target);

#endif
