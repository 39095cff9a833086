/* markroot() of runtime/mgcmark.go, but for the stacks. */
#include "heap/roots.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap/roots_private.h"
#include "layout/heap.h"
#include "util/alloc.h"

enum {
	MODULES = 4096,        /* at most: the program, and plugins */
	BLOCKS = 1 << 20,      /* of a queue; 4 KiB of finalizers each */
	MASK_BYTES = 64 << 20, /* of a module: 4 GB of variables */
	READ_AT_ONCE = 1 << 20,
};

static uint64_t load(const struct roots_loader *loader, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&loader->program->machine, bytes + at.offset, at.size);
}

static struct heap_root_range *add_range(struct roots_loader *loader, enum heap_root_kind kind, uint64_t start, uint64_t words,
					 const uint8_t *mask)
{
	struct heap_roots *roots = loader->roots;

	ARRAY_RESERVE(roots->ranges, roots->range_count, loader->range_capacity);
	roots->ranges[roots->range_count] = (struct heap_root_range){ kind, taddr_of(start), words, mask };
	return &roots->ranges[roots->range_count++];
}

/* --- variables ------------------------------------------------------------------------------------------------ */

/* Grows with what can be read. */
static struct error *read_mask(struct roots_loader *loader, uint64_t address, uint64_t length, uint8_t **out)
{
	uint8_t *mask = NULL;

	if (length > MASK_BYTES)
		return error_new(ERROR_MEMORY, "a mask of %" PRIu64 " bytes", length);
	for (uint64_t at = 0; at < length; at += READ_AT_ONCE) {
		size_t some = length - at < READ_AT_ONCE ? length - at : READ_AT_ONCE;

		mask = xreallocarray(mask, at + some, 1);

		struct error *error = target_read(loader->program->memory, taddr_of(address + at), mask + at, some);

		if (error != NULL) {
			free(mask);
			return error;
		}
	}
	*out = mask;
	return NULL;
}

/* A module whose masks are not made yet has none: modulesinit() of runtime/symtab.go runs before any variable is used. */
static void add_module_range(struct roots_loader *loader, uint64_t module, const uint8_t *bytes, int i)
{
	unsigned word = loader->program->machine.word_size;
	uint64_t start = load(loader, bytes, loader->layout->ranges[i].start), end = load(loader, bytes, loader->layout->ranges[i].end);
	uint64_t bits = load(loader, bytes, loader->layout->ranges[i].bits);
	const char *name = loader->layout->ranges[i].name;
	uint8_t *mask = NULL;

	if (bits == 0)
		return;
	if (end < start || bits > (end - start + word - 1) / word || start % word != 0) {
		findings_add(loader->findings, taddr_of(module),
			     "a module: %s is [0x%" PRIx64 ", 0x%" PRIx64 "), of which %" PRIu64 " words have a mask", name, start, end, bits);
		return;
	}

	struct error *error = read_mask(loader, load(loader, bytes, loader->layout->ranges[i].bytes), (bits + 7) / 8, &mask);

	if (error != NULL)
		findings_add_error(loader->findings, taddr_of(module), error, "a module: the mask of %s", name);
	else
		add_range(loader, i == 0 ? HEAP_ROOT_DATA : HEAP_ROOT_BSS, start, bits, mask);
}

static void load_modules(struct roots_loader *loader)
{
	const struct heap_roots_layout *layout = loader->layout;
	uint64_t module = layout->first_module + loader->program->bias;
	uint8_t bytes[HEAP_STRUCT_LIMIT];
	struct table seen = { 0 };

	while (module != 0) {
		struct error *error = target_read(loader->program->memory, taddr_of(module), bytes, layout->module_size);

		if (error == NULL && (seen.count == MODULES || !table_put(&seen, module, 0)))
			error = error_new(ERROR_MEMORY, "their list does not end");
		if (error != NULL) {
			findings_add_error(loader->findings, taddr_of(module), error, "the program's modules");
			break;
		}
		for (int i = 0; i < MASKED_RANGES; i++)
			add_module_range(loader, module, bytes, i);
		module = load(loader, bytes, layout->next_module);
	}
	table_free(&seen);
}

