/*
 * markroot() of runtime/mgcmark.go says what the roots are; the fields are those of runtime/symtab.go, mheap.go, mfinal.go and
 * mcleanup.go, the same from Go 1.8 to 1.27 but for what is said at each.
 */
#include "layout/heap_roots.h"

#include <dwarf.h>
#include <stdlib.h>

#include "layout/heap.h"
#include "util/alloc.h"

enum { RECORD_WORDS = 64 };

/* --- modules ------------------------------------------------------------------------------------------------- */

static struct error *load_ranges(struct binary *binary, const struct layout_struct *module, struct heap_roots_layout *out)
{
	static const char *const names[MASKED_RANGES][3] = { { "data", "edata", "gcdatamask" }, { "bss", "ebss", "gcbssmask" } };

	if (module->size > HEAP_STRUCT_LIMIT)
		return error_new(ERROR_TARGET, "runtime.moduledata: an unknown layout");
	out->module_size = module->size;
	for (int i = 0; i < MASKED_RANGES; i++) {
		out->ranges[i].name = names[i][0];
		TRY(layout_field_at(module, names[i][0], false, &out->ranges[i].start));
		TRY(layout_field_at(module, names[i][1], false, &out->ranges[i].end));
		TRY(layout_inner_field_at(binary, module, names[i][2], "n", &out->ranges[i].bits));
		TRY(layout_inner_field_at(binary, module, names[i][2], "bytedata", &out->ranges[i].bytes));
	}
	return layout_field_at(module, "next", false, &out->next_module);
}

static struct error *load_modules(struct binary *binary, struct heap_roots_layout *out)
{
	struct debug_variable variable;
	struct layout_struct module;

	if (!debug_find_variable(binary->debug, "runtime.firstmoduledata", &variable))
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.firstmoduledata", binary->path);
	out->first_module = variable.address;
	TRY(layout_struct_at(binary, variable.type, &module));

	struct error *error = load_ranges(binary, &module, out);

	layout_struct_free(&module);
	return error;
}

/* --- records on objects ------------------------------------------------------------------------------------------ */

/* Fields of one kind of special, whose struct begins with runtime.special. `names` and `to` go together. */
static struct error *load_special(struct binary *binary, const char *type, const char *const *names, struct field_at *const *to,
				  size_t count, struct heap_roots_layout *out)
{
	const char *const types[] = { type, NULL };
	struct layout_struct special;
	struct error *error = NULL;

	TRY(layout_struct_named(binary, types, &special));
	if (special.size > HEAP_STRUCT_LIMIT)
		error = error_new(ERROR_TARGET, "%s: an unknown layout", type);
	for (size_t i = 0; i < count && error == NULL; i++)
		error = layout_field_at(&special, names[i], false, to[i]);
	if (error == NULL && special.size > out->special_size)
		out->special_size = special.size;
	layout_struct_free(&special);
	return error;
}

/* Where the linker leaves the type out of the DWARF, as nothing but casts leads to it (1.8): runtime.special comes first, fn next,
 * then three words. */
static void known_finalizer(unsigned word, uint64_t special_size, struct heap_roots_layout *out)
{
	out->finalizer_function = (struct field_at){ (uint32_t)special_size, (uint8_t)word };
	out->special_size = special_size + 4 * word;
}

static struct error *load_finalizer(struct binary *binary, struct heap_roots_layout *out)
{
	static const char *const names[] = { "fn" };
	struct field_at *const to[] = { &out->finalizer_function };
	uint64_t die;

	/* 1 up to 1.24; Go 1.8 and 1.9 have no constants in their DWARF */
	if (!debug_find_constant(binary->debug, "runtime._KindSpecialFinalizer", &out->finalizer_kind))
		out->finalizer_kind = 1;
	if (!debug_find_type(binary->debug, "runtime.specialfinalizer", &die)) {
		known_finalizer(binary->machine.word_size, out->special_size, out);
		return NULL;
	}
	return load_special(binary, "runtime.specialfinalizer", names, to, ARRAY_SIZE(names), out);
}

/* From 1.26 on the record holds the whole call: runtime.cleanupFn. */
static struct error *load_cleanup_call(struct binary *binary, struct heap_roots_layout *out)
{
	static const char *const names[] = { "runtime.specialCleanup", NULL };
	struct layout_struct special;

	TRY(layout_struct_named(binary, names, &special));

	struct error *error = layout_inner_field_at(binary, &special, "cleanup", "fn", &out->cleanup_function);

	if (error == NULL)
		error = layout_inner_field_at(binary, &special, "cleanup", "arg", &out->cleanup_argument);
	if (error == NULL)
		error = layout_inner_field_at(binary, &special, "cleanup", "call", &out->cleanup_caller);
	layout_struct_free(&special);
	return error;
}

static struct error *load_cleanup(struct binary *binary, struct heap_roots_layout *out)
{
	static const char *const names[] = { "fn" };
	struct field_at *const to[] = { &out->cleanup_function };
	uint64_t die;

	if (!debug_find_constant(binary->debug, "runtime._KindSpecialCleanup", &out->cleanup_kind))
		return NULL;
	if (!debug_find_type(binary->debug, "runtime.cleanupFn", &die))
		return load_special(binary, "runtime.specialCleanup", names, to, ARRAY_SIZE(names), out);
	TRY(load_special(binary, "runtime.specialCleanup", NULL, NULL, 0, out));
	return load_cleanup_call(binary, out);
}

