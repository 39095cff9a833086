/* What layout says, for people, for programs, and as source that programs are made from. */
#ifndef RENDER_LAYOUT_H
#define RENDER_LAYOUT_H

#include "analysis/layout_diff.h"
#include "render/json.h"
#include "render/text.h"

/* One object, as the contract has it: docs/layout.schema.json. */
void layout_json_write(struct json *json, const struct layout_set *set);
/* A line a map type. */
void layout_json_write_lines(struct json *json, const struct layout_set *set);

/* Structs field by field, and a table of the map types. `all`: those too that maps are not made of; else their names.
 */
struct error *layout_text_write(const struct text *text, const struct layout_set *set, bool all) MUST_CHECK;

/*
 * A header in C: enum constants, a packed mirror of each struct, assertions that both agree. It includes <stdint.h>
 * alone and calls nothing, so that BPF programs can use it. `with_maps`: also each map type's bucket or group.
 */
void layout_c_write(struct output *output, const struct layout_set *set, bool with_maps);
/* The same constants in Go source as gofmt would have it, package golayout. */
void layout_go_write(struct output *output, const struct layout_set *set, bool with_maps);

/* What is known of all Go versions. Text: of each field in which versions it is where. */
void layout_table_write_json(struct json *json, const struct layout_sets *sets);
struct error *layout_table_write_text(const struct text *text, const struct layout_sets *sets) MUST_CHECK;
/* An array with an element for each version, word size and map implementation, and a function that finds one. */
void layout_table_write_c(struct output *output, const struct layout_sets *sets);

/* One difference: a member of an array, and a line. */
void layout_difference_write_json(struct json *json, const struct layout_difference *difference);
void layout_difference_write_text(const struct text *text, const struct layout_difference *difference);
/* "offset 8, size 4", "a struct of 48 bytes", "5": what is at a place, for people. The caller frees it. */
char *layout_place_text(const struct layout_difference *difference, const struct layout_place *place);

#endif
