/*
 * What is cut, given up or left out because a target says that there is so much of it: what it says may be damaged or made by a stranger.
 * One table for the whole program, which the command line may change (--limit NAME=VALUE) before anything is read; docs/LIMITS.md.
 */
#ifndef UTIL_LIMITS_H
#define UTIL_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

enum limit {
	LIMIT_MEMORY,
	LIMIT_OUTPUT,
	LIMIT_STRING,
	LIMIT_VALUE,
	LIMIT_ELEMENTS,
	LIMIT_ENTRIES,
	LIMIT_VALUES,
	LIMIT_LIST_DEPTH,
	LIMIT_LIST_ELEMENTS,
	LIMIT_LIST_VALUES,
	LIMIT_CHAIN,
	LIMIT_SYNC_ENTRIES,
	LIMIT_GOROUTINES,
	LIMIT_THREADS,
	LIMIT_FRAMES,
	LIMIT_LOCALS,
	LIMIT_SPANS,
	LIMIT_TYPES,
	LIMIT_TYPE_BYTES,
	LIMIT_NAME,
	LIMIT_FIELDS,
	LIMIT_HOLDERS,
	LIMIT_HOPS,
	LIMITS,
};

struct limit_row {
	const char *name;
	uint64_t value;   /* what holds now */
	uint64_t most;    /* that it can be set to */
	const char *what; /* what there is at most so much of; "bytes of ..." where it is a size */
	bool reached;     /* something was left out for it, see limit_reached() */
};

extern const struct limit_row *const limit_rows; /* LIMITS of them, by their number */

static inline uint64_t limit_of(enum limit limit)
{
	return limit_rows[limit].value;
}

/* False: there is no limit of that name (`length` bytes of it), or it cannot be as much. */
bool limit_set(const char *name, size_t length, uint64_t value);

/*
 * Whether there are as many as there may be, and what more there is is to be left out. Then it is noted in the table: whoever asked for all of it
 * is told once, at the end.
 */
bool limit_reached(enum limit limit, uint64_t count);

/* ERROR_MEMORY: "FORMAT: more than N ...", with the option that raises it as the hint. */
struct error *limit_passed(enum limit limit, const char *format, ...) MUST_CHECK PRINTF(2, 3);
#ifdef error_new /* for analyzers, see there */
#define limit_passed(...) error_made(limit_passed(__VA_ARGS__))
#endif

#endif
