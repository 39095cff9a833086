/* All of a sync.Map: the inner maps' entries, or the trie's nodes, many at a time. */
#include <stdlib.h>

#include "map/sync_map.h"
#include "util/alloc.h"
#include "util/interrupt.h"
#include "util/limits.h"

/* So many nodes or entries are read at once. */
enum { AT_ONCE = 4096 };
/* What garbage could lead through: hashes that are equal in all bits, entries and nodes in all. */
enum { NODES_PER_ENTRY = 4 };
enum { MUTEX_LOCKED = 1 };

/* A node or entry that a child slot or an overflow pointer leads to. */
struct pending {
	taddr address;
	uint64_t path; /* with the slot's own nibble */
	uint32_t node; /* index of the one that has the slot */
	uint32_t chain;
	uint8_t slot;
	uint8_t level; /* of the node, where it is one */
};

struct pendings {
	struct pending *items;
	size_t count, capacity;
};

struct loader {
	const struct sync_map *map;
	struct mirror *mirror;
	struct findings *findings;
	struct sync_contents *out;
	struct table seen; /* addresses of nodes and entries */
	struct pendings now, next;
	struct target_piece *pieces; /* what is read at once, and the room for it */
	size_t piece_capacity;
	uint8_t *bytes;
	size_t bytes_capacity;
};

/* --- reading many ------------------------------------------------------------------------------------------------ */

/* Room for `count` things of `size` bytes. */
static struct error *reserve(struct loader *loader, size_t count, size_t size)
{
	void *bytes;

	if (count > loader->piece_capacity) {
		loader->pieces = xreallocarray(loader->pieces, count, sizeof(*loader->pieces));
		loader->piece_capacity = count;
	}
	if (count * size <= loader->bytes_capacity)
		return NULL;
	free(loader->bytes);
	loader->bytes = NULL;
	loader->bytes_capacity = 0;
	TRY(alloc_checked(count, size, "entries of a sync.Map", &bytes));
	loader->bytes = bytes;
	loader->bytes_capacity = count * size;
	return NULL;
}

/* Puts piece `i` of a read: `size` bytes at `address`. */
static void put_piece(struct loader *loader, size_t i, taddr address, size_t size)
{
	loader->pieces[i] = (struct target_piece){ .address = address, .to = loader->bytes + i * size, .length = size };
}

/* Reads `count` pieces, in bulk where there is a mirror to do it. Of each `got` says how it went. */
static struct error *read_pieces(struct loader *loader, size_t count)
{
	TRY(interrupt_check());
	for (size_t i = 0; loader->mirror != NULL && i < count; i++)
		if (!mirror_want(loader->mirror, loader->pieces[i].address, loader->pieces[i].length))
			break; /* it is full: the rest is read where it is */
	if (loader->mirror != NULL)
		TRY(mirror_fetch(loader->mirror));
	target_read_pieces(loader->map->program->memory, loader->pieces, count);
	return NULL;
}

static const uint8_t *piece_bytes(const struct loader *loader, size_t i)
{
	const struct target_piece *piece = &loader->pieces[i];

	return piece->got == piece->length ? piece->to : NULL;
}

static uint64_t field(const struct loader *loader, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&loader->map->program->machine, bytes + at.offset, at.size);
}

static struct sync_entry *add_entry(struct sync_contents *out)
{
	ARRAY_RESERVE(out->entries, out->count, out->capacity);
	out->entries[out->count] = (struct sync_entry){ 0 };
	return &out->entries[out->count++];
}

/* Notes bytes that keys and values will be read from. Where the mirror is full they are read in place, later. */
static void want(struct loader *loader, taddr address, size_t size)
{
	if (loader->mirror != NULL)
		mirror_want(loader->mirror, address, size);
}

/* --- read and dirty ---------------------------------------------------------------------------------------------- */

/* The keys and entry pointers of an inner map, whose pages are noted for what comes later. */
static void keep_batch(struct loader *loader, const struct go_map *inner, const struct map_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct map_unit *unit = &batch->units[i];

		for (unsigned live = unit->live; live != 0; live &= live - 1) {
			unsigned slot = (unsigned)__builtin_ctz(live);
			struct sync_entry *entry = add_entry(loader->out);

			entry->key = map_key_slot_address(inner, unit, slot);
			entry->address = load_address(&inner->program->machine, map_elem_slot(inner, unit, slot));
			want(loader, entry->key, inner->type->key->size);
		}
	}
}

static struct error *walk_inner(struct loader *loader, const struct go_map *inner)
{
	struct map_walk *walk = map_walk_create(inner, MAP_WALK_LIVE, loader->findings);
	size_t first = loader->out->count;
	struct map_batch batch;
	struct error *error;

