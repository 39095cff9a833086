#include "layout/version.h"

#include <stddef.h>

#include "util/alloc.h"

/*
 * Sources, in each release's src/:
 * tophash         runtime/hashmap.go (<= 1.10), runtime/map.go (>= 1.11): emptyRest came with 1.12
 * load            same files, loadFactorNum / loadFactorDen; in all of 1.21 bucketCnt*13/16 is an integer
 *                 division that makes it 6.0 (internal/abi/map.go)
 * pruning         internal/runtime/maps/table.go, pruneTombstones (>= 1.25)
 * offset shifted  runtime/type.go, structfield.offsetAnon / offsetEmbed (1.9 ... 1.18)
 * varint          runtime/type.go, name.readvarint (>= 1.17)
 * checkmark       runtime/mbitmap.go, scanobject() of runtime/mgcmark.go; runtime/mcheckmark.go has the marks from 1.16 on
 * stacks          runtime/mstats.go, readmemstats_m() subtracts them from HeapInuse (1.8)
 * direct          internal/abi/type.go, TFlagDirectIface (>= 1.26), KindDirectIface before
 */
#define ROW(n, scheme, numerator, pruning, shifted, varint, checkmark, stacks, direct) \
	{ n, scheme, numerator, 2, pruning, shifted, varint, checkmark, stacks, direct }

static const struct go_version versions[] = {
	/*  1.N  tophash            load/2  pruning shifted varint checkmark stacks direct */
	ROW(8, TOPHASH_EMPTY_ZERO, 13, false, false, false, true, true, false),
	ROW(9, TOPHASH_EMPTY_ZERO, 13, false, true, false, true, false, false),
	ROW(10, TOPHASH_EMPTY_ZERO, 13, false, true, false, true, false, false),
	ROW(11, TOPHASH_EMPTY_ZERO, 13, false, true, false, true, false, false),
	ROW(12, TOPHASH_EMPTY_REST, 13, false, true, false, true, false, false),
	ROW(13, TOPHASH_EMPTY_REST, 13, false, true, false, true, false, false),
	ROW(14, TOPHASH_EMPTY_REST, 13, false, true, false, true, false, false),
	ROW(15, TOPHASH_EMPTY_REST, 13, false, true, false, true, false, false),
	ROW(16, TOPHASH_EMPTY_REST, 13, false, true, false, false, false, false),
	ROW(17, TOPHASH_EMPTY_REST, 13, false, true, true, false, false, false),
	ROW(18, TOPHASH_EMPTY_REST, 13, false, true, true, false, false, false),
	ROW(19, TOPHASH_EMPTY_REST, 13, false, false, true, false, false, false),
	ROW(20, TOPHASH_EMPTY_REST, 13, false, false, true, false, false, false),
	ROW(21, TOPHASH_EMPTY_REST, 12, false, false, true, false, false, false),
	ROW(22, TOPHASH_EMPTY_REST, 13, false, false, true, false, false, false),
	ROW(23, TOPHASH_EMPTY_REST, 13, false, false, true, false, false, false),
	ROW(24, TOPHASH_EMPTY_REST, 13, false, false, true, false, false, false),
	ROW(25, TOPHASH_EMPTY_REST, 13, true, false, true, false, false, false),
	ROW(26, TOPHASH_EMPTY_REST, 13, true, false, true, false, false, true),
	ROW(27, TOPHASH_EMPTY_REST, 13, true, false, true, false, false, true),
};

struct error *go_version_find(int minor, const struct go_version **out, bool *newer)
{
	const struct go_version *newest = &versions[ARRAY_SIZE(versions) - 1];

	if (minor < versions[0].minor)
		return error_new(ERROR_TARGET, "Go 1.%d: not supported: Go 1.%d is the oldest version known", minor,
				 versions[0].minor);
	*newer = minor > newest->minor;
	*out = *newer ? newest : &versions[minor - versions[0].minor];
	return NULL;
}

int go_version_newest(void)
{
	return versions[ARRAY_SIZE(versions) - 1].minor;
}

int go_version_oldest(void)
{
	return versions[0].minor;
}
