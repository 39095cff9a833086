/* The words of objects: read in bulk, looked at once by what their type says of them and once by the collector's bitmap. */
#include "heap/walk_private.h"
#include "layout/map.h"

#include <string.h>

#include "refmap/size_class.h"
#include "util/interrupt.h"

enum {
	READ_LIMIT = 4 << 20,  /* bytes read together */
	BATCH = 1024,          /* objects */
	WINDOW = 1 << 20,      /* of one object that is larger */
	GAP = 1024,            /* bytes between two objects that are read along */
	LONGEST_WORD = 32,     /* a slice has three words */
	FIELDS_LIMIT = 1 << 20 /* words that a channel's buffer or a directory may be said to have */
};

/* --- words of known type ------------------------------------------------------------------------------------------- */

static uint64_t word_at(const struct heap_walk *walk, const struct scan *scan, size_t at)
{
	return at + walk->program->machine.word_size <= scan->length ? load_word(&walk->program->machine, scan->bytes + at) : 0;
}

/* dataqsiz is the word behind qcount: runtime/chan.go, hchan, the same in all versions. */
static uint64_t buffer_length(const struct heap_walk *walk, const struct scan *scan, size_t at, const struct heap_word *word)
{
	unsigned size = walk->program->machine.word_size;

	return at >= word->offset ? word_at(walk, scan, at - word->offset + size) : 0;
}

/* dirPtr leads to groups where dirLen is 0, else to the directory. */
static void scan_directory(struct heap_walk *walk, const struct scan *scan, size_t at, const struct heap_word *word,
			   struct gotype *map)
{
	const struct swiss_header_layout *layout = &map->map_layout->swiss;
	uint64_t value = word_at(walk, scan, at);
	uint64_t length = word_at(walk, scan, at - layout->dir_ptr.offset + layout->dir_len.offset);
	heap_type_id target = length == 0 ? word->target : heap_type_of(walk->types, HEAP_DIRECTORY, map);

	if (target != 0)
		walk_add_edge(walk, value, scan->address + at, 0, scan->parent, target);
}

static void scan_interface(struct heap_walk *walk, const struct scan *scan, size_t at, bool has_methods)
{
	unsigned size = walk->program->machine.word_size;
	uint64_t type_word = word_at(walk, scan, at), value = word_at(walk, scan, at + size);
	heap_type_id target = type_word != 0 && value != 0 ? heap_type_of_interface(walk->types, has_methods, type_word) : 0;

	if (target != 0)
		walk_add_edge(walk, value, scan->address + at + size, 0, scan->parent, target);
}

static void scan_reflected(struct heap_walk *walk, const struct scan *scan, size_t at)
{
	unsigned size = walk->program->machine.word_size;
	uint64_t type_word = word_at(walk, scan, at), value = word_at(walk, scan, at + size);
	heap_type_id target = value != 0 ? heap_type_of_reflected(walk->types, type_word, word_at(walk, scan, at + 2 * size)) : 0;

	if (target != 0)
		walk_add_edge(walk, value, scan->address + at + size, 0, scan->parent, target);
}

static void scan_word(struct heap_walk *walk, const struct scan *scan, size_t at, const struct heap_word *word,
		      struct gotype *type)
{
	unsigned size = walk->program->machine.word_size;
	uint64_t value = word_at(walk, scan, at);

	if (value == 0)
		return;
	switch (word->kind) {
	case HEAP_WORD_POINTER:
		walk_add_edge(walk, value, scan->address + at, 0, scan->parent, word->target);
		break;
	case HEAP_WORD_SLICE:
		walk_add_edge(walk, value, scan->address + at, word_at(walk, scan, at + 2 * size), scan->parent, word->target);
		break;
	case HEAP_WORD_ARRAY:
		walk_add_edge(walk, value, scan->address + at, word_at(walk, scan, at + size), scan->parent, word->target);
		break;
	case HEAP_WORD_BUFFER:
		walk_add_edge(walk, value, scan->address + at, buffer_length(walk, scan, at, word), scan->parent, word->target);
		break;
	case HEAP_WORD_EFACE:
	case HEAP_WORD_IFACE:
		scan_interface(walk, scan, at, word->kind == HEAP_WORD_IFACE);
		break;
	case HEAP_WORD_REFLECT:
		scan_reflected(walk, scan, at);
		break;
	case HEAP_WORD_DIRECTORY:
		scan_directory(walk, scan, at, word, type);
		break;
	}
}

