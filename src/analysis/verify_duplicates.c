/* No key twice. Equal keys have equal hashes: only slots with the same tophash or H2 that one lookup comes by can hold them. */
#include "analysis/verify_private.h"

#include <stdlib.h>

#include "util/alloc.h"

/* A chain of more buckets is no work of hashing: looking for a key twice in it would take the square of its length. */
enum { CHAIN_COMPARED = 256 };

void verify_duplicates_open(struct verify *verify)
{
	struct error *error = key_comparer_create(verify->map->type->key, &verify->comparer);

	if (error != NULL)
		report_detail(verify_check_of(verify, VERIFY_DUPLICATES), "nothing: %s", error->message);
	error_free(error);
}

void verify_duplicates_report(struct verify *verify)
{
	struct buffer detail = { 0 };

	if (verify->comparer == NULL)
		return;
	buffer_append_format(&detail, "pairs of keys compared that could be equal: %llu", (unsigned long long)verify->compared);
	if (verify->incomparable != 0)
		buffer_append_format(&detail, ", not readable: %llu", (unsigned long long)verify->incomparable);
	if (verify->long_chains != 0)
		buffer_append_format(&detail, "; not compared: %llu chains of more than %d overflow buckets",
				     (unsigned long long)verify->long_chains, CHAIN_COMPARED);
	report_detail(verify_check_of(verify, VERIFY_DUPLICATES), "%s", buffer_text(&detail));
	buffer_free(&detail);
}

static bool load_key(struct verify *verify, const struct verify_slot *at, struct map_scratch *scratch, struct key_place *out)
{
	struct map_entry entry;
	struct error *error = map_entry_load(verify->map, at->unit, at->slot, scratch, &entry);

	if (error != NULL) {
		error_free(error);
		return false;
	}
	*out = (struct key_place){ entry.key, entry.key_address };
	return true;
}

static void report_twin(struct verify *verify, const struct verify_slot *a, const struct verify_slot *b)
{
	struct verify_site first = verify_key_site(verify, a, NULL), second = verify_key_site(verify, b, "key");
	struct buffer name = { 0 };

	if (verify_only_counted(verify, VERIFY_DUPLICATES))
		return;
	verify_name_site(verify, &first, &name);
	verify_wrong(verify, VERIFY_DUPLICATES, &second, xstrdup("a key that no other slot has"),
		     xasprintf("the key of %s", buffer_text(&name)));
	buffer_free(&name);
}

static void compare_slots(struct verify *verify, const struct verify_slot *a, const struct verify_slot *b)
{
	struct map_scratch scratch = { 0 };
	enum key_equality equality = KEYS_UNKNOWN;
	struct key_place x, y;

	if (verify->comparer == NULL)
		return;
	verify->compared++;
	if (load_key(verify, a, &verify->scratch, &x) && load_key(verify, b, &scratch, &y))
		equality = key_equal(verify->comparer, x, y);
	map_scratch_free(&scratch);
	if (equality == KEYS_UNKNOWN)
		verify->incomparable++;
	else if (equality == KEYS_EQUAL)
		report_twin(verify, a, b);
}

void verify_compare_twins(struct verify *verify, const struct map_table *table, const struct map_unit *unit)
{
	for (unsigned left = unit->live; left != 0; left &= left - 1) {
		struct verify_slot a = { table, unit, (unsigned)__builtin_ctz(left) };

		for (unsigned right = left & (left - 1); right != 0; right &= right - 1) {
			struct verify_slot b = { table, unit, (unsigned)__builtin_ctz(right) };

			if (map_control(verify->map, unit, a.slot) == map_control(verify->map, unit, b.slot))
				compare_slots(verify, &a, &b);
		}
	}
}

void verify_compare_with(struct verify *verify, const struct map_unit *other, const struct verify_slot *at)
{
	uint8_t control = map_control(verify->map, at->unit, at->slot);
	uint64_t same = verify_zero_bytes(verify_controls(verify->map, other) ^ control * VERIFY_EACH) & verify_live_tops(other);

	for (; same != 0; same &= same - 1) {
		struct verify_slot twin = { at->table, other, (unsigned)__builtin_ctzll(same) / 8 };

		compare_slots(verify, &twin, at);
	}
}

void verify_compare_chain(struct verify *verify, const struct map_unit *units, size_t count)
{
	if (count > CHAIN_COMPARED) {
		verify->long_chains++;
		return;
	}
	for (size_t i = 1; i < count; i++)
		for (unsigned live = units[i].live; live != 0; live &= live - 1) {
			struct verify_slot at = { NULL, &units[i], (unsigned)__builtin_ctz(live) };

			for (size_t j = 0; j < i; j++)
				verify_compare_with(verify, &units[j], &at);
		}
}
