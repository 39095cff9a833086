#include "analysis/verify_private.h"

#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"
#include "util/interrupt.h"

static const char *const names[VERIFY_CHECKS] = {
	[VERIFY_STRUCTURE] = "structure",   [VERIFY_HEADER] = "header",         [VERIFY_SLOTS] = "slots",
	[VERIFY_POINTERS] = "pointers",     [VERIFY_PLACEMENT] = "placement",   [VERIFY_DUPLICATES] = "duplicates",
	[VERIFY_REPLAY] = "replay",
};

/* --- what maps have in common ----------------------------------------------------------------------------------- */

/* Keeps the message of an error as the reason why something cannot be checked. */
static char *reason_of(struct error *error)
{
	char *reason = error ? xstrdup(error->message) : NULL;

	error_free(error);
	return reason;
}

struct error *verifier_create(struct program *program, uint64_t replay_most, struct verifier **out)
{
	struct verifier *verifier = xcalloc(1, sizeof(*verifier));

	verifier->program = program;
	verifier->replay_most = replay_most;
	verifier->no_hashes = reason_of(hash_state_read(program, &verifier->state));
	verifier->no_heap = reason_of(heap_open(program, &verifier->heap));
	*out = verifier;
	return NULL;
}

void verifier_destroy(struct verifier *verifier)
{
	if (verifier == NULL)
		return;
	verify_pointers_free(verifier->pointers);
	heap_close(verifier->heap);
	free(verifier->no_hashes);
	free(verifier->no_heap);
	free(verifier);
}

void verify_reader_options(struct gotype *type, struct reader_options *options)
{
	options->what = MAP_WALK_ALL;
	options->keys = true;
	/* elems are compared as they lie there, whatever they lead to */
	options->elems = type->map_layout != NULL && type->map_layout->elem_indirect;
	options->limits.depth = 0;
}

/* --- saying what is wrong --------------------------------------------------------------------------------------- */

static void name_unit(const struct verify *verify, const struct verify_site *site, struct buffer *out)
{
	const struct map_unit *unit = site->unit;

	if (verify->map->layout->implementation == MAP_SWISS) {
		buffer_append_format(out, "group %llu", (unsigned long long)unit->index);
		return;
	}
	buffer_append_format(out, "%sbucket %llu", unit->old ? "old " : "", (unsigned long long)unit->index);
	if (unit->chain != 0)
		buffer_append_format(out, ", overflow %u", unit->chain);
}

void verify_name_site(const struct verify *verify, const struct verify_site *site, struct buffer *out)
{
	const char *comma = "";

	if (site->table != NULL) {
		buffer_append_format(out, "table %llu", (unsigned long long)site->table->directory_index);
		comma = ", ";
	}
	if (site->unit != NULL) {
		buffer_append_text(out, comma);
		name_unit(verify, site, out);
		comma = ", ";
	}
	if (site->slot >= 0)
		buffer_append_format(out, ", slot %d", site->slot);
	if (site->field != NULL)
		buffer_append_format(out, "%s%s", comma, site->field);
}

bool verify_only_counted(struct verify *verify, enum verify_check which)
{
	struct report_check *check = verify_check_of(verify, which);

	if (check->wrong_total < REPORT_WRONG_KEPT)
		return false;
	check->wrong_total++;
	return true;
}

void verify_wrong(struct verify *verify, enum verify_check which, const struct verify_site *site, char *expected, char *found)
{
	struct buffer place = { 0 };

	verify_name_site(verify, site, &place);
	report_wrong(verify_check_of(verify, which), site->address, expected, found, "%s", buffer_text(&place));
	buffer_free(&place);
	free(expected);
	free(found);
}

void verify_wrong_header(struct verify *verify, const char *field, struct field_at at, char *expected, char *found)
{
	report_wrong(verify_check_of(verify, VERIFY_HEADER), taddr_add(verify->map->address, at.offset), expected, found,
		     "header, %s", field);
	free(expected);
	free(found);
}

/* A finding's text is "PLACE: WHAT". */
static void report_finding(struct report_check *check, const struct finding *finding)
{
	const char *colon = strstr(finding->what, ": ");
	char *place = colon ? xstrndup(finding->what, (size_t)(colon - finding->what)) : xstrdup("map");

	report_wrong(check, finding->address, "a map that can be walked", colon ? colon + 2 : finding->what, "%s", place);
	free(place);
}

static void report_structure(struct verify *verify, struct findings *findings)
{
	struct report_check *check = verify_check_of(verify, VERIFY_STRUCTURE);

	for (size_t i = 0; i < findings->count; i++)
		report_finding(check, &findings->items[i]);
	check->wrong_total = findings->total;
	if (verify->map->layout->implementation == MAP_CLASSIC)
		report_detail(check, "buckets walked: %llu, old ones: %llu, overflow buckets: %llu",
			      (unsigned long long)verify->units, (unsigned long long)verify->old_units,
			      (unsigned long long)verify->overflow);
	else
		report_detail(check, "tables walked: %llu, groups: %llu", (unsigned long long)verify->tables,
			      (unsigned long long)verify->units);
	findings_free(findings);
}

