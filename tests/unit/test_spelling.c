/* Types made from how Go source writes them: names, sizes, layouts, what is refused, what refmap_type_of() makes of them. */
#include <elf.h>
#include <stdlib.h>

#include "check.h"
#include "gotype/spelling.h"
#include "layout/map.h"
#include "refmap/refmap.h"
#include "util/alloc.h"

static const struct machine amd64 = { EM_X86_64, 8, false }, x86 = { EM_386, 4, false }, arm = { EM_ARM, 4, false };

static struct program *program_of(int minor, const struct machine *machine)
{
	const struct go_version *version;
	struct program *program = NULL;
	bool newer;

	CHECK(go_version_find(minor, &version, &newer) == NULL);
	CHECK(program_create_alone(version, machine, &program) == NULL);
	return program;
}

static struct gotype *type_of(struct program *program, const char *text)
{
	struct gotype *type = NULL;
	struct error *error = gotype_of_spelling(program, text, &type);

	if (error != NULL)
		fprintf(stderr, "%s\n", error->message);
	CHECK(error == NULL);
	error_free(error);
	return type;
}

/* Names as DWARF has them, sizes on amd64 and 386. */
static void test_names_and_sizes(void)
{
	static const struct {
		const char *text, *name;
		enum go_kind kind;
		uint64_t size64, size32;
	} cases[] = {
		{ "bool", "bool", GO_BOOL, 1, 1 },
		{ "byte", "uint8", GO_UINT8, 1, 1 },
		{ " rune ", "int32", GO_INT32, 4, 4 },
		{ "int", "int", GO_INT, 8, 4 },
		{ "uintptr", "uintptr", GO_UINTPTR, 8, 4 },
		{ "complex128", "complex128", GO_COMPLEX128, 16, 16 },
		{ "string", "string", GO_STRING, 16, 8 },
		{ "any", "interface {}", GO_INTERFACE, 16, 8 },
		{ "interface{ }", "interface {}", GO_INTERFACE, 16, 8 },
		{ "error", "error", GO_INTERFACE, 16, 8 },
		{ "unsafe.Pointer", "unsafe.Pointer", GO_UNSAFE_POINTER, 8, 4 },
		{ "**int", "**int", GO_POINTER, 8, 4 },
		{ "*(int)", "*int", GO_POINTER, 8, 4 },
		{ "[]byte", "[]uint8", GO_SLICE, 24, 12 },
		{ "[0x10]uint16", "[16]uint16", GO_ARRAY, 32, 32 },
		{ "[2][3]string", "[2][3]string", GO_ARRAY, 96, 48 },
		{ "[0]int", "[0]int", GO_ARRAY, 0, 0 },
		{ "chan int", "chan int", GO_CHAN, 8, 4 },
		{ "chan<- <-chan int", "chan<- <-chan int", GO_CHAN, 8, 4 },
		{ "<-chan  int", "<-chan int", GO_CHAN, 8, 4 },
		{ "chan (<-chan int)", "chan (<-chan int)", GO_CHAN, 8, 4 },
		{ "func()", "func()", GO_FUNC, 8, 4 },
		{ "func(int,...string)(error)", "func(int, ...string) error", GO_FUNC, 8, 4 },
		{ "func() (int, error)", "func() (int, error)", GO_FUNC, 8, 4 },
		{ "struct{}", "struct {}", GO_STRUCT, 0, 0 },
		{ "struct{A,B int;C string;_ byte}", "struct { A int; B int; C string; _ uint8 }", GO_STRUCT, 40, 20 },
		{ "struct{ A byte; B uint64; C uint16; D float64; }", "struct { A uint8; B uint64; C uint16; D float64 }",
		  GO_STRUCT, 32, 24 },
		{ "struct { A int32; E struct {} }", "struct { A int32; E struct {} }", GO_STRUCT, 8, 8 },
		{ "struct { E struct {}; A int32 }", "struct { E struct {}; A int32 }", GO_STRUCT, 4, 4 },
		{ "map[string]int", "map[string]int", GO_MAP, 8, 4 },
		{ "map[any]map[[2]rune]*any", "map[interface {}]map[[2]int32]*interface {}", GO_MAP, 8, 4 },
	};
	struct program *wide = program_of(23, &amd64), *narrow = program_of(26, &x86);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gotype *type = type_of(wide, cases[i].text), *small = type_of(narrow, cases[i].text);

		if (type == NULL || small == NULL)
			continue;
		CHECK_TEXT(type->name, cases[i].name);
		CHECK_UINT(type->kind, cases[i].kind);
		CHECK_UINT(type->size, cases[i].size64);
		CHECK_UINT(small->size, cases[i].size32);
		CHECK(type->completed && type->program == wide);
		/* one type has one name, and is one type */
		CHECK(type_of(wide, type->name) == type);
	}
	program_destroy(wide);
	program_destroy(narrow);
}

