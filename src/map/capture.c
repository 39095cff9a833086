#include "map/capture.h"

#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"
#include "util/pages.h"

/* A unit in 16 bytes. Overflow chains (classic) and tables of a batch (swiss) are both below 2^13. */
struct kept_unit {
	uint64_t address;
	uint64_t index : 40;
	uint64_t chain_or_table : 13;
	uint64_t old : 1;
	uint64_t evacuated : 1;
	uint64_t waiting : 1;
	uint64_t live : 8;
};

struct kept_batch {
	struct kept_batch *next;
	size_t unit_count, table_count;
	struct kept_unit *units; /* with `data` behind them in one piece of memory */
	struct map_table *tables;
	uint8_t *data; /* for each unit: control bytes, then key and elem of each live slot; or the unit whole */
	size_t size;   /* of units, data and tables */
	bool reserved; /* `units` and `data` lie in the capture's reserve */
};

struct capture {
	const struct go_map *map;
	bool whole, consume;
	struct kept_batch *first, *last, *at;
	size_t size;
	uint8_t *reserve; /* NULL: none */
	size_t reserve_size, reserve_used;
	/* what capture_next() handed out */
	struct map_unit *units;
	size_t unit_capacity;
	uint8_t *bytes;
	size_t bytes_capacity;
};

/* The bytes of a slot that hold key and elem. Swiss slots hold both in one stride: it would be copied twice. */
static size_t elem_bytes(const struct go_map *map)
{
	const struct map_unit_layout *layout = &map->layout->unit;
	bool together = layout->elem_offset < layout->key_offset + layout->key_stride && layout->elem_offset >= layout->key_offset;

	return together ? 0 : layout->elem_stride;
}

struct capture *capture_create(const struct go_map *map, bool whole)
{
	struct capture *capture = xcalloc(1, sizeof(*capture));

	capture->map = map;
	capture->whole = whole;
	return capture;
}

void capture_reserve(struct capture *capture, size_t bytes)
{
	struct error *error = pages_allocate(bytes, "the copy of a map", &capture->reserve);

	if (error == NULL) {
		pages_touch(capture->reserve, bytes);
		capture->reserve_size = bytes;
	}
	error_free(error); /* without a reserve memory is taken when it is needed */
}

size_t capture_estimate(const struct go_map *map, bool whole)
{
	const struct map_unit_layout *layout = &map->layout->unit;
	/* a Swiss map's directory does not say how many groups there are: at a load of a half, one for four entries */
	uint64_t units = map->layout->implementation == MAP_CLASSIC ? map->classic.bucket_count + map->classic.old_count
								   : map->length / 4 + 1;
	uint64_t slots = map->length * (layout->key_stride + elem_bytes(map));

	return units * (sizeof(struct kept_unit) + (whole ? layout->size : MAP_SLOTS)) + (whole ? 0 : slots);
}

static void free_batch(struct kept_batch *batch)
{
	free(batch->tables);
	if (!batch->reserved)
		free(batch->units);
	free(batch);
}

void capture_destroy(struct capture *capture)
{
	if (capture == NULL)
		return;
	while (capture->first != NULL) {
		struct kept_batch *next = capture->first->next;

		free_batch(capture->first);
		capture->first = next;
	}
	free(capture->reserve);
	free(capture->units);
	free(capture->bytes);
	free(capture);
}

size_t capture_size(const struct capture *capture)
{
	return capture->size;
}

static size_t data_size(const struct capture *capture, const struct map_batch *batch)
{
	const struct map_unit_layout *layout = &capture->map->layout->unit;
	size_t slots = 0;

	if (capture->whole)
		return batch->count * layout->size;
	for (size_t i = 0; i < batch->count; i++)
		slots += map_live_count(&batch->units[i]);
	return batch->count * MAP_SLOTS + slots * (layout->key_stride + elem_bytes(capture->map));
}

/* Slots are small and of few sizes: copies of constant length take no call. */
static inline void copy_slot(uint8_t *to, const uint8_t *from, size_t size)
{
	switch (size) {
	case 0:
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	case 16:
		memcpy(to, from, 16);
		break;
	case 24:
		memcpy(to, from, 24);
		break;
	case 32:
		memcpy(to, from, 32);
		break;
	default:
		memcpy(to, from, size);
	}
}

static uint8_t *pack_unit(const struct capture *capture, const struct map_unit *unit, uint8_t *to)
{
	const struct map_unit_layout *layout = &capture->map->layout->unit;
	size_t elem = elem_bytes(capture->map);

	if (capture->whole)
		return (uint8_t *)memcpy(to, unit->bytes, layout->size) + layout->size;
	memcpy(to, unit->bytes + layout->control_offset, MAP_SLOTS);
	to += MAP_SLOTS;
	for (unsigned live = unit->live; live != 0; live &= live - 1) {
		unsigned slot = (unsigned)__builtin_ctz(live);

		copy_slot(to, map_key_slot(capture->map, unit, slot), layout->key_stride);
		to += layout->key_stride;
		copy_slot(to, map_elem_slot(capture->map, unit, slot), elem);
		to += elem;
	}
	return to;
}

