/*
 * What may be a map's header, and of which of the program's map types it is. Shapes decide first (the size class of the buckets, where
 * they hold pointers), then the hashes of the keys: each must have left its mark in the control byte of its slot.
 */
#include <stdlib.h>
#include <string.h>

#include "binary/debug.h"
#include "heap/maps_judge.h"
#include "map/map.h"
#include "refmap/size_class.h"

uint64_t map_judge_header_slot(const struct map_judge *judge)
{
	return judge->header_slot;
}

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

/* A pointer to the start of an object of the heap, or onto a stack. */
static bool leads_to_object(const struct map_judge *judge, uint64_t value)
{
	const struct heap_span *span = heap_span_find(judge->walk->spans, value);
	uint32_t index = span ? heap_slot_in(span, value) : 0;

	if (span == NULL)
		return walk_stack_of(judge->walk, value) != NULL;
	return bit_test(judge->walk->allocated, span->first + index) &&
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

/* Whoever makes a map draws its seed: makemap() and NewMap() of all versions, the compiler for those on stacks. One in 2^32 is 0. */
static bool has_seed(const struct map_judge *judge, const uint8_t *bytes)
{
	const struct map_layout *layout = &judge->header;

	return field(judge, bytes, layout->implementation == MAP_SWISS ? layout->swiss.seed : layout->classic.hash0) != 0;
}

static bool is_header(const struct map_judge *judge, const uint8_t *bytes)
{
	if (!has_seed(judge, bytes))
		return false;
	return judge->header.implementation == MAP_CLASSIC ? is_classic_header(judge, bytes) : is_swiss_header(judge, bytes);
}

bool map_judge_looks_like_header(struct map_judge *judge, const uint8_t *bytes, const uint64_t *mask)
{
	return is_header_mask(judge, mask[0]) && is_header(judge, bytes);
}

uint64_t map_judge_length(const struct map_judge *judge, const uint8_t *header)
{
	const struct map_layout *layout = &judge->header;

	return field(judge, header, layout->implementation == MAP_SWISS ? layout->swiss.used : layout->classic.count);
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

/* --- types --------------------------------------------------------------------------------------------------------------- */

bool map_judge_confirms(struct map_judge *judge, struct heap_map *map)
{
	struct tally tally;

	return judge_type(judge, shape_of(judge, map->type), map->type, map->address, &map->length, &tally) != REFUTED;
}

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
	struct program *program = judge->program;
	unsigned word = program->machine.word_size;
	uint64_t need = array_size(judge, shape->unit_size, count), words = shape->unit_size / word, mask[MASK_WORDS];

	if (!may_hold(judge, shape, span) || need > span->elem_size || need + span->elem_size / 4 + 16 < span->elem_size)
		return false;
	if (size_class_round(program->version, word, need, span->scannable) + span->header != span->elem_size)
		return false;
	if (!span->scannable || span->header != 0 || words > MASK_WORDS * 64 || span->elem_size > MASK_WORDS * 64 * word)
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
		map->candidates = xcalloc(MAP_CANDIDATES, sizeof(*map->candidates));
	if (map->candidate_count < MAP_CANDIDATES)
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

/* What a header leads to: an object of the heap, or a variable on a stack. */
struct units {
	const struct heap_span *span; /* NULL: on a stack */
	uint32_t index;
	uint64_t count;
	const struct heap_stack_object *variable; /* NULL: one without pointers, which the compiler does not describe */
};

/* The compiler gives a map on a stack one unit, as a variable of that type: cmd/compile/internal/walk, walkMakeMap(). */
static bool fits_variable(const struct map_judge *judge, const struct shape *shape, const struct heap_stack_object *variable)
{
	uint64_t words = shape->unit_size / judge->program->machine.word_size;

	if (variable == NULL)
		return !shape->pointers;
	if (shape->unit_size != variable->size || words > MASK_WORDS * 64)
		return false;
	for (uint64_t i = 0; i < words; i++) {
		bool set = i < variable->words && variable->mask[i / 8] >> i % 8 & 1;

		if (set ? !bit_test(shape->may, i) : bit_test(shape->must, i))
			return false;
	}
	return true;
}

static bool fits_units(struct map_judge *judge, const struct shape *shape, const struct units *units)
{
	if (units->span == NULL)
		return units->count == 1 && fits_variable(judge, shape, units->variable);
	return fits_object(judge, shape, units->span, units->index, units->count);
}

/* Where the contents fit none of them, they are not understood. */
static size_t drop_by_contents(struct map_judge *judge, taddr address, struct shape **fitting, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (map_judge_contents_fit(judge, fitting[i]->type, address)) {
			struct shape *swapped = fitting[kept];

			fitting[kept++] = fitting[i];
			fitting[i] = swapped;
		}
	}
	return kept ? kept : count;
}

/* By the units: what the walk knows of their object, else what fits it. */
static enum verdict settle_by_shape(struct map_judge *judge, struct heap_map *map, const struct units *units)
{
	enum verdict best = REFUTED;
	struct shape **fitting = xmalloc((judge->shape_count + 1) * sizeof(struct shape *));
	struct tally tally;
	size_t count = 0;

	for (size_t i = 0; i < judge->shape_count; i++) {
		struct shape *shape = &judge->shapes[i];
		enum verdict verdict = fits_units(judge, shape, units)
					       ? judge_type(judge, shape, shape->type, map->address, &map->length, &tally)
					       : REFUTED;

		if (verdict == REFUTED)
			continue;
		best = verdict > best ? verdict : best;
		fitting[count++] = shape;
	}
	if (count > 1 && debug_is_made(judge->program->binary->debug))
		count = drop_by_contents(judge, map->address, fitting, count);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < fitting[i]->name_count; k++)
			add_candidate(map, fitting[i]->names[k]);
	if (best == CONFIRMED && count == 1)
		settle(judge, map, fitting[0]->type, HEAP_MAP_HASHES);
	free(fitting);
	return best;
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

/* --- hash states --------------------------------------------------------------------------------------------------------- */

/* A control byte has 7 bits of the hash (Swiss) or nearly 8; of so many types that were tried one may fit by chance. */
static void note_evidence(const struct tally *tally, size_t tried, struct map_evidence *out)
{
	enum { BITS_A_KEY = 7 };
	unsigned bits = (unsigned)tally->fits * BITS_A_KEY, chance = 0;

	for (size_t i = 1; i < tried; i *= 2)
		chance++;
	if (bits > chance && bits - chance > out->bits)
		*out = (struct map_evidence){ tally->fits, bits - chance };
}

static struct map_evidence find_evidence(struct map_judge *judge, const uint8_t *header, taddr address)
{
	uint64_t count, length, units = find_units(judge, header, &count);
	struct map_evidence evidence = { 0 };
	struct gotype *type;
	struct tally tally;

	if (units == 0 || !leads_to_object(judge, units))
		return evidence;

	const struct heap_span *span = heap_span_find(judge->walk->spans, units);
	uint32_t index = span ? heap_slot_in(span, units) : 0;

	if (span == NULL)
		return evidence;
	if (type_by_units(judge, span, index, &type)) {
		if (judge_type(judge, shape_of(judge, type), type, address, &length, &tally) == CONFIRMED)
			note_evidence(&tally, 1, &evidence);
		return evidence;
	}
	for (size_t i = 0; i < judge->shape_count; i++) {
		struct shape *shape = &judge->shapes[i];

		if (fits_object(judge, shape, span, index, count) &&
		    judge_type(judge, shape, shape->type, address, &length, &tally) == CONFIRMED)
			note_evidence(&tally, judge->shape_count, &evidence);
	}
	return evidence;
}

/* Thousands of states are tried: keys of many megabytes are not read for each. */
struct map_evidence map_judge_evidence(struct map_judge *judge, const uint8_t *header, taddr address)
{
	enum { LONGEST = 1 << 16 };
	struct map_evidence evidence;

	judge->longest_string = LONGEST;
	evidence = find_evidence(judge, header, address);
	judge->longest_string = UINT64_MAX;
	return evidence;
}

/* --- settling ------------------------------------------------------------------------------------------------------------ */

static enum verdict settle_by_units(struct map_judge *judge, struct heap_map *map, const struct units *units)
{
	struct gotype *type;
	struct tally tally;
	enum verdict verdict;

	if (units->span == NULL || !type_by_units(judge, units->span, units->index, &type))
		return settle_by_shape(judge, map, units);
	verdict = judge_type(judge, shape_of(judge, type), type, map->address, &map->length, &tally);
	if (verdict != REFUTED)
		settle(judge, map, type, HEAP_MAP_UNITS);
	return verdict;
}

static struct units units_at(const struct map_judge *judge, uint64_t address, uint64_t count)
{
	struct units units = { .span = heap_span_find(judge->walk->spans, address), .count = count };

	if (units.span != NULL)
		units.index = heap_slot_in(units.span, address);
	else
		units.variable = heap_walk_stack_object_at(judge->walk, address);
	return units;
}

bool map_judge_settle(struct map_judge *judge, const uint8_t *header, struct heap_map *map)
{
	uint64_t count, address = find_units(judge, header, &count);
	struct tally tally;

	map->length = map_judge_length(judge, header);
	if (map->guess != NULL && judge_type(judge, shape_of(judge, map->guess), map->guess, map->address, &map->length, &tally) != REFUTED) {
		settle(judge, map, map->guess, HEAP_MAP_UNITS);
		return true;
	}
	if (address == 0)
		return map->length == 0;
	if (!leads_to_object(judge, address))
		return false;

	const struct units units = units_at(judge, address, count);

	return units.span != NULL && settle_by_units(judge, map, &units) != REFUTED;
}

/* --- on stacks ------------------------------------------------------------------------------------------------------------ */

/* Whether a unit says that nothing is in it: control bytes or tophashes, all of slots that are free. */
static bool is_empty_unit(struct map_judge *judge, uint64_t address)
{
	enum { SWISS_EMPTY = 0x80, CLASSIC_EMPTY_ONE = 1 };
	bool swiss = judge->header.implementation == MAP_SWISS;
	uint8_t control[MAP_SLOTS];

	if (target_read_some(judge->program->memory, taddr_of(address), control, sizeof(control)) != sizeof(control))
		return false;
	for (int i = 0; i < MAP_SLOTS; i++)
		if (swiss ? control[i] != SWISS_EMPTY : control[i] > CLASSIC_EMPTY_ONE)
			return false;
	return true;
}

static bool is_header_variable(const struct map_judge *judge, const struct heap_stack_object *variable)
{
	uint64_t mask = 0;

	if (variable->size != judge->header.header_size)
		return false;
	for (uint64_t i = 0; i < variable->words && i < 64; i++)
		mask |= (uint64_t)(variable->mask[i / 8] >> i % 8 & 1) << i;
	return is_header_mask(judge, mask);
}

/*
 * Frames have many structs in them, and nothing leads to them that is known: what is no map must not pass. So keys have to hash to what is said
 * of them, or an empty unit of some map type's size and pointers has to say that it is empty.
 */
bool map_judge_on_stack(struct map_judge *judge, const struct heap_stack_object *variable, struct heap_map *map)
{
	uint8_t header[64] = { 0 };
	uint64_t size = judge->header.header_size, count, address;

	if (size > sizeof(header) || !is_header_variable(judge, variable) ||
	    target_read_some(judge->program->memory, variable->address, header, size) != size || !is_header(judge, header))
		return false;
	address = find_units(judge, header, &count);
	map->length = map_judge_length(judge, header);
	if (address == 0 || !leads_to_object(judge, address))
		return false;

	const struct units units = units_at(judge, address, count);
	enum verdict verdict = settle_by_units(judge, map, &units);

	return map->length == 0 ? verdict != REFUTED && is_empty_unit(judge, address) : verdict == CONFIRMED;
}
