/*
 * A set of the addresses of things that are all of one size, a bit each: things that lie side by side, as in an array or in a span of Go's heap,
 * take 64 to an entry of a table. One that lies alone takes an entry, as in a table of addresses.
 */
#ifndef UTIL_ADDRESS_SET_H
#define UTIL_ADDRESS_SET_H

#include "util/bytes.h"
#include "util/table.h"

struct address_set {
	struct table table; /* all zeroes at first */
	uint64_t size;      /* of a thing, in bytes; set it before the first address, not to 0 */
};

/* Returns false where the address was there already. */
bool address_set_add(struct address_set *set, taddr address);
void address_set_free(struct address_set *set);

#endif
