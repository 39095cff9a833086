/* The fake target, and a mirror over it. */
#include "check.h"

#include <stdlib.h>
#include <time.h>

#include "target/fake.h"
#include "target/mirror.h"
#include "util/interrupt.h"

#define PAGE ((size_t)4096)

static const struct machine amd64 = { .elf_machine = 62, .word_size = 8 };

static uint8_t pattern(uint64_t address)
{
	return (uint8_t)(address * 7 + address / PAGE * 13);
}

static void put_pattern(struct target *fake, uint64_t address, size_t length)
{
	uint8_t *bytes = malloc(length);

	for (size_t i = 0; i < length; i++)
		bytes[i] = pattern(address + i);
	fake_put(fake, taddr_of(address), bytes, length);
	free(bytes);
}

static bool has_pattern(const uint8_t *bytes, uint64_t address, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != pattern(address + i))
			return false;
	return true;
}

static void check_error(struct error *error, const char *message)
{
	if (CHECK(error != NULL))
		CHECK_TEXT(error->message, message);
	error_free(error);
}

static void test_fake(void)
{
	struct target *fake = fake_create(&amd64);
	uint8_t bytes[64];
	uint64_t word;

	put_pattern(fake, 0x2000, 16);
	put_pattern(fake, 0x1000, 16);
	put_pattern(fake, 0x2010, 16); /* right behind the first */
	CHECK(target_read(fake, taddr_of(0x2000), bytes, 32) == NULL && has_pattern(bytes, 0x2000, 32));
	check_error(target_read(fake, taddr_of(0x2008), bytes, 32), "0x2020: not mapped");
	check_error(target_read(fake, taddr_of(0xfff), bytes, 2), "0xfff: not mapped");
	CHECK_UINT(target_read_some(fake, taddr_of(0x100c), bytes, 64), 4);
	CHECK_UINT(target_read_some(fake, taddr_of(UINT64_MAX), bytes, 64), 0);
	CHECK(target_view(fake, taddr_of(0x1000), 16) != NULL);
	CHECK(target_view(fake, taddr_of(0x2000), 17) == NULL);
	CHECK(target_read_word(fake, taddr_of(0x1000), &word) == NULL);
	CHECK(target_stop(fake) == NULL);
	target_resume(fake);
	target_destroy(fake);
}

static void test_mirror(void)
{
	struct target *fake = fake_create(&amd64);
	struct mirror *mirror = mirror_create(fake, 16 * PAGE);
	struct target *target = mirror_target(mirror);
	uint8_t *bytes = malloc(20 * PAGE);

	put_pattern(fake, 0x10000, 8 * PAGE);
	put_pattern(fake, 0x1a000, 100); /* a page that is there in part */
	CHECK(mirror_want(mirror, taddr_of(0x12000), 10));
	CHECK(mirror_want(mirror, taddr_of(0x10ff8), 16));
	CHECK(mirror_want(mirror, taddr_of(0x17000), 3 * PAGE)); /* one there, two not */
	CHECK(mirror_want(mirror, taddr_of(0x1a000), 8));
	CHECK_UINT(mirror_size(mirror), 0);
	CHECK(mirror_fetch(mirror) == NULL);
	CHECK_UINT(mirror_size(mirror), 4 * PAGE);
	CHECK(target_view(target, taddr_of(0x10000), 3 * PAGE) != NULL);
	CHECK(target_view(target, taddr_of(0x12000), PAGE + 1) == NULL);
	mirror_seal(mirror);
	CHECK(target_read(target, taddr_of(0x10ffc), bytes, PAGE) == NULL && has_pattern(bytes, 0x10ffc, PAGE));
	CHECK_UINT(mirror_late_bytes(mirror), 0);
	CHECK(target_read(target, taddr_of(0x12ffe), bytes, 4) == NULL && has_pattern(bytes, 0x12ffe, 4));
	CHECK_UINT(mirror_late_bytes(mirror), 2);
	CHECK(target_read(target, taddr_of(0x10000), bytes, 8 * PAGE) == NULL && has_pattern(bytes, 0x10000, 8 * PAGE));
	CHECK_UINT(mirror_late_bytes(mirror), 2 + 4 * PAGE);
	CHECK_UINT(target_read_some(target, taddr_of(0x1a050), bytes, 64), 20);
	check_error(target_read(target, taddr_of(0x17ff0), bytes, 32), "0x18000: not mapped");
	CHECK(mirror_want(mirror, taddr_of(0x18000), PAGE)); /* known to be absent */
	CHECK(mirror_fetch(mirror) == NULL);
	CHECK_UINT(mirror_size(mirror), 4 * PAGE);
	free(bytes);
	mirror_destroy(mirror);
	target_destroy(fake);
}

