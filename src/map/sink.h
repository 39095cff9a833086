/*
 * Where decoded Go values go: one walk over a value calls these, one implementation writes text, another JSON.
 * The calls nest: struct, array, interface and map bracket their parts.
 */
#ifndef MAP_SINK_H
#define MAP_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"

struct sink;

#define SINK_NO_LENGTH UINT64_MAX

/* What the sink is told of a map, before its entries. */
struct sink_map {
	const char *type;    /* "map[string]int" */
	taddr address;       /* of the header; 0: nil map */
	uint64_t length;     /* entries, by the header */
	bool expanded;       /* the entries follow; false: beyond the depth asked for */
};

struct sink_ops {
	void (*boolean)(struct sink *, bool value);
	void (*signed_integer)(struct sink *, int64_t value);
	void (*unsigned_integer)(struct sink *, uint64_t value);
	void (*floating)(struct sink *, double value, unsigned bits); /* bits: 32 or 64, for the shortest digits that read back */
	void (*complex)(struct sink *, double real, double imaginary, unsigned bits_of_part);
	/* `length` bytes are there; the Go string has `whole_length` >= length (cut to a limit where they differ). */
	void (*string)(struct sink *, const uint8_t *bytes, size_t length, uint64_t whole_length);
	void (*null)(struct sink *);                                   /* nil pointer, chan, func, slice, interface */
	void (*pointer)(struct sink *, taddr address);                 /* pointer, chan, func, unsafe.Pointer; not nil */
	/* Array and slice: elements follow as plain values. */
	void (*array_begin)(struct sink *, uint64_t length);
	void (*array_end)(struct sink *, uint64_t left_out);           /* left_out: elements beyond a limit, not shown */
	void (*struct_begin)(struct sink *, const char *type);
	void (*struct_field)(struct sink *, const char *name);         /* the field's value follows */
	void (*struct_end)(struct sink *);
	void (*interface_begin)(struct sink *, const char *dynamic_type); /* one value follows */
	void (*interface_end)(struct sink *);
	void (*map_begin)(struct sink *, const struct sink_map *map);
	void (*map_key)(struct sink *);                                /* the key's value follows */
	void (*map_elem)(struct sink *);                               /* the elem's value follows */
	void (*map_end)(struct sink *, uint64_t left_out);             /* left_out: entries beyond a limit, not shown */
	void (*unreadable)(struct sink *, const char *why);            /* stands in place of a value */
	/* In place of a value that is not to be shown: "string", "integer"; its bytes, or SINK_NO_LENGTH. */
	void (*withheld)(struct sink *, const char *kind, uint64_t length);
};

struct sink {
	const struct sink_ops *ops;
};

#endif
