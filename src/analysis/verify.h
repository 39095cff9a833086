/*
 * Checks of one map: that its memory is what the runtime of its Go version would have made, and that every lookup finds what
 * is there. Each check of a map (see verify_checks) is one report_check.
 */
#ifndef ANALYSIS_VERIFY_H
#define ANALYSIS_VERIFY_H

#include "analysis/report.h"
#include "map/reader.h"

/* The order is that of the report. */
enum verify_check {
	VERIFY_STRUCTURE,  /* what walking the map meets: unreadable memory, circles, absurd lengths */
	VERIFY_HEADER,     /* the header's (and tables') figures against what is there and what the runtime keeps true */
	VERIFY_SLOTS,      /* tophash bytes, control bytes: known ones, in an order that the runtime makes */
	VERIFY_POINTERS,   /* they lead to objects of the heap, to their starts */
	VERIFY_PLACEMENT,  /* each key is where a lookup of it comes by */
	VERIFY_DUPLICATES, /* no key twice */
	VERIFY_REPLAY,     /* a reference map with the same entries answers lookups alike */
	VERIFY_CHECKS
};

enum { VERIFY_REPLAY_DEFAULT = 65536 };

/* What the maps of a program have in common: the state of its hash functions, its heap. */
struct verifier;

/* `replay_most`: entries of a map that are replayed; larger maps are sampled. 0: none. */
struct error *verifier_create(struct program *program, uint64_t replay_most, struct verifier **out) MUST_CHECK;
/* NULL is allowed. */
void verifier_destroy(struct verifier *verifier);

/* What verifying a map of `type` needs of a reader. */
void verify_reader_options(struct gotype *type, struct reader_options *options);
/* Looks at where the map's pointers lead, for verify_map(). Call it while the target still stands. */
void verify_look_at_pointers(struct verifier *verifier, const struct go_map *map);
/*
 * Reads to the end and appends all checks of the map. What the reader wrote into `findings` becomes the structure check's, and
 * they are emptied.
 */
struct error *verify_map(struct verifier *verifier, struct reader *reader, struct findings *findings, const char *subject,
			 struct report *report) MUST_CHECK;
/* The one check of a map that could not be opened. Consumes `error`. */
void verify_unopened(struct error *error, const char *subject, struct report *report);

#endif
