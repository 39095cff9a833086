#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verify.h"
#include "command/command.h"
#include "render/diagnostics.h"
#include "render/redact.h"
#include "util/alloc.h"
#include "util/buffer.h"
#include "util/limits.h"

enum { KEY_HELP = 256, KEY_FORMAT, KEY_MAX, KEY_DEPTH, KEY_NO_STOP, KEY_STATS, KEY_BUFFER, KEY_GO_VERSION, KEY_BUCKET, KEY_OLD, KEY_TABLE, KEY_GROUP, KEY_REPLAY,
       KEY_GO, KEY_TYPE, KEY_SEED, KEY_HINT, KEY_GDB, KEY_ALL, KEY_GARBAGE, KEY_VERSION_TABLE, KEY_EXPECT, KEY_BY, KEY_MIN, KEY_MEMORY, KEY_REDACT, KEY_LIMIT, KEY_SNAPSHOT,
       KEY_PAUSE_BUDGET };

/* What make(map, hint) is given at most: more is no lesson. */
enum { HINT_MOST = 1 << 24 };

/* A day. */
enum { PAUSE_BUDGET_MOST = 86400000 };

struct option_row {
	struct argp_option option;
	unsigned sets; /* commands with any of these take it; 0: all */
};

/* Groups, as --help prints them: the first only for commands that have a target. */
enum { GROUP_TARGET = 1, GROUP_REPLAY, GROUP_LOCAL, GROUP_OUTPUT, GROUP_MEMORY, GROUP_HELP };

