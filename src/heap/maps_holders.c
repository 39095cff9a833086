/*
 * What holds a map says of which type it is, where hashes leave several: the object that a pointer to the map was found in was allocated as some
 * type of the program, or as an array of it. Of those types that have the object's size and its pointers, and a map where the pointer is, only
 * some have maps of the candidates' types there. Names are told apart so: map[string]int from a type that is declared as one.
 *
 * Any type at all may be behind an unsafe.Pointer, and in a closure's object, whose type the program does not list.
 */
#include "heap/maps_holders.h"

#include <stdlib.h>
#include <string.h>

#include "heap/maps_judge.h"
#include "map/map.h"
#include "refmap/size_class.h"

enum {
	TYPE_WORDS = 64,          /* of a type that is compared: 512 bytes */
	OBJECT_WORDS = 1 << 10,   /* of an object that is looked at */
	NESTING_LIMIT = 64,
	PARTS_LIMIT = 1 << 12,    /* of a type: descriptors of a damaged program may name each other over and over */
};

/* A word of a type that may lead to a map. */
struct map_word {
	uint16_t word;
	struct gotype *type; /* NULL: to one of any type */
};

/* A type that has such words: a value, or a bucket or group. */
struct holder_type {
	uint64_t size;
	uint64_t must, may; /* words that are pointers, and those that may be */
	struct map_word *words;
	size_t count, capacity;
};

/* What a word of objects of one size and with the same pointers may lead to. */
struct allowed {
	struct gotype **types;
	size_t count, capacity;
	bool any;
};

struct map_holders {
	struct map_judge *judge;
	struct holder_type *types;
	size_t count, capacity;
	struct allowed *kept;
	size_t kept_count, kept_capacity;
	struct table by_holder; /* key_of() -> index into `kept` */
};

/* The object that holds a map. */
struct holder {
	uint64_t size; /* bytes of its slot */
	size_t words, word; /* how many it has, and which of them leads to the map */
	uint64_t mask[OBJECT_WORDS / 64];
};

/* --- types ------------------------------------------------------------------------------------------------------------ */

struct flattening {
	struct holder_type *type;
	unsigned word_size;
	bool sound;
	size_t parts; /* looked at so far */
};

static void flatten(struct flattening *to, struct gotype *type, uint64_t offset, int nesting);

static void add_pointer(struct flattening *to, uint64_t offset, bool certain)
{
	uint64_t word = offset / to->word_size;

	if (word >= TYPE_WORDS) {
		to->sound = false;
		return;
	}
	to->type->may |= UINT64_C(1) << word;
	if (certain)
		to->type->must |= UINT64_C(1) << word;
}

static void add_map_word(struct flattening *to, uint64_t offset, struct gotype *type)
{
	struct holder_type *holder = to->type;

	add_pointer(to, offset, true);
	if (!to->sound)
		return;
	ARRAY_RESERVE(holder->words, holder->count, holder->capacity);
	holder->words[holder->count++] = (struct map_word){ (uint16_t)(offset / to->word_size), type };
}

static void flatten_struct(struct flattening *to, struct gotype *type, uint64_t offset, int nesting)
{
	if (gotype_atomic_pointer(type) != NULL) { /* it leads to a variable that may be a map */
		add_pointer(to, offset, true);
		return;
	}
	for (size_t i = 0; i < type->field_count; i++)
		flatten(to, type->fields[i].type, offset + type->fields[i].offset, nesting + 1);
}

/* The runtime's own: runtime.hmap, internal/runtime/maps.Map. */
static bool is_header(const struct gotype *type)
{
	return type != NULL && type->kind == GO_STRUCT && (strcmp(type->name, "runtime.hmap") == 0 || strcmp(type->name, "maps.Map") == 0);
}

static void flatten_array(struct flattening *to, struct gotype *type, uint64_t offset, int nesting)
{
	for (uint64_t i = 0; i < type->length && to->sound; i++) {
		uint64_t pointers = to->type->may;

		flatten(to, type->elem, offset + i * type->elem->size, nesting + 1);
		if (to->type->may == pointers)
			return; /* the other elements have none either */
	}
}

static void flatten_parts(struct flattening *to, struct gotype *type, uint64_t offset, int nesting)
{
	switch (type->kind) {
	case GO_STRUCT:
		flatten_struct(to, type, offset, nesting);
		break;
	case GO_ARRAY:
		flatten_array(to, type, offset, nesting);
		break;
	case GO_INTERFACE: /* with a map in it the words in front of the map say so: walk_sniff() */
		add_pointer(to, offset, false);
		add_pointer(to, offset + to->word_size, true);
		break;
	case GO_MAP:
		add_map_word(to, offset, strstr(type->name, "go.shape.") ? NULL : type);
		break;
	case GO_UNSAFE_POINTER:
		add_map_word(to, offset, NULL);
		break;
	case GO_POINTER:
		if (is_header(type->elem))
			add_map_word(to, offset, NULL);
		else
			add_pointer(to, offset, true);
		break;
	case GO_CHAN:
	case GO_FUNC:
	case GO_STRING:
	case GO_SLICE:
		add_pointer(to, offset, true);
		break;
	default:
		break;
	}
}

