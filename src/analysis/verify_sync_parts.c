/* What a sync.Map's fields, nodes and entries must be among each other. */
#include "analysis/verify_sync_private.h"

#include <stdlib.h>

#include "util/alloc.h"

static void wrong_field(struct verify_sync *verify, const char *field, struct field_at at, const char *expected, char *found)
{
	report_wrong(sync_check(verify, VERIFY_HEADER), taddr_add(verify->contents->map->address, at.offset), expected, found, "sync.Map, %s",
		     field);
	free(found);
}

static char *number(uint64_t value)
{
	return xasprintf("%llu", (unsigned long long)value);
}

static char *hex(taddr value)
{
	return value.v ? xasprintf("0x%llx", (unsigned long long)value.v) : xstrdup("nil");
}

/* --- read and dirty: sync/map.go --------------------------------------------------------------------------------- */

static void check_misses(struct verify_sync *verify)
{
	const struct sync_map *map = verify->contents->map;
	uint64_t dirty = verify->contents->dirty.length;

	if (!map->amended && map->misses != 0)
		wrong_field(verify, "misses", map->layout->misses, "0: nothing can be missed where dirty has no more keys than read",
			    number(map->misses));
	/* until 1.14 Delete took keys out of dirty and counted no miss */
	if (map->amended && map->program->version->minor >= 15 && map->misses != 0 && map->misses >= dirty) {
		char *expected = xasprintf("fewer than dirty's %llu entries: it would have become the read map", (unsigned long long)dirty);

		wrong_field(verify, "misses", map->layout->misses, expected, number(map->misses));
		free(expected);
	}
}

static void check_read_dirty(struct verify_sync *verify)
{
	const struct sync_map *map = verify->contents->map;
	/* Clear (1.23) leaves an empty dirty map behind */
	bool cleared = map->program->version->minor >= 23 && verify->contents->dirty.length == 0;

	if (map->amended && map->dirty_map.v == 0)
		wrong_field(verify, "dirty", map->layout->dirty, "a map: readOnly says that there are keys in it", xstrdup("nil"));
	if (!map->amended && map->dirty_map.v != 0 && !cleared)
		wrong_field(verify, "dirty", map->layout->dirty, "nil: readOnly says that it has no more keys than read",
			    hex(map->dirty_map));
	check_misses(verify);
	report_detail(sync_check(verify, VERIFY_HEADER), "amended, dirty and misses among each other%s",
		      map->expunged.v == 0 ? "; the variable sync.expunged was not found" : "");
}

/* dirtyLocked expunges what is deleted and takes over the rest; what is expunged is put back when it is stored again. */
static void check_entry(struct verify_sync *verify, size_t i)
{
	const struct sync_contents *contents = verify->contents;
	const struct sync_entry *entry = &contents->entries[i];
	struct report_check *check = sync_check(verify, VERIFY_SLOTS);

	if (entry->state == SYNC_EXPUNGED && entry->in_dirty)
		report_wrong(check, entry->address, "live or deleted: an expunged entry is not in the dirty map", "expunged",
			     "%s map, entry", i < contents->read_count ? "read" : "dirty");
	if (i >= contents->read_count)
		return;
	if (entry->state == SYNC_EXPUNGED && contents->map->dirty_map.v == 0)
		report_wrong(check, entry->address, "live or deleted: there is no dirty map that was made without it", "expunged",
			     "read map, entry");
	if (contents->map->amended && !entry->in_dirty && entry->state != SYNC_EXPUNGED && entry->state != SYNC_UNREADABLE &&
	    contents->dirty.address.v != 0)
		report_wrong(check, entry->address, "in the dirty map too: it has all that is not expunged",
			     sync_state_name((enum sync_state)entry->state), "read map, entry");
}

static void check_entries(struct verify_sync *verify)
{
	for (size_t i = 0; i < verify->contents->count; i++)
		check_entry(verify, i);
	report_detail(sync_check(verify, VERIFY_SLOTS), "entries that both maps lead to are the same, expunged ones only in read: %zu",
		      verify->contents->count);
}

/* --- trie: internal/sync/hashtriemap.go -------------------------------------------------------------------------- */

static void check_trie_header(struct verify_sync *verify)
{
	const struct sync_map *map = verify->contents->map;

	if (map->inited > 1)
		wrong_field(verify, "inited", map->layout->inited, "0 or 1", number(map->inited));
	if (map->inited != 0 && map->root.v == 0)
		wrong_field(verify, "root", map->layout->root, "a node: inited says that there is one", xstrdup("nil"));
	if (map->inited == 0 && map->root.v != 0)
		wrong_field(verify, "inited", map->layout->inited, "1: there is a root", xstrdup("0"));
	report_detail(sync_check(verify, VERIFY_HEADER), "inited and root%s",
		      map->layout->entry_derived ? "; the DWARF lacks the entry's type, Go's rules of layout give it" : "");
}

static void wrong_node(struct verify_sync *verify, const struct sync_node *node, struct field_at at, const char *field,
		       const char *expected, char *found)
{
	report_wrong(sync_check(verify, VERIFY_SLOTS), taddr_add(node->address, at.offset), expected, found, "node of level %u, %s",
		     node->level, field);
	free(found);
}

static void check_node(struct verify_sync *verify, size_t i)
{
	const struct sync_contents *contents = verify->contents;
	const struct sync_layout *layout = contents->map->layout;
	const struct sync_node *node = &contents->nodes[i];
	taddr parent = i == 0 ? taddr_of(0) : contents->nodes[node->holder].address;
	bool empty = true;

	if (node->parent.v != parent.v) {
		char *expected = hex(parent);

		wrong_node(verify, node, layout->parent, "parent", expected, hex(node->parent));
		free(expected);
	}
	if (node->dead)
		wrong_node(verify, node, layout->dead, "dead", "false: a dead node is cut off", xstrdup("true"));
	for (unsigned slot = 0; slot < SYNC_CHILDREN; slot++)
		empty &= node->children[slot].v == 0;
	if (empty && i != 0)
		wrong_node(verify, node, (struct field_at){ .offset = layout->children }, "children",
			   "one or more: Delete takes an empty node away", xstrdup("none"));
}

static void check_nodes(struct verify_sync *verify)
{
	for (size_t i = 0; i < verify->contents->node_count; i++)
		check_node(verify, i);
	report_detail(sync_check(verify, VERIFY_SLOTS), "parent, dead and children of %zu nodes", verify->contents->node_count);
}

void sync_check_parts(struct verify_sync *verify)
{
	if (verify->contents->map->layout->form == SYNC_TRIE) {
		check_trie_header(verify);
		check_nodes(verify);
	} else {
		check_read_dirty(verify);
		check_entries(verify);
	}
}