static void test_structs(void)
{
	struct program *program = program_of(20, &amd64);
	struct gotype *type = type_of(program, "struct { A, b uint16; _ [3]byte; Élan *int }");

	CHECK_UINT(type->field_count, 4);
	CHECK_TEXT(type->fields[0].name, "A");
	CHECK_UINT(type->fields[1].offset, 2);
	CHECK_TEXT(type->fields[2].name, "_");
	CHECK_UINT(type->fields[2].offset, 4);
	CHECK_TEXT(type->fields[3].name, "Élan");
	CHECK_UINT(type->fields[3].offset, 8);
	CHECK(type->fields[0].type == type->fields[1].type && type->fields[3].type->elem == type_of(program, "int"));
	CHECK_UINT(type->size, 16);
	program_destroy(program);
}

static void test_layouts(void)
{
	struct program *classic = program_of(24 - 1, &amd64), *swiss = program_of(24, &amd64), *narrow = program_of(12, &x86);
	const struct map_layout *layout = type_of(classic, "map[string][17]int64")->map_layout;

	CHECK(layout->implementation == MAP_CLASSIC && !layout->key_indirect && layout->elem_indirect);
	CHECK_UINT(layout->unit.size, 8 + 8 * 16 + 8 * 8 + 8);
	CHECK_UINT(layout->unit.overflow_offset, 200);
	CHECK_UINT(layout->classic.extra.offset, 40);
	layout = type_of(swiss, "map[uint16]struct{}")->map_layout;
	CHECK(layout->implementation == MAP_SWISS);
	CHECK_UINT(layout->unit.size, 8 + 8 * 4);
	CHECK_UINT(layout->unit.elem_offset, 10);
	CHECK_UINT(layout->header_size, 48);
	layout = type_of(narrow, "map[byte]uint64")->map_layout;
	CHECK_UINT(layout->unit.size, 8 + 8 + 64 + 4);
	CHECK_UINT(layout->classic.extra.offset, 24);
	/* the maps inside are complete too */
	CHECK(type_of(swiss, "[]map[int]map[int]int")->elem->elem->map_layout != NULL);
	program_destroy(classic);
	program_destroy(swiss);
	program_destroy(narrow);
}

static void test_refused(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "type : a type was expected at the end" },
		{ "map[string", "type map[string: ] was expected at the end" },
		{ "map[string]", "type map[string]: a type was expected at the end" },
		{ "map string", "type map string: [ was expected at string" },
		{ "main.point", "type main.point: a type that Go itself has was expected at main.point" },
		{ "map[[]int]int", "type map[[]int]int: a key that can be compared was expected at []int]int" },
		{ "map[struct { F func() }]int",
		  "type map[struct { F func() }]int: a key that can be compared was expected at struct { F func() }]int" },
		{ "map[[0]map[int]int]int",
		  "type map[[0]map[int]int]int: a key that can be compared was expected at [0]map[int]int]int" },
		{ "[-1]int", "type [-1]int: ] or a length was expected at -1]int" },
		{ "[99999999999999999999]int",
		  "type [99999999999999999999]int: a smaller length was expected at 99999999999999999999]int" },
		{ "[0x200000000000]int", "type [0x200000000000]int: an array of less memory was expected at 0x200000000000]int" },
		{ "[12x]int", "type [12x]int: ] was expected at x]int" },
		{ "struct { A }", "type struct { A }: a type was expected at }" },
		{ "struct { A int B int }", "type struct { A int B int }: ; or } was expected at B int }" },
		{ "struct { A int; A int }",
		  "type struct { A int; A int }: another field name: this one is taken was expected at A int }" },
		{ "struct { 1 int }", "type struct { 1 int }: a field's name or } was expected at 1 int }" },
		{ "interface { M() }", "type interface { M() }: } (an interface without methods) was expected at M() }" },
		{ "int int", "type int int: the end was expected at int" },
		{ "func(...int, int)", "type func(...int, int): ) was expected at , int)" },
		{ "integer", "type integer: a type that Go itself has was expected at integer" },
		{ "unsafe.Sizeof", "type unsafe.Sizeof: a type that Go itself has was expected at unsafe.Sizeof" },
	};
	struct program *program = program_of(26, &amd64);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gotype *type;
		struct error *error = gotype_of_spelling(program, cases[i].text, &type);

		if (CHECK(error != NULL)) {
			CHECK_TEXT(error->message, cases[i].message);
			CHECK_UINT(error->code, ERROR_USAGE);
		}
		error_free(error);
	}
	program_destroy(program);
}

