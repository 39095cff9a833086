/*
 * What may be a map's header, and of which of the program's map types it is. Shapes decide first (the size class of the buckets, where
 * they hold pointers), then the hashes of the keys: each must have left its mark in the control byte of its slot.
 */
#include <stdlib.h>
#include <string.h>

#include "heap/maps_private.h"
#include "map/map.h"
#include "map/value.h"
#include "refmap/size_class.h"

enum {
	KEYS_TRIED = 64,      /* of one map */
	CANDIDATES_KEPT = 64,
	MASK_WORDS = 8,       /* 512 words: units above 512 bytes are known by their malloc headers, or too rare to matter */
	NESTING_LIMIT = 64,
};

/* A map type, or all that have the same key and elem. */
struct shape {
	struct gotype *type;
	uint64_t unit_size;
	bool pointers;            /* its units hold some */
	uint64_t must[MASK_WORDS]; /* words of a unit that are pointers */
	uint64_t may[MASK_WORDS];  /* and those that may be: the type words of interfaces were, once */
	struct key_hasher *hasher;
	bool no_hasher;
	struct gotype **names; /* all of the same key and elem */
	size_t name_count, name_capacity;
};

struct map_judge {
	struct heap_walk *walk;
	struct program *program;
	struct map_layout header; /* of any map type */
	uint64_t header_slot;
	struct shape *shapes;
	size_t shape_count, shape_capacity;
	struct table by_type; /* gotype -> index of its shape */
	struct hash_state state;
	bool hashes;
};

/* --- shapes ------------------------------------------------------------------------------------------------------------ */

static void mask_value(struct shape *shape, struct gotype *type, uint64_t offset, int nesting);

static void mask_word(struct shape *shape, uint64_t offset, bool certain)
{
	uint64_t word = offset / 8;

	if (word >= MASK_WORDS * 64)
		return;
	bit_set(shape->may, word);
	if (certain)
		bit_set(shape->must, word);
}

static void mask_parts(struct shape *shape, struct gotype *type, uint64_t offset, int nesting)
{
	for (size_t i = 0; i < type->field_count; i++)
		mask_value(shape, type->fields[i].type, offset + type->fields[i].offset, nesting);
	for (uint64_t i = 0; type->kind == GO_ARRAY && i < type->length && i < MASK_WORDS * 64; i++)
		mask_value(shape, type->elem, offset + i * type->elem->size, nesting);
}

static void mask_value(struct shape *shape, struct gotype *type, uint64_t offset, int nesting)
{
	struct error *error = gotype_complete(type);

	error_free(error);
	switch (type->kind) {
	case GO_STRUCT:
	case GO_ARRAY:
		if (nesting < NESTING_LIMIT)
			mask_parts(shape, type, offset, nesting + 1);
		break;
	case GO_INTERFACE:
		mask_word(shape, offset, false);
		mask_word(shape, offset + 8, true);
		break;
	case GO_POINTER:
	case GO_UNSAFE_POINTER:
	case GO_MAP:
	case GO_CHAN:
	case GO_FUNC:
	case GO_STRING:
	case GO_SLICE:
		mask_word(shape, offset, true);
		break;
	default:
		break;
	}
}

static void mask_slot(struct shape *shape, struct gotype *type, bool indirect, uint64_t offset)
{
	if (indirect)
		mask_word(shape, offset, true);
	else
		mask_value(shape, type, offset, 0);
}

static void make_masks(struct shape *shape)
{
	const struct map_layout *layout = shape->type->map_layout;
	const struct map_unit_layout *unit = &layout->unit;

	for (uint64_t i = 0; i < MAP_SLOTS; i++) {
		mask_slot(shape, shape->type->key, layout->key_indirect, unit->key_offset + i * unit->key_stride);
		mask_slot(shape, shape->type->elem, layout->elem_indirect, unit->elem_offset + i * unit->elem_stride);
	}
	for (int i = 0; i < MASK_WORDS; i++)
		shape->pointers |= shape->may[i] != 0;
	/* the overflow pointer of buckets without other pointers is none to the collector (runtime/map.go, mapextra) */
	if (layout->implementation == MAP_CLASSIC && shape->pointers)
		mask_word(shape, unit->overflow_offset, true);
}

