/*
 * The collector's bitmaps of all spans, made one bit a word whatever the version has, a span's bits from its first slot on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap/read_many.h"
#include "heap/spans_private.h"
#include "util/alloc.h"

/* Words of a span whose bits are read together: all of a small one's. */
enum { WORDS_AT_ONCE = HEAP_READ_LIMIT * 4 };

/* A read of a bitmap, and where it goes: words of 64 bits behind the first of the span's. */
struct piece {
	uint32_t span;
	uint64_t word;
};

struct bitmap_loader {
	struct heap_spans *spans;
	struct heap_read *reads; /* `index` is that of a piece */
	struct piece *pieces;
	size_t count, read_capacity, piece_capacity;
	uint64_t *scan;        /* Go <= 1.19: the scan bits, where the pointer bits are in the bitmap; else NULL */
};

/* Words of the slots of a span, in words of 64 bits. */
static uint64_t bitmap_words(const struct heap_spans_private *private, const struct heap_span *span)
{
	return ((span->end - span->start) / private->program->machine.word_size + 63) / 64;
}

/* Go >= 1.22 has bitmaps of small objects only: heapBitsInSpan() of runtime/mbitmap.go. */
static bool has_bitmap(const struct heap_spans_private *private, size_t i)
{
	const struct heap_span *span = &private->spans[i];

	if (private->layout.bitmap == HEAP_BITMAP_SPAN)
		return span->scannable && private->sources[i - 1].small && span->elem_size <= private->layout.header_above;
	return span->scannable;
}

static struct error *allocate(uint64_t words, uint64_t **out)
{
	void *bits;

	TRY(alloc_checked(words + 1, sizeof(**out), "the heap's pointer bitmaps", &bits));
	*out = bits;
	return NULL;
}

/* --- where they are -------------------------------------------------------------------------------------------- */

/* Bytes that hold the bits of `words` words: two bits a word up to 1.19. */
static uint64_t stored_bytes(const struct heap_layout *layout, uint64_t words)
{
	return layout->bitmap == HEAP_BITMAP_FLAT || layout->bitmap == HEAP_BITMAP_PAIRS ? words / 4 : words / 8;
}

static void add_piece(struct bitmap_loader *loader, uint64_t address, uint64_t length, size_t span, uint64_t words_before)
{
	ARRAY_RESERVE(loader->pieces, loader->count, loader->piece_capacity);
	ARRAY_RESERVE(loader->reads, loader->count, loader->read_capacity);
	loader->pieces[loader->count] = (struct piece){ (uint32_t)span, words_before / 64 };
	loader->reads[loader->count] = (struct heap_read){ address, (uint32_t)length, (uint32_t)loader->count };
	loader->count++;
}

/* spanHeapBitsRange() of runtime/mbitmap.go (heapBitsSlice() in 1.22 ... 1.24). */
static struct error *find_in_span(struct bitmap_loader *loader, size_t i, uint64_t words)
{
	struct heap_spans_private *private = loader->spans->private;
	uint64_t size = private->sources[i - 1].size, end = private->spans[i].start + size;

	if (heap_has_inline_marks(private, i))
		end -= private->layout.inline_size;
	add_piece(loader, end - size / private->program->machine.word_size / 8, words / 8, i, 0);
	return NULL;
}

/* heapBitsForAddr() of runtime/mbitmap.go, Go <= 1.10: from mheap.bitmap down, as the arena goes up from its start. */
static struct error *find_flat(struct bitmap_loader *loader, size_t i, uint64_t words)
{
	const struct heap_spans_private *private = loader->spans->private;
	uint64_t before = (private->spans[i].start - private->arenas.origin) / private->program->machine.word_size;

	for (uint64_t done = 0; done < words; done += WORDS_AT_ONCE) {
		uint64_t some = words - done < WORDS_AT_ONCE ? words - done : WORDS_AT_ONCE;

		add_piece(loader, private->arenas.bitmap - (before + done + some) / 4, some / 4, i, done);
	}
	return NULL;
}

