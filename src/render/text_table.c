#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "render/style.h"
#include "render/text.h"
#include "util/alloc.h"
#include "util/buffer.h"

struct text_table {
	const struct text *text;
	struct libscols_table *table;
	struct libscols_line *line; /* the row that is being filled */
	size_t next_cell;
	struct buffer escaped; /* the cell that is being made */
	struct output *escaper;
	int failure;           /* of the first libsmartcols call that failed; negative errno */
};

static void note(struct text_table *table, int result)
{
	if (result != 0 && table->failure == 0)
		table->failure = result;
}

/* Good until the next one. */
static const char *escape(struct text_table *table, const char *text)
{
	table->escaped.length = 0;
	text_plain(table->escaper, text);
	output_flush(table->escaper);
	return buffer_text(&table->escaped);
}

struct text_table *text_table_create(const struct text *text)
{
	struct text_table *table = xcalloc(1, sizeof(*table));

	table->text = text;
	table->escaper = output_create_memory(&table->escaped);
	table->table = scols_new_table();
	if (table->table == NULL) {
		note(table, -ENOMEM);
		return table;
	}
	/* what is handed over is escaped already; libsmartcols would escape the escapes */
	note(table, scols_table_enable_noencoding(table->table, 1));
	note(table, scols_table_enable_colors(table->table, text->colour));
	return table;
}

void text_table_column(struct text_table *table, const char *heading, enum text_align align)
{
	if (table->failure != 0)
		return;

	/* cut only where libsmartcols can tell the bytes of a character from each other */
	bool cut = output_is_terminal(table->text->output) && style_utf8_locale();
	int flags = align == TEXT_RIGHT ? SCOLS_FL_RIGHT : cut ? SCOLS_FL_TRUNC : 0;
	struct libscols_column *column = scols_table_new_column(table->table, escape(table, heading), 0, flags);

	if (column == NULL) {
		note(table, -ENOMEM);
		return;
	}
	if (table->text->colour)
		note(table, scols_cell_set_color(scols_column_get_header(column), style_begin(TEXT_HEADING)));
}

void text_table_row(struct text_table *table)
{
	if (table->failure != 0)
		return;
	table->next_cell = 0;
	table->line = scols_table_new_line(table->table, NULL);
	if (table->line == NULL)
		note(table, -ENOMEM);
}

void text_table_cell(struct text_table *table, const char *format, ...)
{
	va_list arguments;

	if (table->failure != 0)
		return;
	va_start(arguments, format);
	char *text = xvasprintf(format, arguments);
	va_end(arguments);
	note(table, scols_line_set_data(table->line, table->next_cell++, escape(table, text)));
	free(text);
}

/* The table is printed into memory, so libsmartcols cannot find out the width by itself. */
static void fit_terminal(struct text_table *table)
{
	unsigned columns = output_columns(table->text->output);

	int force = columns > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER;

	note(table, scols_table_set_termforce(table->table, force));
	if (columns > 0)
		note(table, scols_table_set_termwidth(table->table, columns));
}

static void destroy(struct text_table *table)
{
	struct error *none = output_close(table->escaper); /* memory has no errors */

	error_free(none);
	buffer_free(&table->escaped);
	scols_unref_table(table->table);
	free(table);
}

/* Some versions of libsmartcols leave out the last newline of a string. */
static void write_printed(struct output *output, const char *printed)
{
	output_text(output, printed);
	if (printed[strlen(printed) - 1] != '\n')
		output_char(output, '\n');
}

struct error *text_table_write(struct text_table *table)
{
	struct error *error = NULL;
	char *printed = NULL;

	if (table->failure == 0) {
		fit_terminal(table);
		note(table, scols_print_table_to_string(table->table, &printed));
	}
	if (table->failure != 0)
		error = error_new(ERROR_TARGET, "table: %s", strerror(-table->failure));
	else if (printed != NULL && *printed != '\0')
		write_printed(table->text->output, printed);
	free(printed);
	destroy(table);
	return error;
}
