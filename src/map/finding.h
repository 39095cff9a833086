/* What was found wrong in a target's memory: each names its place; the run goes on. */
#ifndef MAP_FINDING_H
#define MAP_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"
#include "util/error.h"

struct finding {
	taddr address;
	char *what; /* one line */
};

/* All zeroes is none. The first ones are kept, all are counted. */
struct findings {
	struct finding *items;
	size_t count; /* kept */
	size_t capacity;
	uint64_t total;
};

enum { FINDINGS_KEPT = 100, FINDINGS_GIVE_UP = 10000 };

void findings_add(struct findings *findings, taddr address, const char *format, ...) PRINTF(3, 4);
/* Takes `error` over: its message behind "FORMAT: ". */
void findings_add_error(struct findings *findings, taddr address, struct error *error, const char *format, ...) PRINTF(4, 5);
/* True once there are so many that going on makes no sense. */
bool findings_give_up(const struct findings *findings);
void findings_free(struct findings *findings);

#endif
