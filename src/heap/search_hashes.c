/*
 * The state of the hash functions (runtime/alg.go, from 1.27 on internal/runtime/maps): random bytes, drawn as the program begins. Where
 * variables look random, they are tried as that state: the keys of real maps must hash to what the control bytes of their slots say.
 * No other bytes make them do so.
 */
#include <stdlib.h>
#include <string.h>

#include "heap/maps_private.h"
#include "heap/search_private.h"
#include "target/cache.h"
#include "util/interrupt.h"

enum {
	HEADERS = 512,          /* of maps, that are kept to be tried */
	KEYS_ENOUGH = 256,      /* that maps of so many tell nothing for a state is enough to drop it */
	KEYS_A_MAP = 64,        /* are looked at */
	CANDIDATES = 4096,
	ENOUGH_BITS = 48,       /* there are some thousand candidates: 2^-36 that any fits by chance */
	SPAN_LIMIT = 1 << 20,
	HEADER_BYTES = 64,
};

struct header {
	uint8_t bytes[HEADER_BYTES];
	taddr address;
	uint64_t length;
};

struct candidate {
	taddr at;
	bool aes;
};

struct hash_search {
	struct search *search;
	struct heap_walk *walk;
	struct map_judge *judge;
	struct header *headers;
	size_t header_count;
	struct candidate *candidates;
	size_t candidate_count;
	struct candidate best;
	struct map_evidence evidence;
	uint64_t maps;
};

/* --- maps --------------------------------------------------------------------------------------------------------------- */

static void take_headers_of(struct hash_search *search, const struct heap_span *span)
{
	struct program *program = search->search->program;
	size_t size = (size_t)(span->end - span->start);
	uint8_t *bytes = size <= SPAN_LIMIT ? xmalloc(size) : NULL;
	size_t got = bytes ? target_read_some(program->memory, taddr_of(span->start), bytes, size) : 0;

	for (uint32_t i = 0; i < got / span->elem_size && search->header_count < HEADERS; i++) {
		const uint8_t *slot = bytes + i * span->elem_size;
		uint64_t mask[2] = { 0 };

		if (!bit_test(search->walk->allocated, span->first + i))
			continue;
		heap_pointer_mask_part(search->walk->spans, span, i, slot, 0, span->elem_size / program->machine.word_size, mask);
		if (!map_judge_looks_like_header(search->judge, slot, mask) || map_judge_units(search->judge, slot) == 0)
			continue;

		struct header *header = &search->headers[search->header_count++];

		memcpy(header->bytes, slot, span->elem_size < HEADER_BYTES ? span->elem_size : HEADER_BYTES);
		header->address = taddr_of(heap_slot_address(span, i));
		header->length = map_judge_length(search->judge, slot);
	}
	free(bytes);
}

/* Those with the most entries tell most: they come first. */
static int compare_headers(const void *a, const void *b)
{
	const struct header *x = a, *y = b;

	return x->length > y->length ? -1 : x->length < y->length;
}

static void take_headers(struct hash_search *search)
{
	const struct heap_spans *spans = search->walk->spans;

	search->headers = xcalloc(HEADERS, sizeof(*search->headers));
	for (size_t i = 0; i < heap_span_count(spans) && search->header_count < HEADERS; i++) {
		const struct heap_span *span = heap_span_at(spans, i);

		if (span->scannable && span->elem_size == map_judge_header_slot(search->judge))
			take_headers_of(search, span);
	}
	qsort(search->headers, search->header_count, sizeof(*search->headers), compare_headers);
}

/* --- states --------------------------------------------------------------------------------------------------------------- */

/* Bytes of aeskeysched, and of hashkey. */
static size_t schedule_size(const struct search *search)
{
	return search->program->machine.word_size == 8 ? 128 : 64;
}

static size_t key_size(const struct search *search)
{
	return 4u * search->program->machine.word_size;
}

/*
 * Of n random bytes 256 (1 - (255/256)^n) differ on average: 101 of 128, 57 of 64, 30 of 32, 15.5 of 16. Fewer than these by five standard
 * deviations are not drawn in the life of a program.
 */
static bool looks_random(const uint8_t *bytes, size_t count)
{
	static const struct {
		size_t count, least;
	} rows[] = { { 128, 82 }, { 64, 46 }, { 32, 24 }, { 16, 11 } };
	static const uint8_t zeroes[4];
	uint64_t seen[4] = { 0 };
	size_t distinct = 0;

	/* most of what is looked at has never been written */
	if (memcmp(bytes, zeroes, sizeof(zeroes)) == 0 || memcmp(bytes + count - sizeof(zeroes), zeroes, sizeof(zeroes)) == 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		distinct += !bit_test(seen, bytes[i]);
		bit_set(seen, bytes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].count == count)
			return distinct >= rows[i].least;
	return false;
}

static bool add_candidate(struct hash_search *search, taddr at, bool aes)
{
	search->candidates[search->candidate_count++] = (struct candidate){ at, aes };
	return search->candidate_count < CANDIDATES;
}

