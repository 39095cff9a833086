#include "analysis/verify_sync_private.h"

#include <stdlib.h>

#include "util/alloc.h"
#include "util/interrupt.h"

/* So many blocks are looked up in the heap: the process does not stand long for it. */
enum { BLOCKS_LIMIT = 8192 };

enum block_verdict { BLOCK_UNKNOWN, BLOCK_GOOD, BLOCK_NOWHERE, BLOCK_FREE, BLOCK_INSIDE, BLOCK_SMALL };

/* --- while the target stands --------------------------------------------------------------------------------------- */

static bool keep_block(void *context, const struct sync_block *block)
{
	struct verify_sync_look *look = context;

	if (look->block_count == BLOCKS_LIMIT) {
		look->cut = true;
		return false;
	}
	ARRAY_RESERVE(look->blocks, look->block_count, look->block_capacity);
	look->blocks[look->block_count++] = *block;
	return true;
}

/* All blocks are made with new: each is an object of its own. */
static enum block_verdict judge_block(enum heap_place place, const struct heap_object *object, const struct sync_block *block)
{
	if (place == HEAP_UNKNOWN)
		return BLOCK_UNKNOWN;
	if (place != HEAP_OBJECT)
		return BLOCK_NOWHERE;
	if (!object->allocated)
		return BLOCK_FREE;
	if (object->data.v != block->address.v)
		return BLOCK_INSIDE;
	return block->size <= object->data_size ? BLOCK_GOOD : BLOCK_SMALL;
}

static void look_at_blocks(struct verify_sync_look *look, const struct sync_contents *contents)
{
	struct heap *heap = look->verifier->heap;

	if (heap == NULL || !look->pointers)
		return;
	sync_each_block(contents, keep_block, look);

	size_t count = look->block_count;
	enum heap_place *places = xcalloc(count + 1, sizeof(*places));
	struct heap_object *objects = xcalloc(count + 1, sizeof(*objects));

	look->addresses = xcalloc(count + 1, sizeof(*look->addresses));
	look->good = xcalloc(count + 1, 1);
	for (size_t i = 0; i < count; i++)
		look->addresses[i] = look->blocks[i].address;
	heap_forget(heap);
	heap_find_many(heap, look->addresses, count, places, objects);
	for (size_t i = 0; i < count; i++)
		look->good[i] = (uint8_t)judge_block(places[i], &objects[i], &look->blocks[i]);
	free(places);
	free(objects);
}

static struct error *verify_inner(struct verify_sync_look *look, const struct go_map *inner, const char *which)
{
	struct reader_options options = { .most_entries = UINT64_MAX, .limits = value_limits_now(),
					  .memory_limit = READER_MEMORY_LIMIT };
	struct findings findings = { 0 };
	struct reader *reader;

	if (inner->address.v == 0)
		return NULL;
	verify_reader_options(inner->type, &options);
	TRY(reader_create(inner->type, inner->address, &options, &findings, &reader));

	struct error *error = reader_open(reader, inner->address);
	char *subject = xasprintf("%s, %s map", look->subject, which);

	if (error == NULL && look->pointers)
		verify_look_at_pointers(look->verifier, reader_map(reader));
	if (error == NULL)
		error = verify_map(look->verifier, reader, &findings, subject, &look->inner);
	reader_close(reader);
	findings_free(&findings);
	free(subject);
	return error;
}

void verify_sync_look(struct verify_sync_look *look, const struct sync_contents *contents)
{
	look_at_blocks(look, contents);
	look->error = interrupt_check(); /* spans that are not read any more say nothing */
	if (look->error != NULL || contents->map->layout->form != SYNC_READ_DIRTY)
		return;
	look->error = verify_inner(look, &contents->read, "read");
	if (look->error == NULL)
		look->error = verify_inner(look, &contents->dirty, "dirty");
}

void verify_sync_look_free(struct verify_sync_look *look)
{
	report_free(&look->inner);
	error_free(look->error);
	free(look->blocks);
	free(look->addresses);
	free(look->good);
}

/* --- afterwards ---------------------------------------------------------------------------------------------------- */

static void report_structure(struct verify_sync *verify, struct findings *findings)
{
	const struct sync_contents *contents = verify->contents;
	struct report_check *check = sync_check(verify, VERIFY_STRUCTURE);

	for (size_t i = 0; i < findings->count; i++)
		report_wrong(check, findings->items[i].address, "a sync.Map that can be walked", findings->items[i].what, "map");
	check->wrong_total = findings->total;
	if (contents->map->layout->form == SYNC_TRIE)
		report_detail(check, "nodes walked: %zu, entries: %zu", contents->node_count, contents->count);
	else
		report_detail(check, "entries of the read map: %zu, of the dirty map: %zu", contents->read_count,
			      contents->count - contents->read_count);
	findings_free(findings);
}

