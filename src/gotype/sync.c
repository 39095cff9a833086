#include "gotype/sync.h"

#include <stdlib.h>
#include <string.h>

#include "gotype/private.h"
#include "layout/shape.h"
#include "util/alloc.h"

/* Keys and values of generic instances; far more than any has. */
enum { ENTRY_SIZE_LIMIT = 1 << 20 };

/* "internal/sync.": how DWARF names it; descriptors leave the path out. 1.23's forerunner lies in internal/concurrent. */
static const char *const trie_names[] = { "internal/sync.HashTrieMap[", "sync.HashTrieMap[", "internal/concurrent.HashTrieMap[",
					  "concurrent.HashTrieMap[" };

static bool is_trie_name(const char *name)
{
	for (size_t i = 0; i < sizeof(trie_names) / sizeof(trie_names[0]); i++)
		if (strncmp(name, trie_names[i], strlen(trie_names[i])) == 0)
			return true;
	return false;
}

bool gotype_is_sync(const struct gotype *type)
{
	return type->kind == GO_STRUCT && (strcmp(type->name, "sync.Map") == 0 || is_trie_name(type->name));
}

/* --- parts of types ---------------------------------------------------------------------------------------------- */

struct part {
	struct gotype *type;
	uint64_t offset;
};

static struct error *no_part(const struct gotype *type, const char *name)
{
	return error_new(ERROR_TARGET, "%s has no field %s: an unknown layout", type->name, name);
}

static struct error *find_part(struct part whole, const char *name, struct part *out)
{
	TRY(gotype_complete(whole.type));

	int index = gotype_field_find(whole.type, name);

	if (index < 0)
		return no_part(whole.type, name);
	*out = (struct part){ whole.type->fields[index].type, whole.offset + whole.type->fields[index].offset };
	return NULL;
}

static bool has_part(struct part whole, const char *name)
{
	struct part part = { 0 };
	struct error *error = find_part(whole, name, &part);
	bool has = error == NULL;

	error_free(error);
	return has;
}

/*
 * The word or number that is inside: of sync/atomic's types (Uint32, Bool, Pointer: v), of a Mutex (state; from 1.24 on mu, which is
 * internal/sync's).
 */
static struct error *find_scalar(struct part whole, const char *name, struct field_at *out)
{
	static const char *const inner[] = { "v", "state", "mu" };
	struct part part = { 0 };

	TRY(find_part(whole, name, &part));
	for (unsigned depth = 0; part.type->kind == GO_STRUCT && depth < GOTYPE_DEPTH_LIMIT; depth++) {
		size_t i = 0;

		while (i < sizeof(inner) / sizeof(inner[0]) && !has_part(part, inner[i]))
			i++;
		if (i == sizeof(inner) / sizeof(inner[0]))
			return no_part(part.type, "v");
		TRY(find_part(part, inner[i], &part));
	}
	if (part.type->size == 0 || part.type->size > 8 || (part.type->size & (part.type->size - 1)) != 0 || part.offset > UINT32_MAX)
		return error_new(ERROR_TARGET, "%s, field %s: a %s is no number or pointer", whole.type->name, name, part.type->name);
	*out = (struct field_at){ (uint32_t)part.offset, (uint8_t)part.type->size };
	return NULL;
}

/* What a pointer leads to: a *T, or an atomic.Pointer[T], which mentions *T in a field without a size (1.19 on). */
static struct error *find_target(struct part whole, const char *name, struct gotype **out)
{
	struct part part = { 0 };

	TRY(find_part(whole, name, &part));

	struct gotype *pointer = part.type;

	TRY(gotype_complete(pointer));
	for (size_t i = 0; part.type->kind == GO_STRUCT && i < part.type->field_count; i++) {
		struct gotype *field = part.type->fields[i].type;

		TRY(gotype_complete(field));
		if (field->kind == GO_ARRAY && field->elem->kind == GO_POINTER)
			pointer = field->elem;
	}
	TRY(gotype_complete(pointer));
	if (pointer->kind != GO_POINTER || pointer->elem == NULL)
		return error_new(ERROR_TARGET, "%s, field %s: a %s does not say what it points to", whole.type->name, name,
				 part.type->name);
	*out = pointer->elem;
	return gotype_complete(*out);
}

/* --- read and dirty ---------------------------------------------------------------------------------------------- */

static struct error *load_read_only(struct program *program, struct part map, struct sync_layout *layout)
{
	struct gotype *type;
	struct error *error = find_target(map, "read", &type);

	if (error != NULL) { /* until 1.19 an atomic.Value, which can hold anything */
		error_free(error);
		error = program_type_named(program, "sync.readOnly", &type);
	}
	TRY(error);

	struct part whole = { type, 0 };

	TRY(find_scalar(whole, "m", &layout->read_m));
	TRY(find_scalar(whole, "amended", &layout->read_amended));
	layout->read_only_size = (uint32_t)type->size;
	return NULL;
}

