/* internal/runtime/maps: the directory, a table, groups on a probe sequence; or the one group of a small map. */
#include "analysis/trace_private.h"

/* Strings that are longer are compared with care in small maps: length and eight bytes at each end first. */
enum { LONG_STRING = 64, END_BYTES = 8 };
/* maxTableCapacity, internal/runtime/maps/table.go */
enum { TABLE_CAPACITY_LIMIT = 1024, TABLE_SIZE_LIMIT = 512 };
enum { H2_BITS = 7, CONTROL_EMPTY = 0x80 };

static bool is_long(const struct tracer *tracer)
{
	return tracer->trace->access == TRACE_FASTSTR && trace_string_length(tracer) > LONG_STRING;
}

static bool by_key(const struct tracer *tracer)
{
	return tracer->trace->access == TRACE_FAST32 || tracer->trace->access == TRACE_FAST64;
}

bool trace_hash_needed_swiss(const struct tracer *tracer)
{
	return tracer->map->swiss.dir_len != 0 || (!by_key(tracer) && !is_long(tracer));
}

uint8_t trace_h2(const struct tracer *tracer)
{
	return tracer->trace->hash & ((1 << H2_BITS) - 1);
}

static void add_split(struct tracer *tracer)
{
	struct trace_step *step = trace_add(tracer, TRACE_SPLIT, taddr_of(0));

	step->split.h1 = tracer->trace->hash >> H2_BITS;
	step->split.h2 = trace_h2(tracer);
}

/* --- one group -------------------------------------------------------------------------------------------------- */

/* True where the key is found. */
static bool search_group(struct tracer *tracer, const struct map_unit *unit, enum trace_search search)
{
	bool has_empty = false;
	struct trace_step *step = trace_add_unit(tracer, unit, search);

	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		has_empty |= step->unit.slots[slot].control == CONTROL_EMPTY;
	step->unit.has_empty = has_empty;
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		struct trace_slot *seen = trace_slot_of(tracer, slot);

		if (seen->control >= CONTROL_EMPTY)
			seen->verdict = TRACE_FREE;
		else if (search == TRACE_BY_CONTROL && seen->control != trace_h2(tracer))
			seen->verdict = TRACE_CONTROL_DIFFERS;
		else if (trace_compare(tracer, unit, slot))
			return true;
	}
	return false;
}

/* --- a small map ------------------------------------------------------------------------------------------------ */

/* Long strings: only one that passes the quick test is compared whole. False where two pass, so that hashes have to tell. */
static bool search_long(struct tracer *tracer, const struct map_unit *unit)
{
	unsigned maybe = MAP_SLOTS;

	trace_add_unit(tracer, unit, TRACE_BY_ENDS);
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		struct trace_slot *seen = trace_slot_of(tracer, slot);

		if (seen->control >= CONTROL_EMPTY)
			seen->verdict = TRACE_FREE;
		else if (trace_compare_length(tracer, unit, slot) && trace_compare_ends(tracer, unit, slot, END_BYTES)) {
			if (maybe != MAP_SLOTS)
				return false;
			maybe = slot;
		}
	}
	if (maybe == MAP_SLOTS || !trace_compare(tracer, unit, maybe))
		trace_end(tracer, unit->address, "no string of the map's one group is equal");
	return true;
}

static void search_small(struct tracer *tracer)
{
	struct map_unit unit;

	trace_add(tracer, TRACE_SMALL, tracer->map->swiss.directory);
	if (!trace_read_unit(tracer, tracer->map->swiss.directory, &unit))
		return;
	if (is_long(tracer) && search_long(tracer, &unit))
		return;
	if (!by_key(tracer) && !tracer->trace->hash_known) { /* two long strings passed the quick test */
		trace_fail(tracer, taddr_of(0), "the hash is needed now, and is not known");
		return;
	}
	if (!by_key(tracer))
		add_split(tracer);
	if (!search_group(tracer, &unit, by_key(tracer) ? TRACE_BY_KEY : TRACE_BY_CONTROL))
		trace_end(tracer, unit.address, "no slot of the map's one group has the key");
}

