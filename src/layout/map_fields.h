/* The parts of a map_layout from the runtime's structs by field name, for the files of this folder only. */
#ifndef LAYOUT_MAP_FIELDS_H
#define LAYOUT_MAP_FIELDS_H

#include "layout/map.h"

/* From runtime.hmap, all but next_overflow. */
struct error *map_classic_header(const struct layout_struct *header, struct classic_header_layout *out) MUST_CHECK;
/* From internal/runtime/maps.Map: the fields of the header. */
struct error *map_swiss_header(const struct layout_struct *header, struct swiss_header_layout *out) MUST_CHECK;
/* From internal/runtime/maps.table: its fields and size, without the groups. */
struct error *map_swiss_table(const struct layout_struct *table, struct swiss_header_layout *out) MUST_CHECK;

#endif
