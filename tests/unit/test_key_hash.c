/*
 * Replays how real Go programs hashed keys of many types: test_key_hash VECTORS...
 * The files come from tests/hash/keyvectors.go, which tells their form. The type graph is made from them, so that
 * this tests the hashing alone; gotype_complete() and gotype_of_interface() stand in for the real ones.
 */
#include <stdlib.h>

#include "check.h"
#include "gotype/program.h"
#include "hash_vectors.h"
#include "map/key_hash.h"
#include "target/fake.h"
#include "util/table.h"

enum { TYPE_LIMIT = 20000 };

struct dynamic {
	struct gotype *type;
	taddr value;
	bool inside;
};

static struct program program;
static struct hash_state state;
static struct gotype *types[TYPE_LIMIT];
static size_t type_count;
static struct dynamic dynamics[TYPE_LIMIT];
static size_t dynamic_count;
static struct table dynamic_at, memory_at;
static unsigned long compared, wrong;
static bool key_taken; /* the memory told of so far belongs to that key */

struct error *gotype_complete(struct gotype *type)
{
	return type->completed ? NULL : error_new(ERROR_MEMORY, "%s: not completed", type->name);
}

struct error *gotype_of_interface(struct gotype *type, taddr address, const uint8_t *bytes, struct gotype **dynamic,
				  taddr *value, bool *inside)
{
	const uint64_t *index = table_get(&dynamic_at, address.v);

	if (index == NULL)
		return error_new(ERROR_MEMORY, "no interface at 0x%" PRIx64, address.v);
	*dynamic = dynamics[*index].type;
	*value = dynamics[*index].value;
	*inside = dynamics[*index].inside;
	return NULL;
}

static struct gotype *new_type(enum go_kind kind, uint64_t size)
{
	struct gotype *type = xcalloc(1, sizeof(*type));

	type->program = &program;
	type->kind = kind;
	type->size = size;
	type->name = "T";
	type->completed = true;
	types[type_count++ % TYPE_LIMIT] = type;
	return type;
}

static void forget_all(void)
{
	for (size_t i = 0; i < type_count; i++) {
		for (size_t j = 0; j < types[i]->field_count; j++)
			free((char *)types[i]->fields[j].name);
		free(types[i]->fields);
		free(types[i]);
	}
	type_count = dynamic_count = 0;
	table_clear(&dynamic_at);
	table_clear(&memory_at);
	target_destroy(program.memory);
	program.memory = fake_create(&state.machine);
	program.machine = state.machine;
}

static struct gotype *parse_type(const char **at);

static void parse_fields(struct gotype *type, const char **at)
{
	size_t capacity = 0;

	while (**at != '}' && **at != '\0') {
		struct gotype_field field = { 0 };
		size_t length = strcspn(*at, "@");
		char *end;

		field.name = xstrndup(*at, length);
		field.offset = strtoull(*at + length + 1, &end, 10);
		*at = end + 1;
		field.type = parse_type(at);
		ARRAY_RESERVE(type->fields, type->field_count, capacity);
		type->fields[type->field_count++] = field;
		*at += **at == ';';
	}
	*at += **at == '}';
}

/* KIND FLAGS : SIZE, then [LENGTH,ELEM] or {NAME@OFFSET=TYPE;...} */
static struct gotype *parse_type(const char **at)
{
	char *end;
	struct gotype *type = new_type((enum go_kind)strtoul(*at, &end, 10), 0);

	for (; *end == 'r' || *end == 'm'; end++) {
		if (*end == 'r')
			type->regular_memory = true;
		else
			type->has_methods = true;
	}
	type->size = strtoull(end + 1, &end, 10);
	*at = end;
	if (*end == '[') {
		type->length = strtoull(end + 1, &end, 10);
		*at = end + 1;
		type->elem = parse_type(at);
		*at += **at == ']';
	} else if (*end == '{') {
		*at = end + 1;
		parse_fields(type, at);
	}
	return type;
}

static uint8_t *parse_bytes(const char *hex, size_t *length)
{
	uint8_t *bytes;

	*length = strspn(hex, "0123456789abcdef") / 2;
	bytes = xmalloc(*length);
	for (size_t i = 0; i < *length; i++) {
		unsigned byte = 0;

		sscanf(hex + 2 * i, "%2x", &byte);
		bytes[i] = (uint8_t)byte;
	}
	return bytes;
}

