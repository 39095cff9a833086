/*
 * "DWARF" of the Go runtime, made from the tables of versions: for binaries without DWARF of their own, which then go through the
 * code that reads DWARF.
 */
#ifndef LAYOUT_KNOWN_DEBUG_H
#define LAYOUT_KNOWN_DEBUG_H

#include "binary/binary.h"
#include "layout/map.h"
#include "layout/version.h"
#include "util/error.h"

/*
 * Makes binary->debug (which has to be NULL) from the rows of that version for the binary's word size and byte order: the structs of
 * layout_runtime_structs and layout_own_structs, what they are made of, the constants, and the types of layout_own_variables. Nothing of
 * the binary is read. Where variables are is not known: debug_set_variable() tells it, until then debug_find_variable() finds none.
 * debug_is_made() is true of it. ERROR_TARGET: that version has no such maps, or was built with a GOEXPERIMENT that the tables do
 * not know.
 */
struct error *layout_known_debug(struct binary *binary, const struct go_version *version,
				 enum map_implementation implementation) MUST_CHECK;

#endif