void walk_scan_typed(struct heap_walk *walk, const struct scan *scan, heap_type_id id, uint64_t start, uint64_t count)
{
	/* copied: looking at words makes new types, which move the others */
	const struct heap_type type = *heap_type_complete(walk->types, id);
	uint64_t end = scan->address + scan->starts;
	uint64_t first = scan->address > start ? (scan->address - start) / type.size : 0;

	if (type.word_count == 0)
		return;
	for (uint64_t i = first; i < count; i++) {
		uint64_t base = start + i * type.size;

		if (base >= end)
			break;
		for (uint32_t k = 0; k < type.word_count; k++) {
			uint64_t at = base + type.words[k].offset;

			if (at >= scan->address && at < end)
				scan_word(walk, scan, at - scan->address, &type.words[k], type.type);
		}
	}
}

/* --- objects ------------------------------------------------------------------------------------------------------- */

/* A malloc header knows; the type that a pointer promised may be one with another name. */
static heap_type_id known_type(struct heap_walk *walk, const struct heap_span *span, uint64_t slot, const uint8_t *bytes)
{
	struct record *record = &walk->records[slot];
	taddr descriptor = heap_slot_descriptor(walk->spans, span, bytes);
	heap_type_id id = descriptor.v ? heap_type_of_descriptor(walk->types, descriptor) : 0, known = type_of(record);

	if (id != 0 && (known == 0 || heap_type_at(walk->types, id)->size != heap_type_at(walk->types, known)->size))
		record->type = known = id;
	id = known ? heap_type_of_object(walk->types, known, bytes + span->header, (size_t)span->elem_size - span->header) : 0;
	if (id != known)
		record->type = id;
	return id;
}

static void scan_bitmap(struct heap_walk *walk, const struct scan *scan, const uint64_t *mask)
{
	unsigned size = walk->program->machine.word_size;
	size_t words = scan->starts / size;

	for (size_t i = 0; i < words; i += 64) {
		uint64_t bits = mask[i / 64];

		for (; bits != 0; bits &= bits - 1) {
			size_t word = i + (unsigned)__builtin_ctzll(bits);
			uint64_t value = word < words ? word_at(walk, scan, word * size) : 0;

			if (value != 0)
				walk_add_edge(walk, value, scan->address + word * size, 0, scan->parent, 0);
		}
	}
}

/* One window of an object; `head` are the object's first bytes. */
static void scan_object(struct heap_walk *walk, const struct heap_span *span, uint32_t index, const uint8_t *head,
			const struct scan *scan)
{
	uint64_t slot = span->first + index, start = heap_slot_address(span, index);
	unsigned size = walk->program->machine.word_size;
	heap_type_id type = known_type(walk, span, slot, head);

	if (type != 0) {
		bool repeats = heap_type_at(walk->types, type)->repeats;

		walk_scan_typed(walk, scan, type, start + span->header, repeats ? UINT64_MAX : 1);
	}
	heap_pointer_mask_part(walk->spans, span, index, head, (scan->address - start) / size, scan->starts / size, walk->mask);
	scan_bitmap(walk, scan, walk->mask);
	walk->scanned += scan->starts;
}

/* An object that is read window by window. */
static void scan_large(struct heap_walk *walk, const struct heap_span *span, uint32_t index)
{
	uint64_t start = heap_slot_address(span, index);
	uint8_t head[16] = { 0 };

	if (target_read_some(walk->program->memory, taddr_of(start), head, sizeof(head)) < sizeof(head)) {
		findings_add(walk->findings, taddr_of(start), "an object of %llu bytes cannot be read",
			     (unsigned long long)span->elem_size);
		return;
	}
	for (uint64_t at = 0; at < span->elem_size; at += WINDOW) {
		uint64_t left = span->elem_size - at;
		size_t length = left < WINDOW + LONGEST_WORD ? (size_t)left : WINDOW + LONGEST_WORD;
		const uint8_t *bytes = target_view(walk->program->memory, taddr_of(start + at), length);
		struct scan scan = { bytes, start + at, length, length < WINDOW ? length : WINDOW, (uint32_t)(span->first + index + 1) };

		if (bytes == NULL) {
			scan.bytes = walk->buffer;
			scan.length = target_read_some(walk->program->memory, taddr_of(start + at), walk->buffer, length);
			if (scan.starts > scan.length)
				scan.starts = scan.length / 8 * 8;
		}
		scan_object(walk, span, index, head, &scan);
		if (scan.length < length) {
			findings_add(walk->findings, taddr_of(start + at + scan.length), "an object of %llu bytes cannot be read to its end",
				     (unsigned long long)span->elem_size);
			break;
		}
	}
}

