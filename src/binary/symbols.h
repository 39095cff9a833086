/* Symbols of the variables of a binary: without DWARF all that says what they are called. */
#ifndef BINARY_SYMBOLS_H
#define BINARY_SYMBOLS_H

#include "binary/binary.h"

struct binary_symbol {
	const char *name;       /* good for the binary's life */
	uint64_t address, size; /* in the file's addressing; bytes, at least one */
};

/* Calls `visit` with every variable of .symtab, in no order. */
void binary_each_variable(const struct binary *binary, void (*visit)(void *context, const struct binary_symbol *symbol), void *context);

#endif
