/* Why a process may not be read or stopped, and which setting says so (ptrace(2), "Ptrace access mode checking"). */
#ifndef TARGET_PERMISSION_H
#define TARGET_PERMISSION_H

#include <sys/types.h>

#include "util/error.h"

/*
 * Adds the hint to an error: the setting that forbids it, most certain first. `root` is put before all paths of /proc: "" but for
 * tests. Consumes and returns `error`.
 */
struct error *permission_hint(const char *root, pid_t pid, struct error *error) MUST_CHECK;

/* Whether a snapshot may be made of process `pid`, and read, by who may trace it; `tid` is a living thread of it. */
struct error *permission_to_copy(pid_t pid, pid_t tid) MUST_CHECK;

#endif