static bool try_schedule(void *context, taddr at, const uint8_t *bytes)
{
	struct hash_search *search = context;

	return !looks_random(bytes, schedule_size(search->search)) || add_candidate(search, at, true);
}

static bool try_key(void *context, taddr at, const uint8_t *bytes)
{
	struct hash_search *search = context;

	return !looks_random(bytes, key_size(search->search)) || add_candidate(search, at, false);
}

static bool load_state(const struct hash_search *search, const struct candidate *candidate, struct hash_state *out)
{
	struct program *program = search->search->program;
	const struct machine *machine = &program->machine;
	uint8_t keys[4 * 8];
	size_t size = candidate->aes ? schedule_size(search->search) : key_size(search->search);

	*out = (struct hash_state){ .machine = *machine, .go_minor = program->version->minor, .aes = candidate->aes };
	if (target_read_some(program->memory, candidate->at, candidate->aes ? out->key_schedule : keys, size) != size)
		return false;
	for (unsigned i = 0; !candidate->aes && i < 4; i++)
		out->hash_key[i] = load_word(machine, keys + i * machine->word_size);
	return hash_supported(out);
}

/* --- trying --------------------------------------------------------------------------------------------------------------- */

static void try_candidate(struct hash_search *search, const struct candidate *candidate)
{
	struct hash_state state;
	struct map_evidence sum = { 0 };
	uint64_t maps = 0, keys = 0;

	if (!load_state(search, candidate, &state))
		return;
	map_judge_use_state(search->judge, &state);
	for (size_t i = 0; i < search->header_count && (keys < KEYS_ENOUGH || sum.bits >= ENOUGH_BITS); i++) {
		const struct header *header = &search->headers[i];
		struct map_evidence one = map_judge_evidence(search->judge, header->bytes, header->address);

		sum.bits += one.bits;
		sum.keys += one.keys;
		maps += one.keys != 0;
		keys += header->length < KEYS_A_MAP ? header->length : KEYS_A_MAP;
	}
	if (sum.bits < ENOUGH_BITS || sum.bits <= search->evidence.bits)
		return;
	search->best = *candidate;
	search->evidence = sum;
	search->maps = maps;
}

/* With AES there is no other key up to 1.26 (runtime.alginit()): the rarer way is tried where no schedule is one. */
static struct error *try_all(struct hash_search *search)
{
	const struct search_visit schedules = { schedule_size(search->search), true, try_schedule, search };
	const struct search_visit keys = { key_size(search->search), true, try_key, search };

	search->candidates = xcalloc(CANDIDATES, sizeof(*search->candidates));
	for (int way = 0; way < 2 && search->evidence.bits == 0; way++) {
		search->candidate_count = 0;
		search_each(search->search, way == 0 ? &schedules : &keys);
		for (size_t i = 0; i < search->candidate_count; i++) {
			try_candidate(search, &search->candidates[i]);
			TRY(interrupt_check());
		}
	}
	return NULL;
}

/* Which of the functions are in use is known by which state fits: so no variable need be found that says it. */
static void keep(const struct hash_search *search)
{
	struct search_proof *proof = search->search->proof;

	if (search->evidence.bits == 0 || !load_state(search, &search->best, &proof->state))
		return;
	proof->maps = search->maps;
	proof->keys = search->evidence.keys;
	proof->bits = search->evidence.bits;
	search->search->program->hash_state = &proof->state;
}

static struct error *search_state(struct search *search)
{
	struct hash_search hashes = { .search = search };
	struct findings findings = { 0 }; /* a target that runs: what is torn is of no use here, and no finding */
	struct heap_types *types = heap_types_create(search->program);
	struct heap_spans *spans = NULL;
	struct error *error = heap_spans_load(search->program, &findings, &spans);

	if (error == NULL)
		error = heap_walk_create(search->program, spans, types, &(struct heap_walk_options){ 0 }, &findings, &hashes.walk);
	if (error == NULL)
		error = map_judge_create(hashes.walk, &hashes.judge);
	if (error == NULL) {
		take_headers(&hashes);
		error = try_all(&hashes);
	}
	if (error == NULL) {
		keep(&hashes);
		search_expunged(search, spans);
		search_finalizers(search, spans);
	}
	map_judge_destroy(hashes.judge);
	heap_walk_free(hashes.walk);
	heap_spans_free(spans);
	heap_types_free(types);
	findings_free(&findings);
	free(hashes.headers);
	free(hashes.candidates);
	return error;
}

/* The same headers and keys are read for every state. */
struct error *search_hashes(struct search *search)
{
	enum { PAGES = 4096 };
	struct target *base = search->program->memory;
	struct cache *cache = base->ops->view == NULL ? cache_create(base, PAGES) : NULL;

	if (cache != NULL)
		search->program->memory = cache_target(cache);

	struct error *error = search_state(search);

	search->program->memory = base;
	cache_destroy(cache);
	return error;
}
