/* Type descriptors where DWARF leaves them out: the linker drops the DWARF of types that nothing reaches. */
#ifndef LAYOUT_DESCRIPTOR_H
#define LAYOUT_DESCRIPTOR_H

#include "layout/struct.h"

/*
 * The layout of internal/abi's descriptor structs that are the same in all versions from Go 1.8 on: "internal/abi.ArrayType",
 * InterfaceType, PtrType, SliceType, StructType, StructField. False for others. Freed with layout_struct_free().
 */
bool layout_descriptor_known(const char *name, unsigned word_size, struct layout_struct *out);

#endif
