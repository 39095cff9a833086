/* Between the verify_sync files. */
#ifndef ANALYSIS_VERIFY_SYNC_PRIVATE_H
#define ANALYSIS_VERIFY_SYNC_PRIVATE_H

#include "analysis/verify_private.h"
#include "analysis/verify_sync.h"

struct verify_sync {
	struct verifier *verifier;
	const struct sync_contents *contents;
	struct report *report;
	size_t first; /* index of its first check in the report */
	struct key_hasher *hasher; /* NULL: keys cannot be hashed */
	char *no_hasher;           /* why */
	struct key_comparer *comparer; /* NULL: keys cannot be compared */
	uint8_t *key, *other;      /* room for a key each */
	uint64_t *hashes;          /* of each entry whose bit in `hashed` is set */
	uint8_t *hashed;           /* one of enum sync_hashed an entry */
	uint64_t nan, unhashable;
};

enum sync_hashed { SYNC_HASH_UNKNOWN, SYNC_HASH_NAN, SYNC_HASHED };

static inline struct report_check *sync_check(const struct verify_sync *verify, enum verify_check which)
{
	return &verify->report->checks[verify->first + which];
}

/* verify_sync_keys.c: hashes all keys; then placement (trie) and duplicates. */
void sync_hash_keys(struct verify_sync *verify);
void sync_check_placement(struct verify_sync *verify);
void sync_check_duplicates(struct verify_sync *verify);

/* verify_sync_parts.c: header and slots. */
void sync_check_parts(struct verify_sync *verify);

#endif
