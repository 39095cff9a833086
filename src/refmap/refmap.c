#include "refmap/private.h"

struct refmap *refmap_create(const struct refmap_type *type, struct target *arena, const struct refmap_callbacks *callbacks,
			     uint64_t hint)
{
	struct refmap base = { .type = *type, .callbacks = *callbacks, .arena = arena };

	base.header = arena_allocate(arena, type->layout->header_size);
	return type->layout->implementation == MAP_CLASSIC ? refmap_classic_create(&base, hint) : refmap_swiss_create(&base, hint);
}

void refmap_destroy(struct refmap *map)
{
	if (map != NULL)
		map->ops->destroy(map);
}

taddr refmap_address(const struct refmap *map)
{
	return map->header;
}

uint64_t refmap_length(const struct refmap *map)
{
	const struct map_layout *layout = map->type.layout;

	return refmap_get(map, map->header, layout->implementation == MAP_CLASSIC ? layout->classic.count : layout->swiss.used);
}

taddr refmap_assign(struct refmap *map, taddr key)
{
	return map->ops->assign(map, key);
}

taddr refmap_find(const struct refmap *map, taddr key)
{
	return map->ops->find(map, key);
}

void refmap_delete(struct refmap *map, taddr key)
{
	map->ops->remove(map, key);
}

void refmap_clear(struct refmap *map)
{
	map->ops->clear(map);
}

struct refmap_iterator *refmap_iterate(struct refmap *map)
{
	return map->ops->iterate(map);
}

bool refmap_iterator_next(struct refmap_iterator *iterator, taddr *key, taddr *elem)
{
	return iterator->next(iterator, key, elem);
}

void refmap_iterator_destroy(struct refmap_iterator *iterator)
{
	iterator->destroy(iterator);
}