/* heapBitsForAddr() of runtime/mbitmap.go, Go 1.11 ... 1.21; a large span goes on in the next arena. */
static struct error *find_in_arenas(struct bitmap_loader *loader, size_t i, uint64_t words)
{
	struct heap_spans_private *private = loader->spans->private;
	const struct heap_layout *layout = &private->layout;
	unsigned word = private->program->machine.word_size;
	uint64_t arena_words = layout->arena_pages * layout->page_size / word, arena;

	for (uint64_t done = 0, some; done < words; done += some) {
		uint64_t address = private->spans[i].start + done * word;
		uint64_t in_arena = (address - layout->origin) / word % arena_words;

		some = words - done < WORDS_AT_ONCE ? words - done : WORDS_AT_ONCE;
		some = arena_words - in_arena < some ? arena_words - in_arena : some;
		TRY(heap_arena_of(&private->arenas, address, &arena));
		if (stored_bytes(layout, in_arena + some) > layout->bitmap_bytes)
			return error_new(ERROR_MEMORY, "0x%" PRIx64 " is behind its arena's bitmap", address);
		add_piece(loader, arena + layout->bitmap_at + stored_bytes(layout, in_arena), stored_bytes(layout, some), i, done);
	}
	return NULL;
}

/* --- what is in them --------------------------------------------------------------------------------------------- */

/* Words of the target, one bit a word of the span: in the order of bits of a little-endian machine they are bytes. */
static void take_words(const struct machine *machine, const uint8_t *bytes, size_t length, uint64_t *to)
{
	if (!machine->big_endian && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
		memcpy(to, bytes, length);
		return;
	}
	for (size_t at = 0; at < length; at += machine->word_size)
		to[at / 8] |= load_word(machine, bytes + at) << at % 8 * 8;
}

/* The low halves of 8 bytes side by side. */
static uint64_t low_halves(uint64_t bytes)
{
	bytes &= UINT64_C(0x0f0f0f0f0f0f0f0f);
	bytes = (bytes | bytes >> 4) & UINT64_C(0x00ff00ff00ff00ff);
	bytes = (bytes | bytes >> 8) & UINT64_C(0x0000ffff0000ffff);
	return (bytes | bytes >> 16) & UINT64_C(0xffffffff);
}

/* Bytes of four words each: their pointer bits below, their scan bits above. `down`: the first byte is the last one. */
static void take_pairs(const uint8_t *bytes, size_t length, bool down, uint64_t *pointers, uint64_t *scan)
{
	for (size_t at = 0; at < length; at += 8) {
		uint64_t some;

		memcpy(&some, down ? bytes + length - at - 8 : bytes + at, 8);
		some = down ? be64toh(some) : le64toh(some);
		pointers[at / 16] |= low_halves(some) << at % 16 * 4;
		scan[at / 16] |= low_halves(some >> 4) << at % 16 * 4;
	}
}

static void visit_piece(void *context, const struct heap_read *read, const uint8_t *bytes, size_t got)
{
	struct bitmap_loader *loader = context;
	struct heap_spans_private *private = loader->spans->private;
	const struct piece *piece = &loader->pieces[read->index];
	struct heap_span *span = &private->spans[piece->span];
	uint64_t to = span->pointers + piece->word;

	if (span->pointers == HEAP_NO_BITMAP)
		return;
	if (got < read->length) {
		taddr at = taddr_of(read->address + got);

		span->pointers = HEAP_NO_BITMAP;
		heap_span_note(loader->spans, span, error_wrap(target_unreadable(private->program->memory, at), "its pointer bitmap"));
	} else if (loader->scan != NULL) {
		take_pairs(bytes, got, private->layout.bitmap == HEAP_BITMAP_FLAT, private->bitmap + to, loader->scan + to);
	} else {
		take_words(&private->program->machine, bytes, got, private->bitmap + to);
	}
}

/* --- two bits a word ------------------------------------------------------------------------------------------------ */

static uint64_t get_bits(const uint64_t *bits, uint64_t from)
{
	return from % 64 ? bits[from / 64] >> from % 64 | bits[from / 64 + 1] << (64 - from % 64) : bits[from / 64];
}

