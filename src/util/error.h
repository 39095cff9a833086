/* Errors as values: NULL is success, anything else says what went wrong, where and why. */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are the exit statuses of the command-line contract. */
enum error_code {
	ERROR_USAGE = 2,  /* the caller asked for something that makes no sense */
	ERROR_TARGET = 3, /* target, binary or map could not be opened or found */
	ERROR_MEMORY = 4, /* the target's memory contradicts itself or is not there */
};

struct error {
	enum error_code code;
	char *message; /* "WHAT: WHY", one line, no trailing newline */
	char *hint;    /* what to do about it, or NULL */
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* All of these return an error that the caller owns and ends with error_free(). They never return NULL. */
struct error *error_new(enum error_code code, const char *format, ...) MUST_CHECK PRINTF(2, 3);
/* Puts "FORMAT: " in front of the message: what the caller was doing. Consumes and returns `error`. */
struct error *error_wrap(struct error *error, const char *format, ...) MUST_CHECK PRINTF(2, 3);
/* Sets the hint, unless there is one already. Consumes and returns `error`. */
struct error *error_hint(struct error *error, const char *format, ...) MUST_CHECK PRINTF(2, 3);

/*
 * Analyzers look at one file at a time, and would follow each way on which an error that was made elsewhere is NULL: there, what was not
 * set because of that error gets used.
 */
#if defined(__clang_analyzer__) || defined(GCC_ANALYZER)
static inline struct error *error_made(struct error *error)
{
	if (error == NULL)
		__builtin_unreachable();
	return error;
}
#define error_new(...) error_made(error_new(__VA_ARGS__))
#define error_wrap(...) error_made(error_wrap(__VA_ARGS__))
#define error_hint(...) error_made(error_hint(__VA_ARGS__))
#endif

/* NULL is allowed. */
void error_free(struct error *error);

/* Leaves the calling function with the error of `expression`, if it has one. */
#define TRY(expression)                                    \
	do {                                               \
		struct error *try_error_ = (expression);   \
		if (try_error_ != NULL)                    \
			return try_error_;                 \
	} while (0)

#endif
