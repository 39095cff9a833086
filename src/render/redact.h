/*
 * --redact: keys and values of maps stay out of whatever is printed; kinds, sizes, types and addresses stay. It is one switch for
 * the whole run and is asked where output is made, so that no command can be without it: a sink writes what kind a value is of, the
 * escapers of names and messages (text_plain(), json_name()) leave out what quotes and indexes hold.
 */
#ifndef RENDER_REDACT_H
#define RENDER_REDACT_H

#include "map/sink.h"
#include "util/error.h"

void redact_begin(void); /* for the rest of the run */
bool redact_wanted(void);

/* What a sink is to be called by: `ops`, or where nothing may be shown `room`, filled with `ops` that call withheld() for each value. */
const struct sink_ops *redact_sink_ops(const struct sink_ops *ops, struct sink_ops *room);

/*
 * A name or message without keys: "…" in place of quoted text, […] in place of an index. Brackets of types stay, as in map[string]int,
 * [3]int and main.List[int]. What cannot be told from a key is taken for one. The caller frees it.
 */
char *redact_name(const char *name);
/* What may be said of an error: what is wrong with a command line has parts of it in unforeseeable places, and so is not told. */
const char *redact_error(const struct error *error);

#endif
