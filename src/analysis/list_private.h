/* Between the list files only. */
#ifndef ANALYSIS_LIST_PRIVATE_H
#define ANALYSIS_LIST_PRIVATE_H

#include "analysis/list.h"
#include "util/buffer.h"
#include "util/table.h"

struct list_limits {
	uint64_t depth;    /* pointers, slices and interfaces on the way */
	uint64_t elements; /* looked at in one slice, array or sync.Map */
	uint64_t values;   /* looked at behind one variable */
};

struct lister {
	struct program *program;
	struct list_limits limits;
	bool (*visit)(void *context, const struct listed_map *map);
	void *context;
	bool stop;

	struct buffer name;
	struct table leads;  /* type -> 1 no map behind it, 2 perhaps, 3 being looked at */
	struct table seen;   /* addresses behind pointers, of this variable */
	uint64_t values_left;
	unsigned depth, nesting;
};

/* Whether a value of this type can lead to a map. */
bool lister_leads_to_maps(struct lister *lister, struct gotype *type);
/* Reports the maps of the value at an address, under lister->name. */
void lister_visit_value(struct lister *lister, struct gotype *type, taddr address);
/* The same of a map whose header is known. */
void lister_report(struct lister *lister, struct gotype *type, uint64_t header);
/* What lies behind a pointer, slice, interface or sync.Map: a step deeper, and only once per variable. */
bool lister_enter(struct lister *lister, struct gotype *type, taddr address);
/* A sync.Map and what is in its values. False where its type's parts are not known: it is a struct like any other then. */
bool lister_visit_sync(struct lister *lister, struct gotype *type, taddr address);
void lister_free(struct lister *lister);

#endif
