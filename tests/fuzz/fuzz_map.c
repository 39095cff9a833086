/*
 * A map of any shape in memory made of the input. Its first bytes choose implementation, machine, version and elem type (by the
 * fourth one it holds sync.Maps); the rest is memory from address 8 on, so that small numbers are good pointers; the header is the first in it.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdlib.h>

#include "../unit/sync_world.h"
#include "map/reader.h"
#include "render/json.h"
#include "render/text.h"
#include "util/alloc.h"
#include "util/limits.h"

enum { SETTINGS = 4, HEADER = 8 };
enum { VALUES_MOST = 1 << 14 };
enum { MEMORY_LIMIT = 1 << 18 }; /* little, so that both ways of reading are gone */
enum { NUMBER, TEXT, SLICE, INNER, ANY, RECORD, WIDE, SYNC, KINDS };

static struct gotype types[KINDS];
static struct gotype_field fields[3];
static struct sync_world sync_maps;

/* The types here are complete; an interface's first word chooses among them. */
struct error *gotype_complete(struct gotype *type)
{
	return type->completed ? NULL : error_new(ERROR_MEMORY, "%s: not completed", type->name);
}

struct error *gotype_of_interface(struct gotype *type, taddr address, const uint8_t *bytes, struct gotype **dynamic,
				  taddr *value, bool *inside)
{
	unsigned word = type->program->machine.word_size;
	uint64_t which = load_word(&type->program->machine, bytes);

	if (which > KINDS)
		return error_new(ERROR_MEMORY, "no type");
	*dynamic = which ? &types[which - 1] : NULL;
	*inside = which != 0 && types[which - 1].size == word;
	*value = *inside ? taddr_add(address, word) : load_address(&type->program->machine, bytes + word);
	return NULL;
}

/* As gotype/sync.c, which looks into the DWARF. */
bool gotype_is_sync(const struct gotype *type)
{
	return type == &types[SYNC];
}

struct error *gotype_sync_layout(struct gotype *type, const struct sync_layout **out)
{
	*out = &sync_maps.layout;
	return gotype_is_sync(type) ? NULL : error_new(ERROR_TARGET, "no sync.Map");
}

static void make_types(struct world *world)
{
	unsigned w = world->program.machine.word_size;

	types[NUMBER] = (struct gotype){ .kind = GO_UINT32, .size = 4 };
	types[TEXT] = (struct gotype){ .kind = GO_STRING, .size = 2 * w };
	types[SLICE] = (struct gotype){ .kind = GO_SLICE, .size = 3 * w, .elem = &types[ANY] };
	types[INNER] = (struct gotype){ .kind = GO_MAP, .size = w, .key = &world->number, .map_layout = &world->layout };
	types[ANY] = (struct gotype){ .kind = GO_INTERFACE, .size = 2 * w };
	types[RECORD] = (struct gotype){ .kind = GO_STRUCT, .size = 7 * w, .fields = fields, .field_count = 3 };
	types[SYNC] = (struct gotype){ .kind = GO_STRUCT, .size = sync_maps.layout.size };
	types[WIDE] = (struct gotype){ .kind = GO_ARRAY, .size = 160 * w, .length = 80, .elem = &types[TEXT] };
	fields[0] = (struct gotype_field){ "text", 0, &types[TEXT], false };
	fields[1] = (struct gotype_field){ "slice", 2 * w, &types[SLICE], false };
	fields[2] = (struct gotype_field){ "any", 5 * w, &types[ANY], false };
	for (int i = 0; i < KINDS; i++) {
		types[i].name = "T";
		types[i].program = &world->program;
		types[i].completed = true;
	}
}

