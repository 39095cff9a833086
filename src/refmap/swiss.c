#include "refmap/private.h"

struct refmap *refmap_swiss_create(const struct refmap *base, uint64_t hint)
{
	return NULL;
}
