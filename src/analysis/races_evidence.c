/*
 * Map, type and key of an operation, from the frames of the functions that do it and from the variables of their
 * caller.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/list.h"
#include "analysis/races_private.h"
#include "gotype/sync.h"
#include "map/sync_map.h"
#include "stack/frame_rules.h"
#include "stack/variables.h"
#include "util/alloc.h"

/* Keys that are kept: as large as a key in a map's own memory may be, and some. */
enum { KEY_MOST = 4096 };

struct search {
	struct program *program;
	struct race_operation *operation;
	const struct race_inside *inside; /* the frame that is looked at */
	uint64_t map, descriptor;         /* 0: not found */
	enum race_evidence evidence;
	enum race_key key_kind;           /* NO_KEY: not found */
	uint8_t key[16];
};

/* --- words of variables ----------------------------------------------------------------------------------------- */

static bool load_variable(const struct program *program, const struct stack_variable *variable, void *to, size_t length)
{
	if (variable->type->size < length)
		return false;
	if (variable->where == STACK_IN_MEMORY)
		return target_read_some(program->memory, variable->address, to, length) == length;
	if (variable->where != STACK_IN_BYTES || memchr(variable->known, 0, length) != NULL)
		return false;
	memcpy(to, variable->bytes, length);
	return true;
}

static bool load_variable_word(const struct program *program, const struct stack_variable *variable, uint64_t *out)
{
	uint8_t bytes[8];

	if (!load_variable(program, variable, bytes, program->machine.word_size))
		return false;
	*out = load_word(&program->machine, bytes);
	return true;
}

/* What the variable points to, by name; "" where it is no pointer. */
static const char *target_name(struct gotype *type)
{
	if (type->kind != GO_POINTER)
		return "";

	struct error *error = gotype_complete(type);

	if (error == NULL && type->elem != NULL)
		return type->elem->name;
	error_free(error);
	return "";
}

/* --- parameters where the DWARF says ---------------------------------------------------------------------------- */

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static bool is_map(const char *name)
{
	static const char *const names[] = { "runtime.hmap", "internal/runtime/maps.Map", NULL };

	return is_one_of(name, names);
}

static bool is_iterator(const char *name)
{
	static const char *const names[] = { "runtime.hiter", "internal/runtime/maps.Iter", NULL };

	return is_one_of(name, names);
}

static bool is_descriptor(const char *name)
{
	static const char *const names[] = { "runtime.maptype", "internal/abi.MapType", "internal/abi.SwissMapType",
					     "internal/abi.OldMapType", NULL };

	return is_one_of(name, names);
}

static bool is_sync(const char *name)
{
	return strcmp(name, "sync.Map") == 0 || strstr(name, ".HashTrieMap[") != NULL;
}

static uint64_t word_at(const struct program *program, uint64_t address)
{
	uint64_t word = 0;

	error_free(target_read_word(program->memory, taddr_of(address), &word));
	return word;
}

/* One of two fields that versions name differently; 0 where the iterator has none of them. */
static uint64_t field_of(const struct program *program, struct gotype *type, uint64_t address, const char *name,
			 const char *other)
{
	int index = gotype_field_find(type, name);

	if (index < 0)
		index = gotype_field_find(type, other);
	return index < 0 ? 0 : word_at(program, address + type->fields[index].offset);
}

static void take_iterator(struct search *search, struct gotype *type, uint64_t address)
{
	struct error *error = gotype_complete(type);
	uint64_t map = error == NULL ? field_of(search->program, type, address, "h", "m") : 0;

	error_free(error);
	if (map == 0 || search->map != 0)
		return;
	search->map = map;
	search->descriptor = field_of(search->program, type, address, "t", "typ");
	search->evidence = RACE_ITERATOR;
}

static void take_key(struct search *search, const struct stack_variable *variable)
{
	static const char *const names[] = { "key", "s", "ky", NULL };
	enum race_key kind = race_key_of(search->inside->function, search->inside->frame.function);
	size_t word = search->program->machine.word_size;
	size_t length = kind == RACE_KEY_STRING ? 2 * word : kind == RACE_KEY_POINTER ? word : variable->type->size;

	if (search->key_kind != RACE_NO_KEY || kind == RACE_NO_KEY || !is_one_of(variable->name, names) ||
	    length > sizeof(search->key))
		return;
	if (load_variable(search->program, variable, search->key, length))
		search->key_kind = kind;
}

