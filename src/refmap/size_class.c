#include "refmap/size_class.h"

#include <stddef.h>

#include "util/alloc.h"

/*
 * Sources, in each release's src/: the classes are class_to_size of runtime/sizeclasses.go (1.25: internal/runtime/gc/), one
 * table up to 1.15 and one, with a class of 24 bytes more, from 1.16 on. The rounding is runtime/msize.go (1.22:
 * msize_allocheaders.go): from 1.22 on, memory with pointers has a header of 8 bytes in it, unless it is so little that its span
 * has room for the pointer bitmap (mbitmap.go, minSizeForMallocHeader).
 */
enum {
	LARGEST_CLASS = 32768,
	PAGE = 8192,
	CLASS_24_SINCE = 16,
	HEADER_SINCE = 22,
	HEADER = 8,
};

static const uint16_t classes[] = {
	8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480,
	512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864,
	5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760,
	24576, 27264, 28672,
	LARGEST_CLASS,
};

/* The least class of at least `size` bytes, at most LARGEST_CLASS. */
static uint64_t class_of(const struct go_version *version, uint64_t size)
{
	size_t i = 0;

	while (classes[i] < size || (classes[i] == 24 && version->minor < CLASS_24_SINCE))
		i++;
	return classes[i];
}

uint64_t size_class_round(const struct go_version *version, unsigned word_size, uint64_t size, bool pointers)
{
	bool headers = version->minor >= HEADER_SINCE;
	uint64_t header = headers && pointers && size > 8 * word_size * word_size ? HEADER : 0;

	if (size <= LARGEST_CLASS - (headers ? HEADER : 0))
		return class_of(version, size + header) - header;
	if (size + PAGE < size)
		return size;
	return (size + PAGE - 1) / PAGE * PAGE;
}
