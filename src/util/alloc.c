#include "util/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/give_up.h"

void alloc_failed(void)
{
	give_up(ERROR_TARGET, "out of memory: an allocation failed", "--limit memory=SIZE lets mapscope take more");
}

void *xmalloc(size_t size)
{
	void *memory = malloc(size ? size : 1);

	if (memory == NULL)
		alloc_failed();
	return memory;
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);

	if (memory == NULL)
		alloc_failed();
	return memory;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	void *memory = reallocarray(old, count ? count : 1, size);

	if (memory == NULL)
		alloc_failed();
	return memory;
}

char *xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}

char *xstrndup(const char *text, size_t length)
{
	char *copy = xmalloc(length + 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *xvasprintf(const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		alloc_failed();
	return text;
}

char *xasprintf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = xvasprintf(format, arguments);
	va_end(arguments);
	return text;
}

struct error *alloc_checked(uint64_t count, uint64_t size, const char *what, void **out)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
		return error_new(ERROR_MEMORY, "%s: %" PRIu64 " elements of %" PRIu64 " bytes are no sound size", what, count, size);

	void *memory = calloc(count ? (size_t)count : 1, size ? (size_t)size : 1);

	if (memory == NULL)
		return error_new(ERROR_TARGET, "%s: no memory for %zu bytes", what, bytes);
	*out = memory;
	return NULL;
}
