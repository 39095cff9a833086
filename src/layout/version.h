/* What is known of each Go version that its DWARF does not tell. One row a minor version. */
#ifndef LAYOUT_VERSION_H
#define LAYOUT_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/* What the tophash bytes of empty and evacuated cells mean (runtime/hashmap.go, from 1.11 runtime/map.go). */
enum tophash_scheme {
	TOPHASH_EMPTY_ZERO, /* Go <= 1.11: 0 empty, 1 evacuatedEmpty, 2 evacuatedX, 3 evacuatedY, minTopHash 4 */
	TOPHASH_EMPTY_REST, /* Go >= 1.12: 0 emptyRest, 1 emptyOne, 2 evacuatedX, 3 evacuatedY, 4 evacuatedEmpty, minTopHash 5 */
};

struct go_version {
	int minor; /* N of Go 1.N */
	enum tophash_scheme tophash;
	/* A classic map of 2^B buckets grows when its count would pass load_numerator/load_denominator * 2^B. */
	uint8_t load_numerator, load_denominator;
	bool tombstone_pruning;     /* swiss: tombstones are pruned before a table grows (>= 1.25) */
	bool field_offset_shifted;  /* descriptors: a struct field's offset word is offset<<1 | embedded (1.9 ... 1.18) */
	bool name_length_varint;    /* descriptors: a name's length is a varint (>= 1.17), else two bytes, big-endian */
	bool checkmark_in_bitmap;   /* heap bitmap: the scan bit of an object's second word is another mark (<= 1.15) */
	bool stacks_in_heap;        /* memstats.heap_inuse counts stacks (1.8) */
	bool direct_in_tflag;       /* descriptors: "direct interface" is bit 5 of tflag (>= 1.26), else of kind */
};

/* The row of Go 1.`minor`. A newer one than is known gets the newest row and *newer = true; an older one is an error. */
struct error *go_version_find(int minor, const struct go_version **out, bool *newer) MUST_CHECK;

/* N of the newest Go 1.N, and the oldest, that have a row. */
int go_version_newest(void);
int go_version_oldest(void);

#endif
