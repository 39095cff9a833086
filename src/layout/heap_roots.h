/* Where the collector's roots beside stacks are: modules' variables, records on objects, queues of what is to be called; from DWARF. */
#ifndef LAYOUT_HEAP_ROOTS_H
#define LAYOUT_HEAP_ROOTS_H

#include "layout/struct.h"

/* Parts of moduledata with a mask: data, bss. */
enum { MASKED_RANGES = 2 };

/* A queue of blocks, each with an array of records: finalizers (all versions), cleanups (Go >= 1.25). */
struct heap_queue_layout {
	uint64_t head;          /* of a pointer to the first block, in the file's addressing; 0: there is no such queue */
	struct field_at next, count; /* in a block; `count` records are waiting */
	uint64_t records_at;    /* in a block: the first record */
	uint64_t record_size;   /* bytes */
	uint64_t record_limit;  /* records in a block at most */
	uint64_t mask;          /* bit i: word i of a record is a pointer */
	uint64_t block_size;    /* bytes */
};

struct heap_roots_layout {
	char *unknown; /* why this is not known; NULL where it is */

	uint64_t first_module; /* runtime.firstmoduledata, in the file's addressing */
	uint64_t module_size;
	struct {
		const char *name;
		struct field_at start, end, bits, bytes; /* `bits` many, in memory at `bytes` */
	} ranges[MASKED_RANGES];
	struct field_at next_module;

	/* runtime.special, and what follows it in those of one kind */
	uint64_t special_size;       /* bytes of the largest that is looked into */
	struct field_at special_next, special_offset, special_kind;
	uint64_t finalizer_kind, cleanup_kind, weak_kind; /* 0: not in this version */
	struct field_at finalizer_function, cleanup_function, weak_handle;
	struct field_at cleanup_argument, cleanup_caller; /* Go >= 1.26 */

	struct heap_queue_layout finalizers, cleanups;
};

/* What the DWARF lacks is said in `unknown`; without the address of a queue, in DWARF that was made, there is no such queue. */
void heap_roots_layout_load(struct binary *binary, struct heap_roots_layout *out);
/* Of runtime.finblock (from 1.25 on finBlock) alone: all but where the first one is. */
struct error *heap_finalizer_blocks_load(struct binary *binary, struct heap_queue_layout *out) MUST_CHECK;
void heap_roots_layout_free(struct heap_roots_layout *layout);

#endif
