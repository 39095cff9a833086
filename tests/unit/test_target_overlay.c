/* The overlay: what the arena has allocated comes from it, all else from below. */
#include <elf.h>

#include "check.h"
#include "target/arena.h"
#include "target/fake.h"
#include "target/overlay.h"

static const struct machine machine = { .elf_machine = EM_X86_64, .word_size = 8 };

enum { BELOW = 0x1000, OVER = 0x8000, LIMIT = 1 << 16 };

static void reads_each_from_its_place(void)
{
	struct target *arena = arena_create(&machine, taddr_of(OVER), LIMIT), *base = fake_create(&machine);
	struct target *overlay = overlay_create(arena, base);
	taddr own = arena_allocate(arena, 16);
	char a[4], b[4], c[4];
	struct target_piece pieces[] = {
		{ .address = taddr_of(BELOW), .to = a, .length = 4 },
		{ .address = own, .to = b, .length = 4 },
		{ .address = taddr_of(BELOW + 4), .to = c, .length = 4 },
		{ .address = taddr_add(own, 16), .to = c, .length = 4 },
	};

	fake_put(base, taddr_of(BELOW), "lowerest", 8);
	fake_put(base, own, "hidden", 6);
	memcpy(arena_at(arena, own), "over", 4);
	target_read_pieces(overlay, pieces, 4);
	CHECK(memcmp(a, "lowe", 4) == 0 && memcmp(b, "over", 4) == 0 && memcmp(c, "rest", 4) == 0);
	CHECK_UINT(pieces[2].got, 4);
	CHECK_UINT(pieces[3].got, 0);
	CHECK_UINT(overlay->machine.word_size, 8);
	target_destroy(overlay);
	CHECK_UINT(target_read_some(base, taddr_of(BELOW), a, 4), 4);
	CHECK_UINT(target_read_some(arena, own, a, 4), 4);
	target_destroy(arena);
	target_destroy(base);
}

static void errors_come_from_the_holder(void)
{
	struct target *arena = arena_create(&machine, taddr_of(OVER), LIMIT), *base = fake_create(&machine);
	struct target *overlay = overlay_create(arena, base);
	taddr own = arena_allocate(arena, 16);
	char bytes[32];
	struct error *error = target_read(overlay, own, bytes, sizeof(bytes)), *same;

	CHECK(error != NULL);
	same = target_unreadable(base, taddr_of(OVER + 16));
	if (error != NULL)
		CHECK_TEXT(error->message, same->message);
	error_free(error);
	error_free(same);
	CHECK(target_view(overlay, own, 16) == arena_at(arena, own));
	CHECK(target_view(overlay, own, 17) == NULL);
	target_destroy(overlay);
	target_destroy(arena);
	target_destroy(base);
}

int main(void)
{
	reads_each_from_its_place();
	errors_come_from_the_holder();
	return check_done();
}
