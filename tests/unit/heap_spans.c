/*
 * heap_spans -p PID TRUTH | -c CORE EXE TRUTH: compares heap/spans.h and heap/roots.h with what testdata/heapspans wrote down of its
 * own objects, variables and records, and with heap/place.h. heap_spans --churn PID TRUTH: the same of the objects, again and again
 * while the program makes garbage. Not a unit test by itself: tests/run calls it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "binary/debug.h"
#include "heap/place.h"
#include "heap/roots.h"
#include "heap/spans.h"
#include "target/core.h"
#include "target/live.h"
#include "util/alloc.h"
#include "check.h"

enum { SHOWN = 20, CHURNS = 60, CHURN_PAUSE_US = 20000, PLACES = 20000 };

/* A line of the truth. */
struct fact {
	char kind[16];
	uint64_t numbers[5];
	char *pattern; /* NULL: none */
};

static struct program *program;
static struct heap_spans *spans;
static struct heap_roots roots;
static struct findings findings;
static struct fact *facts;
static size_t fact_count;
static unsigned long wrong, objects_seen, words_seen, unswept_seen, dead_seen;

static bool check_at(bool good, uint64_t address, const char *what)
{
	if (!good && wrong++ < SHOWN)
		fprintf(stderr, "0x%" PRIx64 ": %s\n", address, what);
	return good;
}

/* Those of a kind of thing make one check. */
static void none_wrong(void)
{
	CHECK_UINT(wrong, 0);
	wrong = 0;
}

/* --- the truth ------------------------------------------------------------------------------------------------ */

static void read_fact(char *line)
{
	struct fact fact = { .pattern = NULL };
	char *rest = line, *token = strsep(&rest, " \n");
	int base = strcmp(token, "figures") == 0 ? 10 : 16, numbers = 0;
	static const char *const patterned[] = { "object", "variable" };

	snprintf(fact.kind, sizeof(fact.kind), "%s", token);
	while ((token = strsep(&rest, " \n")) != NULL && *token != '\0') {
		bool pattern = rest == NULL || *rest == '\0';

		pattern &= strcmp(fact.kind, patterned[0]) == 0 || strcmp(fact.kind, patterned[1]) == 0;
		if (pattern)
			fact.pattern = strcmp(token, "-") == 0 ? NULL : xstrdup(token);
		else if (numbers < 5)
			fact.numbers[numbers++] = strtoull(token, NULL, base);
	}
	facts = xreallocarray(facts, fact_count + 1, sizeof(*facts));
	facts[fact_count++] = fact;
}

static bool read_facts(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t capacity = 0;

	if (!CHECK(file != NULL))
		return false;
	while (getline(&line, &capacity, file) > 0)
		read_fact(line);
	free(line);
	fclose(file);
	return CHECK(fact_count > 1000);
}

static bool is(const struct fact *fact, const char *kind)
{
	return strcmp(fact->kind, kind) == 0;
}

static void each_fact(const char *kind, void (*check)(const struct fact *))
{
	for (size_t i = 0; i < fact_count; i++)
		if (is(&facts[i], kind))
			check(&facts[i]);
	none_wrong();
}

/* --- objects --------------------------------------------------------------------------------------------------- */

static bool is_allocated(uint64_t slot)
{
	return heap_allocated(spans)[slot / 64] >> slot % 64 & 1;
}

/* The slot that the object is in, if it is what an object of this size and pointers is in. */
static const struct heap_span *check_slot(const struct fact *fact, uint32_t *index)
{
	uint64_t address = fact->numbers[0], size = fact->numbers[1];
	const struct heap_span *span = heap_span_find(spans, address);

	if (!check_at(span != NULL, address, "no span has it"))
		return NULL;
	*index = heap_slot_in(span, address);

	uint64_t slot = heap_slot_address(span, *index);

	check_at(slot + span->header == address, address, "the object does not begin in its slot");
	check_at(*index < span->count && slot + span->elem_size >= address + size && span->end > address + size - 1, address,
		 "the slot is too small");
	check_at(heap_slot_in(span, address + size - 1) == *index, address, "its last byte is in another slot");
	check_at(is_allocated(span->first + *index), address, "not allocated");
	check_at(heap_slot_survived(spans, span, *index), address, "did not survive");
	check_at(span->scannable == (fact->pattern != NULL) || program->version->minor == 8, address, "scannable");
	check_at(heap_span_of_slot(spans, span->first + *index) == span, address, "the span of its slot");
	return span;
}

