/* Between the types*.c files of this folder only. */
#ifndef HEAP_TYPES_PRIVATE_H
#define HEAP_TYPES_PRIVATE_H

#include "gotype/sync.h"
#include "heap/closures.h"
#include "heap/types.h"
#include "util/table.h"

struct heap_types {
	struct program *program;
	struct stack *stack; /* NULL: what closures capture is not known */
	struct closures *closures;
	struct heap_type *items;
	size_t count, capacity;
	struct table by_type;       /* address of a gotype + form -> id */
	struct table by_function;   /* address of code -> id */
	struct table by_eface, by_iface; /* type word of an interface -> id */
	struct table by_descriptor; /* descriptor in a malloc header -> id */

	/* types_maps.c */
	bool maps_known;
	struct gotype **maps;
	size_t map_count, map_capacity;
	struct gotype **described;
	size_t described_count, described_capacity;
	struct table maps_by_unit;       /* descriptor of a bucket or group -> map type */
	struct table maps_by_descriptor; /* the map type's own */
};

/* NULL: it is no sync.Map, or not one whose parts are known. */
const struct sync_layout *sync_layout_of(struct gotype *type);
/* Fills in the words of a type. */
void heap_type_fill(struct heap_types *types, heap_type_id id);
/* The map type whose buckets or groups have that descriptor; NULL: none. */
struct gotype *heap_map_of_unit(struct heap_types *types, taddr descriptor);

#endif
