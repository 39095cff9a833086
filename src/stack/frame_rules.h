/*
 * How the frames of Go's functions are built on a machine: what tracebacks know beside the program's own tables.
 * runtime/traceback.go (runtime/stkframe.go from Go 1.21 on); PCQuantum, MinFrameSize and StackAlign are in
 * internal/goarch (runtime/internal/sys before Go 1.18).
 */
#ifndef STACK_FRAME_RULES_H
#define STACK_FRAME_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "util/bytes.h"

struct frame_rules {
	uint16_t elf_machine;
	uint8_t since;        /* Go 1.N */
	uint8_t quantum;      /* what pcs in tables of values are counted in (PCQuantum) */
	bool link;            /* a call leaves its return address in a register, not on the stack */
	uint8_t reserved;     /* words at the bottom of each frame; the arguments of a call follow (MinFrameSize) */
	uint8_t injected;     /* words that a signal handler puts below a frame that calls sigpanic (StackAlign) */
	bool saves_pointer;   /* the frame pointer is saved on top of each frame that has locals */
};

/* NULL: a machine that Go 1.`minor` does not know. */
const struct frame_rules *frame_rules_find(const struct machine *machine, int minor);

#endif