static bool same_parts(const struct gotype *a, const struct gotype *b)
{
	return a->key == b->key && a->elem == b->elem;
}

static void add_name(struct shape *shape, struct gotype *type)
{
	ARRAY_RESERVE(shape->names, shape->name_count, shape->name_capacity);
	shape->names[shape->name_count++] = type;
}

static void add_shape(struct map_judge *judge, struct gotype *type)
{
	for (size_t i = 0; i < judge->shape_count; i++) {
		struct shape *shape = &judge->shapes[i];

		if (!same_parts(shape->type, type))
			continue;
		add_name(shape, type);
		if (strncmp(type->name, "map[", 4) == 0)
			shape->type = type;
		table_put(&judge->by_type, (uintptr_t)type, i);
		return;
	}
	ARRAY_RESERVE(judge->shapes, judge->shape_count, judge->shape_capacity);

	struct shape *shape = &judge->shapes[judge->shape_count];

	*shape = (struct shape){ .type = type, .unit_size = type->map_layout->unit.size };
	make_masks(shape);
	add_name(shape, type);
	table_put(&judge->by_type, (uintptr_t)type, judge->shape_count++);
}

static struct shape *shape_of(struct map_judge *judge, struct gotype *type)
{
	/* a descriptor's type and DWARF's are two: one shape serves both */
	type = heap_type_preferred(judge->walk->types, type);

	const uint64_t *known = table_get(&judge->by_type, (uintptr_t)type);

	if (known == NULL) {
		add_shape(judge, type);
		known = table_get(&judge->by_type, (uintptr_t)type);
	}
	return &judge->shapes[*known];
}

struct error *map_judge_create(struct heap_walk *walk, struct map_judge **out)
{
	struct map_judge *judge = xcalloc(1, sizeof(*judge));
	size_t count;
	struct gotype *const *types = heap_map_types(walk->types, &count);
	struct error *error = map_layout_load_header(walk->program->binary, &judge->header);

	judge->walk = walk;
	judge->program = walk->program;
	if (error != NULL) {
		map_judge_destroy(judge);
		return error;
	}
	judge->header_slot = size_class_round(walk->program->version, walk->program->machine.word_size, judge->header.header_size, true);
	for (size_t i = 0; i < count; i++)
		add_shape(judge, types[i]);
	error = hash_state_read(walk->program, &judge->state);
	judge->hashes = error == NULL;
	error_free(error);
	*out = judge;
	return NULL;
}

void map_judge_destroy(struct map_judge *judge)
{
	if (judge == NULL)
		return;
	for (size_t i = 0; i < judge->shape_count; i++) {
		key_hasher_destroy(judge->shapes[i].hasher);
		free(judge->shapes[i].names);
	}
	free(judge->shapes);
	table_free(&judge->by_type);
	free(judge);
}

uint64_t map_judge_header_slot(const struct map_judge *judge)
{
	return judge->header_slot;
}

/* --- headers ------------------------------------------------------------------------------------------------------------ */

static uint64_t field(const struct map_judge *judge, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&judge->program->machine, bytes + at.offset, at.size);
}

/* Whether the pointers of an object are those of a header, and no others. */
static bool is_header_mask(const struct map_judge *judge, uint64_t mask)
{
	const struct map_layout *layout = &judge->header;
	unsigned size = judge->program->machine.word_size;

	if (layout->implementation == MAP_SWISS)
		return mask == UINT64_C(1) << layout->swiss.dir_ptr.offset / size;

	uint64_t arrays = UINT64_C(1) << layout->classic.buckets.offset / size | UINT64_C(1) << layout->classic.oldbuckets.offset / size;

	/* the last word is extra (>= 1.9) or overflow (1.8) */
	return mask == (arrays | UINT64_C(1) << (layout->header_size / size - 1));
}

