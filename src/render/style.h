/* What the text writers of this folder share about terminals. */
#ifndef RENDER_STYLE_H
#define RENDER_STYLE_H

#include <stdbool.h>

#include "render/text.h"

/* The SGR sequence that a role begins with. */
const char *style_begin(enum text_role role);
/* By TERM: one that does not know escape sequences. */
bool style_dumb_terminal(void);
/* By LC_CTYPE, so only after setlocale(). */
bool style_utf8_locale(void);

#endif
