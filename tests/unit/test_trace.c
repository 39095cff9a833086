/*
 * Lookups step by step, in reference maps of all versions and machines: what is there is found where the reference map has it;
 * what is not, is not; memory that is changed ends the search with a finding.
 */
#include <elf.h>
#include <stdlib.h>

#include "analysis/literal_encode.h"
#include "analysis/trace.h"
#include "check.h"
#include "gotype/spelling.h"
#include "map/hash.h"
#include "map/key_equal.h"
#include "map/key_hash.h"
#include "refmap/refmap.h"
#include "target/arena.h"

static const struct machine amd64 = { EM_X86_64, 8, false }, x86 = { EM_386, 4, false }, ppc64 = { EM_PPC64, 8, true };

enum { BASE = 0x2000000, LIMIT = 1 << 26 };

struct world {
	struct program *program;
	struct target *arena;
	struct gotype *type;
	struct key_hasher *hasher;
	struct key_comparer *comparer;
	struct refmap *map;
	struct refmap_type shape;
	struct hash_state hash_state;
	uint64_t random;
};

static uint64_t hash_key(void *context, taddr key, uint64_t seed)
{
	struct world *world = context;
	uint64_t hash = 0;

	key_hash(world->hasher, arena_at(world->arena, key), key, seed, &hash);
	return hash;
}

static bool equal_keys(void *context, taddr a, taddr b)
{
	struct world *world = context;

	return key_equal(world->comparer, (struct key_place){ arena_at(world->arena, a), a },
			 (struct key_place){ arena_at(world->arena, b), b }) == KEYS_EQUAL;
}

static uint64_t next_random(void *context)
{
	struct world *world = context;

	world->random = world->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return world->random >> 7;
}

static bool good(struct error *error)
{
	bool none = error == NULL;

	if (!CHECK(none))
		fprintf(stderr, "\t%s\n", error->message);
	error_free(error);
	return none;
}

static void world_open(struct world *world, int minor, const struct machine *machine, const char *type)
{
	const struct go_version *version;
	bool newer;

	*world = (struct world){ .random = 42 };
	CHECK(go_version_find(minor, &version, &newer) == NULL);
	CHECK(program_create_alone(version, machine, &world->program) == NULL);
	world->hash_state = (struct hash_state){ .machine = *machine, .go_minor = minor, .hash_key = { 1, 3, 5, 7 } };
	world->program->hash_state = &world->hash_state;
	world->arena = arena_create(machine, taddr_of(BASE), LIMIT);
	world->program->memory = world->arena;
	if (!good(gotype_of_spelling(world->program, type, &world->type)))
		exit(1);
	CHECK(key_hasher_create(&world->hash_state, world->type->key, false, &world->hasher) == NULL);
	CHECK(key_comparer_create(world->type->key, &world->comparer) == NULL);
	CHECK(refmap_type_of(world->type, world->type->map_layout, &world->shape) == NULL);

	struct refmap_callbacks callbacks = { hash_key, equal_keys, next_random, NULL, world };

	world->map = refmap_create(&world->shape, world->arena, &callbacks, 0);
}

static void world_close(struct world *world)
{
	refmap_destroy(world->map);
	key_comparer_destroy(world->comparer);
	key_hasher_destroy(world->hasher);
	program_destroy(world->program);
	target_destroy(world->arena);
}

static taddr encode(struct world *world, const char *text)
{
	struct literal *literal;
	taddr key = { 0 };

	if (good(literal_parse(&text, &literal))) {
		CHECK(good(literal_encode(literal, world->type->key, world->arena, &key)));
		literal_free(literal);
	}
	return key;
}

static void put(struct world *world, const char *key)
{
	refmap_assign(world->map, encode(world, key));
}

/* `findings` are to be freed, and so is the trace. */
static void look(struct world *world, const char *key, struct go_map *map, struct findings *findings, struct trace *out)
{
	CHECK(good(map_open(world->type, refmap_address(world->map), map)));
	CHECK(good(trace_lookup(map, encode(world, key), findings, out)));
}

/* Looks a key up: the trace and the reference map agree. */
static void agree(struct world *world, const char *key, bool there)
{
	struct findings findings = { 0 };
	struct trace trace;
	struct go_map map;

	look(world, key, &map, &findings, &trace);

	bool same = CHECK_UINT(trace.found, there) && CHECK_UINT(trace.elem.v, refmap_find(world->map, encode(world, key)).v);

	same &= CHECK_UINT(findings.total, 0);
	same &= CHECK(trace.count > 1 && trace.steps[trace.count - 1].kind == (there ? TRACE_ELEM : TRACE_END));
	if (!same)
		fprintf(stderr, "\t%s in %s, Go 1.%d, %u bytes a word\n", key, world->type->name,
			world->program->version->minor, world->program->machine.word_size);
	findings_free(&findings);
	trace_free(&trace);
}

