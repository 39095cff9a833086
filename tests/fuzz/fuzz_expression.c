/* What users type, on a sound core: a MAP of show, and a KEY of trace. */
#include "damage.h"

enum { KINDS = 4, LONGEST = 4096 };

/* Whether the command line would take it for an option, or for no word at all. */
static bool is_word(const char *text)
{
	return text[0] != '\0' && text[0] != '-';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *maps[KINDS] = { NULL, "main.any", "main.points", "main.cache" };

	if (damage_command_count == 0)
		damage_open();
	if (size < 2 || size > LONGEST)
		return 0;

	char *text = xstrndup((const char *)data + 1, size - 1), *map = maps[data[0] % KINDS];
	char *show[] = { "show", text, "-e", damage_exe.path, "-c", damage_core.path, "--format", "json", "--max", "4" };
	char *trace[] = { "trace", map, text, "-e", damage_exe.path, "-c", damage_core.path };

	if (is_word(text) && map == NULL)
		run_words(show, ARRAY_SIZE(show), NULL);
	if (is_word(text) && map != NULL)
		run_words(trace, ARRAY_SIZE(trace), NULL);
	free(text);
	return 0;
}
