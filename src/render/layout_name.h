/* Names in C and Go for what has other names in DWARF. */
#ifndef RENDER_LAYOUT_NAME_H
#define RENDER_LAYOUT_NAME_H

#include <stdbool.h>

#include "util/buffer.h"
#include "util/table.h"

/* Names that were given, so that none is given twice. All zeroes is none; freed with table_free(&names->given). */
struct layout_names {
	struct table given;
};

/* "internal/runtime/maps.Map" is maps_Map, "internal/sync.node[K,V]" is sync_node: appended to `to`. */
void layout_name_struct(struct buffer *to, const char *name);
/* A field or a type: letters and digits of ASCII stay, * is ptr_, [] is slice_, all else is _. */
void layout_name_word(struct buffer *to, const char *name);
/* Where the name was given before: _2, _3, ... behind it. */
void layout_name_settle(struct layout_names *names, struct buffer *name);
/* Text for a comment: one line, without an end of the comment in it. */
void layout_name_comment(struct buffer *to, const char *text);
/* Whether a word means something else to a compiler of C. */
bool layout_name_is_keyword(const char *word);

#endif
