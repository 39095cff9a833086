/*
 * The MAP argument: where a value is, as Go source would name it. The grammar is the contract's: a package-level
 * variable, or "goroutine G: frame F:" and a local one, then .field, [index] and [key] selectors, pointers and interfaces followed on the way; (TYPE)(ADDRESS); and
 * parentheses and * as Go has them.
 */
#ifndef ANALYSIS_EXPRESSION_H
#define ANALYSIS_EXPRESSION_H

#include "gotype/program.h"

/* A value that was found. */
struct place {
	struct gotype *type;
	taddr address; /* where the value lies */
	bool is_word;  /* the value is `word` itself, it lies nowhere: (map[string]int)(0xc000012345) */
	uint64_t word;
	/* A local variable that lies in registers, wholly or in part: its bytes, those known whose `known` is 1. NULL else. */
	const uint8_t *bytes, *known;
};

/* Finds what `text` names. ERROR_USAGE where it is malformed, ERROR_TARGET where there is no such thing. */
struct error *expression_evaluate(struct program *program, const char *text, struct place *out) MUST_CHECK;

/*
 * Finds a map: pointers and interfaces that lead to one are followed. `header` is 0 for a nil map. Of a sync.Map (gotype_is_sync())
 * it is the address of the struct.
 */
struct error *expression_find_map(struct program *program, const char *text, struct gotype **type, taddr *header) MUST_CHECK;

/* Whether it begins with "goroutine": such a name is looked up in frames, for which the target must stand. */
bool expression_is_local(const char *text);

/* A type as people write it in the spelling of DWARF: struct{} is struct {}, any is interface {}. The caller frees it. */
char *expression_type_spelling(const char *type);

/* True for "0x..." alone: an address whose type the caller has to find out. */
bool expression_is_address(const char *text, taddr *out);

#endif
