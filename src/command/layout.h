/* Forms of layout that look at no target. */
#ifndef COMMAND_LAYOUT_H
#define COMMAND_LAYOUT_H

#include "command/command.h"

/* layout diff A B: programs, stored layouts, or versions of the table by name. Exit status 1 where they differ, as with
 * diff(1). */
struct error *layout_run_diff(struct session *session) MUST_CHECK;

#endif
