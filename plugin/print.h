/*
 * Has GDB print what the program printed, so that it goes where all goes that GDB prints: through commands that
 * mapscope.gdb sources, from PLUGIN_SCRIPT. Little text is in them, much in the window, as far as that has room for it.
 */
#ifndef PLUGIN_PRINT_H
#define PLUGIN_PRINT_H

#include <stdbool.h>
#include <stdint.h>

/* All that is in PLUGIN_TEXT, then what PLUGIN_VARIABLES has, and $map_status. */
void print_start(int status);
/* Whether there is something to do once GDB has printed that turn of the window. */
bool print_has_more(uint64_t turn);
void print_more(void);
/* Gives back what memory there is still from a command that was interrupted. */
void print_end(void);

#endif
