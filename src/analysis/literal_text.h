/* A value as the literal that names it in the MAP form: the other way of literal.h. */
#ifndef ANALYSIS_LITERAL_TEXT_H
#define ANALYSIS_LITERAL_TEXT_H

#include "gotype/gotype.h"
#include "util/buffer.h"

/*
 * Appends the literal of a value of `type` whose bytes lie at `address`. False, and nothing appended, where there is none that would
 * find it again: NaN, text that is too long, what cannot be read.
 */
bool literal_text(struct gotype *type, const uint8_t *bytes, taddr address, struct buffer *out);

#endif
