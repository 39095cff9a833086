/* Where a walk begins: variables, stacks, registers, what hangs on objects. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "binary/debug.h"
#include "heap/walk_private.h"
#include "util/interrupt.h"

/* Bytes of the binary's data that are read together. */
enum { CHUNK = 4 << 20 };

void walk_find_image(struct heap_walk *walk)
{
	size_t count;

	if (elf_getphdrnum(walk->program->binary->elf, &count) != 0)
		return;
	walk->image_low = UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(walk->program->binary->elf, (int)i, &header) == NULL || header.p_type != PT_LOAD)
			continue;

		uint64_t low = header.p_vaddr + walk->program->bias, high = low + header.p_memsz;

		walk->image_low = low < walk->image_low ? low : walk->image_low;
		walk->image_high = high > walk->image_high ? high : walk->image_high;
	}
	if (walk->image_low > walk->image_high)
		walk->image_low = walk->image_high;
}

/* --- variables ----------------------------------------------------------------------------------------------------- */

struct variable_seeds {
	struct heap_walk *walk;
	struct error *error;
};

static void seed_variable(struct heap_walk *walk, uint64_t address, heap_type_id type)
{
	struct edge edge = { .value = address, .from = address, .type = type };

	walk_note_part(walk, &edge, false);
}

static bool visit_variable(void *context, const struct debug_variable *variable)
{
	struct variable_seeds *seeds = context;
	struct heap_walk *walk = seeds->walk;
	struct gotype *type;
	struct error *error = program_type_at(walk->program, variable->type, &type);

	if (error == NULL) {
		heap_type_id id = heap_type_of(walk->types, HEAP_VALUE, type);

		if (id != 0)
			seed_variable(walk, variable->address + walk->program->bias, id);
	}
	error_free(error);
	seeds->error = interrupt_check();
	return seeds->error == NULL;
}

/* --- words --------------------------------------------------------------------------------------------------------- */

static bool mask_bit(const uint8_t *mask, uint64_t word)
{
	return mask[word / 8] >> word % 8 & 1;
}

/*
 * Whether a word of variables that have no names can be the type word of an interface, whose value is the next one. A type word is no
 * pointer to the collector from Go 1.11 on (cmd/compile, onebitwalktype1()). Of what reflect makes it leads into the heap.
 */
static bool may_be_type_word(const struct heap_walk *walk, uint64_t word, bool masked)
{
	bool in_image = word - walk->image_low < walk->image_high - walk->image_low;

	return masked == (walk->program->version->minor < 11) && (in_image || heap_span_find(walk->spans, word) != NULL);
}

static heap_type_id type_of_value(struct heap_walk *walk, uint64_t word)
{
	heap_type_id id = heap_type_of_interface(walk->types, false, word);

	return id != 0 ? id : heap_type_of_interface(walk->types, true, word);
}

static void seed_words(struct heap_walk *walk, const uint8_t *bytes, uint64_t address, size_t words, const uint8_t *mask,
		       uint64_t first)
{
	unsigned size = walk->program->machine.word_size;
	bool before_masked = false;
	/* not on stacks: what two words hold side by side there may never have been one value */
	bool nameless = mask != NULL && walk->root.kind != HEAP_ORIGIN_STACK && debug_is_made(walk->program->binary->debug);
	uint64_t before = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t word = load_word(&walk->program->machine, bytes + i * size);
		bool masked = mask == NULL || mask_bit(mask, first + i);

		if (masked && word != 0)
			walk_add_edge(walk, word, address + i * size, 0, PARENT_IS_ROOT,
				      nameless && before != 0 && may_be_type_word(walk, before, before_masked) ? type_of_value(walk, before) : 0);
		before = word;
		before_masked = masked;
	}
	walk_flush(walk);
}

/*
 * What waits to be called says of what type its object is: words fn, arg, nret, fint, ot of runtime.finalizer (runtime/mfinal.go, all
 * versions), of which ot names the type of the pointer arg, as the type word of an interface would.
 */
