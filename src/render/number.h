/* Floating-point numbers as text: the fewest decimal digits that read back as the same value, in any locale. */
#ifndef RENDER_NUMBER_H
#define RENDER_NUMBER_H

#include <stddef.h>

enum { NUMBER_TEXT = 40 };

/* Where plain digits end and an exponent begins, as Go's fmt and encoding/json have it. */
enum number_style {
	NUMBER_GO,   /* fmt's %v: 1e-05, 0.0001, 123456, 1e+06 */
	NUMBER_JSON, /* encoding/json: 1e-07, 0.000001, 1000000, 1e+21 */
};

/*
 * Writes the text and a NUL; returns its length. `bits` is 32 or 64: of the type that the text will be read back as.
 * Not a number and the infinities are "NaN", "+Inf", "-Inf"; negative zero is "-0".
 */
size_t number_text(char text[static NUMBER_TEXT], double value, unsigned bits, enum number_style style);

#endif
