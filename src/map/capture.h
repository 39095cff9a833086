/* A copy of a map's units, without their empty slots; private to map/reader.c. */
#ifndef MAP_CAPTURE_H
#define MAP_CAPTURE_H

#include "map/map.h"

struct capture;

/* `map` may be filled in later, but before capture_add(). `whole`: units are kept as they are (for what shows empty and
 * deleted slots too), not only their live slots. */
struct capture *capture_create(const struct go_map *map, bool whole);
/* Takes memory for so many bytes of units before they come. */
void capture_reserve(struct capture *capture, size_t bytes);
/* About how many bytes capturing that map takes. */
size_t capture_estimate(const struct go_map *map, bool whole);
void capture_destroy(struct capture *capture);

/* Copies a batch; of each unit the slots in its `live`. */
struct error *capture_add(struct capture *capture, const struct map_batch *batch) MUST_CHECK;
/* Bytes held. */
size_t capture_size(const struct capture *capture);

/* Goes back to the first batch; batches are kept, or with `consume` each is freed once the next is asked for. */
void capture_rewind(struct capture *capture, bool consume);
/* The next batch as it was, empty slots zeroed (classic: their tophash bytes stay); none at the end. Good until the next call. */
struct error *capture_next(struct capture *capture, struct map_batch *out) MUST_CHECK;

#endif