/* A pointer to the start of an object of the heap. */
static bool leads_to_object(const struct map_judge *judge, uint64_t value)
{
	const struct heap_span *span = heap_span_find(judge->walk->spans, value);
	uint32_t index = span ? heap_slot_in(span, value) : 0;

	return span != NULL && bit_test(judge->walk->allocated, span->first + index) &&
	       value == heap_slot_address(span, index) + span->header;
}

static bool is_classic_header(const struct map_judge *judge, const uint8_t *bytes)
{
	enum { ALL_FLAGS = 15, MOST_PER_BUCKET_BITS = 6 };
	const struct classic_header_layout *at = &judge->header.classic;
	uint64_t count = field(judge, bytes, at->count), b = field(judge, bytes, at->b), old = field(judge, bytes, at->oldbuckets);
	uint64_t buckets = field(judge, bytes, at->buckets), flags = field(judge, bytes, at->flags);
	uint64_t extra = at->extra.size ? field(judge, bytes, at->extra) : 0;

	if (b > 40 || flags > ALL_FLAGS || count >> MOST_PER_BUCKET_BITS > UINT64_C(1) << b)
		return false;
	if (extra != 0 && !leads_to_object(judge, extra))
		return false;
	if (old != 0 && !leads_to_object(judge, old))
		return false;
	return buckets == 0 ? count == 0 && old == 0 && b == 0 : leads_to_object(judge, buckets);
}

static bool is_swiss_header(const struct map_judge *judge, const uint8_t *bytes)
{
	const struct swiss_header_layout *at = &judge->header.swiss;
	uint64_t used = field(judge, bytes, at->used), directory = field(judge, bytes, at->dir_ptr);
	uint64_t length = field(judge, bytes, at->dir_len), depth = field(judge, bytes, at->global_depth);
	uint64_t shift = field(judge, bytes, at->global_shift);
	unsigned bits = 8u * judge->program->machine.word_size;

	if (field(judge, bytes, at->writing) > 1 || field(judge, bytes, at->tombstone_possible) > 1)
		return false;
	if (length == 0)
		return used <= MAP_SLOTS && depth == 0 && shift == 0 && (directory == 0 ? used == 0 : leads_to_object(judge, directory));
	return depth < 40 && length == UINT64_C(1) << depth && shift == bits - depth && leads_to_object(judge, directory);
}

bool map_judge_looks_like_header(struct map_judge *judge, const uint8_t *bytes, const uint64_t *mask)
{
	if (!is_header_mask(judge, mask[0]))
		return false;
	return judge->header.implementation == MAP_CLASSIC ? is_classic_header(judge, bytes) : is_swiss_header(judge, bytes);
}

/* The groups of the first table. */
static uint64_t first_groups(struct map_judge *judge, uint64_t directory, uint64_t *count)
{
	const struct swiss_header_layout *at = &judge->header.swiss;
	uint8_t table[128];
	uint64_t address;
	struct error *error = target_read_word(judge->program->memory, taddr_of(directory), &address);

	if (error == NULL && (at->table_size > sizeof(table) || !leads_to_object(judge, address)))
		return 0;
	if (error == NULL)
		error = target_read(judge->program->memory, taddr_of(address), table, at->table_size);
	if (error != NULL) {
		error_free(error);
		return 0;
	}
	*count = field(judge, table, at->table_groups_mask) + 1;
	return field(judge, table, at->table_groups_data);
}

/* The buckets, or the groups of the first table, and how many there are. */
static uint64_t find_units(struct map_judge *judge, const uint8_t *header, uint64_t *count)
{
	const struct map_layout *layout = &judge->header;

	*count = 1;
	if (layout->implementation == MAP_CLASSIC) {
		*count = UINT64_C(1) << (field(judge, header, layout->classic.b) & 63);
		return field(judge, header, layout->classic.buckets);
	}

	uint64_t directory = field(judge, header, layout->swiss.dir_ptr);

	return field(judge, header, layout->swiss.dir_len) == 0 ? directory : first_groups(judge, directory, count);
}