static bool expected_bit(const struct fact *fact, uint64_t word)
{
	return fact->pattern != NULL && fact->pattern[word % (fact->numbers[2] / 8)] == '1';
}

/* Words [first, first + count) of the slot; `header` words of it are in front of the object. */
static void check_mask(const struct fact *fact, const uint64_t *mask, uint64_t first, uint64_t count, uint64_t header)
{
	uint64_t words = fact->numbers[1] / 8;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t word = first + i - header;
		bool bit = mask[i / 64] >> i % 64 & 1;

		if (first + i < header)
			check_at(!bit, fact->numbers[0], "the header is no pointer");
		else if (word < words && !check_at(bit == expected_bit(fact, word), fact->numbers[0] + word * 8, "a word's mask"))
			return;
	}
	if (count % 64 != 0)
		check_at(mask[count / 64] >> count % 64 == 0, fact->numbers[0], "bits behind the last word");
	words_seen += count;
}

static void check_masks(const struct fact *fact, const struct heap_span *span, uint32_t index)
{
	uint64_t words = span->elem_size / 8, header = span->header / 8, half = words / 2;
	uint64_t *mask = xcalloc(words / 64 + 2, sizeof(*mask));
	uint8_t bytes[8];

	if (target_read(program->memory, taddr_of(heap_slot_address(span, index)), bytes, 8) != NULL)
		CHECK(false);
	memset(mask, 0xa5, (words + 63) / 64 * 8);
	check_at(heap_pointer_mask(spans, span, index, bytes, span->elem_size, mask), fact->numbers[0], "no mask");
	check_mask(fact, mask, 0, words, header);
	memset(mask, 0xa5, (words + 63) / 64 * 8);
	check_at(heap_pointer_mask_part(spans, span, index, bytes, half, words - half, mask), fact->numbers[0], "no mask of a part");
	check_mask(fact, mask, half, words - half, header);
	free(mask);
}

/* Larger than a mask of 2048 bytes can say: the compiler's maxPtrmaskBytes, beyond which Go <= 1.23 writes programs. */
static bool has_program(const struct fact *fact)
{
	const char *last = fact->pattern ? strrchr(fact->pattern, '1') : NULL;

	return program->version->minor <= 23 && last != NULL && last - fact->pattern >= 2048 * 8;
}

static void check_descriptor(const struct fact *fact, const struct heap_span *span, uint32_t index)
{
	bool large = span->count == 1 && program->version->minor >= 22 && fact->numbers[1] > 32760;
	uint64_t expected = (span->header || large) && fact->pattern != NULL && !has_program(fact) ? fact->numbers[3] : 0;
	uint8_t bytes[8];

	if (target_read(program->memory, taddr_of(heap_slot_address(span, index)), bytes, 8) != NULL)
		CHECK(false);
	check_at(heap_slot_descriptor(spans, span, bytes).v == expected, fact->numbers[0], "the descriptor of its type");
}

static void check_object(const struct fact *fact)
{
	uint32_t index;
	const struct heap_span *span = check_slot(fact, &index);

	if (span == NULL)
		return;
	objects_seen++;
	check_masks(fact, span, index);
	check_descriptor(fact, span, index);
}

static void check_tiny(const struct fact *fact)
{
	uint64_t address = fact->numbers[0];
	const struct heap_span *span = heap_span_find(spans, address);

	check_at(span != NULL && is_allocated(span->first + heap_slot_in(span, address)) &&
		 (!span->scannable || program->version->minor == 8), address, "a tiny object");
}

static void check_dead(const struct fact *fact)
{
	const struct heap_span *span = heap_span_find(spans, fact->numbers[0]);

	if (span == NULL || span->elem_size != fact->numbers[2])
		return;
	dead_seen++;
	check_at(!is_allocated(span->first + heap_slot_in(span, fact->numbers[0])), fact->numbers[0], "is dead and swept");
}

