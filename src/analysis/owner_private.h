/* Between the owner*.c files only. */
#ifndef ANALYSIS_OWNER_PRIVATE_H
#define ANALYSIS_OWNER_PRIVATE_H

#include "analysis/owner.h"
#include "binary/symbols.h"
#include "util/table.h"

struct owner_variable {
	const char *name;
	uint64_t address;
	struct gotype *type;
};

/* A pointer out of a large object that is asked about again and again. */
struct owner_link {
	uint64_t child;  /* slot */
	uint64_t offset; /* bytes from the object's start */
};

struct owner_links {
	struct owner_link *items; /* by child, then offset */
	size_t count, capacity;
};

struct owners {
	struct program *program;
	struct heap_walk *walk;
	struct heap_spans *spans;
	struct heap_types *types;
	struct owner_variable *variables; /* by address */
	size_t variable_count, variable_capacity;
	struct binary_symbol *symbols; /* by address; without DWARF */
	size_t symbol_count, symbol_capacity;
	struct owner_local *locals; /* by address */
	size_t local_count;
	struct heap_place_outside *places; /* by address */
	size_t place_count;
	struct table links;      /* slot -> index of its owner_links */
	struct owner_links *link_list;
	size_t link_count, link_capacity;
	size_t links_kept;
};

/* A name being made: what is looked at, through which type. */
struct owner_view {
	struct owners *owners;
	struct buffer *text;
	bool exact;        /* the text so far is a MAP */
	heap_type_id type; /* of what the last pointer led to; 0: not known */
	uint64_t base;     /* where that begins */
	unsigned hops;     /* pointers outside the heap that the text goes through: from a variable to what has none */
};

/* Appends what the value at `address` is called, of the object that the last pointer led to. */
void owner_label_place(struct owner_view *view, uint64_t address);
/* Appends what the word at `address` is called, and sets type and base to those of what it leads to. */
void owner_label_word(struct owner_view *view, uint64_t address);
/* Begins a name at a variable (or what a variable leads to outside the heap); false: the address lies in none. */
bool owner_label_variable(struct owner_view *view, uint64_t address);
/* The same where the word on a stack is the frame's pointer to a variable in the heap. */
bool owner_label_escaped(struct owner_view *view, const struct heap_origin *root);
/* A name as people write it, not as the linker does: "sync.(*Pool)%2e..." */
void owner_append_name(struct owner_view *view, const char *name);

/* --- owner_symbols.c ----------------------------------------------------------------------------------------------- */

void owner_symbols_load(struct owners *owners);
/* What a symbol calls the place, or (`follow`) what the word there leads to; false: none does. */
bool owner_label_symbol(struct owner_view *view, uint64_t address, bool follow);

#endif
