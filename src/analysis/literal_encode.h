/* A literal as the bytes that a Go program would have of it, at an address: to be hashed and compared, or put into a map. */
#ifndef ANALYSIS_LITERAL_ENCODE_H
#define ANALYSIS_LITERAL_ENCODE_H

#include "analysis/literal.h"
#include "target/target.h"

/* An arena whose addresses no process of that machine uses: on 64-bit machines none can, on 32-bit ones the kernel maps nothing
 * so low, and there is room for 56 KiB only. Laid over a target (target/overlay.h) it can be read together with it. */
struct target *literal_arena_create(const struct machine *machine);

/*
 * Allocates type->size bytes in the arena, and more for what they point to, and writes the literal there as a value of `type`.
 * ERROR_USAGE, showing how such values are written, where it is none; or where the arena is full.
 *
 * What is in an interface has the type that is written with it, else the one that Go gives to such constants (int, float64,
 * int32 of 'x', string, bool). Its descriptor is looked up in the program's memory. For an interface with methods an
 * itab is made, of which only the type is right; its memory must not be given back as long as the program is used.
 */
struct error *literal_encode(const struct literal *literal, struct gotype *type, struct target *arena, taddr *out) MUST_CHECK;

#endif
