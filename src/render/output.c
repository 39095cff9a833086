#include "render/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "render/output_private.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/limits.h"

enum { OUTPUT_NUMBER = 24 }; /* the longest of the numbers below, and some */

static struct output *create(int fd, struct buffer *memory)
{
	struct output *output = xmalloc(sizeof(*output)); /* not zeroed: the buffer is large and its start is enough */

	output->fd = fd;
	output->memory = memory;
	output->terminal = fd >= 0 && isatty(fd);
	output->error_number = 0;
	output->written = 0;
	output->used = 0;
	return output;
}

struct output *output_create(int fd)
{
	return create(fd, NULL);
}

struct output *output_create_memory(struct buffer *into)
{
	return create(-1, into);
}

/* Waits where standard output was left non-blocking by somebody else. Returns 0 where another try makes sense. */
static int retry_after(int fd, int error_number)
{
	if (error_number == EINTR)
		return interrupt_pending() ? EINTR : 0;
	if (error_number != EAGAIN)
		return error_number;

	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	if (poll(&ready, 1, -1) < 0 && errno != EINTR)
		return errno;
	return interrupt_pending() ? EINTR : 0;
}

static void write_all(struct output *output, const char *bytes, size_t length)
{
	while (length > 0 && output->error_number == 0) {
		ssize_t written = write(output->fd, bytes, length);

		if (written < 0) {
			output->error_number = retry_after(output->fd, errno);
			continue;
		}
		bytes += written;
		length -= (size_t)written;
		output->written += (uint64_t)written;
		if (output->written > limit_of(LIMIT_OUTPUT))
			output->error_number = EFBIG;
	}
}

static void drain(struct output *output, const void *bytes, size_t length)
{
	if (output->memory != NULL)
		buffer_append(output->memory, bytes, length);
	else
		write_all(output, bytes, length);
}

void output_flush(struct output *output)
{
	drain(output, output->bytes, output->used);
	output->used = 0;
}

void output_bytes(struct output *output, const void *bytes, size_t length)
{
	if (length > OUTPUT_BUFFER - output->used) {
		output_flush(output);
		if (length > OUTPUT_BUFFER) {
			drain(output, bytes, length);
			return;
		}
	}
	if (length > 0)
		memcpy(output->bytes + output->used, bytes, length);
	output->used += length;
}

void output_text(struct output *output, const char *text)
{
	output_bytes(output, text, strlen(text));
}

void output_char(struct output *output, char c)
{
	output_put(output, c);
}

void output_format(struct output *output, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = xvasprintf(format, arguments);
	va_end(arguments);
	output_text(output, text);
	free(text);
}

/* Two digits a division, from the end of `digits` backwards. Returns where they begin. */
static char *decimal(char digits[static OUTPUT_NUMBER], uint64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char *at = digits + OUTPUT_NUMBER;

	while (value >= 100) {
		at -= 2;
		memcpy(at, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(at, pairs + value * 2, 2);
	} else {
		*--at = (char)('0' + value);
	}
	return at;
}

void output_unsigned(struct output *output, uint64_t value)
{
	char digits[OUTPUT_NUMBER];
	const char *at = decimal(digits, value);

	output_bytes(output, at, (size_t)(digits + OUTPUT_NUMBER - at));
}

void output_signed(struct output *output, int64_t value)
{
	if (value < 0)
		output_char(output, '-');
	output_unsigned(output, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void output_address(struct output *output, uint64_t value)
{
	char digits[OUTPUT_NUMBER];
	char *at = digits + OUTPUT_NUMBER;

	do {
		*--at = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value != 0);
	*--at = 'x';
	*--at = '0';
	output_bytes(output, at, (size_t)(digits + OUTPUT_NUMBER - at));
}

bool output_failed(const struct output *output)
{
	return output->error_number != 0;
}

bool output_is_terminal(const struct output *output)
{
	return output->terminal;
}

unsigned output_columns(const struct output *output)
{
	struct winsize size;

	if (!output->terminal || ioctl(output->fd, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

struct error *output_close(struct output *output)
{
	output_flush(output);

	int error_number = output->error_number;
	bool limited = output->written > limit_of(LIMIT_OUTPUT);
	const char *what = output->fd == STDOUT_FILENO ? "standard output" : "output";

	free(output);
	if (error_number == 0 || error_number == EPIPE || error_number == EINTR) /* whom a signal ends has nothing to say of it */
		return NULL;
	if (limited)
		return limit_passed(LIMIT_OUTPUT, "%s", what);
	return error_new(ERROR_TARGET, "%s: %s", what, strerror(error_number));
}