/* atomic.Value {v any}: the data word of its interface points to readOnly. atomic.Pointer: v itself. */
static struct error *load_read(const struct program *program, struct part map, struct sync_layout *layout)
{
	uint8_t word = program->machine.word_size;
	struct part read = { 0 }, v = { 0 };

	TRY(find_part(map, "read", &read));
	TRY(find_part(read, "v", &v));
	if (v.offset > UINT32_MAX / 2)
		return no_part(map.type, "read");
	layout->read = (struct field_at){ (uint32_t)v.offset + (v.type->kind == GO_INTERFACE ? word : 0), word };
	return NULL;
}

static struct error *load_read_dirty(struct program *program, struct part map, struct sync_layout *layout)
{
	struct part dirty = { 0 }, entry = { 0 };

	layout->form = SYNC_READ_DIRTY;
	TRY(find_scalar(map, "mu", &layout->mutex));
	TRY(load_read(program, map, layout));
	TRY(load_read_only(program, map, layout));
	TRY(find_part(map, "dirty", &dirty));
	TRY(find_scalar(map, "dirty", &layout->dirty));
	TRY(find_scalar(map, "misses", &layout->misses));
	TRY(gotype_complete(dirty.type));
	if (dirty.type->kind != GO_MAP || dirty.type->elem->kind != GO_POINTER || dirty.type->map_layout == NULL)
		return error_new(ERROR_TARGET, "%s, field dirty: not a map of entries", map.type->name);
	layout->inner = dirty.type;
	layout->key = layout->value = dirty.type->key;
	TRY(gotype_complete(dirty.type->elem));
	entry.type = dirty.type->elem->elem;
	if (entry.type == NULL)
		return error_new(ERROR_TARGET, "%s, field dirty: its entries have no type", map.type->name);
	layout->entry_size = (uint32_t)entry.type->size;
	return find_scalar(entry, "p", &layout->entry_p);
}

/* --- trie -------------------------------------------------------------------------------------------------------- */

static struct error *load_node(struct gotype *node, struct sync_layout *layout)
{
	struct part whole = { node, 0 }, children = { 0 }, embedded, is_entry = { 0 };

	TRY(find_part(whole, "children", &children));
	TRY(gotype_complete(children.type));
	if (children.type->kind != GO_ARRAY || children.type->length != SYNC_CHILDREN ||
	    children.type->elem->size != node->program->machine.word_size || node->size > ENTRY_SIZE_LIMIT)
		return error_new(ERROR_TARGET, "%s, field children: not %d pointers", node->name, SYNC_CHILDREN);
	layout->children = (uint32_t)children.offset;
	layout->node_size = (uint32_t)node->size;
	TRY(find_scalar(whole, "dead", &layout->dead));
	TRY(find_scalar(whole, "mu", &layout->node_mutex));
	TRY(find_scalar(whole, "parent", &layout->parent));
	if (node->field_count == 0)
		return no_part(node, "node");
	/* the embedded node[K, V] comes first: entries and indirect nodes are told apart by it */
	embedded = (struct part){ node->fields[0].type, node->fields[0].offset };
	TRY(find_scalar(embedded, "isEntry", &layout->is_entry));
	TRY(find_part(embedded, "isEntry", &is_entry));
	return is_entry.offset == 0 ? NULL : no_part(node, "node");
}

static struct error *load_entry(struct gotype *entry, struct sync_layout *layout)
{
	struct part whole = { entry, 0 }, key = { 0 }, value = { 0 };

	if (entry->size > ENTRY_SIZE_LIMIT)
		return error_new(ERROR_TARGET, "%s: %llu bytes are too many", entry->name, (unsigned long long)entry->size);
	TRY(find_scalar(whole, "overflow", &layout->overflow));
	TRY(find_part(whole, "key", &key));
	TRY(find_part(whole, "value", &value));
	layout->key = key.type;
	layout->value = value.type;
	layout->key_offset = (uint32_t)key.offset;
	layout->value_offset = (uint32_t)value.offset;
	layout->entry_size = (uint32_t)entry->size;
	return NULL;
}

/* The comma between the two arguments of "K,V]": that outside of all brackets. */
static const char *comma_between(const char *arguments)
{
	int depth = 0;

	for (const char *at = arguments; *at != '\0'; at++) {
		depth += *at == '[' || *at == '(' || *at == '{' ? 1 : *at == ']' || *at == ')' || *at == '}' ? -1 : 0;
		if (depth < 0)
			return NULL;
		if (*at == ',' && depth == 0)
			return at;
	}
	return NULL;
}

static struct error *find_argument(struct program *program, const char *start, size_t length, struct gotype **out)
{
	char *name = xstrndup(start, length);
	struct error *error = program_type_named(program, name, out);

	if (error != NULL && program->memory != NULL) {
		error_free(error);
		error = gotype_find_described(program, name, out);
	}
	free(name);
	return error;
}

/*
 * internal/sync/hashtriemap.go: entry is {node; overflow pointer; key K; value V}. `arguments` is "K,V]". The key's type is its
 * argument, its place follows from Go's rules of layout.
 */
