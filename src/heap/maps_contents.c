/*
 * Whether the keys and elems of a map can be of the types that a candidate has. Hashes prove the key's size and what it is hashed as, the unit's
 * object where pointers are; what these pointers lead to is looked at here: an object has the size and the pointers of the type that a pointer
 * to it names, or of more than that; a map is a map's header; a string is bytes of one object. Only what no Go code without package unsafe
 * makes is refuted, in a map that nobody is writing to.
 */
#include "heap/maps_judge.h"
#include "map/map.h"
#include "map/value.h"
#include "refmap/size_class.h"

enum {
	ENTRIES_TRIED = 8,  /* of one map */
	ELEMENTS_TRIED = 8, /* of one array */
	PARTS_TRIED = 1 << 12, /* of one entry: descriptors of a damaged program may name each other over and over */
	NESTING = 16,
	FIRST_SOUND = 9,    /* Go 1.8 has objects without pointers among others: their bits are what was there before */
};

static bool may_be_value(struct map_judge *judge, struct gotype *type, const uint8_t *bytes, int nesting);

static uint64_t word_of(const struct map_judge *judge, const uint8_t *bytes, unsigned i)
{
	return load_word(&judge->program->machine, bytes + i * judge->program->machine.word_size);
}

static uint64_t read_word(const struct map_judge *judge, uint64_t address)
{
	uint64_t value = 0;

	error_free(target_read_word(judge->program->memory, taddr_of(address), &value));
	return value;
}

/* Whether [address, address + size) is in the object that the address lies in; outside the heap anything may be. */
static bool is_in_object(const struct map_judge *judge, uint64_t address, uint64_t size)
{
	const struct heap_span *span = heap_span_find(judge->walk->spans, address);

	return span == NULL || size <= heap_slot_address(span, heap_slot_in(span, address)) + span->elem_size - address;
}

/* A pointer to a value of the type. */
static bool may_lead_to(const struct map_judge *judge, struct gotype *type, uint64_t address)
{
	struct heap_spans *spans = judge->walk->spans;
	const struct heap_span *span = heap_span_find(spans, address);
	uint8_t head[16] = { 0 };

	if (span == NULL || type == NULL || type->size == 0)
		return true;

	uint32_t index = heap_slot_in(span, address);
	uint64_t start = heap_slot_address(span, index);

	if (!bit_test(judge->walk->allocated, span->first + index) || address < start + span->header || !is_in_object(judge, address, type->size))
		return false;
	if (type->descriptor.v == 0)
		return true;
	if (span->scannable)
		target_read_some(judge->program->memory, taddr_of(start), head, sizeof(head));
	return heap_part_may_be(spans, span, index, head, address - start, type->descriptor);
}

static bool may_lead_to_map(struct map_judge *judge, uint64_t address)
{
	const struct heap_span *span = heap_span_find(judge->walk->spans, address);
	uint32_t index = span ? heap_slot_in(span, address) : 0;
	uint8_t header[64] = { 0 };
	uint64_t mask[2] = { 0 };

	if (span == NULL)
		return true;
	if (!span->scannable || span->elem_size != judge->header_slot || span->elem_size > sizeof(header) ||
	    address != heap_slot_address(span, index))
		return false;
	heap_pointer_mask_part(judge->walk->spans, span, index, header, 0, span->elem_size / judge->program->machine.word_size, mask);
	return target_read_some(judge->program->memory, taddr_of(address), header, (size_t)span->elem_size) == span->elem_size &&
	       map_judge_looks_like_header(judge, header, mask);
}

static bool may_be_descriptor(const struct map_judge *judge, uint64_t word)
{
	return gotype_may_be_descriptor(judge->program, taddr_of(word)) || heap_span_find(judge->walk->spans, word) != NULL;
}

/* runtime.itab begins with two descriptors, the interface's and the type's; none lies in the heap (runtime/iface.go, getitab()). */
static bool may_be_interface(const struct map_judge *judge, bool has_methods, uint64_t word)
{
	unsigned size = judge->program->machine.word_size;

	if (word == 0 || !has_methods)
		return word == 0 || may_be_descriptor(judge, word);
	return heap_span_find(judge->walk->spans, word) == NULL && may_be_descriptor(judge, read_word(judge, word)) &&
	       may_be_descriptor(judge, read_word(judge, word + size));
}

static bool may_be_slice(const struct map_judge *judge, const struct gotype *type, const uint8_t *bytes)
{
	uint64_t data = word_of(judge, bytes, 0), length = word_of(judge, bytes, 1), capacity = word_of(judge, bytes, 2), size;

	if (length > capacity)
		return false;
	return data == 0 || capacity == 0 ||
	       (!__builtin_mul_overflow(capacity, type->elem->size, &size) && is_in_object(judge, data, size) &&
		may_lead_to(judge, type->elem, data));
}

