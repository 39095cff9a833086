/* Between the files of this folder only. */
#ifndef GOTYPE_PRIVATE_H
#define GOTYPE_PRIVATE_H

#include "gotype/program.h"

/* Zeroed memory that lives as long as the program. */
void *program_allocate(struct program *program, size_t size);
/* Gives back all that was allocated since the mark was taken. Nothing may refer to it. */
const void *program_mark(const struct program *program);
void program_release(struct program *program, const void *mark);
char *program_format(struct program *program, const char *format, ...) PRINTF(2, 3);

/* No nesting of types in a real program is deeper; a cycle in hostile DWARF or descriptors is. */
enum { GOTYPE_DEPTH_LIMIT = 64 };

/* Sizes over this are no sound size of a Go value. */
#define GOTYPE_SIZE_LIMIT (UINT64_C(1) << 46)

/* Sizes that the kind decides are not left to file or target: decoders rely on them. False for no kind at all. */
bool gotype_size_fits(enum go_kind kind, uint64_t size, unsigned word_size);

struct error *gotype_complete_from_dwarf(struct gotype *type) MUST_CHECK;
struct error *gotype_complete_from_descriptor(struct gotype *type) MUST_CHECK;

/* Both need the layouts of descriptors, modules and itabs: loaded from DWARF once. */
void descriptor_layout_destroy(struct descriptor_layout *layout);

#endif