	do {
		error = map_walk_next(walk, &batch);
		if (error == NULL)
			keep_batch(loader, inner, &batch);
	} while (error == NULL && batch.count != 0 && loader->out->count < limit_of(LIMIT_SYNC_ENTRIES));
	map_walk_destroy(walk);
	if (error == NULL && loader->out->count - first != inner->length)
		findings_add(loader->findings, inner->address, "the header says %llu entries, %zu were found",
			     (unsigned long long)inner->length, loader->out->count - first);
	return error;
}

static struct error *load_inner(struct loader *loader, taddr address, const char *which, struct go_map *inner)
{
	struct gotype *type = loader->map->layout->inner;
	struct error *error;

	*inner = (struct go_map){ .program = type->program, .type = type, .layout = type->map_layout };
	if (address.v == 0)
		return NULL;
	error = map_open(type, address, inner);
	if (error != NULL && error->code == ERROR_MEMORY) {
		findings_add_error(loader->findings, address, error, "%s map", which);
		return NULL;
	}
	TRY(error);
	if (inner->layout->key_indirect || inner->layout->elem_indirect)
		return error_new(ERROR_TARGET, "%s: keys or entries behind pointers are not known", type->name);
	return walk_inner(loader, inner);
}

/* What p says: the value, nothing, or the mark. */
static void judge_entry(const struct loader *loader, struct sync_entry *entry, const uint8_t *bytes)
{
	taddr p = { 0 };

	if (bytes == NULL) {
		entry->state = SYNC_UNREADABLE;
		findings_add(loader->findings, entry->address, "an entry that cannot be read");
		return;
	}
	p.v = field(loader, bytes, loader->map->layout->entry_p);
	entry->state = p.v == 0                             ? SYNC_DELETED
		       : p.v == loader->map->expunged.v ? SYNC_EXPUNGED
							 : SYNC_LIVE;
	if (entry->state == SYNC_LIVE)
		entry->value = p;
}

static struct error *load_states(struct loader *loader)
{
	struct sync_contents *out = loader->out;
	size_t size = loader->map->layout->entry_size;

	TRY(reserve(loader, out->count < AT_ONCE ? out->count : AT_ONCE, size));
	for (size_t from = 0; from < out->count; from += AT_ONCE) {
		size_t count = out->count - from < AT_ONCE ? out->count - from : AT_ONCE;

		for (size_t i = 0; i < count; i++)
			put_piece(loader, i, out->entries[from + i].address, size);
		TRY(read_pieces(loader, count));
		for (size_t i = 0; i < count; i++)
			judge_entry(loader, &out->entries[from + i], piece_bytes(loader, i));
	}
	return NULL;
}

/* Which entries both inner maps lead to. */
static void link_parts(struct loader *loader)
{
	struct sync_contents *out = loader->out;

	for (size_t i = 0; i < out->read_count; i++) {
		out->entries[i].in_read = true;
		table_put(&loader->seen, out->entries[i].address.v, i);
	}
	for (size_t i = out->read_count; i < out->count; i++) {
		const uint64_t *other = table_get(&loader->seen, out->entries[i].address.v);

		out->entries[i].in_dirty = true;
		if (other != NULL) {
			out->entries[i].in_read = true;
			out->entries[*other].in_dirty = true;
		}
	}
}

static struct error *load_read_dirty(struct loader *loader)
{
	struct sync_contents *out = loader->out;

	TRY(load_inner(loader, loader->map->read_map, "read", &out->read));
	out->read_count = out->count;
	TRY(load_inner(loader, loader->map->dirty_map, "dirty", &out->dirty));
	TRY(load_states(loader));
	link_parts(loader);
	return NULL;
}

/* --- trie -------------------------------------------------------------------------------------------------------- */

static unsigned word_bits(const struct loader *loader)
{
	return 8u * loader->map->program->machine.word_size;
}

/* Notes what a child slot or overflow pointer leads to, once. */
static void enqueue(struct loader *loader, const struct pending *item)
{
	struct pendings *next = &loader->next;

	if (item->address.v % loader->map->program->machine.word_size != 0) {
		findings_add(loader->findings, item->address, "no address of a node of a trie: it is not aligned");
		return;
	}
	if (!table_put(&loader->seen, item->address.v, 0)) {
		findings_add(loader->findings, item->address, "a node of a trie that two slots lead to, or itself");
		return;
	}
	ARRAY_RESERVE(next->items, next->count, next->capacity);
	next->items[next->count++] = *item;
}

