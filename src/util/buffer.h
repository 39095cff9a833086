/* A growing run of bytes. All zeroes is an empty buffer. */
#ifndef UTIL_BUFFER_H
#define UTIL_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *bytes;
	size_t length;
	size_t capacity;
};

/* Room for `more` bytes behind the end; returns where they go. The length stays. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t more);
void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The bytes with a NUL behind them, owned by the buffer until it changes. */
const char *buffer_text(struct buffer *buffer);
void buffer_free(struct buffer *buffer);

#endif