static void seed_finalizers(struct heap_walk *walk, const uint8_t *bytes, uint64_t address, size_t words)
{
	enum { FN, ARG, OT = 4, RECORD };
	const struct machine *machine = &walk->program->machine;
	unsigned size = machine->word_size;

	for (size_t i = 0; i + RECORD <= words; i += RECORD) {
		uint64_t type = load_word(machine, bytes + (i + OT) * size);

		walk_add_edge(walk, load_word(machine, bytes + (i + FN) * size), address + (i + FN) * size, 0, PARENT_IS_ROOT,
			      heap_type_of_function(walk->types, 0));
		walk_add_edge(walk, load_word(machine, bytes + (i + ARG) * size), address + (i + ARG) * size, 0, PARENT_IS_ROOT,
			      type ? heap_type_of_interface(walk->types, false, type) : 0);
	}
	walk_flush(walk);
}

static void seed_range(struct heap_walk *walk, const struct heap_root_range *range)
{
	unsigned size = walk->program->machine.word_size;
	uint64_t bytes = range->words * size;

	walk->root = (struct heap_origin){ .kind = range->kind == HEAP_ROOT_DATA || range->kind == HEAP_ROOT_BSS ? HEAP_ORIGIN_DATA
														  : HEAP_ORIGIN_QUEUE };
	for (uint64_t at = 0; at < bytes; at += CHUNK) {
		uint64_t some = bytes - at < CHUNK ? bytes - at : CHUNK;
		size_t got = target_read_some(walk->program->memory, taddr_add(range->start, at), walk->buffer, some);

		if (range->kind == HEAP_ROOT_FINALIZER)
			seed_finalizers(walk, walk->buffer, range->start.v + at, got / size);
		seed_words(walk, walk->buffer, range->start.v + at, got / size, range->mask, at / size);
		if (got < some) {
			findings_add(walk->findings, taddr_add(range->start, at + got), "variables cannot be read");
			break;
		}
	}
}

/* --- specials ------------------------------------------------------------------------------------------------------- */

/* All that the object leads to. */
static void seed_behind(struct heap_walk *walk, const struct heap_span *span, uint32_t index)
{
	uint64_t start = heap_slot_address(span, index);
	unsigned size = walk->program->machine.word_size;
	uint8_t head[16] = { 0 };

	target_read_some(walk->program->memory, taddr_of(start), head, sizeof(head));
	for (uint64_t at = 0; at < span->elem_size; at += CHUNK) {
		uint64_t some = span->elem_size - at < CHUNK ? span->elem_size - at : CHUNK;
		size_t got = target_read_some(walk->program->memory, taddr_of(start + at), walk->buffer, (size_t)some) / size;

		heap_pointer_mask_part(walk->spans, span, index, head, at / size, got, walk->mask);
		for (size_t i = 0; i < got; i++)
			if (bit_test(walk->mask, i))
				walk_add_edge(walk, load_word(&walk->program->machine, walk->buffer + i * size), start + at + i * size, 0,
					      PARENT_IS_ROOT, 0);
		if (got < some / size) {
			findings_add(walk->findings, taddr_of(start + at + got * size), "an object with a finalizer cannot be read");
			return;
		}
	}
}

/* A finalizer keeps alive what its object leads to, not the object (runtime/mgcmark.go, markrootSpans). */
static void seed_special(struct heap_walk *walk, const struct heap_special *special)
{
	const struct heap_span *span = heap_span_of_slot(walk->spans, special->object);
	uint32_t index = (uint32_t)(special->object - span->first);
	uint64_t start = heap_slot_address(span, index);

	walk->root = (struct heap_origin){ HEAP_ORIGIN_SPECIAL, taddr_of(start + special->offset), 0 };
	if (special->function.v != 0)
		walk_add_edge(walk, special->function.v, 0, 0, PARENT_IS_ROOT, heap_type_of_function(walk->types, 0));
	if (special->caller.v != 0)
		walk_add_edge(walk, special->caller.v, 0, 0, PARENT_IS_ROOT, heap_type_of_function(walk->types, 0));
	if (special->argument.v != 0)
		walk_add_edge(walk, special->argument.v, 0, 0, PARENT_IS_ROOT, 0);
	if (special->kind == HEAP_SPECIAL_FINALIZER && span->scannable)
		seed_behind(walk, span, index);
	walk_flush(walk);
}

struct error *heap_walk_seed_roots(struct heap_walk *walk, const struct heap_roots *roots)
{
	struct variable_seeds seeds = { .walk = walk };

