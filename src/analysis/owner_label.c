/* What Go source calls a word, by the type that it belongs to. */
#include <string.h>

#include "analysis/literal_text.h"
#include "analysis/owner_private.h"
#include "gotype/sync.h"
#include "layout/map.h"
#include "map/map.h"
#include "stack/roots.h"
#include "util/alloc.h"
#include "util/sorted.h"

/* Pointers from data to data; indirect keys of more bytes make no names. */
enum { DATA_HOPS = 8, KEY_LIMIT = 4096 };

/* What a sync.Map is made of is not named: its entries are those of the map. */
static bool is_inside_sync(const struct gotype *type)
{
	return gotype_is_sync(type) || strcmp(type->name, "sync.readOnly") == 0 || strcmp(type->name, "sync.entry") == 0;
}

/* The part of a value of `type` that lies at `offset`: .field[3].other */
static void name_part(struct owner_view *view, struct gotype *type, uint64_t offset)
{
	const struct gotype *holder = type; /* the struct that the part is a field of */

	for (;;) {
		struct error *error = gotype_complete(type);
		const struct gotype_field *field = NULL;

		error_free(error);
		if (is_inside_sync(type))
			return;
		if (type->kind == GO_UNSAFE_POINTER && gotype_atomic_pointer(holder) == NULL)
			view->exact = false;
		if (type->kind == GO_ARRAY && type->elem != NULL && type->elem->size != 0) {
			buffer_append_format(view->text, "[%llu]", (unsigned long long)(offset / type->elem->size));
			offset %= type->elem->size;
			type = type->elem;
			continue;
		}
		for (size_t i = 0; type->kind == GO_STRUCT && i < type->field_count; i++)
			if (offset >= type->fields[i].offset && offset - type->fields[i].offset < type->fields[i].type->size)
				field = &type->fields[i];
		if (field == NULL)
			return;
		view->exact &= strcmp(field->name, "_") != 0;
		buffer_append_format(view->text, ".%s", field->name);
		offset -= field->offset;
		holder = type;
		type = field->type;
	}
}

/* --- slots of maps -------------------------------------------------------------------------------------------------------- */

static bool append_key(struct owner_view *view, struct gotype *map, uint64_t address)
{
	struct program *program = view->owners->program;
	uint8_t bytes[KEY_LIMIT];
	uint64_t at = address;

	if (map->key->size > sizeof(bytes))
		return false;
	if (map->map_layout->key_indirect) {
		struct error *error = target_read_word(program->memory, taddr_of(address), &at);

		if (error != NULL) {
			error_free(error);
			return false;
		}
	}
	return target_read_some(program->memory, taddr_of(at), bytes, (size_t)map->key->size) == map->key->size &&
	       literal_text(map->key, bytes, taddr_of(at), view->text);
}

/* A word of a bucket or group: of which slot, key or elem? */
static void label_unit(struct owner_view *view, struct gotype *map, uint64_t address)
{
	const struct map_layout *layout = map->map_layout;
	const struct map_unit_layout *unit = &layout->unit;
	uint64_t start = view->base + (address - view->base) / unit->size * unit->size, offset = address - start;
	uint64_t key_size = layout->key_indirect ? 8 : map->key->size, elem_size = layout->elem_indirect ? 8 : map->elem->size;

	for (uint64_t i = 0; i < MAP_SLOTS; i++) {
		uint64_t key = unit->key_offset + i * unit->key_stride, elem = unit->elem_offset + i * unit->elem_stride;
		bool in_key = offset >= key && offset - key < key_size, in_elem = offset >= elem && offset - elem < elem_size;

		if (!in_key && !in_elem)
			continue;
		buffer_append_text(view->text, in_key ? "[key " : "[");
		if (!append_key(view, map, start + key)) {
			buffer_append_format(view->text, "key at 0x%llx", (unsigned long long)(start + key));
			view->exact = false;
		}
		buffer_append_text(view->text, "]");
		view->exact &= in_elem;
		if (in_elem && !layout->elem_indirect)
			name_part(view, map->elem, offset - elem);
		return;
	}
}

/* --- words of any type ------------------------------------------------------------------------------------------------------ */

static uint64_t read_word(struct owners *owners, uint64_t address)
{
	uint64_t word = 0;

	error_free(target_read_word(owners->program->memory, taddr_of(address), &word));
	return word;
}

/* What the word leads to, by the type that it is a word of. */
static heap_type_id target_of(struct owner_view *view, const struct heap_type *type, uint64_t address)
{
	struct owners *owners = view->owners;
	unsigned size = owners->program->machine.word_size;
	uint64_t offset = type->repeats ? (address - view->base) % type->size : address - view->base;

	for (uint32_t i = 0; i < type->word_count; i++) {
		const struct heap_word *word = &type->words[i];
		bool interface = word->kind == HEAP_WORD_EFACE || word->kind == HEAP_WORD_IFACE;

		if (interface && offset == word->offset + size)
			return heap_type_of_interface(owners->types, word->kind == HEAP_WORD_IFACE,
						      read_word(owners, address - size));
		if (word->offset != offset || interface)
			continue;
		if (word->kind == HEAP_WORD_DIRECTORY) {
			const struct swiss_header_layout *at = &type->type->map_layout->swiss;

			if (read_word(owners, address - at->dir_ptr.offset + at->dir_len.offset) != 0)
				return heap_type_of(owners->types, HEAP_DIRECTORY, type->type);
		}
		return word->target;
	}
	return 0;
}