static const struct option_row rows[] = {
	{ { NULL, 0, NULL, 0, "Target (one of):", GROUP_TARGET }, 0 },
	{ { "pid", 'p', "PID", 0, "a running process", GROUP_TARGET }, 0 },
	{ { "core", 'c', "CORE", 0, "a core file", GROUP_TARGET }, 0 },
	{ { "exe", 'e', "EXE", 0, "the executable: of the core, where it cannot be found; alone, a binary at rest", GROUP_TARGET }, 0 },
	{ { "gdb", KEY_GDB, NULL, OPTION_HIDDEN, "what GDB looks at: for its plug-in alone", GROUP_TARGET }, 0 },
	{ { NULL, 0, NULL, 0, "Map:", GROUP_REPLAY }, OPTIONS_REPLAY },
	{ { "go", KEY_GO, "1.N", 0, "the Go version whose map it is", GROUP_REPLAY }, OPTIONS_REPLAY },
	{ { "type", KEY_TYPE, "TYPE", 0, "its type, as in Go source: map[string]int", GROUP_REPLAY }, OPTIONS_REPLAY },
	{ { "seed", KEY_SEED, "N", 0, "its hash seed (default 0)", GROUP_REPLAY }, OPTIONS_REPLAY },
	{ { "hint", KEY_HINT, "N", 0, "made for N entries: make(TYPE, N) (default 0)", GROUP_REPLAY }, OPTIONS_REPLAY },
	{ { NULL, 0, NULL, 0, "Map:", GROUP_LOCAL }, OPTIONS_LOCAL },
	{ { "goroutine", 'g', "G", 0, "MAP begins with a local variable of goroutine G", GROUP_LOCAL }, OPTIONS_LOCAL },
	{ { "frame", 'f', "F", 0, "with -g: of frame F, the innermost is 0 (default: the first that has such a variable)", GROUP_LOCAL }, OPTIONS_LOCAL },
	{ { NULL, 0, NULL, 0, "Maps:", GROUP_LOCAL }, OPTIONS_LIST },
	{ { "goroutines", 'g', NULL, 0, "those in local variables and parameters of goroutines", GROUP_LOCAL }, OPTIONS_LIST },
	{ { NULL, 0, NULL, 0, "Output:", GROUP_OUTPUT }, 0 },
	{ { "format", KEY_FORMAT, "FORMAT", 0, "text (default), json (one document) or ndjson (a line an entry or map)", GROUP_OUTPUT }, ~OPTIONS_LAYOUT },
	{ { "format", KEY_FORMAT, "FORMAT", 0, "text (default), json (one document), ndjson (a line a map type), c (a header) or go (source)", GROUP_OUTPUT }, OPTIONS_LAYOUT },
	{ { "max", KEY_MAX, "N", 0, "show at most N entries; 0: all (default: 64 in text, all in JSON)", GROUP_OUTPUT }, OPTIONS_ENTRIES },
	{ { "depth", KEY_DEPTH, "N", 0, "show maps inside values N levels deep (default 3)", GROUP_OUTPUT }, OPTIONS_ENTRIES },
	{ { "bucket", KEY_BUCKET, "N", 0, "classic: only bucket N and its chain", GROUP_OUTPUT }, OPTIONS_PART },
	{ { "old", KEY_OLD, NULL, 0, "with --bucket: the old bucket N of a growing map", GROUP_OUTPUT }, OPTIONS_PART },
	{ { "table", KEY_TABLE, "T", 0, "Swiss: only the table of directory slot T", GROUP_OUTPUT }, OPTIONS_PART },
	{ { "group", KEY_GROUP, "G", 0, "Swiss: with --table, only group G of it", GROUP_OUTPUT }, OPTIONS_PART },
	{ { "memory", KEY_MEMORY, NULL, 0, "the map's blocks in place of its slots: their spans, size classes and slack", GROUP_OUTPUT }, OPTIONS_PART },
	{ { "replay", KEY_REPLAY, "N", 0, "put at most N entries of a map into the reference map, a sample of larger ones (default 65536); 0: none", GROUP_OUTPUT }, OPTIONS_VERIFY },
	{ { "expect", KEY_EXPECT, "FILE", 0, "the binary's layout is that of FILE, which layout --format json wrote; what is not is wrong", GROUP_OUTPUT }, OPTIONS_VERIFY },
	{ { "version-table", KEY_VERSION_TABLE, NULL, 0, "what is known of all Go versions, instead of a binary", GROUP_OUTPUT }, OPTIONS_LAYOUT },
	{ { "all", KEY_ALL, NULL, 0, "every map of the heap and the stacks, not only what variables lead to", GROUP_OUTPUT }, OPTIONS_LIST },
	{ { "garbage", KEY_GARBAGE, NULL, 0, "also maps that nothing reaches and that are not freed yet", GROUP_OUTPUT }, OPTIONS_HEAP },
	{ { "by", KEY_BY, "ORDER", 0, "bytes (default), waste, len; or type: the maps of a type together", GROUP_OUTPUT }, OPTIONS_TOP },
	{ { "min", KEY_MIN, "N", 0, "leave out what has less than N (bytes, or entries with --by len); 1M, 1G", GROUP_OUTPUT }, OPTIONS_TOP },
	{ { "max", KEY_MAX, "N", 0, "show at most N (default 20); 0: all", GROUP_OUTPUT }, OPTIONS_TOP },
	{ { "output", 'o', "FILE", 0, "write there, not to standard output; a file that is made is its owner's alone", GROUP_OUTPUT }, 0 },
	{ { "redact", KEY_REDACT, NULL, 0, "no keys and values: their kinds and sizes in their place", GROUP_OUTPUT }, 0 },
	{ { NULL, 0, NULL, 0, "Reading:", GROUP_MEMORY }, OPTIONS_MEMORY | OPTIONS_PROGRAM | OPTIONS_LAYOUT },
	{ { "no-stop", KEY_NO_STOP, NULL, 0, "read the process while it runs; what changes meanwhile is read again", GROUP_MEMORY }, OPTIONS_MEMORY },
	{ { "snapshot", KEY_SNAPSHOT, NULL, 0, "fork the process, let it run on at once, and read the copy", GROUP_MEMORY }, OPTIONS_MEMORY },
	{ { "pause-budget", KEY_PAUSE_BUDGET, "MS", 0, "let the process run on and give up when it has stood for MS milliseconds", GROUP_MEMORY }, OPTIONS_MEMORY },
	{ { "buffer", KEY_BUFFER, "SIZE", 0, "copy maps up to SIZE (default 48M) and let the process run on; larger ones are read while it stands", GROUP_MEMORY }, OPTIONS_MEMORY },
	{ { "stats", KEY_STATS, NULL, 0, "say on standard error how long the process stood and what was read", GROUP_MEMORY }, OPTIONS_MEMORY },
	{ { "go-version", KEY_GO_VERSION, "1.N", 0, "take the program for one of Go 1.N, where it does not say", GROUP_MEMORY }, OPTIONS_PROGRAM | OPTIONS_LAYOUT },
	{ { "limit", KEY_LIMIT, "NAME=VALUE", 0, "raise or lower one of the limits on what a target may have; --limit help lists them", GROUP_MEMORY }, OPTIONS_MEMORY | OPTIONS_PROGRAM | OPTIONS_LAYOUT },
	{ { NULL, 0, NULL, 0, "Other:", GROUP_HELP }, 0 },
	{ { "help", KEY_HELP, NULL, 0, "show this text", GROUP_HELP }, 0 },
};

