/*
 * Fuzz targets that damage a real program's files and run commands of mapscope on them, all of it but main(). $MAPSCOPE_FUZZ_FIXTURE is a folder
 * that scripts/fuzz-fixture made: exe, core, and commands, one a line. Inputs hold no addresses, so that they mean something with any fixture: the
 * first byte chooses the command, the others are records:
 *
 *     2 bytes  which range (of those that the target gives), modulo their number
 *     3 bytes  where in it, modulo its size
 *     1 byte   what is done there (enum damage_kind)
 *     4 bytes  a value
 */
#ifndef TESTS_FUZZ_DAMAGE_H
#define TESTS_FUZZ_DAMAGE_H

#include "run.h"

#include <sys/stat.h>

enum { DAMAGE_RECORD = 10, DAMAGE_RECORDS = 32 };

enum damage_kind {
	DAMAGE_WORD,    /* the value */
	DAMAGE_MINUS,   /* the value, negative */
	DAMAGE_ADD,     /* it is added */
	DAMAGE_BIT,     /* a bit is flipped */
	DAMAGE_POWER,   /* a power of two */
	DAMAGE_POINTER, /* the address of another place that is read; in a file without addresses: its offset */
	DAMAGE_COPY,    /* the word of another place */
	DAMAGE_BYTE,
	DAMAGE_HALF,    /* 4 bytes */
	DAMAGE_KINDS,
};

/* A stretch of a file that is worth damaging. */
struct damage_range {
	uint64_t offset, size; /* in the file */
	uint64_t address;      /* of its first byte, as the program has it */
};

struct damage_ranges {
	struct damage_range *items;
	size_t count, capacity;
};

struct damage_file {
	int fd; /* in memory */
	char path[32];
	uint8_t *bytes; /* as they were */
	size_t size;
};

struct damage_command {
	char *words[RUN_WORDS];
	int count;
	bool recorded;
	struct damage_ranges ranges; /* what it reads of the sound core */
};

static struct damage_file damage_exe, damage_core;
static struct damage_command *damage_commands;
static size_t damage_command_count, damage_command_capacity;

/* With the holes that a core is full of. */
static void damage_copy(const struct damage_file *file)
{
	static const uint8_t zeroes[1 << 16];

	if (ftruncate(file->fd, (off_t)file->size) != 0)
		abort();
	for (size_t done = 0, some; done < file->size; done += some) {
		some = file->size - done < sizeof(zeroes) ? file->size - done : sizeof(zeroes);
		if (memcmp(file->bytes + done, zeroes, some) != 0 && pwrite(file->fd, file->bytes + done, some, (off_t)done) != (ssize_t)some)
			abort();
	}
}

static struct damage_file damage_load(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct damage_file file = { 0 };
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0) {
		perror(path);
		exit(1);
	}
	file.size = (size_t)status.st_size;
	file.bytes = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
	file.fd = memfd_create(name, MFD_CLOEXEC);
	damage_copy(&file);
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	close(fd);
	free(path);
	return file;
}

/* Splits a line at spaces, but for those between double quotes. */
static void damage_add_command(char *line)
{
	struct damage_command command = { 0 };
	bool quoted = false;

	for (char *at = line; *at != '\0'; at++) {
		bool begins = *at != ' ' && (at == line || (!quoted && at[-1] == '\0'));

		if (begins && command.count < RUN_WORDS - 5)
			command.words[command.count++] = at;
		if (*at == '"')
			quoted = !quoted;
		if (*at == ' ' && !quoted)
			*at = '\0';
	}
	command.words[command.count++] = "-e";
	command.words[command.count++] = damage_exe.path;
	command.words[command.count++] = "-c";
	command.words[command.count++] = damage_core.path;
	ARRAY_RESERVE(damage_commands, damage_command_count, damage_command_capacity);
	damage_commands[damage_command_count++] = command;
}

static void damage_load_commands(const char *folder)
{
	struct damage_file file = damage_load(folder, "commands");
	char *text = xstrndup((const char *)file.bytes, file.size), *rest = text;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (*line != '\0')
			damage_add_command(line);
}

static uint64_t damage_little(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = count; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

/* The place that a number chooses. */
static const struct damage_range *damage_place(const struct damage_ranges *ranges, uint64_t range, uint64_t where, uint64_t *offset)
{
	const struct damage_range *chosen = &ranges->items[range % ranges->count];

	*offset = where % chosen->size;
	return chosen;
}

static void damage_apply(struct damage_file *file, const struct damage_ranges *ranges, const uint8_t *record)
{
	uint64_t at, other_at, value = damage_little(record + 6, 4), word = 0;
	const struct damage_range *range = damage_place(ranges, damage_little(record, 2), damage_little(record + 2, 3), &at);
	const struct damage_range *other = damage_place(ranges, value, value >> 16, &other_at);
	size_t size = 8;

	at += range->offset;
	if (file->size < 8 || at > file->size - 8)
		return;
	memcpy(&word, file->bytes + at, 8);
	switch (record[5] % DAMAGE_KINDS) {
	case DAMAGE_WORD: word = value; break;
	case DAMAGE_MINUS: word = -value; break;
	case DAMAGE_ADD: word += (uint64_t)(int32_t)value; break;
	case DAMAGE_BIT: word ^= UINT64_C(1) << (value & 63); break;
	case DAMAGE_POWER: word = UINT64_C(1) << (value & 63); break;
	case DAMAGE_POINTER: word = other->address + (other_at & ~UINT64_C(7)); break;
	case DAMAGE_COPY:
		if (other->offset + other_at <= file->size - 8)
			memcpy(&word, file->bytes + other->offset + other_at, 8);
		break;
	case DAMAGE_BYTE: word = value; size = 1; break;
	case DAMAGE_HALF: word = value; size = 4; break;
	}
	if (pwrite(file->fd, &word, size, (off_t)at) != (ssize_t)size)
		abort();
}

static void damage_undo(struct damage_file *file, const struct damage_ranges *ranges, const uint8_t *record)
{
	uint64_t at;
	const struct damage_range *range = damage_place(ranges, damage_little(record, 2), damage_little(record + 2, 3), &at);

	at += range->offset;
	if (file->size >= 8 && at <= file->size - 8 && pwrite(file->fd, file->bytes + at, 8, (off_t)at) != 8)
		abort();
}

static inline void damage_and_run(struct damage_file *file, const struct damage_command *command, const struct damage_ranges *ranges, const uint8_t *data,
			   size_t size)
{
	size_t records = size / DAMAGE_RECORD < DAMAGE_RECORDS ? size / DAMAGE_RECORD : DAMAGE_RECORDS;

	for (size_t i = 0; i < records; i++)
		damage_apply(file, ranges, data + i * DAMAGE_RECORD);
	run_words(command->words, command->count, NULL);
	for (size_t i = 0; i < records; i++)
		damage_undo(file, ranges, data + i * DAMAGE_RECORD);
}

/* The files, once. */
static void damage_open(void)
{
	const char *folder = getenv("MAPSCOPE_FUZZ_FIXTURE");

	if (folder == NULL) {
		fputs("MAPSCOPE_FUZZ_FIXTURE names no folder: scripts/fuzz-fixture makes one\n", stderr);
		exit(1);
	}
	damage_exe = damage_load(folder, "exe");
	damage_core = damage_load(folder, "core");
	damage_load_commands(folder);
}

#endif