/* --- levels -------------------------------------------------------------------------------------------------------- */

struct batch_item {
	const struct heap_span *span;
	uint32_t index;
	const uint8_t *bytes; /* NULL: not read */
};

struct batch {
	struct batch_item items[BATCH];
	size_t count;
	struct target_piece pieces[BATCH];
	size_t piece_count;
	size_t used; /* bytes of the walk's buffer */
};

/* A level may be one object: what a batch has room for is not cleared. */
static void begin_batch(struct batch *batch)
{
	batch->count = batch->piece_count = batch->used = 0;
}

static void read_batch(struct heap_walk *walk, struct batch *batch)
{
	size_t piece = 0;

	if (batch->piece_count != 0)
		target_read_pieces(walk->program->memory, batch->pieces, batch->piece_count);
	for (size_t i = 0; i < batch->count; i++) {
		struct batch_item *item = &batch->items[i];
		uint64_t address = heap_slot_address(item->span, item->index);

		if (item->bytes != NULL)
			continue;
		while (piece < batch->piece_count &&
		       address - batch->pieces[piece].address.v >= batch->pieces[piece].length)
			piece++;
		if (piece == batch->piece_count)
			break;

		uint64_t at = address - batch->pieces[piece].address.v;

		if (at + item->span->elem_size <= batch->pieces[piece].got)
			item->bytes = (const uint8_t *)batch->pieces[piece].to + at;
	}
}

/* Reads what was gathered and hands each object to `look`. */
static void finish_batch(struct heap_walk *walk, struct batch *batch,
			 void (*look)(struct heap_walk *, const struct heap_span *, uint32_t, const uint8_t *))
{
	read_batch(walk, batch);
	for (size_t i = 0; i < batch->count; i++) {
		const struct batch_item *item = &batch->items[i];

		if (item->bytes != NULL)
			look(walk, item->span, item->index, item->bytes);
		else
			findings_add(walk->findings, taddr_of(heap_slot_address(item->span, item->index)),
				     "an object of %llu bytes cannot be read", (unsigned long long)item->span->elem_size);
	}
	begin_batch(batch);
}

/* Where the object's bytes will be; objects come in order of address, and what lies between two of them is little. */
static void gather(struct heap_walk *walk, struct batch *batch, const struct heap_span *span, uint32_t index)
{
	uint64_t address = heap_slot_address(span, index);
	struct target_piece *last = batch->piece_count ? &batch->pieces[batch->piece_count - 1] : NULL;
	const uint8_t *view = target_view(walk->program->memory, taddr_of(address), span->elem_size);

	batch->items[batch->count++] = (struct batch_item){ span, index, view };
	if (view != NULL)
		return;
	if (last != NULL && address >= last->address.v && address - last->address.v <= last->length + GAP) {
		size_t length = (size_t)(address + span->elem_size - last->address.v);

		batch->used += length - last->length;
		last->length = length;
		return;
	}
	batch->pieces[batch->piece_count++] =
		(struct target_piece){ taddr_of(address), walk->buffer + batch->used, span->elem_size, 0 };
	batch->used += span->elem_size;
}

static void scan_small(struct heap_walk *walk, const struct heap_span *span, uint32_t index, const uint8_t *bytes)
{
	const struct scan scan = { bytes, heap_slot_address(span, index), span->elem_size, span->elem_size,
				   (uint32_t)(span->first + index + 1) };

	bit_clear(walk->queued, span->first + index);
	scan_object(walk, span, index, bytes, &scan);
}

static void report_progress(struct heap_walk *walk)
{
	if (walk->options.progress != NULL)
		walk->options.progress(walk->options.context, walk->scanned < walk->total ? walk->scanned : walk->total, walk->total);
}

struct error *walk_scan_level(struct heap_walk *walk, uint32_t *slots, size_t count)
{
	const struct heap_span *span = NULL;
	struct batch memory, *batch = &memory;