static void label_sync_entry(struct owner_view *view, struct gotype *type, uint64_t offset)
{
	const struct sync_layout *layout = NULL;
	uint8_t bytes[KEY_LIMIT];

	error_free(gotype_sync_layout(type, &layout));
	if (layout == NULL || offset < layout->key_offset || layout->key->size > sizeof(bytes))
		return; /* the pointer to the next entry of the same hash */

	uint64_t key = view->base + layout->key_offset, size = layout->key->size;
	bool in_key = offset - layout->key_offset < size;

	buffer_append_text(view->text, in_key ? "[key " : "[");
	if (target_read_some(view->owners->program->memory, taddr_of(key), bytes, (size_t)size) != size ||
	    !literal_text(layout->key, bytes, taddr_of(key), view->text)) {
		buffer_append_format(view->text, "key at 0x%llx", (unsigned long long)key);
		view->exact = false;
	}
	buffer_append_text(view->text, "]");
	view->exact &= !in_key;
	if (!in_key)
		name_part(view, layout->value, offset - layout->value_offset);
}

static void label_capture(struct owner_view *view, const struct heap_type *closure, uint64_t offset)
{
	size_t count = 0;
	const struct stack_capture *captures = heap_types_captures(view->owners->types, closure->function, &count);

	view->exact = false;
	for (size_t i = 0; i < count; i++) {
		uint64_t size = captures[i].by_reference ? view->owners->program->machine.word_size : captures[i].type->size;

		if (offset < captures[i].offset || offset - captures[i].offset >= size)
			continue;
		buffer_append_format(view->text, ".(captured %s)", captures[i].name);
		if (!captures[i].by_reference)
			name_part(view, captures[i].type, offset - captures[i].offset);
		return;
	}
	buffer_append_text(view->text, ".(captured");
	if (closure->type != NULL)
		name_part(view, closure->type, offset);
	buffer_append_text(view->text, ")");
}

static void label_by_form(struct owner_view *view, const struct heap_type *type, uint64_t address)
{
	uint64_t offset = address - view->base;

	switch (type->form) {
	case HEAP_VALUE:
		name_part(view, type->type, offset);
		break;
	case HEAP_VALUES:
		buffer_append_format(view->text, "[%llu]", (unsigned long long)(offset / type->size));
		name_part(view, type->type, offset % type->size);
		break;
	case HEAP_UNITS:
		label_unit(view, type->type, address);
		break;
	case HEAP_CHANNEL:
		buffer_append_text(view->text, ".(buffer)");
		view->exact = false;
		break;
	case HEAP_FUNCTION:
		label_capture(view, type, offset);
		break;
	case HEAP_SYNC_ENTRY:
		label_sync_entry(view, type->type, offset);
		break;
	case HEAP_SENDER:
		buffer_append_text(view->text, ".(sent by a goroutine that waits)");
		view->exact = false;
		break;
	case HEAP_SYNC_NODE:
	case HEAP_SYNC_INDIRECT:
	case HEAP_MAP:
	case HEAP_DIRECTORY:
	case HEAP_TABLE:
		break;
	}
}

/* Bytes from the start that the type knows of. */
static uint64_t extent_of(const struct heap_type *type)
{
	uint64_t end = type->size;

	if (type->word_count != 0 && type->words[type->word_count - 1].offset + 8 > end)
		end = type->words[type->word_count - 1].offset + 8;
	return end;
}

/* What the object itself says: of a func value which function's it is, of a node which kind. */
static void look_at_object(struct owner_view *view)
{
	uint8_t head[64] = { 0 };
	size_t got = view->type ? target_read_some(view->owners->program->memory, taddr_of(view->base), head, sizeof(head)) : 0;

	if (got != 0)
		view->type = heap_type_of_object(view->owners->types, view->type, head, got);
}

/*
 * The word of the object that the last pointer led to. Sets view->type to that of the object, and view->base to its start, where the
 * pointer led into the middle, or said nothing: the object itself may know better.
 */
static const struct heap_type *type_for_word(struct owner_view *view, uint64_t address)
{
	struct owners *owners = view->owners;
	const struct heap_span *span = heap_span_find(owners->spans, address);

	look_at_object(view);

	const struct heap_type *type = view->type ? heap_type_complete(owners->types, view->type) : NULL;

	if (type != NULL && address >= view->base && (type->repeats || address - view->base < extent_of(type)))
		return type;

	uint32_t index = span ? heap_slot_in(span, address) : 0;

	view->exact = false;
	view->base = span ? heap_slot_address(span, index) + span->header : address;
	view->type = span && span->scannable ? heap_walk_type(owners->walk, span->first + index) : 0;
	buffer_append_text(view->text, view->type ? ".(…)" : "");
	return view->type ? heap_type_complete(owners->types, view->type) : NULL;
}

