/* Shortest floats: they read back, nothing shorter does, and the golden cases are what Go 1.26 prints. */
#include <locale.h>
#include <math.h>

#include "check.h"
#include "render/number.h"
#include "test_render.h"

enum { ROUNDS = 100000 };

static const struct {
	double value;
	const char *go, *json;
} golden[] = {
	{ 0.0, "0", "0" },
	{ -0.0, "-0", "-0" },
	{ 1, "1", "1" },
	{ -1.5, "-1.5", "-1.5" },
	{ 0.1, "0.1", "0.1" },
	{ 0.3, "0.3", "0.3" },
	{ 100000, "100000", "100000" },
	{ 1e6, "1e+06", "1000000" },
	{ 123456.75, "123456.75", "123456.75" },
	{ 123456789, "1.23456789e+08", "123456789" },
	{ 1e20, "1e+20", "100000000000000000000" },
	{ 1e21, "1e+21", "1e+21" },
	{ 1e-4, "0.0001", "0.0001" },
	{ 1e-5, "1e-05", "0.00001" },
	{ 1e-6, "1e-06", "0.000001" },
	{ 1e-7, "1e-07", "1e-07" },
	{ 9007199254740992, "9.007199254740992e+15", "9007199254740992" },
	{ 5e-324, "5e-324", "5e-324" },
	{ 2.2250738585072014e-308, "2.2250738585072014e-308", "2.2250738585072014e-308" },
	{ 1.7976931348623157e308, "1.7976931348623157e+308", "1.7976931348623157e+308" },
	{ 0x1p-44, "5.684341886080802e-14", "5.684341886080802e-14" },
	{ 0x1.0p-1017, "7.120236347223045e-307", "7.120236347223045e-307" },
	{ 9.5367431640625e-07, "9.5367431640625e-07", "9.5367431640625e-07" },
};

static void test_golden(void)
{
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
		CHECK_UINT(number_text(text, golden[i].value, 64, NUMBER_GO), strlen(golden[i].go));
		CHECK_TEXT(text, golden[i].go);
		CHECK_UINT(number_text(text, golden[i].value, 64, NUMBER_JSON), strlen(golden[i].json));
		CHECK_TEXT(text, golden[i].json);
	}
	number_text(text, (double)0.1f, 32, NUMBER_GO);
	CHECK_TEXT(text, "0.1");
	number_text(text, (double)16777216.0f, 32, NUMBER_JSON);
	CHECK_TEXT(text, "16777216");
	number_text(text, (double)1e-45f, 32, NUMBER_GO);
	CHECK_TEXT(text, "1e-45");
	number_text(text, (double)3.4028235e38f, 32, NUMBER_GO);
	CHECK_TEXT(text, "3.4028235e+38");
	number_text(text, (double)NAN, 64, NUMBER_GO);
	CHECK_TEXT(text, "NaN");
	number_text(text, (double)INFINITY, 64, NUMBER_GO);
	CHECK_TEXT(text, "+Inf");
	number_text(text, (double)-INFINITY, 32, NUMBER_JSON);
	CHECK_TEXT(text, "-Inf");
}

/* Significant digits of a number's text. */
static int digits_of(const char *text)
{
	int count = 0, zeros = 0;

	for (; *text != '\0' && *text != 'e'; text++) {
		if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
			continue;
		zeros = *text == '0' ? zeros + 1 : 0;
		count++;
	}
	return count - zeros;
}

/* Reads back, and the nearest number of one digit less does not. */
static void check_64(double value)
{
	char text[NUMBER_TEXT], shorter[64];
	size_t length = number_text(text, value, 64, random_next() & 1 ? NUMBER_GO : NUMBER_JSON);
	int digits = digits_of(text);

	if (!CHECK(length == strlen(text) && length < NUMBER_TEXT && strtod(text, NULL) == value))
		fprintf(stderr, "\t%a: %s\n", value, text);
	snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, value);
	if (digits > 1 && !CHECK(strtod(shorter, NULL) != value))
		fprintf(stderr, "\t%a: %s\n", value, text);
}

static void check_32(float value)
{
	char text[NUMBER_TEXT], shorter[64];
	size_t length = number_text(text, (double)value, 32, random_next() & 1 ? NUMBER_GO : NUMBER_JSON);
	int digits = digits_of(text);

	if (!CHECK(length == strlen(text) && strtof(text, NULL) == value))
		fprintf(stderr, "\t%a: %s\n", (double)value, text);
	snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, (double)value);
	if (digits > 1 && !CHECK(strtof(shorter, NULL) != value))
		fprintf(stderr, "\t%a: %s\n", (double)value, text);
}

static void test_bit_patterns(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t bits = random_next();
		uint32_t half = (uint32_t)(bits >> 20);
		double wide;
		float narrow;

		memcpy(&wide, &bits, sizeof(wide));
		memcpy(&narrow, &half, sizeof(narrow));
		if (isfinite(wide))
			check_64(wide);
		if (isfinite(narrow))
			check_32(narrow);
	}
}

static void test_edges(void)
{
	for (int exponent = -1074; exponent <= 1023; exponent++) {
		check_64(ldexp(1, exponent));
		check_64(nextafter(ldexp(1, exponent), 0));
		check_64(nextafter(ldexp(1, exponent), INFINITY));
	}
	for (int exponent = -149; exponent <= 127; exponent++) {
		check_32(ldexpf(1, exponent));
		check_32(nextafterf(ldexpf(1, exponent), INFINITY));
	}
	for (int i = 0; i < ROUNDS; i++) {
		check_64((double)(int64_t)random_next() / 1000);
		check_64((double)(random_next() % 1000000) / 100);
		check_32((float)(random_next() % 1000000) / 1000);
	}
}

/* A decimal comma must not get into the text. Where no such locale is installed there is nothing to test. */
static void test_locale(void)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8", "de_DE" };
	char text[NUMBER_TEXT];
	bool found = false;

	for (size_t i = 0; i < 4 && !found; i++)
		found = setlocale(LC_ALL, names[i]) != NULL;
	if (!found)
		fprintf(stderr, "skipped: no locale with a decimal comma\n");
	number_text(text, 0.12345678901234567, 64, NUMBER_JSON);
	CHECK_TEXT(text, "0.12345678901234566");
	setlocale(LC_ALL, "C");
}

int main(void)
{
	test_golden();
	test_bit_patterns();
	test_edges();
	test_locale();
	return check_done();
}
