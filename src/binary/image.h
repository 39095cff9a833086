/* What a program's memory is before it runs: the segments of its file. */
#ifndef BINARY_IMAGE_H
#define BINARY_IMAGE_H

#include "binary/binary.h"
#include "target/target.h"

/*
 * Memory that reads what the file initialises, in the file's own addressing. Pointers in a position-independent file are filled
 * in by the loader: they are 0 here. `binary` must outlive it.
 */
struct target *image_create(const struct binary *binary);

#endif
