/* What variables are called in programs that have symbols but no DWARF (-ldflags=-w): not of what type they are. */
#include <stdlib.h>
#include <string.h>

#include "analysis/owner_private.h"
#include "binary/debug.h"
#include "util/alloc.h"
#include "util/sorted.h"

static void keep_symbol(void *context, const struct binary_symbol *symbol)
{
	struct owners *owners = context;

	ARRAY_RESERVE(owners->symbols, owners->symbol_count, owners->symbol_capacity);
	owners->symbols[owners->symbol_count++] = *symbol;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct binary_symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

void owner_symbols_load(struct owners *owners)
{
	if (!debug_is_made(owners->program->binary->debug))
		return;
	binary_each_variable(owners->program->binary, keep_symbol, owners);
	if (owners->symbol_count != 0)
		qsort(owners->symbols, owners->symbol_count, sizeof(*owners->symbols), compare_symbols);
}

/* The one that the address, in the file's addressing, lies in. */
static const struct binary_symbol *find_symbol(const struct owners *owners, uint64_t address)
{
	size_t above = SORTED_ABOVE(owners->symbols, owners->symbol_count, address, address);
	const struct binary_symbol *symbol = above != 0 ? &owners->symbols[above - 1] : NULL;

	return symbol != NULL && address - symbol->address < symbol->size ? symbol : NULL;
}

bool owner_label_symbol(struct owner_view *view, uint64_t address, bool follow)
{
	const struct program *program = view->owners->program;
	const struct binary_symbol *symbol = find_symbol(view->owners, address - program->bias);
	unsigned word = program->machine.word_size;

	if (symbol == NULL)
		return false;
	owner_append_name(view, symbol->name);
	/* a variable of one word that leads to a map is one: so MAP takes it (session_find_symbol()); the compiler's own have no names in Go */
	view->exact &= follow && symbol->size == word && strstr(symbol->name, "..") == NULL;
	if (symbol->size != word && address - program->bias != symbol->address)
		buffer_append_format(view->text, ".(word %llu)", (unsigned long long)(address - program->bias - symbol->address) / word);
	return true;
}
