/*
 * What the runtime allocates in rows (mspans, mark bits) is read in runs; each run costs one element of a system call. A run
 * with a hole is read piece by piece.
 */
#include "heap/read_many.h"

#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

/* A run goes on over bytes that nobody asked for where another element would cost more than copying them. */
enum { GAP = 1024, RUN_LIMIT = HEAP_READ_LIMIT, RUNS = 1024, BUFFER = 4 << 20, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

struct batch {
	struct target *target;
	heap_read_visit *visit;
	void *context;
	uint8_t *buffer;
	size_t size, used; /* bytes of it */
	struct target_piece pieces[RUNS];
	const struct heap_read *first[RUNS]; /* of each run */
	size_t runs;
};

static bool is_sorted(const struct heap_read *reads, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (reads[i].address < reads[i - 1].address)
			return false;
	return true;
}

/* Orders by one digit of the address; false, and nothing done, where all have the same. */
static bool sort_digit(const struct heap_read *from, struct heap_read *to, size_t count, unsigned shift)
{
	size_t starts[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < count; i++)
		starts[from[i].address >> shift & (DIGITS - 1)]++;
	if (starts[from[0].address >> shift & (DIGITS - 1)] == count)
		return false;
	for (size_t digit = 0; digit < DIGITS; digit++) {
		size_t here = starts[digit];

		starts[digit] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[starts[from[i].address >> shift & (DIGITS - 1)]++] = from[i];
	return true;
}

void heap_reads_sort(struct heap_read *reads, size_t count)
{
	if (is_sorted(reads, count))
		return;

	struct heap_read *other = xreallocarray(NULL, count, sizeof(*other)), *from = reads, *to = other;

	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		struct heap_read *swap = from;

		if (!sort_digit(from, to, count, shift))
			continue;
		from = to;
		to = swap;
	}
	if (from != reads)
		memcpy(reads, from, count * sizeof(*reads));
	free(other);
}

static void visit_alone(struct batch *batch, const struct heap_read *read)
{
	uint8_t *bytes = xmalloc(read->length + 1);
	size_t got = target_read_some(batch->target, taddr_of(read->address), bytes, read->length);

	batch->visit(batch->context, read, bytes, got);
	free(bytes);
}

static void visit_run(struct batch *batch, size_t run, const struct heap_read *end)
{
	const struct target_piece *piece = &batch->pieces[run];

	for (const struct heap_read *read = batch->first[run]; read < end; read++) {
		uint64_t offset = read->address - piece->address.v;

		if (offset + read->length <= piece->got)
			batch->visit(batch->context, read, (const uint8_t *)piece->to + offset, read->length);
		else
			visit_alone(batch, read);
	}
}

/* Reads the runs, whose last one ends before `end`. */
static void flush(struct batch *batch, const struct heap_read *end)
{
	if (batch->runs != 0)
		target_read_pieces(batch->target, batch->pieces, batch->runs);
	for (size_t run = 0; run < batch->runs; run++)
		visit_run(batch, run, run + 1 < batch->runs ? batch->first[run + 1] : end);
	batch->runs = 0;
	batch->used = 0;
}

/* The read is part of the last run, or a run of its own. */
static void add(struct batch *batch, const struct heap_read *read)
{
	struct target_piece *last = batch->runs ? &batch->pieces[batch->runs - 1] : NULL;
	uint64_t wanted = last ? read->address - last->address.v + read->length : 0;

	if (last != NULL && read->address - last->address.v <= last->length + GAP && wanted <= RUN_LIMIT &&
	    wanted >= read->length) {
		size_t more = wanted > last->length ? wanted - last->length : 0;

		if (batch->used + more <= batch->size) {
			last->length += more;
			batch->used += more;
			return;
		}
	}
	if (batch->runs == RUNS || batch->used + read->length > batch->size)
		flush(batch, read);
	batch->first[batch->runs] = read;
	batch->pieces[batch->runs++] = (struct target_piece){ taddr_of(read->address), batch->buffer + batch->used, read->length, 0 };
	batch->used += read->length;
}

/* All of them at once, if they are few. */
static size_t buffer_size(const struct heap_read *reads, size_t count)
{
	size_t size = 1;

	for (size_t i = 0; i < count && size < BUFFER; i++)
		size += reads[i].length + GAP;
	return size < BUFFER ? size : BUFFER;
}

void heap_read_many(struct target *target, struct heap_read *reads, size_t count, heap_read_visit *visit, void *context)
{
	struct batch *batch = xcalloc(1, sizeof(*batch));

	*batch = (struct batch){ .target = target, .visit = visit, .context = context, .size = buffer_size(reads, count) };
	batch->buffer = xmalloc(batch->size);
	heap_reads_sort(reads, count);
	for (size_t i = 0; i < count; i++)
		add(batch, &reads[i]);
	flush(batch, reads + count);
	free(batch->buffer);
	free(batch);
}
