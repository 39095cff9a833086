#include "render/text.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "render/style.h"

/* Each role ends with what it began, so that one may stand inside another. */
static const struct {
	const char *begin, *end;
} roles[TEXT_ROLES] = {
	[TEXT_HEADING] = { "\033[1m", "\033[22m" },
	[TEXT_KEY] = { "\033[36m", "\033[39m" },
	[TEXT_DIM] = { "\033[2m", "\033[22m" },
	[TEXT_WARNING] = { "\033[31m", "\033[39m" },
	[TEXT_GOOD] = { "\033[32m", "\033[39m" },
};

const char *style_begin(enum text_role role)
{
	return roles[role].begin;
}

bool style_dumb_terminal(void)
{
	const char *terminal = getenv("TERM");

	return terminal == NULL || strcmp(terminal, "dumb") == 0;
}

bool style_utf8_locale(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool text_colour_wanted(const struct output *output)
{
	const char *no_colour = getenv("NO_COLOR");

	return output_is_terminal(output) && !style_dumb_terminal() && (no_colour == NULL || *no_colour == '\0');
}

void text_begin(const struct text *text, enum text_role role)
{
	if (text->colour)
		output_text(text->output, roles[role].begin);
}

void text_end(const struct text *text, enum text_role role)
{
	if (text->colour)
		output_text(text->output, roles[role].end);
}

/* How many eighths of a column, rounded to the nearest, but at least one for what is not zero. */
static unsigned eighths_of(uint64_t value, uint64_t maximum, unsigned width)
{
	if (value == 0 || maximum == 0 || width == 0)
		return 0;
	if (value >= maximum)
		return width * 8;

	unsigned eighths = (unsigned)((double)value / (double)maximum * width * 8 + 0.5);

	return eighths > 0 ? eighths : 1;
}

void text_bar(const struct text *text, uint64_t value, uint64_t maximum, unsigned width)
{
	static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	bool blocks = style_utf8_locale();
	unsigned eighths = eighths_of(value, maximum, width);
	unsigned whole = blocks ? eighths / 8 : (eighths + 7) / 8;

	for (unsigned i = 0; i < whole; i++)
		output_text(text->output, blocks ? "█" : "#");
	if (blocks)
		output_text(text->output, parts[eighths % 8]);
}
