/* Map keys as Go source writes them: "eu", 7, -1.5, true, 'x', nil, {1, "a"}, main.point{X: 1}, int64(5), 0xc000012345. */
#ifndef ANALYSIS_LITERAL_H
#define ANALYSIS_LITERAL_H

#include "gotype/gotype.h"

struct literal;

/* Parses a literal at *text and moves *text behind it. ERROR_USAGE where there is none. */
struct error *literal_parse(const char **text, struct literal **out) MUST_CHECK;
void literal_free(struct literal *literal);

/* Whether the literal can be a value of `type`; ERROR_USAGE that shows the type's syntax where it cannot. */
struct error *literal_check(const struct literal *literal, struct gotype *type) MUST_CHECK;

/* Whether the value at hand equals the literal as Go's == would say, interfaces by dynamic type and value. */
struct error *literal_equals(const struct literal *literal, struct gotype *type, const uint8_t *bytes, taddr address,
			     bool *equal) MUST_CHECK;

#endif
