#include "render/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

enum { MOST_DIGITS = 17 }; /* any double reads back from as many */

/* The value is 0.DIGITS * 10^point; no zeros at either end of the digits. */
struct decimal {
	char digits[MOST_DIGITS + 1];
	int count;
	int point;
};

static void decimal_of_integer(struct decimal *decimal, uint64_t value, int shift)
{
	char reversed[20];
	int count = 0, zeros = 0;

	for (; value != 0; value /= 10)
		reversed[count++] = (char)('0' + value % 10);
	decimal->point = count - shift;
	while (zeros < count - 1 && reversed[zeros] == '0')
		zeros++;
	decimal->count = count - zeros;
	for (int i = 0; i < decimal->count; i++)
		decimal->digits[i] = reversed[count - 1 - i];
}

/*
 * Few digits: where value * 10^k is an integer m with no more digits than the type is sure to keep, and m / 10^k (both
 * exact, so the division rounds once, like a reader does) gives the value again, m is what we look for.
 */
static bool short_decimal(struct decimal *decimal, double value, unsigned bits)
{
	static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8 };
	double most = bits == 32 ? 1e6 : 1e15;

	for (size_t k = 0; k < ARRAY_SIZE(powers); k++) {
		double integer = rint(value * powers[k]);

		if (integer >= most)
			return false;

		double back = bits == 32 ? (double)((float)integer / (float)powers[k]) : integer / powers[k];

		if (back == value && integer != 0) {
			decimal_of_integer(decimal, (uint64_t)integer, (int)k);
			return true;
		}
	}
	return false;
}

/* Reads the text that %e wrote. The decimal point is the locale's, of one byte or more. */
static void decimal_of_text(struct decimal *decimal, const char *text)
{
	const char *at = text;

	decimal->count = 0;
	for (; *at != 'e'; at++)
		if (*at >= '0' && *at <= '9' && decimal->count < MOST_DIGITS)
			decimal->digits[decimal->count++] = *at;
	decimal->point = atoi(at + 1) + 1;
	while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
		decimal->count--;
}

static bool reads_back(const char *text, double value, unsigned bits)
{
	return bits == 32 ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* The next larger number of as many digits. False where that takes a digit more. */
static bool text_increment(char *text)
{
	for (char *at = strchr(text, 'e') - 1; at >= text; at--) {
		if (*at < '0' || *at > '9')
			continue;
		if (*at != '9') {
			(*at)++;
			return true;
		}
		*at = '0';
	}
	return false;
}

/*
 * The nearest number of `digits` digits, where it reads back as the value. A power of two has less room below it than
 * above: there the nearest may be too low while the next one up is right.
 */
static bool try_digits(char text[static NUMBER_TEXT], double value, unsigned bits, int digits)
{
	int exponent;

	snprintf(text, NUMBER_TEXT, "%.*e", digits - 1, value);
	if (digits == MOST_DIGITS || reads_back(text, value, bits))
		return true;
	return frexp(value, &exponent) == 0.5 && text_increment(text) && reads_back(text, value, bits);
}

static void long_decimal(struct decimal *decimal, double value, unsigned bits)
{
	bool subnormal = value < (bits == 32 ? (double)FLT_MIN : DBL_MIN);
	int digits = subnormal ? 1 : bits == 32 ? FLT_DIG : DBL_DIG;
	char text[NUMBER_TEXT];

	while (!try_digits(text, value, bits, digits))
		digits++;
	decimal_of_text(decimal, text);
}

static size_t write_plain(char *text, const struct decimal *decimal)
{
	char *at = text;

	if (decimal->point <= 0) {
		*at++ = '0';
		*at++ = '.';
		for (int i = decimal->point; i < 0; i++)
			*at++ = '0';
	}
	for (int i = 0; i < decimal->count; i++) {
		if (i == decimal->point && i > 0)
			*at++ = '.';
		*at++ = decimal->digits[i];
	}
	for (int i = decimal->count; i < decimal->point; i++)
		*at++ = '0';
	*at = '\0';
	return (size_t)(at - text);
}

static size_t write_exponent(char *text, const struct decimal *decimal)
{
	int exponent = decimal->point - 1;
	char *at = text;

	*at++ = decimal->digits[0]; /* NOLINT(clang-analyzer-core.uninitialized.Assign): a number has a digit */
	if (decimal->count > 1) {
		*at++ = '.';
		memcpy(at, decimal->digits + 1, (size_t)decimal->count - 1);
		at += decimal->count - 1;
	}
	return (size_t)(at - text) + (size_t)sprintf(at, "e%+03d", exponent);
}

static size_t write_decimal(char *text, const struct decimal *decimal, enum number_style style)
{
	static const struct {
		int lowest, beyond;
	} plain[] = { [NUMBER_GO] = { -4, 6 }, [NUMBER_JSON] = { -6, 21 } };
	int exponent = decimal->point - 1;

	if (exponent < plain[style].lowest || exponent >= plain[style].beyond)
		return write_exponent(text, decimal);
	return write_plain(text, decimal);
}

static size_t copy(char *text, const char *from)
{
	size_t length = strlen(from);

	memcpy(text, from, length + 1);
	return length;
}

size_t number_text(char text[static NUMBER_TEXT], double value, unsigned bits, enum number_style style)
{
	struct decimal decimal;
	size_t sign = 0;

	if (isnan(value))
		return copy(text, "NaN");
	if (isinf(value))
		return copy(text, value < 0 ? "-Inf" : "+Inf");
	if (signbit(value))
		text[sign++] = '-';
	value = fabs(value);
	if (value == 0)
		return sign + copy(text + sign, "0");
	if (!short_decimal(&decimal, value, bits))
		long_decimal(&decimal, value, bits);
	return sign + write_decimal(text + sign, &decimal, style);
}
