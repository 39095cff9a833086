/* Between trace.c, trace_classic.c and trace_swiss.c only. */
#ifndef ANALYSIS_TRACE_PRIVATE_H
#define ANALYSIS_TRACE_PRIVATE_H

#include "analysis/trace.h"
#include "map/key_equal.h"
#include "map/value.h"

struct tracer {
	const struct go_map *map;
	struct trace *trace;
	struct findings *findings;
	struct key_place key;
	struct key_comparer *comparer;
	uint8_t *bytes; /* room for one unit */
	struct map_scratch scratch;
	bool failed;    /* memory could not be read, or contradicts itself: the search ended there */
};

/* The next step. The pointer is good until the one after it. */
struct trace_step *trace_add(struct tracer *tracer, enum trace_kind kind, taddr address);
/* The search ends without the key. `why` lives for ever. */
void trace_end(struct tracer *tracer, taddr address, const char *why);
/* The same, because of what is wrong with the map: a finding too. */
void trace_fail(struct tracer *tracer, taddr address, const char *why);
void trace_fail_error(struct tracer *tracer, taddr address, struct error *error, const char *why);

/* Reads a bucket or group; false where the search ends because of it. */
bool trace_read_unit(struct tracer *tracer, taddr address, struct map_unit *out);
/* Begins the step that searches a unit: the control bytes of all slots are set. */
struct trace_step *trace_add_unit(struct tracer *tracer, const struct map_unit *unit, enum trace_search search);
/* Compares the whole key of a slot with ours. True where they are equal: the step of the elem is added then. */
bool trace_compare(struct tracer *tracer, const struct map_unit *unit, unsigned slot);
/* Strings: false, and the verdict is set, where the slot's has another length, or other `count` first or last bytes. */
bool trace_compare_length(struct tracer *tracer, const struct map_unit *unit, unsigned slot);
bool trace_compare_ends(struct tracer *tracer, const struct map_unit *unit, unsigned slot, unsigned count);
/* The slot of the unit that is searched now. */
struct trace_slot *trace_slot_of(struct tracer *tracer, unsigned slot);
/* Bytes in the string that is looked up. */
uint64_t trace_string_length(const struct tracer *tracer);

/* What the control byte of the key's slot must be, by the hash. */
uint8_t trace_tophash(const struct tracer *tracer);
uint8_t trace_h2(const struct tracer *tracer);

/* False: this lookup needs no hash, or not at first. */
bool trace_hash_needed_classic(const struct tracer *tracer);
bool trace_hash_needed_swiss(const struct tracer *tracer);
/* The search in a map that is not empty; the hash, where it is needed, is known. */
void trace_search_classic(struct tracer *tracer);
void trace_search_swiss(struct tracer *tracer);

#endif
