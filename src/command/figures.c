#include "command/figures.h"

enum { BAR_WIDTH = 40, ROWS_SHOWN = 24 };

void figures_json_histogram(struct json *json, const char *key, const struct histogram *values)
{
	json_key(json, key);
	json_array_begin(json);
	for (size_t i = 0; i < values->count; i++)
		json_unsigned(json, values->items[i]);
	json_array_end(json);
}

void figures_line(const struct text *text, const char *label)
{
	text_begin(text, TEXT_KEY);
	output_format(text->output, "  %-14s", label);
	text_end(text, TEXT_KEY);
}

void figures_bytes(struct output *output, uint64_t value)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double scaled = (double)value / 1024;
	size_t unit = 0;

	output_unsigned(output, value);
	output_text(output, " bytes");
	if (value < 1024)
		return;
	for (; scaled >= 1024 && unit < 3; unit++)
		scaled /= 1024;
	output_format(output, " (%.1f %s)", scaled, units[unit]);
}

void figures_histogram(const struct text *text, const char *title, const char *of, const struct histogram *values)
{
	uint64_t most = 1, rest = 0;

	for (size_t i = 0; i < values->count; i++)
		most = values->items[i] > most ? values->items[i] : most;
	if (values->count == 0)
		return;
	figures_line(text, title);
	output_format(text->output, "%s\n", of);
	for (size_t i = 0; i < values->count && i < ROWS_SHOWN; i++) {
		output_format(text->output, "  %14zu  %10llu ", i + 1, (unsigned long long)values->items[i]);
		text_bar(text, values->items[i], most, BAR_WIDTH);
		output_char(text->output, '\n');
	}
	for (size_t i = ROWS_SHOWN; i < values->count; i++)
		rest += values->items[i];
	if (rest != 0)
		output_format(text->output, "          longer  %10llu\n", (unsigned long long)rest);
}

void figures_memory(const struct text *text, uint64_t bytes, uint64_t wasted)
{
	figures_line(text, "memory");
	figures_bytes(text->output, bytes);
	output_char(text->output, '\n');
	figures_line(text, "wasted");
	figures_bytes(text->output, wasted);
	if (bytes != 0)
		output_format(text->output, ", %.1f %%", 100.0 * (double)wasted / (double)bytes);
	output_char(text->output, '\n');
}