/* Deep, long and many: an error or the type, never more. */
static void test_bounds(void)
{
	struct program *program = program_of(26, &amd64);
	char *text = xcalloc(1, 70000);
	struct error *error;
	struct gotype *type;

	memset(text, '*', 63);
	memcpy(text + 63, "int", 4);
	CHECK(type_of(program, text) != NULL);
	memset(text, '*', 64);
	memcpy(text + 64, "int", 4);
	error = gotype_of_spelling(program, text, &type);
	CHECK(error != NULL && strstr(error->message, "a type that nests less was expected at int") != NULL);
	error_free(error);
	memset(text, '(', 69000);
	error = gotype_of_spelling(program, text, &type);
	CHECK(error != NULL);
	error_free(error);
	strcpy(text, "func(");
	for (int i = 0; i < 8000; i++)
		strcat(text + 5 + 4 * i, "int,");
	error = gotype_of_spelling(program, text, &type);
	CHECK(error != NULL && strstr(error->message, "a type was expected at the end") != NULL);
	error_free(error);
	free(text);
	program_destroy(program);
}

/* An interface's dynamic type is found by its descriptor's address, without any memory. */
static void test_interfaces(void)
{
	struct program *program = program_of(23, &amd64);
	struct gotype *any = type_of(program, "any"), *failure = type_of(program, "error"), *dynamic;
	static const struct {
		const char *text;
		bool direct23, direct26;
	} cases[] = {
		{ "int", false, false },
		{ "*int", true, true },
		{ "map[string]int", true, true },
		{ "struct { P *int }", true, true },
		{ "[1]func()", true, true },
		{ "struct { E struct {}; P *int }", false, true },
		{ "[2]*int", false, false },
		{ "uintptr", false, false },
		{ "struct { N uintptr }", false, false },
	};
	struct program *newer = program_of(26, &amd64);
	uint8_t words[16] = { 0 };
	taddr value;
	bool inside;

	CHECK(gotype_of_interface(any, taddr_of(0x200000), words, &dynamic, &value, &inside) == NULL && dynamic == NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gotype *type = type_of(program, cases[i].text);

		CHECK(type->descriptor.v >= SPELLING_DESCRIPTORS && type->descriptor.v < SPELLING_DESCRIPTORS_END);
		CHECK_UINT(type->descriptor.v % 16, 0);
		store_word(&amd64, words, type->descriptor.v);
		store_word(&amd64, words + 8, 0x300000);
		CHECK(gotype_of_interface(any, taddr_of(0x200000), words, &dynamic, &value, &inside) == NULL && dynamic == type);
		CHECK(inside == cases[i].direct23);
		CHECK_UINT(value.v, inside ? 0x200008 : 0x300000);
		CHECK(gotype_of_interface(failure, taddr_of(0x200000), words, &dynamic, &value, &inside) == NULL);
		CHECK(dynamic == type);
		CHECK(type_of(newer, cases[i].text)->direct_interface == cases[i].direct26);
	}
	store_word(&amd64, words, SPELLING_DESCRIPTORS_END - 16);

	struct error *error = gotype_of_interface(any, taddr_of(0x200000), words, &dynamic, &value, &inside);

	CHECK(error != NULL && error->code == ERROR_MEMORY);
	error_free(error);
	error = gotype_of_interface(failure, taddr_of(0x200000), words, &dynamic, &value, &inside);
	CHECK(error != NULL && error->code == ERROR_MEMORY);
	error_free(error);
	program_destroy(program);
	program_destroy(newer);
}

