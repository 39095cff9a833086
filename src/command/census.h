/* What list --all, top and who share: the census of a target, and how one of its maps is printed. */
#ifndef COMMAND_CENSUS_H
#define COMMAND_CENSUS_H

#include "analysis/census.h"
#include "analysis/owner.h"
#include "command/command.h"

/* Takes the census while the target stands, and leaves it standing: session_resume() when its memory is needed no more. */
struct error *census_of_session(struct session *session, bool garbage, struct census *out) MUST_CHECK;
/* Hands what was found wrong in the heap to the session. */
void census_report(struct session *session, const struct census *census);

/* list --all: takes the census and prints all of it. */
struct error *census_list(struct session *session) MUST_CHECK;

/* The type of the map at an address. ERROR_TARGET where there is none, or its type is not settled. */
struct error *census_find_type(struct session *session, const struct census *census, taddr address, struct gotype **type) MUST_CHECK;
/* The way to one of its maps, where something reaches it; else all zeroes. */
void census_owner(struct owners *owners, const struct census_map *map, struct owner_path *out);

/* The objects of the contract: list's fields and bytes, wasted_bytes, owner, live. `owner` may be NULL. */
void census_json_map(struct session *session, const struct census_map *map, const struct owner_path *owner);
/* json: the document's head, the figures of the process, and the begin of its array `name`; its end. ndjson: nothing. */
void census_json_begin(struct session *session, const struct census *census, const char *name);
void census_json_end(struct session *session);
/* After each object of the array. */
void census_json_next(struct session *session);
/* "map[string]int", or "map[string]int or 3 others" where it is not settled. The caller frees it. */
char *census_type_text(const struct census_map *map);
/* 1536 -> "1.5 KiB". The caller frees it. */
char *census_bytes_text(uint64_t bytes);
/* Share of the live heap in per cent; less than 0: not known. */
double census_share(const struct census *census, uint64_t bytes);
/* "73913 maps own 412.0 MiB, 51.2 % of 804.7 MiB of live heap (goal 1.2 GiB)" */
void census_text_head(struct session *session, const struct census *census);

#endif