void owner_label_place(struct owner_view *view, uint64_t address)
{
	const struct heap_type *type = type_for_word(view, address);

	if (type == NULL || address < view->base) {
		buffer_append_format(view->text, ".(word %llu of an unknown object)",
				     (unsigned long long)(address - view->base) / view->owners->program->machine.word_size);
		return;
	}

	const struct heap_type copy = *type; /* labels make new types, which move the others */

	label_by_form(view, &copy, address);
}

void owner_label_word(struct owner_view *view, uint64_t address)
{
	owner_label_place(view, address);

	heap_type_id target = view->type ? target_of(view, heap_type_complete(view->owners->types, view->type), address) : 0;

	view->type = target & ~HEAP_TYPE_GUESS;
	view->base = read_word(view->owners, address);
}

/* --- variables --------------------------------------------------------------------------------------------------------------- */

static const struct owner_variable *find_variable(const struct owners *owners, uint64_t address)
{
	size_t above = SORTED_ABOVE(owners->variables, owners->variable_count, address, address);
	const struct owner_variable *variable = above != 0 ? &owners->variables[above - 1] : NULL;

	return variable != NULL && address - variable->address < variable->type->size ? variable : NULL;
}

/* The memory without a variable that the address lies in, and that begins nearest to it. */
static const struct heap_place_outside *find_place(const struct owners *owners, uint64_t address)
{
	enum { NEIGHBOURS = 16 };
	size_t low = 0, high = owners->place_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (owners->places[middle].address.v <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && i + NEIGHBOURS > low; i--) {
		const struct heap_place_outside *place = &owners->places[i - 1];

		if (place->from.v != place->address.v && place->from.v != 0 &&
		    address - place->address.v < place->size)
			return place;
	}
	return NULL;
}

void owner_append_name(struct owner_view *view, const char *name)
{
	for (; *name != '\0'; name++) {
		bool dot = strncmp(name, "%2e", 3) == 0;

		buffer_append(view->text, dot ? "." : name, 1);
		name += dot ? 2 : 0;
	}
}

/* --- variables of frames ----------------------------------------------------------------------------------------------------- */

/* The index of the first local at a higher address. */
static size_t local_above(const struct owners *owners, uint64_t address)
{
	size_t low = 0, high = owners->local_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (owners->locals[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void label_local(struct owner_view *view, const struct owner_local *local)
{
	buffer_append_format(view->text, "goroutine %llu: frame %u: %s", (unsigned long long)local->goroutine, local->frame, local->name);
	view->exact &= !local->hidden;
	view->type = heap_type_of(view->owners->types, HEAP_VALUE, local->type);
	view->base = local->address;
}

static bool label_local_at(struct owner_view *view, uint64_t address)
{
	enum { NEIGHBOURS = 64 };
	const struct owners *owners = view->owners;
	const struct owner_local *found = NULL;

	for (size_t i = local_above(owners, address), seen = 0; i > 0 && seen < NEIGHBOURS; i--, seen++) {
		const struct owner_local *local = &owners->locals[i - 1];

		if (found != NULL && local->address != found->address)
			break;
		if (!local->escaped && address - local->address < local->type->size)
			found = local; /* of those at one address the first in order is the last here */
	}
	if (found != NULL)
		label_local(view, found);
	return found != NULL;
}

bool owner_label_escaped(struct owner_view *view, const struct heap_origin *root)
{
	const struct owners *owners = view->owners;
	uint64_t value = 0;

	error_free(target_read_word(owners->program->memory, root->address, &value));
	for (size_t i = local_above(owners, value); i > 0 && owners->locals[i - 1].address == value; i--) {
		const struct owner_local *local = &owners->locals[i - 1];

		if (local->escaped && local->goroutine == root->goroutine) {
			label_local(view, local);
			return true;
		}
	}
	return false;
}

/* --- any of them --------------------------------------------------------------------------------------------------------------- */

static bool label_place(struct owner_view *view, uint64_t address, int hops)
{
	const struct owner_variable *variable = find_variable(view->owners, address);

	if (variable != NULL) {
		owner_append_name(view, variable->name);
		view->type = heap_type_of(view->owners->types, HEAP_VALUE, variable->type);
		view->base = variable->address;
		return true;
	}

	if (label_local_at(view, address))
		return true;

	const struct heap_place_outside *place = find_place(view->owners, address);

	if (place == NULL || hops == DATA_HOPS || !label_place(view, place->from.v, hops + 1))
		return false;
	owner_label_word(view, place->from.v);
	view->hops++;
	return true;
}

bool owner_label_variable(struct owner_view *view, uint64_t address)
{
	size_t before = view->text->length;

	if (!label_place(view, address, 0)) {
		view->text->length = before;
		view->hops = 0;
		return false;
	}
	return true;
}