static void test_pieces(void)
{
	struct target *fake = fake_create(&amd64);
	struct mirror *mirror = mirror_create(fake, 1 << 20);
	uint8_t bytes[3][2 * PAGE];
	struct target_piece pieces[] = {
		{ taddr_of(0x10ff0), bytes[0], 2 * PAGE, 99 },
		{ taddr_of(0x50000), bytes[1], 10, 99 },
		{ taddr_of(0x12f00), bytes[2], PAGE, 99 },
		{ taddr_of(0x10000), bytes[1], 0, 99 },
	};

	put_pattern(fake, 0x10000, 3 * PAGE);
	CHECK(mirror_want(mirror, taddr_of(0x11000), 1) && mirror_fetch(mirror) == NULL);
	target_read_pieces(mirror_target(mirror), pieces, 4);
	CHECK_UINT(pieces[0].got, 2 * PAGE);
	CHECK(has_pattern(bytes[0], 0x10ff0, 2 * PAGE));
	CHECK_UINT(pieces[1].got, 0);
	CHECK_UINT(pieces[2].got, 0x100);
	CHECK_UINT(pieces[3].got, 0);
	mirror_destroy(mirror);
	target_destroy(fake);
}

static void test_limit(void)
{
	struct target *fake = fake_create(&amd64);
	struct mirror *mirror = mirror_create(fake, 4 * PAGE);

	put_pattern(fake, 0x10000, 8 * PAGE);
	CHECK(!mirror_want(mirror, taddr_of(0x10000), 5 * PAGE));
	CHECK(!mirror_want(mirror, taddr_of(0x10000), SIZE_MAX / 2));
	CHECK(!mirror_want(mirror, taddr_of(UINT64_MAX - 3), 16));
	CHECK(mirror_want(mirror, taddr_of(0x10000), 0));
	CHECK(mirror_want(mirror, taddr_of(0x10000), 3 * PAGE));
	CHECK(!mirror_want(mirror, taddr_of(0x12000), 3 * PAGE));
	CHECK(mirror_want(mirror, taddr_of(0x12000), 2 * PAGE));
	CHECK(mirror_fetch(mirror) == NULL);
	CHECK_UINT(mirror_size(mirror), 4 * PAGE);
	CHECK(!mirror_want(mirror, taddr_of(0x14000), 1));
	CHECK(mirror_want(mirror, taddr_of(0x13fff), 1));
	mirror_clear(mirror);
	CHECK_UINT(mirror_size(mirror), 0);
	CHECK(target_view(mirror_target(mirror), taddr_of(0x10000), 1) == NULL);
	CHECK(mirror_want(mirror, taddr_of(0x13fff), 2) && mirror_fetch(mirror) == NULL);
	CHECK_UINT(mirror_size(mirror), 2 * PAGE);
	mirror_destroy(mirror);
	target_destroy(fake);
}

static void test_unchanged(void)
{
	struct target *fake = fake_create(&amd64);
	struct mirror *mirror = mirror_create(fake, 1 << 24);
	uint8_t *bytes;

	put_pattern(fake, 0x10000, 600 * PAGE);
	put_pattern(fake, 0x1000000, 3 * PAGE);
	CHECK(mirror_want(mirror, taddr_of(0x10000), 600 * PAGE));
	CHECK(mirror_want(mirror, taddr_of(0x1000000), 1) && mirror_want(mirror, taddr_of(0x1002000), 1));
	CHECK(mirror_fetch(mirror) == NULL);
	CHECK(mirror_unchanged(mirror));
	bytes = (uint8_t *)target_view(fake, taddr_of(0x1001000), 1); /* a test may write to its own fake */
	bytes[0]++;
	CHECK(mirror_unchanged(mirror));
	bytes[PAGE + 1]++;
	CHECK(!mirror_unchanged(mirror));
	bytes[PAGE + 1]--;
	CHECK(mirror_unchanged(mirror));
	bytes = (uint8_t *)target_view(fake, taddr_of(0x10000), 600 * PAGE);
	bytes[600 * PAGE - 1]++;
	CHECK(!mirror_unchanged(mirror));
	mirror_destroy(mirror);
	target_destroy(fake);
}

