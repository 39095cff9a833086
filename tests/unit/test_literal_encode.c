/* Literals as bytes: of each kind of type, in either byte order and word size; and what is refused. */
#include <elf.h>
#include <stdlib.h>

#include "analysis/literal_encode.h"
#include "check.h"
#include "gotype/spelling.h"
#include "target/arena.h"
#include "util/buffer.h"

static const struct machine amd64 = { EM_X86_64, 8, false }, x86 = { EM_386, 4, false }, ppc64 = { EM_PPC64, 8, true };

struct world {
	struct program *program;
	struct target *arena;
};

static void world_open(struct world *world, const struct machine *machine)
{
	const struct go_version *version;
	bool newer;

	CHECK(go_version_find(23, &version, &newer) == NULL);
	CHECK(program_create_alone(version, machine, &world->program) == NULL);
	world->arena = literal_arena_create(machine);
	world->program->memory = world->arena;
}

static void world_close(struct world *world)
{
	program_destroy(world->program);
	target_destroy(world->arena);
}

static struct error *encode(struct world *world, const char *spelling, const char *text, struct gotype **type, taddr *out)
{
	struct literal *literal;

	TRY(gotype_of_spelling(world->program, spelling, type));
	TRY(literal_parse(&text, &literal));

	struct error *error = literal_encode(literal, *type, world->arena, out);

	literal_free(literal);
	return error;
}

static void hexadecimal(struct buffer *out, const uint8_t *bytes, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		buffer_append_format(out, "%02x", bytes[i]);
}

static void check_bytes(const struct machine *machine, const char *spelling, const char *text, const char *expected)
{
	struct buffer found = { 0 };
	struct world world;
	struct gotype *type;
	taddr at = { 0 };

	world_open(&world, machine);

	struct error *error = encode(&world, spelling, text, &type, &at);

	if (CHECK(error == NULL)) {
		hexadecimal(&found, arena_at(world.arena, at), type->size);
		if (!CHECK_TEXT(buffer_text(&found), expected))
			fprintf(stderr, "\t%s as %s\n", text, spelling);
	} else {
		fprintf(stderr, "\t%s as %s: %s\n", text, spelling, error->message);
	}
	error_free(error);
	buffer_free(&found);
	world_close(&world);
}

static void test_numbers(void)
{
	check_bytes(&amd64, "int8", "-128", "80");
	check_bytes(&amd64, "uint8", "255", "ff");
	check_bytes(&amd64, "int16", "-2", "feff");
	check_bytes(&ppc64, "int16", "-2", "fffe");
	check_bytes(&amd64, "int32", "'x'", "78000000");
	check_bytes(&amd64, "int64", "-9223372036854775808", "0000000000000080");
	check_bytes(&amd64, "uint64", "18446744073709551615", "ffffffffffffffff");
	check_bytes(&x86, "int", "-1", "ffffffff");
	check_bytes(&ppc64, "uintptr", "0x1234", "0000000000001234");
	check_bytes(&amd64, "bool", "true", "01");
	check_bytes(&amd64, "bool", "false", "00");
	check_bytes(&amd64, "float32", "-1.5", "0000c0bf");
	check_bytes(&ppc64, "float32", "-1.5", "bfc00000");
	check_bytes(&amd64, "float64", "2", "0000000000000040");
	check_bytes(&amd64, "float64", "-Inf", "000000000000f0ff");
	check_bytes(&amd64, "complex64", "(1-2i)", "0000803f000000c0");
	check_bytes(&amd64, "complex128", "2i", "00000000000000000000000000000040");
}

static void test_compounds(void)
{
	check_bytes(&amd64, "[3]int16", "{1, 2}", "010002000000");
	check_bytes(&amd64, "struct{ A int8; B int32; C bool }", "{1, 2, true}", "010000000200000001000000");
	check_bytes(&amd64, "struct{ A int8; B int32; C bool }", "{C: true, B: -1}", "00000000ffffffff01000000");
	check_bytes(&ppc64, "struct{ A [2]struct{ X int16 }; B int16 }", "{{{1}, {X: 2}}, 3}", "000100020003");
	check_bytes(&amd64, "[0]int", "{}", "");
	check_bytes(&amd64, "*int", "0xc000012345", "45230100c0000000");
	check_bytes(&x86, "chan int", "0x1000", "00100000");
	check_bytes(&amd64, "unsafe.Pointer", "nil", "0000000000000000");
	check_bytes(&amd64, "map[int]int", "nil", "0000000000000000");
	check_bytes(&amd64, "func()", "nil", "0000000000000000");
	check_bytes(&x86, "[]int8", "nil", "000000000000000000000000");
	check_bytes(&amd64, "any", "nil", "00000000000000000000000000000000");
	check_bytes(&amd64, "string", "\"\"", "00000000000000000000000000000000");
}

/* What the word at `at` points to, as far as it is text. */
static void check_string(struct world *world, taddr at, const char *expected)
{
	unsigned word = world->program->machine.word_size;
	uint64_t data = 0, length = 0;

	CHECK(target_read_word(world->arena, at, &data) == NULL);
	CHECK(target_read_word(world->arena, taddr_add(at, word), &length) == NULL);
	if (CHECK_UINT(length, strlen(expected)) && CHECK(arena_holds(world->arena, taddr_of(data))))
		CHECK(memcmp(arena_at(world->arena, taddr_of(data)), expected, length) == 0);
}

