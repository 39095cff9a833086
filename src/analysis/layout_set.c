#include "analysis/layout_set.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

void layout_set_free(struct layout_set *set)
{
	for (size_t i = 0; i < set->struct_count; i++)
		layout_struct_free(&set->structs[i]);
	for (size_t i = 0; i < set->text_count; i++)
		free(set->texts[i]);
	free(set->structs);
	free(set->constants);
	free(set->maps);
	free(set->texts);
	*set = (struct layout_set){ 0 };
}

const char *layout_set_text(struct layout_set *set, const char *text)
{
	ARRAY_RESERVE(set->texts, set->text_count, set->text_capacity);
	return set->texts[set->text_count++] = xstrdup(text);
}

void layout_set_add_struct(struct layout_set *set, struct layout_struct *layout)
{
	ARRAY_RESERVE(set->structs, set->struct_count, set->struct_capacity);
	set->structs[set->struct_count++] = *layout;
	*layout = (struct layout_struct){ 0 };
}

void layout_set_add_constant(struct layout_set *set, const char *name, uint64_t value)
{
	ARRAY_RESERVE(set->constants, set->constant_count, set->constant_capacity);
	set->constants[set->constant_count++] = (struct layout_constant){ name, value };
}

void layout_set_add_map(struct layout_set *set, const struct layout_map_type *map)
{
	ARRAY_RESERVE(set->maps, set->map_count, set->map_capacity);
	set->maps[set->map_count++] = *map;
}

const struct layout_struct *layout_set_struct(const struct layout_set *set, const char *name)
{
	for (size_t i = 0; i < set->struct_count; i++)
		if (strcmp(set->structs[i].name, name) == 0)
			return &set->structs[i];
	return NULL;
}

const struct layout_constant *layout_set_constant(const struct layout_set *set, const char *name)
{
	for (size_t i = 0; i < set->constant_count; i++)
		if (strcmp(set->constants[i].name, name) == 0)
			return &set->constants[i];
	return NULL;
}

const struct layout_map_type *layout_set_map(const struct layout_set *set, const char *name)
{
	for (size_t i = 0; i < set->map_count; i++)
		if (strcmp(set->maps[i].name, name) == 0)
			return &set->maps[i];
	return NULL;
}

bool layout_set_is_of_maps(const char *struct_name)
{
	for (const struct runtime_name *row = layout_runtime_structs; row->names[0] != NULL; row++)
		for (size_t i = 0; i < ARRAY_SIZE(row->names) && row->names[i] != NULL; i++)
			if (strcmp(row->names[i], struct_name) == 0)
				return row->of_maps;
	return false;
}

const char *layout_architecture(const struct machine *machine)
{
	switch (machine->elf_machine) {
	case EM_X86_64:
		return "amd64";
	case EM_386:
		return "386";
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "arm";
	case EM_PPC64:
		return machine->big_endian ? "ppc64" : "ppc64le";
	case EM_S390:
		return "s390x";
	case EM_RISCV:
		return "riscv64";
	case EM_LOONGARCH:
		return "loong64";
	case EM_MIPS:
		if (machine->word_size == 4)
			return machine->big_endian ? "mips" : "mipsle";
		return machine->big_endian ? "mips64" : "mips64le";
	default:
		return "unknown";
	}
}
