#include "heap/types.h"

#include <stdlib.h>
#include <string.h>

#include "heap/types_private.h"
#include "layout/map.h"
#include "util/alloc.h"
#include "util/limits.h"

/* Types and forms of them; a real program has some ten thousand types. */

struct heap_types *heap_types_create(struct program *program)
{
	struct heap_types *types = xcalloc(1, sizeof(*types));

	types->program = program;
	types->closures = closures_create(program);
	types->capacity = types->count = 1; /* 0 is no type */
	types->items = xcalloc(1, sizeof(*types->items));
	types->items[0].complete = true;
	return types;
}

void heap_types_use_stack(struct heap_types *types, struct stack *stack)
{
	types->stack = stack;
}

void heap_types_free(struct heap_types *types)
{
	if (types == NULL)
		return;
	for (size_t i = 0; i < types->count; i++) {
		free(types->items[i].words);
		free(types->items[i].syncs);
	}
	free(types->items);
	closures_destroy(types->closures);
	free(types->maps);
	free(types->described);
	table_free(&types->by_type);
	table_free(&types->by_function);
	table_free(&types->by_eface);
	table_free(&types->by_iface);
	table_free(&types->by_descriptor);
	table_free(&types->maps_by_unit);
	table_free(&types->maps_by_descriptor);
	free(types);
}

static heap_type_id add(struct heap_types *types, const struct heap_type *type)
{
	if (limit_reached(LIMIT_TYPES, types->count))
		return 0;
	ARRAY_RESERVE(types->items, types->count, types->capacity);
	types->items[types->count] = *type;
	return (heap_type_id)types->count++;
}

/* Whether values of the type can lead anywhere. A type that cannot be understood cannot. */
static bool has_pointers(struct gotype *type)
{
	const struct gotype_traits *traits;
	struct error *error = gotype_traits(type, &traits);
	bool pointers = error == NULL && traits->pointers;

	error_free(error);
	return pointers;
}

static bool is_understood(struct gotype *type)
{
	struct error *error = gotype_complete(type);
	bool understood = error == NULL;

	error_free(error);
	return understood;
}

const struct sync_layout *sync_layout_of(struct gotype *type)
{
	const struct sync_layout *layout = NULL;
	struct error *error = gotype_is_sync(type) ? gotype_sync_layout(type, &layout) : NULL;

	if (error != NULL)
		layout = NULL;
	error_free(error);
	return layout;
}

/* Of one value, unit or pointer. */
static uint64_t size_of(const struct heap_types *types, enum heap_form form, struct gotype *type)
{
	switch (form) {
	case HEAP_VALUE:
	case HEAP_VALUES:
		return type->size;
	case HEAP_MAP:
		return type->map_layout->header_size;
	case HEAP_UNITS:
		return type->map_layout->unit.size;
	case HEAP_TABLE:
		return type->map_layout->swiss.table_size;
	case HEAP_SYNC_NODE:
	case HEAP_SYNC_INDIRECT:
	case HEAP_SYNC_ENTRY:
		return sync_layout_of(type) == NULL	      ? 0
		       : form == HEAP_SYNC_ENTRY ? sync_layout_of(type)->entry_size
							      : sync_layout_of(type)->node_size;
	default:
		return types->program->machine.word_size;
	}
}

/* Types of generic code that several types share: what their values really are is not said. */
static bool is_shape(const struct gotype *type)
{
	return strstr(type->name, "go.shape.") != NULL;
}

/* Pointer-free values lead nowhere; maps and channels that hold nothing else are of interest themselves. */
static bool is_of_interest(enum heap_form form, struct gotype *type)
{
	if (is_shape(type))
		return false;
	if (form == HEAP_VALUE || form == HEAP_VALUES)
		return type->size != 0 && has_pointers(type);
	if (!is_understood(type))
		return false;
	if (form == HEAP_SYNC_NODE || form == HEAP_SYNC_INDIRECT || form == HEAP_SYNC_ENTRY)
		return sync_layout_of(type) != NULL && sync_layout_of(type)->form == SYNC_TRIE;
	if (form == HEAP_CHANNEL || form == HEAP_SENDER)
		return type->elem != NULL && has_pointers(type->elem);
	if (type->kind != GO_MAP || type->map_layout == NULL)
		return false;
	return form == HEAP_MAP || has_pointers(type->key) || has_pointers(type->elem);
}

heap_type_id heap_type_of(struct heap_types *types, enum heap_form form, struct gotype *type)
{
	/* types are allocated 16 bytes apart: the form fits in between */
	uint64_t key = (uintptr_t)type + form;
	const uint64_t *known = table_get(&types->by_type, key);

	if (known != NULL)
		return (heap_type_id)*known;

	heap_type_id id = 0;

	if (is_of_interest(form, type)) {
		struct heap_type item = { .form = form, .type = type, .size = size_of(types, form, type) };

		item.repeats = form == HEAP_VALUES || form == HEAP_UNITS || form == HEAP_DIRECTORY;
		id = add(types, &item);
	}
	table_put(&types->by_type, key, id);
	return id;
}

