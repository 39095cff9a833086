/*
 * Operations from standard input, done on a reference map. What the map does on the way (growing, evacuating, splitting)
 * is told as it happens; dump, stat, show and trace are the commands of those names, on this map.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/literal.h"
#include "analysis/literal_encode.h"
#include "command/command.h"
#include "gotype/spelling.h"
#include "map/key_equal.h"
#include "map/key_hash.h"
#include "refmap/refmap.h"
#include "render/redact.h"
#include "target/arena.h"
#include "util/alloc.h"
#include "util/interrupt.h"

/* Where Go's heap begins on linux/amd64, up to 1.25 (arenaBaseOffset, runtime/malloc.go), and how much of it there may be. */
#define HEAP_BASE UINT64_C(0xc000000000)
#define HEAP_LIMIT ((size_t)1 << (sizeof(size_t) > 4 ? 36 : 30))

struct replay {
	struct session *session;
	struct invocation invocation; /* of the commands that are operations too */
	struct target *arena;
	struct gotype *type;
	struct hash_state hash_state;
	struct key_hasher *hasher;
	struct key_comparer *comparer;
	struct refmap *map;
	uint64_t random;  /* state of the random numbers; the first one is the seed itself */
	uint64_t line;    /* of the input, from 1 */
	uint64_t operations;
	struct buffer told; /* what the map did in this operation: lines that end in NUL */
	size_t told_count;
};

/* --- what the reference map asks for --------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t give_random(void *context)
{
	struct replay *replay = context;

	if (replay->map == NULL) /* being made: the map's first random number is its seed */
		return replay->session->invocation->seed;
	return next_random(&replay->random);
}

static uint64_t hash_key(void *context, taddr key, uint64_t seed)
{
	struct replay *replay = context;
	uint64_t hash;

	if (key_hash(replay->hasher, arena_at(replay->arena, key), key, seed, &hash) == HASH_OK)
		return hash;
	return next_random(&replay->random); /* a NaN: the runtime takes a random number too */
}

static bool equal_keys(void *context, taddr a, taddr b)
{
	struct replay *replay = context;

	struct key_place first = { arena_at(replay->arena, a), a }, second = { arena_at(replay->arena, b), b };

	return key_equal(replay->comparer, first, second) == KEYS_EQUAL;
}

