/*
 * What is known of an object's type while the heap is walked: not only Go's types, but also what the runtime makes of them (bucket
 * arrays, tables, channels, closures). Each is flattened once into the list of words that lead on to something of known type.
 */
#ifndef HEAP_TYPES_H
#define HEAP_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "gotype/program.h"

struct stack;
struct stack_capture;

/* The number of a heap_type; 0: not known. */
typedef uint32_t heap_type_id;

enum heap_form {
	HEAP_VALUE,     /* one value of `type` */
	HEAP_VALUES,    /* values of `type` side by side: what a slice leads to */
	HEAP_MAP,       /* the header of a map of `type` */
	HEAP_UNITS,     /* its buckets or groups, side by side */
	HEAP_DIRECTORY, /* Swiss: pointers to its tables */
	HEAP_TABLE,     /* Swiss: one of these */
	HEAP_CHANNEL,   /* the hchan of a channel of `type` */
	HEAP_SENDER,    /* runtime.sudog of a goroutine that waits to send on a channel of `type` */
	HEAP_FUNCTION,  /* a func value's object: the address of its code, then what a closure captured */
	HEAP_SYNC_NODE, /* of the trie of a sync.Map of `type` (Go >= 1.24): either of the next two, as its bytes say */
	HEAP_SYNC_INDIRECT,
	HEAP_SYNC_ENTRY,
};

/*
 * A target with this bit is a guess: the value is of another type that has the same underlying one (what generic code of Go >= 1.18 says
 * of its type parameters), or of that one.
 */
#define HEAP_TYPE_GUESS UINT32_C(0x80000000)

enum heap_word_kind {
	HEAP_WORD_POINTER,   /* leads to `target` */
	HEAP_WORD_SLICE,     /* three words: leads to `target` (HEAP_VALUES), the third is how many there is room for */
	HEAP_WORD_ARRAY,     /* two words: leads to `target` (HEAP_VALUES), the second is how many */
	HEAP_WORD_EFACE,     /* two words: type descriptor, value */
	HEAP_WORD_IFACE,     /* two words: itab, value */
	HEAP_WORD_REFLECT,   /* a reflect.Value, three words: type descriptor, value or pointer to it, flags that say which */
	HEAP_WORD_BUFFER,    /* of a channel: leads to `target` (HEAP_VALUES), as many as the channel says */
	HEAP_WORD_DIRECTORY, /* Swiss: dirPtr, to groups or to the directory as dirLen says */
};

struct heap_word {
	uint32_t offset; /* bytes, of the first word */
	enum heap_word_kind kind;
	heap_type_id target;
};

struct heap_sync;

struct heap_type {
	enum heap_form form;
	struct gotype *type;  /* HEAP_FUNCTION: of the closure's object, NULL where it is not known */
	uint64_t function;    /* HEAP_FUNCTION: where its code is in memory; 0: look into the object */
	uint64_t size;        /* bytes of one value, unit or pointer */
	bool repeats;         /* side by side, to the end of the object */
	/* Set by heap_type_complete(). */
	bool complete;
	struct heap_word *words; /* in order of offset, of one value */
	uint32_t word_count;
	struct heap_sync *syncs; /* every sync.Map inside one value */
	uint32_t sync_count;
};

/* A sync.Map is a struct, which lies in something larger. */
struct heap_sync {
	uint32_t offset; /* bytes */
	struct gotype *type;
};

struct heap_types;

struct heap_types *heap_types_create(struct program *program);
/* What closures capture has names from then on. `stack` must outlive the types. */
void heap_types_use_stack(struct heap_types *types, struct stack *stack);
/* NULL is allowed. */
void heap_types_free(struct heap_types *types);

/* The same number each time. 0 where nothing can be behind such an object: no pointers in it. */
heap_type_id heap_type_of(struct heap_types *types, enum heap_form form, struct gotype *type);
/* Of a func value whose code begins at `function` (0: not known before the object is read). 0 where no code can be there. */
heap_type_id heap_type_of_function(struct heap_types *types, uint64_t function);
/* The struct that closures of that function are; NULL: not known, or no code begins there that makes some. */
struct gotype *heap_closure_struct(const struct heap_types *types, uint64_t function);
/* What an interface's data word leads to where its type word (`has_methods`: its itab) is `word`; 0: nothing of interest. */
heap_type_id heap_type_of_interface(struct heap_types *types, bool has_methods, uint64_t word);
/*
 * What the second word of a reflect.Value leads to, where the others are `word` and `flags`; 0: nothing of interest, or these are no two words
 * of one.
 */
heap_type_id heap_type_of_reflected(struct heap_types *types, uint64_t word, uint64_t flags);
/* What an object holds whose malloc header names the descriptor: values of that type, or units of a map. */
heap_type_id heap_type_of_descriptor(struct heap_types *types, taddr descriptor);

/* The same type, or what the object's bytes make of it: of a func value which function's, of a node which kind. */
heap_type_id heap_type_of_object(struct heap_types *types, heap_type_id id, const uint8_t *bytes, size_t length);

/* The type, its words filled in. Good until the next call of any of these. */
const struct heap_type *heap_type_complete(struct heap_types *types, heap_type_id id);
/* Without the words. */
const struct heap_type *heap_type_at(const struct heap_types *types, heap_type_id id);

/* What a closure of that function captures; *count 0: nothing, or it is not known. See stack/variables.h. */
const struct stack_capture *heap_types_captures(struct heap_types *types, uint64_t function, size_t *count);

/* All map types that the program's DWARF and descriptors know, good until heap_types_free(). */
struct gotype *const *heap_map_types(struct heap_types *types, size_t *count);
/* All types that a program without DWARF describes, of any kind; of others none. */
struct gotype *const *heap_described_types(struct heap_types *types, size_t *count);
/* The one of DWARF that has the same descriptor: with package paths in its name. `type` itself where there is none. */
struct gotype *heap_type_preferred(struct heap_types *types, struct gotype *type);

#endif