static void keep_entry(struct loader *loader, const struct pending *item, const uint8_t *bytes)
{
	const struct sync_layout *layout = loader->map->layout;
	taddr overflow = taddr_of(field(loader, bytes, layout->overflow));
	struct sync_entry *entry = add_entry(loader->out);

	*entry = (struct sync_entry){
		.address = item->address,
		.key = taddr_add(item->address, layout->key_offset),
		.value = taddr_add(item->address, layout->value_offset),
		.path = item->path,
		.node = item->node,
		.chain = item->chain,
		.slot = item->slot,
	};
	want(loader, item->address, layout->entry_size);
	if (overflow.v == 0)
		return;
	if (item->chain + 1U >= limit_of(LIMIT_CHAIN)) {
		findings_add(loader->findings, item->address, "more than %llu entries of one hash (--limit chain=N)",
			     (unsigned long long)limit_of(LIMIT_CHAIN));
		return;
	}
	struct pending behind = *item;

	behind.address = overflow;
	behind.chain++;
	enqueue(loader, &behind);
}

static void keep_node(struct loader *loader, const struct pending *item, const uint8_t *bytes)
{
	const struct sync_layout *layout = loader->map->layout;
	struct sync_contents *out = loader->out;
	unsigned word = loader->map->program->machine.word_size;

	ARRAY_RESERVE(out->nodes, out->node_count, out->node_capacity);

	struct sync_node *node = &out->nodes[out->node_count];
	uint32_t index = (uint32_t)out->node_count++;

	*node = (struct sync_node){
		.address = item->address,
		.parent = taddr_of(field(loader, bytes, layout->parent)),
		.holder = item->node,
		.level = item->level,
		.slot = item->slot,
		.dead = field(loader, bytes, layout->dead) != 0,
		.locked = (field(loader, bytes, layout->node_mutex) & MUTEX_LOCKED) != 0,
		.path = item->path,
	};
	out->locked_nodes += node->locked;
	for (unsigned i = 0; i < SYNC_CHILDREN; i++) {
		unsigned shift = word_bits(loader) - SYNC_CHILD_BITS * (item->level + 1u);

		node->children[i] = load_address(&loader->map->program->machine, bytes + layout->children + i * word);
		if (node->children[i].v == 0)
			continue;
		enqueue(loader, &(struct pending){
			.address = node->children[i],
			.path = item->path | (uint64_t)i << shift,
			.node = index,
			.slot = (uint8_t)i,
			.level = (uint8_t)(item->level + 1),
		});
	}
}

/* Whether the node itself is to be read: an indirect one where one may be. Entries are kept right away. */
static bool sort_out(struct loader *loader, const struct pending *item, const uint8_t *head)
{
	uint64_t is_entry;

	if (head == NULL) {
		findings_add(loader->findings, item->address, "a node of a trie that cannot be read");
		return false;
	}
	is_entry = field(loader, head, loader->map->layout->is_entry);
	if (is_entry > 1 || (is_entry == 0 && item->chain != 0) || (is_entry == 1 && item->level == 0)) {
		findings_add(loader->findings, item->address, "not a node of a trie: isEntry is %llu%s", (unsigned long long)is_entry,
			     item->chain != 0 ? " in an overflow chain" : item->level == 0 ? " in the root" : "");
		return false;
	}
	if (is_entry == 1) {
		keep_entry(loader, item, head);
		return false;
	}
	if (item->level * SYNC_CHILD_BITS >= word_bits(loader)) {
		findings_add(loader->findings, item->address, "a node of a trie deeper than a hash has bits");
		return false;
	}
	return true;
}

/* The items from `from` on, as many as are read at once: the first words of all, then the nodes among them. */
static struct error *load_some(struct loader *loader, size_t from)
{
	const struct sync_layout *layout = loader->map->layout;
	size_t head = layout->overflow.offset + layout->overflow.size, nodes = 0;
	size_t count = loader->now.count - from < AT_ONCE ? loader->now.count - from : AT_ONCE;
	struct pending *items = loader->now.items + from;

	TRY(reserve(loader, count, head > layout->node_size ? head : layout->node_size));
	for (size_t i = 0; i < count; i++)
		put_piece(loader, i, items[i].address, head);
	TRY(read_pieces(loader, count));
	for (size_t i = 0; i < count; i++)
		if (sort_out(loader, &items[i], piece_bytes(loader, i)))
			items[nodes++] = items[i];
	for (size_t i = 0; i < nodes; i++)
		put_piece(loader, i, items[i].address, layout->node_size);
	TRY(read_pieces(loader, nodes));
	for (size_t i = 0; i < nodes; i++) {
		const uint8_t *bytes = piece_bytes(loader, i);

		if (bytes != NULL)
			keep_node(loader, &items[i], bytes);
		else
			findings_add(loader->findings, items[i].address, "a node of a trie that cannot be read");
	}
	return NULL;
}

static int compare_entries(const void *a, const void *b)
{
	const struct sync_entry *x = a, *y = b;

	return x->path != y->path ? (x->path < y->path ? -1 : 1) : (x->chain > y->chain) - (x->chain < y->chain);
}

