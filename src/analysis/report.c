#include "analysis/report.h"

#include <stdarg.h>
#include <stdlib.h>

#include "util/alloc.h"

struct report_check *report_check_begin(struct report *report, const char *name, const char *subject)
{
	ARRAY_RESERVE(report->checks, report->count, report->capacity);

	struct report_check *check = &report->checks[report->count++];

	*check = (struct report_check){ .name = name, .subject = xstrdup(subject), .detail = xstrdup(""), .ok = true };
	return check;
}

void report_detail(struct report_check *check, const char *format, ...)
{
	va_list arguments;

	free(check->detail);
	va_start(arguments, format);
	check->detail = xvasprintf(format, arguments);
	va_end(arguments);
}

void report_wrong(struct report_check *check, taddr address, const char *expected, const char *found, const char *place, ...)
{
	va_list arguments;

	check->ok = false;
	check->wrong_total++;
	if (check->wrong_count == REPORT_WRONG_KEPT)
		return;
	ARRAY_RESERVE(check->wrong, check->wrong_count, check->wrong_capacity);
	va_start(arguments, place);
	check->wrong[check->wrong_count++] = (struct report_wrong){
		.address = address,
		.place = xvasprintf(place, arguments),
		.expected = xstrdup(expected),
		.found = xstrdup(found),
	};
	va_end(arguments);
}

static void forget_wrong(struct report_check *check)
{
	for (size_t i = 0; i < check->wrong_count; i++) {
		free(check->wrong[i].place);
		free(check->wrong[i].expected);
		free(check->wrong[i].found);
	}
	free(check->wrong);
	check->wrong = NULL;
	check->wrong_count = check->wrong_capacity = 0;
	check->wrong_total = 0;
}

void report_excuse(struct report_check *check, const char *why)
{
	uint64_t total = check->wrong_total;

	forget_wrong(check);
	check->ok = true;
	report_detail(check, "not judged: %s; %llu things do not fit", why, (unsigned long long)total);
}

static void free_check(struct report_check *check)
{
	forget_wrong(check);
	free(check->subject);
	free(check->detail);
}

void report_free(struct report *report)
{
	for (size_t i = 0; i < report->count; i++)
		free_check(&report->checks[i]);
	free(report->checks);
	*report = (struct report){ 0 };
}