heap_type_id heap_type_of_object(struct heap_types *types, heap_type_id id, const uint8_t *bytes, size_t length)
{
	const struct heap_type *type = &types->items[id];
	const struct machine *machine = &types->program->machine;

	if (type->form == HEAP_FUNCTION && type->function == 0 && length >= machine->word_size)
		return heap_type_of_function(types, load_word(machine, bytes));
	if (type->form != HEAP_SYNC_NODE)
		return id;

	const struct sync_layout *layout = sync_layout_of(type->type);
	struct gotype *map = type->type;

	if (layout->is_entry.offset + layout->is_entry.size > length)
		return 0;
	return heap_type_of(types, bytes[layout->is_entry.offset] ? HEAP_SYNC_ENTRY : HEAP_SYNC_INDIRECT, map);
}

heap_type_id heap_type_of_function(struct heap_types *types, uint64_t function)
{
	const uint64_t *known = table_get(&types->by_function, function);

	if (known != NULL)
		return (heap_type_id)*known;
	/* a dead variable of a frame is no func value any more, whatever it leads to now */
	if (function != 0 && !closures_is_code(types->closures, function))
		return 0;

	struct gotype *object = function ? closures_type(types->closures, function) : NULL;
	struct heap_type item = { .form = HEAP_FUNCTION, .type = object, .function = function };

	item.size = object ? object->size : types->program->machine.word_size;
	heap_type_id id = add(types, &item);

	table_put(&types->by_function, function, id);
	return id;
}

struct gotype *heap_closure_struct(const struct heap_types *types, uint64_t function)
{
	return closures_type(types->closures, function);
}

const struct heap_type *heap_type_at(const struct heap_types *types, heap_type_id id)
{
	return &types->items[id];
}

const struct heap_type *heap_type_complete(struct heap_types *types, heap_type_id id)
{
	if (!types->items[id].complete)
		heap_type_fill(types, id);
	return &types->items[id];
}

/* --- from the words that name types in memory ------------------------------------------------------------------- */

/* What the one word of a value leads to that is its own interface's data word: a pointer, a map, a struct of one of these. */
static heap_type_id behind_direct(struct heap_types *types, struct gotype *type)
{
	heap_type_id id = heap_type_of(types, HEAP_VALUE, type);
	const struct heap_type *value = heap_type_complete(types, id);

	return value->word_count == 1 && value->words[0].kind == HEAP_WORD_POINTER ? value->words[0].target : 0;
}

static heap_type_id find_dynamic(struct heap_types *types, bool has_methods, uint64_t word)
{
	unsigned size = types->program->machine.word_size;
	struct gotype interface = { .program = types->program, .kind = GO_INTERFACE, .completed = true, .has_methods = has_methods };
	struct gotype *dynamic;
	uint8_t bytes[16] = { 0 };
	taddr value;
	bool inside;

	store_word(&types->program->machine, bytes, word);
	store_word(&types->program->machine, bytes + size, 1);

	struct error *error = gotype_of_interface(&interface, taddr_of(0), bytes, &dynamic, &value, &inside);

	if (error != NULL || dynamic == NULL) {
		error_free(error);
		return 0;
	}
	return inside ? behind_direct(types, dynamic) : heap_type_of(types, HEAP_VALUE, dynamic);
}

heap_type_id heap_type_of_interface(struct heap_types *types, bool has_methods, uint64_t word)
{
	struct table *table = has_methods ? &types->by_iface : &types->by_eface;
	const uint64_t *known = table_get(table, word);

	if (known != NULL)
		return (heap_type_id)*known;

	heap_type_id id = find_dynamic(types, has_methods, word);

	table_put(table, word, id);
	return id;
}

/* reflect/value.go, flag: the kind, then bits, of which one says that the word leads to the value; a method's number above. */
heap_type_id heap_type_of_reflected(struct heap_types *types, uint64_t word, uint64_t flags)
{
	enum { KIND_MASK = 0x1f, INDIRECT = 1 << 7, METHOD = 1 << 9 };
	struct gotype *type;

	if (word == 0 || flags >= METHOD || (flags & KIND_MASK) == GO_INVALID ||
	    gotype_kind_at(types->program, taddr_of(word)) != (flags & KIND_MASK))
		return 0;
	if (!(flags & INDIRECT))
		return heap_type_of_interface(types, false, word);

	struct error *error = gotype_of_descriptor(types->program, taddr_of(word), &type);
	heap_type_id id = error == NULL ? heap_type_of(types, HEAP_VALUE, type) : 0;

	error_free(error);
	return id;
}

heap_type_id heap_type_of_descriptor(struct heap_types *types, taddr descriptor)
{
	const uint64_t *known = table_get(&types->by_descriptor, descriptor.v);

	if (known != NULL)
		return (heap_type_id)*known;

	struct gotype *type = heap_map_of_unit(types, descriptor);
	heap_type_id id = 0;

	if (type != NULL) {
		id = heap_type_of(types, HEAP_UNITS, type);
	} else {
		struct error *error = gotype_of_descriptor(types->program, descriptor, &type);

		id = error == NULL ? heap_type_of(types, HEAP_VALUES, type) : 0;
		error_free(error);
	}
	table_put(&types->by_descriptor, descriptor.v, id);
	return id;
}
