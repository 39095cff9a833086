#include "util/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "util/alloc.h"

enum { PAGE = 4096, HUGE_PAGE = 2 << 20 };

struct error *pages_allocate(size_t size, const char *what, uint8_t **out)
{
	void *bytes = NULL;

	if (size < 2 * HUGE_PAGE) {
		TRY(alloc_checked(size, 1, what, &bytes));
	} else {
		if (posix_memalign(&bytes, HUGE_PAGE, size) != 0)
			return error_new(ERROR_TARGET, "%s: no memory for %zu bytes", what, size);
		madvise(bytes, size, MADV_HUGEPAGE); /* advice: a kernel without it does without */
	}
	*out = bytes;
	return NULL;
}

void pages_touch(uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		bytes[at] = 0;
}
