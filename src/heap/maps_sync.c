/*
 * sync.Maps that nothing of known type leads to: in package variables of programs without DWARF. What they are made of is found first, an inner
 * map of entries (Go <= 1.23) or the root of a trie; the way back from there ends in the struct. It is one if all that it leads to is what a
 * sync.Map leads to: keys that hash to where they are, entries and values that are objects of their own.
 */
#include "heap/maps_sync.h"

#include <stdlib.h>

#include "heap/maps_judge.h"
#include "map/sync_map.h"
#include "refmap/size_class.h"

enum {
	OBJECT_BYTES = 1 << 16, /* of an object that is looked through for a pointer */
	ENTRIES_TRIED = 64,
};

/* Bytes that are looked through in all: arrays of sync.Maps are, once for each of these. */
#define BYTES_TRIED (UINT64_C(1) << 28)
/* Entries of all that may be one: in a damaged program many may lead to the same. */
#define ENTRIES_LOADED (UINT64_C(1) << 26)

struct sync_finder {
	struct map_judge *judge;
	struct heap_walk *walk;
	struct gotype *type;
	const struct sync_layout *layout;
	struct key_hasher *hasher; /* of keys in a trie */
	struct heap_maps *maps;
	struct table tried; /* addresses */
	uint64_t bytes_tried, entries_loaded;
	bool found;
};

struct sync_finder *sync_finder_create(struct map_judge *judge)
{
	struct sync_finder *finder = xcalloc(1, sizeof(*finder));
	struct error *error = program_type_named(judge->program, "sync.Map", &finder->type);

	finder->judge = judge;
	finder->walk = judge->walk;
	if (error == NULL)
		error = gotype_sync_layout(finder->type, &finder->layout);
	if (error == NULL && finder->layout->form == SYNC_TRIE && judge->hashes)
		error = key_hasher_create(&judge->state, finder->layout->key, false, &finder->hasher);
	if (error == NULL && finder->hasher != NULL)
		map_judge_doubt(judge, finder->hasher);
	if (error != NULL)
		finder->layout = NULL; /* the program has none, or nobody can tell */
	error_free(error);
	return finder;
}

void sync_finder_destroy(struct sync_finder *finder)
{
	if (finder == NULL)
		return;
	key_hasher_destroy(finder->hasher);
	table_free(&finder->tried);
	free(finder);
}

/* An object of the heap that has the size of `size` bytes, from its start on. */
static bool is_object(const struct sync_finder *finder, uint64_t address, uint64_t size)
{
	const struct program *program = finder->judge->program;
	const struct heap_span *span = heap_span_find(finder->walk->spans, address);
	uint32_t index = span ? heap_slot_in(span, address) : 0;

	return span != NULL && bit_test(finder->walk->allocated, span->first + index) && address == heap_slot_address(span, index) &&
	       size_class_round(program->version, program->machine.word_size, size, span->scannable) + span->header == span->elem_size;
}

/* --- whether it is one -------------------------------------------------------------------------------------------------- */

/* An inner map: nil, or one whose keys hash as those of such a map; *proved then. */
static bool is_inner(struct sync_finder *finder, taddr address, bool *proved)
{
	struct gotype *inner = finder->layout->inner;
	struct tally tally;
	uint64_t length;
	enum verdict verdict;

	if (address.v == 0)
		return true;
	verdict = judge_type(finder->judge, shape_of(finder->judge, inner), inner, address, &length, &tally);
	*proved |= verdict == CONFIRMED;
	return verdict == CONFIRMED || (verdict == POSSIBLE && length == 0);
}

static bool are_inner(struct sync_finder *finder, const struct sync_map *map)
{
	bool proved = false;

	return is_object(finder, map->read_only.v, finder->layout->read_only_size) && is_inner(finder, map->read_map, &proved) &&
	       is_inner(finder, map->dirty_map, &proved) && (map->amended || map->dirty_map.v == 0) && proved;
}

