/* What a mirror is made of; between mirror.c and mirror_fetch.c only. */
#ifndef TARGET_MIRROR_PRIVATE_H
#define TARGET_MIRROR_PRIVATE_H

#include "target/mirror.h"
#include "target/page_index.h"

#define PAGE PAGE_INDEX_PAGE

/* Values in the index; others are numbers of runs. */
#define NOTED UINT32_MAX
#define ABSENT (UINT32_MAX - 1)

/* Pages that follow each other, in the base and in our memory. */
struct run {
	uint64_t first; /* page number */
	uint64_t count;
	uint8_t *bytes; /* in a block */
};

/* The pages of an aligned GiB. */
#define REGION_PAGES ((uint64_t)1 << 18)
#define REGIONS_LIMIT 64

struct region {
	uint64_t number; /* of its first page, divided by REGION_PAGES */
	uint64_t *known; /* bit of a page: it is in the index */
};

/* What one fetch allocated. */
struct block {
	uint8_t *bytes;
	size_t size;
	bool used;
};

struct mirror {
	struct target target; /* as the mirror shows itself; first, so that target functions find the mirror */
	struct target *base;
	size_t limit_pages;
	size_t held_pages;
	bool sealed;
	uint64_t late_bytes;
	struct region *regions; /* which pages are known, a bit each: asked a million times while the target stands */
	size_t region_count;
	struct region *last_region;

	struct page_index index;
	uint64_t *noted; /* page numbers, not fetched yet */
	size_t noted_count;
	size_t noted_capacity;
	struct run *runs;
	size_t run_count;
	size_t run_capacity;
	size_t last_run; /* that a read hit */
	struct block *blocks;
	size_t block_count;
	size_t block_capacity;
};

#endif