/* A usage error, as all errors look; ends the program. */
static _Noreturn void refuse(const struct invocation *invocation, const char *format, ...) PRINTF(2, 3);
static _Noreturn void refuse(const struct invocation *invocation, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *message = xvasprintf(format, arguments);
	va_end(arguments);

	struct error *error = error_new(ERROR_USAGE, "%s", message);

	error = error_hint(error, "mapscope %s --help shows its options", invocation->command->name);
	diagnostics_error(error);
	exit(ERROR_USAGE);
}

static uint64_t parse_number(const struct invocation *invocation, const char *option, const char *text, uint64_t most)
{
	char *end;

	errno = 0;

	unsigned long long value = strtoull(text, &end, 0);

	if (errno != 0 || *end != '\0' || end == text || text[0] == '-' || value > most)
		refuse(invocation, "--%s %s: not a number from 0 to %llu", option, text, (unsigned long long)most);
	return value;
}

/* 48M, 1G, 4096 */
static size_t parse_size(const struct invocation *invocation, const char *option, const char *text)
{
	static const char suffixes[] = "KMG";
	char *end;

	errno = 0;

	unsigned long long value = strtoull(text, &end, 10);
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;
	unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;

	if (errno != 0 || end == text || text[0] == '-' || end[suffix != NULL] != '\0' || value > (SIZE_MAX >> 1) >> shift)
		refuse(invocation, "--%s %s: not a size like 48M or 1G", option, text);
	return (size_t)value << shift;
}

/* What --limit help prints. */
static _Noreturn void print_limits(void)
{
	for (size_t i = 0; i < LIMITS; i++)
		printf("  %-14s %15llu  %s\n", limit_rows[i].name, (unsigned long long)limit_rows[i].value, limit_rows[i].what);
	exit(0);
}

static void apply_limit(const struct invocation *invocation, const char *text)
{
	size_t length = strcspn(text, "=");

	if (strcmp(text, "help") == 0)
		print_limits();
	if (text[length] == '\0')
		refuse(invocation, "--limit %s: not NAME=VALUE; --limit help lists them", text);
	if (!limit_set(text, length, parse_size(invocation, "limit", text + length + 1)))
		refuse(invocation, "--limit %s: there is no such limit, or it cannot be as much; --limit help lists them", text);
}

static enum format parse_format(const struct invocation *invocation, const char *text)
{
	static const char *const names[] = { [FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_NDJSON] = "ndjson", [FORMAT_C] = "c",
					     [FORMAT_GO] = "go" };
	bool source = invocation->command->options & OPTIONS_LAYOUT;

	for (size_t i = 0; i < (source ? ARRAY_SIZE(names) : FORMAT_C); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum format)i;
	refuse(invocation, "--format %s: not %s", text, source ? "text, json, ndjson, c or go" : "text, json or ndjson");
}

static enum top_order parse_order(const struct invocation *invocation, const char *text)
{
	static const char *const names[] = { [TOP_BY_BYTES] = "bytes", [TOP_BY_WASTE] = "waste", [TOP_BY_LEN] = "len", [TOP_BY_TYPE] = "type" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum top_order)i;
	refuse(invocation, "--by %s: not bytes, waste, len or type", text);
}

static int parse_go_version(const struct invocation *invocation, const char *option, const char *text)
{
	int minor;
	char rest;

	if (sscanf(text, "1.%d%c", &minor, &rest) < 1 || minor < 1)
		refuse(invocation, "--%s %s: not a version like 1.23", option, text);
	return minor;
}

