/* Keys of each kind against each other: equal, different, and what cannot be read. */
#include <elf.h>

#include "check.h"
#include "gotype/program.h"
#include "map/key_equal.h"
#include "target/fake.h"
#include "util/alloc.h"

enum { MEMORY = 0x1000, HOLE = 0x9000, POINT_TYPE = 0x100, LOOP_TYPE = 0x200, FUNC_TYPE = 0x300 };

static struct program program = { .machine = { EM_X86_64, 8, false } };
static uint8_t memory[4096]; /* at MEMORY */

static struct gotype integer = { .program = &program, .kind = GO_INT64, .name = "int64", .size = 8, .completed = true };
static struct gotype byte = { .program = &program, .kind = GO_UINT8, .name = "uint8", .size = 1, .completed = true };
static struct gotype real = { .program = &program, .kind = GO_FLOAT64, .name = "float64", .size = 8, .completed = true };
static struct gotype single = { .program = &program, .kind = GO_FLOAT32, .name = "float32", .size = 4, .completed = true };
static struct gotype text = { .program = &program, .kind = GO_STRING, .name = "string", .size = 16, .completed = true };
static struct gotype any = { .program = &program, .kind = GO_INTERFACE, .name = "interface {}", .size = 16, .completed = true };
static struct gotype function = { .program = &program, .kind = GO_FUNC, .name = "func()", .size = 8, .completed = true };
static struct gotype_field point_fields[] = { { "x", 0, &byte }, { "_", 1, &byte }, { "y", 8, &integer }, { "s", 16, &text } };
static struct gotype point = { .program = &program, .kind = GO_STRUCT, .name = "point", .size = 32, .completed = true,
			       .fields = point_fields, .field_count = 4 };
static struct gotype loop = { .program = &program, .kind = GO_ARRAY, .name = "[8]interface {}", .size = 128, .completed = true,
			      .elem = &any, .length = 8 };

struct error *gotype_complete(struct gotype *type)
{
	return NULL;
}

/* The types' descriptors have no bytes: their addresses say what they are. */
struct error *gotype_of_interface(struct gotype *type, taddr address, const uint8_t *bytes, struct gotype **dynamic,
				  taddr *value, bool *inside)
{
	uint64_t descriptor = load_word(&program.machine, bytes);

	*dynamic = descriptor == POINT_TYPE ? &point : descriptor == LOOP_TYPE ? &loop : descriptor == FUNC_TYPE ? &function : &integer;
	*inside = *dynamic == &integer;
	*value = *inside ? taddr_add(address, 8) : taddr_of(load_word(&program.machine, bytes + 8));
	return NULL;
}

static enum key_equality compare(struct gotype *type, const void *a, const void *b)
{
	struct key_comparer *comparer;
	struct error *error = key_comparer_create(type, &comparer);

	if (!CHECK(error == NULL))
		return KEYS_UNKNOWN;

	struct key_place x = { a, taddr_of(0x7000) }, y = { b, taddr_of(0x8000) };
	enum key_equality result = key_equal(comparer, x, y);

	CHECK(result != KEYS_UNKNOWN || key_equal_reason(comparer)[0] != '\0');
	key_comparer_destroy(comparer);
	return result;
}

static void test_numbers(void)
{
	int64_t one = 1, two = 2;

	CHECK(compare(&integer, &one, &(int64_t){ 1 }) == KEYS_EQUAL);
	CHECK(compare(&integer, &one, &two) == KEYS_DIFFERENT);
	CHECK(compare(&real, &(double){ 1.5 }, &(double){ 1.5 }) == KEYS_EQUAL);
	CHECK(compare(&real, &(double){ 1.5 }, &(double){ -1.5 }) == KEYS_DIFFERENT);
	CHECK(compare(&real, &(double){ 0.0 }, &(double){ -0.0 }) == KEYS_EQUAL);
	CHECK(compare(&single, &(float){ -0.0f }, &(float){ 0.0f }) == KEYS_EQUAL);
	CHECK(compare(&real, &(double){ __builtin_nan("") }, &(double){ __builtin_nan("") }) == KEYS_DIFFERENT);
	CHECK(compare(&single, &(float){ __builtin_nanf("") }, &(float){ __builtin_nanf("") }) == KEYS_DIFFERENT);
	CHECK(compare(&real, &(double){ __builtin_inf() }, &(double){ __builtin_inf() }) == KEYS_EQUAL);
	CHECK(compare(&real, &(double){ __builtin_inf() }, &(double){ -__builtin_inf() }) == KEYS_DIFFERENT);
}

