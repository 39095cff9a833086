#include "util/error.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/alloc.h"

#undef error_new /* for analyzers these are macros */
#undef error_wrap
#undef error_hint

struct error *error_new(enum error_code code, const char *format, ...)
{
	struct error *error = xcalloc(1, sizeof(*error));
	va_list arguments;

	va_start(arguments, format);
	error->code = code;
	error->message = xvasprintf(format, arguments);
	va_end(arguments);
	return error;
}

struct error *error_wrap(struct error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *what = xvasprintf(format, arguments);
	va_end(arguments);

	char *whole = xasprintf("%s: %s", what, error->message);
	free(what);
	free(error->message);
	error->message = whole;
	return error;
}

struct error *error_hint(struct error *error, const char *format, ...)
{
	if (error->hint != NULL)
		return error;

	va_list arguments;

	va_start(arguments, format);
	error->hint = xvasprintf(format, arguments);
	va_end(arguments);
	return error;
}

void error_free(struct error *error)
{
	if (error == NULL)
		return;
	free(error->message);
	free(error->hint);
	free(error);
}
