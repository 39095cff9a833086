/*
 * Reading a whole map for a command: units come with everything that decoding them needs at hand.
 *
 * A core does not change: its units are read window by window, and strings are looked at in the mapped file. Else the map is
 * captured first: the slots that hold something are copied out of their units, the pages that keys and elems lead to are
 * mirrored, and the target may run on before the first entry is decoded. A map that does not fit the limit is read window
 * by window instead, while the target stands still.
 */
#ifndef MAP_READER_H
#define MAP_READER_H

#include "map/map.h"
#include "map/value.h"

struct reader_options {
	enum map_walk_what what;
	bool whole;                /* empty and deleted slots are shown too: keep the units as they are */
	bool keys, elems;          /* decode what they lead to */
	uint64_t most_entries;     /* after so many live entries the rest is left out; UINT64_MAX: all */
	size_t memory_limit;       /* bytes that a capture may hold */
	struct value_limits limits;
	bool unstopped;            /* the target runs: capture twice, and say whether both agree */
};

enum { READER_MEMORY_LIMIT = 48 << 20 };

struct reader;

/*
 * A reader of a map of `type`, not opened yet: types are looked up and, where the map that is at `address` now will be
 * copied, memory for it is taken. Do this before the target is stopped; the map may be another one when it is opened. Ended with
 * reader_close().
 */
struct error *reader_create(struct gotype *type, taddr address, const struct reader_options *options,
			    struct findings *findings, struct reader **out) MUST_CHECK;
/* Only one bucket with its chain (classic; `old`: of the old buckets), or the table of one directory slot (Swiss). */
void reader_set_part(struct reader *reader, uint64_t part, bool old);
/*
 * Opens the map at `address`, once. program->memory is the target, and is something else from here to reader_close(). The
 * target is stopped, if it has to be, by the caller; reader_captured() says whether it may run on now.
 */
struct error *reader_open(struct reader *reader, taddr address) MUST_CHECK;

const struct go_map *reader_map(const struct reader *reader);
/* Nothing more will be read from the target but what never changes (type descriptors). */
bool reader_captured(const struct reader *reader);
/* unstopped: the map changed while it was read, as far as anybody can tell. */
bool reader_changed(const struct reader *reader);
/* Entries that were left out because of most_entries are not walked: true once that happened. */
bool reader_cut(const struct reader *reader);

/* The next units; none at the end. */
struct error *reader_next(struct reader *reader, struct map_batch *out) MUST_CHECK;
/* NULL is allowed. */
void reader_close(struct reader *reader);

#endif
