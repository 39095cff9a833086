/*
 * What the runtime keeps true of headers. Classic: runtime/hashmap.go (<= 1.10), runtime/map.go, runtime/map_noswiss.go;
 * Swiss: internal/runtime/maps/map.go.
 */
#include "analysis/verify_private.h"

#include "util/alloc.h"

#define NUMBER(value) xasprintf("%llu", (unsigned long long)(value))

static void expect(struct verify *verify, const char *field, struct field_at at, uint64_t expected, uint64_t found)
{
	if (expected != found)
		verify_wrong_header(verify, field, at, NUMBER(expected), NUMBER(found));
}

/* --- classic ---------------------------------------------------------------------------------------------------- */

static void check_flags(struct verify *verify)
{
	const struct classic_header *header = &verify->map->classic;
	struct field_at at = verify->map->layout->classic.flags;
	const unsigned known = CLASSIC_ITERATOR | CLASSIC_OLD_ITERATOR | CLASSIC_HASH_WRITING | CLASSIC_SAME_SIZE_GROW;

	if ((header->flags & ~known) != 0)
		verify_wrong_header(verify, "flags", at, xasprintf("no bits but 0x%x", known), xasprintf("0x%x", header->flags));
	/* advanceEvacuationMark() and mapclear() clear the bit together with oldbuckets */
	if ((header->flags & CLASSIC_SAME_SIZE_GROW) && header->old_buckets.v == 0)
		verify_wrong_header(verify, "flags", at, xstrdup("no sameSizeGrow in a map that does not grow"),
				    xasprintf("0x%x", header->flags));
}

/*
 * overLoadFactor(): an insert that would pass the limit doubles the map first, but not while it grows. A same-size growth moves
 * a bucket or two with each insert, so that as many entries as it has buckets can come on top until the next insert.
 */
static void check_load(struct verify *verify)
{
	const struct go_map *map = verify->map;
	const struct go_version *version = map->program->version;
	uint64_t buckets = UINT64_C(1) << map->classic.b, limit = MAP_SLOTS;

	if (buckets > 1)
		limit = buckets / version->load_denominator * version->load_numerator + buckets;
	if (limit < MAP_SLOTS)
		limit = MAP_SLOTS;
	if (map->length > limit)
		verify_wrong_header(verify, "B", map->layout->classic.b,
				    xasprintf("enough buckets for %llu entries", (unsigned long long)map->length),
				    xasprintf("%u: at most %llu entries", map->classic.b, (unsigned long long)limit));
}

/* From B 16 on incrnoverflow() counts one of 2^(B-15), by chance. */
static bool is_plausible_estimate(uint64_t found, uint64_t estimate, unsigned shift)
{
	double expected = (double)found / (double)(UINT64_C(1) << shift);
	double difference = (double)estimate - expected;

	/* eight standard deviations, and as much room for the smallest counts */
	return difference * difference <= 64 * (expected + 1);
}

static void check_noverflow(struct verify *verify)
{
	const struct classic_header *header = &verify->map->classic;
	struct field_at at = verify->map->layout->classic.noverflow;

	if (at.size == 0)
		return;
	if (header->b < 16)
		expect(verify, "noverflow", at, verify->overflow, header->noverflow);
	else if (!is_plausible_estimate(verify->overflow, header->noverflow, header->b - 15u))
		verify_wrong_header(verify, "noverflow", at,
				    xasprintf("about %llu", (unsigned long long)(verify->overflow >> (header->b - 15u))),
				    NUMBER(header->noverflow));
}

/* Growth ends, and takes oldbuckets away, when nevacuate reaches the number of old buckets; nevacuate stays then. */
static void check_nevacuate(struct verify *verify)
{
	const struct classic_header *header = &verify->map->classic;
	struct field_at at = verify->map->layout->classic.nevacuate;
	uint64_t buckets = UINT64_C(1) << header->b;

	if (header->old_count != 0) {
		if (header->nevacuate >= header->old_count)
			verify_wrong_header(verify, "nevacuate", at,
					    xasprintf("less than %llu old buckets", (unsigned long long)header->old_count),
					    NUMBER(header->nevacuate));
		return;
	}
	if (header->nevacuate != 0 && header->nevacuate != buckets && header->nevacuate != buckets / 2)
		verify_wrong_header(verify, "nevacuate", at,
				    xasprintf("0 or %llu or %llu: what the last growth left", (unsigned long long)buckets / 2,
			      (unsigned long long)buckets),
				    NUMBER(header->nevacuate));
}