static struct error *load_weak(struct binary *binary, struct heap_roots_layout *out)
{
	static const char *const names[] = { "handle" };
	struct field_at *const to[] = { &out->weak_handle };

	if (!debug_find_constant(binary->debug, "runtime._KindSpecialWeakHandle", &out->weak_kind))
		return NULL;
	return load_special(binary, "runtime.specialWeakHandle", names, to, ARRAY_SIZE(names), out);
}

static struct error *load_specials(struct binary *binary, struct heap_roots_layout *out)
{
	static const char *const names[] = { "next", "offset", "kind" };
	struct field_at *const to[] = { &out->special_next, &out->special_offset, &out->special_kind };

	TRY(load_special(binary, "runtime.special", names, to, ARRAY_SIZE(names), out));
	TRY(load_finalizer(binary, out));
	TRY(load_cleanup(binary, out));
	return load_weak(binary, out);
}

/* --- queues ---------------------------------------------------------------------------------------------------------- */

static struct error *load_records(struct binary *binary, const struct layout_struct *block, const char *name,
				  struct heap_queue_layout *out)
{
	const struct layout_field *records = layout_field_find(block, name);
	Dwarf_Die array;
	uint64_t element;

	if (records == NULL || !layout_strip(binary, records->type_die, &array) || !layout_array_length(&array, &out->record_limit) ||
	    !debug_reference(&array, DW_AT_type, &element) || !layout_size(binary, element, &out->record_size) ||
	    out->record_size == 0 || out->record_size > RECORD_WORDS * binary->machine.word_size ||
	    out->record_size % binary->machine.word_size != 0 || block->size > HEAP_STRUCT_LIMIT)
		return error_new(ERROR_TARGET, "%s.%s: an unknown layout", block->name, name);
	out->block_size = block->size;
	out->records_at = records->offset;
	return NULL;
}

static struct error *load_finalizer_block(struct binary *binary, const struct layout_struct *block, struct heap_queue_layout *out)
{
	TRY(layout_field_at(block, "alllink", false, &out->next));
	TRY(layout_field_at(block, "cnt", false, &out->count));
	out->mask = 0x1b; /* fn, arg, fint, ot of runtime.finalizer, not nret: finalizer1 of runtime/mfinal.go */
	return load_records(binary, block, "fin", out);
}

struct error *heap_finalizer_blocks_load(struct binary *binary, struct heap_queue_layout *out)
{
	static const char *const names[] = { "runtime.finblock", "runtime.finBlock", NULL };
	struct layout_struct block;

	TRY(layout_struct_named(binary, names, &block));

	struct error *error = load_finalizer_block(binary, &block, out);

	layout_struct_free(&block);
	return error;
}

static struct error *load_finalizers(struct binary *binary, struct heap_queue_layout *out)
{
	struct debug_variable variable;

	if (!debug_find_variable(binary->debug, "runtime.allfin", &variable)) {
		if (debug_is_made(binary->debug))
			return NULL; /* nothing waits, or nobody knows where it does: heap/search_finalizers.c */
		return error_new(ERROR_TARGET, "%s: its DWARF has no runtime.allfin", binary->path);
	}
	TRY(heap_finalizer_blocks_load(binary, out));
	out->head = variable.address;
	return NULL;
}

static struct error *load_cleanup_block(struct binary *binary, const struct layout_struct *block, struct heap_queue_layout *out)
{
	TRY(layout_inner_field_at(binary, block, "cleanupBlockHeader", "alllink", &out->next));
	TRY(layout_inner_field_at(binary, block, "cleanupBlockHeader", "n", &out->count));
	out->mask = UINT64_MAX; /* a funcval in 1.25, a cleanupFn of three pointers from 1.26 on: cleanupFnPtrMask */
	return load_records(binary, block, "cleanups", out);
}

/* runtime/mcleanup.go, Go >= 1.25; before that cleanups went through the queue of finalizers. */
static struct error *load_cleanups(struct binary *binary, struct heap_queue_layout *out)
{
	static const char *const names[] = { "runtime.cleanupBlock", NULL };
	struct debug_variable variable;
	struct layout_struct queue, block;
	struct field_at all;

	if (!debug_find_variable(binary->debug, "runtime.gcCleanups", &variable))
		return NULL;
	TRY(layout_struct_at(binary, variable.type, &queue));

	struct error *error = layout_field_at(&queue, "all", false, &all);

	layout_struct_free(&queue);
	TRY(error);
	TRY(layout_struct_named(binary, names, &block));
	error = load_cleanup_block(binary, &block, out);
	layout_struct_free(&block);
	out->head = variable.address + all.offset;
	return error;
}

static struct error *load(struct binary *binary, struct heap_roots_layout *out)
{
	TRY(load_modules(binary, out));
	TRY(load_specials(binary, out));
	TRY(load_finalizers(binary, &out->finalizers));
	return load_cleanups(binary, &out->cleanups);
}

void heap_roots_layout_load(struct binary *binary, struct heap_roots_layout *out)
{
	*out = (struct heap_roots_layout){ 0 };

	struct error *error = load(binary, out);

	out->unknown = error ? xstrdup(error->message) : NULL;
	error_free(error);
}

void heap_roots_layout_free(struct heap_roots_layout *layout)
{
	free(layout->unknown);
}