/* --- all spans ------------------------------------------------------------------------------------------------- */

static void check_span(size_t i)
{
	const struct heap_span *span = heap_span_at(spans, i), *before = i != 0 ? heap_span_at(spans, i - 1) : NULL;

	check_at(span->end - span->start == span->count * span->elem_size && span->count != 0, span->start, "its slots");
	check_at(before == NULL || (before->end <= span->start && before->first + before->count == span->first), span->start, "order");
	check_at(heap_span_find(spans, span->start) == span && heap_span_find(spans, span->end - 1) == span, span->start, "found");
	check_at(heap_span_find(spans, span->end) != span && heap_span_find(spans, span->start - 1) != span, span->start, "its bounds");
	check_at(heap_span_of_slot(spans, span->first) == span && heap_span_of_slot(spans, span->first + span->count - 1) == span,
		 span->start, "the span of its slots");
	for (uint32_t k = 0; k < span->count; k += 1 + span->count / 7) {
		uint64_t at = heap_slot_address(span, k);

		check_at(heap_slot_in(span, at) == k && heap_slot_in(span, at + span->elem_size - 1) == k, at, "its slot");
	}
	unswept_seen += !span->swept;
}

static void check_spans(void)
{
	uint64_t survivors = 0;

	for (size_t i = 0; i < heap_span_count(spans); i++)
		check_span(i);
	for (size_t i = 0; i < heap_span_count(spans); i++) {
		const struct heap_span *span = heap_span_at(spans, i);

		for (uint32_t k = 0; k < span->count; k++) {
			bool survived = heap_slot_survived(spans, span, k);

			survivors += survived;
			check_at(!survived || is_allocated(span->first + k), heap_slot_address(span, k), "survived, but is free");
		}
	}
	none_wrong();
	CHECK(survivors > 2000 && survivors <= heap_slot_count(spans));
	CHECK(heap_span_find(spans, 0) == NULL && heap_span_find(spans, UINT64_MAX) == NULL &&
	      heap_span_find(spans, UINT64_MAX / 2) == NULL && heap_span_find(spans, UINT64_C(1) << 47) == NULL);
}

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* heap/place.h goes from the page through the runtime's own tables. */
static void check_places(void)
{
	struct heap *heap;
	uint64_t low = heap_span_at(spans, 0)->start, high = heap_span_at(spans, heap_span_count(spans) - 1)->end;

	CHECK(heap_open(program, &heap) == NULL);
	for (unsigned i = 0; i < PLACES; i++) {
		uint64_t address = i % 8 ? low + next_random() % (high - low) : next_random();
		const struct heap_span *span = heap_span_find(spans, address);
		struct heap_object object = { 0 };
		enum heap_place place = heap_find(heap, taddr_of(address), &object);
		uint32_t index = span ? heap_slot_in(span, address) : 0;

		if (!check_at((place == HEAP_OBJECT) == (span != NULL), address, "heap/place.h says otherwise") || span == NULL)
			continue;
		check_at(object.base.v == heap_slot_address(span, index) && object.size == span->elem_size && object.index == index &&
			 object.scannable == span->scannable && object.data.v == object.base.v + span->header, address, "another slot");
		check_at(object.allocated == is_allocated(span->first + index), address, "allocated, says heap/place.h");
	}
	none_wrong();
	heap_close(heap);
}

/* --- roots -------------------------------------------------------------------------------------------------------- */

static void check_variable(const struct fact *fact)
{
	uint64_t address = fact->numbers[0];

	for (size_t i = 0; i < roots.range_count; i++) {
		const struct heap_root_range *range = &roots.ranges[i];
		uint64_t word = (address - range->start.v) / 8;

		if (address < range->start.v || word >= range->words)
			continue;
		check_at(range->kind == HEAP_ROOT_DATA || range->kind == HEAP_ROOT_BSS, address, "a variable's range");
		for (size_t k = 0; fact->pattern[k] != '\0'; k++)
			check_at(word + k < range->words ? (range->mask[(word + k) / 8] >> (word + k) % 8 & 1) == fact->pattern[k] - '0'
							 : fact->pattern[k] == '0', address + k * 8, "a variable's mask");
		return;
	}
	check_at(false, address, "the variable is in no range");
}

