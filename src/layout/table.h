/*
 * How maps lie in memory by Go version alone: for binaries without DWARF, for the reference map, and to check what
 * DWARF says.
 */
#ifndef LAYOUT_TABLE_H
#define LAYOUT_TABLE_H

#include "layout/map.h"
#include "layout/version.h"

struct map_layout_request {
	const struct go_version *version;
	struct machine machine;
	enum map_implementation implementation;
	uint64_t key_size, key_align; /* bytes */
	uint64_t elem_size, elem_align;
	bool split_groups; /* Swiss, 1.27: GOEXPERIMENT=mapsplitgroup */
};

/* Whether the binary was built with GOEXPERIMENT=mapsplitgroup. */
bool map_layout_splits_groups(const struct binary *binary);

/* ERROR_TARGET where that version has no such implementation. DIEs of the result are 0. */
struct error *map_layout_known(const struct map_layout_request *request, struct map_layout *out) MUST_CHECK;

/* "bucket", "offset of key 0", 8, 16; "flags", "size", 1, 0 */
typedef void map_layout_difference(void *context, const char *part, const char *what, uint64_t known, uint64_t found);

/* Calls `differs` for all that two layouts say differently, DIEs aside. How many figures were compared. */
unsigned map_layout_compare(const struct map_layout *known, const struct map_layout *found,
			    map_layout_difference *differs, void *context);

/*
 * A struct of the runtime in that version, one of layout_runtime_structs or layout_own_structs, without blank fields. False where the version
 * has no such struct (1.24 and 1.25 have those of both map implementations, by GOEXPERIMENT). Maps are laid out alike
 * on all machines of a word size; other structs as on linux/amd64 and linux/386. Freed with layout_struct_free().
 */
bool layout_struct_known(const char *name, const struct go_version *version, unsigned word_size,
			 struct layout_struct *out);
/*
 * The same on linux on any machine. Of runtime.mheap only what stands before central is that machine's; what follows, and so its size, are those
 * of amd64 and 386.
 */
bool layout_struct_known_on(const char *name, const struct go_version *version, const struct machine *machine,
			    struct layout_struct *out);
/* Whether programs with that map implementation have the struct, in those versions that have it. */
bool layout_struct_goes_with(const char *name, enum map_implementation implementation);
/* One of layout_runtime_constants or layout_own_constants, as on linux/amd64 and linux/386. False where the version has
 * no such constant. */
bool layout_constant_known(const char *name, const struct go_version *version, unsigned word_size,
			   enum map_implementation implementation, uint64_t *value);
/* The type of one of layout_own_variables, as DWARF spells it; NULL where the version has no such variable. */
const char *layout_variable_known(const char *name, const struct go_version *version, unsigned word_size);
/* Whether programs of that version can have such maps. */
bool layout_implementation_known(const struct go_version *version, enum map_implementation implementation);

#endif