/* The same string can be there twice. */
static void take_memory(const char *line)
{
	uint64_t address = strtoull(line + 4, NULL, 16);
	size_t length;
	uint8_t *bytes = parse_bytes(strrchr(line, ' ') + 1, &length);

	if (table_put(&memory_at, address, length))
		fake_put(program.memory, taddr_of(address), bytes, length);
	free(bytes);
}

static bool take_dynamic(const char *line)
{
	struct dynamic *dynamic = &dynamics[dynamic_count];
	uint64_t address;
	char inside[8];
	const char *type = strrchr(line, ' ') + 1;
	uint64_t *old;

	if (sscanf(line, "dyn %" SCNx64 " %" SCNx64 " %7s", &address, &dynamic->value.v, inside) != 3)
		return false;
	dynamic->inside = strcmp(inside, "true") == 0;
	dynamic->type = parse_type(&type);
	old = table_get(&dynamic_at, address);
	if (old != NULL)
		*old = dynamic_count;
	else
		table_put(&dynamic_at, address, dynamic_count);
	dynamic_count++;
	return true;
}

static void compare(const char *line, const char *type_text, bool by_typehash, const uint8_t *bytes, taddr address,
                    uint64_t seed, uint64_t should_be)
{
	struct key_hasher *hasher = NULL;
	struct gotype *type = parse_type(&type_text);
	struct error *error = key_hasher_create(&state, type, by_typehash, &hasher);
	enum key_hash_result result = HASH_UNKNOWN;
	uint64_t hash = 0;

	compared++;
	if (error == NULL)
		result = key_hash(hasher, bytes, address, seed, &hash);
	if (result != HASH_OK || hash != should_be) {
		if (wrong++ < 5)
			fprintf(stderr, "1.%d: %s\n\tis: %" PRIx64 " %s\n", state.go_minor, line, hash,
				error ? error->message : result == HASH_UNKNOWN ? key_hash_reason(hasher) : "");
	}
	error_free(error);
	key_hasher_destroy(hasher);
}

static bool take_key(const char *line)
{
	static char how[16], type[8192], bytes_text[8192];
	uint64_t address, seed, hash;
	uint8_t *bytes;
	size_t length;

	if (sscanf(line, "key %15s %8191s %" SCNx64 " %8191s %" SCNx64 " %" SCNx64, how, type, &address, bytes_text, &seed,
		   &hash) != 6)
		return false;
	bytes = parse_bytes(bytes_text, &length);
	compare(line, type, strcmp(how, "typehash") == 0, bytes, taddr_of(address), seed, hash);
	free(bytes);
	return true;
}

static void replay_file(const char *file)
{
	FILE *stream = fopen(file, "r");
	char *line = NULL;
	size_t size = 0;
	bool good = true;

	if (!CHECK(stream != NULL))
		return;
	compared = wrong = 0;
	while (good && getline(&line, &size, stream) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (key_taken && strncmp(line, "key ", 4) != 0)
			forget_all();
		key_taken = strncmp(line, "key ", 4) == 0;
		if (strncmp(line, "state ", 6) == 0) {
			good = vectors_state(&state, line);
			forget_all();
		} else if (strncmp(line, "mem ", 4) == 0) {
			take_memory(line);
		} else if (strncmp(line, "dyn ", 4) == 0) {
			good = take_dynamic(line);
		} else if (key_taken) {
			good = take_key(line);
		} else {
			good = vectors_more_state(&state, line);
		}
		if (!CHECK(good))
			fprintf(stderr, "\t%s: %s\n", file, line);
	}
	CHECK(compared > 100);
	CHECK_UINT(wrong, 0);
	printf("%-40s compared %5lu, wrong %lu\n", file, compared, wrong);
	free(line);
	fclose(stream);
}

static void start_alone(int minor)
{
	state = (struct hash_state){ .machine = { EM_X86_64, 8, false }, .go_minor = minor, .aes = true };
	forget_all();
}

static struct gotype *parse(const char *text)
{
	return parse_type(&text);
}

/* No type from bad memory makes it read beyond the key, hang or recurse without end. */
static void test_bad_types(void)
{
	static const char *bad[] = {
		"19:8",                       /* func */
		"21:8",                       /* map */
		"23:24",                      /* slice */
		"25:16{a@0=24:16;b@16=2:8;}", /* a field outside */
		"25:8{a@18446744073709551612=2:8;}",
		"25:16{b@8=2:8;a@0=2:8;}",    /* not in order */
		"17:16[3,2:8]",               /* length against size */
		"17:0[18446744073709551615,25:0{_@0=25:0{};}]",
		"25:32{a@0=24:16;f@16=17:16[2,19:8];}",
	};
	int minors[] = { 8, 14, 17, 27 };

	for (size_t i = 0; i < ARRAY_SIZE(minors); i++) {
		start_alone(minors[i]);
		for (size_t j = 0; j < 2 * ARRAY_SIZE(bad); j++) {
			struct key_hasher *hasher;
			struct error *error = key_hasher_create(&state, parse(bad[j / 2]), j % 2, &hasher);

			if (!CHECK(error != NULL)) {
				fprintf(stderr, "\t%s\n", bad[j / 2]);
				key_hasher_destroy(hasher);
			}
			error_free(error);
		}
	}
}

