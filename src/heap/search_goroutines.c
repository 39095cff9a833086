/*
 * runtime.allgs and allm (runtime/proc.go, runtime2.go): allgs is a slice of pointers to gs, each of which has its own address in its gobuf
 * from the moment that it is made (newproc1() sets sched.g). allm is the head of a list of all ms that ends with m0, a variable.
 */
#include <string.h>

#include "heap/search_private.h"
#include "layout/struct.h"
#include "util/alloc.h"

enum {
	STRUCT_LIMIT = 8192,   /* g has some 450 bytes, m up to 1,700 */
	GS_TRIED = 64,
	GS_ENOUGH = 3,         /* before main.main there are main's, forcegchelper's and bgsweep's: runtime/proc.go, mgcsweep.go */
	MS_TRIED = 1 << 14,    /* the runtime ends a program with 10,000 threads */
	MOST_THREADS = 10000,  /* sched.maxmcount, which stands behind a list of idle ms: schedinit() */
	BEHIND = 64,           /* bytes in which it does */
	STATUSES = 16,         /* of atomicstatus, but for the bit of a stack that is being scanned: runtime2.go has 12 */
	SCAN = 0x1000,
};

#define MOST_GOROUTINES (UINT64_C(1) << 32)

struct goroutine_search {
	struct search *search;
	uint64_t g_size, m_size;
	struct field_at self;      /* in g: sched.g */
	struct field_at stack_low, stack_high, id, status, thread;
	struct field_at system, signal, next; /* in m: g0, gsignal, alllink */
	taddr allgs, allm;
	uint64_t goroutines, threads;
};

static struct error *load_g(struct binary *binary, const struct layout_struct *g, struct goroutine_search *out)
{
	out->g_size = g->size;
	TRY(layout_inner_field_at(binary, g, "sched", "g", &out->self));
	TRY(layout_inner_field_at(binary, g, "stack", "lo", &out->stack_low));
	TRY(layout_inner_field_at(binary, g, "stack", "hi", &out->stack_high));
	TRY(layout_field_at(g, "goid", false, &out->id));
	TRY(layout_field_at(g, "atomicstatus", false, &out->status));
	return layout_field_at(g, "m", false, &out->thread);
}

static struct error *load_m(struct binary *binary, const struct layout_struct *m, struct goroutine_search *out)
{
	out->m_size = m->size;
	TRY(layout_field_at(m, "g0", false, &out->system));
	TRY(layout_field_at(m, "gsignal", false, &out->signal));
	return layout_field_at(m, "alllink", false, &out->next);
}

static struct error *load_layout(struct binary *binary, const char *name,
				 struct error *(*load)(struct binary *, const struct layout_struct *, struct goroutine_search *),
				 struct goroutine_search *out)
{
	const char *const names[] = { name, NULL };
	struct layout_struct layout;

	TRY(layout_struct_named(binary, names, &layout));

	struct error *error = layout.size <= STRUCT_LIMIT ? load(binary, &layout, out)
							  : error_new(ERROR_TARGET, "struct %s: an unknown layout", name);

	layout_struct_free(&layout);
	return error;
}

static uint64_t field_of(const struct goroutine_search *search, const uint8_t *bytes, struct field_at at)
{
	return load_uint(&search->search->program->machine, bytes + at.offset, at.size);
}

static bool read_struct(const struct goroutine_search *search, uint64_t address, uint64_t size, uint8_t *to)
{
	struct program *program = search->search->program;

	return address != 0 && address % program->machine.word_size == 0 &&
	       target_read_some(program->memory, taddr_of(address), to, size) == size;
}

/* --- allgs ------------------------------------------------------------------------------------------------------------ */

static bool is_goroutine(const struct goroutine_search *search, uint64_t address, uint64_t *id)
{
	uint8_t g[STRUCT_LIMIT];

	if (!read_struct(search, address, search->g_size, g) || field_of(search, g, search->self) != address)
		return false;

	uint64_t low = field_of(search, g, search->stack_low), high = field_of(search, g, search->stack_high);

	/* one that has ended has none; ids are counted from 1 on */
	*id = field_of(search, g, search->id);
	return low <= high && high - low <= UINT64_C(1) << 40 && *id < UINT64_C(1) << 48 &&
	       (field_of(search, g, search->status) & ~(uint64_t)SCAN) < STATUSES;
}