uint64_t map_judge_units(struct map_judge *judge, const uint8_t *header)
{
	uint64_t count;

	return find_units(judge, header, &count);
}

/* --- hashes ------------------------------------------------------------------------------------------------------------- */

enum verdict { REFUTED, POSSIBLE, CONFIRMED };

static struct key_hasher *hasher_of(struct map_judge *judge, struct shape *shape)
{
	if (shape->hasher == NULL && !shape->no_hasher) {
		struct error *error = judge->hashes ? key_hasher_create(&judge->state, shape->type->key, false, &shape->hasher) : NULL;

		shape->no_hasher = shape->hasher == NULL;
		error_free(error);
	}
	return shape->hasher;
}

/* What the control byte of a slot with that hash is: H2, or tophash(). */
static uint8_t control_of(const struct go_map *map, uint64_t hash)
{
	uint8_t top = (uint8_t)(hash >> (8u * map->program->machine.word_size - 8)), least;

	if (map->layout->implementation == MAP_SWISS)
		return hash & 0x7f;
	least = classic_min_tophash(map->program);
	return top < least ? (uint8_t)(top + least) : top;
}

struct tally {
	uint64_t live, fits, differs, unknown;
};

/*
 * Whether a key can be the string that it is taken for: its bytes lie in one object of the heap, or in the binary; elsewhere (memory of C,
 * a mapped file) they are not many. What is no string would have its length read.
 */
static bool may_be_string(const struct map_judge *judge, const uint8_t *bytes)
{
	enum { ELSEWHERE = 1 << 20 };
	const struct machine *machine = &judge->program->machine;
	uint64_t data = load_word(machine, bytes), length = load_word(machine, bytes + machine->word_size);
	const struct heap_span *span = heap_span_find(judge->walk->spans, data);

	if (span != NULL)
		return length <= heap_slot_address(span, heap_slot_in(span, data)) + span->elem_size - data;
	if (data - judge->walk->image_low < judge->walk->image_high - judge->walk->image_low)
		return length <= judge->walk->image_high - data;
	return length <= ELSEWHERE;
}

static void try_slot(const struct map_judge *judge, const struct go_map *map, struct key_hasher *hasher, const struct map_unit *unit, unsigned slot,
		     struct map_scratch *scratch, struct tally *tally)
{
	uint64_t seed = map->layout->implementation == MAP_SWISS ? map->swiss.seed : map->classic.hash0, hash;
	struct map_entry entry;
	struct error *error = map_entry_load(map, unit, slot, scratch, &entry);

	if (error != NULL || entry.key == NULL || (map->type->key->kind == GO_STRING && !may_be_string(judge, entry.key))) {
		error_free(error);
		tally->differs++;
		return;
	}
	switch (key_hash(hasher, entry.key, entry.key_address, seed, &hash)) {
	case HASH_OK:
		if (control_of(map, hash) == map_control(map, unit, slot))
			tally->fits++;
		else
			tally->differs++;
		break;
	case HASH_NAN:
		tally->unknown++;
		break;
	case HASH_UNKNOWN:
		tally->differs++;
		break;
	}
}

static void try_batch(const struct map_judge *judge, const struct go_map *map, struct key_hasher *hasher, const struct map_batch *batch,
		      struct map_scratch *scratch, struct tally *tally)
{
	for (size_t i = 0; i < batch->count; i++) {
		for (unsigned live = batch->units[i].live; live != 0; live &= live - 1) {
			tally->live++;
			if (hasher != NULL && tally->fits + tally->differs + tally->unknown < KEYS_TRIED)
				try_slot(judge, map, hasher, &batch->units[i], (unsigned)__builtin_ctz(live), scratch, tally);
		}
	}
}

