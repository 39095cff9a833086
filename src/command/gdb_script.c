/*
 * `mapscope gdb-script` prints where the script is that GDB sources. The script is made by the program too, from the table of
 * commands (--generate), and so is what a command typed in GDB has it do (--prepare), for here its words can be taken apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "command/gdb.h"
#include "config.h"
#include "render/diagnostics.h"
#include "target/wire.h"
#include "util/alloc.h"
#include "util/buffer.h"

enum { WORDS_LIMIT = 500 };

/* Ends a part of a `pipe` command, where what people type may have a bar. */
#define BAR "@mapscope@"

static int fail(struct error *error)
{
	diagnostics_error(error);

	int status = (int)error->code;

	error_free(error);
	return status;
}

/* Our own file. */
static char *own_path(void)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path));

	return length > 0 && (size_t)length < sizeof(path) ? xstrndup(path, (size_t)length) : xstrdup("mapscope");
}

/* --- where the script is -------------------------------------------------------------------------------------------- */

/* In the build tree, else where it was to be installed, else beside where this program is. */
static int print_path(void)
{
	char *own = own_path();
	char *slash = strrchr(own, '/');

	if (slash != NULL)
		*slash = '\0';

	char *places[] = { xasprintf("%s/../../plugin/mapscope.gdb", own), xstrdup(MAPSCOPE_GDB_SCRIPT),
			   xasprintf("%s/../share/mapscope/mapscope.gdb", own) };
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(places) && found == NULL; i++)
		found = realpath(places[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		free(places[i]);
	free(own);
	if (found == NULL)
		return fail(error_hint(error_new(ERROR_TARGET, "%s: there is no such file", MAPSCOPE_GDB_SCRIPT),
				       "mapscope was installed without its part for GDB"));
	puts(found);
	free(found);
	return 0;
}

/* --- the script ------------------------------------------------------------------------------------------------------ */

size_t gdb_map_count(const struct command *command, size_t arguments)
{
	bool takes_map = strncmp(command->arguments, "MAP", 3) == 0 || strncmp(command->arguments, "[MAP", 4) == 0;

	if (!takes_map || arguments == 0)
		return 0;
	return strstr(command->arguments, "MAP...") ? arguments : 1;
}

/* A command of ours in GDB: the words are kept as macros of GDB's C preprocessor, which alone leaves them as they were typed. */
static void print_command(const struct command *command)
{
	printf("with confirm off -- define mapscope %s\n"
	       "  set $_mapscope_word = 0\n"
	       "  while $_mapscope_word < $argc\n"
	       "    eval \"macro define _mapscope_%%d $arg%%d\", $_mapscope_word, $_mapscope_word\n"
	       "    set $_mapscope_word = $_mapscope_word + 1\n"
	       "  end\n"
	       "  _mapscope_run %s $argc\n"
	       "end\n"
	       "document mapscope %s\n"
	       "%s.\n"
	       "Usage: mapscope %s%s%s [OPTION]...\n",
	       command->name, command->name, command->name, command->summary, command->name,
	       command->arguments[0] ? " " : "", command->arguments);
	if (gdb_map_count(command, 1) != 0)
		puts("MAP is any expression of GDB's that leads to a map, in the selected frame;\n"
		     "else a global variable as Go names it: main.users, main.byCity[\"eu\"]");
	options_print_gdb_help(command);
	puts("end\n");
}

static void print_prefix(void)
{
	puts("define-prefix mapscope\n"
	     "document mapscope\n"
	     "Show what is inside the maps of a Go program.\n"
	     "Each command sets $map_status: 0 where all went well.\n"
	     "Those that read a map set $map_address and $map_count too.\n"
	     "A last word >FILE sends the output to a file: mapscope show MAP --max 0 >FILE\n"
	     "end\n");
}

/*
 * Makes GDB build its frame 0 anew, for which it asks the reader: by $pc, as else it would do so only when `frame apply`
 * selects again what was selected, in a destructor, where GDB 10 swallows Ctrl-C (thread.c: ~scoped_restore_current_thread). For
 * the same reason that GDB goes here already to all frames up to that one.
 */
static void print_flush(void)
{
	puts("with confirm off -- define _mapscope_flush\n"
	     "  if $_gdb_major > 10\n"
	     "    maintenance flush register-cache\n"
	     "  else\n"
	     "    eval \"flushregs\"\n" /* which later versions would warn of here already */
	     "  end\n"
	     "  set $_mapscope_pc = $pc\n"
	     "  if $_gdb_major < 11\n"
	     "    eval \"frame apply %d -q -s set $_mapscope_pc = $pc\", $_mapscope_level + 1\n"
	     "  end\n"
	     "end\n"
	     "document _mapscope_flush\n"
	     "Part of mapscope.\n"
	     "end\n");
}

/*
 * What all commands do: the steps that --prepare writes are sourced, then GDB is made to ask the reader, which runs the
 * request, then what that printed is sourced. Asking for $pc ends it where there is no process.
 */
static void print_engine(const char *tool)
{
	printf("with confirm off -- define _mapscope_run\n"
	       "  set $map_status = 127\n"
	       "  if $_isvoid($_mapscope_reader)\n"
	       "    printf \"mapscope: not in this GDB, which has not loaded mapscope's reader. Run it in a shell:\\n\"\n"
	       "    printf \"    mapscope $arg0 -p PID ...    (a process)\\n    mapscope $arg0 -c CORE ...   (a core)\\n\"\n"
	       "  else\n"
	       "    with print frame-arguments none -- pipe frame | " GDB_INTO_FILE "\n"
	       "    pipe macro list | " GDB_INTO_PROGRAM "\n"
	       "    source /proc/self/fd/%d\n"
	       "    dump binary value /proc/self/fd/%d $pc\n"
	       "    set $_mapscope_more = 1\n"
	       "    while $_mapscope_more\n"
	       "      set $_mapscope_more = 0\n"
	       "      frame apply 1 -q -s _mapscope_flush\n"
	       "      source /proc/self/fd/%d\n"
	       "    end\n"
	       "  end\n"
	       "end\n"
	       "document _mapscope_run\n"
	       "Part of mapscope.\n"
	       "end\n\n",
	       PLUGIN_FRAME, tool, "gdb-script --prepare $arg0 $arg1 /proc/$PPID/fd", PLUGIN_STEPS, PLUGIN_GO, PLUGIN_SCRIPT);
}

/*
 * Prints what the reader shows in its window (plugin/window.h): constants whose names begin with $arg0, $arg1 parts, in turn
 * $arg2. GDB gets the symbol file that they are in where it does not know them yet; it stays, as GDB forgets all displays with
 * a symbol file. The turn tells whether GDB sees what the reader has written since: one without mmap() would not. Then the
 * reader is asked for more. A constant has to be a variable's value first, for of others GDB before 16 would make a copy in
 * the process, and print that.
 */
static void print_printing(void)
{
	printf("with confirm off -- define _mapscope_print\n"
	       "  set $_mapscope_part = $_mapscope_void\n"
	       "  frame apply 1 -q -s set $_mapscope_part = $arg0_turn\n"
	       "  if $_isvoid($_mapscope_part)\n"
	       "    frame apply 1 -q -s pipe -d " BAR " add-symbol-file /proc/self/fd/%d " BAR " cat >/dev/null\n"
	       "    frame apply 1 -q -s set $_mapscope_part = $arg0_turn\n"
	       "  end\n"
	       "  if $_isvoid($_mapscope_part)\n"
	       "    set $_mapscope_part = 0\n"
	       "  end\n"
	       "  if $_mapscope_part == $arg2\n"
	       "    set $_mapscope_word = 0\n"
	       "    while $_mapscope_word < $arg1\n"
	       "      eval \"set $_mapscope_part = $arg0_%%d\", $_mapscope_word\n"
	       "      printf \"%%s\", $_mapscope_part\n"
	       "      set $_mapscope_word = $_mapscope_word + 1\n"
	       "    end\n"
	       "    set $_mapscope_part = $_mapscope_void\n"
	       "    dump binary value /proc/self/fd/%d $arg0_turn\n"
	       "    set $_mapscope_more = 1\n"
	       "  else\n"
	       "    printf \"mapscope: so much text this GDB does not take from it: >FILE as the last word sends it to a file\\n\"\n"
	       "  end\n"
	       "end\n"
	       "document _mapscope_print\n"
	       "Part of mapscope.\n"
	       "end\n\n",
	       PLUGIN_WINDOW, PLUGIN_GO);
}

/*
 * Variables are there, though void, before they are first set: GDB would look their names up in the program then, for which it reads
 * the program's headers again and again, from a gdbserver with 150 round trips.
 */
static void print_variables(void)
{
	static const char *const names[] = { "_mapscope_word", "_mapscope_level", "_mapscope_pc", "_mapscope_more", "_mapscope_part",
					     "_mapscope_void",
					     "map_status", "map_address", "map_count", "map_capacity", "map_load", "map_bytes",
					     "map_wasted" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		printf("set $%s = $%s\n", names[i], names[i]);
	putchar('\n');
}

/* Last, for an error in it ends the script. */
static void print_loading(const char *reader)
{
	printf("if $_isvoid($_mapscope_reader)\n"
	       "  jit-reader-load %s\n"
	       "  set $_mapscope_reader = 1\n"
	       "end\n", reader);
}

static int generate(const char *tool, const char *reader)
{
	puts("# Commands of mapscope for GDB 9 and later. Made by `mapscope gdb-script --generate`.\n");
	print_prefix();
	print_flush();
	print_engine(tool);
	print_printing();
	for (size_t i = 0; commands[i] != NULL; i++)
		if (commands[i]->target != TARGET_NONE)
			print_command(commands[i]);
	for (size_t i = 0; gdb_commands[i] != NULL; i++)
		print_command(gdb_commands[i]);
	print_variables();
	print_loading(reader);
	return 0;
}

/* --- a command that was typed ------------------------------------------------------------------------------------------ */

struct words {
	char *items[WORDS_LIMIT + 1];
	size_t count;
	size_t maps[WORDS_LIMIT]; /* which of them are MAPs */
	size_t map_count;
};

/* GDB/MI 18 makes records of its stream even of what it pipes: ~"macro define _mapscope_0 main.users\n". */
static void read_record(char *line)
{
	char *to = line;

	if (strncmp(line, "~\"", 2) != 0)
		return;
	for (const char *from = line + 2; *from != '\0' && *from != '"'; from++) {
		char byte = *from;

		if (byte == '\\' && from[1] != '\0')
			byte = *++from == 'n' ? '\n' : *from == 't' ? '\t' : *from;
		*to++ = byte;
	}
	*to = '\0';
}

/* The words in what `macro list` prints: "macro define _mapscope_0 main.users". Other macros are not ours. */
static void read_words(struct words *words)
{
	char *line = NULL;
	size_t capacity = 0;

	while (getline(&line, &capacity, stdin) > 0) {
		unsigned number;
		int at = 0;

		read_record(line);
		line[strcspn(line, "\n")] = '\0';

		char *start = strstr(line, "macro define _mapscope_");

		if (start == NULL || sscanf(start, "macro define _mapscope_%u %n", &number, &at) != 1 || at == 0 ||
		    number >= words->count || words->items[number] != NULL)
			continue;
		words->items[number] = xstrdup(start + at);
	}
	free(line);
}

/* 'main.users' is how GDB's users write a name with dots in it: it is main.users. */
static char *without_quotes(const char *word)
{
	const char *end = word[0] == '\'' ? strchr(word + 1, '\'') : NULL;

	return end ? xasprintf("%.*s%s", (int)(end - word - 1), word + 1, end + 1) : xstrdup(word);
}

/* The file behind a > at the end, as in a shell, which is taken off the words; NULL: none. */
static const char *take_redirection(struct words *words)
{
	size_t count = words->count;

	if (count > 0 && words->items[count - 1][0] == '>' && words->items[count - 1][1] != '\0') {
		words->count--;
		return words->items[count - 1] + 1;
	}
	if (count > 1 && strcmp(words->items[count - 2], ">") == 0) {
		words->count -= 2;
		return words->items[count - 1];
	}
	return NULL;
}

/* Brackets that a word opens and does not close. In quotes there are none. */
static int open_brackets(const char *word)
{
	int depth = 0;
	char quote = '\0';

	for (const char *at = word; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (quote != '\0')
			quote = *at == quote ? '\0' : quote;
		else if (*at == '"' || *at == '\'')
			quote = *at;
		else if (strchr("([{", *at) != NULL)
			depth++;
		else if (strchr(")]}", *at) != NULL)
			depth--;
	}
	return depth;
}

/* GDB ends words at blanks. Inside of brackets these are a type's, a key's or an expression's: (map[int]struct { a int })(0xc000012345). */
static void join_words(struct words *words)
{
	size_t count = 0;

	for (size_t i = 0; i < words->count; count++) {
		char *word = words->items[i];

		words->items[i++] = NULL;
		while (i < words->count && open_brackets(word) > 0) {
			char *longer = xasprintf("%s %s", word, words->items[i]);

			free(word);
			free(words->items[i]);
			words->items[i++] = NULL;
			word = longer;
		}
		words->items[count] = word;
	}
	words->count = count;
}

/* A file of the plug-in's. */
static FILE *open_file(const char *folder, int number, const char *mode)
{
	char *path = xasprintf("%s/%d", folder, number);
	FILE *file = fopen(path, mode);

	free(path);
	return file;
}

static bool is_map(const struct words *words, size_t number)
{
	for (size_t i = 0; i < words->map_count; i++)
		if (words->maps[i] == number)
			return true;
	return false;
}

static struct error *write_request(const char *folder, const struct command *command, const struct words *words, const char *output)
{
	FILE *file = open_file(folder, PLUGIN_REQUEST, "we");
	char *own = own_path();

	if (file == NULL) {
		free(own);
		return error_new(ERROR_TARGET, "%s: %s", folder, strerror(errno));
	}
	fprintf(file, "%s%c%s%c--gdb%c", own, 0, command->name, 0, 0);
	if (output != NULL)
		fprintf(file, "--output=%s%c", output, 0);
	for (size_t i = 0; i < words->count; i++) {
		char *word = is_map(words, i) ? without_quotes(words->items[i]) : xstrdup(words->items[i]);

		fprintf(file, "%s%c", word, 0);
		free(word);
	}
	fclose(file);
	free(own);
	return NULL;
}

/* The number of the selected frame: "#1  0x000000000048c5e2 in main.main () at main.go:12". */
static unsigned read_frame(const char *folder)
{
	FILE *file = open_file(folder, PLUGIN_FRAME, "re");
	unsigned level = 0;
	int c;

	if (file == NULL)
		return 0;
	while ((c = getc(file)) != EOF && c != '#') /* GDB/MI has a quote before it, `set trace-commands` a line */
		continue;
	if (c == EOF || fscanf(file, "%u", &level) != 1)
		level = 0;
	fclose(file);
	return level;
}

/*
 * GDB commands that write the type, the value and the address of an expression to the plug-in's files `first` and following, as
 * far as they can. An error would end all: `frame apply -s` alone takes errors for silence.
 */
static void write_evaluation(FILE *steps, unsigned frame, const char *expression, size_t length, int first)
{
	int width = (int)length;

	fprintf(steps, "frame apply level %u -q -s pipe -d " BAR " whatis %.*s " BAR " " GDB_INTO_FILE "\n",
		frame, width, expression, first);
	fprintf(steps, "frame apply level %u -q -s dump binary value /proc/self/fd/%d %.*s\n",
		frame, first + 1, width, expression);
	fprintf(steps, "frame apply level %u -q -s dump binary value /proc/self/fd/%d &(%.*s)\n",
		frame, first + 2, width, expression);
}

static void write_evaluations(FILE *steps, unsigned frame, const char *map)
{
	size_t length;
	const char *base = gdb_base(map, &length);

	write_evaluation(steps, frame, map, strlen(map), PLUGIN_TYPE);
	if (length != 0)
		write_evaluation(steps, frame, base, length, PLUGIN_BASE_TYPE);
}

/* Each MAP in turn; of several, what GDB made of one is put with the others before the next. */
static void write_maps(FILE *steps, const struct words *words, unsigned frame)
{
	char *own = own_path();

	for (size_t i = 0; i < words->map_count; i++) {
		write_evaluations(steps, frame, words->items[words->maps[i]]);
		if (words->map_count > 1)
			fprintf(steps, "pipe -d " BAR " echo " BAR " " GDB_INTO_PROGRAM "\n", own,
				"gdb-script --keep /proc/$PPID/fd");
	}
	free(own);
}

/* `typed`: how many words there were. */
static struct error *write_steps(const char *folder, const struct command *command, size_t typed, const struct words *words,
				 unsigned frame)
{
	FILE *steps = open_file(folder, PLUGIN_STEPS, "we");

	if (steps == NULL)
		return error_new(ERROR_TARGET, "%s: %s", folder, strerror(errno));
	fprintf(steps, "set $_mapscope_level = %u\n", frame);
	for (size_t i = 0; i < typed; i++)
		fprintf(steps, "macro undef _mapscope_%zu\n", i);
	fprintf(steps, "pipe info files | " GDB_INTO_FILE "\n", PLUGIN_FILES);
	if (gdb_needs_threads(command, words->items, words->count))
		gdb_write_thread_steps(steps);
	/* GDB 13 dies of an assertion where the frame that is selected vanishes */
	if (command == &command_goroutine || command == &command_thread)
		fputs("select-frame 0\n", steps);
	write_maps(steps, words, frame);
	fclose(steps);
	return NULL;
}

static void empty_file(const char *folder, int number)
{
	FILE *file = open_file(folder, number, "we");

	if (file != NULL)
		fclose(file);
}

/* What was left from the command before. But not the window: GDB has it mapped. */
static void empty_files(const char *folder)
{
	for (int number = PLUGIN_FIRST; number < PLUGIN_WINDOW; number++)
		empty_file(folder, number);
}

static void find_maps(const struct command *command, struct words *words)
{
	size_t arguments = options_find_arguments(command, words->items, words->count, words->maps);

	words->map_count = gdb_map_count(command, arguments);
}

static int prepare(const char *name, const char *count, const char *folder)
{
	const struct command *command = command_find(name);
	struct words words = { .count = strtoul(count, NULL, 10) };
	unsigned frame = read_frame(folder); /* before the files are emptied */

	if (command == NULL || words.count > WORDS_LIMIT)
		return fail(error_new(ERROR_USAGE, "%s %s: no such command, or too many words", name, count));
	read_words(&words);
	for (size_t i = 0; i < words.count; i++)
		if (words.items[i] == NULL)
			words.items[i] = xstrdup("");
	empty_files(folder);

	size_t typed = words.count;
	const char *output = take_redirection(&words);

	join_words(&words);
	find_maps(command, &words);

	struct error *error = write_request(folder, command, &words, output);

	if (error == NULL)
		error = write_steps(folder, command, typed, &words, frame);
	for (size_t i = 0; i < typed; i++)
		free(words.items[i]);
	return error ? fail(error) : 0;
}

/* --- several MAPs --------------------------------------------------------------------------------------------------- */

/* Enough for a type's name, and to tell a word from something longer. */
enum { KEPT_LIMIT = 64 << 10 };

static size_t read_start(const char *folder, int number, uint8_t bytes[KEPT_LIMIT])
{
	FILE *file = open_file(folder, number, "re");
	size_t length = file != NULL ? fread(bytes, 1, KEPT_LIMIT, file) : 0;

	if (file != NULL)
		fclose(file);
	return length;
}

/* Puts what GDB made of a MAP with what it made of those before. */
static int keep(const char *folder)
{
	struct wire_evaluation evaluation = { 0 };
	struct buffer all = { 0 };
	FILE *file = open_file(folder, PLUGIN_EVALUATIONS, "ae");

	if (file == NULL)
		return fail(error_new(ERROR_TARGET, "%s: %s", folder, strerror(errno)));
	for (int i = 0; i < WIRE_EVALUATION_FILES; i++) {
		evaluation.lengths[i] = read_start(folder, PLUGIN_TYPE + i, buffer_reserve(&all, KEPT_LIMIT));
		all.length += evaluation.lengths[i];
		empty_file(folder, PLUGIN_TYPE + i);
	}
	fwrite(&evaluation, sizeof(evaluation), 1, file);
	fwrite(all.bytes, 1, all.length, file);
	fclose(file);
	buffer_free(&all);
	return 0;
}

int gdb_script_main(int argc, char **argv)
{
	if (argc == 1)
		return print_path();
	if (argc == 4 && strcmp(argv[1], "--generate") == 0)
		return generate(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "--prepare") == 0)
		return prepare(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "--keep") == 0)
		return keep(argv[2]);
	return fail(error_hint(error_new(ERROR_USAGE, "gdb-script %s: no such argument", argv[1]),
			       "mapscope gdb-script prints the path of the script that GDB sources"));
}
