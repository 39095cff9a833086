/*
 * mspan.specials: a list per span of records on its objects, in order of their offsets (runtime/mheap.go). The records of all
 * spans lie together (fixalloc), so the n-th ones of all lists are read together.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap/read_many.h"
#include "heap/roots_private.h"
#include "util/alloc.h"

/* Records of all spans: more is no program, but a circle or noise. */
enum { SPECIALS = 1 << 26 };

/* A span's list while it is walked. Brent: a circle comes back to `mark`, which moves ahead in steps that double. */
struct chain {
	const struct heap_span *span;
	uint64_t next, mark;
	uint64_t steps, limit;
};

struct walk {
	struct roots_loader *loader;
	struct chain *chains;
	size_t count, capacity;
};

static uint64_t field(const struct walk *walk, const uint8_t *bytes, size_t got, struct field_at at)
{
	if (at.size == 0 || at.offset + at.size > got)
		return 0;
	return load_uint(&walk->loader->program->machine, bytes + at.offset, at.size);
}

static void decode(const struct walk *walk, const uint8_t *bytes, size_t got, struct heap_special *out)
{
	const struct heap_roots_layout *layout = walk->loader->layout;
	uint64_t kind = field(walk, bytes, got, layout->special_kind);

	out->kind = HEAP_SPECIAL_OTHER;
	if (kind == layout->finalizer_kind) {
		out->kind = HEAP_SPECIAL_FINALIZER;
		out->function = taddr_of(field(walk, bytes, got, layout->finalizer_function));
	} else if (kind == layout->weak_kind && kind != 0) {
		out->kind = HEAP_SPECIAL_WEAK;
		out->function = taddr_of(field(walk, bytes, got, layout->weak_handle));
	} else if (kind == layout->cleanup_kind && kind != 0) {
		out->kind = HEAP_SPECIAL_CLEANUP;
		out->function = taddr_of(field(walk, bytes, got, layout->cleanup_function));
		out->argument = taddr_of(field(walk, bytes, got, layout->cleanup_argument));
		out->caller = taddr_of(field(walk, bytes, got, layout->cleanup_caller));
	}
}

/* Of a slot that is not allocated there is none: the sweep that frees it takes its records away (runtime/mgcsweep.go). */
static void add_special(struct walk *walk, const struct heap_span *span, uint64_t address, const uint8_t *bytes, size_t got)
{
	struct roots_loader *loader = walk->loader;
	struct heap_roots *roots = loader->roots;
	uint64_t offset = field(walk, bytes, got, loader->layout->special_offset), slot;
	struct heap_special special = { 0 };

	if (offset >= span->end - span->start) {
		findings_add(loader->findings, taddr_of(address), "a record of the span at 0x%" PRIx64 ": on its byte %" PRIu64,
			     span->start, offset);
		return;
	}
	slot = span->first + heap_slot_in(span, span->start + offset);
	if (!(heap_allocated(loader->spans)[slot / 64] >> slot % 64 & 1)) {
		findings_add(loader->findings, taddr_of(address), "a record on 0x%" PRIx64 ", which is not allocated",
			     span->start + offset);
		return;
	}
	decode(walk, bytes, got, &special);
	special.object = slot;
	special.offset = span->start + offset - heap_slot_address(span, (uint32_t)(slot - span->first));
	ARRAY_RESERVE(roots->specials, roots->special_count, loader->special_capacity);
	roots->specials[roots->special_count++] = special;
}

static void follow(struct walk *walk, struct chain *chain, uint64_t next)
{
	chain->next = next;
	if (next != 0 && next == chain->mark) {
		findings_add(walk->loader->findings, taddr_of(next), "records of the span at 0x%" PRIx64 ": their list is a circle",
			     chain->span->start);
		chain->next = 0;
		return;
	}
	if (chain->steps++ == chain->limit) {
		chain->mark = next;
		chain->steps = 0;
		chain->limit *= 2;
	}
}

static void visit_special(void *context, const struct heap_read *read, const uint8_t *bytes, size_t got)
{
	struct walk *walk = context;
	const struct heap_roots_layout *layout = walk->loader->layout;
	struct chain *chain = &walk->chains[read->index];
	size_t needed = layout->special_kind.offset + layout->special_kind.size;

	if (got < needed) {
		taddr at = taddr_of(read->address + got);

		findings_add_error(walk->loader->findings, taddr_of(read->address), target_unreadable(walk->loader->program->memory, at),
				   "a record of the span at 0x%" PRIx64, chain->span->start);
		chain->next = 0;
		return;
	}
	add_special(walk, chain->span, read->address, bytes, got);
	follow(walk, chain, field(walk, bytes, got, layout->special_next));
}

/* Reads the next record of each list that goes on; how many that were. */
static size_t step(struct walk *walk, struct heap_read *reads)
{
	struct roots_loader *loader = walk->loader;
	size_t count = 0;

	for (size_t i = 0; i < walk->count; i++)
		if (walk->chains[i].next != 0)
			reads[count++] = (struct heap_read){ walk->chains[i].next, (uint32_t)loader->layout->special_size, (uint32_t)i };
	if (count == 0)
		return 0;
	if (loader->roots->special_count > SPECIALS) {
		findings_add(loader->findings, taddr_of(reads[0].address), "records on objects: their lists do not end");
		return 0;
	}
	heap_read_many(loader->program->memory, reads, count, visit_special, walk);
	return count;
}

static void drop_ended(struct walk *walk)
{
	size_t kept = 0;

	for (size_t i = 0; i < walk->count; i++)
		if (walk->chains[i].next != 0)
			walk->chains[kept++] = walk->chains[i];
	walk->count = kept;
}

static int by_object(const void *a, const void *b)
{
	const struct heap_special *left = a, *right = b;

	if (left->object != right->object)
		return left->object < right->object ? -1 : 1;
	return left->kind < right->kind ? -1 : left->kind > right->kind;
}

void heap_specials_load(struct roots_loader *loader)
{
	struct walk walk = { .loader = loader };

	for (size_t i = 0; i < heap_span_count(loader->spans); i++) {
		const struct heap_span *span = heap_span_at(loader->spans, i);

		if (span->specials.v == 0)
			continue;
		ARRAY_RESERVE(walk.chains, walk.count, walk.capacity);
		walk.chains[walk.count++] = (struct chain){ .span = span, .next = span->specials.v, .limit = 1 };
	}

	struct heap_read *reads = xreallocarray(NULL, walk.count, sizeof(*reads));

	while (step(&walk, reads) != 0)
		drop_ended(&walk);
	if (loader->roots->special_count != 0)
		qsort(loader->roots->specials, loader->roots->special_count, sizeof(*loader->roots->specials), by_object);
	free(reads);
	free(walk.chains);
}
