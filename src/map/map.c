#include "map/map.h"

#include <stdlib.h>

#include "util/alloc.h"

/* User addresses have no more bits on any 64-bit machine that Go runs on (s390x, and amd64 with 5 levels, have more, unused by Go). */
enum { ADDRESS_BITS = 48 };

static struct error *contradiction(const struct go_map *map, const char *format, ...) PRINTF(2, 3);
static struct error *contradiction(const struct go_map *map, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *why = xvasprintf(format, arguments);
	va_end(arguments);

	struct error *error = error_new(ERROR_MEMORY, "map header at 0x%llx: %s", (unsigned long long)map->address.v, why);

	free(why);
	return error;
}

static uint64_t field(const struct go_map *map, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&map->program->machine, bytes + at.offset, at.size);
}

static bool fits_memory(uint64_t count, uint64_t size)
{
	uint64_t bytes;

	return !__builtin_mul_overflow(count, size, &bytes) && bytes < UINT64_C(1) << ADDRESS_BITS;
}

static struct error *open_classic(struct go_map *map, const uint8_t *bytes)
{
	const struct classic_header_layout *at = &map->layout->classic;
	struct classic_header *header = &map->classic;

	map->length = field(map, bytes, at->count);
	header->flags = (uint8_t)field(map, bytes, at->flags);
	header->b = (uint8_t)field(map, bytes, at->b);
	header->noverflow = (uint16_t)field(map, bytes, at->noverflow);
	header->hash0 = (uint32_t)field(map, bytes, at->hash0);
	header->buckets = taddr_of(field(map, bytes, at->buckets));
	header->old_buckets = taddr_of(field(map, bytes, at->oldbuckets));
	header->nevacuate = field(map, bytes, at->nevacuate);
	header->extra = taddr_of(field(map, bytes, at->extra));

	if (header->b >= ADDRESS_BITS || !fits_memory(UINT64_C(1) << header->b, map->layout->unit.size))
		return contradiction(map, "B is %u: no memory holds 2^%u buckets of %u bytes", header->b, header->b,
				     map->layout->unit.size);
	header->bucket_count = UINT64_C(1) << header->b;
	if (header->old_buckets.v != 0) {
		if (!(header->flags & CLASSIC_SAME_SIZE_GROW) && header->b == 0)
			return contradiction(map, "it grows to one bucket");
		header->old_count = header->bucket_count >> (header->flags & CLASSIC_SAME_SIZE_GROW ? 0 : 1);
	}
	if (header->buckets.v == 0) {
		if (map->length != 0)
			return contradiction(map, "%llu entries, but no buckets", (unsigned long long)map->length);
		header->bucket_count = 0; /* allocated at the first insert */
	}
	return NULL;
}

static struct error *open_swiss(struct go_map *map, const uint8_t *bytes)
{
	const struct swiss_header_layout *at = &map->layout->swiss;
	struct swiss_header *header = &map->swiss;

	map->length = field(map, bytes, at->used);
	header->seed = field(map, bytes, at->seed);
	header->directory = taddr_of(field(map, bytes, at->dir_ptr));
	header->dir_len = field(map, bytes, at->dir_len);
	header->global_depth = (uint8_t)field(map, bytes, at->global_depth);
	header->global_shift = (uint8_t)field(map, bytes, at->global_shift);
	header->writing = (uint8_t)field(map, bytes, at->writing);
	header->tombstone_possible = field(map, bytes, at->tombstone_possible) != 0;
	header->clear_seq = field(map, bytes, at->clear_seq);

	if (header->directory.v == 0 && (map->length != 0 || header->dir_len != 0))
		return contradiction(map, "%llu entries and a directory of %llu tables, but no directory",
				     (unsigned long long)map->length, (unsigned long long)header->dir_len);
	if (header->dir_len == 0) {
		if (map->length > MAP_SLOTS)
			return contradiction(map, "%llu entries in one group of %d slots",
					     (unsigned long long)map->length, MAP_SLOTS);
		return NULL;
	}
	if (header->global_depth >= ADDRESS_BITS || header->dir_len != UINT64_C(1) << header->global_depth ||
	    !fits_memory(header->dir_len, map->program->machine.word_size))
		return contradiction(map, "a directory of %llu tables does not fit its depth %u",
				     (unsigned long long)header->dir_len, header->global_depth);
	return NULL;
}

struct error *map_open(struct gotype *type, taddr address, struct go_map *out)
{
	uint8_t bytes[512];
	struct program *program = type->program;

	TRY(gotype_complete(type));
	if (type->kind != GO_MAP || type->map_layout == NULL)
		return error_new(ERROR_TARGET, "%s is not a map type", type->name);

	struct go_map map = { .program = program, .type = type, .layout = type->map_layout, .address = address };

	if (address.v != 0) {
		struct error *error = target_read(program->memory, address, bytes, map.layout->header_size);

		if (error != NULL)
			return error_wrap(error, "map header at 0x%llx", (unsigned long long)address.v);
		TRY(map.layout->implementation == MAP_CLASSIC ? open_classic(&map, bytes) : open_swiss(&map, bytes));
	}
	*out = map;
	return NULL;
}

bool map_being_written(const struct go_map *map)
{
	if (map->address.v == 0)
		return false;
	return map->layout->implementation == MAP_CLASSIC ? (map->classic.flags & CLASSIC_HASH_WRITING) != 0
							  : map->swiss.writing != 0;
}

uint8_t classic_min_tophash(const struct program *program)
{
	return program->version->tophash == TOPHASH_EMPTY_ZERO ? 4 : 5;
}

static enum slot_state classic_state(const struct program *program, uint8_t tophash, const char **name)
{
	struct row {
		enum slot_state state;
		const char *name;
	};
	static const struct row empty_zero[] = {
		{ SLOT_EMPTY, "empty" },
		{ SLOT_EVACUATED_EMPTY, "evacuatedEmpty" },
		{ SLOT_EVACUATED, "evacuatedX" },
		{ SLOT_EVACUATED, "evacuatedY" },
	};
	static const struct row empty_rest[] = {
		{ SLOT_EMPTY, "emptyRest" },
		{ SLOT_DELETED, "emptyOne" },
		{ SLOT_EVACUATED, "evacuatedX" },
		{ SLOT_EVACUATED, "evacuatedY" },
		{ SLOT_EVACUATED_EMPTY, "evacuatedEmpty" },
	};
	const struct row *row = program->version->tophash == TOPHASH_EMPTY_ZERO ? empty_zero : empty_rest;

	if (tophash >= classic_min_tophash(program)) {
		*name = "live";
		return SLOT_LIVE;
	}
	*name = row[tophash].name;
	return row[tophash].state;
}

/* internal/runtime/maps/group.go: ctrlEmpty, ctrlDeleted; a full slot's byte is H2. */
static enum slot_state swiss_state(uint8_t control, const char **name)
{
	enum { CONTROL_EMPTY = 0x80, CONTROL_DELETED = 0xfe };

	if (control < CONTROL_EMPTY) {
		*name = "live";
		return SLOT_LIVE;
	}
	*name = control == CONTROL_EMPTY ? "empty" : control == CONTROL_DELETED ? "deleted" : "unknown";
	return control == CONTROL_EMPTY ? SLOT_EMPTY : control == CONTROL_DELETED ? SLOT_DELETED : SLOT_BAD;
}

enum slot_state map_slot_state(const struct go_map *map, uint8_t control, const char **name)
{
	return map->layout->implementation == MAP_CLASSIC ? classic_state(map->program, control, name)
							  : swiss_state(control, name);
}