static bool may_be_parts(struct map_judge *judge, struct gotype *type, const uint8_t *bytes, int nesting)
{
	for (size_t i = 0; type->kind == GO_STRUCT && i < type->field_count; i++)
		if (!may_be_value(judge, type->fields[i].type, bytes + type->fields[i].offset, nesting + 1))
			return false;
	for (uint64_t i = 0; type->kind == GO_ARRAY && i < type->length && i < ELEMENTS_TRIED; i++)
		if (!may_be_value(judge, type->elem, bytes + i * type->elem->size, nesting + 1))
			return false;
	return true;
}

static bool may_be_of_kind(struct map_judge *judge, struct gotype *type, const uint8_t *bytes, int nesting)
{
	uint64_t word = type->size >= judge->program->machine.word_size ? word_of(judge, bytes, 0) : 0;

	switch (type->kind) {
	case GO_BOOL:
		return bytes[0] <= 1;
	case GO_STRUCT:
	case GO_ARRAY:
		return nesting >= NESTING || may_be_parts(judge, type, bytes, nesting);
	case GO_POINTER:
		return word == 0 || may_lead_to(judge, type->elem, word);
	case GO_MAP:
		return word == 0 || may_lead_to_map(judge, word);
	case GO_CHAN:
		return word == 0 || heap_span_find(judge->walk->spans, word) == NULL || may_lead_to(judge, NULL, word);
	case GO_FUNC:
		return word == 0 || heap_type_of_function(judge->walk->types, read_word(judge, word)) != 0;
	case GO_INTERFACE:
		return may_be_interface(judge, type->has_methods, word);
	case GO_STRING:
		return word == 0 || is_in_object(judge, word, word_of(judge, bytes, 1));
	case GO_SLICE:
		return may_be_slice(judge, type, bytes);
	default:
		return true;
	}
}

static bool may_be_value(struct map_judge *judge, struct gotype *type, const uint8_t *bytes, int nesting)
{
	struct error *error = gotype_complete(type);
	bool unknown = error != NULL || judge->parts++ >= PARTS_TRIED;

	error_free(error);
	return unknown || may_be_of_kind(judge, type, bytes, nesting);
}

/* What a slot leads to instead of holding it is an object of its own: reflect's and the compiler's newobject(). */
static bool may_be_indirect(const struct map_judge *judge, struct gotype *type, uint64_t address)
{
	const struct heap_span *span = heap_span_find(judge->walk->spans, address);
	const struct program *program = judge->program;
	uint64_t size;

	if (span == NULL)
		return true;
	size = size_class_round(program->version, program->machine.word_size, type->size, span->scannable);
	return size + span->header == span->elem_size && may_lead_to(judge, type, address);
}

static bool may_be_entry(struct map_judge *judge, const struct go_map *map, const struct map_entry *entry)
{
	if (map->layout->key_indirect && !may_be_indirect(judge, map->type->key, entry->key_address.v))
		return false;
	if (map->layout->elem_indirect && !may_be_indirect(judge, map->type->elem, entry->elem_address.v))
		return false;
	judge->parts = 0;
	return may_be_value(judge, map->type->key, entry->key, 0) && may_be_value(judge, map->type->elem, entry->elem, 0);
}

static bool may_be_unit(struct map_judge *judge, const struct go_map *map, const struct map_unit *unit, struct map_scratch *scratch,
			unsigned *tried)
{
	for (unsigned live = unit->live; live != 0 && *tried < ENTRIES_TRIED; live &= live - 1, ++*tried) {
		struct map_entry entry;
		struct error *error = map_entry_load(map, unit, (unsigned)__builtin_ctz(live), scratch, &entry);
		bool sound = error == NULL && entry.key != NULL && entry.elem != NULL;

		error_free(error);
		if (sound && !may_be_entry(judge, map, &entry))
			return false;
	}
	return true;
}

bool map_judge_contents_fit(struct map_judge *judge, struct gotype *type, taddr address)
{
	struct findings findings = { 0 };
	struct map_scratch scratch = { 0 };
	struct map_batch batch = { 0 };
	struct go_map map;
	struct error *error = map_open(type, address, &map);
	unsigned tried = 0;
	bool fits = true;

	if (error != NULL || judge->program->version->minor < FIRST_SOUND || map.length == 0 || map_being_written(&map)) {
		error_free(error);
		return true;
	}

	struct map_walk *walk = map_walk_create(&map, MAP_WALK_LIVE, &findings);

	do {
		error = map_walk_next(walk, &batch);
		for (size_t i = 0; error == NULL && i < batch.count && fits; i++)
			fits = may_be_unit(judge, &map, &batch.units[i], &scratch, &tried);
	} while (error == NULL && batch.count != 0 && fits && tried < ENTRIES_TRIED);
	error_free(error);
	map_walk_destroy(walk);
	map_scratch_free(&scratch);
	findings_free(&findings);
	return fits;
}
