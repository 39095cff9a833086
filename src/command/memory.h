/* Where a map's blocks lie in the heap: a part of stat, and dump --memory. */
#ifndef COMMAND_MEMORY_H
#define COMMAND_MEMORY_H

#include "analysis/memory.h"
#include "command/command.h"

/* What a command keeps while the target stands. */
struct memory_watch {
	struct session *session;
	struct memory_source *source; /* NULL: a map that is made here has no heap */
	struct memory memory;
	struct error *error;
};

/* Blocks that stat looks up of a process, and that dump --memory does. */
enum { MEMORY_FEW = 1 << 13, MEMORY_MANY = 1 << 22 };

/* Before the target is stopped. `most` as memory_source_create() has it; of a core all are looked up. */
void memory_watch_begin(struct memory_watch *watch, struct session *session, size_t most);
/* While it stands. */
void memory_watch_map(struct memory_watch *watch, const struct go_map *map);
void memory_watch_sync(struct memory_watch *watch, const struct sync_contents *contents);
/* Ends it. Returns `error`, or where that is NULL what went wrong while the target stood. */
struct error *memory_watch_end(struct memory_watch *watch, struct error *error) MUST_CHECK;

/* The lines "allocator" and "live heap". */
void memory_text_summary(const struct text *text, const struct memory *memory);
/* The field "memory" of an open object. */
void memory_json_summary(struct json *json, const struct memory *memory);

/* dump --memory: the blocks of the session's MAP. */
struct error *memory_dump(struct session *session) MUST_CHECK;

#endif
