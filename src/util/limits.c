#include "util/limits.h"

#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

#undef limit_passed /* for analyzers it is a macro */

static struct limit_row rows[LIMITS] = {
	[LIMIT_MEMORY] = { "memory", 0, UINT64_MAX,
		"bytes of memory that mapscope takes itself; 0: three quarters of what the machine has" },
	[LIMIT_OUTPUT] = { "output", UINT64_C(1) << 40, UINT64_MAX,
		"bytes that a command prints" },
	[LIMIT_STRING] = { "string", 16 << 20, UINT64_C(1) << 30,
		"bytes of one string that are shown" },
	[LIMIT_VALUE] = { "value", 64 << 20, UINT64_C(1) << 32,
		"bytes of one value, the elements of one slice too" },
	[LIMIT_ELEMENTS] = { "elements", 1 << 20, UINT64_C(1) << 32,
		"elements of one slice or array that are shown" },
	[LIMIT_ENTRIES] = { "entries", 1 << 20, UINT64_C(1) << 40,
		"entries of one map inside a value that are shown" },
	[LIMIT_VALUES] = { "values", 1 << 22, UINT64_C(1) << 40,
		"values inside one key or elem that are shown" },
	[LIMIT_LIST_DEPTH] = { "list-depth", 4, 50,
		"pointers, slices and interfaces on the way from a variable to a map that list follows" },
	[LIMIT_LIST_ELEMENTS] = { "list-elements", 1000, UINT64_C(1) << 32,
		"elements of one slice, array or sync.Map that list looks into" },
	[LIMIT_LIST_VALUES] = { "list-values", 100000, UINT64_C(1) << 40,
		"values behind one variable that list looks at" },
	[LIMIT_CHAIN] = { "chain", 4096, 1 << 30,
		"overflow buckets of one bucket, or entries of a sync.Map with the same hash" },
	[LIMIT_SYNC_ENTRIES] = { "sync-entries", 1 << 26, UINT64_C(1) << 40,
		"entries of one sync.Map" },
	[LIMIT_GOROUTINES] = { "goroutines", 1 << 24, UINT64_C(1) << 32,
		"goroutines" },
	[LIMIT_THREADS] = { "threads", 1 << 20, 1 << 30,
		"threads of the runtime" },
	[LIMIT_FRAMES] = { "frames", 1 << 20, 1 << 30,
		"frames of one stack" },
	[LIMIT_LOCALS] = { "locals", 1 << 22, UINT64_C(1) << 32,
		"local variables that lead into the heap" },
	[LIMIT_SPANS] = { "spans", UINT64_C(1) << 31, UINT64_C(1) << 40,
		"spans of the heap" },
	[LIMIT_TYPES] = { "types", 1 << 22, 1 << 30,
		"types that objects of the heap are told apart by" },
	[LIMIT_TYPE_BYTES] = { "type-bytes", 128 << 20, UINT64_C(1) << 40,
		"bytes of types made from the target's type descriptors" },
	[LIMIT_NAME] = { "name", 1 << 20, 1 << 30,
		"bytes of the name of a type, field or function" },
	[LIMIT_FIELDS] = { "fields", 1 << 16, 1 << 30,
		"fields of one struct" },
	[LIMIT_HOLDERS] = { "holders", 1000, 1 << 30,
		"pointers to an object that who shows" },
	[LIMIT_HOPS] = { "hops", 1 << 20, 1 << 30,
		"objects on the way from a map to the root that holds it" },
};

const struct limit_row *const limit_rows = rows;

bool limit_set(const char *name, size_t length, uint64_t value)
{
	for (size_t i = 0; i < LIMITS; i++) {
		if (strlen(rows[i].name) != length || memcmp(rows[i].name, name, length) != 0)
			continue;
		if (value > rows[i].most)
			return false;
		rows[i].value = value;
		return true;
	}
	return false;
}

bool limit_reached(enum limit limit, uint64_t count)
{
	if (count < rows[limit].value)
		return false;
	rows[limit].reached = true;
	return true;
}

struct error *limit_passed(enum limit limit, const char *format, ...)
{
	const struct limit_row *row = &rows[limit];
	va_list arguments;

	va_start(arguments, format);
	char *what = xvasprintf(format, arguments);
	va_end(arguments);

	struct error *error = error_new(ERROR_MEMORY, "%s: more than %llu %s (limit %s)", what, (unsigned long long)row->value, row->what, row->name);

	free(what);
	return error_hint(error, "--limit %s=N lets there be more", row->name);
}
