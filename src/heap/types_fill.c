/* Flattens types into the words that lead on. Sources of the runtime's own structs: runtime/chan.go, internal/runtime/maps. */
#include <stdlib.h>
#include <string.h>

#include "heap/types_private.h"
#include "layout/map.h"
#include "layout/struct.h"
#include "stack/roots.h"
#include "util/alloc.h"

/* Structs in structs; words of one value: what is behind is left untyped. */
enum { NESTING_LIMIT = 64, WORDS_LIMIT = 1 << 16 };

struct filler {
	struct heap_types *types;
	struct heap_word *words;
	size_t count, capacity;
	struct heap_sync *syncs;
	size_t sync_count, sync_capacity;
	unsigned nesting;
};

static void add_word(struct filler *filler, uint64_t offset, enum heap_word_kind kind, heap_type_id target)
{
	if (filler->count == WORDS_LIMIT || offset > UINT32_MAX)
		return;
	ARRAY_RESERVE(filler->words, filler->count, filler->capacity);
	filler->words[filler->count++] = (struct heap_word){ (uint32_t)offset, kind, target };
}

static void add_target(struct filler *filler, uint64_t offset, enum heap_word_kind kind, enum heap_form form, struct gotype *type)
{
	heap_type_id target = heap_type_of(filler->types, form, type);

	if (target != 0)
		add_word(filler, offset, kind, target);
}

static void add_value(struct filler *filler, uint64_t offset, struct gotype *type);

/* sync/map.go, Go <= 1.19: entry is struct { p unsafe.Pointer }, which is a *any. */
static struct gotype *said_by_name(const struct gotype *type)
{
	struct gotype *any;
	struct error *error = strcmp(type->name, "sync.entry") == 0 ? program_type_named(type->program, "interface {}", &any)
								     : error_new(ERROR_TARGET, "another");
	bool found = error == NULL;

	error_free(error);
	return found ? any : NULL;
}

static void add_sync(struct filler *filler, uint64_t offset, struct gotype *type)
{
	const struct sync_layout *layout = sync_layout_of(type);

	if (layout == NULL || filler->sync_count == WORDS_LIMIT || offset > UINT32_MAX)
		return;
	ARRAY_RESERVE(filler->syncs, filler->sync_count, filler->sync_capacity);
	filler->syncs[filler->sync_count++] = (struct heap_sync){ (uint32_t)offset, type };
	if (layout->form == SYNC_TRIE)
		add_target(filler, offset + layout->root.offset, HEAP_WORD_POINTER, HEAP_SYNC_NODE, type);
}

/* sync/pool.go: local and victim lead to a [P]poolLocal, the word behind each says how many. */
static void add_pool(struct filler *filler, uint64_t offset, struct gotype *type)
{
	struct gotype *local;
	struct error *error = program_type_named(type->program, "sync.poolLocal", &local);

	if (error != NULL) {
		error_free(error);
		return;
	}
	for (size_t i = 0; i < type->field_count; i++)
		if (strcmp(type->fields[i].name, "local") == 0 || strcmp(type->fields[i].name, "victim") == 0)
			add_target(filler, offset + type->fields[i].offset, HEAP_WORD_ARRAY, HEAP_VALUES, local);
}

static void add_fields(struct filler *filler, uint64_t offset, struct gotype *type)
{
	struct gotype *pointer = gotype_atomic_pointer(type), *said = pointer ? pointer->elem : said_by_name(type);

	if (strcmp(type->name, "reflect.Value") == 0 && type->field_count == 3) {
		add_word(filler, offset, HEAP_WORD_REFLECT, 0);
		return;
	}
	if (strcmp(type->name, "sync.Pool") == 0)
		add_pool(filler, offset, type);
	if (gotype_is_sync(type)) {
		add_sync(filler, offset, type);
		if (sync_layout_of(type) != NULL && sync_layout_of(type)->form == SYNC_TRIE)
			return; /* what else is in it leads to code and types */
	}

	for (size_t i = 0; i < type->field_count; i++) {
		const struct gotype_field *field = &type->fields[i];

		if (said != NULL && field->type->kind == GO_UNSAFE_POINTER)
			add_target(filler, offset + field->offset, HEAP_WORD_POINTER, HEAP_VALUE, said);
		else
			add_value(filler, offset + field->offset, field->type);
	}
}

static void add_elements(struct filler *filler, uint64_t offset, struct gotype *type)
{
	size_t before = filler->count;

	for (uint64_t i = 0; i < type->length && filler->count < WORDS_LIMIT; i++) {
		add_value(filler, offset + i * type->elem->size, type->elem);
		if (filler->count == before) /* nothing in the first: nothing in any */
			break;
	}
}