static void test_pointed_to(const struct machine *machine)
{
	struct world world;
	struct gotype *type;
	uint64_t data = 0;
	taddr at = { 0 };

	world_open(&world, machine);
	CHECK(encode(&world, "string", "\"h\\u00e9llo\"", &type, &at) == NULL);
	check_string(&world, at, "h\xc3\xa9llo");
	CHECK(encode(&world, "[]string", "{\"a\", \"bc\"}", &type, &at) == NULL);
	CHECK(target_read_word(world.arena, at, &data) == NULL);
	check_string(&world, taddr_of(data), "a");
	check_string(&world, taddr_of(data + type->elem->size), "bc");
	CHECK(target_read_word(world.arena, taddr_add(at, 2u * machine->word_size), &data) == NULL);
	CHECK_UINT(data, 2);
	world_close(&world);
}

/* The dynamic type, and the value as a signed number. */
static void check_interface(const char *interface, const char *text, const char *name, bool inside, int64_t expected)
{
	struct world world;
	struct gotype *type, *dynamic = NULL;
	taddr at = { 0 }, value;
	bool is_inside;

	world_open(&world, &amd64);
	if (CHECK(encode(&world, interface, text, &type, &at) == NULL) &&
	    CHECK(gotype_of_interface(type, at, arena_at(world.arena, at), &dynamic, &value, &is_inside) == NULL) &&
	    CHECK(dynamic != NULL) && CHECK_TEXT(dynamic->name, name)) {
		CHECK_UINT(is_inside, inside);
		CHECK_UINT((uint64_t)load_int(&amd64, arena_at(world.arena, value), dynamic->size < 8 ? dynamic->size : 8),
			   (uint64_t)expected);
	}
	world_close(&world);
}

static void test_interfaces(void)
{
	check_interface("any", "5", "int", false, 5);
	check_interface("any", "int16(-5)", "int16", false, -5);
	check_interface("any", "'x'", "int32", false, 'x');
	check_interface("any", "true", "bool", false, 1);
	check_interface("any", "2.0", "float64", false, INT64_C(0x4000000000000000));
	check_interface("any", "*int(0x1234)", "*int", true, 0x1234);
	check_interface("any", "[1]*int{0x1234}", "[1]*int", true, 0x1234);
	check_interface("any", "[2]int16{1, 2}", "[2]int16", false, 0x20001);
	check_interface("error", "7", "int", false, 7);
}

static void check_refused(const struct machine *machine, const char *spelling, const char *text, const char *part)
{
	struct world world;
	struct gotype *type;
	taddr at = { 0 };

	world_open(&world, machine);

	struct error *error = encode(&world, spelling, text, &type, &at);

	if (!CHECK(error != NULL && error->code == ERROR_USAGE) ||
	    !CHECK(strstr(error->message, part) != NULL || (error->hint != NULL && strstr(error->hint, part) != NULL)))
		fprintf(stderr, "\t%s as %s: %s\n", text, spelling, error ? error->message : "no error");
	error_free(error);
	world_close(&world);
}

static void test_refused(void)
{
	check_refused(&amd64, "int8", "128", "whole number");
	check_refused(&amd64, "uint16", "-1", "whole number");
	check_refused(&x86, "int", "2147483648", "whole number");
	check_refused(&amd64, "int", "1.5", "whole number");
	check_refused(&amd64, "float32", "1e300", "overflows");
	check_refused(&amd64, "string", "5", "\"text\"");
	check_refused(&amd64, "bool", "1", "true or false");
	check_refused(&amd64, "[2]int", "{1, 2, 3}", "its elements");
	check_refused(&amd64, "[2]int", "{A: 1}", "no names");
	check_refused(&amd64, "struct{ Alpha int }", "{Alpah: 1}", "Alpha");
	check_refused(&amd64, "struct{ Alpha int }", "{\"a\"}", "whole number");
	check_refused(&amd64, "any", "{1, 2}", "its type");
	check_refused(&amd64, "any", "int8(300)", "whole number");
	check_refused(&amd64, "any", "main.nothing(1)", "main.nothing");
	check_refused(&amd64, "map[int]int", "{1}", "nil");
	check_refused(&amd64, "[]int", "5", "its elements");
	check_refused(&x86, "*int", "0x100000000", "no address");
	check_refused(&x86, "[100000]int8", "{}", "no room");
}

/* 32-bit machines have little room: a long string is an error, not the end of the program. */
static void test_no_room(void)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "\"");
	for (int i = 0; i < 70000; i++)
		buffer_append(&text, "x", 1);
	buffer_append_text(&text, "\"");
	check_refused(&x86, "string", buffer_text(&text), "no room");
	check_refused(&x86, "[]string", "{\"a\", 5}", "\"text\"");
	buffer_free(&text);
}

int main(void)
{
	test_numbers();
	test_compounds();
	test_pointed_to(&amd64);
	test_pointed_to(&x86);
	test_pointed_to(&ppc64);
	test_interfaces();
	test_refused();
	test_no_room();
	return check_done();
}
