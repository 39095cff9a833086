/*
 * What the runtime keeps true of tophash bytes: runtime/hashmap.go (<= 1.10), runtime/map.go (>= 1.11). Since 1.12 an empty
 * cell says whether all behind it, in its bucket and chain, are empty too: emptyRest, else emptyOne. mapdelete() turns
 * emptyOne cells into emptyRest as soon as that is true, so neither stands where the other belongs.
 */
#include "analysis/verify_private.h"

#include "util/alloc.h"

/* Tophash bytes since 1.12. */
enum { EMPTY_REST = 0, EMPTY_ONE = 1 };
/* evacuatedX is 2 and evacuatedY is 3 in all versions, evacuatedEmpty was 1 until 1.11 and is 4 since. */
enum { EVACUATED_X = 2, EVACUATED_Y = 3 };

static bool has_empty_rest(const struct verify *verify)
{
	return verify->map->program->version->tophash == TOPHASH_EMPTY_REST;
}

static unsigned evacuated_empty(const struct verify *verify)
{
	return has_empty_rest(verify) ? 4 : 1;
}

static void wrong_tophash(struct verify *verify, const struct map_unit *unit, unsigned slot, const char *expected)
{
	uint8_t tophash = map_control(verify->map, unit, slot);
	const char *name;
	struct verify_site site = verify_control_site(verify, NULL, unit, slot);

	if (verify_only_counted(verify, VERIFY_SLOTS))
		return;
	map_slot_state(verify->map, tophash, &name);
	verify_wrong(verify, VERIFY_SLOTS, &site, xstrdup(expected), xasprintf("0x%02x (%s)", tophash, name));
}

/* --- buckets whose entries have moved, or have not come yet ------------------------------------------------------ */

static bool is_evacuation_mark(const struct verify *verify, uint8_t tophash)
{
	return tophash == EVACUATED_X || tophash == EVACUATED_Y || tophash == evacuated_empty(verify);
}

static void check_evacuated(struct verify *verify, const struct map_unit *unit)
{
	bool same_size = verify->map->classic.flags & CLASSIC_SAME_SIZE_GROW;

	for (unsigned slot = 0; slot < MAP_SLOTS; slot++) {
		uint8_t tophash = map_control(verify->map, unit, slot);

		if (!is_evacuation_mark(verify, tophash))
			wrong_tophash(verify, unit, slot, "an evacuation mark: the bucket is evacuated");
		else if (tophash == EVACUATED_Y && same_size)
			wrong_tophash(verify, unit, slot, "no evacuatedY: the growth is to the same size");
	}
}

/* The first mark alone tells the runtime that a bucket is evacuated: where most of the others tell otherwise, it is wrong. */
static void check_evacuated_chain(struct verify *verify, const struct map_unit *units, size_t count)
{
	unsigned marked = 0;

	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		marked += is_evacuation_mark(verify, map_control(verify->map, units, slot));
	if (marked < MAP_SLOTS / 2) {
		wrong_tophash(verify, units, 0, "no evacuation mark: most slots of the bucket have none");
		return;
	}
	for (size_t i = 0; i < count; i++)
		check_evacuated(verify, &units[i]);
}

/* Inserts evacuate first, so nothing is in a new bucket before. */
static void check_waiting(struct verify *verify, const struct map_unit *unit)
{
	struct verify_site site = { .unit = unit, .slot = -1, .address = unit->address };

	for (unsigned slot = 0; slot < MAP_SLOTS; slot++)
		if (map_control(verify->map, unit, slot) != 0)
			wrong_tophash(verify, unit, slot, "0x00: the old bucket is not evacuated, nothing can be here");
	if (unit->chain != 0 && !verify_only_counted(verify, VERIFY_SLOTS))
		verify_wrong(verify, VERIFY_SLOTS, &site, xstrdup("no overflow bucket: the old bucket is not evacuated"),
			     xstrdup("one"));
}

static void check_mark(struct verify *verify, const struct map_unit *unit)
{
	struct verify_site site = { .unit = unit, .slot = 0, .field = "tophash", .address = unit->address };
	uint64_t nevacuate = verify->map->classic.nevacuate;

	if (unit->evacuated || unit->index >= nevacuate || verify_only_counted(verify, VERIFY_HEADER))
		return;
	verify_wrong(verify, VERIFY_HEADER, &site,
		     xasprintf("an evacuation mark: nevacuate is %llu", (unsigned long long)nevacuate),
		     xasprintf("0x%02x", map_control(verify->map, unit, 0)));
}

/* --- buckets that hold entries ------------------------------------------------------------------------------------ */

/* `rest`: all behind this slot is emptyRest. Returns the same for the slot before. */
static bool check_slot(struct verify *verify, const struct map_unit *unit, unsigned slot, bool rest)
{
	uint8_t tophash = map_control(verify->map, unit, slot);

	if (tophash >= classic_min_tophash(verify->map->program))
		return false;
	if (!has_empty_rest(verify)) {
		if (tophash != 0)
			wrong_tophash(verify, unit, slot, "empty or live: the bucket is not evacuated");
		return false;
	}
	if (tophash > EMPTY_ONE)
		wrong_tophash(verify, unit, slot, "empty or live: the bucket is not evacuated");
	else if (tophash == EMPTY_REST && !rest)
		wrong_tophash(verify, unit, slot, "emptyOne: not all behind it is empty");
	else if (tophash == EMPTY_ONE && rest)
		wrong_tophash(verify, unit, slot, "emptyRest: all behind it is empty");
	verify->deleted += tophash == EMPTY_ONE;
	return rest && tophash <= EMPTY_ONE;
}

static void check_chain(struct verify *verify, const struct map_unit *units, size_t count)
{
	bool rest = true;

	for (size_t i = count; i-- > 0;)
		for (unsigned slot = MAP_SLOTS; slot-- > 0;)
			rest = check_slot(verify, &units[i], slot, rest);
}

/* Live cells, then zeroes: so most buckets are. */
static inline bool is_tidy(const struct verify *verify, const struct map_unit *unit, uint8_t least)
{
	uint64_t tophash = verify_controls(verify->map, unit);
	uint64_t tops = (((tophash & ~VERIFY_TOPS) + VERIFY_EACH * (0x80u - least)) | tophash) & VERIFY_TOPS;

	return (tophash & ~((tops >> 7) * 0xff)) == 0 && (unit->live & (unit->live + 1)) == 0;
}

static bool is_tidy_chain(const struct verify *verify, const struct map_unit *units, size_t count)
{
	uint8_t least = classic_min_tophash(verify->map->program);

	for (size_t i = 0; i < count; i++)
		if (!is_tidy(verify, &units[i], least) || (i + 1 < count && units[i].live != 0xff))
			return false;
	return true;
}

static void count_units(struct verify *verify, const struct map_unit *units, size_t count)
{
	if (units->old) {
		verify->old_units++;
		verify->evacuated += units->evacuated;
	} else {
		verify->units++;
		verify->overflow += count - 1;
	}
	for (size_t i = 0; i < count; i++)
		verify->live += map_live_count(&units[i]);
}

void verify_classic_chain(struct verify *verify, const struct map_unit *units, size_t count)
{
	count_units(verify, units, count);
	if (units->old)
		check_mark(verify, units);
	if (units->evacuated) {
		check_evacuated_chain(verify, units, count);
		return;
	}
	if (units->waiting) {
		for (size_t i = 0; i < count; i++)
			check_waiting(verify, &units[i]);
		return;
	}
	if (!is_tidy_chain(verify, units, count))
		check_chain(verify, units, count);
	verify_classic_keys(verify, units, count);
}