/* What an entry leads to is an any of its own. */
static bool is_value(const struct sync_finder *finder, const struct sync_entry *entry)
{
	unsigned word = finder->judge->program->machine.word_size;
	uint64_t type = 0;

	if (entry->state != SYNC_LIVE)
		return true;
	if (!is_object(finder, entry->value.v, 2 * word))
		return false;
	error_free(target_read_word(finder->judge->program->memory, entry->value, &type));
	return type == 0 || gotype_may_be_descriptor(finder->judge->program, taddr_of(type)) || heap_span_find(finder->walk->spans, type) != NULL;
}

/* The hash's first nibbles are the way from the root: Load() of internal/sync/hashtriemap.go. */
static bool is_in_place(struct sync_finder *finder, const struct sync_contents *contents, const struct sync_entry *entry)
{
	unsigned bits = 8u * finder->judge->program->machine.word_size;
	unsigned shift = bits - SYNC_CHILD_BITS * (contents->nodes[entry->node].level + 1u);
	uint8_t key[16];
	uint64_t hash;

	return finder->hasher != NULL && finder->layout->key->size <= sizeof(key) &&
	       target_read_some(finder->judge->program->memory, entry->key, key, (size_t)finder->layout->key->size) == finder->layout->key->size &&
	       key_hash(finder->hasher, key, entry->key, contents->map->seed, &hash) == HASH_OK && hash >> shift == entry->path >> shift;
}

static bool are_entries(struct sync_finder *finder, const struct sync_contents *contents)
{
	for (size_t i = 0; i < contents->count && i < ENTRIES_TRIED; i++) {
		const struct sync_entry *entry = &contents->entries[i];

		if (!is_object(finder, entry->address.v, finder->layout->entry_size))
			return false;
		if (finder->layout->form == SYNC_TRIE ? !is_in_place(finder, contents, entry) : !is_value(finder, entry))
			return false;
	}
	return contents->count != 0;
}

static bool is_sync(struct sync_finder *finder, uint64_t address)
{
	struct findings findings = { 0 };
	struct sync_contents contents = { 0 };
	struct sync_map map;
	struct error *error = sync_map_open(finder->type, taddr_of(address), &map);
	bool sound = error == NULL && (finder->layout->form == SYNC_TRIE ? map.inited == 1 && is_object(finder, map.root.v, finder->layout->node_size)
									: are_inner(finder, &map));

	if (sound)
		error = sync_contents_load(&map, NULL, &findings, &contents);
	finder->entries_loaded += contents.count;
	sound = sound && error == NULL && findings.total == 0 && are_entries(finder, &contents);
	error_free(error);
	sync_contents_free(&contents);
	findings_free(&findings);
	return sound;
}

/* --- the way back ------------------------------------------------------------------------------------------------------- */

static void try_struct(struct sync_finder *finder, uint64_t word, uint32_t offset)
{
	uint64_t address = word - offset;
	const struct heap_span *span = heap_span_find(finder->walk->spans, address);
	struct heap_maps *maps = finder->maps;

	if (finder->entries_loaded > ENTRIES_LOADED || !table_put(&finder->tried, address, 0) || !is_sync(finder, address))
		return;
	ARRAY_RESERVE(maps->syncs, maps->sync_count, maps->sync_capacity);
	maps->syncs[maps->sync_count++] = (struct heap_sync_place){
		taddr_of(address), span ? span->first + heap_slot_in(span, address) : UINT64_MAX, finder->type };
	heap_walk_claim_value(finder->walk, taddr_of(address), heap_type_of(finder->walk->types, HEAP_VALUE, finder->type));
	finder->found = true;
}

