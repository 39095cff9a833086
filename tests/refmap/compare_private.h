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

/* The same thing in both maps: a number, or an address. */
struct both {
	uint64_t go, refmap;
};

/* Structs of both maps, copied: at most a header's size. */
struct both_structs {
	uint8_t go[512], refmap[512];
};

static inline struct both both_add(struct both at, uint64_t bytes)
{
	return (struct both){ at.go + bytes, at.refmap + bytes };
}

/* Notes the first difference. Always false. */
bool differ(struct comparison *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All of these: false where there is a difference, or where the process cannot be read. `place` is for the message. */
bool same_bytes(struct comparison *c, const char *place, const uint8_t *go, const uint8_t *refmap, size_t length);
bool same_field(struct comparison *c, const char *place, const char *name, struct field_at at,
		const struct both_structs *structs);
/* Two pointers: both nil, or to parts that were not met yet or were met as a pair. */
bool same_pointer(struct comparison *c, const char *place, struct both pointers);
/* `count` buckets or groups, side by side; without a classic bucket's pointer to its overflow bucket. */
bool same_units(struct comparison *c, const char *place, struct both at, uint64_t count);

bool load(struct comparison *c, const char *place, uint64_t go, void *to, size_t length);
bool load_words(struct comparison *c, const char *place, struct both at, struct both *out);
bool load_structs(struct comparison *c, const char *place, struct both at, size_t size, struct both_structs *out);

static inline const uint8_t *at_refmap(const struct comparison *c, uint64_t address)
{
	return arena_at(c->arena, taddr_of(address));
}

static inline struct both field_of(const struct comparison *c, const struct both_structs *structs, struct field_at at)
{
	return (struct both){ load_uint(&c->machine, structs->go + at.offset, at.size),
			      load_uint(&c->machine, structs->refmap + at.offset, at.size) };
}

/* Takes a field out of the structs, so that the rest of them can be compared in one go. */
static inline struct both take_field(const struct comparison *c, struct both_structs *structs, struct field_at at)
{
	struct both value = field_of(c, structs, at);

	memset(structs->go + at.offset, 0, at.size);
	memset(structs->refmap + at.offset, 0, at.size);
	return value;
}

bool same_classic(struct comparison *c, struct both header);
bool same_swiss(struct comparison *c, struct both header);

#endif
