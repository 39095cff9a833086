/* A map's key as the MAP form writes it in an index: the other way round than literal.h. */
#ifndef ANALYSIS_KEY_NAME_H
#define ANALYSIS_KEY_NAME_H

#include "gotype/gotype.h"
#include "util/buffer.h"

/*
 * Appends `["eu"]`, `[7]`, `[uint8(5)]`, `[*main.T(0xc000012345)]`. False, and nothing appended, where the key cannot be read, is
 * of a kind that is not written so (floats, structs), or is a string too long for a name.
 */
bool key_name_append(struct buffer *out, struct gotype *type, taddr address);

#endif
