/*
 * Checks of a sync.Map, as verify.h has them of a map: that its parts are what sync/map.go (<= 1.23) or internal/sync/hashtriemap.go
 * make, and that lookups find what is there. Its inner maps are verified like any other.
 */
#ifndef ANALYSIS_VERIFY_SYNC_H
#define ANALYSIS_VERIFY_SYNC_H

#include "analysis/verify.h"
#include "map/sync_map.h"

/* What is looked at while the target stands: where pointers lead, and all of the inner maps. All zeroes at first. */
struct verify_sync_look {
	struct verifier *verifier;
	const char *subject;
	bool pointers;        /* of a target that runs they would not fit together */
	struct report inner;  /* the checks of the inner maps */
	struct error *error;  /* interrupted, out of memory */
	struct sync_block *blocks;
	size_t block_count, block_capacity;
	bool cut;             /* there are more */
	taddr *addresses;
	uint8_t *good;        /* of each block, see verify_sync.c */
};

void verify_sync_look(struct verify_sync_look *look, const struct sync_contents *contents);
void verify_sync_look_free(struct verify_sync_look *look);

/*
 * Appends all checks, those of the inner maps last. `findings` become the structure check's and are emptied. `changed`: why the map
 * need not fit together; NULL where it should. `captured`: all that its keys take is in memory here; else they are read now, and where
 * that is given up meanwhile nothing is judged.
 */
void verify_sync(struct verify_sync_look *look, const struct sync_contents *contents, struct findings *findings, const char *changed,
		 bool captured, struct report *report);

#endif
