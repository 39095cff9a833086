/* How stat prints figures: lines with a label, sizes, histograms. */
#ifndef COMMAND_FIGURES_H
#define COMMAND_FIGURES_H

#include "analysis/stat.h"
#include "render/json.h"
#include "render/text.h"

/* The label of a line; the caller writes the rest of it. */
void figures_line(const struct text *text, const char *label);
/* 1536 -> "1536 bytes (1.5 KiB)" */
void figures_bytes(struct output *output, uint64_t value);
/* The lines "memory" and "wasted". */
void figures_memory(const struct text *text, uint64_t bytes, uint64_t wasted);
/* A row with a bar for each item; nothing where there is none. `of`: what is counted. */
void figures_histogram(const struct text *text, const char *title, const char *of, const struct histogram *values);
void figures_json_histogram(struct json *json, const char *key, const struct histogram *values);

#endif
