/*
 * Local variables and parameters of goroutines, by name: "goroutine 7: frame 2: cache", or "goroutine 7: cache" in
 * any frame.
 */
#ifndef ANALYSIS_LOCAL_H
#define ANALYSIS_LOCAL_H

#include "analysis/expression.h"

struct local_scope {
	uint64_t goroutine;
	bool frame_given; /* else the innermost frame that has such a name */
	unsigned frame;
};

/*
 * Reads "goroutine N:" and "frame N:" at *at and goes behind them; *found is false, and *at as it was, where the text
 * does not begin so. ERROR_USAGE where it does, and then goes wrong.
 */
struct error *local_parse_scope(const char **at, struct local_scope *out, bool *found) MUST_CHECK;
/*
 * Finds a variable in a scope; the target should stand. The program's stacks are opened for it (program->stack) and
 * read anew each time. ERROR_TARGET where there is no such goroutine, frame or variable, or it is optimised out.
 */
struct error *local_find(struct program *program, const struct local_scope *scope, const char *name,
			 struct place *out) MUST_CHECK;

#endif
