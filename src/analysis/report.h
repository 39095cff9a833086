/* What checks found: each says what it compared, and of what is wrong where it lies, what should be there and what is. */
#ifndef ANALYSIS_REPORT_H
#define ANALYSIS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"
#include "util/error.h"

/* One thing that is wrong. */
struct report_wrong {
	taddr address;  /* of the bytes that are wrong; 0 where there is no one place */
	char *place;    /* "bucket 3, slot 5, tophash" */
	char *expected; /* "0x8f" */
	char *found;    /* "0x0f" */
};

struct report_check {
	const char *name; /* "offsets", "placement"; not owned */
	char *subject;    /* what was checked: a MAP, a type, a struct */
	char *detail;     /* what was compared with what, how much of it; or why nothing could be */
	bool ok;
	struct report_wrong *wrong; /* the first ones; all are counted */
	size_t wrong_count, wrong_capacity;
	uint64_t wrong_total;
};

/* All zeroes is an empty report. */
struct report {
	struct report_check *checks;
	size_t count, capacity;
};

enum { REPORT_WRONG_KEPT = 100 };

/* A check that is ok so far. The pointer is good until the next report_check_begin(). */
struct report_check *report_check_begin(struct report *report, const char *name, const char *subject);
/* Sets what the check compared. */
void report_detail(struct report_check *check, const char *format, ...) PRINTF(2, 3);
/* Notes that something is wrong: the check is not ok any more. `expected` and `found` are copied. */
void report_wrong(struct report_check *check, taddr address, const char *expected, const char *found, const char *place, ...)
	PRINTF(5, 6);
/* What a check noted is not to be judged: it is ok, and its detail says why. */
void report_excuse(struct report_check *check, const char *why);
void report_free(struct report *report);

#endif
