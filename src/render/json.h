/* A streaming JSON writer: no tree in memory, commas and nesting kept by the writer, every string escaped here. */
#ifndef RENDER_JSON_H
#define RENDER_JSON_H

#include "map/sink.h"
#include "render/output.h"

struct json;

/* `pretty`: line breaks and indentation for the outer levels, as people and diff like them; the inner ones stay on a line. */
struct json *json_create(struct output *output, bool pretty);
void json_destroy(struct json *json);

void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
void json_key(struct json *json, const char *name); /* the value follows */
void json_null(struct json *json);
void json_bool(struct json *json, bool value);
void json_signed(struct json *json, int64_t value);
void json_unsigned(struct json *json, uint64_t value);
void json_double(struct json *json, double value, unsigned bits); /* NaN and infinities as the contract's strings */
void json_text(struct json *json, const char *text);              /* NULL: null. Bad UTF-8 becomes {"base64": ...} */
void json_bytes(struct json *json, const uint8_t *bytes, size_t length); /* a Go string, same rule */
void json_address(struct json *json, taddr address);              /* "0xc000..."; 0: null */
/* Ends a document, or a line of NDJSON, with a newline; another may follow. */
void json_end_line(struct json *json);

/* A sink that writes the values of the contract into `json`. Freed with free(). */
struct sink *json_sink_create(struct json *json);

#endif