/* Random pages in random order, alternately absent, against the base. */
static void test_scattered(void)
{
	struct target *fake = fake_create(&amd64);
	struct mirror *mirror = mirror_create(fake, (size_t)64 << 20);
	uint8_t bytes[100];
	unsigned wrong = 0;

	for (unsigned i = 0; i < 2000; i += 2)
		put_pattern(fake, 0x100000 + i * PAGE, PAGE);
	for (unsigned i = 0; i < 2000; i++)
		wrong += !mirror_want(mirror, taddr_of(0x100000 + (i * 1237) % 2000 * PAGE + 50), 80);
	CHECK(mirror_fetch(mirror) == NULL);
	CHECK_UINT(mirror_size(mirror), 1000 * PAGE);
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t address = 0x100000 + i * PAGE + 4000;
		size_t got = target_read_some(mirror_target(mirror), taddr_of(address), bytes, 100);

		wrong += got != (i % 2 ? 0 : 96) || !has_pattern(bytes, address, got);
	}
	CHECK_UINT(wrong, 0);
	mirror_destroy(mirror);
	target_destroy(fake);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Not a check, as machines differ: what wanting, fetching and reading cost. */
static void measure(void)
{
	struct target *fake = fake_create(&amd64);
	size_t pages = 16384, count = 1000000;
	struct mirror *mirror = mirror_create(fake, pages * PAGE);
	uint64_t word, sum = 0;

	put_pattern(fake, 0x10000000, pages * PAGE);

	double start = seconds();

	for (size_t i = 0; i < count; i++)
		sum += mirror_want(mirror, taddr_of(0x10000000 + i * 7919 % pages * PAGE), 8);

	double wanted = seconds();

	CHECK(mirror_fetch(mirror) == NULL);

	double fetched = seconds();

	for (size_t i = 0; i < count; i++) {
		target_read_some(mirror_target(mirror), taddr_of(0x10000000 + i * 7919 % pages * PAGE + i % 4000), &word, 8);
		sum += word;
	}
	fprintf(stderr, "want %.0f ns, fetch %.2f GB/s, read %.0f ns (%x)\n", (wanted - start) * 1e9 / (double)count,
		(double)(pages * PAGE) / (fetched - wanted) / 1e9, (seconds() - fetched) * 1e9 / (double)count, (unsigned)sum & 1);
	mirror_destroy(mirror);
	target_destroy(fake);
}

/* Who would look at registers is told why there are none. */
static void test_no_threads(void)
{
	struct target *fake = fake_create(&amd64);
	struct mirror *mirror = mirror_create(fake, PAGE);
	struct target_thread *threads = NULL;
	size_t count = 7;

	check_error(target_threads(fake, &threads, &count), "the registers of threads are not available from a fake");
	check_error(target_threads(mirror_target(mirror), &threads, &count), "the registers of threads are not available from a fake");
	CHECK(threads == NULL && count == 7);
	mirror_target(mirror)->machine.elf_machine = 250;
	check_error(target_threads(mirror_target(mirror), &threads, &count), "the registers of machine 250 are not known");
	mirror_destroy(mirror);
	target_destroy(fake);
}

/* A fetch that is given up leaves no page that looks fetched. The last of the tests: it cannot be taken back. */
static void test_given_up(void)
{
	struct target *fake = fake_create(&amd64);
	struct mirror *mirror = mirror_create(fake, 16 * PAGE);
	uint8_t bytes[16];

	put_pattern(fake, 0x10000, 4 * PAGE);
	CHECK(mirror_want(mirror, taddr_of(0x10000), 2 * PAGE));
	CHECK(mirror_fetch(mirror) == NULL);
	CHECK(mirror_want(mirror, taddr_of(0x12000), 2 * PAGE));
	interrupt_give_up("enough", "of it");
	check_error(mirror_fetch(mirror), "enough");
	CHECK_UINT(mirror_size(mirror), 2 * PAGE);
	mirror_seal(mirror);
	CHECK(target_read(mirror_target(mirror), taddr_of(0x12000), bytes, 16) == NULL && has_pattern(bytes, 0x12000, 16));
	CHECK_UINT(mirror_late_bytes(mirror), 16); /* from the base */
	mirror_destroy(mirror);
	target_destroy(fake);
}

int main(void)
{
	test_fake();
	test_mirror();
	test_pieces();
	test_limit();
	test_unchanged();
	test_scattered();
	test_no_threads();
	measure();
	test_given_up();
	return check_done();
}