/* Generic code knows "go.shape.map[string]int": some type whose underlying type is map[string]int. */
static void add_map(struct filler *filler, uint64_t offset, struct gotype *type)
{
	static const char shape[] = "go.shape.";
	const char *underlying = type->name + sizeof(shape) - 1;
	struct gotype *guess;

	if (strncmp(type->name, shape, sizeof(shape) - 1) != 0) {
		add_target(filler, offset, HEAP_WORD_POINTER, HEAP_MAP, type);
		return;
	}
	if (strstr(underlying, shape) != NULL)
		return;

	struct error *error = program_type_named(type->program, underlying, &guess);
	heap_type_id target = error == NULL && guess->kind == GO_MAP ? heap_type_of(filler->types, HEAP_MAP, guess) : 0;

	error_free(error);
	if (target != 0)
		add_word(filler, offset, HEAP_WORD_POINTER, target | HEAP_TYPE_GUESS);
}

static void add_parts(struct filler *filler, uint64_t offset, struct gotype *type)
{
	switch (type->kind) {
	case GO_POINTER:
		if (type->elem != NULL)
			add_target(filler, offset, HEAP_WORD_POINTER, HEAP_VALUE, type->elem);
		break;
	case GO_MAP:
		add_map(filler, offset, type);
		break;
	case GO_CHAN:
		add_target(filler, offset, HEAP_WORD_POINTER, HEAP_CHANNEL, type);
		break;
	case GO_SLICE:
		add_target(filler, offset, HEAP_WORD_SLICE, HEAP_VALUES, type->elem);
		break;
	case GO_FUNC:
		add_word(filler, offset, HEAP_WORD_POINTER, heap_type_of_function(filler->types, 0));
		break;
	case GO_INTERFACE:
		add_word(filler, offset, type->has_methods ? HEAP_WORD_IFACE : HEAP_WORD_EFACE, 0);
		break;
	case GO_STRUCT:
		add_fields(filler, offset, type);
		break;
	case GO_ARRAY:
		add_elements(filler, offset, type);
		break;
	default:
		break;
	}
}

static void add_value(struct filler *filler, uint64_t offset, struct gotype *type)
{
	struct error *error = gotype_complete(type);

	if (error == NULL && filler->nesting < NESTING_LIMIT) {
		filler->nesting++;
		add_parts(filler, offset, type);
		filler->nesting--;
	}
	error_free(error);
}

/* A key or elem in its slot, or the pointer to it. */
static void add_slot(struct filler *filler, uint64_t offset, bool indirect, struct gotype *type)
{
	if (indirect)
		add_target(filler, offset, HEAP_WORD_POINTER, HEAP_VALUE, type);
	else
		add_value(filler, offset, type);
}

static void add_unit(struct filler *filler, struct gotype *type)
{
	const struct map_layout *layout = type->map_layout;
	const struct map_unit_layout *unit = &layout->unit;

	for (uint64_t i = 0; i < MAP_SLOTS; i++) {
		add_slot(filler, unit->key_offset + i * unit->key_stride, layout->key_indirect, type->key);
		add_slot(filler, unit->elem_offset + i * unit->elem_stride, layout->elem_indirect, type->elem);
	}
	if (layout->implementation == MAP_CLASSIC)
		add_target(filler, unit->overflow_offset, HEAP_WORD_POINTER, HEAP_UNITS, type);
}

static void add_header(struct filler *filler, struct gotype *type)
{
	const struct map_layout *layout = type->map_layout;

	if (layout->implementation == MAP_SWISS) {
		/* to groups of no interest too: a directory leads to tables, which show that it is one */
		add_word(filler, layout->swiss.dir_ptr.offset, HEAP_WORD_DIRECTORY, heap_type_of(filler->types, HEAP_UNITS, type));
		return;
	}
	add_target(filler, layout->classic.buckets.offset, HEAP_WORD_POINTER, HEAP_UNITS, type);
	add_target(filler, layout->classic.oldbuckets.offset, HEAP_WORD_POINTER, HEAP_UNITS, type);
}

static void add_channel(struct filler *filler, struct gotype *type)
{
	static const char *const names[] = { "runtime.hchan", NULL };
	struct layout_struct channel;
	struct field_at buffer = { 0 }, senders = { 0 };
	struct error *error = layout_struct_named(filler->types->program->binary, names, &channel);

	if (error == NULL) {
		const struct layout_field *queue = layout_field_find(&channel, "sendq");

		senders.offset = queue ? (uint32_t)queue->offset : 0; /* waitq: first, last */
		error = queue ? layout_field_at(&channel, "buf", false, &buffer) : error_new(ERROR_TARGET, "no sendq");
		layout_struct_free(&channel);
	}
	if (error == NULL)
		add_target(filler, buffer.offset, HEAP_WORD_BUFFER, HEAP_VALUES, type->elem);
	if (error == NULL)
		add_target(filler, senders.offset, HEAP_WORD_POINTER, HEAP_SENDER, type);
	error_free(error);
}