static void test_strings(void)
{
	uint64_t a[] = { MEMORY, 3 }, same_place[] = { MEMORY, 3 }, copy[] = { MEMORY + 16, 3 }, other[] = { MEMORY + 32, 3 };
	uint64_t hole[] = { HOLE, 3 }, longer[] = { HOLE, 4 };
	uint64_t huge[] = { MEMORY, UINT64_C(1) << 62 }, huge_too[] = { MEMORY + 1, UINT64_C(1) << 62 };
	uint64_t empty[] = { 0, 0 }, empty_elsewhere[] = { HOLE, 0 };

	CHECK(compare(&text, a, same_place) == KEYS_EQUAL);
	CHECK(compare(&text, a, copy) == KEYS_EQUAL);
	CHECK(compare(&text, a, other) == KEYS_DIFFERENT);
	CHECK(compare(&text, a, hole) == KEYS_UNKNOWN);
	CHECK(compare(&text, a, longer) == KEYS_DIFFERENT);
	CHECK(compare(&text, empty, empty_elsewhere) == KEYS_EQUAL);
	CHECK(compare(&text, huge, huge_too) == KEYS_UNKNOWN);
}

struct go_point {
	uint8_t x, blank, gap[6];
	int64_t y;
	uint64_t s[2];
};

static void test_structs(void)
{
	struct go_point a = { 1, 2, { 3 }, 4, { MEMORY, 3 } }, b = { 1, 9, { 8 }, 4, { MEMORY + 16, 3 } };

	CHECK(compare(&point, &a, &b) == KEYS_EQUAL);
	b.s[0] = HOLE;
	CHECK(compare(&point, &a, &b) == KEYS_UNKNOWN);
	b.y = 5;
	CHECK(compare(&point, &a, &b) == KEYS_DIFFERENT);
	b = a;
	b.x = 0;
	b.s[0] = HOLE;
	CHECK(compare(&point, &a, &b) == KEYS_DIFFERENT);
}

static void test_interfaces(void)
{
	uint64_t nil[] = { 0, 0 }, seven[] = { 1, 7 }, seven_too[] = { 1, 7 }, eight[] = { 1, 8 };
	uint64_t at[] = { POINT_TYPE, MEMORY + 64 }, copy[] = { POINT_TYPE, MEMORY + 128 }, hole[] = { POINT_TYPE, HOLE };
	uint64_t no_key[] = { FUNC_TYPE, MEMORY };

	CHECK(compare(&any, nil, nil) == KEYS_EQUAL);
	CHECK(compare(&any, nil, seven) == KEYS_DIFFERENT);
	CHECK(compare(&any, seven, seven_too) == KEYS_EQUAL);
	CHECK(compare(&any, seven, eight) == KEYS_DIFFERENT);
	CHECK(compare(&any, seven, at) == KEYS_DIFFERENT);
	CHECK(compare(&any, at, copy) == KEYS_EQUAL);
	CHECK(compare(&any, at, hole) == KEYS_UNKNOWN);
	CHECK(compare(&any, no_key, no_key) == KEYS_UNKNOWN);
}

/* Arrays of interfaces that hold such arrays: 8^64 comparisons, if nobody counts. */
static void test_loops(void)
{
	uint64_t a[] = { LOOP_TYPE, MEMORY + 1024 }, b[] = { LOOP_TYPE, MEMORY + 2048 };

	CHECK(compare(&any, a, b) == KEYS_UNKNOWN);
}

static void test_no_keys(void)
{
	struct key_comparer *comparer = NULL;
	struct error *error = key_comparer_create(&function, &comparer);

	CHECK(error != NULL && comparer == NULL);
	error_free(error);
}

static void fill_memory(void)
{
	struct go_point value = { 1, 0, { 0 }, 2, { MEMORY, 3 } };

	memcpy(memory, "abc", 3);
	memcpy(memory + 16, "abc", 3);
	memcpy(memory + 32, "abd", 3);
	memcpy(memory + 64, &value, sizeof(value));
	value.s[0] = MEMORY + 16;
	memcpy(memory + 128, &value, sizeof(value));
	for (size_t i = 0; i < 8; i++) {
		memcpy(memory + 1024 + 16 * i, (uint64_t[]){ LOOP_TYPE, MEMORY + 1024 }, 16);
		memcpy(memory + 2048 + 16 * i, (uint64_t[]){ LOOP_TYPE, MEMORY + 2048 }, 16);
	}
	fake_put(program.memory, taddr_of(MEMORY), memory, sizeof(memory));
}

int main(void)
{
	bool newer;

	error_free(go_version_find(26, &program.version, &newer));
	program.memory = fake_create(&program.machine);
	fill_memory();
	test_numbers();
	test_strings();
	test_structs();
	test_interfaces();
	test_loops();
	test_no_keys();
	target_destroy(program.memory);
	return check_done();
}
