#include "map/finding.h"

#include <stdlib.h>

#include "util/alloc.h"

static void keep(struct findings *findings, taddr address, char *what)
{
	findings->total++;
	if (findings->count == FINDINGS_KEPT) {
		free(what);
		return;
	}
	ARRAY_RESERVE(findings->items, findings->count, findings->capacity);
	findings->items[findings->count++] = (struct finding){ address, what };
}

void findings_add(struct findings *findings, taddr address, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	keep(findings, address, xvasprintf(format, arguments));
	va_end(arguments);
}

void findings_add_error(struct findings *findings, taddr address, struct error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *what = xvasprintf(format, arguments);
	va_end(arguments);
	keep(findings, address, xasprintf("%s: %s", what, error->message));
	free(what);
	error_free(error);
}

bool findings_give_up(const struct findings *findings)
{
	return findings->total >= FINDINGS_GIVE_UP;
}

void findings_free(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->items[i].what);
	free(findings->items);
	*findings = (struct findings){ 0 };
}
