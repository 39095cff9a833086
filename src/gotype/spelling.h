/* Types without a binary: from how Go source writes them, for maps that are made here. */
#ifndef GOTYPE_SPELLING_H
#define GOTYPE_SPELLING_H

#include "gotype/program.h"

/*
 * A program of that version for that machine which has neither binary nor memory (the caller sets program->memory where there
 * comes to be one). `version` must outlive it. Ended with program_destroy().
 */
struct error *program_create_alone(const struct go_version *version, const struct machine *machine,
				   struct program **out) MUST_CHECK;

/* Addresses from here to SPELLING_DESCRIPTORS_END stand for type descriptors: nothing else may lie there. */
enum { SPELLING_DESCRIPTORS = 0x1000, SPELLING_DESCRIPTORS_END = 0x100000 };

/*
 * The type that `text` spells: Go's predeclared types, unsafe.Pointer, and all that *, [], [N], map, chan, func and struct make
 * of them. It is complete, with the map_layout that the version's compiler would give it (classic up to 1.23, Swiss from 1.24
 * on), and the same one each time. Its `descriptor`, in the first word of an interface value of this program, makes this its
 * dynamic type; in that of an `error` too. ERROR_USAGE where it is no such type: shows where, and what was expected.
 */
struct error *gotype_of_spelling(struct program *program, const char *text, struct gotype **out) MUST_CHECK;

#endif
