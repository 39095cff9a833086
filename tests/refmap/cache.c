#include "cache.h"

#include <stdlib.h>

#include "util/alloc.h"
#include "util/table.h"

enum { BLOCK = 64 << 10 };

struct block {
	size_t good; /* bytes from its start that could be read */
	uint8_t bytes[BLOCK];
};

struct cache {
	struct target target;
	struct target *base;
	struct table blocks; /* by address / BLOCK: index */
	struct block **list;
	size_t count, capacity, allocated;
};

static struct cache *cache_of(struct target *target)
{
	return (struct cache *)target;
}

static struct block *block_load(struct cache *cache, uint64_t number)
{
	if (cache->count == cache->allocated) {
		ARRAY_RESERVE(cache->list, cache->count, cache->capacity);
		cache->list[cache->allocated++] = xmalloc(sizeof(struct block));
	}

	struct block *block = cache->list[cache->count];

	block->good = target_read_some(cache->base, taddr_of(number * BLOCK), block->bytes, BLOCK);
	table_put(&cache->blocks, number, cache->count++);
	return block;
}

static struct block *block_of(struct cache *cache, uint64_t address)
{
	const uint64_t *index = table_get(&cache->blocks, address / BLOCK);

	return index != NULL ? cache->list[*index] : block_load(cache, address / BLOCK);
}

static void read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	struct cache *cache = cache_of(target);

	for (size_t i = 0; i < count; i++) {
		struct target_piece *piece = &pieces[i];

		for (piece->got = 0; piece->got < piece->length;) {
			uint64_t address = piece->address.v + piece->got;
			uint8_t *to = (uint8_t *)piece->to + piece->got;
			struct block *block = block_of(cache, address);
			size_t at = address % BLOCK, left = piece->length - piece->got;
			size_t length = at < block->good ? block->good - at : 0;

			if (length == 0) { /* behind a hole in the block, maybe */
				piece->got += target_read_some(cache->base, taddr_of(address), to, left);
				break;
			}
			if (length > left)
				length = left;
			memcpy(to, block->bytes + at, length);
			piece->got += length;
		}
	}
}

static const void *view(struct target *target, taddr address, size_t length)
{
	struct block *block = block_of(cache_of(target), address.v);
	size_t at = address.v % BLOCK;

	return at < block->good && length <= block->good - at ? block->bytes + at : NULL;
}

static struct error *unreadable(struct target *target, taddr address)
{
	return target_unreadable(cache_of(target)->base, address);
}

static void destroy(struct target *target)
{
	struct cache *cache = cache_of(target);

	for (size_t i = 0; i < cache->allocated; i++)
		free(cache->list[i]);
	free(cache->list);
	table_free(&cache->blocks);
	free(cache);
}

void cache_clear(struct target *target)
{
	struct cache *cache = cache_of(target);

	table_clear(&cache->blocks);
	cache->count = 0;
}

struct target *cache_create(struct target *base)
{
	static const struct target_ops ops = {
		.kind = "cache", .read_pieces = read_pieces, .unreadable = unreadable, .view = view, .destroy = destroy
	};
	struct cache *cache = xcalloc(1, sizeof(*cache));

	cache->target.ops = &ops;
	cache->target.machine = base->machine;
	cache->target.executable.fd = -1;
	cache->base = base;
	return &cache->target;
}
