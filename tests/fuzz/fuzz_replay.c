/* The file of replay: a map's type as Go source spells it up to the first line's end, then operations. */
#include "run.h"

#include "util/buffer.h"

static char *const versions[] = { "1.8", "1.11", "1.18", "1.23", "1.24", "1.27" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;

	char *text = xstrndup((const char *)data + 2, size - 2), *operations = strchr(text, '\n');
	char *words[] = { "replay", "--type", text, "--go", versions[data[0] % ARRAY_SIZE(versions)], "--format", data[1] & 1 ? "json" : "text" };
	int input = memfd_create("input", MFD_CLOEXEC);

	if (operations != NULL) {
		*operations++ = '\0';
		if (write(input, operations, strlen(operations)) < 0)
			abort();
	}
	lseek(input, 0, SEEK_SET);
	if (dup2(input, STDIN_FILENO) < 0)
		abort();
	close(input);
	clearerr(stdin);
	fseek(stdin, 0, SEEK_SET);
	run_words(words, ARRAY_SIZE(words), NULL);
	free(text);
	return 0;
}