static void flatten(struct flattening *to, struct gotype *type, uint64_t offset, int nesting)
{
	struct error *error = nesting < NESTING_LIMIT && to->parts++ < PARTS_LIMIT ? gotype_complete(type) : error_new(ERROR_TARGET, "too many parts");

	if (error != NULL)
		to->sound = false;
	else if (to->sound)
		flatten_parts(to, type, offset, nesting);
	error_free(error);
}

static void keep(struct map_holders *holders, struct flattening *flat)
{
	if (!flat->sound || flat->type->count == 0) {
		free(flat->type->words);
		return;
	}
	ARRAY_RESERVE(holders->types, holders->count, holders->capacity);
	holders->types[holders->count++] = *flat->type;
}

static void add_value(struct map_holders *holders, struct gotype *type)
{
	unsigned word = holders->judge->program->machine.word_size;
	struct holder_type holder = { .size = type->size };
	struct flattening flat = { &holder, word, type->size % word == 0 && type->size != 0, 0 };

	flatten(&flat, type, 0, 0);
	keep(holders, &flat);
}

static void add_slot(struct flattening *to, struct gotype *type, bool indirect, uint64_t offset)
{
	if (indirect)
		add_pointer(to, offset, true);
	else
		flatten(to, type, offset, 0);
}

static void add_units(struct map_holders *holders, struct gotype *type)
{
	unsigned word = holders->judge->program->machine.word_size;
	const struct map_layout *layout = type->map_layout;
	const struct map_unit_layout *unit = &layout->unit;
	struct holder_type holder = { .size = unit->size };
	struct flattening flat = { &holder, word, unit->size % word == 0, 0 };

	for (uint64_t i = 0; i < MAP_SLOTS && flat.sound; i++) {
		add_slot(&flat, type->key, layout->key_indirect, unit->key_offset + i * unit->key_stride);
		add_slot(&flat, type->elem, layout->elem_indirect, unit->elem_offset + i * unit->elem_stride);
	}
	if (layout->implementation == MAP_CLASSIC)
		add_pointer(&flat, unit->overflow_offset, false);
	keep(holders, &flat);
}

struct map_holders *map_holders_create(struct map_judge *judge)
{
	struct map_holders *holders = xcalloc(1, sizeof(*holders));
	size_t count;
	struct gotype *const *types = heap_described_types(judge->walk->types, &count);

	holders->judge = judge;
	for (size_t i = 0; i < count; i++)
		add_value(holders, types[i]);
	for (size_t i = 0; i < judge->shape_count; i++)
		add_units(holders, judge->shapes[i].type);
	return holders;
}

void map_holders_destroy(struct map_holders *holders)
{
	if (holders == NULL)
		return;
	for (size_t i = 0; i < holders->count; i++)
		free(holders->types[i].words);
	for (size_t i = 0; i < holders->kept_count; i++)
		free(holders->kept[i].types);
	free(holders->kept);
	table_free(&holders->by_holder);
	free(holders->types);
	free(holders);
}

/* --- objects ---------------------------------------------------------------------------------------------------------- */

/* A func value's object begins with the address of its code, which is no pointer to the collector. */
static bool may_be_closure(const struct heap_walk *walk, const struct holder *holder, const uint8_t *bytes)
{
	uint64_t first = load_word(&walk->program->machine, bytes);

	return !bit_test(holder->mask, 0) && first - walk->image_low < walk->image_high - walk->image_low;
}

/* False where what holds the map is not known, or of known type: what it says of the map is known then. */
static bool find_holder(const struct map_holders *holders, const struct heap_map *map, struct holder *out)
{
	struct heap_walk *walk = holders->judge->walk;
	struct heap_referrer referrer = heap_walk_referrer(walk, map->slot);
	unsigned word = walk->program->machine.word_size;
	uint8_t bytes[OBJECT_WORDS * 8];

	if (referrer.is_root || referrer.slot >= walk->slots || heap_walk_type(walk, referrer.slot) != 0)
		return false;

	const struct heap_span *span = heap_span_of_slot(walk->spans, referrer.slot);
	uint32_t index = (uint32_t)(referrer.slot - span->first);

	out->size = span->elem_size;
	out->words = (size_t)(span->elem_size / word);
	if (span->header != 0 || out->words > OBJECT_WORDS ||
	    target_read_some(walk->program->memory, taddr_of(heap_slot_address(span, index)), bytes, (size_t)span->elem_size) != span->elem_size)
		return false;
	memset(out->mask, 0, sizeof(out->mask));
	heap_pointer_mask_part(walk->spans, span, index, bytes, 0, out->words, out->mask);
	for (out->word = 0; out->word < out->words; out->word++)
		if (bit_test(out->mask, out->word) && load_word(&walk->program->machine, bytes + out->word * word) == map->address.v)
			return !may_be_closure(walk, out, bytes);
	return false;
}