static void tell(struct replay *replay, const char *format, ...) PRINTF(2, 3);
static void tell(struct replay *replay, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = xvasprintf(format, arguments);
	va_end(arguments);

	buffer_append(&replay->told, text, strlen(text) + 1);
	replay->told_count++;
	free(text);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void note_event(void *context, enum refmap_event event, uint64_t a, uint64_t b, uint64_t c)
{
	unsigned long long x = a, y = b, z = c;

	switch (event) {
	case REFMAP_GROW:
		if (b)
			tell(context, "too many overflow buckets: growing to %llu bucket%s again, the same size, begins", x, plural(a));
		else
			tell(context, "too many entries: growing to %llu bucket%s begins", x, plural(a));
		break;
	case REFMAP_EVACUATE:
		tell(context, "old bucket %llu is evacuated: %llu to X, %llu to Y", x, y, z);
		break;
	case REFMAP_GROWN:
		tell(context, "all %llu old bucket%s evacuated: growing is done", x, a == 1 ? " is" : "s are");
		break;
	case REFMAP_OVERFLOW:
		tell(context, "bucket %llu is full: it gets an overflow bucket%s", x, b ? ", a preallocated one" : "");
		break;
	case REFMAP_TO_TABLE:
		tell(context, "the group is full: it becomes a table of %llu slots", x);
		break;
	case REFMAP_REHASH:
		tell(context, "the table of directory slot %llu has no growth left: all goes to one of %llu slots", x, y);
		break;
	case REFMAP_SPLIT:
		tell(context, "the table of directory slot %llu is split in two, of local depth %llu", x, y);
		break;
	case REFMAP_DIRECTORY:
		tell(context, "the directory doubles to %llu slots", x);
		break;
	case REFMAP_PRUNE:
		tell(context, "the table of directory slot %llu: %llu tombstone%s to empty slots", x, y, b == 1 ? " turns" : "s turn");
		break;
	case REFMAP_RESEED:
		tell(context, "the map is empty: its seed is 0x%llx now", x);
		break;
	}
}

/* --- operations -------------------------------------------------------------------------------------------------- */

static struct error *read_value(struct replay *replay, const char **text, struct gotype *type, taddr *out)
{
	struct literal *literal;

	TRY(literal_parse(text, &literal));

	struct error *error = literal_check(literal, type);

	if (error == NULL)
		error = literal_encode(literal, type, replay->arena, out);
	literal_free(literal);
	return error;
}

static struct error *expect_end(const char *text)
{
	text += strspn(text, " \t");
	return *text == '\0' ? NULL : error_new(ERROR_USAGE, "\"%s\": nothing more was expected", text);
}

static struct error *do_set(struct replay *replay, const char *text)
{
	struct gotype *elem = replay->type->elem;
	taddr key, value = { 0 };

	TRY(read_value(replay, &text, replay->type->key, &key));
	if (*text != '\0')
		TRY(read_value(replay, &text, elem, &value));
	TRY(expect_end(text));

	void *to = arena_at(replay->arena, refmap_assign(replay->map, key));

	if (value.v != 0)
		memcpy(to, arena_at(replay->arena, value), elem->size);
	else
		memset(to, 0, elem->size);
	return NULL;
}

static struct error *do_delete(struct replay *replay, const char *text)
{
	taddr key;

	TRY(read_value(replay, &text, replay->type->key, &key));
	TRY(expect_end(text));
	refmap_delete(replay->map, key);
	return NULL;
}

static struct error *do_clear(struct replay *replay, const char *text)
{
	TRY(expect_end(text));
	refmap_clear(replay->map);
	return NULL;
}

static void emit_value(struct replay *replay, struct gotype *type, taddr value)
{
	struct session *session = replay->session;
	struct value_output values = { .limits = value_limits_now() };

	values.sink = session->json ? json_sink_create(session->json) : text_sink_create(&session->text);
	value_emit(&values, type, arena_at(replay->arena, value), value);
	free(values.sink);
}

static struct error *do_get(struct replay *replay, const char *text)
{
	struct session *session = replay->session;
	taddr key, elem;

	TRY(read_value(replay, &text, replay->type->key, &key));
	TRY(expect_end(text));
	elem = refmap_find(replay->map, key);
	if (session->json != NULL) {
		json_field_bool(session->json, "found", elem.v != 0);
		json_key(session->json, "value");
	}
	if (elem.v != 0)
		emit_value(replay, replay->type->elem, elem);
	else if (session->json != NULL)
		json_null(session->json);
	else
		output_text(session->output, "no such key");
	if (session->json == NULL)
		output_char(session->output, '\n');
	return NULL;
}

/* A command of the tool, on this map. */
static struct error *run_command(struct replay *replay, const struct command *command, const char *key)
{
	char *arguments[] = { "m", (char *)key };

	replay->invocation = *replay->session->invocation;
	replay->invocation.command = command;
	replay->invocation.arguments = arguments;
	replay->invocation.argument_count = key ? 2 : 1;
	if (replay->session->json != NULL) {
		replay->invocation.format = FORMAT_JSON;
		json_key(replay->session->json, "result");
	}

	const struct invocation *own = replay->session->invocation;

	replay->session->invocation = &replay->invocation;

	struct error *error = command->run(replay->session);

	replay->session->invocation = own;
	return error;
}

static struct error *do_dump(struct replay *replay, const char *text)
{
	TRY(expect_end(text));
	return run_command(replay, &command_dump, NULL);
}

static struct error *do_stat(struct replay *replay, const char *text)
{
	TRY(expect_end(text));
	return run_command(replay, &command_stat, NULL);
}

static struct error *do_show(struct replay *replay, const char *text)
{
	TRY(expect_end(text));
	return run_command(replay, &command_show, NULL);
}

static struct error *do_trace(struct replay *replay, const char *text)
{
	return run_command(replay, &command_trace, text);
}

static const struct operation {
	const char *name;
	struct error *(*run)(struct replay *replay, const char *text);
	bool shows; /* and changes nothing */
} operations[] = {
	{ "set", do_set, false },    { "delete", do_delete, false }, { "clear", do_clear, false }, { "get", do_get, true },
	{ "trace", do_trace, true }, { "dump", do_dump, true },	     { "stat", do_stat, true },	   { "show", do_show, true },
};

static struct error *find_operation(const char *line, size_t length, const struct operation **out)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		if (strlen(operations[i].name) == length && strncmp(operations[i].name, line, length) == 0) {
			*out = &operations[i];
			return NULL;
		}
	return error_hint(error_new(ERROR_USAGE, "\"%.*s\": no such operation", (int)length, line),
			  "set KEY [ELEM], delete KEY, clear, get KEY, trace KEY, dump, stat and show are operations");
}

