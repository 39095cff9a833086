/*
 * What leaves the program: a buffered writer over a file descriptor. The first failed write (full disk, closed pipe) is
 * kept, later writes are dropped; output_close() reports it.
 */
#ifndef RENDER_OUTPUT_H
#define RENDER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buffer.h"
#include "util/error.h"

struct output;

/* `fd` stays the caller's. */
struct output *output_create(int fd);
/* Writes behind the end of `into`, which is complete after output_flush() or output_close(). */
struct output *output_create_memory(struct buffer *into);
void output_bytes(struct output *output, const void *bytes, size_t length);
void output_text(struct output *output, const char *text);
void output_char(struct output *output, char c);
void output_format(struct output *output, const char *format, ...) PRINTF(2, 3);
/* Decimal and 0x-hexadecimal numbers, without the cost of printf. */
void output_unsigned(struct output *output, uint64_t value);
void output_signed(struct output *output, int64_t value);
void output_address(struct output *output, uint64_t value);
/* Writes out what is buffered. */
void output_flush(struct output *output);
/* True once a write has failed: long loops stop then. */
bool output_failed(const struct output *output);
bool output_is_terminal(const struct output *output);
/* The width of the terminal; 0: it is none, or does not say. */
unsigned output_columns(const struct output *output);
/*
 * Flushes and frees; the error of the first write that failed, or NULL. EPIPE is not an error. A signal that
 * interrupt_pending() knows of ends a write that blocks; that is an error.
 */
struct error *output_close(struct output *output) MUST_CHECK;

#endif
