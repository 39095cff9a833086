/* What the compiler knows of a map type and the runtime's algorithms look at. */
#include <elf.h>

#include "gotype/program.h"
#include "refmap/refmap.h"

enum { MEMORY_ASSIGN_SINCE = 9, ALIGNMENT_SINCE = 17 };

/* The least alignment that loads need: cmd/internal/sys/arch.go, Alignment. */
static unsigned machine_alignment(const struct machine *machine)
{
	switch (machine->elf_machine) {
	case EM_ARM:
		return 4;
	case EM_MIPS:
	case EM_RISCV:
		return machine->word_size;
	default:
		return 1;
	}
}

/* Whether keys are compared as one integer of their size (AMEM32, AMEM64). Issue 46283: [2]int16 is no int32 where that must be
 * aligned; Go >= 1.17, cmd/compile/internal/reflectdata/alg.go, AlgType. */
static bool is_integer(const struct gotype *key, const struct gotype_traits *traits, const struct refmap_type *type)
{
	if (traits->equality != GOTYPE_MEMORY || (key->size != 4 && key->size != 8))
		return false;
	return type->version->minor < ALIGNMENT_SINCE || traits->align >= machine_alignment(&type->machine) ||
	       traits->align >= key->size;
}

/*
 * mapfast(): cmd/compile/internal/gc/walk.go (<= 1.16), cmd/compile/internal/walk/walk.go. 1.8 has no fast functions but those
 * that only read.
 */
static enum refmap_variant variant_of(const struct gotype *key, const struct gotype_traits *traits,
				      const struct refmap_type *type)
{
	bool pointer = traits->pointers;

	if (type->version->minor < MEMORY_ASSIGN_SINCE || type->elem_size > MAP_INDIRECT_ABOVE)
		return REFMAP_SLOW;
	if (traits->equality == GOTYPE_STRING_EQUALITY)
		return REFMAP_FASTSTR;
	if (!is_integer(key, traits, type))
		return REFMAP_SLOW;
	if (key->size == 4)
		return pointer ? REFMAP_FAST32PTR : REFMAP_FAST32;
	/* two words, one of them a pointer: the slow way */
	if (pointer && type->machine.word_size != 8)
		return REFMAP_SLOW;
	return pointer ? REFMAP_FAST64PTR : REFMAP_FAST64;
}

struct error *refmap_type_of(struct gotype *map, const struct map_layout *layout, struct refmap_type *out)
{
	const struct gotype_traits *key, *elem;

	TRY(gotype_complete(map));
	TRY(gotype_traits(map->key, &key));
	TRY(gotype_traits(map->elem, &elem));
	if (map->key->size > UINT32_MAX || map->elem->size > UINT32_MAX)
		return error_new(ERROR_TARGET, "type %s: its keys or elems are larger than 4 GiB", map->name);
	*out = (struct refmap_type){
		.version = map->program->version,
		.machine = map->program->machine,
		.layout = layout,
		.key_size = (uint32_t)map->key->size,
		.elem_size = (uint32_t)map->elem->size,
		.key_pointers = key->pointers,
		.elem_pointers = elem->pointers,
		.reflexive_key = key->reflexive,
		.need_key_update = key->key_update,
	};
	out->variant = variant_of(map->key, key, out);
	return NULL;
}
