#include "render/utf8.h"

#include <endian.h>
#include <string.h>

#include "util/alloc.h"

static bool is_tail(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Lengths by the first byte; the bounds of the second byte keep out overlong forms, surrogates and > U+10FFFF. */
size_t utf8_decode(const uint8_t *bytes, size_t length, uint32_t *code)
{
	if (length == 0)
		return 0;

	uint8_t first = bytes[0];

	if (first < 0x80) {
		*code = first;
		return 1;
	}
	if (first < 0xc2 || first > 0xf4 || length < 2 || !is_tail(bytes[1]))
		return 0;
	if (first < 0xe0) {
		*code = (uint32_t)(first & 0x1f) << 6 | (bytes[1] & 0x3f);
		return 2;
	}
	if (length < 3 || !is_tail(bytes[2]))
		return 0;
	if (first < 0xf0) {
		*code = (uint32_t)(first & 0x0f) << 12 | (uint32_t)(bytes[1] & 0x3f) << 6 | (bytes[2] & 0x3f);
		return *code < 0x800 || (*code >= 0xd800 && *code <= 0xdfff) ? 0 : 3;
	}
	if (length < 4 || !is_tail(bytes[3]))
		return 0;
	*code = (uint32_t)(first & 0x07) << 18 | (uint32_t)(bytes[1] & 0x3f) << 12 | (uint32_t)(bytes[2] & 0x3f) << 6 |
		(bytes[3] & 0x3f);
	return *code < 0x10000 || *code > 0x10ffff ? 0 : 4;
}

bool utf8_valid(const uint8_t *bytes, size_t length)
{
	uint32_t code;

	for (size_t i = 0, step; i < length; i += step) {
		step = utf8_plain_run(bytes + i, length - i);
		if (step == 0)
			step = utf8_decode(bytes + i, length - i, &code);
		if (step == 0)
			return false;
	}
	return true;
}

/* Unicode 15: Cc, Cf, Cs, Co, Zs, Zl, Zp, noncharacters, and the letters and marks that show nothing. Sorted. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x0000, 0x001f },   { 0x007f, 0x00a0 },   { 0x00ad, 0x00ad },   { 0x034f, 0x034f },	  { 0x0600, 0x0605 },
	{ 0x061c, 0x061c },   { 0x06dd, 0x06dd },   { 0x070f, 0x070f },   { 0x0890, 0x0891 },	  { 0x08e2, 0x08e2 },
	{ 0x115f, 0x1160 },   { 0x1680, 0x1680 },   { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },	  { 0x2000, 0x200f },
	{ 0x2028, 0x202f },   { 0x205f, 0x206f },   { 0x3000, 0x3000 },   { 0x3164, 0x3164 },	  { 0xd800, 0xf8ff },
	{ 0xfdd0, 0xfdef },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },	  { 0x110bd, 0x110bd },
	{ 0x110cd, 0x110cd }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	{ 0xf0000, UINT32_MAX },
};

bool utf8_printable(uint32_t code)
{
	size_t low = 0, high = ARRAY_SIZE(hidden);

	if ((code & 0xfffe) == 0xfffe) /* the last two of each plane */
		return false;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (code > hidden[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low == ARRAY_SIZE(hidden) || code < hidden[low].first;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/*
 * The high bit of each byte that is not printable ASCII, or is '"' or '\\'. Bytes above a marked one may be marked
 * wrongly (a borrow runs upwards), the lowest marked one is right.
 */
static uint64_t special_bytes(uint64_t word)
{
	uint64_t quote = word ^ EACH_BYTE('"'), backslash = word ^ EACH_BYTE('\\'), rubout = word ^ EACH_BYTE(0x7f);
	uint64_t marks = word | (word - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1)) |
			 (rubout - EACH_BYTE(1));

	return marks & EACH_BYTE(0x80);
}

static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

size_t utf8_plain_run(const uint8_t *bytes, size_t length)
{
	size_t i = 0;

	for (; length - i >= 8; i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof(word));

		uint64_t marks = special_bytes(le64toh(word));

		if (marks != 0)
			return i + (size_t)(__builtin_ctzll(marks) / 8);
	}
	while (i < length && is_plain(bytes[i]))
		i++;
	return i;
}