static bool take_parameter(void *context, const struct stack_variable *variable)
{
	struct search *search = context;
	const char *target = target_name(variable->type);
	uint64_t word;

	if (!variable->parameter || variable->where == STACK_GONE)
		return true;
	take_key(search, variable);
	if (*target == '\0' || !load_variable_word(search->program, variable, &word) || word == 0)
		return true;
	if (search->operation->sync ? is_sync(target) : is_map(target)) {
		if (search->map == 0) {
			search->map = word;
			search->evidence = RACE_PARAMETER;
		}
	} else if (is_descriptor(target) && search->descriptor == 0) {
		search->descriptor = word;
	} else if (is_iterator(target)) {
		take_iterator(search, variable->type->elem, word);
	}
	return true;
}

/* --- types ------------------------------------------------------------------------------------------------------ */

/* The map type of a descriptor; NULL where it is none. */
static struct gotype *type_of(struct program *program, uint64_t descriptor)
{
	struct gotype *type;
	struct error *error = descriptor ? gotype_of_descriptor(program, taddr_of(descriptor), &type) : NULL;

	if (descriptor != 0 && error == NULL && type->kind == GO_MAP)
		return type;
	error_free(error);
	return NULL;
}

/* Whether a sound map of the type is there. */
static bool is_sound(struct gotype *type, uint64_t header, struct go_map *out)
{
	struct error *error = header % type->program->machine.word_size == 0 && header != 0
				      ? map_open(type, taddr_of(header), out)
				      : error_new(ERROR_MEMORY, "no address");
	bool sound = error == NULL;

	error_free(error);
	return sound;
}

static bool is_sound_sync(struct gotype *type, uint64_t address)
{
	struct sync_map map;
	struct error *error =
		address != 0 ? sync_map_open(type, taddr_of(address), &map) : error_new(ERROR_MEMORY, "no address");
	bool sound = error == NULL;

	error_free(error);
	return sound;
}

/* --- where functions put their parameters ----------------------------------------------------------------------- */

uint64_t race_slots(const struct program *program, const struct stack_frame *frame)
{
	const struct frame_rules *rules = frame_rules_find(&program->machine, program->version->minor);
	unsigned reserved = rules ? rules->reserved : 0;

	return frame->sp ? frame->sp + (uint64_t)reserved * program->machine.word_size : 0;
}

/*
 * Up to Go 1.16 arguments lie above the return address, on machines without registers for them still. Since then they
 * come in registers, and have places in the same order there, where the function puts them when it calls others
 * (abi-internal.md, "spill space"): when it grew its stack, or while it hashes the key. Where the DWARF says nothing any
 * more the bytes may still be there, or be those of an earlier call: so they count only if they make a sound map.
 */
static void take_slots(struct search *search, const struct race_inside *inside)
{
	const struct program *program = search->program;
	unsigned word = program->machine.word_size;
	uint64_t slots = race_slots(program, &inside->frame), map, descriptor;
	struct go_map opened;
	struct gotype *type;

	if (slots == 0 || search->map != 0 ||
	    (inside->function->shape != RACE_TYPE_MAP && inside->function->shape != RACE_MAP_TYPE))
		return;
	descriptor = word_at(program, inside->function->shape == RACE_TYPE_MAP ? slots : slots + word);
	map = word_at(program, inside->function->shape == RACE_TYPE_MAP ? slots + word : slots);
	type = type_of(search->program, descriptor);
	if (type == NULL || !is_sound(type, map, &opened))
		return;
	search->map = map;
	search->descriptor = descriptor;
	search->evidence = RACE_SLOT;
}

/* Before Go 1.17 keys too were passed above the return address, and functions leave them there. */
static void take_key_slot(struct search *search, const struct race_inside *inside)
{
	const struct program *program = search->program;
	enum race_key kind = race_key_of(inside->function, inside->frame.function);
	unsigned word = program->machine.word_size;
	size_t length = kind == RACE_KEY_STRING ? 2 * word : word;
	uint64_t slots = race_slots(program, &inside->frame);

	if (program->version->minor >= 17 || slots == 0 || kind == RACE_NO_KEY ||
	    search->key_kind != RACE_NO_KEY)
		return;
	if (target_read_some(program->memory, taddr_of(slots + 2 * word), search->key, length) == length)
		search->key_kind = kind;
}

static void take_sync_slot(struct search *search, const struct race_inside *inside, struct gotype *type)
{
	uint64_t slots = race_slots(search->program, &inside->frame), map = slots ? word_at(search->program, slots) : 0;

	if (search->map != 0 || inside->function->shape != RACE_SYNC || !is_sound_sync(type, map))
		return;
	search->map = map;
	search->evidence = RACE_SLOT;
}

/* --- the caller's variables ------------------------------------------------------------------------------------- */

struct caller_maps {
	uint64_t wanted;    /* the header whose name is looked for; 0: any */
	struct gotype *type; /* that it must be of; NULL: any */
	uint64_t map;       /* that was found */
	struct gotype *found;
	char *name;
	bool several;
};

