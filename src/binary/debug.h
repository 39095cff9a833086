/*
 * The DWARF of a binary, through libdw. Nothing is parsed before somebody asks: a unit's names are indexed when a
 * lookup gets to it, and the likeliest unit comes first. Offsets of DIEs are offsets in .debug_info.
 */
#ifndef BINARY_DEBUG_H
#define BINARY_DEBUG_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "binary/binary.h"

/* cmd/internal/dwarf/dwarf.go: Go's own attributes. */
enum {
	DW_AT_go_kind = 0x2900,
	DW_AT_go_key = 0x2901,
	DW_AT_go_elem = 0x2902,
	DW_AT_go_embedded_field = 0x2903,
	DW_AT_go_runtime_type = 0x2904,
	DW_AT_go_closure_offset = 0x2907, /* >= 1.23 */
};

/* A package-level variable. */
struct debug_variable {
	const char *name;  /* as Go's linker spells it: "net/http.DefaultServeMux"; good for the binary's life */
	uint64_t address;  /* in the file's addressing */
	uint64_t type;     /* its type's DIE */
};

/*
 * Opens the DWARF of `binary`: its own, or that of a separate file which .gnu_debuglink, the build ID or debuginfod
 * lead to. `directory_hint` (NULL allowed) is a path of the executable under which neighbours can be found.
 * Without any: ERROR_TARGET with a hint how to get it.
 */
struct error *debug_open(struct binary *binary, const char *directory_hint) MUST_CHECK;
void debug_destroy(struct debug *debug);

/*
 * The DWARF of an ELF file that was made for `binary` (layout/known_debug.h), whose own is not looked at. `fd` is its caller's still, and
 * may be closed. Types that are but declared in it are not found by name, variables only once their address is told.
 */
struct error *debug_open_made(struct binary *binary, int fd) MUST_CHECK;
bool debug_is_made(const struct debug *debug);
/* Tells where a variable is, in the file's addressing. False where the made DWARF has no such variable; then nothing happens. */
bool debug_set_variable(struct debug *debug, const char *name, uint64_t address);

/*
 * The same DWARF with all its sections: lines, locations, ranges and frames too, which debug_open() leaves packed. DIEs are at the same
 * offsets. *elf is NULL where it belongs to `binary` and must not outlive it. Closed with debug_close_all().
 */
struct error *debug_open_all(const struct binary *binary, Dwarf **dwarf, Elf **elf) MUST_CHECK;
void debug_close_all(Dwarf *dwarf, Elf *elf);

/* False: there is no such variable (or type). */
bool debug_find_variable(struct debug *debug, const char *name, struct debug_variable *out);
bool debug_find_type(struct debug *debug, const char *name, uint64_t *die);

/* Calls `visit` with every package-level variable / type DIE of Go units, until it returns false. */
void debug_each_variable(struct debug *debug, bool (*visit)(void *context, const struct debug_variable *), void *context);
void debug_each_type(struct debug *debug, bool (*visit)(void *context, const char *name, uint64_t die), void *context);

/* A DIE and its attributes. False where the DIE has no such attribute, or of another form. */
bool debug_die(struct debug *debug, uint64_t offset, Dwarf_Die *out);
bool debug_number(Dwarf_Die *die, unsigned attribute, uint64_t *out);
bool debug_reference(Dwarf_Die *die, unsigned attribute, uint64_t *out);
/* A member's offset in its struct, in bytes. */
bool debug_member_offset(Dwarf_Die *member, uint64_t *out);
/* The value of a DW_TAG_constant, Go >= 1.10: "runtime.minTopHash". */
bool debug_find_constant(struct debug *debug, const char *name, uint64_t *out);

#endif