/* The ids of the gs that a slice leads to are all different, but for those that have never run: else it is no id that is read. */
static size_t count_distinct(const uint64_t *ids, size_t count)
{
	size_t distinct = 0;

	for (size_t i = 0; i < count; i++) {
		size_t k = 0;

		while (k < i && ids[k] != ids[i])
			k++;
		distinct += k == i || ids[i] == 0;
	}
	return distinct;
}

static bool try_slice(void *context, taddr at, const uint8_t *bytes)
{
	struct goroutine_search *search = context;
	struct search_slice slice;
	uint64_t sound = 0, tried = 0, ids[GS_TRIED + 1];

	if (!search_is_slice(search->search, bytes, MOST_GOROUTINES, &slice))
		return true;

	uint64_t step = slice.length / GS_TRIED + 1;

	for (uint64_t i = 0; i < slice.length && sound + 1 >= tried - tried / 4; i += step, tried++)
		sound += is_goroutine(search, search_pointer(search->search, &slice, i), &ids[sound]);
	if (sound == 0 || sound < tried - tried / 4 || sound <= search->goroutines || count_distinct(ids, sound) < sound - sound / 4)
		return true;
	search->allgs = at;
	search->goroutines = sound;
	return true;
}

/* --- allm ------------------------------------------------------------------------------------------------------------- */

/* Whether a g is of that m, on whose system or signal stack it runs. */
static bool names_thread(const struct goroutine_search *search, uint64_t goroutine, uint64_t thread)
{
	uint8_t g[STRUCT_LIMIT];

	return read_struct(search, goroutine, search->g_size, g) && field_of(search, g, search->thread) == thread;
}

/* The m of an address: its g0 and gsignal name it; one that is just being made has no gsignal yet. */
static bool read_thread(const struct goroutine_search *search, uint64_t address, uint64_t *next)
{
	uint8_t m[STRUCT_LIMIT];

	if (!read_struct(search, address, search->m_size, m) || !names_thread(search, field_of(search, m, search->system), address))
		return false;

	uint64_t signal = field_of(search, m, search->signal);

	if (signal != 0 && !names_thread(search, signal, address))
		return false;
	*next = field_of(search, m, search->next);
	return true;
}

static bool is_variable(const struct search *search, uint64_t address)
{
	for (int i = 0; i < MODULE_RANGES; i++)
		if (address - search->ranges[i].start.v < search->ranges[i].size)
			return true;
	return false;
}

/* The ms of a list that ends with m0; 0: it is no such list. */
static uint64_t list_length(const struct goroutine_search *search, uint64_t head)
{
	uint64_t count = 0, last = 0;

	for (uint64_t at = head, next; at != 0; at = next) {
		if (count == MS_TRIED || !read_thread(search, at, &next))
			return 0;
		last = at;
		count++;
	}
	return is_variable(search->search, last) ? count : 0;
}

/* sched.midle is the head of another list, which may begin with the same m. */
static bool is_idle_list(const struct goroutine_search *search, const uint8_t *bytes)
{
	for (size_t at = 0; at + 4 <= BEHIND; at += 4)
		if (load_u32(&search->search->program->machine, bytes + at) == MOST_THREADS)
			return true;
	return false;
}

static bool try_head(void *context, taddr at, const uint8_t *bytes)
{
	struct goroutine_search *search = context;
	uint64_t head = load_word(&search->search->program->machine, bytes);
	uint64_t count = head >= 4096 ? list_length(search, head) : 0;

	if (count > search->threads && !is_idle_list(search, bytes)) {
		search->allm = at;
		search->threads = count;
	}
	return true;
}

struct error *search_goroutines(struct search *search)
{
	struct binary *binary = search->program->binary;
	struct goroutine_search goroutines = { .search = search };
	const struct search_visit slices = { 3u * search->program->machine.word_size, false, try_slice, &goroutines };
	const struct search_visit heads = { BEHIND, false, try_head, &goroutines };

	TRY(load_layout(binary, "runtime.g", load_g, &goroutines));
	TRY(load_layout(binary, "runtime.m", load_m, &goroutines));
	search_each(search, &slices);
	if (goroutines.goroutines < GS_ENOUGH)
		return error_new(ERROR_MEMORY, "no variable is runtime.allgs as Go 1.%d lays goroutines out", search->program->version->minor);
	search_tell(search, "runtime.allgs", goroutines.allgs);
	search->proof->goroutines = goroutines.goroutines;
	search_each(search, &heads);
	if (goroutines.threads != 0)
		search_tell(search, "runtime.allm", goroutines.allm);
	return NULL;
}
