/*
 * Allocation that does not fail: for small things whose size is ours to choose. Out of memory ends the
 * program with one line and status 3; a process that was being traced is let go by the kernel then.
 * What a target or a file decides the size of goes through alloc_checked().
 */
#ifndef UTIL_ALLOC_H
#define UTIL_ALLOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Ends the program as described above. */
void alloc_failed(void) __attribute__((noreturn)); /* clang has no _Noreturn in a function's type */

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* The product is checked. `count` 0 gives an allocation of one element. */
void *xreallocarray(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
char *xvasprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0), returns_nonnull));

/* Zeroed memory of count * size bytes, or an error where that overflows or is not to be had. */
struct error *alloc_checked(uint64_t count, uint64_t size, const char *what, void **out) MUST_CHECK;

/*
 * Makes room for one more element in a growing array:
 *     ARRAY_RESERVE(things, thing_count, thing_capacity);
 *     things[thing_count++] = ...;
 */
#define ARRAY_RESERVE(items, count, capacity)                                                     \
	do {                                                                                      \
		if ((count) == (capacity)) {                                                      \
			(capacity) = (capacity) ? (capacity) * 2 : 8;                             \
			(items) = xreallocarray((items), (capacity), sizeof(*(items)));           \
		}                                                                                 \
	} while (0)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
