#include "refmap/classic_private.h"
#include "util/alloc.h"

/* makemap() compares with the heap's largest size: _MaxMem up to 1.10, maxAlloc later (runtime/malloc.go, 64 bits). */
#define MAX_MEM ((UINT64_C(1) << 39) - 1)
#define MAX_ALLOC (UINT64_C(1) << 48)

/*
 * One row where something changed. Sources, in each release's src/runtime/: hashmap.go and hashmap_fast.go (<= 1.10), map.go and
 * map_fast{32,64,str}.go (1.11 ... 1.23), the same with _noswiss (1.24, 1.25).
 * load_float             overLoadFactor, and its callers' count
 * fast_functions         mapassign_fast*: hashmap_fast.go of 1.8 has mapaccess only
 * wipe_plain_keys/elems  mapdelete*: typedmemclr up to 1.9; in 1.10 only what has pointers; elems always again since 1.11
 * wipe_plain_buckets     evacuate
 * string_key_update      mapassign_faststr, "k.str = key.str"
 * reseeds                mapdelete*, mapclear: "h.hash0 = fastrand()"
 * clear_marks            mapclear, markBucketsEmpty
 * clear_counts           mapclear, "h.clearSeq++"
 * lookahead              advanceEvacuationMark; in 1.9 inside evacuate
 * clear                  mapclear came with 1.11, the builtin clear with 1.21; cmd/compile takes it for a loop only where the
 *                        key's type is reflexive (gc/range.go, isMapClear)
 * iteration              mapiterinit
 */
static const struct classic_behaviour rows[] = {
	{
		.since = 8, .load_float = true, .wipe_plain_keys = true, .wipe_plain_elems = true, .wipe_plain_buckets = true,
		.clear = CLASSIC_CLEAR_DELETES, .iteration = CLASSIC_RANDOM_TWICE,
	}, {
		.since = 9, .load_float = true, .fast_functions = true, .wipe_plain_keys = true, .wipe_plain_elems = true,
		.wipe_plain_buckets = true, .lookahead = 1024,
		.clear = CLASSIC_CLEAR_DELETES, .iteration = CLASSIC_RANDOM_TWICE, .hint_bytes = MAX_MEM,
	}, {
		.since = 10, .fast_functions = true, .lookahead = 1024,
		.clear = CLASSIC_CLEAR_DELETES, .iteration = CLASSIC_RANDOM_TWICE, .hint_bytes = MAX_MEM,
	}, {
		.since = 11, .fast_functions = true, .wipe_plain_elems = true, .lookahead = 1024,
		.clear = CLASSIC_CLEAR_REFLEXIVE, .iteration = CLASSIC_RANDOM_TWICE, .hint_bytes = MAX_ALLOC,
	}, {
		.since = 16, .fast_functions = true, .wipe_plain_elems = true, .reseeds = true, .lookahead = 1024,
		.clear = CLASSIC_CLEAR_REFLEXIVE, .iteration = CLASSIC_RANDOM_TWICE, .hint_bytes = MAX_ALLOC,
	}, {
		.since = 17, .fast_functions = true, .wipe_plain_elems = true, .string_key_update = true, .reseeds = true,
		.lookahead = 1024,
		.clear = CLASSIC_CLEAR_REFLEXIVE, .iteration = CLASSIC_RANDOM_TWICE, .hint_bytes = MAX_ALLOC,
	}, {
		.since = 19, .fast_functions = true, .wipe_plain_elems = true, .string_key_update = true, .reseeds = true,
		.lookahead = 1024,
		.clear = CLASSIC_CLEAR_REFLEXIVE, .iteration = CLASSIC_RANDOM_CHOICE, .hint_bytes = MAX_ALLOC,
	}, {
		.since = 21, .fast_functions = true, .wipe_plain_elems = true, .string_key_update = true, .reseeds = true,
		.clear_marks = true, .lookahead = 1024,
		.clear = CLASSIC_CLEAR_ALL, .iteration = CLASSIC_RANDOM_CHOICE, .hint_bytes = MAX_ALLOC,
	}, {
		.since = 22, .fast_functions = true, .wipe_plain_elems = true, .string_key_update = true, .reseeds = true,
		.clear_marks = true, .lookahead = 1024,
		.clear = CLASSIC_CLEAR_ALL, .iteration = CLASSIC_RANDOM_64, .hint_bytes = MAX_ALLOC,
	}, {
		.since = 24, .fast_functions = true, .wipe_plain_elems = true, .string_key_update = true, .reseeds = true,
		.clear_counts = true, .lookahead = 1024,
		.clear = CLASSIC_CLEAR_ALL, .iteration = CLASSIC_RANDOM_64, .hint_bytes = MAX_ALLOC,
	},
};

const struct classic_behaviour *classic_behaviour_find(const struct go_version *version)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(rows) && rows[i + 1].since <= version->minor)
		i++;
	return &rows[i];
}