static void test_type_in_itself(void)
{
	struct gotype *array, *cycle;
	struct key_hasher *hasher;
	struct error *error;

	start_alone(20);
	cycle = parse("25:16{a@0=24:16;}");
	array = parse("17:16[1,2:16]");
	array->elem = cycle;
	cycle->fields[0].type = array;
	error = key_hasher_create(&state, cycle, false, &hasher);
	CHECK(error != NULL && strstr(error->message, "contains itself") != NULL);
	error_free(error);
}

static void test_results(void)
{
	static const uint8_t nan[16] = { 0, 0, 0, 0, 0, 0, 0xf8, 0x7f }, string[16] = { 0, 0x10, 0, 0, 0, 0, 0, 0, 5 };
	uint8_t absurd[16] = { 0, 0x10 };
	struct key_hasher *hasher;
	struct error *error;
	uint64_t hash = 7;

	start_alone(22);
	error = key_hasher_create(&state, parse("16:16"), false, &hasher);
	if (CHECK(error == NULL)) {
		CHECK(key_hash(hasher, nan, taddr_of(0x100), 1, &hash) == HASH_NAN);
		key_hasher_destroy(hasher);
	}
	error = key_hasher_create(&state, parse("24:16"), false, &hasher);
	if (CHECK(error == NULL)) {
		CHECK(key_hash(hasher, string, taddr_of(0x100), 1, &hash) == HASH_UNKNOWN);
		CHECK(strstr(key_hash_reason(hasher), "0x1000") != NULL);
		memset(absurd + 8, 0x7f, 8);
		CHECK(key_hash(hasher, absurd, taddr_of(0x100), 1, &hash) == HASH_UNKNOWN);
		fake_put(program.memory, taddr_of(0x1000), "hello", 5);
		CHECK_UINT(hash, 7);
		CHECK(key_hash(hasher, string, taddr_of(0x100), 1, &hash) == HASH_OK);
		CHECK_UINT(hash, hash_memory(&state, "hello", 5, 1));
		key_hasher_destroy(hasher);
	}
	error = key_hasher_create(&state, parse("20:16"), false, &hasher);
	if (CHECK(error == NULL)) {
		static const uint8_t nil[16];

		CHECK(key_hash(hasher, nil, taddr_of(0x100), 99, &hash) == HASH_OK);
		CHECK_UINT(hash, 99);
		CHECK(key_hash(hasher, string, taddr_of(0x100), 99, &hash) == HASH_UNKNOWN);
		CHECK_TEXT(key_hash_reason(hasher), "no interface at 0x100");
		key_hasher_destroy(hasher);
	}
}

/* An interface that holds itself, which only wrong memory can say. */
static void test_endless_interface(void)
{
	static const uint8_t bytes[16] = { 1, 0, 0, 0, 0, 0, 0, 0, 0, 2 };
	struct key_hasher *hasher;
	struct gotype *any;
	struct error *error;
	uint64_t hash;

	start_alone(22);
	any = parse("20:16");
	dynamics[0] = (struct dynamic){ any, taddr_of(0x200), false };
	dynamic_count = 1;
	table_put(&dynamic_at, 0x200, 0);
	fake_put(program.memory, taddr_of(0x200), bytes, sizeof(bytes));
	error = key_hasher_create(&state, any, false, &hasher);
	if (CHECK(error == NULL)) {
		CHECK(key_hash(hasher, bytes, taddr_of(0x200), 1, &hash) == HASH_UNKNOWN);
		CHECK_TEXT(key_hash_reason(hasher), "interfaces nest too deep");
		key_hasher_destroy(hasher);
	}
}

int main(int argc, char **argv)
{
	test_bad_types();
	test_type_in_itself();
	test_results();
	test_endless_interface();
	for (int i = 1; i < argc; i++)
		replay_file(argv[i]);
	forget_all();
	target_destroy(program.memory);
	table_free(&dynamic_at);
	table_free(&memory_at);
	return check_done();
}