/* --- output ------------------------------------------------------------------------------------------------------ */

static void show_told(struct replay *replay, const char *line)
{
	const struct text *text = &replay->session->text;
	const char *told = (const char *)replay->told.bytes;

	if (replay->told_count == 0)
		return;
	output_format(text->output, "%llu: ", (unsigned long long)replay->line);
	text_begin(text, TEXT_KEY);
	text_plain(text->output, line);
	text_end(text, TEXT_KEY);
	output_format(text->output, "  (%llu)\n", (unsigned long long)refmap_length(replay->map));
	for (size_t i = 0; i < replay->told_count; i++, told += strlen(told) + 1)
		output_format(text->output, "    %s\n", told);
}

static void json_told(struct replay *replay)
{
	struct json *json = replay->session->json;
	const char *told = (const char *)replay->told.bytes;

	json_field_unsigned(json, "len", refmap_length(replay->map));
	json_key(json, "events");
	json_array_begin(json);
	for (size_t i = 0; i < replay->told_count; i++, told += strlen(told) + 1)
		json_name(json, told);
	json_array_end(json);
}

static struct error *run_operation(struct replay *replay, const struct operation *operation, const char *line, const char *rest)
{
	struct json *json = replay->session->json;

	if (redact_wanted())
		line = operation->name;

	replay->told.length = 0;
	replay->told_count = 0;
	if (json != NULL) {
		json_object_begin(json);
		json_field_unsigned(json, "line", replay->line);
		json_field_name(json, "operation", line);
	}

	struct error *error = operation->run(replay, rest);

	if (json != NULL) {
		if (error == NULL)
			json_told(replay);
		else
			json_field_name(json, "error", redact_error(error));
		json_object_end(json);
		json_end_line(json);
	} else if (error == NULL) {
		show_told(replay, line);
	}
	replay->operations += error == NULL && !operation->shows;
	return error;
}

/* Blank lines and those that begin with # are passed over. */
static struct error *read_line(struct replay *replay, const char *line)
{
	const struct operation *operation = NULL;
	size_t length = strcspn(line, " \t");

	if (*line == '\0' || *line == '#')
		return NULL;

	struct error *error = find_operation(line, length, &operation);

	if (error == NULL)
		error = run_operation(replay, operation, line, line + length + strspn(line + length, " \t"));
	return error ? error_wrap(error, "line %llu", (unsigned long long)replay->line) : NULL;
}

static struct error *read_lines(struct replay *replay)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;
	struct error *error = NULL;

	while (error == NULL && (length = getline(&line, &capacity, stdin)) >= 0 && !output_failed(replay->session->output)) {
		while (length > 0 && isspace((unsigned char)line[length - 1]))
			line[--length] = '\0';
		replay->line++;
		error = read_line(replay, line + strspn(line, " \t"));
		if (output_is_terminal(replay->session->output))
			output_flush(replay->session->output);
	}
	if (error == NULL && ferror(stdin) && !interrupt_pending())
		error = error_new(ERROR_TARGET, "standard input: %s", strerror(errno));
	free(line);
	return error;
}

/* --- the map ------------------------------------------------------------------------------------------------------- */

static struct error *make_type(struct replay *replay)
{
	const struct invocation *invocation = replay->session->invocation;
	static const struct machine machine = { .elf_machine = EM_X86_64, .word_size = 8 };
	struct session *session = replay->session;
	const struct go_version *version;
	bool newer;

	TRY(go_version_find(invocation->go_minor, &version, &newer));
	if (newer)
		return error_new(ERROR_USAGE, "--go 1.%d: Go 1.%d is the newest version known", invocation->go_minor, version->minor);
	TRY(program_create_alone(version, &machine, &session->program));
	TRY(gotype_of_spelling(session->program, invocation->type, &replay->type));
	if (replay->type->kind != GO_MAP)
		return error_new(ERROR_USAGE, "--type %s: not a map type", invocation->type);
	return NULL;
}

