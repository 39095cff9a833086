/* What tells where the parts of maps lie: DWARF, the table of Go versions, the runtime's own descriptors. Do they agree? */
#ifndef ANALYSIS_VERIFY_SOURCES_H
#define ANALYSIS_VERIFY_SOURCES_H

#include "analysis/report.h"
#include "gotype/program.h"

/*
 * Appends a check "offsets" for each of the runtime's structs that maps are made of, and a check "type" for each of `types`, map
 * types. Without program->memory descriptors are read from the file, where it is one whose pointers are in it. What cannot be
 * compared is ok, and the check's detail says why.
 */
struct error *verify_sources(struct program *program, struct gotype *const *types, size_t count,
			     struct report *report) MUST_CHECK;

#endif
