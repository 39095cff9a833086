/*
 * Structs that are laid out as a map's header and filled in as one. Where nothing of known type leads to them, what they stand among
 * tells: an array has elements of one type. Where pointers in the same place of its elements lead to what is no map, the others do neither.
 */
#include <stdlib.h>

#include "heap/maps_private.h"
#include "util/sorted.h"

enum {
	LEAST_POINTERS = 8, /* an object with fewer may be a struct */
	MOST_WORDS = 8,     /* of an element: all of them pointers to objects of a header's size */
	PLACES = MOST_WORDS * (MOST_WORDS + 1) / 2,
	MOST_BYTES = 1 << 20, /* of an array that are looked at */
	SHARE = 4,            /* one of so many has to be no map: one that is damaged says nothing of the others */
};

/* An object, and what its pointers lead to: for each number of words that elements may have, by the place in the element. */
struct array {
	uint8_t *bytes;
	size_t words;
	uint64_t *mask;
	uint32_t pointers[PLACES], others[PLACES]; /* others: to what is no map */
};

struct arrays {
	struct heap_walk *walk;
	const struct heap_maps *maps;
	uint64_t header_slot;
	struct table seen;    /* slot numbers of objects that were looked at */
	struct table no_maps; /* addresses */
};

static size_t place_of(size_t words, size_t word)
{
	return words * (words - 1) / 2 + word % words;
}

static uint64_t pointer_at(const struct arrays *arrays, const struct array *array, size_t word)
{
	const struct machine *machine = &arrays->walk->program->machine;

	return load_word(machine, array->bytes + word * machine->word_size);
}

/* The maps are in order of address. */
static bool is_found(const struct heap_maps *maps, uint64_t address)
{
	size_t above = SORTED_ABOVE(maps->items, maps->count, address, address);

	return above != 0 && maps->items[above - 1].address.v == address;
}

static bool leads_to_header_slot(const struct arrays *arrays, uint64_t value)
{
	const struct heap_span *span = heap_span_find(arrays->walk->spans, value);

	return span != NULL && span->scannable && span->elem_size == arrays->header_slot &&
	       value == heap_slot_address(span, heap_slot_in(span, value));
}

/* False where not all words are zero or pointers to objects of a header's size, or pointers are few. */
static bool count_pointers(const struct arrays *arrays, struct array *array)
{
	size_t count = 0;

	for (size_t i = 0; i < array->words; i++) {
		uint64_t value = pointer_at(arrays, array, i);

		if (value == 0)
			continue;
		if (!bit_test(array->mask, i) || !leads_to_header_slot(arrays, value))
			return false;

		bool other = !is_found(arrays->maps, value);

		count++;
		for (size_t words = 1; words <= MOST_WORDS; words++) {
			array->pointers[place_of(words, i)]++;
			array->others[place_of(words, i)] += other;
		}
	}
	return count >= LEAST_POINTERS;
}

/* Whether those in the same place as the word lead to no maps, however many words the elements have. */
static bool stands_among_others(const struct array *array, size_t word)
{
	for (size_t words = 1; words <= MOST_WORDS; words++) {
		size_t place = place_of(words, word);

		if (array->others[place] == 0 || array->pointers[place] / SHARE > array->others[place])
			return false;
	}
	return true;
}

static void judge_array(struct arrays *arrays, struct array *array)
{
	if (!count_pointers(arrays, array))
		return;
	for (size_t i = 0; i < array->words; i++) {
		uint64_t value = pointer_at(arrays, array, i);

		if (value != 0 && stands_among_others(array, i))
			table_put(&arrays->no_maps, value, 0);
	}
}

static void look_at_object(struct arrays *arrays, uint64_t slot)
{
	struct heap_walk *walk = arrays->walk;
	const struct heap_span *span = heap_span_of_slot(walk->spans, slot);
	size_t size = span->elem_size < MOST_BYTES ? (size_t)span->elem_size : MOST_BYTES, word = walk->program->machine.word_size;

	if (!table_put(&arrays->seen, slot, 0) || !span->scannable || span->header != 0 || heap_walk_type(walk, slot) != 0)
		return;

	uint32_t index = (uint32_t)(slot - span->first);
	taddr start = taddr_of(heap_slot_address(span, index));
	struct array array = { .bytes = xmalloc(size), .mask = xcalloc(size / word / 64 + 1, sizeof(*array.mask)) };

	array.words = target_read_some(walk->program->memory, start, array.bytes, size) / word;
	if (array.words * word == size) {
		heap_pointer_mask_part(walk->spans, span, index, array.bytes, 0, array.words, array.mask);
		judge_array(arrays, &array);
	}
	free(array.bytes);
	free(array.mask);
}

/* Nothing of known type says that it is a map. */
static bool is_doubtful(const struct heap_map *map)
{
	return map->reached && map->slot != UINT64_MAX && (map->evidence == HEAP_MAP_NONE || map->evidence == HEAP_MAP_HASHES);
}

static void drop_no_maps(const struct table *no_maps, struct heap_maps *maps)
{
	size_t kept = 0;

	for (size_t i = 0; i < maps->count; i++) {
		if (is_doubtful(&maps->items[i]) && table_get(no_maps, maps->items[i].address.v) != NULL)
			free(maps->items[i].candidates);
		else
			maps->items[kept++] = maps->items[i];
	}
	maps->count = kept;
}

void heap_maps_drop_others(struct heap_walk *walk, uint64_t header_slot, struct heap_maps *maps)
{
	struct arrays arrays = { .walk = walk, .maps = maps, .header_slot = header_slot };

	for (size_t i = 0; i < maps->count; i++) {
		if (!is_doubtful(&maps->items[i]))
			continue;

		struct heap_referrer referrer = heap_walk_referrer(walk, maps->items[i].slot);

		if (!referrer.is_root && referrer.slot < heap_slot_count(walk->spans))
			look_at_object(&arrays, referrer.slot);
	}
	drop_no_maps(&arrays.no_maps, maps);
	table_free(&arrays.seen);
	table_free(&arrays.no_maps);
}