/* Whether the object has the pointers of that many values side by side, and no others. */
static bool has_pointers_of(const struct holder *holder, const struct holder_type *type, size_t type_words, size_t count)
{
	for (size_t i = 0; i < holder->words; i++) {
		size_t k = i % type_words;
		bool inside = i < count * type_words;

		if (bit_test(holder->mask, i) ? !(inside && type->may >> k & 1) : inside && type->must >> k & 1)
			return false;
	}
	return true;
}

/* An object that the allocator would give so many values of that type. */
static bool may_be(const struct map_holders *holders, const struct holder *holder, const struct holder_type *type)
{
	const struct program *program = holders->judge->program;
	unsigned word = program->machine.word_size;

	for (uint64_t count = holder->size / type->size; count != 0; count--) {
		if (size_class_round(program->version, word, count * type->size, true) != holder->size)
			return false;
		if (has_pointers_of(holder, type, (size_t)(type->size / word), (size_t)count))
			return true;
	}
	return false;
}

static const struct map_word *map_word_at(const struct holder_type *type, size_t word)
{
	for (size_t i = 0; i < type->count; i++)
		if (type->words[i].word == word)
			return &type->words[i];
	return NULL;
}

static bool is_allowed(const struct allowed *allowed, const struct gotype *type)
{
	for (size_t i = 0; i < allowed->count; i++)
		if (allowed->types[i] == type)
			return true;
	return false;
}

/* The types of maps that may be there. */
static void find_allowed(const struct map_holders *holders, const struct holder *holder, struct allowed *out)
{
	unsigned word = holders->judge->program->machine.word_size;

	for (size_t i = 0; i < holders->count; i++) {
		const struct holder_type *type = &holders->types[i];
		const struct map_word *there = map_word_at(type, holder->word % (type->size / word));

		if (there == NULL || (there->type != NULL && is_allowed(out, there->type)) || !may_be(holders, holder, type))
			continue;
		out->any = there->type == NULL;
		if (out->any)
			return;
		ARRAY_RESERVE(out->types, out->count, out->capacity);
		out->types[out->count++] = there->type;
	}
}

/* Two keys of 64 bits are the same by chance once in 2^64. */
static uint64_t key_of(const struct holder *holder)
{
	uint64_t key = holder->size * UINT64_C(0x9e3779b97f4a7c15) + holder->word;

	for (size_t i = 0; i * 64 < holder->words; i++) {
		key = (key ^ holder->mask[i]) * UINT64_C(0xff51afd7ed558ccd);
		key ^= key >> 32;
	}
	return key;
}

static const struct allowed *allowed_in(struct map_holders *holders, const struct holder *holder)
{
	uint64_t key = key_of(holder), *known = table_get(&holders->by_holder, key);

	if (known == NULL) {
		ARRAY_RESERVE(holders->kept, holders->kept_count, holders->kept_capacity);
		holders->kept[holders->kept_count] = (struct allowed){ 0 };
		find_allowed(holders, holder, &holders->kept[holders->kept_count]);
		table_put(&holders->by_holder, key, holders->kept_count++);
		known = table_get(&holders->by_holder, key);
	}
	return &holders->kept[*known];
}

/* --- candidates --------------------------------------------------------------------------------------------------------- */

static bool have_same_parts(struct gotype *const *types, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (types[i]->key != types[0]->key || types[i]->elem != types[0]->elem)
			return false;
	return true;
}

/* Where none of the candidates may be there, what is held so is not understood. */
static void keep_allowed(struct heap_map *map, const struct allowed *allowed)
{
	size_t kept = 0;

	for (size_t i = 0; i < map->candidate_count; i++)
		kept += is_allowed(allowed, map->candidates[i]);
	if (kept == 0 || kept == map->candidate_count)
		return;
	kept = 0;
	for (size_t i = 0; i < map->candidate_count; i++)
		if (is_allowed(allowed, map->candidates[i]))
			map->candidates[kept++] = map->candidates[i];
	map->candidate_count = kept;
	map->same_parts = have_same_parts(map->candidates, kept);
}

void map_holders_narrow(struct map_holders *holders, struct heap_map *map)
{
	const struct allowed *allowed;
	struct holder holder;

	if (map->type != NULL || map->candidate_count == 0 || map->candidate_count >= MAP_CANDIDATES || !find_holder(holders, map, &holder))
		return;
	allowed = allowed_in(holders, &holder);
	if (!allowed->any)
		keep_allowed(map, allowed);
	if (map->candidate_count != 1 || map->length == 0)
		return;
	map->type = map->candidates[0];
	map->same_parts = false;
	map->evidence = HEAP_MAP_HASHES;
	free(map->candidates);
	map->candidates = NULL;
	map->candidate_count = 0;
}