/* What a goroutine that waits is sending: elem of its sudog leads to the value (from 1.26 on through a struct of one more word). */
static void add_sender(struct filler *filler, struct gotype *type)
{
	static const char *const names[] = { "runtime.sudog", NULL };
	struct layout_struct sender;
	struct error *error = layout_struct_named(filler->types->program->binary, names, &sender);

	if (error != NULL) {
		error_free(error);
		return;
	}

	const struct layout_field *elem = layout_field_find(&sender, "elem"), *next = layout_field_find(&sender, "next");

	if (elem != NULL)
		add_target(filler, elem->offset, HEAP_WORD_POINTER, HEAP_VALUE, type->elem);
	if (next != NULL)
		add_target(filler, next->offset, HEAP_WORD_POINTER, HEAP_SENDER, type);
	layout_struct_free(&sender);
}

static void add_sync_node(struct filler *filler, struct gotype *type, enum heap_form form)
{
	const struct sync_layout *layout = sync_layout_of(type);

	for (uint64_t i = 0; form == HEAP_SYNC_INDIRECT && i < SYNC_CHILDREN; i++)
		add_target(filler, layout->children + i * filler->types->program->machine.word_size, HEAP_WORD_POINTER, HEAP_SYNC_NODE,
			   type);
	if (form == HEAP_SYNC_INDIRECT)
		return;
	add_target(filler, layout->overflow.offset, HEAP_WORD_POINTER, HEAP_SYNC_NODE, type);
	add_value(filler, layout->key_offset, layout->key);
	add_value(filler, layout->value_offset, layout->value);
}

const struct stack_capture *heap_types_captures(struct heap_types *types, uint64_t function, size_t *count)
{
	*count = 0;
	return types->stack && function ? stack_closure_variables(types->stack, taddr_of(function), count) : NULL;
}

/* The variables that the function captured: copies of them, or pointers to them. */
static void add_captures(struct filler *filler, uint64_t function, struct gotype *object)
{
	if (object != NULL) {
		add_value(filler, 0, object);
		return;
	}

	size_t count = 0;
	const struct stack_capture *captures = heap_types_captures(filler->types, function, &count);

	for (size_t i = 0; i < count; i++) {
		if (captures[i].by_reference)
			add_target(filler, captures[i].offset, HEAP_WORD_POINTER, HEAP_VALUE, captures[i].type);
		else
			add_value(filler, captures[i].offset, captures[i].type);
	}
}

static int compare(const void *a, const void *b)
{
	const struct heap_word *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void heap_type_fill(struct heap_types *types, heap_type_id id)
{
	struct filler filler = { .types = types };
	const struct heap_type item = types->items[id];

	types->items[id].complete = true; /* a type that leads to itself ends here */
	switch (item.form) {
	case HEAP_VALUE:
	case HEAP_VALUES:
		add_value(&filler, 0, item.type);
		break;
	case HEAP_MAP:
		add_header(&filler, item.type);
		break;
	case HEAP_UNITS:
		add_unit(&filler, item.type);
		break;
	case HEAP_DIRECTORY:
		add_target(&filler, 0, HEAP_WORD_POINTER, HEAP_TABLE, item.type);
		break;
	case HEAP_TABLE:
		add_target(&filler, item.type->map_layout->swiss.table_groups_data.offset, HEAP_WORD_POINTER, HEAP_UNITS, item.type);
		break;
	case HEAP_CHANNEL:
		add_channel(&filler, item.type);
		break;
	case HEAP_SENDER:
		add_sender(&filler, item.type);
		break;
	case HEAP_FUNCTION:
		add_captures(&filler, item.function, item.type);
		break;
	case HEAP_SYNC_NODE:
		break;
	case HEAP_SYNC_INDIRECT:
	case HEAP_SYNC_ENTRY:
		add_sync_node(&filler, item.type, item.form);
		break;
	}
	if (filler.count != 0)
		qsort(filler.words, filler.count, sizeof(*filler.words), compare);
	types->items[id].words = filler.words;
	types->items[id].word_count = (uint32_t)filler.count;
	types->items[id].syncs = filler.syncs;
	types->items[id].sync_count = (uint32_t)filler.sync_count;
}
