/* The inside of `struct output`, for the writers of this folder whose every byte counts. */
#ifndef RENDER_OUTPUT_PRIVATE_H
#define RENDER_OUTPUT_PRIVATE_H

#include <string.h>

#include "render/output.h"

enum { OUTPUT_BUFFER = 64 * 1024 };

struct output {
	int fd;              /* -1: into `memory` */
	struct buffer *memory;
	bool terminal;
	int error_number;    /* of the first write that failed; 0: none has */
	uint64_t written;    /* to the file descriptor */
	size_t used;
	char bytes[OUTPUT_BUFFER];
};

/* Where up to `length` bytes can go at once; whoever writes there adds to `used`. `length` is at most OUTPUT_BUFFER. */
static inline char *output_room(struct output *output, size_t length)
{
	if (length > OUTPUT_BUFFER - output->used)
		output_flush(output);
	return output->bytes + output->used;
}

static inline void output_put(struct output *output, char c)
{
	*output_room(output, 1) = c;
	output->used++;
}

/* For a few bytes whose number the compiler knows. */
static inline void output_few(struct output *output, const char *bytes, size_t length)
{
	memcpy(output_room(output, length), bytes, length);
	output->used += length;
}

#endif
