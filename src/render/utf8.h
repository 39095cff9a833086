/* UTF-8 from strangers: what is a code point, and which of them may reach a terminal or a file as they are. */
#ifndef RENDER_UTF8_H
#define RENDER_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The code point that `bytes` begin with goes to *code. Returns its bytes (1 to 4), or 0 where they are no UTF-8: also
 * for overlong forms, surrogates, code points beyond U+10FFFF, and one that is cut off by `length`.
 */
size_t utf8_decode(const uint8_t *bytes, size_t length, uint32_t *code);
bool utf8_valid(const uint8_t *bytes, size_t length);

/*
 * False for what has no shape of its own: controls, format characters (bidi, zero width, BOM, tags), spaces other than
 * U+0020, line separators, private use, noncharacters. Does not depend on the locale. Code points that Unicode has not
 * assigned yet count as printable.
 */
bool utf8_printable(uint32_t code);

/* How many of the bytes, from the first on, are printable ASCII without '"' and '\\'. */
size_t utf8_plain_run(const uint8_t *bytes, size_t length);

#endif
