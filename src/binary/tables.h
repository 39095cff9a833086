/*
 * What a Go program has of tables in its own file, found without sections, symbols or DWARF: its function table (the "pclntab"), by
 * what it begins with, and through it the struct that names all else, runtime.firstmoduledata.
 */
#ifndef BINARY_TABLES_H
#define BINARY_TABLES_H

#include "binary/binary.h"
#include "target/target.h"

/* A function table. Its magic tells a range of versions: debug/gosym/pclntab.go, cmd/link/internal/ld/pcln.go. */
struct binary_pclntab {
	uint64_t address; /* in the file's addressing */
	uint32_t magic;
	int oldest, newest; /* Go 1.N whose linkers write such */
};

enum { BINARY_PCLNTABS = 16 };

/*
 * Every place in the file's segments that begins as a function table of this machine does. How many were written to `out`, which has room
 * for BINARY_PCLNTABS; others are left out: a program has one.
 */
size_t binary_find_pclntabs(const struct binary *binary, struct binary_pclntab *out);

/*
 * Calls `visit` with the address in `memory` of each word in the file's segments of data that is one of `values` (sorted), until it returns
 * false. The words are those of the target's memory, in which a loader has put addresses; `bias` is that of the binary there.
 */
struct word_search {
	const uint64_t *values;
	size_t count;
	bool (*visit)(void *context, taddr at, uint64_t value);
	void *context;
};
void binary_search_words(const struct binary *binary, struct target *memory, uint64_t bias, const struct word_search *search);

#endif