	walk->data = xcalloc(roots->range_count + 1, sizeof(*walk->data));
	walk->data_count = roots->range_count;
	for (size_t i = 0; i < roots->range_count; i++)
		walk->data[i] = (struct heap_root_range){ roots->ranges[i].kind, roots->ranges[i].start, roots->ranges[i].words, NULL };
	debug_each_variable(walk->program->binary->debug, visit_variable, &seeds);
	if (seeds.error != NULL)
		return seeds.error;
	for (size_t i = 0; i < roots->range_count; i++)
		seed_range(walk, &roots->ranges[i]);
	for (size_t i = 0; i < roots->special_count; i++)
		if (roots->specials[i].kind == HEAP_SPECIAL_FINALIZER || roots->specials[i].kind == HEAP_SPECIAL_CLEANUP)
			seed_special(walk, &roots->specials[i]);
	return interrupt_check();
}

/* --- goroutines ------------------------------------------------------------------------------------------------------ */

static int compare_stacks(const void *a, const void *b)
{
	const struct stack_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static int compare_objects(const void *a, const void *b)
{
	const struct heap_stack_object *x = a, *y = b;

	return x->address.v < y->address.v ? -1 : x->address.v > y->address.v;
}

void walk_sort_stacks(struct heap_walk *walk)
{
	if (!walk->stacks_sorted && walk->stack_count != 0)
		qsort(walk->stacks, walk->stack_count, sizeof(*walk->stacks), compare_stacks);
	if (!walk->stacks_sorted && walk->object_count != 0)
		qsort(walk->objects, walk->object_count, sizeof(*walk->objects), compare_objects);
	walk->stacks_sorted = true;
}

void heap_walk_add_stack(struct heap_walk *walk, uint64_t goroutine, taddr low, uint64_t size)
{
	ARRAY_RESERVE(walk->stacks, walk->stack_count, walk->stack_capacity);
	walk->stacks[walk->stack_count++] = (struct stack_range){ low.v, low.v + size, goroutine };
	walk->stacks_sorted = false;
}

void heap_walk_add_stack_object(struct heap_walk *walk, const struct heap_stack_object *object)
{
	ARRAY_RESERVE(walk->objects, walk->object_count, walk->object_capacity);
	walk->objects[walk->object_count++] = *object;
	walk->stacks_sorted = false;
}

void heap_walk_seed_stack(struct heap_walk *walk, uint64_t goroutine, taddr low, const uint8_t *bytes, size_t size)
{
	walk->root = (struct heap_origin){ HEAP_ORIGIN_STACK, { 0 }, goroutine };
	seed_words(walk, bytes, low.v, size / walk->program->machine.word_size, NULL, 0);
}

void heap_walk_seed_live(struct heap_walk *walk, uint64_t goroutine, taddr low, const uint8_t *bytes, size_t size, const uint8_t *mask)
{
	walk->root = (struct heap_origin){ HEAP_ORIGIN_STACK, { 0 }, goroutine };
	seed_words(walk, bytes, low.v, size / walk->program->machine.word_size, mask, 0);
}

void heap_walk_seed_register(struct heap_walk *walk, uint64_t goroutine, uint64_t value)
{
	walk->root = (struct heap_origin){ HEAP_ORIGIN_REGISTER, { 0 }, goroutine };
	walk_add_edge(walk, value, 0, 0, PARENT_IS_ROOT, 0);
	walk_flush(walk);
}

void heap_walk_seed_value(struct heap_walk *walk, uint64_t goroutine, struct gotype *type, taddr address, const uint8_t *bytes)
{
	heap_type_id id = heap_type_of(walk->types, HEAP_VALUE, type);
	struct scan scan = { bytes, address.v, (size_t)type->size, (size_t)type->size, PARENT_IS_ROOT };

	if (id == 0)
		return;
	walk_sort_stacks(walk);
	walk->root = (struct heap_origin){ address.v ? HEAP_ORIGIN_STACK : HEAP_ORIGIN_REGISTER, address, goroutine };
	walk_scan_typed(walk, &scan, id, address.v, 1);
	walk_flush(walk);
}

void heap_walk_seed_pointer(struct heap_walk *walk, uint64_t goroutine, struct gotype *type, taddr value)
{
	heap_type_id id = heap_type_of(walk->types, HEAP_VALUE, type);

	if (id == 0)
		return;
	walk_sort_stacks(walk);
	walk->root = (struct heap_origin){ HEAP_ORIGIN_REGISTER, { 0 }, goroutine };
	walk_add_edge(walk, value.v, 0, 0, PARENT_IS_ROOT, id);
	walk_flush(walk);
}