/* --- tables ----------------------------------------------------------------------------------------------------- */

/* directoryIndex(): the hash's top bits; false where the slot cannot be read. */
static bool find_table(struct tracer *tracer, taddr *out)
{
	const struct go_map *map = tracer->map;
	unsigned word = map->program->machine.word_size, depth = map->swiss.global_depth;
	unsigned shift = depth < 8 * word ? 8 * word - depth : 0; /* map_open() has seen that dirLen is 1 << depth */
	uint64_t index = map->swiss.dir_len == 1 ? 0 : tracer->trace->hash >> shift, table = 0;
	taddr slot = taddr_add(map->swiss.directory, index * word);
	struct error *error = target_read_word(map->program->memory, slot, &table);
	struct trace_step *step = trace_add(tracer, TRACE_DIRECTORY, slot);

	step->directory.index = index;
	step->directory.shift = shift;
	step->directory.table = taddr_of(table);
	*out = taddr_of(table);
	if (error != NULL)
		trace_fail_error(tracer, slot, error, "the directory's slot cannot be read");
	return error == NULL;
}

static uint64_t field(const struct go_map *map, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&map->program->machine, bytes + at.offset, at.size);
}

static bool read_table(struct tracer *tracer, taddr address, taddr *groups, uint64_t *mask)
{
	const struct go_map *map = tracer->map;
	const struct swiss_header_layout *at = &map->layout->swiss;
	uint8_t bytes[TABLE_SIZE_LIMIT];
	struct error *error = at->table_size > sizeof(bytes) ? error_new(ERROR_TARGET, "its struct is too large")
				: target_read(map->program->memory, address, bytes, at->table_size);

	if (error != NULL) {
		trace_fail_error(tracer, address, error, "the table cannot be read");
		return false;
	}

	struct trace_step *step = trace_add(tracer, TRACE_TABLE, address);

	step->table.local_depth = (unsigned)field(map, bytes, at->table_local_depth);
	step->table.capacity = (uint32_t)field(map, bytes, at->table_capacity);
	step->table.groups = *groups = taddr_of(field(map, bytes, at->table_groups_data));
	step->table.mask = *mask = field(map, bytes, at->table_groups_mask);
	if ((*mask & (*mask + 1)) != 0 || *mask >= TABLE_CAPACITY_LIMIT / MAP_SLOTS) {
		trace_fail(tracer, address, "its length mask is unsound: a table has 1, 2, 4 ... 128 groups");
		return false;
	}
	return true;
}

/* makeProbeSeq(), probeSeq.next(): each group once, then the sequence begins again. */
static void probe(struct tracer *tracer, taddr groups, uint64_t mask)
{
	uint64_t offset = (tracer->trace->hash >> H2_BITS) & mask;

	for (uint32_t n = 0; n <= mask; n++) {
		taddr address = taddr_add(groups, offset * tracer->map->layout->unit.size);
		struct map_unit unit;

		if (!trace_read_unit(tracer, address, &unit))
			return;
		unit.index = offset;
		unit.chain = n;
		if (search_group(tracer, &unit, TRACE_BY_CONTROL))
			return;
		if (tracer->trace->steps[tracer->trace->count - 1].unit.has_empty) {
			trace_end(tracer, address, "an empty slot: an insert would have used it, no later group has the key");
			return;
		}
		offset = (offset + n + 1) & mask;
	}
	trace_fail(tracer, groups, "no group of the table has an empty slot: the lookup would not end");
}

void trace_search_swiss(struct tracer *tracer)
{
	taddr table, groups;
	uint64_t mask;

	if (tracer->map->swiss.dir_len == 0) {
		search_small(tracer);
		return;
	}
	add_split(tracer);
	if (find_table(tracer, &table) && read_table(tracer, table, &groups, &mask))
		probe(tracer, groups, mask);
}
