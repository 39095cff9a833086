#include "play.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analysis/expression.h"
#include "map/key_equal.h"
#include "map/key_hash.h"
#include "util/alloc.h"

/* testdata/recorder/main.go */
enum operation { OP_MAKE, OP_ASSIGN, OP_LOOKUP, OP_DELETE, OP_CLEAR, OP_RANGE, OP_VISIT, OP_RANGE_END };

struct entry {
	uint32_t what, key, elem, found;
	uint64_t a, b;
};

struct player {
	const struct play *play;
	struct play_result *result;
	struct refmap_type type;
	struct key_hasher *hasher;
	struct key_comparer *comparer;
	struct refmap_iterator *iterator;
	taddr keys, elems;  /* copies in the arena */
	uint64_t numbers[2]; /* that Go has drawn in this step */
	unsigned drawn, expected;
	bool estimates;      /* any number may be drawn: 0 where an overflow bucket was counted */
	uint64_t counted;    /* overflow buckets that were */
};

static void differ(struct player *p, const char *format, ...) PRINTF(2, 3);

static void differ(struct player *p, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (p->result->difference == NULL)
		p->result->difference = xvasprintf(format, arguments);
	va_end(arguments);
}

/* --- what the reference map asks for ---------------------------------------------------------------------------- */

static uint64_t hash(void *context, taddr key, uint64_t seed)
{
	struct player *p = context;
	uint64_t h = 0;

	if (key_hash(p->hasher, arena_at(p->play->arena, key), key, seed, &h) == HASH_UNKNOWN)
		differ(p, "no hash: %s", key_hash_reason(p->hasher));
	return h;
}

static bool equal(void *context, taddr a, taddr b)
{
	struct player *p = context;
	struct target *arena = p->play->arena;
	enum key_equality result = key_equal(p->comparer, (struct key_place){ arena_at(arena, a), a },
					     (struct key_place){ arena_at(arena, b), b });

	if (result == KEYS_UNKNOWN)
		differ(p, "not compared: %s", key_equal_reason(p->comparer));
	return result == KEYS_EQUAL;
}

static uint64_t draw(void *context)
{
	struct player *p = context;

	if (p->estimates) {
		bool counts = p->counted != 0;

		p->counted -= counts;
		return counts ? 0 : 1;
	}
	return p->drawn++ < p->expected ? p->numbers[p->drawn - 1] : 0;
}

/* --- the recorder's variables ------------------------------------------------------------------------------------- */

static struct error *find(struct program *program, const char *kind, const char *field, struct place *out)
{
	char *name = xasprintf("main.%s%s%s", kind, field[0] ? "." : "", field);
	struct error *error = expression_evaluate(program, name, out);

	free(name);
	return error;
}

/* A slice's array and length. */
static struct error *find_slice(struct program *program, const char *kind, const char *field, taddr *array, uint64_t *length)
{
	unsigned word = program->machine.word_size;
	struct place place;

	TRY(find(program, kind, field, &place));
	TRY(target_read_word(program->memory, place.address, &array->v));
	return target_read_word(program->memory, taddr_add(place.address, word), length);
}

/* Copies a slice's values into the arena. */
static struct error *copy_slice(struct player *p, const char *field, uint64_t size, taddr *out)
{
	uint64_t length;
	taddr array;

	TRY(find_slice(p->play->program, p->play->kind, field, &array, &length));
	*out = arena_allocate(p->play->arena, length * size + 1);
	return target_read(p->play->program->memory, array, arena_at(p->play->arena, *out), length * size);
}

/*
 * From 1.18 on reflect has the functions for strings (reflect/value.go, SetMapIndex), before it calls the general ones for all
 * types; elems above 128 bytes always have those.
 */
static void set_slow(struct player *p)
{
	const struct gotype *key = p->result->type->key;

	if (key->kind != GO_STRING || p->type.version->minor < 18 || p->type.elem_size > MAP_INDIRECT_ABOVE)
		p->type.variant = REFMAP_SLOW;
}

static struct error *find_map(struct player *p)
{
	struct program *program = p->play->program;
	struct gotype *type;
	struct place place;
	uint8_t slow;

	TRY(find(program, p->play->kind, "m", &place));
	TRY(target_read_word(program->memory, place.address, &p->result->go_header.v));
	type = p->result->type = place.type;
	TRY(gotype_complete(type));
	TRY(gotype_complete(type->key));
	TRY(gotype_complete(type->elem));
	if (type->map_layout == NULL)
		return error_new(ERROR_TARGET, "%s: its layout is not known", type->name);
	TRY(refmap_type_of(type, type->map_layout, &p->type));
	TRY(find(program, p->play->kind, "slow", &place));
	TRY(target_read(program->memory, place.address, &slow, 1));
	if (slow)
		set_slow(p);
	TRY(key_hasher_create(p->play->hash_state, type->key, false, &p->hasher));
	TRY(key_comparer_create(type->key, &p->comparer));
	TRY(copy_slice(p, "keys", type->key->size, &p->keys));
	return copy_slice(p, "elems", type->elem->size, &p->elems);
}