/* The state of the hash functions is the process's in Go; here it is always the same, and the seed alone tells maps apart. */
static struct error *make_hasher(struct replay *replay)
{
	struct program *program = replay->session->program;
	uint64_t random = 0;
	uint8_t *schedule = replay->hash_state.key_schedule;

	replay->hash_state.machine = program->machine;
	replay->hash_state.go_minor = program->version->minor;
	replay->hash_state.aes = true;
	for (size_t i = 0; i < sizeof(replay->hash_state.key_schedule); i += 8)
		store_uint(&program->machine, schedule + i, 8, next_random(&random));
	program->hash_state = &replay->hash_state;
	TRY(key_hasher_create(&replay->hash_state, replay->type->key, false, &replay->hasher));
	return key_comparer_create(replay->type->key, &replay->comparer);
}

static struct error *make_map(struct replay *replay)
{
	struct session *session = replay->session;
	struct refmap_type type;
	struct refmap_callbacks callbacks = {
		.hash = hash_key, .equal = equal_keys, .random = give_random, .event = note_event, .context = replay,
	};

	TRY(make_type(replay));
	TRY(make_hasher(replay));
	TRY(refmap_type_of(replay->type, replay->type->map_layout, &type));
	replay->arena = arena_create(&session->program->machine, taddr_of(HEAP_BASE), HEAP_LIMIT);
	session->target = replay->arena;
	session->program->memory = replay->arena;
	replay->map = refmap_create(&type, replay->arena, &callbacks, session->invocation->hint);
	session->own_map = replay->type;
	session->own_header = refmap_address(replay->map);
	session->map_name = "m";
	return NULL;
}

static void show_head(const struct replay *replay)
{
	struct session *session = replay->session;
	struct json *json = session->json;
	const char *implementation = map_implementation_name(replay->type->map_layout->implementation);

	if (json == NULL) {
		text_plain(session->output, replay->type->name);
		output_format(session->output, "  %s  %s  seed %llu\n", implementation, session->own_go,
			      (unsigned long long)session->invocation->seed);
		return;
	}
	if (session->invocation->format == FORMAT_NDJSON)
		return;
	json_object_begin(json);
	json_field_name(json, "type", replay->type->name);
	json_field_name(json, "implementation", implementation);
	json_field_name(json, "go", session->own_go);
	json_field_unsigned(json, "seed", session->invocation->seed);
	json_key(json, "operations");
	json_array_begin(json);
}

static void show_end(const struct replay *replay)
{
	struct session *session = replay->session;
	unsigned long long length = refmap_length(replay->map), operations_done = replay->operations;

	if (session->json == NULL) {
		output_format(session->output, "%llu %s after %llu operation%s\n", length, length == 1 ? "entry" : "entries",
			      operations_done, plural(operations_done));
	} else if (session->invocation->format == FORMAT_JSON) {
		json_array_end(session->json);
		json_field_unsigned(session->json, "len", length);
		json_object_end(session->json);
		json_end_line(session->json);
	}
}

static struct error *run(struct session *session)
{
	struct replay replay = { .session = session };
	char *go = xasprintf("go1.%d", session->invocation->go_minor);

	session->own_go = go;
	replay.random = session->invocation->seed;

	struct error *error = make_map(&replay);

	if (error == NULL) {
		show_head(&replay);
		error = read_lines(&replay);
		show_end(&replay);
	}
	refmap_destroy(replay.map);
	key_hasher_destroy(replay.hasher);
	key_comparer_destroy(replay.comparer);
	buffer_free(&replay.told);
	free(go);
	return error;
}

const struct command command_replay = {
	.name = "replay",
	.summary = "Do operations on a reference map and show what becomes of it",
	.arguments = "",
	.target = TARGET_NONE,
	.options = OPTIONS_REPLAY,
	.description = "Operations come from standard input, one a line: set KEY [ELEM], delete KEY, clear, get KEY change or ask the map; "
		       "dump, stat, show and trace KEY show it, as the commands of these names do. KEY and ELEM are written as in Go "
		       "source. What the map does on the way is told under the operation that made it: when growing begins, what an "
		       "evacuation moves, where overflow buckets go, tables that split. The map is the one that Go 1.N has on "
		       "linux/amd64; the same seed and operations make the same map again.",
	.run = run,
};
