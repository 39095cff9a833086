#include "render/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "render/style.h"
#include "util/alloc.h"

/* Seconds. */
#define SHOW_AFTER 0.5
#define SHOW_EVERY 0.1

enum { MOST_CALLS_BETWEEN = 1 << 16 };

struct progress {
	struct output *output; /* standard error */
	char *what;
	double start, shown_at; /* seconds of the monotonic clock */
	double checked_at;
	uint32_t calls, calls_between; /* the clock is read once in so many calls */
	bool wanted; /* there is a terminal that can take it */
	bool shown;
};

static struct progress *current;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

struct progress *progress_create(const char *what)
{
	struct progress *progress = xcalloc(1, sizeof(*progress));

	progress->output = output_create(STDERR_FILENO);
	progress->wanted = output_is_terminal(progress->output) && !style_dumb_terminal();
	progress->what = xstrdup(what);
	progress->start = progress->checked_at = now();
	progress->calls_between = 1;
	current = progress;
	return progress;
}

/* The clock is read about every hundredth of a second, however fast the calls come. */
static bool is_due(struct progress *progress)
{
	if (++progress->calls < progress->calls_between)
		return false;

	double time = now(), elapsed = time - progress->checked_at;

	progress->calls = 0;
	progress->checked_at = time;
	if (elapsed < 0.01 && progress->calls_between < MOST_CALLS_BETWEEN)
		progress->calls_between *= 2;
	else if (elapsed > 0.04)
		progress->calls_between = 1;
	return time - progress->start >= SHOW_AFTER && time - progress->shown_at >= SHOW_EVERY;
}

/* 1234567 as "1.2M". */
static void write_count(struct output *output, double count)
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	for (; count >= 1000 && unit < sizeof(units) - 2; unit++)
		count /= 1000;
	if (unit == 0)
		output_unsigned(output, (uint64_t)count);
	else
		output_format(output, "%.*f%c", count < 10 ? 1 : 0, count, units[unit]);
}

static void write_duration(struct output *output, double seconds)
{
	uint64_t whole = (uint64_t)seconds + 1;

	if (whole >= 60 * 60)
		output_format(output, "%.1f h", seconds / 3600);
	else if (whole >= 60)
		output_format(output, "%u min %u s", (unsigned)(whole / 60), (unsigned)(whole % 60));
	else
		output_format(output, "%u s", (unsigned)whole);
}

static void write_line(struct progress *progress, uint64_t done, uint64_t total)
{
	struct output *output = progress->output;
	double rate = (double)done / (progress->checked_at - progress->start);

	text_plain(output, progress->what);
	output_text(output, ": ");
	if (total > 0)
		output_format(output, "%u%%, ", done < total ? (unsigned)((double)done * 100 / (double)total) : 100);
	write_count(output, (double)done);
	if (total > 0) {
		output_text(output, " of ");
		write_count(output, (double)total);
	}
	output_text(output, ", ");
	write_count(output, rate);
	output_text(output, "/s");
	if (total > done && rate > 0) {
		output_text(output, ", ");
		write_duration(output, (double)(total - done) / rate);
		output_text(output, " left");
	}
}

/* No wrapping at the right margin meanwhile: a line that is too long is cut by the terminal, not spread over two. */
static void show(struct progress *progress, uint64_t done, uint64_t total)
{
	output_text(progress->output, "\r\033[?7l");
	write_line(progress, done, total);
	output_text(progress->output, "\033[?7h\033[K");
	output_flush(progress->output);
	progress->shown = true;
	progress->shown_at = progress->checked_at;
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total)
{
	if (progress->wanted && is_due(progress))
		show(progress, done, total);
}

void progress_hide(void)
{
	if (current == NULL || !current->shown)
		return;
	output_text(current->output, "\r\033[K");
	output_flush(current->output);
	current->shown = false;
}

void progress_end(struct progress *progress)
{
	if (progress == NULL)
		return;
	if (progress == current) {
		progress_hide();
		current = NULL;
	}
	error_free(output_close(progress->output));
	free(progress->what);
	free(progress);
}
