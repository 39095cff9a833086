/* Between pclntab.c and pclntab_values.c only. */
#ifndef STACK_PCLNTAB_PRIVATE_H
#define STACK_PCLNTAB_PRIVATE_H

#include "stack/frame_rules.h"
#include "stack/pclntab.h"
#include "util/table.h"

/* Part of a module's table. */
struct table_at {
	uint64_t start, length;
};

struct pclntab_module {
	uint64_t low, high, text, rodata, gofunc;
	struct table_at records, values, names, files, units;
	uint64_t table;        /* where ftab is */
	size_t count;          /* entries of it; the last one only ends the one before */
	uint8_t *entries;      /* read when first needed */
	bool entries_read;
};

struct function_block {
	struct function_block *next;
	struct pclntab_function function;
};

struct pclntab {
	struct program *program;
	struct pclntab_layout layout;
	const struct frame_rules *rules;
	struct pclntab_module **modules;
	size_t module_count, module_capacity;
	bool modules_read;
	struct table functions; /* entry -> struct pclntab_function */
	struct function_block *blocks;
};

static inline uint64_t pclntab_load(const struct pclntab *pclntab, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&pclntab->program->machine, bytes + at.offset, at.size);
}

/* The string at an offset of a table, as far as there is room; its length. */
size_t pclntab_read_text(const struct pclntab *pclntab, const struct table_at *table, uint64_t offset, char *to, size_t room);

#endif
