/* Between the files that compare maps. */
#ifndef TESTS_REFMAP_COMPARE_PRIVATE_H
#define TESTS_REFMAP_COMPARE_PRIVATE_H

#include "compare.h"
#include "target/arena.h"
#include "util/table.h"

struct comparison {
	struct target *go, *arena;
	const struct map_layout *layout;
	struct machine machine;
	const struct gotype *key, *elem;
	uint8_t *key_mask, *elem_mask; /* 0xff: a byte of the value */
	struct table to_refmap, to_go; /* which part of one is which part of the other, by address */
	char *difference; /* NULL: none so far */
};

/* Notes the first difference. Always false. */
bool differ(struct comparison *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All of these: false where there is a difference. `place` is for the message. */
bool same_bytes(struct comparison *c, const char *place, const uint8_t *go, const uint8_t *refmap, size_t length);
bool same_field(struct comparison *c, const char *place, const char *name, struct field_at at, const uint8_t *go, const uint8_t *refmap);
/* Two pointers: both nil, or to parts that were not met yet or were met as a pair. */
bool same_pointer(struct comparison *c, const char *place, uint64_t go, uint64_t refmap);
/* `count` buckets or groups, side by side; without a classic bucket's pointer to its overflow bucket. */
bool same_units(struct comparison *c, const char *place, uint64_t go, uint64_t refmap, uint64_t count);

/* Bytes of the process, zeroes where they cannot be read, which is a difference. */
bool load_go(struct comparison *c, const char *place, uint64_t address, void *to, size_t length);
const uint8_t *at_refmap(const struct comparison *c, uint64_t address);

bool same_classic(struct comparison *c, uint64_t go, uint64_t refmap);
bool same_swiss(struct comparison *c, uint64_t go, uint64_t refmap);

/* Takes a field out of a copied struct, so that the rest of it can be compared in one go. */
static inline uint64_t take_field(struct comparison *c, uint8_t *bytes, struct field_at at)
{
	uint64_t value = load_uint(&c->machine, bytes + at.offset, at.size);

	memset(bytes + at.offset, 0, at.size);
	return value;
}

#endif
