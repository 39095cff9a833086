#include "analysis/owner.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/owner_private.h"
#include "binary/debug.h"
#include "util/alloc.h"
#include "util/limits.h"

enum {
	HOPS_SHOWN = 48,      /* of a longer way (a linked list) the middle is left out */
	LINKED_ABOVE = 1024,  /* bytes of an object whose pointers are kept by where they lead */
	LINKS_LIMIT = 1 << 24, /* such pointers that are kept */
	READ_AT_ONCE = 1 << 20,
};

static bool keep_variable(void *context, const struct debug_variable *variable)
{
	struct owners *owners = context;
	struct gotype *type;
	struct error *error = program_type_at(owners->program, variable->type, &type);

	/* the compiler's own have names that Go source cannot say */
	if (error == NULL && type->size != 0 && strstr(variable->name, "..") == NULL) {
		ARRAY_RESERVE(owners->variables, owners->variable_count, owners->variable_capacity);
		owners->variables[owners->variable_count++] =
			(struct owner_variable){ variable->name, variable->address + owners->program->bias, type };
	}
	error_free(error);
	return true;
}

static int compare_variables(const void *a, const void *b)
{
	const struct owner_variable *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static int compare_places(const void *a, const void *b)
{
	const struct heap_place_outside *x = a, *y = b;

	return x->address.v < y->address.v ? -1 : x->address.v > y->address.v;
}

static int compare_locals(const void *a, const void *b)
{
	const struct owner_local *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	/* of variables that share a place the one that can be named, in the innermost frame */
	if (x->hidden != y->hidden)
		return x->hidden ? 1 : -1;
	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* A sorted copy of an array. */
static void *sorted(const void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	void *copy = xreallocarray(NULL, count + 1, size);

	if (count != 0) {
		memcpy(copy, items, count * size);
		qsort(copy, count, size, compare);
	}
	return copy;
}

struct error *owners_create(const struct owner_source *source, struct owners **out)
{
	struct owners *owners = xcalloc(1, sizeof(*owners));
	const struct heap_place_outside *places = heap_walk_outside(source->walk, &owners->place_count);

	owners->program = source->program;
	owners->walk = source->walk;
	owners->spans = source->spans;
	owners->types = source->types;
	debug_each_variable(source->program->binary->debug, keep_variable, owners);
	if (owners->variable_count != 0)
		qsort(owners->variables, owners->variable_count, sizeof(*owners->variables), compare_variables);
	owner_symbols_load(owners);
	owners->places = sorted(places, owners->place_count, sizeof(*places), compare_places);
	owners->local_count = source->local_count;
	owners->locals = sorted(source->locals, source->local_count, sizeof(*source->locals), compare_locals);
	*out = owners;
	return NULL;
}

void owners_destroy(struct owners *owners)
{
	if (owners == NULL)
		return;
	for (size_t i = 0; i < owners->link_count; i++)
		free(owners->link_list[i].items);
	free(owners->link_list);
	free(owners->variables);
	free(owners->symbols);
	free(owners->places);
	free(owners->locals);
	table_free(&owners->links);
	free(owners);
}

void owner_path_free(struct owner_path *path)
{
	free(path->text);
	*path = (struct owner_path){ 0 };
}

/* --- which word of an object leads to another -------------------------------------------------------------------------- */

static int compare_links(const void *a, const void *b)
{
	const struct owner_link *x = a, *y = b;

	if (x->child != y->child)
		return x->child < y->child ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Calls `visit` with each word of the object that leads to a slot, until it returns false. */
static void each_link(struct owners *owners, uint64_t slot, bool (*visit)(void *context, uint64_t child, uint64_t offset), void *context)
{
	const struct heap_span *span = heap_span_of_slot(owners->spans, slot);
	uint64_t start = heap_slot_address(span, (uint32_t)(slot - span->first));
	unsigned size = owners->program->machine.word_size;
	uint8_t *bytes = xmalloc(span->elem_size < READ_AT_ONCE ? (size_t)span->elem_size : READ_AT_ONCE);

	for (uint64_t at = 0; at < span->elem_size; at += READ_AT_ONCE) {
		uint64_t some = span->elem_size - at < READ_AT_ONCE ? span->elem_size - at : READ_AT_ONCE;
		size_t got = target_read_some(owners->program->memory, taddr_of(start + at), bytes, (size_t)some);

		for (size_t i = 0; i + size <= got; i += size) {
			uint64_t value = load_word(&owners->program->machine, bytes + i);
			const struct heap_span *to = heap_span_find(owners->spans, value);

			if (to != NULL && !visit(context, to->first + heap_slot_in(to, value), at + i)) {
				free(bytes);
				return;
			}
		}
	}
	free(bytes);
}

static bool keep_link(void *context, uint64_t child, uint64_t offset)
{
	struct owner_links *links = context;

	ARRAY_RESERVE(links->items, links->count, links->capacity);
	links->items[links->count++] = (struct owner_link){ child, offset };
	return true;
}

/* A large array of pointers is gone through once, not once for each that asks. NULL: too much is kept already. */
static const struct owner_links *links_of(struct owners *owners, uint64_t slot)
{
	const uint64_t *known = table_get(&owners->links, slot);

	if (known != NULL)
		return &owners->link_list[*known];
	if (owners->links_kept > LINKS_LIMIT)
		return NULL;
	ARRAY_RESERVE(owners->link_list, owners->link_count, owners->link_capacity);

	struct owner_links *links = &owners->link_list[owners->link_count];

	*links = (struct owner_links){ 0 };
	each_link(owners, slot, keep_link, links);
	if (links->count != 0)
		qsort(links->items, links->count, sizeof(*links->items), compare_links);
	owners->links_kept += links->count;
	table_put(&owners->links, slot, owners->link_count++);
	return links;
}

struct link_search {
	uint64_t child, offset;
	bool found;
};

static bool match_link(void *context, uint64_t child, uint64_t offset)
{
	struct link_search *search = context;

	search->found = child == search->child;
	search->offset = offset;
	return !search->found;
}

static bool find_kept(const struct owner_links *links, struct link_search *search)
{
	size_t low = 0, high = links->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (links->items[middle].child < search->child)
			low = middle + 1;
		else
			high = middle;
	}
	search->found = low < links->count && links->items[low].child == search->child;
	search->offset = search->found ? links->items[low].offset : 0;
	return search->found;
}

/* The address of the first word of `parent` that leads to `child`; 0: none. */
static uint64_t word_between(struct owners *owners, uint64_t parent, uint64_t child)
{
	const struct heap_span *span = heap_span_of_slot(owners->spans, parent);
	const struct owner_links *links = span->elem_size > LINKED_ABOVE ? links_of(owners, parent) : NULL;
	struct link_search search = { .child = child };

	if (links != NULL)
		find_kept(links, &search);
	else
		each_link(owners, parent, match_link, &search);
	return search.found ? heap_slot_address(span, (uint32_t)(parent - span->first)) + search.offset : 0;
}

/* --- names -------------------------------------------------------------------------------------------------------------- */

static uint64_t value_at(const struct owners *owners, taddr address)
{
	uint64_t value = 0;

	error_free(target_read_word(owners->program->memory, address, &value));
	return value;
}

static void label_root(struct owner_view *view, const struct heap_origin *root)
{
	if (root->kind == HEAP_ORIGIN_STACK && owner_label_escaped(view, root))
		return;
	if (root->address.v != 0 && root->kind != HEAP_ORIGIN_SPECIAL && owner_label_variable(view, root->address.v)) {
		owner_label_word(view, root->address.v);
		return;
	}
	view->type = 0;
	if (root->kind == HEAP_ORIGIN_DATA && owner_label_symbol(view, root->address.v, true)) {
		view->base = value_at(view->owners, root->address);
		return;
	}
	view->exact = false;
	switch (root->kind) {
	case HEAP_ORIGIN_DATA:
		buffer_append_format(view->text, "(data 0x%llx)", (unsigned long long)root->address.v);
		break;
	case HEAP_ORIGIN_STACK:
		buffer_append_format(view->text, "(goroutine %llu: stack 0x%llx)", (unsigned long long)root->goroutine,
				     (unsigned long long)root->address.v);
		break;
	case HEAP_ORIGIN_REGISTER:
		buffer_append_format(view->text, "(goroutine %llu: a register)", (unsigned long long)root->goroutine);
		break;
	case HEAP_ORIGIN_QUEUE:
		buffer_append_text(view->text, "(a finalizer or cleanup that waits to be called)");
		break;
	case HEAP_ORIGIN_SPECIAL:
		buffer_append_format(view->text, "(finalizer or cleanup of 0x%llx)", (unsigned long long)root->address.v);
		break;
	}
	if (root->address.v != 0 && root->kind != HEAP_ORIGIN_SPECIAL)
		view->base = value_at(view->owners, root->address);
}

struct chain {
	uint64_t *slots; /* the object itself first */
	size_t count, capacity;
	struct heap_origin root;
	bool rooted;
};

static void climb(struct owners *owners, uint64_t slot, struct chain *chain)
{
	while (!limit_reached(LIMIT_HOPS, chain->count)) {
		ARRAY_RESERVE(chain->slots, chain->count, chain->capacity);
		chain->slots[chain->count++] = slot;

		struct heap_referrer referrer = heap_walk_referrer(owners->walk, slot);

		if (referrer.is_root) {
			chain->root = referrer.root;
			chain->rooted = true;
			return;
		}
		if (referrer.slot == UINT64_MAX) /* it was not reached */
			return;
		slot = referrer.slot;
	}
}

static void label_hop(struct owner_view *view, uint64_t parent, uint64_t child)
{
	uint64_t word = word_between(view->owners, parent, child);

	if (word != 0) {
		owner_label_word(view, word);
		return;
	}
	buffer_append_text(view->text, ".(?)");
	view->exact = false;
	view->type = 0;
}

static void label_chain(struct owner_view *view, const struct chain *chain)
{
	if (!chain->rooted) {
		buffer_append_text(view->text, "(nothing)");
		view->exact = false;
		return;
	}
	label_root(view, &chain->root);
	for (size_t i = chain->count - 1; i > 0; i--) {
		if (chain->count > HOPS_SHOWN && i == chain->count - HOPS_SHOWN / 2) {
			buffer_append_format(view->text, ".(… %zu more pointers …)", chain->count - HOPS_SHOWN);
			view->exact = false;
			view->type = 0;
			i = HOPS_SHOWN / 2;
		}
		label_hop(view, chain->slots[i], chain->slots[i - 1]);
	}
}

static void finish(struct buffer *text, const struct owner_view *view, unsigned hops, struct owner_path *out)
{
	*out = (struct owner_path){ xstrdup(buffer_text(text)), view->exact, hops + view->hops };
	buffer_free(text);
}

void owner_of_slot(struct owners *owners, uint64_t slot, struct owner_path *out)
{
	struct buffer text = { 0 };
	struct owner_view view = { .owners = owners, .text = &text, .exact = true };
	struct chain chain = { 0 };

	climb(owners, slot, &chain);
	label_chain(&view, &chain);
	finish(&text, &view, (unsigned)chain.count, out);
	free(chain.slots);
}

/* `follow`: the way to what the word there leads to, else the way to what lies there. */
static void name_address(struct owners *owners, taddr address, bool follow, struct owner_path *out)
{
	struct buffer text = { 0 };
	struct owner_view view = { .owners = owners, .text = &text, .exact = true };
	struct chain chain = { 0 };
	const struct heap_span *span = heap_span_find(owners->spans, address.v);

	if (span != NULL) {
		climb(owners, span->first + heap_slot_in(span, address.v), &chain);
		label_chain(&view, &chain);
		if (follow)
			owner_label_word(&view, address.v);
		else
			owner_label_place(&view, address.v);
	} else if (follow) {
		const struct heap_origin root = { HEAP_ORIGIN_DATA, address, 0 };

		label_root(&view, &root);
	} else if (owner_label_variable(&view, address.v)) {
		owner_label_place(&view, address.v);
	} else if (!owner_label_symbol(&view, address.v, false)) {
		buffer_append_format(&text, "(data 0x%llx)", (unsigned long long)address.v);
		view.exact = false;
	}
	finish(&text, &view, (unsigned)chain.count + (follow ? 1 : 0), out);
	free(chain.slots);
}

void owner_of_word(struct owners *owners, taddr address, struct owner_path *out)
{
	name_address(owners, address, true, out);
}

void owner_of_place(struct owners *owners, taddr address, struct owner_path *out)
{
	name_address(owners, address, false, out);
}
