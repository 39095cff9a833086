/* Whether a file is the build that a process runs or a core was made of. */
#ifndef BINARY_MATCH_H
#define BINARY_MATCH_H

#include "binary/binary.h"
#include "target/target.h"

/*
 * Compares entry point, program headers and build IDs of the file with those in the target's memory, as far as they are
 * there. ERROR_TARGET with both build IDs where they differ.
 */
struct error *binary_check_build(const struct binary *binary, struct target *target) MUST_CHECK;

#endif