static void clear_bits(uint64_t *bits, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i = (i / 64 + 1) * 64) {
		uint64_t mask = UINT64_MAX << i % 64;

		if (end - i / 64 * 64 < 64)
			mask &= (UINT64_C(1) << end % 64) - 1;
		bits[i / 64] &= ~mask;
	}
}

/*
 * The first word without a scan bit: it and all behind it are no pointers (scanobject() of runtime/mgcmark.go). Word 1 has the
 * mark of the checkmark mode there up to 1.15.
 */
static uint64_t first_dead(const uint64_t *scan, uint64_t from, uint64_t words, bool checkmarks)
{
	for (uint64_t at = 0; at < words; at += 64) {
		uint64_t some = get_bits(scan, from + at);

		if (at == 0 && checkmarks)
			some |= 2;
		if (some != UINT64_MAX)
			return at + (uint64_t)__builtin_ctzll(~some) < words ? at + (uint64_t)__builtin_ctzll(~some) : words;
	}
	return words;
}

/* Clears the pointer bits that do not count: in Go 1.8 an object without pointers has no more than a first word that says so. From
 * 1.9 on the runtime leaves none set (heapBitsSetType()); what has been damaged may. */
static void clear_dead(struct bitmap_loader *loader, const struct heap_span *span)
{
	struct heap_spans_private *private = loader->spans->private;
	uint64_t words = span->elem_size / private->program->machine.word_size;
	uint64_t *pointers = private->bitmap + span->pointers;
	bool checkmarks = private->program->version->checkmark_in_bitmap;

	for (uint64_t i = 0; i < span->count; i++) {
		uint64_t dead = first_dead(loader->scan + span->pointers, i * words, words, checkmarks);

		clear_bits(pointers, i * words + dead, (i + 1) * words);
	}
}

/* --- all of it -------------------------------------------------------------------------------------------------------- */

/* Where each span's bits are, and where they go; how many words of 64 bits there are all together. */
static struct error *find_all(struct bitmap_loader *loader, uint64_t *words)
{
	struct heap_spans_private *private = loader->spans->private;
	static struct error *(*const find[])(struct bitmap_loader *, size_t, uint64_t) = {
		[HEAP_BITMAP_FLAT] = find_flat,
		[HEAP_BITMAP_PAIRS] = find_in_arenas,
		[HEAP_BITMAP_ARENA] = find_in_arenas,
		[HEAP_BITMAP_SPAN] = find_in_span,
	};

	*words = 0;
	for (size_t i = 1; i <= private->count; i++) {
		struct heap_span *span = &private->spans[i];
		size_t before = loader->count;

		if (!has_bitmap(private, i))
			continue;

		struct error *error = find[private->layout.bitmap](loader, i, bitmap_words(private, span) * 64);

		if (error != NULL) {
			loader->count = before;
			heap_span_note(loader->spans, span, error_wrap(error, "its pointer bitmap"));
			continue;
		}
		span->pointers = (uint32_t)*words;
		*words += bitmap_words(private, span);
		if (*words >= HEAP_NO_BITMAP)
			return error_new(ERROR_MEMORY, "the heap's pointer bitmaps: more than 32 GB");
	}
	return NULL;
}

static struct error *load_all(struct bitmap_loader *loader)
{
	struct heap_spans_private *private = loader->spans->private;
	enum heap_bitmap bitmap = private->layout.bitmap;
	uint64_t words;

	TRY(find_all(loader, &words));
	TRY(allocate(words, &private->bitmap));
	if (bitmap == HEAP_BITMAP_FLAT || bitmap == HEAP_BITMAP_PAIRS)
		TRY(allocate(words, &loader->scan));
	heap_read_many(private->program->memory, loader->reads, loader->count, visit_piece, loader);
	for (size_t i = 1; i <= private->count && loader->scan != NULL; i++)
		if (private->spans[i].pointers != HEAP_NO_BITMAP)
			clear_dead(loader, &private->spans[i]);
	return NULL;
}

struct error *heap_pointer_bitmap_load(struct heap_spans *spans)
{
	struct bitmap_loader loader = { .spans = spans };
	struct error *error = load_all(&loader);

	free(loader.pieces);
	free(loader.reads);
	free(loader.scan);
	return error;
}
