#include "render/diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "render/progress.h"
#include "render/redact.h"
#include "render/text.h"
#include "util/alloc.h"

static struct text open_text(void)
{
	struct text text = { .output = output_create(STDERR_FILENO) };

	progress_hide();
	text.colour = text_colour_wanted(text.output);
	return text;
}

static void close_text(const struct text *text)
{
	error_free(output_close(text->output)); /* there is nowhere else to complain to */
}

static void write_line(const struct text *text, enum text_role role, const char *label, const char *message)
{
	text_begin(text, role);
	output_text(text->output, label);
	text_end(text, role);
	text_plain(text->output, message);
	output_char(text->output, '\n');
}

void diagnostics_error(const struct error *error)
{
	if (error == NULL)
		return;

	struct text text = open_text();

	write_line(&text, TEXT_WARNING, "mapscope: ", redact_error(error));
	if (error->hint != NULL)
		write_line(&text, TEXT_DIM, "hint: ", error->hint);
	close_text(&text);
}

bool diagnostics_on_terminal(void)
{
	return isatty(STDERR_FILENO) != 0;
}

__attribute__((format(printf, 3, 0)))
static void write_message(enum text_role role, const char *label, const char *format, va_list arguments)
{
	char *message = xvasprintf(format, arguments);
	struct text text = open_text();

	output_text(text.output, "mapscope: ");
	write_line(&text, role, label, message);
	close_text(&text);
	free(message);
}

void diagnostics_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(TEXT_WARNING, "warning: ", format, arguments);
	va_end(arguments);
}

void diagnostics_note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(TEXT_DIM, "note: ", format, arguments);
	va_end(arguments);
}
