/* What commands do with a sync.Map in place of a map. */
#ifndef COMMAND_SYNC_H
#define COMMAND_SYNC_H

#include "command/command.h"
#include "map/sync_reader.h"

/* Whether the session's MAP leads to a sync.Map. */
struct error *sync_is_named(struct session *session, bool *out) MUST_CHECK;

struct sync_request {
	struct sync_reader_options options;
	/* Called while the target still stands; program->memory is the reader's. May be NULL. */
	void (*while_stopped)(const struct sync_contents *contents, void *context);
	void *context;
};

struct sync_request sync_request_default(const struct session *session);
/* As session_open_map(). Ended with sync_close(). */
struct error *sync_open(struct session *session, const struct sync_request *request, struct sync_reader **out) MUST_CHECK;
void sync_close(struct session *session, struct sync_reader *reader);
struct session_head sync_head(const struct sync_contents *contents);

struct error *sync_show(struct session *session) MUST_CHECK;
struct error *sync_stat(struct session *session) MUST_CHECK;
struct error *sync_dump(struct session *session) MUST_CHECK;

#endif
