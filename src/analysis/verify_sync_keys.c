/* The keys of a sync.Map: that a lookup comes by, and that none is there twice. */
#include "analysis/verify_sync_private.h"

#include <stdlib.h>

#include "util/alloc.h"
#include "util/table.h"

/* Entries of one hash that are compared with each other; more is garbage, which other checks name. */
enum { SAME_HASH_LIMIT = 64 };

static bool read_key(const struct verify_sync *verify, const struct sync_entry *entry, uint8_t *out)
{
	const struct sync_map *map = verify->contents->map;
	struct error *error = target_read(map->program->memory, entry->key, out, map->layout->key->size);
	bool good = error == NULL;

	error_free(error);
	return good;
}

void sync_hash_keys(struct verify_sync *verify)
{
	const struct sync_contents *contents = verify->contents;

	for (size_t i = 0; i < contents->count && verify->hasher != NULL; i++) {
		enum key_hash_result result = HASH_UNKNOWN;

		if (read_key(verify, &contents->entries[i], verify->key))
			result = key_hash(verify->hasher, verify->key, contents->entries[i].key, contents->map->seed, &verify->hashes[i]);
		verify->hashed[i] = result == HASH_OK ? SYNC_HASHED : result == HASH_NAN ? SYNC_HASH_NAN : SYNC_HASH_UNKNOWN;
		verify->nan += result == HASH_NAN;
		verify->unhashable += result == HASH_UNKNOWN;
	}
}

/* --- placement ---------------------------------------------------------------------------------------------------- */

/* The top nibbles of the hash lead to the child slot, one a level: hash >> (bits - 4 * (level + 1)) (Load, hashtriemap.go). */
static bool leads_there(const struct verify_sync *verify, size_t i)
{
	const struct sync_contents *contents = verify->contents;
	unsigned used = SYNC_CHILD_BITS * (contents->nodes[contents->entries[i].node].level + 1u);
	unsigned shift = 8u * contents->map->program->machine.word_size - used;

	return verify->hashes[i] >> shift == contents->entries[i].path >> shift;
}

static void check_place(struct verify_sync *verify, size_t i)
{
	const struct sync_entry *entry = &verify->contents->entries[i];
	struct report_check *check = sync_check(verify, VERIFY_PLACEMENT);
	char *expected, *found;

	if (!leads_there(verify, i)) {
		expected = xasprintf("where its hash 0x%llx leads", (unsigned long long)verify->hashes[i]);
		found = xasprintf("the child slot of path 0x%llx", (unsigned long long)entry->path);
		report_wrong(check, entry->key, expected, found, "entry, key");
		free(expected);
		free(found);
	} else if (entry->chain != 0 && verify->hashed[i - 1] == SYNC_HASHED && verify->hashes[i] != verify->hashes[i - 1]) {
		expected = xasprintf("the hash 0x%llx of the entry before", (unsigned long long)verify->hashes[i - 1]);
		found = xasprintf("0x%llx", (unsigned long long)verify->hashes[i]);
		report_wrong(check, entry->key, expected, found, "overflow entry %u, key", entry->chain);
		free(expected);
		free(found);
	}
}

void sync_check_placement(struct verify_sync *verify)
{
	const struct sync_contents *contents = verify->contents;
	struct report_check *check = sync_check(verify, VERIFY_PLACEMENT);

	if (contents->map->layout->form != SYNC_TRIE) {
		report_detail(check, "nothing here: the read and the dirty map are checked as maps");
		return;
	}
	if (verify->hasher == NULL) {
		report_detail(check, "nothing: %s", verify->no_hasher);
		return;
	}
	for (size_t i = 0; i < contents->count; i++)
		if (verify->hashed[i] == SYNC_HASHED)
			check_place(verify, i);
	report_detail(check, "keys whose hash leads to them: %llu of %zu; NaN: %llu, not hashable or not readable: %llu",
		      (unsigned long long)(contents->count - verify->nan - verify->unhashable - check->wrong_total), contents->count,
		      (unsigned long long)verify->nan, (unsigned long long)verify->unhashable);
	if (verify->unhashable != 0)
		report_wrong(check, contents->map->address, "keys that can be read and hashed", key_hash_reason(verify->hasher),
			     "%llu keys", (unsigned long long)verify->unhashable);
}

/* --- duplicates --------------------------------------------------------------------------------------------------- */

struct duplicates {
	struct table by_hash; /* the last entry of that hash, + 1 */
	uint32_t *before;     /* of each entry, the one of the same hash before it, + 1; 0: none */
	uint64_t compared;
};

/* Read and dirty: the two parts share keys, with one entry for both. */
static bool may_share(const struct verify_sync *verify, size_t a, size_t b)
{
	const struct sync_contents *contents = verify->contents;

	return contents->map->layout->form == SYNC_READ_DIRTY && (a < contents->read_count) != (b < contents->read_count) &&
	       contents->entries[a].address.v == contents->entries[b].address.v;
}

static void compare(struct verify_sync *verify, struct duplicates *duplicates, size_t i, size_t other)
{
	const struct sync_entry *a = &verify->contents->entries[i], *b = &verify->contents->entries[other];
	bool parts = verify->contents->map->layout->form == SYNC_READ_DIRTY;

	if (may_share(verify, i, other) || !read_key(verify, a, verify->key) || !read_key(verify, b, verify->other))
		return;
	/* within one part they are that map's own to judge */
	if (parts && (i < verify->contents->read_count) == (other < verify->contents->read_count))
		return;
	duplicates->compared++;
	if (key_equal(verify->comparer, (struct key_place){ verify->key, a->key }, (struct key_place){ verify->other, b->key }) !=
	    KEYS_EQUAL)
		return;

	char *expected = parts ? xasprintf("the read map's entry 0x%llx", (unsigned long long)b->address.v)
			       : xstrdup("a key once");
	char *found = parts ? xasprintf("the entry 0x%llx", (unsigned long long)a->address.v)
			    : xasprintf("it is at 0x%llx too", (unsigned long long)b->key.v);

	report_wrong(sync_check(verify, VERIFY_DUPLICATES), a->key, expected, found, parts ? "dirty map, key" : "entry, key");
	free(expected);
	free(found);
}

static void find_same(struct verify_sync *verify, struct duplicates *duplicates, size_t i)
{
	uint64_t *last = table_get(&duplicates->by_hash, verify->hashes[i]);
	uint64_t other = last ? *last : 0;

	for (unsigned steps = 0; other != 0 && steps < SAME_HASH_LIMIT; steps++) {
		compare(verify, duplicates, i, other - 1);
		other = duplicates->before[other - 1];
	}
	if (last == NULL) {
		table_put(&duplicates->by_hash, verify->hashes[i], i + 1);
		return;
	}
	duplicates->before[i] = (uint32_t)*last;
	*last = i + 1;
}

void sync_check_duplicates(struct verify_sync *verify)
{
	struct report_check *check = sync_check(verify, VERIFY_DUPLICATES);
	struct duplicates duplicates = { 0 };

	if (verify->hasher == NULL || verify->comparer == NULL) {
		report_detail(check, "nothing: %s", verify->no_hasher ? verify->no_hasher : "its keys cannot be compared");
		return;
	}
	duplicates.before = xcalloc(verify->contents->count + 1, sizeof(*duplicates.before));
	for (size_t i = 0; i < verify->contents->count; i++)
		if (verify->hashed[i] == SYNC_HASHED)
			find_same(verify, &duplicates, i);
	report_detail(check, "pairs of keys with the same hash compared: %llu", (unsigned long long)duplicates.compared);
	free(duplicates.before);
	table_free(&duplicates.by_hash);
}
