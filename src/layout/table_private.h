/* The rows of the table of versions, which scripts/layout-rows makes, for layout/table.c alone. */
#ifndef LAYOUT_TABLE_PRIVATE_H
#define LAYOUT_TABLE_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "util/alloc.h"
#include "util/bytes.h"

/* With which map implementations a program has it. */
enum { TABLE_CLASSIC = 1, TABLE_SWISS = 2, TABLE_BOTH = TABLE_CLASSIC | TABLE_SWISS };

/* A field at its place in the order of fields, "_" where it is blank, or (of type "padding") where nothing else explains why the next
 * field is where it is. */
struct table_field {
	const char *name, *type;
	uint32_t size64; /* bytes, where words have 8 */
	uint8_t align64;
	uint32_t size32; /* where they have 4 */
	uint8_t align32;
	uint8_t since, until; /* N of Go 1.N, the last one included; 0: to this day */
	const char *type32;   /* where words have 4 bytes and it is another: an array of other length; else NULL */
};

struct table_struct {
	const char *name;
	const struct table_field *fields;
	size_t count;
	uint8_t implementations;
};

struct table_constant {
	const char *name;
	uint64_t value64, value32; /* where words have 8 bytes, 4 */
	uint8_t since, until;
	uint8_t implementations;
};

struct table_variable {
	const char *name;
	const char *type64, *type32; /* as DWARF spells it, where words have 8 bytes, 4 */
	uint8_t since, until;
};

/* table_machine.c: the size in bytes and the type of a field on a machine, where these are not the same on all of a word size. */
uint64_t table_field_size(const struct table_field *field, int minor, const struct machine *machine);
const char *table_field_type(const struct table_field *field, int minor, const struct machine *machine);

/* Each ends with a row without a name. */
extern const struct table_struct layout_table_maps[], layout_table_types[], layout_table_scheduler[], layout_table_heap[],
	layout_table_code[], layout_table_collector[];
extern const struct table_constant layout_table_constants[];
extern const struct table_variable layout_table_variables[];

#endif
