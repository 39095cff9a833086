/*
 * Of what type the objects of closures are. The object of a func value begins with the address of its code, and nothing in memory says
 * what comes behind; the code that makes it does: it takes the descriptor of `struct { F uintptr; ... }`, calls runtime.newobject and stores
 * the function's address (cmd/compile/internal/walk/closure.go; <= 1.16: gc/closure.go). In all versions, without DWARF.
 */
#ifndef HEAP_CLOSURES_H
#define HEAP_CLOSURES_H

#include "gotype/program.h"

struct closures;

/* Reads the binary's code once, and descriptors from program->memory. amd64 and 386; elsewhere none are found. */
struct closures *closures_create(struct program *program);
/* NULL is allowed. */
void closures_destroy(struct closures *closures);

/* The struct that closures of the function are: its first field is F. NULL: not known, or the function captures nothing. */
struct gotype *closures_type(const struct closures *closures, uint64_t function);
/* Whether there can be a function at the address: it is in the binary's code, or where that is cannot be told. */
bool closures_is_code(const struct closures *closures, uint64_t address);

#endif
