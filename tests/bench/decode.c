/*
 * decode -p PID | -c CORE [-e EXE]  [-l BYTES] MAP
 *
 * Decodes all of a map without printing it, and says how many entries a CPU second that were: from making the reader
 * to the last entry, without opening files, DWARF and names. Integers are summed; of strings the first and last byte are.
 * -l: what a capture may hold.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "analysis/expression.h"
#include "binary/debug.h"
#include "map/reader.h"
#include "target/core.h"
#include "target/live.h"

/* Units whose strings are prefetched ahead of the one that is decoded, as `mapscope show` does. */
enum { AHEAD = 4 };

struct sums {
	uint64_t entries;
	uint64_t integers;
	uint64_t bytes;
};

static void check(struct error *error)
{
	if (error == NULL)
		return;
	fprintf(stderr, "decode: %s\n", error->message);
	exit((int)error->code);
}

static double cpu_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void add_string(struct program *program, const uint8_t *bytes, struct sums *sums)
{
	taddr address = load_address(&program->machine, bytes);
	uint64_t length = load_word(&program->machine, bytes + program->machine.word_size);
	const uint8_t *text;
	uint8_t copy[4096];

	if (length == 0 || length > sizeof(copy))
		return;
	text = target_view(program->memory, address, length);
	if (text == NULL) {
		check(target_read(program->memory, address, copy, length));
		text = copy;
	}
	sums->bytes += (uint64_t)text[0] + text[length - 1];
}

static inline void add_value(const struct gotype *type, const uint8_t *bytes, struct sums *sums)
{
	if (type->kind == GO_STRING)
		add_string(type->program, bytes, sums);
	else
		sums->integers += load_uint(&type->program->machine, bytes, type->size);
}

static void add_batch(const struct go_map *map, const struct map_batch *batch, struct map_scratch *scratch, struct sums *sums)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (i + AHEAD < batch->count)
			map_unit_prefetch(map, &batch->units[i + AHEAD]);
		for (unsigned live = batch->units[i].live; live != 0; live &= live - 1, sums->entries++) {
			struct map_entry entry;

			check(map_entry_load(map, &batch->units[i], (unsigned)__builtin_ctz(live), scratch, &entry));
			add_value(map->type->key, entry.key, sums);
			add_value(map->type->elem, entry.elem, sums);
		}
	}
}

static struct program *open_all(pid_t pid, const char *core, const char *exe, struct target **target)
{
	struct live_options live = { 0 };
	struct binary *binary;
	struct program *program;

	check(core ? core_open(core, target) : live_open(pid, &live, target));
	if (exe != NULL) {
		int fd = open(exe, O_RDONLY | O_CLOEXEC);

		if (fd < 0) {
			perror(exe);
			exit(ERROR_TARGET);
		}
		check(binary_open(fd, exe, &binary));
		close(fd);
	} else {
		check(binary_open((*target)->executable.fd, (*target)->executable.path, &binary));
	}
	if (core != NULL)
		check(core_use_executable(*target, binary->fd, binary->path));
	check(debug_open(binary, NULL));
	check(program_create(binary, *target, &program));
	return program;
}

static void decode(struct target *target, struct gotype *type, taddr header, size_t limit)
{
	struct reader_options options = {
		.what = MAP_WALK_LIVE,
		.keys = true,
		.elems = true,
		.most_entries = UINT64_MAX,
		.memory_limit = limit,
		.limits = value_limits_now(),
	};
	struct findings findings = { 0 };
	struct map_scratch scratch = { 0 };
	struct sums sums = { 0 };
	struct map_batch batch;
	struct reader *reader;
	double start = cpu_seconds(), captured, end;
	bool whole;

	check(reader_create(type, header, &options, &findings, &reader));
	check(target_stop(target));
	check(reader_open(reader, header));
	whole = reader_captured(reader);
	if (whole)
		target_resume(target);
	captured = cpu_seconds();
	do {
		check(reader_next(reader, &batch));
		add_batch(reader_map(reader), &batch, &scratch, &sums);
	} while (batch.count != 0);
	end = cpu_seconds();
	target_resume(target);
	printf("entries %" PRIu64 " sum %" PRIu64 " bytes %" PRIu64 " findings %" PRIu64 " cpu %.4f open %.4f rate %.3f %s\n",
	       sums.entries, sums.integers, sums.bytes, findings.total, end - start, captured - start,
	       (double)sums.entries / (end - start) / 1e6, whole ? "captured" : "streamed");
	reader_close(reader);
	map_scratch_free(&scratch);
	findings_free(&findings);
}

int main(int argc, char **argv)
{
	const char *core = NULL, *exe = NULL;
	size_t limit = READER_MEMORY_LIMIT;
	pid_t pid = 0;
	int option;
	struct target *target;
	struct program *program;
	struct gotype *type;
	taddr header;

	while ((option = getopt(argc, argv, "p:c:e:l:")) != -1) {
		switch (option) {
		case 'p': pid = (pid_t)strtol(optarg, NULL, 10); break;
		case 'c': core = optarg; break;
		case 'e': exe = optarg; break;
		case 'l': limit = strtoull(optarg, NULL, 10); break;
		default: return ERROR_USAGE;
		}
	}
	if (optind != argc - 1 || (pid == 0) == (core == NULL)) {
		fprintf(stderr, "usage: decode -p PID | -c CORE [-e EXE]  [-l BYTES] MAP\n");
		return ERROR_USAGE;
	}
	program = open_all(pid, core, exe, &target);
	check(expression_find_map(program, argv[optind], &type, &header));
	check(gotype_complete(type));
	decode(target, type, header, limit);
	program_destroy(program);
	target_destroy(target);
	return 0;
}