/* Too many, or too few words: the first one that is missing is named. */
static void refuse_arguments(const struct invocation *invocation)
{
	const struct command *command = invocation->command;

	if (invocation->argument_count > command->arguments_most)
		refuse(invocation, "%s: one argument too many", invocation->arguments[command->arguments_most]);
	if (invocation->argument_count >= command->arguments_least)
		return;

	const char *missing = command->arguments;

	for (size_t i = 0; i < invocation->argument_count; i++)
		missing += strcspn(missing, " ") + 1;
	refuse(invocation, "no %.*s", (int)strcspn(missing, " "), missing);
}

static void finish(const struct invocation *invocation)
{
	const struct command *command = invocation->command;

	if (invocation->pid != 0 && invocation->core != NULL)
		refuse(invocation, "-p and -c: one target at a time");
	if (invocation->gdb && (invocation->pid != 0 || invocation->core != NULL))
		refuse(invocation, "-p and -c: in GDB the target is what GDB looks at");
	if (command->target == TARGET_GDB && !invocation->gdb)
		refuse(invocation, "only inside GDB");
	if (command->target != TARGET_NONE && command->target != TARGET_OPTIONAL && invocation->pid == 0 && invocation->core == NULL && !invocation->gdb &&
	    (command->target == TARGET_MEMORY || invocation->exe == NULL))
		refuse(invocation, "no target: name a process with -p PID%s or a core with -c CORE",
			   command->target == TARGET_MEMORY ? "" : ", a binary with -e EXE");
	if (invocation->snapshot && invocation->no_stop)
		refuse(invocation, "--snapshot and --no-stop: one of them");
	refuse_arguments(invocation);
	if ((command->options & OPTIONS_REPLAY) && (invocation->go_minor == 0 || invocation->type == NULL))
		refuse(invocation, "no %s", invocation->type == NULL ? "--type TYPE" : "--go 1.N");
	if (invocation->group != UINT64_MAX && invocation->table == UINT64_MAX)
		refuse(invocation, "--group needs --table");
	if (invocation->frame_given && !invocation->goroutine_given)
		refuse(invocation, "--frame needs --goroutine");
	if (invocation->goroutine_given && invocation->argument_count == 0)
		refuse(invocation, "--goroutine needs MAP");
	if (invocation->old && invocation->bucket == UINT64_MAX)
		refuse(invocation, "--old needs --bucket");
}

/* Options that are members of the invocation, as they were given. */
static const struct member {
	int key;
	enum { MEMBER_FLAG, MEMBER_TEXT, MEMBER_NUMBER, MEMBER_SIZE, MEMBER_GO } kind; /* bool, const char *, uint64_t, size_t, int */
	size_t offset;
	uint64_t most; /* a number's */
} members[] = {
	{ KEY_HELP, MEMBER_FLAG, offsetof(struct invocation, help), 0 },
	{ 'c', MEMBER_TEXT, offsetof(struct invocation, core), 0 },
	{ 'e', MEMBER_TEXT, offsetof(struct invocation, exe), 0 },
	{ KEY_GDB, MEMBER_FLAG, offsetof(struct invocation, gdb), 0 },
	{ 'o', MEMBER_TEXT, offsetof(struct invocation, output), 0 },
	{ KEY_NO_STOP, MEMBER_FLAG, offsetof(struct invocation, no_stop), 0 },
	{ KEY_STATS, MEMBER_FLAG, offsetof(struct invocation, stats), 0 },
	{ KEY_SNAPSHOT, MEMBER_FLAG, offsetof(struct invocation, snapshot), 0 },
	{ KEY_BUFFER, MEMBER_SIZE, offsetof(struct invocation, buffer), 0 },
	{ KEY_GO_VERSION, MEMBER_GO, offsetof(struct invocation, go_minor), 0 },
	{ KEY_GO, MEMBER_GO, offsetof(struct invocation, go_minor), 0 },
	{ KEY_TYPE, MEMBER_TEXT, offsetof(struct invocation, type), 0 },
	{ KEY_SEED, MEMBER_NUMBER, offsetof(struct invocation, seed), UINT64_MAX },
	{ KEY_HINT, MEMBER_NUMBER, offsetof(struct invocation, hint), HINT_MOST },
	{ KEY_BUCKET, MEMBER_NUMBER, offsetof(struct invocation, bucket), UINT64_MAX - 1 },
	{ KEY_OLD, MEMBER_FLAG, offsetof(struct invocation, old), 0 },
	{ KEY_TABLE, MEMBER_NUMBER, offsetof(struct invocation, table), UINT64_MAX - 1 },
	{ KEY_GROUP, MEMBER_NUMBER, offsetof(struct invocation, group), UINT64_MAX - 1 },
	{ KEY_MEMORY, MEMBER_FLAG, offsetof(struct invocation, memory), 0 },
	{ KEY_ALL, MEMBER_FLAG, offsetof(struct invocation, all), 0 },
	{ KEY_GARBAGE, MEMBER_FLAG, offsetof(struct invocation, garbage), 0 },
	{ KEY_MIN, MEMBER_SIZE, offsetof(struct invocation, least), 0 },
	{ KEY_VERSION_TABLE, MEMBER_FLAG, offsetof(struct invocation, version_table), 0 },
	{ KEY_EXPECT, MEMBER_TEXT, offsetof(struct invocation, expect), 0 },
	{ KEY_REPLAY, MEMBER_NUMBER, offsetof(struct invocation, replay), UINT64_MAX },
};