/* --- all versions ----------------------------------------------------------------------------------------------- */

struct shape {
	const char *type, *key; /* `key`: a format of a number */
};

static const struct shape shapes[] = {
	{ "map[string]int", "\"key %d\"" },
	{ "map[string]int", "\"a long key, only the end differs: the quick test needs it to have more than 64 bytes %08d\"" },
	{ "map[string]int", "\"a long key, only the middle differs, %08d, which the quick test does not see: it looks at the ends\"" },
	{ "map[int]int8", "%d" },
	{ "map[int32]string", "%d" },
	{ "map[uint16]struct{}", "%d" },
	{ "map[float64]int", "%d.5" },
	{ "map[[3]int16]string", "{1, %d}" },
	{ "map[string][40]int32", "\"key %d\"" },
	{ "map[[40]int32][40]int32", "{1, 2, %d}" },
	{ "map[any]any", "int16(%d)" },
	{ "map[struct{ A string; B int }]int", "{B: %d}" },
};

/* Keys are put in one by one, so that maps that grow are among those looked through; every third is deleted. */
static void fill_and_look(int minor, const struct machine *machine, const struct shape *shape)
{
	static const int counts[] = { 1, 3, 8, 9, 15, 60, 210, 1500 };
	struct world world;
	int count = 0;
	char key[200];

	world_open(&world, minor, machine, shape->type);
	agree(&world, shape->key[0] == '"' ? "\"\"" : shape->key[0] == 'i' ? "\"x\"" : shape->key[0] == '{' ? "{}" : "7", false);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (; count < counts[i]; count++) {
			snprintf(key, sizeof(key), shape->key, count, count);
			put(&world, key);
			if (count % 3 == 2) {
				snprintf(key, sizeof(key), shape->key, count - 1, count - 1);
				refmap_delete(world.map, encode(&world, key));
			}
		}
		for (int k = 0; k < count + 10; k += 1 + count / 40) {
			snprintf(key, sizeof(key), shape->key, k, k);
			agree(&world, key, k < count && !(k % 3 == 1 && k + 1 < count));
		}
	}
	world_close(&world);
}

static void test_versions(void)
{
	for (int minor = 8; minor <= 27; minor++)
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			fill_and_look(minor, &amd64, &shapes[i]);
			if (minor % 4 == 0 || minor == 27) {
				fill_and_look(minor, &x86, &shapes[i]);
				fill_and_look(minor, &ppc64, &shapes[i]);
			}
		}
}

/* --- which steps ------------------------------------------------------------------------------------------------ */

static const struct trace_step *step_of(const struct trace *trace, enum trace_kind kind)
{
	for (size_t i = 0; i < trace->count; i++)
		if (trace->steps[i].kind == kind)
			return &trace->steps[i];
	return NULL;
}

static void check_access(const char *type, const char *key, enum trace_access access, bool needed)
{
	struct findings findings = { 0 };
	struct world world;
	struct trace trace;
	struct go_map map;

	world_open(&world, 20, &amd64, type);
	put(&world, key);
	look(&world, key, &map, &findings, &trace);
	CHECK_UINT(trace.access, access);
	CHECK(trace.found);
	CHECK(trace.hash_known);

	const struct trace_step *hash = step_of(&trace, TRACE_HASH);

	if (CHECK(hash != NULL))
		CHECK_UINT(hash->hash.needed, needed);
	CHECK_UINT(step_of(&trace, TRACE_SMALL) != NULL, !needed);
	findings_free(&findings);
	trace_free(&trace);
	world_close(&world);
}

static void test_access(void)
{
	check_access("map[string]int", "\"a\"", TRACE_FASTSTR, false);
	check_access("map[string][17]int64", "\"a\"", TRACE_GENERIC, true);
	check_access("map[int]int", "1", TRACE_FAST64, false);
	check_access("map[[2]int16]int", "{1}", TRACE_FAST32, false);
	check_access("map[int16]int", "1", TRACE_GENERIC, true);
	check_access("map[float64]int", "1", TRACE_GENERIC, true);
	check_access("map[struct{ S string }]int", "{\"a\"}", TRACE_FASTSTR, false);
}

/* emptyRest ends what mapaccess1 does, from 1.12 on; mapaccess1_fast64 goes on to the end of the chain. */
static void check_rest(int minor, const char *type, unsigned looked_at)
{
	struct findings findings = { 0 };
	struct world world;
	struct trace trace;
	struct go_map map;
	unsigned reached = 0;

	world_open(&world, minor, &amd64, type);
	put(&world, "1");
	look(&world, "2", &map, &findings, &trace);

	const struct trace_step *unit = step_of(&trace, TRACE_UNIT);

	for (unsigned slot = 0; CHECK(unit != NULL) && slot < MAP_SLOTS; slot++)
		reached += unit->unit.slots[slot].verdict != TRACE_NOT_REACHED;
	CHECK_UINT(reached, looked_at);
	findings_free(&findings);
	trace_free(&trace);
	world_close(&world);
}

