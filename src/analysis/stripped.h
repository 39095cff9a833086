/*
 * A program without DWARF. Its Go version comes from its build information or from what its own tables show, layouts from the tables of
 * versions, types from the runtime's descriptors, the runtime's variables from what they hold (heap/search.h). Where the version is not told,
 * each that it may be is tried, and what was found decides.
 */
#ifndef ANALYSIS_STRIPPED_H
#define ANALYSIS_STRIPPED_H

#include "heap/search.h"
#include "layout/map.h"

struct stripped {
	struct module_place module;
	int minor;             /* N of Go 1.N, and how its maps are made: these layouts were taken */
	enum map_implementation implementation;
	uint32_t versions;     /* bit N: Go 1.N was tried, or would have been */
	uint32_t proved;       /* of these, which were proved alike; 0: at rest */
	bool told;             /* by build information or --go-version; false: the program's tables were asked */
	struct search_proof proof; /* all zero for a binary at rest */
};

/*
 * Makes binary->debug and the program. `target` may be NULL: a binary at rest. ERROR_TARGET: it is not known what the program is: obfuscated,
 * packed, of an unknown version, built with other layouts; ERROR_MEMORY: nothing that was found in memory is what that version has.
 * `out` must outlive the program.
 */
struct error *stripped_open(struct binary *binary, struct target *target, struct stripped *out, struct program **program) MUST_CHECK;

/* Where the layouts come from, and by what they are proved, in one line, which the caller frees. */
char *stripped_describe(const struct stripped *stripped);

#endif