static const uint8_t *unpack_unit(const struct capture *capture, const struct kept_unit *kept, const uint8_t *from, uint8_t *to)
{
	const struct map_unit_layout *layout = &capture->map->layout->unit;
	size_t elem = elem_bytes(capture->map);

	if (capture->whole) {
		memcpy(to, from, layout->size);
		return from + layout->size;
	}
	memset(to, 0, layout->size);
	memcpy(to + layout->control_offset, from, MAP_SLOTS);
	from += MAP_SLOTS;
	for (unsigned live = kept->live; live != 0; live &= live - 1) {
		size_t slot = (size_t)__builtin_ctz(live);

		copy_slot(to + layout->key_offset + slot * layout->key_stride, from, layout->key_stride);
		from += layout->key_stride;
		copy_slot(to + layout->elem_offset + slot * layout->elem_stride, from, elem);
		from += elem;
	}
	return from;
}

struct error *capture_add(struct capture *capture, const struct map_batch *batch)
{
	const size_t align = sizeof(struct kept_unit);
	size_t size = (batch->count * sizeof(struct kept_unit) + data_size(capture, batch) + align - 1) / align * align;
	bool reserved = size <= capture->reserve_size - capture->reserve_used;
	void *memory;

	if (reserved) {
		memory = capture->reserve + capture->reserve_used;
		capture->reserve_used += size;
	} else {
		TRY(alloc_checked(size, 1, "the copy of a map", &memory));
	}

	struct kept_batch *kept = xcalloc(1, sizeof(*kept));
	bool swiss = capture->map->layout->implementation == MAP_SWISS;

	kept->units = memory;
	kept->data = (uint8_t *)(kept->units + batch->count);
	kept->reserved = reserved;

	uint8_t *to = kept->data;

	kept->unit_count = batch->count;
	for (size_t i = 0; i < batch->count; i++) {
		const struct map_unit *unit = &batch->units[i];

		kept->units[i] = (struct kept_unit){
			.address = unit->address.v,
			.index = unit->index,
			.chain_or_table = swiss ? unit->table : unit->chain,
			.old = unit->old,
			.evacuated = unit->evacuated,
			.waiting = unit->waiting,
			.live = unit->live,
		};
		to = pack_unit(capture, unit, to);
	}
	if (batch->table_count != 0) {
		kept->tables = xreallocarray(NULL, batch->table_count, sizeof(*kept->tables));
		memcpy(kept->tables, batch->tables, batch->table_count * sizeof(*kept->tables));
		kept->table_count = batch->table_count;
	}
	kept->size = size + batch->table_count * sizeof(*kept->tables);
	capture->size += kept->size;
	if (capture->last != NULL)
		capture->last->next = kept;
	else
		capture->first = kept;
	capture->last = kept;
	return NULL;
}

void capture_rewind(struct capture *capture, bool consume)
{
	capture->at = NULL;
	capture->consume = consume;
}

/* The batch behind the one that was handed out last; that one is freed where batches are consumed. */
static struct kept_batch *step(struct capture *capture)
{
	struct kept_batch *before = capture->at;

	capture->at = before ? before->next : capture->first;
	if (before != NULL && capture->consume) {
		capture->first = before->next;
		capture->size -= before->size;
		free_batch(before);
	}
	return capture->at;
}

static struct error *reserve(struct capture *capture, const struct kept_batch *kept)
{
	size_t bytes = kept->unit_count * capture->map->layout->unit.size;

	if (kept->unit_count > capture->unit_capacity) {
		capture->units = xreallocarray(capture->units, kept->unit_count, sizeof(*capture->units));
		capture->unit_capacity = kept->unit_count;
	}
	if (bytes > capture->bytes_capacity) {
		void *room;

		free(capture->bytes);
		capture->bytes = NULL;
		capture->bytes_capacity = 0;
		TRY(alloc_checked(bytes, 1, "the copy of a map", &room));
		capture->bytes = room;
		capture->bytes_capacity = bytes;
	}
	return NULL;
}

struct error *capture_next(struct capture *capture, struct map_batch *out)
{
	const struct kept_batch *kept = step(capture);
	bool swiss = capture->map->layout->implementation == MAP_SWISS;

	*out = (struct map_batch){ 0 };
	if (kept == NULL)
		return NULL;
	TRY(reserve(capture, kept));

	const uint8_t *from = kept->data;
	uint8_t *to = capture->bytes;

	for (size_t i = 0; i < kept->unit_count; i++, to += capture->map->layout->unit.size) {
		const struct kept_unit *unit = &kept->units[i];

		capture->units[i] = (struct map_unit){
			.address = taddr_of(unit->address),
			.bytes = to,
			.index = unit->index,
			.chain = swiss ? 0 : unit->chain_or_table,
			.table = swiss ? unit->chain_or_table : 0,
			.old = unit->old,
			.evacuated = unit->evacuated,
			.waiting = unit->waiting,
			.live = unit->live,
		};
		from = unpack_unit(capture, unit, from, to);
	}
	*out = (struct map_batch){ capture->units, kept->unit_count, kept->tables, kept->table_count };
	return NULL;
}
