/*
 * A way to give GDB much text at once. A script it reads byte by byte, with two system calls each. The constants of a symbol
 * file it takes from the file as it is, which it has mapped into its memory: so ours is a file in memory, which holds nothing
 * but constants, arrays of bytes, whose bytes are changed as often as there is more text.
 */
#ifndef PLUGIN_WINDOW_H
#define PLUGIN_WINDOW_H

#include <stddef.h>
#include <stdint.h>

/* Where text is in the window. */
struct window_view {
	size_t length;      /* how much of the text has found room: 0 where there is no window */
	unsigned long name; /* of the constants: _mapscope_NAME_0 and so on, NAME in hexadecimal; the last ends with a 0 */
	unsigned parts;     /* so many of them */
	uint32_t turn;      /* and _mapscope_NAME_turn is this, where GDB sees what we see */
};

struct window_view window_show(const uint8_t *text, size_t length);
/* The text's memory goes back to the system. */
void window_clear(void);
/* Another file is made next time. */
void window_forget(void);

#endif
