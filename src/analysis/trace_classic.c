/* hmap and bmap. emptyRest ends what map.go and the one-bucket part of map_faststr.go do (Go >= 1.12), no other function. */
#include "analysis/trace_private.h"
#include "util/limits.h"
#include "util/table.h"

/* Strings of so many bytes are compared with care where the map is one bucket: length and four bytes at each end first. */
enum { LONG_STRING = 32, END_BYTES = 4 };

bool trace_hash_needed_classic(const struct tracer *tracer)
{
	return tracer->map->classic.b != 0 || tracer->trace->access == TRACE_GENERIC;
}

static bool has_empty_rest(const struct tracer *tracer)
{
	return tracer->map->program->version->tophash == TOPHASH_EMPTY_REST;
}

/* tophash(): the top byte, but what is below are marks (runtime/map.go). */
uint8_t trace_tophash(const struct tracer *tracer)
{
	uint8_t least = classic_min_tophash(tracer->map->program);
	uint8_t top = (uint8_t)(tracer->trace->hash >> (8 * tracer->map->program->machine.word_size - 8));

	return top < least ? (uint8_t)(top + least) : top;
}

/* isEmpty(); emptyRest is 0, emptyOne 1, and before 1.12 only 0 is empty. */
static bool is_empty(const struct tracer *tracer, uint8_t tophash)
{
	return tophash <= (has_empty_rest(tracer) ? 1 : 0);
}

/* --- one bucket ------------------------------------------------------------------------------------------------- */

static taddr overflow_of(const struct tracer *tracer, const struct map_unit *unit)
{
	return load_address(&tracer->map->program->machine, unit->bytes + tracer->map->layout->unit.overflow_offset);
}

/* Whether a slot's key is to be compared; sets the verdict where not. */
static bool passes(struct tracer *tracer, const struct map_unit *unit, unsigned slot, enum trace_search search, uint8_t tophash)
{
	struct trace_slot *seen = trace_slot_of(tracer, slot);
	bool by_control = search == TRACE_BY_CONTROL || search == TRACE_BY_LENGTH_CONTROL;

	if (is_empty(tracer, seen->control)) {
		seen->verdict = TRACE_FREE;
		return false;
	}
	if (search != TRACE_BY_CONTROL && search != TRACE_BY_KEY && !trace_compare_length(tracer, unit, slot))
		return false;
	if (by_control && seen->control != tophash)
		seen->verdict = TRACE_CONTROL_DIFFERS;
	return !by_control || seen->control == tophash;
}

/* emptyRest, for those functions that look for it. */
static bool ends_at(struct tracer *tracer, unsigned slot, enum trace_search search)
{
	struct trace_slot *seen = trace_slot_of(tracer, slot);

	if (!has_empty_rest(tracer) || seen->control != 0 || search == TRACE_BY_KEY || search == TRACE_BY_LENGTH_CONTROL)
		return false;
	seen->verdict = TRACE_REST_FREE;
	return true;
}

/* True where the search is over: the key is found, or emptyRest says that it cannot be. */
static bool search_bucket(struct tracer *tracer, const struct map_unit *unit, enum trace_search search, uint8_t tophash)
{
	trace_add_unit(tracer, unit, search)->unit.overflow = overflow_of(tracer, unit);
	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		if (ends_at(tracer, slot, search)) {
			trace_end(tracer, unit->address, "emptyRest: all slots behind are free, those of overflow buckets too");
			return true;
		}
		if (passes(tracer, unit, slot, search, tophash) && trace_compare(tracer, unit, slot))
			return true;
	}
	return false;
}

/* --- the chain -------------------------------------------------------------------------------------------------- */

static void search_chain(struct tracer *tracer, struct map_unit *unit, enum trace_search search)
{
	bool by_control = search == TRACE_BY_CONTROL || search == TRACE_BY_LENGTH_CONTROL;
	uint8_t tophash = by_control ? trace_tophash(tracer) : 0;
	struct table visited = { 0 };

	if (by_control)
		trace_add(tracer, TRACE_TOPHASH, taddr_of(0))->tophash = tophash;
	for (;;) {
		taddr overflow = overflow_of(tracer, unit), address = unit->address;

		table_put(&visited, address.v, 0);
		if (search_bucket(tracer, unit, search, tophash))
			break;
		if (overflow.v == 0) {
			trace_end(tracer, address, "the last slot of the chain: there is no overflow bucket behind it");
			break;
		}
		if (table_get(&visited, overflow.v) != NULL || unit->chain >= limit_of(LIMIT_CHAIN)) {
			trace_fail(tracer, address, "its overflow pointer leads back into the chain: the lookup would not end");
			break;
		}

		struct map_unit next;

		if (!trace_read_unit(tracer, overflow, &next))
			break;
		next.index = unit->index;
		next.chain = unit->chain + 1;
		next.old = unit->old;
		*unit = next;
	}
	table_free(&visited);
}

