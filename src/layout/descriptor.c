#include "layout/descriptor.h"

#include <string.h>

#include "util/alloc.h"

/*
 * runtime/type.go (<= 1.20), internal/abi/type.go (>= 1.21), cross-checked against DWARF in tests/cases. Behind the
 * common part, runtime._type, of 4 words and 16 bytes; offsets and sizes in words. StructField has no common part.
 */
static const struct known_field {
	const char *owner, *name;
	bool behind_common;
	uint8_t offset, words;
} known[] = {
	{ "internal/abi.ArrayType", "Elem", true, 0, 1 },
	{ "internal/abi.ArrayType", "Slice", true, 1, 1 },
	{ "internal/abi.ArrayType", "Len", true, 2, 1 },
	{ "internal/abi.InterfaceType", "PkgPath", true, 0, 1 },
	{ "internal/abi.InterfaceType", "Methods", true, 1, 3 },
	{ "internal/abi.PtrType", "Elem", true, 0, 1 },
	{ "internal/abi.SliceType", "Elem", true, 0, 1 },
	{ "internal/abi.StructType", "PkgPath", true, 0, 1 },
	{ "internal/abi.StructType", "Fields", true, 1, 3 },
	{ "internal/abi.StructField", "Name", false, 0, 1 },
	{ "internal/abi.StructField", "Typ", false, 1, 1 },
	{ "internal/abi.StructField", "Offset", false, 2, 1 },
};

bool layout_descriptor_known(const char *name, unsigned word_size, struct layout_struct *out)
{
	struct layout_struct layout = { .name = name };
	size_t capacity = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		uint64_t common = known[i].behind_common ? 4 * word_size + 16 : 0;

		if (strcmp(known[i].owner, name) != 0)
			continue;
		ARRAY_RESERVE(layout.fields, layout.field_count, capacity);
		layout.fields[layout.field_count++] = (struct layout_field){
			.name = known[i].name,
			.offset = common + known[i].offset * word_size,
			.size = known[i].words * word_size,
			.type = "?",
		};
		layout.size = common + (known[i].offset + known[i].words) * word_size;
	}
	*out = layout;
	return layout.field_count != 0;
}
