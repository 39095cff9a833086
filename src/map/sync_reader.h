/*
 * Reading a whole sync.Map for a command, as reader.h reads a map: of a process its structure is read, and the pages that keys and
 * values lead to are mirrored, while it stands; then it may run on.
 */
#ifndef MAP_SYNC_READER_H
#define MAP_SYNC_READER_H

#include "map/sync_map.h"
#include "map/value.h"

struct sync_reader_options {
	bool keys, values;     /* decoded by the command: what they lead to is wanted */
	uint64_t most_entries; /* keys and values of so many entries at most */
	size_t memory_limit;   /* bytes that the mirror may hold */
	struct value_limits limits;
	bool unstopped;        /* the target runs: see sync_reader_compare() */
};

struct sync_reader;

/* Looks up types and takes memory: before the target is stopped. ERROR_TARGET where `type` is no such map. */
struct error *sync_reader_create(struct gotype *type, const struct sync_reader_options *options, struct findings *findings,
				 struct sync_reader **out) MUST_CHECK;
/* Reads the map at `address`, once. program->memory is something else from here to sync_reader_close(). */
struct error *sync_reader_open(struct sync_reader *reader, taddr address) MUST_CHECK;

const struct sync_contents *sync_reader_contents(const struct sync_reader *reader);
/* Nothing more will be read from the target but what never changes (type descriptors): it may run on. */
bool sync_reader_captured(const struct sync_reader *reader);
/* Reads the target once more, and whether it differs from what was read. */
bool sync_reader_compare(struct sync_reader *reader);
/* Makes what `count` entries from `first` on lead to ready, where it was not captured. */
struct error *sync_reader_prepare(struct sync_reader *reader, size_t first, size_t count) MUST_CHECK;
/* NULL is allowed. */
void sync_reader_close(struct sync_reader *reader);

#endif
