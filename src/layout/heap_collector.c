/*
 * Field names of runtime/mheap.go and runtime/type.go (internal/abi/type.go from 1.21 on). Which of the four bitmaps a version
 * has shows in what its structs have: malloc headers came with the bitmaps in spans (1.22), the bits of an arena are words from
 * 1.20 on and were bytes before, and before 1.11 there are no arenas.
 */
#include "layout/heap_collector.h"

#include <dwarf.h>

/* No bitmap of an arena is larger: it is 2 MiB for 64 MiB. */
enum { ARENA_BITMAP_LIMIT = 1 << 26 };

static struct error *unknown_bitmap(const char *what)
{
	return error_new(ERROR_TARGET, "%s: no known pointer bitmap", what);
}

/* runtime/mgcmark_greenteagc.go: the struct is there only where the runtime uses it. */
static struct error *load_inline_marks(struct binary *binary, struct heap_layout *out)
{
	static const char *const names[] = { "runtime.spanInlineMarkBits", NULL };
	struct layout_struct marks;
	uint64_t die;

	if (!debug_find_type(binary->debug, names[0], &die))
		return NULL;
	TRY(layout_struct_named(binary, names, &marks));

	const struct layout_field *field = layout_field_find(&marks, "marks");
	bool good = field != NULL && marks.size < out->page_size && field->offset < marks.size;

	out->inline_size = good ? marks.size : 0;
	out->inline_marks_at = good ? field->offset : 0;
	layout_struct_free(&marks);
	/* without Green Tea the type is declared all the same, as an empty struct */
	return NULL;
}

/* The elements' size of an array type. */
static bool element_size(struct binary *binary, uint64_t array, uint64_t *out)
{
	Dwarf_Die die;
	uint64_t element;

	return layout_strip(binary, array, &die) && dwarf_tag(&die) == DW_TAG_array_type &&
	       debug_reference(&die, DW_AT_type, &element) && layout_size(binary, element, out);
}

static bool set_arena_bitmap(struct binary *binary, const struct layout_field *field, uint64_t outer, struct heap_layout *out)
{
	uint64_t size;

	if (field == NULL || !element_size(binary, field->type_die, &size) || field->size > ARENA_BITMAP_LIMIT)
		return false;
	out->bitmap = size == 1 ? HEAP_BITMAP_PAIRS : HEAP_BITMAP_ARENA;
	out->bitmap_at = outer + field->offset;
	out->bitmap_bytes = field->size;
	return true;
}

/* Go 1.22 with GOEXPERIMENT=noallocheaders has the bitmap of 1.21, in an embedded struct. */
static bool set_embedded_bitmap(struct binary *binary, const struct layout_field *field, struct heap_layout *out)
{
	struct layout_struct embedded;

	if (field == NULL)
		return false;

	struct error *error = layout_struct_at(binary, field->type_die, &embedded);

	if (error != NULL) {
		error_free(error);
		return false;
	}

	bool good = set_arena_bitmap(binary, layout_field_find(&embedded, "bitmap"), field->offset, out);

	layout_struct_free(&embedded);
	return good;
}

static struct error *load_arena_bitmap(struct binary *binary, struct heap_layout *out)
{
	static const char *const names[] = { "runtime.heapArena", NULL };
	struct layout_struct arena;

	TRY(layout_struct_named(binary, names, &arena));

	bool good = set_arena_bitmap(binary, layout_field_find(&arena, "bitmap"), 0, out) ||
		    set_embedded_bitmap(binary, layout_field_find(&arena, "heapArenaPtrScalar"), out);

	layout_struct_free(&arena);
	return good ? NULL : unknown_bitmap("runtime.heapArena");
}

static struct error *load_bitmap(struct binary *binary, const struct layout_struct *mheap, struct heap_layout *out)
{
	if (out->header_size != 0) {
		out->bitmap = HEAP_BITMAP_SPAN;
		return load_inline_marks(binary, out);
	}
	if (out->l1_length != 0)
		return load_arena_bitmap(binary, out);

	struct field_at flat;

	TRY(layout_field_at(mheap, "bitmap", false, &flat));
	out->bitmap = HEAP_BITMAP_FLAT;
	out->bitmap_at = flat.offset;
	return NULL;
}

/* A field by its name in internal/abi, or that in runtime before. */
static struct error *either(const struct layout_struct *type, const char *name, const char *old, struct field_at *out)
{
	return layout_field_at(type, layout_field_find(type, name) ? name : old, false, out);
}

static struct error *load_type_fields(const struct layout_struct *type, struct heap_layout *out)
{
	if (type->size > HEAP_STRUCT_LIMIT)
		return error_new(ERROR_TARGET, "%s: an unknown layout", type->name);
	out->type_bytes = type->size;
	TRY(either(type, "Size_", "size", &out->type_size));
	TRY(either(type, "PtrBytes", "ptrdata", &out->type_pointers));
	TRY(either(type, "TFlag", "tflag", &out->type_flags));
	TRY(either(type, "Kind_", "kind", &out->type_kind));
	return either(type, "GCData", "gcdata", &out->type_mask);
}

static struct error *load_type(struct binary *binary, struct heap_layout *out)
{
	static const char *const names[] = { "internal/abi.Type", "runtime._type", NULL };
	struct debug_variable variable;
	struct layout_struct type;

	TRY(layout_struct_named(binary, names, &type));

	struct error *error = load_type_fields(&type, out);

	layout_struct_free(&type);
	debug_find_constant(binary->debug, "internal/abi.TFlagGCMaskOnDemand", &out->mask_on_demand);
	debug_find_constant(binary->debug, "internal/abi.TFlagUnrolledBitmap", &out->unrolled_mask);
	debug_find_constant(binary->debug, "internal/abi.KindGCProg", &out->mask_program);
	if (debug_find_variable(binary->debug, "runtime.inProgress", &variable))
		out->mask_in_progress = variable.address;
	return error;
}

struct error *heap_collector_load(struct binary *binary, const struct layout_struct *mheap, const struct layout_struct *span,
				  struct heap_layout *out)
{
	const struct layout_field *all = layout_field_find(mheap, "allspans");

	if (all == NULL || all->size != 3 * binary->machine.word_size)
		return error_new(ERROR_TARGET, "runtime.mheap.allspans: an unknown layout");
	out->all_spans_at = all->offset;
	TRY(layout_field_at(mheap, "sweepgen", false, &out->heap_sweepgen));
	TRY(layout_field_at(span, "sweepgen", false, &out->sweepgen));
	TRY(layout_field_at(span, "allocCount", false, &out->alloc_count));
	TRY(layout_field_at(span, "gcmarkBits", false, &out->mark_bits));
	TRY(layout_field_at(span, "specials", false, &out->specials));
	TRY(layout_field_at(span, "largeType", true, &out->large_type));           /* >= 1.22 */
	TRY(layout_field_at(span, "isUserArenaChunk", true, &out->user_arena));    /* >= 1.20 */
	TRY(load_bitmap(binary, mheap, out));
	return load_type(binary, out);
}
