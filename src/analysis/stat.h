/* The figures of one map: how full it is, how it grows, what it owns and what of that is waste. */
#ifndef ANALYSIS_STAT_H
#define ANALYSIS_STAT_H

#include "map/reader.h"

/* A histogram: item[i] counts what has i + 1 of something. */
struct histogram {
	uint64_t *items;
	size_t count, capacity;
};

/* Counts one more that has `length` of something, 1 or more. */
void histogram_add(struct histogram *histogram, uint64_t length);

struct map_stat {
	uint64_t live;           /* entries that were found; the header's count is map->length */
	uint64_t capacity;       /* slots of buckets (without overflow) or groups */
	double load_factor;      /* classic: entries per bucket; swiss: entries per slot */
	uint64_t bytes;          /* all memory the map owns, without what keys and elems point to */
	uint64_t wasted_bytes;   /* of these: free and deleted slots, buckets and groups without an entry, spare ones */
	uint64_t deleted;        /* slots whose entry was deleted (emptyOne; tombstones) */
	uint64_t limit;          /* entries at which the map (swiss: the table that is fullest) grows */

	/* classic */
	uint64_t overflow_buckets; /* found behind the arrays */
	uint64_t spare_buckets;    /* preallocated, not used yet */
	uint64_t evacuated;        /* old buckets whose entries have moved */
	struct histogram chain_lengths; /* buckets in a chain; new buckets only */

	/* swiss */
	uint64_t tables, groups;
	uint64_t table_growth_left; /* the least of any table */
	struct histogram probe_lengths; /* groups looked at to find an entry */
	uint64_t unhashable;        /* entries with a NaN in their key: they can be anywhere */
	uint64_t misplaced;         /* entries that a lookup would not find where they are */
	char *no_probe_lengths;     /* why there are none; NULL where there are */
};

/* What a statistic of a map of `type` needs of a reader: all units, and where hashes tell something, the keys' contents. */
void stat_reader_options(struct gotype *type, struct reader_options *options);
/* What is read beside the units: call it before the target runs on. Sets spare_buckets of `out`, which is all zeroes. */
void stat_read_spares(const struct go_map *map, struct map_stat *out);
/* Reads to the end and fills in the rest of `out`, which map_stat_free() ends, also after an error. */
struct error *stat_compute(struct reader *reader, struct findings *findings, struct map_stat *out) MUST_CHECK;
/* The same without reader and probe lengths, for a map that is read through program->memory: one of many. */
struct error *stat_measure(const struct go_map *map, struct findings *findings, struct map_stat *out) MUST_CHECK;
void map_stat_free(struct map_stat *stat);

#endif