/* Each word of the object that leads to the address. */
static void try_words(struct sync_finder *finder, uint64_t slot, uint64_t value, uint32_t offset)
{
	struct program *program = finder->judge->program;
	const struct heap_span *span = heap_span_of_slot(finder->walk->spans, slot);
	uint64_t start = heap_slot_address(span, (uint32_t)(slot - span->first));
	unsigned word = program->machine.word_size;
	size_t size = span->elem_size < OBJECT_BYTES ? (size_t)span->elem_size : OBJECT_BYTES, got;
	uint8_t *bytes;

	if ((finder->bytes_tried += size) > BYTES_TRIED)
		return;
	bytes = xmalloc(size);
	got = target_read_some(program->memory, taddr_of(start), bytes, size);
	for (size_t at = 0; at + word <= got; at += word)
		if (load_word(&program->machine, bytes + at) == value)
			try_struct(finder, start + at, offset);
	free(bytes);
}

/* What leads to an object of that address, as the field at that offset of a sync.Map. */
static void try_referrer(struct sync_finder *finder, uint64_t slot, uint64_t address, uint32_t offset)
{
	struct heap_referrer referrer = heap_walk_referrer(finder->walk, slot);

	if (referrer.is_root && referrer.root.kind == HEAP_ORIGIN_DATA)
		try_struct(finder, referrer.root.address.v, offset);
	else if (!referrer.is_root && referrer.slot < finder->walk->slots)
		try_words(finder, referrer.slot, address, offset);
}

/* An inner map: the struct leads to it as dirty, or through a readOnly. */
static void look_at_inner(struct sync_finder *finder, const struct heap_map *map)
{
	const struct sync_layout *layout = finder->layout;
	struct heap_referrer referrer = heap_walk_referrer(finder->walk, map->slot);
	const struct heap_span *span;
	uint64_t address;

	try_referrer(finder, map->slot, map->address.v, layout->dirty.offset);
	if (referrer.is_root || referrer.slot >= finder->walk->slots)
		return;
	span = heap_span_of_slot(finder->walk->spans, referrer.slot);
	address = heap_slot_address(span, (uint32_t)(referrer.slot - span->first));
	if (is_object(finder, address, layout->read_only_size))
		try_referrer(finder, referrer.slot, address, layout->read.offset);
}

static bool may_be_inner(const struct sync_finder *finder, const struct heap_map *map)
{
	const struct gotype *inner = finder->layout->inner;

	if (map->slot == UINT64_MAX || !map->reached || map->length == 0)
		return false;
	for (size_t i = 0; i < map->candidate_count; i++)
		if (map->candidates[i] == inner)
			return true;
	return map->type == inner || map->candidate_count >= MAP_CANDIDATES;
}

/* Roots of tries: nodes that have no parent. */
static void look_at_nodes(struct sync_finder *finder, const struct heap_span *span)
{
	const struct program *program = finder->judge->program;
	unsigned word = program->machine.word_size;

	if (!span->scannable || span->elem_size != size_class_round(program->version, word, finder->layout->node_size, true))
		return;
	for (uint32_t i = 0; i < span->count; i++) {
		uint64_t slot = span->first + i, address = heap_slot_address(span, i), parent = 1;

		if (!heap_walk_reached(finder->walk, slot) || heap_walk_type(finder->walk, slot) != 0)
			continue;
		error_free(target_read_word(program->memory, taddr_of(address + finder->layout->parent.offset), &parent));
		if (parent == 0)
			try_referrer(finder, slot, address, finder->layout->root.offset);
	}
}

bool sync_finder_look(struct sync_finder *finder, struct heap_maps *maps)
{
	const struct heap_spans *spans = finder->walk->spans;

	finder->found = false;
	finder->maps = maps;
	if (finder->layout == NULL)
		return false;
	for (size_t i = 0; finder->layout->form == SYNC_TRIE && i < heap_span_count(spans); i++)
		look_at_nodes(finder, heap_span_at(spans, i));
	for (size_t i = 0; finder->layout->form != SYNC_TRIE && i < maps->count; i++)
		if (may_be_inner(finder, &maps->items[i]))
			look_at_inner(finder, &maps->items[i]);
	return finder->found;
}