	begin_batch(batch);
	for (size_t i = 0; i < count; i++) {
		if (span == NULL || slots[i] - span->first >= span->count)
			span = heap_span_of_slot(walk->spans, slots[i]);

		uint32_t index = (uint32_t)(slots[i] - span->first);

		if (span->elem_size > WINDOW) {
			bit_clear(walk->queued, slots[i]);
			scan_large(walk, span, index);
			continue;
		}
		if (batch->count == BATCH || batch->used + span->elem_size + GAP > READ_LIMIT) {
			finish_batch(walk, batch, scan_small);
			report_progress(walk);
			TRY(interrupt_check());
		}
		gather(walk, batch, span, index);
	}
	finish_batch(walk, batch, scan_small);
	walk_flush(walk);
	report_progress(walk);
	return interrupt_check();
}

/* --- interfaces and closures in objects of unknown type ----------------------------------------------------------------- */

/* What begins with the address of a closure's code, and has the size and the pointers that its closures have, is one of them. */
static bool is_closure(struct heap_walk *walk, const struct heap_span *span, const uint8_t *bytes)
{
	unsigned size = walk->program->machine.word_size;
	struct gotype *type = bit_test(walk->mask, 0) ? NULL : heap_closure_struct(walk->types, load_word(&walk->program->machine, bytes));

	return type != NULL && type->descriptor.v != 0 && span->header == 0 &&
	       size_class_round(walk->program->version, size, type->size, true) == span->elem_size &&
	       heap_mask_is_of(walk->spans, type->descriptor, walk->mask, (size_t)(span->elem_size / size));
}

/* Types that reflect makes lie in the heap. */
static bool may_be_type_word(const struct heap_walk *walk, uint64_t word)
{
	return word - walk->image_low < walk->image_high - walk->image_low || heap_span_find(walk->spans, word) != NULL;
}

/*
 * The type word of an interface is no pointer to the collector (cmd/compile, types.go: a descriptor is never in the heap), the value
 * behind it is: where a word that leads to a type descriptor stands in front of a pointer, these two are an interface. A reflect.Value has a
 * pointer in front, and flags behind that say the type's kind once more.
 */
static void sniff(struct heap_walk *walk, const struct heap_span *span, uint32_t index, const uint8_t *bytes)
{
	unsigned size = walk->program->machine.word_size;
	const struct scan scan = { bytes, heap_slot_address(span, index), span->elem_size, span->elem_size,
				   (uint32_t)(span->first + index + 1) };

	heap_pointer_mask_part(walk->spans, span, index, bytes, 0, span->elem_size / size, walk->mask);
	if (is_closure(walk, span, bytes)) {
		heap_walk_claim(walk, span->first + index, heap_type_of_function(walk->types, load_word(&walk->program->machine, bytes)));
		return;
	}
	for (size_t i = 0; i + 1 < span->elem_size / size; i++) {
		uint64_t word = load_word(&walk->program->machine, bytes + i * size);

		if (word == 0 || !bit_test(walk->mask, i + 1) || !may_be_type_word(walk, word))
			continue;
		if (bit_test(walk->mask, i)) {
			if (gotype_may_be_descriptor(walk->program, taddr_of(word)))
				scan_reflected(walk, &scan, i * size);
			continue;
		}
		if (heap_type_of_interface(walk->types, false, word) != 0)
			scan_interface(walk, &scan, i * size, false);
		else
			scan_interface(walk, &scan, i * size, true);
	}
}

struct error *walk_sniff(struct heap_walk *walk)
{
	struct batch memory, *batch = &memory;

	begin_batch(batch);
	for (size_t s = 0; s < heap_span_count(walk->spans); s++) {
		const struct heap_span *span = heap_span_at(walk->spans, s);

		if (!span->scannable || span->elem_size > WINDOW || span->elem_size < 2u * walk->program->machine.word_size)
			continue;
		for (uint32_t i = 0; i < span->count; i++) {
			if (!bit_test(walk->seen, span->first + i) || type_of(&walk->records[span->first + i]) != 0)
				continue;
			if (batch->count == BATCH || batch->used + span->elem_size + GAP > READ_LIMIT) {
				finish_batch(walk, batch, sniff);
				TRY(interrupt_check());
			}
			gather(walk, batch, span, i);
		}
	}
	finish_batch(walk, batch, sniff);
	walk_flush(walk);
	return NULL;
}
