/*
 * Prints the objects of a heap, for tests/cases/stackmaps.py: live_objects -p PID | live_objects CORE EXE
 * One a line: its address, its bytes, whether the walk reached it, a sum of what is in it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/census.h"
#include "binary/debug.h"
#include "target/core.h"
#include "target/live.h"

static struct target *target;

static void need(struct error *error)
{
	if (error == NULL)
		return;
	fprintf(stderr, "live_objects: %s\n", error->message);
	target_destroy(target);
	exit(1);
}

static struct program *open_program(int argc, char **argv)
{
	bool live = argc > 2 && strcmp(argv[1], "-p") == 0;
	struct binary *binary;
	struct program *program;

	if (live)
		need(live_open(atoi(argv[2]), NULL, &target));
	else
		need(core_open(argv[1], &target));

	int fd = live ? dup(target->executable.fd) : open(argv[2], O_RDONLY);

	need(binary_open(fd, "executable", &binary));
	if (!live)
		need(core_use_executable(target, fd, "executable"));
	close(fd);
	need(debug_open(binary, NULL));
	need(program_create(binary, target, &program));
	return program;
}

/* FNV-1a of an object's first bytes. */
static uint64_t sum_of(const struct census *census, uint64_t address, uint64_t size)
{
	uint8_t bytes[4096];
	size_t got = target_read_some(census->program->memory, taddr_of(address), bytes,
				      size < sizeof(bytes) ? size : sizeof(bytes));
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < got; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static void print_objects(const struct census *census)
{
	const uint64_t *allocated = heap_allocated(census->spans);

	for (size_t s = 0; s < heap_span_count(census->spans); s++) {
		const struct heap_span *span = heap_span_at(census->spans, s);

		for (uint32_t i = 0; i < span->count; i++) {
			uint64_t slot = span->first + i;

			if (allocated[slot / 64] >> slot % 64 & 1)
				printf("0x%" PRIx64 " %" PRIu64 " %d %" PRIx64 "\n", heap_slot_address(span, i),
				       span->elem_size, heap_walk_reached(census->walk, slot),
				       sum_of(census, heap_slot_address(span, i), span->elem_size));
		}
	}
}

int main(int argc, char **argv)
{
	struct census census;
	struct program *program;

	if (argc < 3) {
		fprintf(stderr, "usage: live_objects -p PID | live_objects CORE EXE\n");
		return 2;
	}
	program = open_program(argc, argv);
	need(census_create(program, &census));
	need(target_stop(target));
	need(census_take(&census, &(struct census_options){ 0 }));
	print_objects(&census);
	target_resume(target);
	for (size_t i = 0; i < census.findings.count; i++)
		fprintf(stderr, "0x%" PRIx64 ": %s\n", census.findings.items[i].address.v,
			census.findings.items[i].what);
	census_free(&census);
	program_destroy(program);
	target_destroy(target);
	return 0;
}