/* --- the steps -------------------------------------------------------------------------------------------------- */

static taddr key_of(const struct player *p, uint32_t index)
{
	return taddr_add(p->keys, index * p->result->type->key->size);
}

static void make(struct player *p, const struct entry *entry)
{
	struct refmap_callbacks callbacks = { .hash = hash, .equal = equal, .random = draw, .context = p };

	p->result->map = refmap_create(&p->type, p->play->arena, &callbacks, entry->b);
}

/* B of a classic map */
static uint8_t b_of(const struct player *p)
{
	return ((uint8_t *)arena_at(p->play->arena, refmap_address(p->result->map)))[p->type.layout->classic.b.offset];
}

/* incrnoverflow (runtime/map.go): from 2^16 buckets on it draws for each overflow bucket, and counts it where that gives 0. */
static void assign(struct player *p, const struct entry *entry)
{
	uint64_t size = p->result->type->elem->size;
	taddr to, from = taddr_add(p->elems, entry->elem * size);

	p->estimates = p->type.layout->implementation == MAP_CLASSIC && b_of(p) >= 16;
	p->counted = entry->a;
	to = refmap_assign(p->result->map, key_of(p, entry->key));
	p->estimates = false;
	if (size != 0)
		memcpy(arena_at(p->play->arena, to), arena_at(p->play->arena, from), size);
}

static void lookup(struct player *p, const struct entry *entry)
{
	bool found = refmap_find(p->result->map, key_of(p, entry->key)).v != 0;

	if (found != entry->found)
		differ(p, "lookup of keys[%u]: Go %s, refmap %s", entry->key, entry->found ? "finds it" : "does not",
		       found ? "finds it" : "does not");
}

static void clear(struct player *p, const struct entry *entry)
{
	bool drawn = entry->elem && refmap_length(p->result->map) != 0;

	if (drawn) {
		p->numbers[0] = entry->b | (uint64_t)entry->key << b_of(p);
		p->numbers[1] = entry->a;
		p->expected++;
	}
	refmap_clear(p->result->map);
}

/* Go's numbers: bucket and slot (classic), or the two numbers themselves. */
static void begin(struct player *p, const struct entry *entry)
{
	if (p->type.layout->implementation == MAP_CLASSIC) {
		p->numbers[0] = entry->a | entry->b << b_of(p);
		p->expected = entry->found;
	} else {
		p->numbers[0] = entry->a;
		p->numbers[1] = entry->b;
		p->expected = 2 * entry->found;
	}
	p->iterator = refmap_iterate(p->result->map);
}

static void visit(struct player *p, const struct entry *entry)
{
	taddr key, elem;

	if (!refmap_iterator_next(p->iterator, &key, &elem))
		differ(p, "iteration: Go gives keys[%u], refmap ends", entry->key);
	else if (!equal(p, key, key_of(p, entry->key)))
		differ(p, "iteration: Go gives keys[%u], refmap another", entry->key);
}

static void end(struct player *p, const struct entry *entry)
{
	taddr key, elem;

	if (entry->found && refmap_iterator_next(p->iterator, &key, &elem))
		differ(p, "iteration: Go ends, refmap goes on");
	refmap_iterator_destroy(p->iterator);
	p->iterator = NULL;
}

static void step(struct player *p, const struct entry *entry)
{
	p->drawn = 0;
	p->numbers[0] = entry->a;
	p->expected = entry->what == OP_MAKE || ((entry->what == OP_DELETE || entry->what == OP_CLEAR) && entry->found);
	switch ((enum operation)entry->what) {
	case OP_MAKE: make(p, entry); break;
	case OP_ASSIGN: assign(p, entry); break;
	case OP_LOOKUP: lookup(p, entry); break;
	case OP_DELETE: refmap_delete(p->result->map, key_of(p, entry->key)); break;
	case OP_CLEAR: clear(p, entry); break;
	case OP_RANGE: begin(p, entry); break;
	case OP_VISIT: visit(p, entry); break;
	case OP_RANGE_END: end(p, entry); break;
	}
	if (p->drawn != p->expected)
		differ(p, "Go draws %u random numbers, refmap %u", p->expected, p->drawn);
}

static struct error *play_all(struct player *p)
{
	struct program *program = p->play->program;
	struct entry *log = NULL;
	uint64_t count;
	taddr array;

	TRY(find_map(p));
	TRY(find_slice(program, "log", "", &array, &count));
	TRY(alloc_checked(count, sizeof(*log), "log", (void **)&log));

	struct error *error = target_read(program->memory, array, log, count * sizeof(*log));

	for (uint64_t i = 0; error == NULL && i < count && p->result->difference == NULL; i++, p->result->steps++)
		step(p, &log[i]);
	free(log);
	return error;
}

struct error *play_log(const struct play *play, struct play_result *out)
{
	struct player player = { .play = play, .result = out };

	*out = (struct play_result){ 0 };

	struct error *error = play_all(&player);

	if (player.iterator != NULL)
		refmap_iterator_destroy(player.iterator);
	key_hasher_destroy(player.hasher);
	key_comparer_destroy(player.comparer);
	return error;
}
