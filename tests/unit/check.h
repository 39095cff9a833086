/*
 * The unit tests' frame. A test is a program: checks go on after a failure, main() ends with `return check_done();`,
 * which prints "N passed, N failed" and gives the exit status.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned long check_passed, check_failed;

static inline bool check_report(bool good, const char *file, int line, const char *what)
{
	if (good) {
		check_passed++;
	} else {
		check_failed++;
		fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	}
	return good;
}

static inline bool check_text(const char *actual, const char *expected, const char *file, int line, const char *what)
{
	bool good = actual == expected || (actual != NULL && expected != NULL && strcmp(actual, expected) == 0);

	if (!check_report(good, file, line, what))
		fprintf(stderr, "\tis:        %s\n\tshould be: %s\n", actual ? actual : "(NULL)", expected ? expected : "(NULL)");
	return good;
}

static inline bool check_uint(uint64_t actual, uint64_t expected, const char *file, int line, const char *what)
{
	if (!check_report(actual == expected, file, line, what))
		fprintf(stderr, "\tis:        %" PRIu64 "\n\tshould be: %" PRIu64 "\n", actual, expected);
	return actual == expected;
}

/* All of them give whether the check held, so that what depends on it can be left out. */
#define CHECK(condition) check_report((condition), __FILE__, __LINE__, #condition)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), __FILE__, __LINE__, #actual)
#define CHECK_UINT(actual, expected) check_uint((actual), (expected), __FILE__, __LINE__, #actual)

static inline int check_done(void)
{
	printf("%lu passed, %lu failed\n", check_passed, check_failed);
	return check_failed != 0;
}

#endif
