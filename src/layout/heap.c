/*
 * Field names are those of runtime/mheap.go and runtime/symtab.go; they are the same from Go 1.8 to 1.27 but for what is
 * said at each.
 */
#include "layout/heap.h"

#include <dwarf.h>
#include <stdlib.h>

#include "layout/heap_collector.h"
#include "util/alloc.h"

/* Of mheap.arenas; 64 is the most there is (Windows). */
enum { L1_LIMIT = 1 << 12 };

static struct error *unknown_layout(const char *what)
{
	return error_new(ERROR_TARGET, "%s: an unknown layout", what);
}

/* The DIE that an array's elements or a pointer's target have; `tag` is what the DIE itself must be. */
static bool step(struct binary *binary, uint64_t die, int tag, Dwarf_Die *at, uint64_t *next)
{
	return layout_strip(binary, die, at) && dwarf_tag(at) == tag && debug_reference(at, DW_AT_type, next);
}

/* mheap.arenas is [L1]*[L2]*heapArena, and heapArena.spans is [pages]*mspan (>= 1.11). */
static struct error *load_arenas(struct binary *binary, const struct layout_field *arenas, struct heap_layout *out)
{
	uint64_t die, table, target;
	Dwarf_Die at;
	struct layout_struct arena;
	uint64_t pages;

	if (!step(binary, arenas->type_die, DW_TAG_array_type, &at, &die) || !layout_array_length(&at, &out->l1_length) ||
	    !step(binary, die, DW_TAG_pointer_type, &at, &table) || !step(binary, table, DW_TAG_array_type, &at, &die) ||
	    !layout_array_length(&at, &out->l2_length) || !step(binary, die, DW_TAG_pointer_type, &at, &target))
		return unknown_layout("runtime.mheap.arenas");
	TRY(layout_struct_at(binary, target, &arena));

	const struct layout_field *spans = layout_field_find(&arena, "spans");
	bool good = spans != NULL && step(binary, spans->type_die, DW_TAG_array_type, &at, &die) &&
		    layout_array_length(&at, &out->arena_pages);

	out->spans_at = good ? spans->offset : 0;
	layout_struct_free(&arena);
	if (!good || out->l1_length == 0 || out->l1_length > L1_LIMIT || out->l2_length == 0 || out->arena_pages == 0 ||
	    __builtin_mul_overflow(out->l1_length, out->l2_length, &pages) ||
	    __builtin_mul_overflow(pages, out->arena_pages, &pages))
		return unknown_layout("runtime.heapArena.spans");
	out->arenas_at = arenas->offset;
	return NULL;
}

/*
 * arenaIndex() of runtime/mheap.go: addresses of amd64 begin at -2^47. arenaBaseOffset is added to an address in 1.11 ... 1.14,
 * subtracted from 1.15 on; DWARF then has it as arenaBaseOffsetUintptr.
 */
static uint64_t arena_origin(struct debug *debug)
{
	uint64_t offset;

	if (debug_find_constant(debug, "runtime.arenaBaseOffsetUintptr", &offset))
		return offset;
	return debug_find_constant(debug, "runtime.arenaBaseOffset", &offset) ? 0 - offset : 0;
}

static struct error *load_mheap(struct binary *binary, const struct layout_struct *mheap, struct heap_layout *out)
{
	const struct layout_field *arenas = layout_field_find(mheap, "arenas");
	const struct layout_field *spans = layout_field_find(mheap, "spans");
	uint64_t size;

	if (debug_find_constant(binary->debug, "runtime.pageSize", &size) && size != 0)
		out->page_size = size;
	if (arenas != NULL) {
		out->origin = arena_origin(binary->debug);
		return load_arenas(binary, arenas, out);
	}
	if (spans == NULL || spans->size != 3 * binary->machine.word_size)
		return unknown_layout("runtime.mheap");
	out->arenas_at = spans->offset;
	return layout_field_at(mheap, "arena_start", false, &out->arena_start);
}