static struct error *derive_entry(struct program *program, const char *arguments, struct sync_layout *layout)
{
	const char *comma = comma_between(arguments);
	struct shape shape = { 0 };
	uint64_t key_align, value_align;
	uint8_t word = program->machine.word_size;
	size_t length = strlen(arguments);

	if (comma == NULL || arguments[length - 1] != ']')
		return error_new(ERROR_TARGET, "a HashTrieMap of [%s: no two types", arguments);
	TRY(find_argument(program, arguments, (size_t)(comma - arguments), &layout->key));
	TRY(find_argument(program, comma + 1, (size_t)(arguments + length - 1 - comma - 1), &layout->value));
	TRY(gotype_align(layout->key, &key_align));
	TRY(gotype_align(layout->value, &value_align));
	if (layout->key->size > ENTRY_SIZE_LIMIT / 4 || layout->value->size > ENTRY_SIZE_LIMIT / 4)
		return error_new(ERROR_TARGET, "a HashTrieMap of [%s: its entries are too large", arguments);
	shape_add(&shape, 1, 1); /* node.isEntry */
	layout->overflow = (struct field_at){ (uint32_t)shape_add(&shape, word, word), word };
	layout->key_offset = (uint32_t)shape_add(&shape, layout->key->size, key_align);
	layout->value_offset = (uint32_t)shape_add(&shape, layout->value->size, value_align);
	layout->entry_size = (uint32_t)shape_end(&shape);
	layout->entry_derived = true;
	return NULL;
}

/* sync.Map's own in its shape form, which 1.27 has alone: what was derived has to agree with it. */
static struct error *check_shape_form(struct program *program, const struct sync_layout *layout)
{
	struct gotype *shape;
	struct sync_layout found = { 0 };
	struct error *error;

	if (layout->key->kind != GO_INTERFACE || layout->value->kind != GO_INTERFACE || program->binary == NULL)
		return NULL;
	error = program_type_named(program, "internal/sync.entry[go.shape.interface {},go.shape.interface {}]", &shape);
	if (error != NULL) { /* nothing to compare with */
		error_free(error);
		return NULL;
	}
	TRY(load_entry(shape, &found));
	if (found.entry_size != layout->entry_size || found.key_offset != layout->key_offset ||
	    found.value_offset != layout->value_offset || found.overflow.offset != layout->overflow.offset)
		return error_new(ERROR_TARGET, "%s is not as Go's rules lay out an entry", shape->name);
	return NULL;
}

/* `node` is indirect[K,V]: entry[K,V] is looked for by the same arguments. */
static struct error *find_entry(struct program *program, const struct gotype *node, struct sync_layout *layout)
{
	const char *bracket = strchr(node->name, '['), *package = strstr(node->name, "concurrent.") ? "internal/concurrent" : "internal/sync";
	struct gotype *entry;

	if (bracket == NULL)
		return error_new(ERROR_TARGET, "%s does not name a key and a value", node->name);

	char *name = xasprintf("%s.entry%s", package, bracket);
	struct error *error = program_type_named(program, name, &entry);

	free(name);
	if (error == NULL)
		return load_entry(entry, layout);
	error_free(error);
	TRY(derive_entry(program, bracket + 1, layout));
	return check_shape_form(program, layout);
}

static struct error *load_trie(struct program *program, struct part map, struct sync_layout *layout)
{
	struct gotype *node;

	layout->form = SYNC_TRIE;
	if (has_part(map, "inited")) {
		TRY(find_scalar(map, "inited", &layout->inited));
		TRY(find_scalar(map, "initMu", &layout->mutex));
	}
	TRY(find_scalar(map, "root", &layout->root));
	TRY(find_scalar(map, "seed", &layout->seed));
	TRY(find_target(map, "root", &node));
	TRY(load_node(node, layout));
	return find_entry(program, node, layout);
}

/* --- both -------------------------------------------------------------------------------------------------------- */

static struct error *load(struct gotype *type, struct sync_layout *layout)
{
	struct part map = { type, 0 };

	TRY(gotype_complete(type));
	if (type->size > 4096)
		return error_new(ERROR_TARGET, "%s: %llu bytes are too many", type->name, (unsigned long long)type->size);
	layout->size = (uint32_t)type->size;
	if (!is_trie_name(type->name) && has_part(map, "dirty"))
		return load_read_dirty(type->program, map, layout);
	if (!is_trie_name(type->name))
		TRY(find_part(map, "m", &map));
	return load_trie(type->program, map, layout);
}

struct error *gotype_sync_layout(struct gotype *type, const struct sync_layout **out)
{
	struct sync_layout layout = { 0 };

	if (!gotype_is_sync(type))
		return error_new(ERROR_TARGET, "%s is not a sync.Map", type->name);
	if (type->sync == NULL) {
		struct sync_layout *kept;

		TRY(load(type, &layout));
		kept = program_allocate(type->program, sizeof(*kept));
		*kept = layout;
		type->sync = kept;
	}
	*out = type->sync;
	return NULL;
}