static bool is_too_much(const struct loader *loader)
{
	const struct sync_contents *out = loader->out;

	if (out->count < limit_of(LIMIT_SYNC_ENTRIES) && out->node_count < limit_of(LIMIT_SYNC_ENTRIES) / NODES_PER_ENTRY && !findings_give_up(loader->findings))
		return false;
	findings_add(loader->findings, loader->map->address, "more entries or nodes than a sound trie has: given up (--limit sync-entries=N)");
	return true;
}

static struct error *load_trie(struct loader *loader)
{
	if (loader->map->inited == 0 || loader->map->root.v == 0)
		return NULL;
	enqueue(loader, &(struct pending){ .address = loader->map->root });
	while (loader->next.count != 0) {
		struct pendings now = loader->now;

		loader->now = loader->next;
		loader->next = now;
		loader->next.count = 0;
		for (size_t from = 0; from < loader->now.count; from += AT_ONCE) {
			if (is_too_much(loader))
				return NULL;
			TRY(load_some(loader, from));
		}
	}
	if (loader->out->count != 0)
		qsort(loader->out->entries, loader->out->count, sizeof(*loader->out->entries), compare_entries);
	return NULL;
}

/* --- the interface ----------------------------------------------------------------------------------------------- */

bool sync_entry_counts(const struct sync_contents *contents, size_t index)
{
	const struct sync_entry *entry = &contents->entries[index];

	if (entry->state != SYNC_LIVE || contents->map->layout->form == SYNC_TRIE)
		return entry->state == SYNC_LIVE;
	if (!contents->map->amended)
		return index < contents->read_count;
	/* dirty has all that is not expunged; what read alone has would be found there first */
	return index >= contents->read_count || !entry->in_dirty;
}

struct error *sync_contents_load(const struct sync_map *map, struct mirror *mirror, struct findings *findings,
				 struct sync_contents *out)
{
	struct loader loader = { .map = map, .mirror = mirror, .findings = findings, .out = out };
	uint64_t before = findings->total;

	out->map = map;

	struct error *error = map->layout->form == SYNC_TRIE ? load_trie(&loader) : load_read_dirty(&loader);

	if (error == NULL && findings->total != before)
		error = interrupt_check(); /* the last reads may have failed because they were given up */

	for (size_t i = 0; i < out->count; i++)
		out->live += sync_entry_counts(out, i);
	table_free(&loader.seen);
	free(loader.now.items);
	free(loader.next.items);
	free(loader.pieces);
	free(loader.bytes);
	return error;
}

void sync_contents_free(struct sync_contents *contents)
{
	free(contents->entries);
	free(contents->nodes);
	*contents = (struct sync_contents){ 0 };
}

size_t sync_slot_entries(const struct sync_contents *contents, size_t node, unsigned slot, size_t *first)
{
	unsigned shift = 8u * contents->map->program->machine.word_size - SYNC_CHILD_BITS * (contents->nodes[node].level + 1u);
	uint64_t path = contents->nodes[node].path | (uint64_t)slot << shift;
	size_t from = 0, to = contents->count, count = 0;

	while (from < to) { /* they are in order of path */
		size_t middle = from + (to - from) / 2;

		if (contents->entries[middle].path < path)
			from = middle + 1;
		else
			to = middle;
	}
	*first = from;
	while (from + count < contents->count && contents->entries[from + count].path == path &&
	       contents->entries[from + count].node == node)
		count++;
	return count;
}

typedef bool block_visit(void *context, const struct sync_block *block);

static bool each_entry_block(const struct sync_contents *contents, size_t i, block_visit *visit, void *context)
{
	const struct sync_layout *layout = contents->map->layout;
	const struct sync_entry *entry = &contents->entries[i];
	struct sync_block block = { SYNC_BLOCK_ENTRY, entry->address, layout->entry_size };

	if (i >= contents->read_count && entry->in_read)
		return true; /* came with the read map */
	if (!visit(context, &block))
		return false;
	block = (struct sync_block){ SYNC_BLOCK_VALUE, entry->value, layout->value->size };
	return layout->form == SYNC_TRIE || entry->value.v == 0 || visit(context, &block);
}

void sync_each_block(const struct sync_contents *contents, block_visit *visit, void *context)
{
	const struct sync_map *map = contents->map;
	struct sync_block block = { SYNC_BLOCK_READ_ONLY, map->read_only, map->layout->read_only_size };

	if (map->read_only.v != 0 && !visit(context, &block))
		return;
	for (size_t i = 0; i < contents->node_count; i++) {
		block = (struct sync_block){ SYNC_BLOCK_NODE, contents->nodes[i].address, map->layout->node_size };
		if (!visit(context, &block))
			return;
	}
	for (size_t i = 0; i < contents->count; i++)
		if (!each_entry_block(contents, i, visit, context))
			return;
}