static struct error *load_fields(const struct layout_struct *span, struct heap_layout *out)
{
	if (span->size > HEAP_STRUCT_LIMIT)
		return unknown_layout("runtime.mspan");
	out->span_size = span->size;
	TRY(layout_field_at(span, "startAddr", false, &out->start));
	TRY(layout_field_at(span, "npages", false, &out->pages));
	TRY(layout_field_at(span, "elemsize", false, &out->elem_size));
	TRY(layout_field_at(span, "nelems", false, &out->count));
	TRY(layout_field_at(span, "freeindex", false, &out->free_index));
	TRY(layout_field_at(span, "allocBits", false, &out->alloc_bits));
	TRY(layout_field_at(span, "state", false, &out->state));
	TRY(layout_field_at(span, "spanclass", true, &out->span_class));
	out->noscan_in_class = out->span_class.size != 0;
	return out->noscan_in_class ? NULL : layout_field_at(span, "sizeclass", false, &out->span_class); /* 1.8 */
}

/* heapBitsInSpan() of runtime/mbitmap.go: the constants are in the DWARF of all versions that have malloc headers. */
static void load_header(struct debug *debug, struct heap_layout *out)
{
	if (!debug_find_constant(debug, "runtime.mallocHeaderSize", &out->header_size) ||
	    !debug_find_constant(debug, "runtime.minSizeForMallocHeader", &out->header_above))
		out->header_size = 0;
}

/* The message of an error, which it ends; NULL for none. */
static char *message_of(struct error *error)
{
	char *message = error ? xstrdup(error->message) : NULL;

	error_free(error);
	return message;
}

static struct error *load_span(struct binary *binary, const struct layout_struct *mheap, struct heap_layout *out)
{
	static const char *const names[] = { "runtime.mspan", NULL };
	struct layout_struct span;

	TRY(layout_struct_named(binary, names, &span));

	struct error *error = load_fields(&span, out);

	if (error == NULL)
		out->no_collector = message_of(heap_collector_load(binary, mheap, &span, out));
	layout_struct_free(&span);
	return error;
}

static struct error *load_spans(struct binary *binary, struct heap_layout *out)
{
	struct debug_variable variable;
	struct layout_struct mheap;

	if (!debug_find_variable(binary->debug, "runtime.mheap_", &variable))
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.mheap_", binary->path);
	out->mheap = variable.address;
	TRY(layout_struct_at(binary, variable.type, &mheap));
	load_header(binary->debug, out);

	struct error *error = load_mheap(binary, &mheap, out);

	if (error == NULL)
		error = load_span(binary, &mheap, out);
	layout_struct_free(&mheap);
	return error;
}

static struct error *load_ranges(const struct layout_struct *module, struct heap_layout *out)
{
	static const char *const names[MODULE_RANGES][2] = {
		{ "noptrdata", "enoptrdata" }, { "data", "edata" }, { "bss", "ebss" }, { "noptrbss", "enoptrbss" },
	};

	if (module->size > HEAP_STRUCT_LIMIT)
		return unknown_layout("runtime.moduledata");
	out->module_size = module->size;
	for (int i = 0; i < MODULE_RANGES; i++)
		for (int end = 0; end < 2; end++)
			TRY(layout_field_at(module, names[i][end], false, &out->ranges[i][end]));
	return layout_field_at(module, "next", false, &out->next);
}

static struct error *load_modules(struct binary *binary, struct heap_layout *out)
{
	struct debug_variable variable;
	struct layout_struct module;

	if (!debug_find_variable(binary->debug, "runtime.firstmoduledata", &variable))
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.firstmoduledata", binary->path);
	out->first_module = variable.address;
	TRY(layout_struct_at(binary, variable.type, &module));

	struct error *error = load_ranges(&module, out);

	layout_struct_free(&module);
	return error;
}

void heap_layout_load(struct binary *binary, struct heap_layout *out)
{
	/* _PageShift of runtime/sizeclasses.go is 13 everywhere; Go 1.8 and 1.9 have no constants in their DWARF */
	*out = (struct heap_layout){ .page_size = 8192 };
	out->no_spans = message_of(load_spans(binary, out));
	out->no_modules = message_of(load_modules(binary, out));
}

void heap_layout_free(struct heap_layout *layout)
{
	free(layout->no_spans);
	free(layout->no_collector);
	free(layout->no_modules);
}