static enum verdict judge_tally(const struct go_map *map, const struct tally *tally, bool whole, const struct findings *findings)
{
	/* one that is being written may have a key or two in the air */
	uint64_t slack = map_being_written(map) ? 2 : 0;

	if (findings->total > slack || tally->differs > slack)
		return REFUTED;
	if (whole && (tally->live > map->length + slack || tally->live + slack < map->length))
		return REFUTED;
	return tally->fits != 0 ? CONFIRMED : POSSIBLE;
}

/* Whether the map at that address can be of the shape's type: its first keys tell. */
static enum verdict judge_type(struct map_judge *judge, struct shape *shape, struct gotype *type, taddr address, uint64_t *length)
{
	struct findings findings = { 0 };
	struct map_scratch scratch = { 0 };
	struct tally tally = { 0 };
	struct map_batch batch = { 0 };
	struct go_map map;
	struct error *error = map_open(type, address, &map);

	if (error != NULL) {
		error_free(error);
		return REFUTED;
	}
	*length = map.length;
	if (map.length == 0)
		return POSSIBLE;

	struct map_walk *walk = map_walk_create(&map, MAP_WALK_LIVE, &findings);
	struct key_hasher *hasher = hasher_of(judge, shape);
	bool whole = false;

	while (tally.live < KEYS_TRIED && error == NULL && !whole) {
		error = map_walk_next(walk, &batch);
		whole = error == NULL && batch.count == 0;
		if (!whole && error == NULL)
			try_batch(judge, &map, hasher, &batch, &scratch, &tally);
	}
	error_free(error);
	map_walk_destroy(walk);
	map_scratch_free(&scratch);

	enum verdict verdict = judge_tally(&map, &tally, whole, &findings);

	findings_free(&findings);
	return verdict;
}

bool map_judge_confirms(struct map_judge *judge, struct heap_map *map)
{
	return judge_type(judge, shape_of(judge, map->type), map->type, map->address, &map->length) != REFUTED;
}

/* --- types --------------------------------------------------------------------------------------------------------------- */

/* runtime/map.go, makeBucketArray: from 16 buckets on there are spare ones behind the array (>= 1.9). */
static uint64_t array_size(const struct map_judge *judge, uint64_t unit_size, uint64_t count)
{
	uint64_t size;

	if (judge->header.implementation == MAP_CLASSIC && judge->header.classic.next_overflow.size != 0 && count >= 16)
		count += count / 16;
	return __builtin_mul_overflow(unit_size, count, &size) ? UINT64_MAX / 2 : size;
}

/* Go 1.8 does not tell spans without pointers from others: there the mask has to. */
static bool may_hold(const struct map_judge *judge, const struct shape *shape, const struct heap_span *span)
{
	return shape->pointers == span->scannable || (span->scannable && judge->program->version->minor < 9);
}

static bool fits_object(struct map_judge *judge, const struct shape *shape, const struct heap_span *span, uint32_t index,
			uint64_t count)
{
	uint64_t need = array_size(judge, shape->unit_size, count), words = shape->unit_size / 8, mask[MASK_WORDS];
	struct program *program = judge->program;

	if (!may_hold(judge, shape, span) || need > span->elem_size || need + span->elem_size / 4 + 16 < span->elem_size)
		return false;
	if (size_class_round(program->version, program->machine.word_size, need, span->scannable) + span->header != span->elem_size)
		return false;
	if (!span->scannable || span->header != 0 || words > MASK_WORDS * 64 || span->elem_size > MASK_WORDS * 512)
		return true;
	memset(mask, 0, sizeof(mask));
	heap_pointer_mask_part(judge->walk->spans, span, index, (const uint8_t[16]){ 0 }, 0, words, mask);
	for (uint64_t i = 0; i < words; i++) {
		bool set = bit_test(mask, i);

		if (set ? !bit_test(shape->may, i) : bit_test(shape->must, i))
			return false;
	}
	return true;
}

