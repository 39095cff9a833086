/* Stands in for libFuzzer's main(): hands each file of the folders that are named to the fuzz target, once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size = 0, capacity = 0;
	uint8_t *bytes = NULL;

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	for (int c; (c = getc(file)) != EOF;) {
		ARRAY_RESERVE(bytes, size, capacity);
		bytes[size++] = (uint8_t)c;
	}
	fclose(file);

	uint8_t *exact = xmalloc(size); /* so that a sanitizer sees a read past the end */

	if (size != 0)
		memcpy(exact, bytes, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	free(bytes);
	replayed++;
}

static void replay_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	if (folder == NULL) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(folder)) != NULL) {
		char *file = xasprintf("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.')
			replay_file(file);
		free(file);
	}
	closedir(folder);
}

int main(int count, char **arguments)
{
	for (int i = 1; i < count; i++)
		replay_folder(arguments[i]);
	printf("%lu passed, %d failed\n", replayed, replayed == 0);
	return replayed == 0;
}
