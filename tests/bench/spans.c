/*
 * spans -p PID | -c CORE EXE  [RUNS]
 *
 * Reads all spans of a heap, and says how much CPU and memory that took, the median of RUNS (default 9); then how long the masks of
 * all objects with pointers take (without reading the objects that have malloc headers), and lookups of random addresses. The target
 * stands still meanwhile.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binary/debug.h"
#include "heap/roots.h"
#include "heap/spans.h"
#include "target/core.h"
#include "target/live.h"
#include "util/alloc.h"

enum { RUNS_MOST = 100, LOOKUPS = 20000000, MASK_WORDS = 1 << 16 };

static struct program *program;
static struct findings findings;

static void check(struct error *error)
{
	if (error == NULL)
		return;
	fprintf(stderr, "spans: %s\n", error->message);
	exit((int)error->code);
}

static double cpu_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double memory_mb(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd) / 1e6;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct heap_spans *load(int runs)
{
	double times[RUNS_MOST], memory = memory_mb();
	struct heap_spans *spans = NULL;
	uint64_t bytes = 0;

	for (int i = 0; i < runs; i++) {
		heap_spans_free(spans);
		times[i] = cpu_ms();
		check(heap_spans_load(program, &findings, &spans));
		times[i] = cpu_ms() - times[i];
	}
	memory = memory_mb() - memory;
	for (size_t i = 0; i < heap_span_count(spans); i++)
		bytes += heap_span_at(spans, i)->end - heap_span_at(spans, i)->start;
	printf("%.2f GB, %zu spans, %" PRIu64 " slots\n", (double)bytes / 1e9, heap_span_count(spans), heap_slot_count(spans));
	printf("spans: first %.1f ms", times[0]);
	qsort(times, (size_t)runs, sizeof(*times), compare);
	printf(", median %.1f, best %.1f; %.1f MB, %.2f bytes a slot\n", times[runs / 2], times[0], memory,
	       memory * 1e6 / (double)heap_slot_count(spans));
	return spans;
}

static void roots(const struct heap_spans *spans)
{
	struct heap_roots found;
	double time = cpu_ms();

	check(heap_roots_load(program, spans, &findings, &found));
	printf("roots: %.1f ms, %zu ranges, %zu records\n", cpu_ms() - time, found.range_count, found.special_count);
	heap_roots_free(&found);
}

/* Of one object, in parts. */
static uint64_t count_pointers(struct heap_spans *spans, const struct heap_span *span, uint32_t index, const uint8_t *bytes)
{
	static uint64_t mask[MASK_WORDS / 64];
	uint64_t words = span->elem_size / program->machine.word_size, pointers = 0;

	for (uint64_t at = 0; at < words; at += MASK_WORDS) {
		size_t some = words - at < MASK_WORDS ? words - at : MASK_WORDS;

		heap_pointer_mask_part(spans, span, index, bytes, at, some, mask);
		for (size_t i = 0; i < (some + 63) / 64; i++)
			pointers += (uint64_t)__builtin_popcountll(mask[i]);
	}
	return pointers;
}

static void masks(struct heap_spans *spans)
{
	uint64_t objects = 0, pointers = 0;
	uint8_t *bytes = NULL;
	double time = 0;

	for (size_t i = 0; i < heap_span_count(spans); i++) {
		const struct heap_span *span = heap_span_at(spans, i);

		if (!span->scannable)
			continue;
		if (span->header != 0) {
			bytes = xreallocarray(bytes, span->end - span->start, 1);
			target_read_some(program->memory, taddr_of(span->start), bytes, span->end - span->start);
		}

		double began = cpu_ms();

		for (uint32_t k = 0; k < span->count; k++) {
			if (!(heap_allocated(spans)[(span->first + k) / 64] >> (span->first + k) % 64 & 1))
				continue;
			objects++;
			pointers += count_pointers(spans, span, k, span->header ? bytes + k * span->elem_size : NULL);
		}
		time += cpu_ms() - began;
	}
	free(bytes);
	printf("masks: %.1f ms, %" PRIu64 " objects, %" PRIu64 " pointers, %.1f M objects/s\n", time, objects, pointers,
	       (double)objects / time / 1e3);
}

static void lookups(const struct heap_spans *spans)
{
	uint64_t low = heap_span_at(spans, 0)->start, high = heap_span_at(spans, heap_span_count(spans) - 1)->end;
	uint64_t state = 88172645463325252, found = 0, inside = 0;
	double time = cpu_ms();

	for (int i = 0; i < LOOKUPS; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;

		uint64_t address = i % 2 ? low + state % (high - low) : state;
		const struct heap_span *span = heap_span_find(spans, address);

		found += span != NULL;
		inside += span != NULL && heap_slot_in(span, address) < span->count;
	}
	time = cpu_ms() - time;
	printf("lookups: %.1f M/s, half of them of any address; %" PRIu64 " found%s\n", LOOKUPS / time / 1e3, found,
	       found == inside ? "" : ", some in no slot");
}

int main(int argc, char **argv)
{
	bool live = argc >= 3 && strcmp(argv[1], "-p") == 0;
	int operands = live ? 3 : 4, runs = argc > operands ? atoi(argv[operands]) : 9;
	struct live_options options = { 0 };
	struct target *target = NULL;
	struct binary *binary;

	if (argc < operands || (!live && strcmp(argv[1], "-c") != 0) || runs < 1 || runs > RUNS_MOST) {
		fputs("usage: spans -p PID | -c CORE EXE  [RUNS]\n", stderr);
		return 2;
	}
	check(live ? live_open(atoi(argv[2]), &options, &target) : core_open(argv[2], &target));

	int fd = live ? target->executable.fd : open(argv[3], O_RDONLY | O_CLOEXEC);

	check(binary_open(fd, live ? "executable" : argv[3], &binary));
	check(debug_open(binary, NULL));
	if (!live)
		check(core_use_executable(target, fd, argv[3]));
	check(program_create(binary, target, &program));
	check(target_stop(target));

	struct heap_spans *spans = load(runs);

	roots(spans);
	masks(spans);
	lookups(spans);
	printf("%" PRIu64 " findings\n", findings.total);
	heap_spans_free(spans);
	findings_free(&findings);
	program_destroy(program);
	binary_destroy(binary);
	target_destroy(target);
	return 0;
}
