/* The files in memory of target/wire.h, as the plug-in has them open. */
#ifndef PLUGIN_FILES_H
#define PLUGIN_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "target/wire.h"

/* Descriptors from here on are in nobody's way. */
enum { ABOVE_OURS = PLUGIN_END };

/* All of them, or none: where one of the numbers is somebody else's. */
bool files_open(void);
void files_close(void);

void file_empty(int fd);
off_t file_size(int fd);

#endif