static void report_slots(struct verify *verify)
{
	const struct go_map *map = verify->map;
	bool classic = map->layout->implementation == MAP_CLASSIC;
	uint64_t slots = MAP_SLOTS * (verify->units + verify->old_units + verify->overflow);

	report_detail(verify_check_of(verify, VERIFY_SLOTS), "%s of %llu slots: their values and their order%s",
		      classic ? "tophash bytes" : "control bytes", (unsigned long long)slots,
		      classic && map->classic.old_count != 0 ? ", and the evacuation marks" : "");
}

/* --- a map ------------------------------------------------------------------------------------------------------ */

static void begin_checks(struct verify *verify, struct report *report, const char *subject)
{
	verify->report = report;
	verify->first = report->count;
	for (size_t i = 0; i < VERIFY_CHECKS; i++)
		report_check_begin(report, names[i], subject);
}

/* Units of one chain come one behind the other in a batch, and so do those of one table. */
static size_t run_length(const struct go_map *map, const struct map_batch *batch, size_t from)
{
	size_t to = from + 1;

	if (map->layout->implementation == MAP_CLASSIC)
		while (to < batch->count && batch->units[to].chain != 0)
			to++;
	else
		while (to < batch->count && batch->units[to].table == batch->units[from].table)
			to++;
	return to - from;
}

/* For chains, of which most are one bucket; among a table's groups it is done where they are gone through. */
static void prefetch_chains(const struct go_map *map, const struct map_batch *batch, size_t from, size_t count)
{
	for (size_t i = from + VERIFY_AHEAD; i < from + VERIFY_AHEAD + count && i < batch->count; i++)
		verify_prefetch(map, &batch->units[i]);
}

static void verify_batch(struct verify *verify, const struct map_batch *batch)
{
	const struct go_map *map = verify->map;

	for (size_t i = 0, count; i < batch->count; i += count) {
		const struct map_unit *units = &batch->units[i];

		count = run_length(map, batch, i);
		if (map->layout->implementation == MAP_CLASSIC) {
			prefetch_chains(map, batch, i, count);
			verify_classic_chain(verify, units, count);
		} else {
			const struct map_table *table = batch->table_count ? &batch->tables[units->table] : NULL;

			verify_swiss_table(verify, table, units, count);
		}
		verify_replay_add(verify, units, count);
	}
}

static struct error *read_all(struct verify *verify, struct reader *reader)
{
	struct map_batch batch;

	do {
		TRY(reader_next(reader, &batch));
		verify_batch(verify, &batch);
	} while (batch.count != 0);
	return NULL;
}

/* Writes set one bit and no other: internal/runtime/maps/map.go, "m.writing ^= 1"; hashWriting of runtime/map.go. */
static bool is_in_write(const struct go_map *map)
{
	const unsigned known = CLASSIC_ITERATOR | CLASSIC_OLD_ITERATOR | CLASSIC_HASH_WRITING | CLASSIC_SAME_SIZE_GROW;

	if (map->layout->implementation == MAP_SWISS)
		return map->swiss.writing == 1;
	return (map->classic.flags & CLASSIC_HASH_WRITING) != 0 && (map->classic.flags & ~known) == 0;
}

/* A map that is being written, or was read in pieces of different times, need not fit together; once reading is given up nothing can be read. */
static void excuse(struct verify *verify, const struct reader *reader)
{
	const char *why = reader_changed(reader)          ? "the map changed while it was read"
			  : verify->partial && interrupt_ends() ? "reading it was given up"
			  : is_in_write(verify->map) ? "the map is caught in a write (its writing flag is set)"
							   : NULL;

	for (size_t i = 0; why != NULL && i < VERIFY_CHECKS; i++)
		report_excuse(verify_check_of(verify, (enum verify_check)i), why);
}

static void verify_nil(struct report *report, const char *subject)
{
	report_detail(report_check_begin(report, names[VERIFY_STRUCTURE], subject), "a nil map: there is nothing to compare");
}

struct error *verify_map(struct verifier *verifier, struct reader *reader, struct findings *findings, const char *subject,
			 struct report *report)
{
	struct verify verify = { .verifier = verifier, .map = reader_map(reader) };

	if (verify.map->address.v == 0) {
		verify_nil(report, subject);
		return NULL;
	}
	begin_checks(&verify, report, subject);
	verify_placement_open(&verify);
	verify_duplicates_open(&verify);
	verify_replay_open(&verify);

	struct error *error = read_all(&verify, reader);

	if (error == NULL)
		error = verify_pointers_error(verifier);
	verify.partial = error != NULL;
	report_structure(&verify, findings);
	verify_header_report(&verify);
	report_slots(&verify);
	verify_leftovers_report(&verify);
	verify_pointers_report(&verify);
	verify_placement_report(&verify);
	verify_duplicates_report(&verify);
	verify_replay_close(&verify);
	excuse(&verify, reader);
	key_hasher_destroy(verify.hasher);
	key_hasher_destroy(verify.other);
	key_comparer_destroy(verify.comparer);
	map_scratch_free(&verify.scratch);
	verify_pointers_free(verifier->pointers);
	verifier->pointers = NULL;
	return error;
}

void verify_unopened(struct error *error, const char *subject, struct report *report)
{
	struct report_check *check = report_check_begin(report, names[VERIFY_STRUCTURE], subject);

	report_detail(check, "the map's header makes no sense: nothing else could be checked");
	report_wrong(check, taddr_of(0), "a map that can be walked", error->message, "header");
	error_free(error);
}