static void make_map(struct world *world, unsigned kind)
{
	struct map_unit_layout *unit = &world->layout.unit;
	unsigned w = world->program.machine.word_size;
	struct gotype *elem = &types[kind];

	world->map.elem = types[INNER].elem = elem;
	world->layout.elem_indirect = elem->size > MAP_INDIRECT_ABOVE;
	unit->elem_stride = world->layout.elem_indirect ? w : (uint32_t)elem->size;
	if (world->layout.implementation == MAP_CLASSIC) {
		unit->overflow_offset = unit->elem_offset + MAP_SLOTS * unit->elem_stride;
		unit->size = unit->overflow_offset + w;
	} else {
		unit->elem_offset = 16;
		unit->elem_stride = unit->key_stride = 8 + (unit->elem_stride + 7) / 8 * 8;
		unit->size = 8 + MAP_SLOTS * unit->key_stride;
	}
}

static void emit_batch(struct value_output *values, const struct go_map *map, const struct map_batch *batch,
		       struct map_scratch *scratch)
{
	for (size_t i = 0; i < batch->count; i++) {
		for (unsigned live = batch->units[i].live; live != 0; live &= live - 1) {
			struct map_entry entry;
			struct error *error = map_entry_load(map, &batch->units[i], (unsigned)__builtin_ctz(live), scratch, &entry);

			if (error == NULL)
				value_emit(values, map->type->elem, entry.elem, entry.elem_address);
			error_free(error);
		}
	}
}

static void decode(struct world *world, struct sink *sink, enum map_walk_what what)
{
	struct findings findings = { 0 };
	struct map_scratch scratch = { 0 };
	struct reader_options options = {
		.what = what, .keys = true, .elems = true, .most_entries = UINT64_MAX, .memory_limit = MEMORY_LIMIT,
		.limits = value_limits_now(), .whole = what == MAP_WALK_ALL,
	};
	struct value_output values = { .sink = sink, .limits = value_limits_now() };
	struct map_batch batch;
	struct reader *reader;
	struct error *error = reader_create(&world->map, taddr_of(HEADER), &options, &findings, &reader);

	if (error == NULL) {
		error = reader_open(reader, taddr_of(HEADER));
		while (error == NULL && (error = reader_next(reader, &batch)) == NULL && batch.count != 0)
			emit_batch(&values, reader_map(reader), &batch, &scratch);
		reader_close(reader);
	}
	error_free(error);
	map_scratch_free(&scratch);
	findings_free(&findings);
}

static void decode_into_nothing(struct world *world)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct output *output = output_create(nowhere);
	struct text text = { output, false };
	struct json *json = json_create(output, false);
	struct sink *sink = json_sink_create(json), *text_sink = text_sink_create(&text);

	json_array_begin(json);
	decode(world, sink, MAP_WALK_LIVE);
	json_array_end(json);
	decode(world, text_sink, MAP_WALK_ALL);
	free(sink);
	free(text_sink);
	json_destroy(json);
	error_free(output_close(output));
	close(nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;

	if (size < SETTINGS)
		return 0;
	/* as the default lets a few bytes keep a sanitized decoder busy for a minute */
	if (!limit_set("values", 6, VALUES_MOST) || !limit_set("elements", 8, VALUES_MOST) || !limit_set("entries", 7, VALUES_MOST))
		abort();
	world_open(&world, data[0] & 1 ? MAP_SWISS : MAP_CLASSIC, data[1] % 2 ? 11 : 23,
		   (struct machine){ .word_size = data[0] & 2 ? 4 : 8, .big_endian = data[0] & 4 });
	sync_world_layout(&sync_maps, &world, data[3] & 2 ? SYNC_TRIE : SYNC_READ_DIRTY, &types[ANY]);
	make_types(&world);
	make_map(&world, data[3] & 1 ? SYNC : data[2] % SYNC);
	fake_put(world.program.memory, taddr_of(HEADER), data + SETTINGS, size - SETTINGS);
	if (data[0] & 8) {
		world.plain_ops = *world.program.memory->ops;
		world.plain_ops.view = NULL;
		world.program.memory->ops = &world.plain_ops;
	}
	decode_into_nothing(&world);
	world_close(&world);
	return 0;
}
