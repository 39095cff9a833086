/*
 * What goes to standard error, all of it escaped: "mapscope: WHAT: WHY", then "hint: ..." where there is one. Each call
 * is one write, above the progress line if there is one. Colours only on a terminal.
 */
#ifndef RENDER_DIAGNOSTICS_H
#define RENDER_DIAGNOSTICS_H

#include <stdbool.h>

#include "util/error.h"

/* `error` stays the caller's; NULL: nothing happens. */
void diagnostics_error(const struct error *error);
/* "mapscope: warning: ...": something is amiss, the run goes on. */
void diagnostics_warning(const char *format, ...) PRINTF(1, 2);
/* Whether people see it at once. */
bool diagnostics_on_terminal(void);
/* "mapscope: note: ..." */
void diagnostics_note(const char *format, ...) PRINTF(1, 2);

#endif