static bool same_type(struct gotype *a, struct gotype *b)
{
	return a == b || strcmp(a->name, b->name) == 0 ||
	       (a->key != NULL && b->key != NULL && strcmp(a->key->name, b->key->name) == 0 &&
		strcmp(a->elem->name, b->elem->name) == 0);
}

static bool note_map(void *context, const struct listed_map *map)
{
	struct caller_maps *maps = context;

	if (map->type->kind != GO_MAP || map->gone || map->error != NULL || map->address.v == 0 ||
	    (maps->wanted != 0 && map->address.v != maps->wanted) ||
	    (maps->type != NULL && !same_type(maps->type, map->type)))
		return true;
	maps->several |= maps->map != 0 && maps->map != map->address.v;
	if (maps->map == 0) {
		maps->map = map->address.v;
		maps->found = map->type;
		maps->name = xstrdup(map->name);
	}
	return true;
}

static struct error *look_in_caller(struct search *search, const struct race_group *group)
{
	struct race_operation *operation = search->operation;
	struct caller_maps maps = { .wanted = search->map,
				   .type = search->map ? NULL : type_of(search->program, search->descriptor) };

	if (!group->has_caller || operation->sync)
		return NULL;
	TRY(list_frame(search->program, &group->caller, note_map, &maps));
	if (maps.several && search->map == 0)
		operation->missing = xstrdup("its parameters are gone, and its caller has several maps");
	if (maps.map == 0 || (maps.several && search->map == 0)) {
		free(maps.name);
		return NULL;
	}
	if (search->map == 0)
		search->evidence = RACE_CALLER;
	search->map = maps.map;
	operation->variable = maps.name;
	operation->type = maps.found; /* the name as in the source, with whole paths */
	return NULL;
}

/* --- putting it together ---------------------------------------------------------------------------------------- */

static void set_key(struct search *search)
{
	struct race_operation *operation = search->operation;
	struct gotype *key = operation->type->key;
	struct program *program = search->program;
	taddr address = { 0 };
	uint8_t *bytes;

	if (search->key_kind == RACE_NO_KEY || key == NULL || key->size > KEY_MOST)
		return;
	if (search->key_kind != RACE_KEY_POINTER && key->size > sizeof(search->key))
		return;
	bytes = xcalloc(1, key->size + 1);
	if (search->key_kind == RACE_KEY_POINTER) {
		address = load_address(&program->machine, search->key);
		if (target_read_some(program->memory, address, bytes, key->size) != key->size) {
			free(bytes);
			return;
		}
	} else {
		memcpy(bytes, search->key, key->size);
	}
	operation->key = bytes;
	operation->key_address = address;
}

static void read_header(struct race_operation *operation)
{
	struct go_map map = { 0 };

	operation->sound = is_sound(operation->type, operation->map.v, &map);
	operation->writing = operation->sound && map_being_written(&map);
	operation->length = map.length;
}

static void set_map(struct search *search)
{
	struct race_operation *operation = search->operation;

	operation->map = taddr_of(search->map);
	operation->evidence = search->evidence;
	if (operation->type == NULL && !operation->sync)
		operation->type = type_of(search->program, search->descriptor);
	if (operation->type == NULL || operation->sync)
		return;
	read_header(operation);
	set_key(search);
}

void race_set_type(struct race_operation *operation, struct gotype *type)
{
	if (operation->type != NULL || operation->sync || type->kind != GO_MAP)
		return;
	operation->type = type;
	read_header(operation);
}

static struct error *look_at_parameters(struct search *search, const struct race_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		search->inside = &group->inside[i];
		TRY(stack_each_variable(search->program->stack, &group->inside[i].frame, take_parameter, search));
	}
	return NULL;
}

static void look_at_slots(struct search *search, const struct race_group *group)
{
	struct gotype *sync = NULL;

	if (search->operation->sync)
		error_free(program_type_named(search->program, "sync.Map", &sync));
	search->operation->type = sync;
	for (size_t i = 0; i < group->count; i++) {
		if (sync != NULL)
			take_sync_slot(search, &group->inside[i], sync);
		if (search->operation->sync)
			continue;
		take_slots(search, &group->inside[i]);
		take_key_slot(search, &group->inside[i]);
	}
}

struct error *race_find_evidence(struct program *program, const struct race_group *group,
				 struct race_operation *operation)
{
	struct search search = { .program = program, .operation = operation };

	TRY(look_at_parameters(&search, group));
	look_at_slots(&search, group);
	TRY(look_in_caller(&search, group));
	if (search.map != 0)
		set_map(&search);
	else if (operation->missing == NULL)
		operation->missing =
			xstrdup("its parameters are gone by then, and no variable of its caller leads to a map");
	if (search.map == 0 && operation->type == NULL)
		operation->type = type_of(program, search.descriptor);
	return NULL;
}
