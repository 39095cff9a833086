/* "Did you mean ...?" for names that do not exist. */
#ifndef ANALYSIS_SUGGESTION_H
#define ANALYSIS_SUGGESTION_H

#include "binary/debug.h"
#include "gotype/gotype.h"

/* Both add a hint to `error` and return it. */
struct error *suggest_variable(struct error *error, struct debug *debug, const char *name) MUST_CHECK;
struct error *suggest_field(struct error *error, const struct gotype *type, const char *name) MUST_CHECK;

#endif
