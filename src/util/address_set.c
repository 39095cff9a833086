#include "util/address_set.h"

/*
 * Addresses that differ by a multiple of the size have the same remainder and follow each other by quotient. The key is made of the remainder and of
 * which 64 quotients it is, and different for each pair of them, as the remainder is less than the size.
 */
bool address_set_add(struct address_set *set, taddr address)
{
	uint64_t quotient = address.v / set->size;
	uint64_t key = quotient / 64 * set->size + address.v % set->size;
	uint64_t bit = UINT64_C(1) << quotient % 64;
	uint64_t *bits = table_get(&set->table, key);

	if (bits == NULL)
		return table_put(&set->table, key, bit);

	bool added = (*bits & bit) == 0;

	*bits |= bit;
	return added;
}

void address_set_free(struct address_set *set)
{
	table_free(&set->table);
}
