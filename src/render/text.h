/* Text for people: the escaper, values as Go writes them, tables (libsmartcols), bars. */
#ifndef RENDER_TEXT_H
#define RENDER_TEXT_H

#include "map/sink.h"
#include "render/output.h"

/*
 * A Go string as Go's %q would write it: control bytes, invalid UTF-8, terminal escapes, bidi and other invisible
 * characters never reach the output as they are. Printable Unicode does, in any locale.
 */
void text_quoted(struct output *output, const uint8_t *bytes, size_t length);
/*
 * The same without quotes: for names, paths and messages, which come from files and processes too. Quotes and
 * backslashes stay as they are, so that what was escaped once may pass again. Without keys where none are to be shown (redact.h).
 */
void text_plain(struct output *output, const char *text);

/* Names for the roles that colour tells apart; none is written unless `colour` was asked for. */
enum text_role { TEXT_HEADING, TEXT_KEY, TEXT_DIM, TEXT_WARNING, TEXT_GOOD, TEXT_ROLES };

struct text {
	struct output *output;
	bool colour;
};

/* True where people look at it and want colours: a terminal that can, and no NO_COLOR in the environment. */
bool text_colour_wanted(const struct output *output);
void text_begin(const struct text *text, enum text_role role);
void text_end(const struct text *text, enum text_role role);

/*
 * A sink that writes values on one line, much as Go's composite literals:
 *     "a"   1.5   (1+2i)   nil   0xc000   [1, 2, …(5 more)]   {Name: "x", Age: 3}   "abc"…(1234 bytes)
 *     int(5)   main.point{X: 1}             an interface's value, after its dynamic type
 *     map[string]int{"a": 1, …(3 more)}     nil where it is a nil map
 *     map[string]int{…(3 entries)}          beyond the depth asked for
 *     <unreadable: why>
 *     <integer>   <string of 12 bytes>      where nothing is to be shown (redact.h)
 * map_end() is called for nil maps and those beyond the depth too. `text` must outlive it. Freed with free().
 */
struct sink *text_sink_create(const struct text *text);

/*
 * A bar of at most `width` columns for value/maximum, in eighths of a column ("▏".."█"), or of '#' where the locale has
 * no UTF-8. What is not zero has at least the thinnest bar.
 */
void text_bar(const struct text *text, uint64_t value, uint64_t maximum, unsigned width);

/*
 * A table: columns first, then rows cell by cell, then written at once. Headings and cells are escaped by it. On a
 * terminal that is too narrow left-aligned columns are cut, elsewhere nothing is.
 */
struct text_table;
enum text_align { TEXT_LEFT, TEXT_RIGHT };
struct text_table *text_table_create(const struct text *text);
void text_table_column(struct text_table *table, const char *heading, enum text_align align);
void text_table_row(struct text_table *table);
void text_table_cell(struct text_table *table, const char *format, ...) PRINTF(2, 3); /* the row's next column */
struct error *text_table_write(struct text_table *table) MUST_CHECK;                  /* and frees it */

#endif
