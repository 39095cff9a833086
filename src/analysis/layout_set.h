/*
 * Everything that layout says of one program, or of one Go version: structs, constants, map types. Read from DWARF,
 * made from the table of versions, or read back from what `layout --format json` wrote.
 */
#ifndef ANALYSIS_LAYOUT_SET_H
#define ANALYSIS_LAYOUT_SET_H

#include "gotype/program.h"
#include "layout/map.h"
#include "layout/runtime.h"
#include "map/finding.h"

struct layout_map_type {
	const char *name; /* "map[string]int" */
	enum map_implementation implementation;
	struct map_unit_layout unit;
	uint64_t key_size, elem_size; /* bytes, of the types themselves */
	bool key_indirect, elem_indirect;
};

/* All zeroes is an empty set. */
struct layout_set {
	const char *go;		    /* "go1.26.8"; NULL: not known */
	const char *architecture;   /* as GOARCH has it */
	const char *implementation; /* "classic", "swiss"; NULL: of no map */
	const char *source;	    /* "dwarf", "table" */
	unsigned word_size;	    /* bytes */
	bool big_endian;
	struct layout_struct *structs;
	size_t struct_count, struct_capacity;
	struct layout_constant *constants;
	size_t constant_count, constant_capacity;
	struct layout_map_type *maps;
	size_t map_count, map_capacity;
	char **texts; /* what names and types point to, where nobody else has it */
	size_t text_count, text_capacity;
};

void layout_set_free(struct layout_set *set);
/* A copy of a text that lives as long as the set. */
const char *layout_set_text(struct layout_set *set, const char *text);
/* `layout` is the set's from now on. */
void layout_set_add_struct(struct layout_set *set, struct layout_struct *layout);
void layout_set_add_constant(struct layout_set *set, const char *name, uint64_t value);
void layout_set_add_map(struct layout_set *set, const struct layout_map_type *map);
/* NULL: there is none of that name. */
const struct layout_struct *layout_set_struct(const struct layout_set *set, const char *name);
const struct layout_constant *layout_set_constant(const struct layout_set *set, const char *name);
const struct layout_map_type *layout_set_map(const struct layout_set *set, const char *name);
/* Whether a struct is one that maps or sync.Maps are made of. */
bool layout_set_is_of_maps(const char *struct_name);

/* GOARCH of a machine; "unknown". */
const char *layout_architecture(const struct machine *machine);

/*
 * layout_read.c: structs, constants and map types of a program's DWARF. `wanted`: only those map types, spelled as Go
 * does; none: all. Types that cannot be made sense of go to `findings`. The texts are the binary's.
 */
struct error *layout_set_read(struct program *program, char *const *wanted, size_t count, struct findings *findings,
			      struct layout_set *out) MUST_CHECK;

/* layout_known.c: what the table of versions has of Go 1.`minor`; one that has no row or no such maps is an error. No
 * map types. */
struct error *layout_set_known(int minor, unsigned word_size, enum map_implementation implementation,
			       struct layout_set *out) MUST_CHECK;

/* layout_parse.c: what `layout --format json` wrote to a file. Whatever else the file holds is an error that says
 * where. */
struct error *layout_set_parse(const char *path, struct layout_set *out) MUST_CHECK;
/* The same of text in memory; `path` is for messages. */
struct error *layout_set_parse_text(const char *path, const char *text, size_t length,
				    struct layout_set *out) MUST_CHECK;

/* Of every version, word size and implementation, the oldest first. Freed with layout_sets_free(). */
struct layout_sets {
	struct layout_set *sets;
	size_t count;
};

void layout_sets_known(struct layout_sets *out);
void layout_sets_free(struct layout_sets *sets);

#endif