static void add_candidate(struct heap_map *map, struct gotype *type)
{
	if (map->candidates == NULL)
		map->candidates = xcalloc(CANDIDATES_KEPT, sizeof(*map->candidates));
	if (map->candidate_count < CANDIDATES_KEPT)
		map->candidates[map->candidate_count++] = type;
}

/* Key and elem are known, and so is the type where it is the only one that has them. */
static void settle(struct map_judge *judge, struct heap_map *map, struct gotype *type, enum heap_map_evidence evidence)
{
	type = heap_type_preferred(judge->walk->types, type);

	const struct shape *shape = shape_of(judge, type);

	map->candidate_count = 0;
	map->same_parts = shape->name_count > 1;
	map->type = map->same_parts ? NULL : type;
	map->evidence = evidence;
	for (size_t i = 0; map->same_parts && i < shape->name_count; i++)
		add_candidate(map, shape->names[i]);
	if (!map->same_parts) {
		free(map->candidates);
		map->candidates = NULL;
	}
}

/* By the units' object: what the walk knows of it, else what fits it. */
static bool settle_by_shape(struct map_judge *judge, struct heap_map *map, const struct heap_span *span, uint32_t index, uint64_t count)
{
	enum verdict best = REFUTED;
	struct gotype *only = NULL;
	size_t fitting = 0;

	for (size_t i = 0; i < judge->shape_count; i++) {
		struct shape *shape = &judge->shapes[i];
		enum verdict verdict = fits_object(judge, shape, span, index, count)
					       ? judge_type(judge, shape, shape->type, map->address, &map->length)
					       : REFUTED;

		if (verdict == REFUTED)
			continue;
		best = verdict > best ? verdict : best;
		only = shape->type;
		fitting++;
		for (size_t k = 0; k < shape->name_count; k++)
			add_candidate(map, shape->names[k]);
	}
	if (best == CONFIRMED && fitting == 1)
		settle(judge, map, only, HEAP_MAP_HASHES);
	return best != REFUTED;
}

/* The map type that the units' object is said to be of. */
static bool type_by_units(struct map_judge *judge, const struct heap_span *span, uint32_t index, struct gotype **type)
{
	heap_type_id id = span->scannable ? heap_walk_type(judge->walk, span->first + index) : 0;
	uint8_t head[16] = { 0 };

	if (span->scannable && id == 0 && (span->header != 0 || span->large_type.v != 0)) {
		target_read_some(judge->program->memory, taddr_of(heap_slot_address(span, index)), head, sizeof(head));

		taddr descriptor = heap_slot_descriptor(judge->walk->spans, span, head);

		id = descriptor.v ? heap_type_of_descriptor(judge->walk->types, descriptor) : 0;
	}
	if (id == 0 || heap_type_at(judge->walk->types, id)->form != HEAP_UNITS)
		return false;
	*type = heap_type_at(judge->walk->types, id)->type;
	return true;
}

bool map_judge_settle(struct map_judge *judge, const uint8_t *header, struct heap_map *map)
{
	uint64_t count, units = find_units(judge, header, &count);
	const struct map_layout *layout = &judge->header;

	map->length = layout->implementation == MAP_SWISS ? field(judge, header, layout->swiss.used)
							   : field(judge, header, layout->classic.count);
	if (map->guess != NULL && judge_type(judge, shape_of(judge, map->guess), map->guess, map->address, &map->length) != REFUTED) {
		settle(judge, map, map->guess, HEAP_MAP_UNITS);
		return true;
	}
	if (units == 0)
		return map->length == 0;

	const struct heap_span *span = heap_span_find(judge->walk->spans, units);

	if (!leads_to_object(judge, units))
		return false;

	uint32_t index = heap_slot_in(span, units);

	struct gotype *type;

	if (!type_by_units(judge, span, index, &type))
		return settle_by_shape(judge, map, span, index, count);
	if (judge_type(judge, shape_of(judge, type), type, map->address, &map->length) == REFUTED)
		return false;
	settle(judge, map, type, HEAP_MAP_UNITS);
	return true;
}