static const char *verdict_text(enum block_verdict verdict)
{
	switch (verdict) {
	case BLOCK_NOWHERE: return "not in the heap";
	case BLOCK_FREE: return "a free slot";
	case BLOCK_INSIDE: return "inside of an object, or behind its header";
	default: return "an object that is smaller";
	}
}

static void report_pointers(struct verify_sync *verify, const struct verify_sync_look *look)
{
	struct report_check *check = sync_check(verify, VERIFY_POINTERS);
	uint64_t unknown = 0;

	if (look->good == NULL) {
		report_detail(check, "nothing: %s", look->verifier->no_heap ? look->verifier->no_heap : "the process runs meanwhile");
		return;
	}
	for (size_t i = 0; i < look->block_count; i++) {
		char *expected;

		unknown += look->good[i] == BLOCK_UNKNOWN;
		if (look->good[i] <= BLOCK_GOOD)
			continue;
		expected = xasprintf("the start of an object of %llu bytes or more", (unsigned long long)look->blocks[i].size);
		report_wrong(check, look->blocks[i].address, expected, verdict_text(look->good[i]), "%s",
			     sync_block_name(look->blocks[i].what));
		free(expected);
	}
	report_detail(check, "%zu blocks%s are objects of the heap", look->block_count, look->cut ? " (the first ones)" : "");
	if (unknown != 0)
		report_detail(check, "%zu blocks; of %llu of them it cannot be told: %s", look->block_count,
			      (unsigned long long)unknown, heap_reason(look->verifier->heap) ? heap_reason(look->verifier->heap) : "");
}

static void open_keys(struct verify_sync *verify)
{
	struct gotype *key = verify->contents->map->layout->key;
	struct error *error = verify->verifier->no_hashes
				      ? error_new(ERROR_TARGET, "%s", verify->verifier->no_hashes)
				      : key_hasher_create(&verify->verifier->state, key, false, &verify->hasher);

	if (error != NULL)
		verify->no_hasher = xstrdup(error->message);
	error_free(error);
	error_free(key_comparer_create(key, &verify->comparer));
	verify->key = xcalloc(1, key->size + 1);
	verify->other = xcalloc(1, key->size + 1);
	verify->hashes = xcalloc(verify->contents->count + 1, sizeof(*verify->hashes));
	verify->hashed = xcalloc(verify->contents->count + 1, 1);
}

static void close_keys(struct verify_sync *verify)
{
	key_hasher_destroy(verify->hasher);
	key_comparer_destroy(verify->comparer);
	free(verify->no_hasher);
	free(verify->key);
	free(verify->other);
	free(verify->hashes);
	free(verify->hashed);
}

static void append(struct report *report, struct report *more)
{
	for (size_t i = 0; i < more->count; i++) {
		ARRAY_RESERVE(report->checks, report->count, report->capacity);
		report->checks[report->count++] = more->checks[i];
	}
	more->count = 0;
}

void verify_sync(struct verify_sync_look *look, const struct sync_contents *contents, struct findings *findings, const char *changed,
		 bool captured, struct report *report)
{
	static const char *const names[] = { "structure", "header", "slots", "pointers", "placement", "duplicates" };
	struct verify_sync verify = { .verifier = look->verifier, .contents = contents, .report = report, .first = report->count };
	size_t count = sizeof(names) / sizeof(names[0]);

	if (changed == NULL && (contents->map->locked || contents->locked_nodes != 0))
		changed = "the map is caught in a write (a mutex of it is locked)";
	for (size_t i = 0; i < count; i++)
		report_check_begin(report, names[i], look->subject);
	open_keys(&verify);
	sync_hash_keys(&verify);
	report_structure(&verify, findings);
	sync_check_parts(&verify);
	report_pointers(&verify, look);
	sync_check_placement(&verify);
	sync_check_duplicates(&verify);
	close_keys(&verify);
	if (changed == NULL && !captured && interrupt_ends())
		changed = "reading it was given up";
	append(report, &look->inner);
	for (size_t i = verify.first; changed != NULL && i < report->count; i++)
		report_excuse(&report->checks[i], changed);
}