static void test_rest(void)
{
	check_rest(11, "map[int16]int", 8);
	check_rest(12, "map[int16]int", 2);
	check_rest(23, "map[int16]int", 2);
	check_rest(23, "map[int]int", 8);
}

static void test_nan(void)
{
	for (int minor = 20; minor <= 26; minor += 6) {
		struct findings findings = { 0 };
		struct world world;
		struct trace trace;
		struct go_map map;

		world_open(&world, minor, &amd64, "map[float64]int");
		put(&world, "NaN");
		look(&world, "NaN", &map, &findings, &trace);
		CHECK(!trace.found && !trace.hash_known);
		CHECK_UINT(findings.total, 0);
		findings_free(&findings);
		trace_free(&trace);
		world_close(&world);
	}
}

/* --- memory that was changed ------------------------------------------------------------------------------------ */

static void store(struct world *world, taddr at, uint64_t value)
{
	store_word(&world->program->machine, arena_at(world->arena, at), value);
}

/* Looks for a key that is not there: a finding, and an end. */
static void check_ends(struct world *world, const char *key)
{
	struct findings findings = { 0 };
	struct trace trace;
	struct go_map map;

	look(world, key, &map, &findings, &trace);
	CHECK(!trace.found);
	CHECK(findings.total != 0);
	CHECK_UINT(trace.steps[trace.count - 1].kind, TRACE_END);
	findings_free(&findings);
	trace_free(&trace);
}

static void test_cycle(void)
{
	struct world world;
	struct go_map map;

	world_open(&world, 20, &amd64, "map[int]int");
	put(&world, "1");
	CHECK(good(map_open(world.type, refmap_address(world.map), &map)));

	taddr overflow = taddr_add(map.classic.buckets, map.layout->unit.overflow_offset);

	store(&world, overflow, map.classic.buckets.v);
	check_ends(&world, "2");
	store(&world, overflow, 8);
	check_ends(&world, "2");
	store(&world, overflow, 0);
	agree(&world, "2", false);
	world_close(&world);
}

static void test_bad_tables(void)
{
	struct world world;
	struct go_map map;
	char key[20];
	uint64_t table = 0, groups;

	world_open(&world, 26, &amd64, "map[int]int");
	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "%d", i);
		put(&world, key);
	}
	CHECK(good(map_open(world.type, refmap_address(world.map), &map)));
	CHECK(good(target_read_word(world.arena, map.swiss.directory, &table)));

	const struct swiss_header_layout *at = &map.layout->swiss;
	taddr data = taddr_of(table + at->table_groups_data.offset), mask = taddr_of(table + at->table_groups_mask.offset);

	CHECK(good(target_read_word(world.arena, data, &groups)));
	for (int i = 0; i < 4; i++) /* no group has an empty slot: all are deleted */
		memset(arena_at(world.arena, taddr_of(groups + i * map.layout->unit.size)), 0xfe, MAP_SLOTS);
	check_ends(&world, "777");
	store(&world, mask, 5);
	check_ends(&world, "777");
	store(&world, data, 16);
	store(&world, mask, 3);
	check_ends(&world, "777");
	store(&world, map.swiss.directory, 24);
	check_ends(&world, "777");
	store(&world, map.swiss.directory, table); /* the reference map wants its memory back */
	store(&world, data, groups);
	world_close(&world);
}

/* A key in a bucket that is searched by keys alone: it is found, and that its tophash is not the hash's is said. */
static void test_wrong_control(void)
{
	struct findings findings = { 0 };
	struct world world;
	struct trace trace;
	struct go_map map;

	world_open(&world, 20, &amd64, "map[int]int");
	put(&world, "1");
	CHECK(good(map_open(world.type, refmap_address(world.map), &map)));
	*(uint8_t *)arena_at(world.arena, map.classic.buckets) ^= 0x40;
	look(&world, "1", &map, &findings, &trace);
	CHECK(trace.found);
	CHECK_UINT(findings.total, 1);
	findings_free(&findings);
	trace_free(&trace);
	world_close(&world);
}

static void test_unreadable_key(void)
{
	struct world world;
	struct go_map map;

	world_open(&world, 20, &amd64, "map[string]int");
	put(&world, "\"bad string\"");
	CHECK(good(map_open(world.type, refmap_address(world.map), &map)));
	store(&world, taddr_add(map.classic.buckets, map.layout->unit.key_offset), 8);
	check_ends(&world, "\"new string\"");
	world_close(&world);
}

int main(void)
{
	test_versions();
	test_access();
	test_rest();
	test_nan();
	test_cycle();
	test_bad_tables();
	test_wrong_control();
	test_unreadable_key();
	return check_done();
}
