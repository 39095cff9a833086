/*
 * runtime.firstmoduledata, found by its shape: the first word of it leads to the program's function table (pclntable up to Go 1.15,
 * pcHeader from 1.16 on), and all its ranges are in order as a version lays it out. runtime/symtab.go, type moduledata.
 */
#ifndef LAYOUT_MODULE_H
#define LAYOUT_MODULE_H

#include "binary/tables.h"
#include "layout/heap.h"

/* What variables have no pointers, and what the file gives no value: the order of MODULE_RANGES. */
enum { VARIABLES_NOPTRDATA, VARIABLES_DATA, VARIABLES_BSS, VARIABLES_NOPTRBSS };

struct module_place {
	uint64_t address;  /* in the file's addressing */
	uint64_t pclntab;  /* the same */
	uint32_t magic;    /* of the pclntab */
	uint32_t versions; /* bit N: it is in order as Go 1.N lays it out */
	/* In memory, as all of these versions have them: */
	uint64_t variables[MODULE_RANGES][2]; /* from, to: see layout/heap.h */
	uint64_t types, types_end;
	uint64_t text, text_end;
};

/*
 * `memory`: the target, or the file's own image. ERROR_TARGET says what was found and what was not: no function table, or one that nothing
 * known leads to; `out` has that one's address and magic then.
 */
struct error *module_find(const struct binary *binary, struct target *memory, uint64_t bias, struct module_place *out) MUST_CHECK;

/*
 * The version by the string that runtime.buildVersion is: the N of Go 1.N of all strings in the module's data that are the name of a Go
 * version which the module may be of, as bits. Where it is one version, its name is in `name` (else NULL), which the caller frees.
 */
uint32_t module_find_versions(struct target *memory, const struct binary *binary, const struct module_place *module, char **name);

#endif