static const struct heap_special *find_special(uint64_t address, enum heap_special_kind kind)
{
	for (size_t i = 0; i < roots.special_count; i++) {
		const struct heap_special *special = &roots.specials[i];
		const struct heap_span *span = heap_span_of_slot(spans, special->object);
		uint64_t slot = heap_slot_address(span, (uint32_t)(special->object - span->first));

		if (special->kind == kind && slot + special->offset == address)
			return special;
	}
	return NULL;
}

static void check_finalizer(const struct fact *fact)
{
	const struct heap_special *special = find_special(fact->numbers[0], HEAP_SPECIAL_FINALIZER);

	check_at(special != NULL && special->function.v == fact->numbers[1], fact->numbers[0], "its finalizer");
}

static bool is_object(taddr address)
{
	const struct heap_span *span = heap_span_find(spans, address.v);

	return span != NULL && is_allocated(span->first + heap_slot_in(span, address.v));
}

static void check_cleanup(const struct fact *fact)
{
	const struct heap_special *special = find_special(fact->numbers[0], HEAP_SPECIAL_CLEANUP);
	bool whole = program->version->minor >= 26;

	if (check_at(special != NULL && special->function.v != 0, fact->numbers[0], "its cleanup"))
		check_at(whole ? is_object(special->argument) && special->caller.v != 0 : is_object(special->function), fact->numbers[0],
			 "what its cleanup needs");
}

static void check_weak(const struct fact *fact)
{
	const struct heap_special *special = find_special(fact->numbers[0], HEAP_SPECIAL_WEAK);
	uint64_t object = 0;

	if (!check_at(special != NULL && is_object(special->function), fact->numbers[0], "its weak pointer") ||
	    target_read_word(program->memory, special->function, &object) != NULL)
		return;
	check_at(object == fact->numbers[0], fact->numbers[0], "what the handle points to");
}

static unsigned waiting, found_waiting;
static size_t specials_seen;

static bool is_waiting(uint64_t object)
{
	for (size_t i = 0; i < roots.range_count; i++) {
		const struct heap_root_range *range = &roots.ranges[i];
		uint64_t word;

		for (uint64_t k = 0; range->kind == HEAP_ROOT_FINALIZER && k < range->words; k++) {
			if (!(range->mask[k / 8] >> k % 8 & 1))
				continue;
			if (target_read_word(program->memory, taddr_add(range->start, k * 8), &word) != NULL)
				CHECK(false);
			else if (word == object)
				return true;
		}
	}
	return false;
}

static void check_waiting(const struct fact *fact)
{
	waiting++;
	found_waiting += is_waiting(fact->numbers[0]);
}

static void check_roots(void)
{
	if (!CHECK(heap_roots_load(program, spans, &findings, &roots) == NULL))
		return;
	specials_seen = roots.special_count;
	each_fact("variable", check_variable);
	each_fact("finalizer", check_finalizer);
	each_fact("cleanup", check_cleanup);
	each_fact("weak", check_weak);
	each_fact("waiting", check_waiting);
	CHECK(waiting >= 100 && found_waiting + 1 >= waiting); /* one may be running */
}

/* --- figures --------------------------------------------------------------------------------------------------------- */

static bool near(uint64_t value, uint64_t expected, uint64_t tolerance)
{
	bool good = value - expected + tolerance <= 2 * tolerance;

	if (!good)
		fprintf(stderr, "%" PRIu64 ", but %" PRIu64 " +- %" PRIu64 "\n", value, expected, tolerance);
	return good;
}

