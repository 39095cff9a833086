/*
 * Walking Go values: value_emit() decodes one into a sink; value_want() notes the memory that decoding it will read,
 * so that a mirror can fetch it in bulk first. Both go the same way through strings, slices, interfaces and maps;
 * pointers are shown, not followed.
 */
#ifndef MAP_VALUE_H
#define MAP_VALUE_H

#include "map/map.h"
#include "map/sink.h"
#include "target/mirror.h"
#include "util/table.h"

/* What is cut, so that hostile or huge values end. */
struct value_limits {
	unsigned depth;        /* maps inside maps that are expanded; 0: none */
	uint64_t string_bytes; /* of one string that are shown */
	uint64_t elements;     /* of one slice or array */
	uint64_t entries;      /* of one map inside a value */
};

/* Three levels deep; the others are those of util/limits.h. */
struct value_limits value_limits_now(void);

struct value_output {
	struct sink *sink;
	struct value_limits limits;
	uint64_t unreadable; /* counts values that could not be read */
	/* private: */
	unsigned nesting;
	uint64_t spent, overspent; /* values inside the outermost one so far; outermost ones that were cut for it */
	uint64_t fruitless;        /* units of large maps inside values that held nothing */
	const struct value_frame *frame;
};

/* Decodes the value of `type` whose bytes are `bytes` (type->size of them) and which lies at `address` in the target. */
void value_emit(struct value_output *output, struct gotype *type, const uint8_t *bytes, taddr address);
/* The same, read from the target first. */
void value_emit_at(struct value_output *output, struct gotype *type, taddr address);

/* Whether values of this type lead to other memory that value_emit() reads. */
bool value_has_references(struct gotype *type);

struct value_wanted {
	struct mirror *mirror;
	struct value_limits limits;
	bool full;   /* the mirror's limit would be passed: fetch, use and clear before going on */
	bool deeper; /* there is more behind what was noted: fetch, then ask again with more levels */
	/* private: */
	unsigned nesting;
	uint64_t fruitless;
	struct table seen; /* what was gone through already, and how deep; freed with value_wanted_free() */
};

void value_wanted_free(struct value_wanted *wanted);

/*
 * Notes what decoding the value reads: with `levels` 0 what it leads to itself; with more, also what that leads to, which
 * is then read through program->memory (and is in the mirror when levels went up one by one with fetches between).
 */
void value_want(struct value_wanted *wanted, struct gotype *type, const uint8_t *bytes, unsigned levels);

/* The same of a value that lies at `address`: with `levels` 0 its own bytes. */
void value_want_at(struct value_wanted *wanted, struct gotype *type, taddr address, unsigned levels);

/* A key or elem as decoding needs it: its bytes, behind the pointer where the slot is indirect. */
struct map_entry {
	const uint8_t *key, *elem;       /* NULL: not readable */
	taddr key_address, elem_address; /* of the key and elem themselves */
};

/* Memory for indirect keys and elems; all zeroes at first, freed with map_scratch_free(). */
struct map_scratch {
	uint8_t *key, *elem;
};

/* Follows the pointers of indirect keys and elems; what map_entry_load() is for. */
struct error *map_entry_follow(const struct go_map *map, struct map_scratch *scratch, struct map_entry *entry) MUST_CHECK;

MUST_CHECK static inline struct error *map_entry_load(const struct go_map *map, const struct map_unit *unit, unsigned slot,
						      struct map_scratch *scratch, struct map_entry *out)
{
	out->key = map_key_slot(map, unit, slot);
	out->key_address = map_key_slot_address(map, unit, slot);
	out->elem = map_elem_slot(map, unit, slot);
	out->elem_address = map_elem_slot_address(map, unit, slot);
	return map->layout->key_indirect || map->layout->elem_indirect ? map_entry_follow(map, scratch, out) : NULL;
}

/* Brings the strings of a unit's entries, as far as they are in our memory, nearer to the processor: they lie anywhere. */
void map_unit_prefetch(const struct go_map *map, const struct map_unit *unit);
void map_scratch_free(struct map_scratch *scratch);
/* Notes what map_entry_load() and value_emit() of this slot read. */
void map_entry_want(const struct go_map *map, const struct map_unit *unit, unsigned slot, bool keys, bool elems,
		    struct value_wanted *wanted, unsigned levels);

#endif
