#include <locale.h>
#include <pty.h>
#include <unistd.h>

#include "render/text.h"
#include "test_render.h"
#include "util/error.h"

static void write_table(const struct text *text, const char *first_cell)
{
	struct text_table *table = text_table_create(text);

	text_table_column(table, "NAME", TEXT_LEFT);
	text_table_column(table, "LEN", TEXT_RIGHT);
	text_table_column(table, "TYPE", TEXT_LEFT);
	text_table_row(table);
	text_table_cell(table, "%s", first_cell);
	text_table_cell(table, "%d", 7);
	text_table_cell(table, "map[string]int");
	text_table_row(table);
	text_table_cell(table, "é漢");
	text_table_cell(table, "%d", 12345);
	CHECK(text_table_write(table) == NULL);
}

static void test_memory(void)
{
	struct capture capture;
	struct text text = { 0 };

	capture_begin(&capture);
	text.output = capture.output;
	write_table(&text, "main.words");
	CHECK_TEXT(capture_take(&capture), "NAME         LEN TYPE\nmain.words     7 map[string]int\né漢        12345 \n");
	write_table(&text, "\x1b[31m\\x1b\xff\n\xc2\x9b");
	CHECK_TEXT(capture_take(&capture), "NAME                       LEN TYPE\n\\x1b[31m\\x1b\\xff\\n\\u009b     7 map[string]int\n"
					   "é漢                      12345 \n");

	char wide[400];

	memset(wide, 'w', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';
	write_table(&text, wide);
	CHECK(strstr(capture_take(&capture), wide) != NULL);
	text.colour = true;
	write_table(&text, "x");
	CHECK(strstr(capture_take(&capture), "\033[1mNAME") != NULL);
	capture_end(&capture);
}

static void test_empty(void)
{
	struct capture capture;

	capture_begin(&capture);

	struct text text = { .output = capture.output };
	struct text_table *table = text_table_create(&text);

	text_table_column(table, "NAME", TEXT_LEFT);
	CHECK(text_table_write(table) == NULL);
	CHECK_TEXT(capture_take(&capture), "");
	capture_end(&capture);
}

/* On a narrow terminal the left-aligned columns are cut. */
static void test_terminal(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 40 };
	char seen[2000], wide[100];
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, &size) != 0) {
		fprintf(stderr, "skipped: no pseudo-terminal\n");
		return;
	}
	memset(wide, 'w', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';

	struct text text = { .output = output_create(slave) };

	CHECK(output_is_terminal(text.output));
	CHECK_UINT(output_columns(text.output), 40);
	write_table(&text, wide);
	CHECK(output_close(text.output) == NULL);

	ssize_t length = read(master, seen, sizeof(seen) - 1);

	if (CHECK(length > 0)) {
		seen[length] = '\0';
		CHECK(strstr(seen, wide) == NULL && strstr(seen, "wwwww") != NULL);
		CHECK(strcspn(seen, "\r\n") <= 40);
	}
	close(master);
	close(slave);
}

/* Widths are guesses there, but the bytes stay what they are. */
static void test_c_locale(void)
{
	struct capture capture;

	capture_begin(&capture);
	write_table(&(struct text){ .output = capture.output }, "x\x1b");
	CHECK(strstr(capture_take(&capture), "é漢") != NULL);
	capture_end(&capture);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	test_memory();
	test_empty();
	test_terminal();
	setlocale(LC_CTYPE, "C");
	test_c_locale();
	return check_done();
}