static const char *name_of(int key)
{
	size_t i = 0;

	while (rows[i].option.key != key)
		i++;
	return rows[i].option.name;
}

static void set_member(struct invocation *invocation, const struct member *member, const char *argument)
{
	void *at = (char *)invocation + member->offset;

	switch (member->kind) {
	case MEMBER_FLAG:
		*(bool *)at = true;
		break;
	case MEMBER_TEXT:
		*(const char **)at = argument;
		break;
	case MEMBER_NUMBER:
		*(uint64_t *)at = parse_number(invocation, name_of(member->key), argument, member->most);
		break;
	case MEMBER_SIZE:
		*(size_t *)at = parse_size(invocation, name_of(member->key), argument);
		break;
	case MEMBER_GO:
		*(int *)at = parse_go_version(invocation, name_of(member->key), argument);
		break;
	}
}

/* An option by its key; `argument` is NULL where it takes none. */
static void apply_option(struct invocation *invocation, int key, const char *argument)
{
	switch (key) {
	case 'p':
		invocation->pid = (pid_t)parse_number(invocation, "pid", argument, INT_MAX);
		if (invocation->pid == 0)
			refuse(invocation, "--pid 0: not a process");
		return;
	case 'g':
		if (invocation->command->options & OPTIONS_LIST) {
			invocation->goroutines = true;
			return;
		}
		invocation->goroutine = parse_number(invocation, "goroutine", argument, UINT64_MAX);
		invocation->goroutine_given = true;
		return;
	case 'f':
		invocation->frame = parse_number(invocation, "frame", argument, UINT32_MAX);
		invocation->frame_given = true;
		return;
	case KEY_FORMAT:
		invocation->format = parse_format(invocation, argument);
		return;
	case KEY_MAX:
		invocation->max = parse_number(invocation, "max", argument, UINT64_MAX);
		invocation->max_given = true;
		return;
	case KEY_DEPTH:
		invocation->depth = (unsigned)parse_number(invocation, "depth", argument, 1000);
		return;
	case KEY_PAUSE_BUDGET:
		invocation->pause_budget = parse_number(invocation, "pause-budget", argument, PAUSE_BUDGET_MOST);
		if (invocation->pause_budget == 0)
			refuse(invocation, "--pause-budget 0: no time at all; --no-stop does not stop the process");
		return;
	case KEY_BY:
		invocation->by = parse_order(invocation, argument);
		return;
	case KEY_REDACT:
		redact_begin();
		return;
	case KEY_LIMIT:
		apply_limit(invocation, argument);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (members[i].key == key)
			set_member(invocation, &members[i], argument);
}

/* The rows that the command takes, and argp's end mark. */
static void choose(const struct command *command, struct argp_option *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((rows[i].sets == 0 || (rows[i].sets & command->options) != 0) &&
		    (command->target != TARGET_NONE || rows[i].option.group != GROUP_TARGET) &&
		    (command->target != TARGET_GDB || rows[i].option.group != GROUP_OUTPUT || rows[i].option.key == 'o'))
			*out++ = rows[i].option;
	*out = (struct argp_option){ 0 };
}

/* The same rows for getopt: "x:" for each letter, and the long names. */
static void translate(const struct argp_option *options, char *letters, struct option *names)
{
	*letters++ = ':'; /* tells a missing value from an unknown option */
	for (; options->name != NULL || options->doc != NULL; options++) {
		bool value = options->arg != NULL;

		if (options->name == NULL)
			continue;
		*names++ = (struct option){ options->name, value ? required_argument : no_argument, NULL, options->key };
		if (options->key < KEY_HELP)
			letters += sprintf(letters, "%c%s", options->key, value ? ":" : "");
	}
	*letters = '\0';
	*names = (struct option){ 0 };
}

size_t options_find_arguments(const struct command *command, char *const *words, size_t count, size_t *found)
{
	struct argp_option options[ARRAY_SIZE(rows) + 1];
	struct option names[ARRAY_SIZE(rows) + 1];
	char letters[2 * ARRAY_SIZE(rows) + 3] = "-"; /* arguments come as values of an option of their own, 1 */
	char **argv = xcalloc(count + 2, sizeof(*argv));
	size_t arguments = 0;
	int key;

	argv[0] = (char *)command->name;
	memcpy(argv + 1, words, count * sizeof(*words));
	choose(command, options);
	translate(options, letters + 1, names);
	opterr = 0;
	while ((key = getopt_long((int)count + 1, argv, letters, names, NULL)) != -1)
		if (key == 1)
			found[arguments++] = (size_t)optind - 2;
	for (size_t i = (size_t)optind; i <= count; i++) /* behind -- */
		found[arguments++] = i - 1;
	free(argv);
	return arguments;
}

static _Noreturn void refuse_word(const struct invocation *invocation, int found, const char *word)
{
	bool known = optopt != 0 && optopt != '?' && word[1] == '-';

	if (isdigit((unsigned char)word[1]) || word[1] == '.')
		refuse(invocation, "%s: no such option; a key that begins with - goes behind --", word);

	refuse(invocation, "%.*s: %s", (int)strcspn(word, "="), word,
	       found == ':' ? "its value is missing" : known ? "it takes no value" : "no such option");
}

static void print_help(const struct command *command, const struct argp_option *options)
{
	char *description = xasprintf("%s\v%s", command->summary, command->description);
	char *name = xasprintf("mapscope %s", command->name);
	struct argp argp = { .options = options, .args_doc = command->arguments, .doc = description };

	argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, name);
	free(description);
	free(name);
}

