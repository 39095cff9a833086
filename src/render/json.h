/*
 * A streaming JSON writer: no tree in memory, commas and nesting kept by the writer, every string escaped here.
 *
 * What it writes is UTF-8 without control or invisible characters: those are \u escapes, so that the output is safe to
 * look at in a terminal. Misuse (a key in an array, an end without a begin) is a bug of ours and stops at an assert.
 */
#ifndef RENDER_JSON_H
#define RENDER_JSON_H

#include "map/sink.h"
#include "render/output.h"

struct json;

/*
 * `pretty`: line breaks and indentation for the outer two levels, as people and diff like them; the inner ones stay on
 * a line. `output` must outlive the writer.
 */
struct json *json_create(struct output *output, bool pretty);
void json_destroy(struct json *json);

void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
void json_key(struct json *json, const char *name); /* the value follows; escaped as json_name() does */
void json_null(struct json *json);
void json_bool(struct json *json, bool value);
void json_signed(struct json *json, int64_t value);
void json_unsigned(struct json *json, uint64_t value);
void json_double(struct json *json, double value, unsigned bits); /* NaN and infinities as the contract's strings */
void json_text(struct json *json, const char *text);              /* NULL: null. Bad UTF-8 becomes {"base64": ...} */
void json_bytes(struct json *json, const uint8_t *bytes, size_t length); /* a Go string, same rule */
/* Types, names, messages: always a string (NULL: null), each byte that is no UTF-8 becomes U+FFFD. Without keys where none are to be shown. */
void json_name(struct json *json, const char *text);
void json_address(struct json *json, taddr address);              /* "0xc000..."; 0: null */
/* A key and its value in one. */
void json_field_unsigned(struct json *json, const char *name, uint64_t value);
void json_field_known(struct json *json, const char *name, uint64_t value); /* UINT64_MAX: null, it is not known */
void json_field_bool(struct json *json, const char *name, bool value);
void json_field_name(struct json *json, const char *name, const char *value);
void json_field_address(struct json *json, const char *name, taddr value);
/* {"error": "..."}: in place of a value that cannot be read. */
void json_error(struct json *json, const char *format, ...) PRINTF(2, 3);
/* Whether a value or a key would go into an object now (not into an array, nor the outermost level). */
bool json_in_object(const struct json *json);
/*
 * Ends what is open, wherever it stands, so that it can be parsed: the outermost object gets "complete": false and "error": why. Does nothing
 * between documents.
 */
void json_give_up(struct json *json, const char *why);
/* Ends a document, or a line of NDJSON, with a newline; another may follow. Inside a document it does nothing. */
void json_end_line(struct json *json);

/*
 * A sink that writes the values of the contract into `json`. Freed with free(). Beyond the contract's table:
 *     a string cut to a limit   {"text": <as a whole one>, "length": N}, N the bytes of the whole string
 *     an array cut to a limit   its last element is {"error": "N more elements left out"}
 *     a map cut to a limit      "left_out": N behind its "entries"
 *     not to be shown           {"redacted": "string", "length": N}, of other kinds without the length
 * map_end() is called for nil maps and those beyond the depth too.
 */
struct sink *json_sink_create(struct json *json);

#endif