static void check_classic(struct verify *verify)
{
	const struct go_map *map = verify->map;
	const struct classic_header *header = &map->classic;

	/* makemap() leaves the first bucket of a small map to the first insert, and only that */
	if (header->buckets.v == 0 && header->b != 0)
		verify_wrong_header(verify, "B", map->layout->classic.b, xstrdup("0: there are no buckets"), NUMBER(header->b));
	if (header->buckets.v == 0 && header->old_buckets.v != 0)
		verify_wrong_header(verify, "oldbuckets", map->layout->classic.oldbuckets, xstrdup("nil: there are no buckets"),
				    xasprintf("0x%llx", (unsigned long long)header->old_buckets.v));
	check_flags(verify);
	check_load(verify);
	check_noverflow(verify);
	check_nevacuate(verify);
	report_detail(verify_check_of(verify, VERIFY_HEADER),
		      "count %llu with live entries, B %u with the load limit, flags 0x%x, noverflow %u with %llu overflow "
		      "buckets, nevacuate %llu with %llu of %llu old buckets evacuated",
		      (unsigned long long)map->length, header->b, header->flags, header->noverflow,
		      (unsigned long long)verify->overflow, (unsigned long long)header->nevacuate,
		      (unsigned long long)verify->evacuated, (unsigned long long)header->old_count);
}

/* --- Swiss ------------------------------------------------------------------------------------------------------ */

static void check_swiss(struct verify *verify)
{
	const struct go_map *map = verify->map;
	const struct swiss_header *header = &map->swiss;
	const struct swiss_header_layout *at = &map->layout->swiss;
	unsigned bits = 8u * map->program->machine.word_size;

	/* depthToShift(); a small map has neither depth nor shift */
	expect(verify, "globalDepth", at->global_depth, header->dir_len ? (unsigned)__builtin_ctzll(header->dir_len) : 0,
	       header->global_depth);
	expect(verify, "globalShift", at->global_shift, header->dir_len ? bits - header->global_depth : 0, header->global_shift);
	if (header->dir_len != 0)
		expect(verify, "used", at->used, verify->table_used, map->length);
	if (header->writing > 1)
		verify_wrong_header(verify, "writing", at->writing, xstrdup("0 or 1"), NUMBER(header->writing));
	if (at->tombstone_possible.size != 0 && !header->tombstone_possible && verify->deleted != 0)
		verify_wrong_header(verify, "tombstonePossible", at->tombstone_possible,
				    xasprintf("true: there are %llu tombstones", (unsigned long long)verify->deleted),
				    xstrdup("false"));
	report_detail(verify_check_of(verify, VERIFY_HEADER),
		      "used %llu with live entries and the tables' sum, dirLen %llu with globalDepth %u and globalShift %u, "
		      "%llu tombstones",
		      (unsigned long long)map->length, (unsigned long long)header->dir_len, header->global_depth,
		      header->global_shift, (unsigned long long)verify->deleted);
}

void verify_header_report(struct verify *verify)
{
	const struct go_map *map = verify->map;
	bool classic = map->layout->implementation == MAP_CLASSIC;
	struct field_at at = classic ? map->layout->classic.count : map->layout->swiss.used;

	if (verify->partial) {
		report_detail(verify_check_of(verify, VERIFY_HEADER), "nothing: not all of the map was read");
		return;
	}
	if (classic)
		check_classic(verify);
	else
		check_swiss(verify);
	if (verify->live != map->length)
		verify_wrong_header(verify, classic ? "count" : "used", at,
				    xasprintf("%llu live entries", (unsigned long long)verify->live), NUMBER(map->length));
}
