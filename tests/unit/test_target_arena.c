/* The arena: what is allocated, given back, read as a target. */
#include <elf.h>

#include "check.h"
#include "target/arena.h"

static const struct machine machine = { .elf_machine = EM_X86_64, .word_size = 8 };

enum { BASE = 0x10000, LIMIT = 1 << 26 };

static void reads_what_is_written(void)
{
	struct target *arena = arena_create(&machine, taddr_of(BASE), LIMIT);
	taddr a = arena_allocate(arena, 5), b = arena_allocate(arena, 33);
	char text[40] = "";

	CHECK_UINT(a.v, BASE);
	CHECK_UINT(b.v % 16, 0);
	CHECK(b.v >= a.v + 5);
	memcpy(arena_at(arena, b), "thirty-three bytes are in here ..", 33);
	CHECK_UINT(target_read_some(arena, b, text, 33), 33);
	CHECK_TEXT(text, "thirty-three bytes are in here ..");
	CHECK(target_view(arena, b, 33) == arena_at(arena, b));
	CHECK(arena_holds(arena, taddr_add(b, 32)));
	CHECK(!arena_holds(arena, taddr_of(BASE - 1)));
	CHECK(!arena_holds(arena, taddr_add(b, 48)));
	CHECK_UINT(target_read_some(arena, taddr_of(BASE - 1), text, 1), 0);
	CHECK_UINT(target_read_some(arena, taddr_add(b, 40), text, 40), 8);
	target_destroy(arena);
}

static void gives_blocks_out_again(void)
{
	struct target *arena = arena_create(&machine, taddr_of(BASE), LIMIT);
	taddr a = arena_allocate(arena, 64), b = arena_allocate(arena, 64), c = arena_allocate(arena, 80);

	memset(arena_at(arena, a), 0xff, 64);
	arena_free(arena, a, 64);
	arena_free(arena, b, 64);
	arena_free(arena, c, 80);

	taddr d = arena_allocate(arena, 64), e = arena_allocate(arena, 63), f = arena_allocate(arena, 64);
	const uint8_t *bytes = arena_at(arena, e);

	CHECK_UINT(d.v, b.v);
	CHECK_UINT(e.v, a.v);
	CHECK(f.v > c.v);
	for (size_t i = 0; i < 63; i++)
		CHECK_UINT(bytes[i], 0);
	target_destroy(arena);
}

/* More than one step of memory, then all of it again from the start. */
static void clears(void)
{
	struct target *arena = arena_create(&machine, taddr_of(BASE), LIMIT);
	taddr large = arena_allocate(arena, 40 << 20);

	memset(arena_at(arena, large), 1, 40 << 20);
	arena_clear(arena);
	CHECK(!arena_holds(arena, taddr_of(BASE)));

	taddr again = arena_allocate(arena, 16);

	CHECK_UINT(again.v, BASE);
	CHECK_UINT(*(uint8_t *)arena_at(arena, again), 0);
	target_destroy(arena);
}

int main(void)
{
	reads_what_is_written();
	gives_blocks_out_again();
	clears();
	return check_done();
}
