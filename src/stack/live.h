/*
 * Which words of a goroutine's stack its collector would follow, as scanstack() of runtime/mgcmark.go finds them: exact
 * where the compiler's maps say it, all words where they say nothing: in a frame that was interrupted between two
 * instructions or that is assembly, where unwinding ends early. What goes on in the runtime's own functions on the
 * stack of a goroutine that runs counts as interrupted, with the frame that called them: they are called where there
 * are no maps.
 */
#ifndef STACK_LIVE_H
#define STACK_LIVE_H

#include "stack/roots.h"
#include "stack/stack_map.h"

/* A frame on the goroutine's own stack. */
struct stack_live_frame {
	uint64_t sp, cfa; /* it is [sp, cfa) */
	uint64_t end;     /* where its arguments in its caller's frame end; at least cfa */
	bool exact;       /* the maps say what in it is alive, else all is taken to be */
};

/* A word of a record that the goroutine has in the heap: maybe a pointer, though the record's bitmap does not say so. */
struct stack_live_elsewhere {
	taddr address;
	uint64_t value;
};

/* A variable in a frame that a pointer keeps alive, or one in it that is. */
struct stack_live_object {
	uint64_t address;
	const struct stack_object *object; /* good until stack_maps_close() */
};

struct stack_live {
	uint64_t start;         /* the address of word 0 */
	size_t words;           /* as far as the stack could be read, and was: the first 64 MB */
	uint8_t *bytes;         /* of these words */
	uint8_t *bits;          /* bit i % 8 of byte i / 8: word i is alive */
	struct stack_live_frame *frames; /* in order of address */
	size_t frame_count;

	struct stack_live_elsewhere *elsewhere;
	size_t elsewhere_count;

	struct stack_live_object *objects; /* in order of address */
	size_t object_count;

	size_t capacity, frame_capacity, elsewhere_capacity, object_capacity; /* private */
};

/*
 * Of a goroutine's range in stack_roots_load(), into `live`: all zeroes, or what an earlier call has left there. Until
 * the next call what reads this stack reads live->bytes. `maps` NULL: all words are alive. An error only where the run
 * was interrupted.
 */
struct error *stack_live_find(struct stack *stack, struct stack_maps *maps, const struct stack_root_range *range,
			      struct stack_live *live) MUST_CHECK;
void stack_live_free(struct stack_live *live);
/* What is known of a frame of that goroutine; NULL: nothing. */
const struct stack_live_frame *stack_live_frame_of(const struct stack_live *live, const struct stack *stack,
						   const struct stack_frame *frame);

#endif