void options_print_gdb_help(const struct command *command)
{
	struct argp_option options[ARRAY_SIZE(rows) + 1], *last = options;
	char *description = xasprintf("\v%s", command->description);

	choose(command, options);
	for (const struct argp_option *option = options; option->name != NULL || option->doc != NULL; option++)
		if (option->group != GROUP_TARGET && option->group != GROUP_MEMORY)
			*last++ = *option;
	*last = (struct argp_option){ 0 };

	struct argp argp = { .options = options, .doc = description };

	argp_help(&argp, stdout, ARGP_HELP_LONG | ARGP_HELP_POST_DOC, NULL);
	free(description);
}

void options_parse(const struct command *command, int argc, char **argv, struct invocation *out)
{
	struct argp_option options[ARRAY_SIZE(rows) + 1];
	struct option names[ARRAY_SIZE(rows) + 1];
	char letters[2 * ARRAY_SIZE(rows) + 2];
	int key;

	*out = (struct invocation){
		.command = command,
		.depth = value_limits_now().depth,
		.buffer = READER_MEMORY_LIMIT,
		.bucket = UINT64_MAX,
		.table = UINT64_MAX,
		.group = UINT64_MAX,
		.replay = VERIFY_REPLAY_DEFAULT,
	};
	choose(command, options);
	translate(options, letters, names);
	opterr = 0;
	while ((key = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (key == '?' || key == ':')
			refuse_word(out, key, argv[optind - 1]);
		apply_option(out, key, optarg);
	}
	out->arguments = argv + optind;
	out->argument_count = (size_t)(argc - optind);
	if (out->help) {
		print_help(command, options);
		exit(0);
	}
	finish(out);
	if (!out->max_given)
		out->max = out->format == FORMAT_TEXT ? 64 : 0;
}