/* What the program said of itself, as it did little since. Live bytes count spans that threads allocate from as a whole. */
static void check_figures(const struct fact *fact)
{
	struct heap_figures figures;
	uint64_t pages = 0;

	if (!CHECK(heap_figures_read(program, &figures) == NULL))
		return;
	for (size_t i = 0; i < heap_span_count(spans); i++)
		pages += (heap_span_at(spans, i)->end - heap_span_at(spans, i)->start + 8191) / 8192 * 8192;
	CHECK_UINT(figures.cycles, fact->numbers[0]);
	CHECK(near(figures.goal, fact->numbers[1], fact->numbers[4] ? 1 << 20 : 0)); /* what is mapped has its part in a limited goal */
	CHECK(near(figures.in_use, fact->numbers[2], 512 << 10));
	CHECK(near(figures.in_use, pages, figures.in_use / 50));
	CHECK(near(figures.live, fact->numbers[3], fact->numbers[3] / 20));
	CHECK(figures.marked <= figures.live && figures.marked > figures.live / 2);
}

/* --- all of it -------------------------------------------------------------------------------------------------------- */

static void no_findings(void)
{
	CHECK_UINT(findings.total, 0);
	for (size_t i = 0; i < findings.count; i++)
		fprintf(stderr, "0x%" PRIx64 ": %s\n", findings.items[i].address.v, findings.items[i].what);
}

static bool load(void)
{
	struct error *error = heap_spans_load(program, &findings, &spans);

	if (error != NULL)
		fprintf(stderr, "%s\n", error->message);
	return CHECK(error == NULL);
}

static void check_all(struct target *target)
{
	if (!CHECK(target_stop(target) == NULL) || !load())
		return;
	each_fact("object", check_object);
	each_fact("tiny", check_tiny);
	each_fact("dead", check_dead);
	CHECK(objects_seen > 2000 && dead_seen > 100);
	check_spans();
	check_places();
	check_roots();
	each_fact("figures", check_figures);
	no_findings();
	heap_spans_free(spans);
	target_resume(target);
	heap_roots_free(&roots);
}

/* Stopped anywhere: in the midst of allocating, marking, sweeping. */
static void check_churn(struct target *target)
{
	for (int i = 0; i < CHURNS; i++) {
		if (!CHECK(target_stop(target) == NULL) || !load())
			return;
		each_fact("object", check_object);
		each_fact("tiny", check_tiny);
		check_spans();
		if (CHECK(heap_roots_load(program, spans, &findings, &roots) == NULL))
			each_fact("finalizer", check_finalizer);
		heap_roots_free(&roots);
		heap_spans_free(spans);
		target_resume(target);
		usleep(CHURN_PAUSE_US);
	}
	no_findings();
}

static bool open_binary(struct target *target, const char *path, struct binary **out)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : target->executable.fd;

	if (!CHECK(binary_open(fd, path ? path : "executable", out) == NULL && debug_open(*out, NULL) == NULL))
		return false;
	if (path == NULL)
		return true;

	bool good = CHECK(core_use_executable(target, fd, path) == NULL);

	close(fd);
	return good;
}

int main(int argc, char **argv)
{
	bool churn = argc == 4 && strcmp(argv[1], "--churn") == 0, live = churn || (argc == 4 && strcmp(argv[1], "-p") == 0);
	struct live_options options = { 0 };
	struct target *target = NULL;
	struct binary *binary = NULL;

	if (!live && (argc != 5 || strcmp(argv[1], "-c") != 0)) {
		fputs("usage: heap_spans -p PID TRUTH | -c CORE EXE TRUTH | --churn PID TRUTH\n", stderr);
		return 2;
	}
	if (read_facts(argv[argc - 1]) &&
	    CHECK((live ? live_open(atoi(argv[2]), &options, &target) : core_open(argv[2], &target)) == NULL) &&
	    open_binary(target, live ? NULL : argv[3], &binary) && CHECK(program_create(binary, target, &program) == NULL))
		(churn ? check_churn : check_all)(target);
	fprintf(stderr, "%lu objects, %lu words, %lu spans not swept, %zu specials, %u of %u finalizers waiting\n", objects_seen, words_seen,
		unswept_seen, specials_seen, found_waiting, waiting);
	findings_free(&findings);
	program_destroy(program);
	binary_destroy(binary);
	target_destroy(target);
	return check_done();
}
