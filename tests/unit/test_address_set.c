/* The set of addresses: exact, whatever the size and wherever they lie; small where they lie side by side. */
#include "check.h"
#include "util/address_set.h"

static struct address_set set_of(uint64_t size)
{
	return (struct address_set){ .size = size };
}

static void each_once(uint64_t size, uint64_t base, uint64_t count, uint64_t step)
{
	struct address_set set = set_of(size);

	for (uint64_t i = 0; i < count; i++)
		CHECK(address_set_add(&set, taddr_of(base + i * step)));
	for (uint64_t i = 0; i < count; i++)
		CHECK(!address_set_add(&set, taddr_of(base + i * step)));
	address_set_free(&set);
}

/* All addresses of a range, those between two things of the size too, are told apart; at both ends of all addresses. */
static void tells_all_apart(void)
{
	static const uint64_t sizes[] = { 1, 3, 64, 144, 272, 1 << 20 };
	static const uint64_t bases[] = { 0, 0xc000012340, UINT64_MAX - 50000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t j = 0; j < sizeof(bases) / sizeof(bases[0]); j++)
			each_once(sizes[i], bases[j], 50000, 1);
		each_once(sizes[i], 0xc000012340, 5000, sizes[i]);
		each_once(sizes[i], 0xc000012340, 5000, (sizes[i] << 12) + 8);
	}
}

static void is_small_for_an_array(void)
{
	struct address_set set = set_of(144);

	for (uint64_t i = 0; i < 64000; i++)
		CHECK(address_set_add(&set, taddr_of(0xc000012340 + i * 144)));
	CHECK(set.table.count <= 1001);
	address_set_free(&set);
}

/* Things that are alone take what a table of them would. */
static void is_a_table_for_strays(void)
{
	struct address_set set = set_of(144);

	for (uint64_t i = 0; i < 5000; i++)
		CHECK(address_set_add(&set, taddr_of(i * 65536 + i % 144)));
	CHECK_UINT(set.table.count, 5000);
	address_set_free(&set);
}

int main(void)
{
	tells_all_apart();
	is_small_for_an_array();
	is_a_table_for_strays();
	return check_done();
}