/* --- a map of one bucket, strings ------------------------------------------------------------------------------- */

/* Long strings: only one that passes the quick test is compared whole. False where two pass, so that hashes have to tell. */
static bool search_long(struct tracer *tracer, const struct map_unit *unit)
{
	unsigned maybe = MAP_SLOTS;

	trace_add_unit(tracer, unit, TRACE_BY_ENDS)->unit.overflow = overflow_of(tracer, unit);
	for (unsigned slot = 0; slot < MAP_SLOTS && !ends_at(tracer, slot, TRACE_BY_ENDS); slot++) {
		if (!passes(tracer, unit, slot, TRACE_BY_ENDS, 0) || !trace_compare_ends(tracer, unit, slot, END_BYTES))
			continue;
		if (maybe != MAP_SLOTS)
			return false;
		maybe = slot;
	}
	if (maybe == MAP_SLOTS || !trace_compare(tracer, unit, maybe))
		trace_end(tracer, unit->address, "no string of the map's one bucket is equal");
	return true;
}

/* True where the search is over. */
static bool search_one_bucket(struct tracer *tracer, const struct map_unit *unit)
{
	trace_add(tracer, TRACE_SMALL, unit->address);
	if (trace_string_length(tracer) >= LONG_STRING)
		return search_long(tracer, unit);
	if (!search_bucket(tracer, unit, TRACE_BY_LENGTH, 0))
		trace_end(tracer, unit->address, "no string of the map's one bucket is equal");
	return true;
}

/* --- which bucket ----------------------------------------------------------------------------------------------- */

/* evacuated(): a mark in the first tophash byte of the old bucket. */
static bool is_evacuated(const struct tracer *tracer, const struct map_unit *unit)
{
	uint8_t first = map_control(tracer->map, unit, 0);

	return !is_empty(tracer, first) && first < classic_min_tophash(tracer->map->program);
}

/* Reads the bucket where the search begins; false where it cannot. */
static bool choose_bucket(struct tracer *tracer, struct map_unit *out)
{
	const struct classic_header *header = &tracer->map->classic;
	uint32_t size = tracer->map->layout->unit.size;
	uint64_t mask = header->bucket_count - 1, index = tracer->trace->hash & mask;
	taddr address = taddr_add(header->buckets, index * size);
	struct trace_step *step = trace_add(tracer, TRACE_BUCKET, address);

	step->bucket.mask = mask;
	step->bucket.index = index;
	step->bucket.address = address;
	if (header->old_buckets.v != 0) {
		uint64_t old_index = tracer->trace->hash & (header->old_count - 1);
		taddr old_address = taddr_add(header->old_buckets, old_index * size);

		step->bucket.growing = true;
		step->bucket.old_mask = header->old_count - 1;
		step->bucket.old_index = old_index;
		step->bucket.old_address = old_address;
		if (!trace_read_unit(tracer, old_address, out))
			return false;
		step->bucket.evacuated = is_evacuated(tracer, out);
		out->index = old_index;
		out->old = true;
		if (!step->bucket.evacuated) {
			step->address = old_address;
			return true;
		}
	}
	if (!trace_read_unit(tracer, address, out))
		return false;
	out->index = index;
	return true;
}

void trace_search_classic(struct tracer *tracer)
{
	enum trace_access access = tracer->trace->access;
	bool fast = access == TRACE_FAST32 || access == TRACE_FAST64;
	enum trace_search by = fast ? TRACE_BY_KEY : access == TRACE_FASTSTR ? TRACE_BY_LENGTH_CONTROL : TRACE_BY_CONTROL;
	struct map_unit unit;

	if (tracer->map->classic.b == 0 && access != TRACE_GENERIC) {
		if (!trace_read_unit(tracer, tracer->map->classic.buckets, &unit))
			return;
		if (fast) {
			trace_add(tracer, TRACE_SMALL, unit.address);
			search_chain(tracer, &unit, by);
			return;
		}
		if (search_one_bucket(tracer, &unit))
			return;
	}
	if (!tracer->trace->hash_known) /* two long strings passed the quick test */
		trace_fail(tracer, taddr_of(0), "the hash is needed now, and is not known");
	else if (choose_bucket(tracer, &unit))
		search_chain(tracer, &unit, by);
}