/* --- queues ------------------------------------------------------------------------------------------------------ */

/* Records side by side. */
static uint8_t *repeat_mask(uint64_t mask, uint64_t record_words, uint64_t words)
{
	uint8_t *bytes = xcalloc((words + 7) / 8, 1);

	for (uint64_t i = 0; i < words; i++)
		if (mask >> i % record_words & 1)
			bytes[i / 8] |= (uint8_t)(1 << i % 8);
	return bytes;
}

static void add_block(struct roots_loader *loader, enum heap_root_kind kind, const struct heap_queue_layout *queue, uint64_t block,
		      const uint8_t *bytes)
{
	uint64_t count = load(loader, bytes, queue->count);
	uint64_t record_words = queue->record_size / loader->program->machine.word_size;

	if (count > queue->record_limit)
		findings_add(loader->findings, taddr_of(block), "a block of %s: %" PRIu64 " of %" PRIu64 " records are waiting",
			     kind == HEAP_ROOT_FINALIZER ? "finalizers" : "cleanups", count, queue->record_limit);
	else if (count != 0)
		add_range(loader, kind, block + queue->records_at, count * record_words,
			  repeat_mask(queue->mask, record_words, count * record_words));
}

/* All blocks there have ever been are linked; those that hold nothing have a count of 0. */
static struct error *load_queue(struct roots_loader *loader, enum heap_root_kind kind, const struct heap_queue_layout *queue,
				struct table *seen)
{
	uint8_t bytes[HEAP_STRUCT_LIMIT];
	uint64_t block;

	TRY(target_read_word(loader->program->memory, taddr_of(queue->head + loader->program->bias), &block));
	while (block != 0) {
		if (seen->count == BLOCKS || !table_put(seen, block, 0))
			return error_new(ERROR_MEMORY, "0x%" PRIx64 ": their list does not end", block);
		TRY(target_read(loader->program->memory, taddr_of(block), bytes, queue->block_size));
		add_block(loader, kind, queue, block, bytes);
		block = load(loader, bytes, queue->next);
	}
	return NULL;
}

static void load_queues(struct roots_loader *loader)
{
	const struct {
		enum heap_root_kind kind;
		const struct heap_queue_layout *queue;
		const char *what;
	} queues[] = {
		{ HEAP_ROOT_FINALIZER, &loader->layout->finalizers, "finalizers that wait" },
		{ HEAP_ROOT_CLEANUP, &loader->layout->cleanups, "cleanups that wait" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
		struct table seen = { 0 };

		if (queues[i].queue->head == 0)
			continue;

		struct error *error = load_queue(loader, queues[i].kind, queues[i].queue, &seen);

		if (error != NULL)
			findings_add_error(loader->findings, taddr_of(queues[i].queue->head + loader->program->bias), error, "%s",
					   queues[i].what);
		table_free(&seen);
	}
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

struct error *heap_roots_create(struct program *program, const struct heap_roots_layout *layout, const struct heap_spans *spans,
				struct findings *findings, struct heap_roots *out)
{
	struct roots_loader loader = { .program = program, .spans = spans, .layout = layout, .findings = findings, .roots = out };

	*out = (struct heap_roots){ 0 };
	if (layout->unknown != NULL)
		return error_new(ERROR_TARGET, "the collector's roots: %s", layout->unknown);
	load_modules(&loader);
	load_queues(&loader);
	heap_specials_load(&loader);
	return NULL;
}

struct error *heap_roots_load(struct program *program, const struct heap_spans *spans, struct findings *findings,
			      struct heap_roots *out)
{
	struct heap_roots_layout layout;

	heap_roots_layout_load(program->binary, &layout);

	struct error *error = heap_roots_create(program, &layout, spans, findings, out);

	heap_roots_layout_free(&layout);
	return error;
}

void heap_roots_free(struct heap_roots *roots)
{
	for (size_t i = 0; i < roots->range_count; i++)
		free((uint8_t *)roots->ranges[i].mask);
	free(roots->ranges);
	free(roots->specials);
	*roots = (struct heap_roots){ 0 };
}