static void check_variant(int minor, const struct machine *machine, const char *text, enum refmap_variant variant)
{
	struct program *program = program_of(minor, machine);
	struct gotype *type = type_of(program, text);
	struct refmap_type map;

	CHECK(refmap_type_of(type, type->map_layout, &map) == NULL);
	if (!CHECK_UINT(map.variant, variant))
		fprintf(stderr, "\tGo 1.%d, words of %d: %s\n", minor, machine->word_size, text);
	program_destroy(program);
}

/* mapfast() of the compiler's sources. */
static void test_variants(void)
{
	static const struct {
		const char *text;
		enum refmap_variant wide, narrow;
	} cases[] = {
		{ "map[string]int", REFMAP_FASTSTR, REFMAP_FASTSTR },
		{ "map[struct { S string }]int", REFMAP_FASTSTR, REFMAP_FASTSTR },
		{ "map[[1]string]int", REFMAP_FASTSTR, REFMAP_FASTSTR },
		{ "map[struct { S string; _ int }]int", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[struct { _ string }]int", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[string][128]byte", REFMAP_FASTSTR, REFMAP_FASTSTR },
		{ "map[string][129]byte", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[int]int", REFMAP_FAST64, REFMAP_FAST32 },
		{ "map[int64]int", REFMAP_FAST64, REFMAP_FAST64 },
		{ "map[rune]int", REFMAP_FAST32, REFMAP_FAST32 },
		{ "map[*int]int", REFMAP_FAST64PTR, REFMAP_FAST32PTR },
		{ "map[chan int]int", REFMAP_FAST64PTR, REFMAP_FAST32PTR },
		{ "map[[2]*int]int", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[struct { P *int; N int32 }]int", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[[4]byte]int", REFMAP_FAST32, REFMAP_FAST32 },
		{ "map[struct { A, B int16; C int32 }]int", REFMAP_FAST64, REFMAP_FAST64 },
		{ "map[struct { A int16; B int32 }]int", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[float64]int", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[any]int", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[uint16]int", REFMAP_SLOW, REFMAP_SLOW },
		{ "map[struct {}]int", REFMAP_SLOW, REFMAP_SLOW },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int minor = 8; minor <= 27; minor++) {
			check_variant(minor, &amd64, cases[i].text, minor == 8 ? REFMAP_SLOW : cases[i].wide);
			check_variant(minor, &x86, cases[i].text, minor == 8 ? REFMAP_SLOW : cases[i].narrow);
		}
	/* issue 46283 */
	check_variant(16, &arm, "map[[2]int16]int", REFMAP_FAST32);
	check_variant(17, &arm, "map[[2]int16]int", REFMAP_SLOW);
	check_variant(17, &arm, "map[int64]int", REFMAP_FAST64);
}

static void test_flags(void)
{
	static const struct {
		const char *text;
		bool key_pointers, elem_pointers, reflexive, key_update;
	} cases[] = {
		{ "map[string]int", true, false, true, true },
		{ "map[int]string", false, true, true, false },
		{ "map[*int][0]*int", true, false, true, false },
		{ "map[float32]struct { A int; F func() }", false, true, false, true },
		{ "map[any]bool", true, false, false, true },
		{ "map[struct { A int; F [2]complex64 }]map[int]int", false, true, false, true },
		{ "map[[0]float64]byte", false, false, false, true },
		{ "map[[0]string]byte", false, false, true, true },
		{ "map[uintptr]unsafe.Pointer", false, true, true, false },
	};
	struct program *program = program_of(26, &amd64);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gotype *type = type_of(program, cases[i].text);
		struct refmap_type map;

		CHECK(refmap_type_of(type, type->map_layout, &map) == NULL);
		CHECK(map.key_pointers == cases[i].key_pointers && map.elem_pointers == cases[i].elem_pointers);
		CHECK(map.reflexive_key == cases[i].reflexive && map.need_key_update == cases[i].key_update);
		CHECK_UINT(map.key_size, type->key->size);
		CHECK_UINT(map.elem_size, type->elem->size);
	}
	program_destroy(program);
}

int main(void)
{
	test_names_and_sizes();
	test_structs();
	test_layouts();
	test_refused();
	test_bounds();
	test_interfaces();
	test_variants();
	test_flags();
	return check_done();
}
