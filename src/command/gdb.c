#include "command/gdb.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/expression.h"
#include "binary/match.h"
#include "render/output.h"
#include "target/core.h"
#include "target/remote.h"
#include "target/wire.h"
#include "util/alloc.h"

/* `info files` of a program with thousands of segments is not longer. */
enum { TEXT_LIMIT = 4 << 20 };

/* --- what GDB's commands wrote -------------------------------------------------------------------------------------- */

/* The bytes of such a file. They come with GDB's own position in it, hence pread(). */
static void read_file(int fd, struct buffer *out)
{
	ssize_t got;

	while (out->length < TEXT_LIMIT &&
	       (got = pread(fd, buffer_reserve(out, 4096), 4096, (off_t)out->length)) > 0)
		out->length += (size_t)got;
}

/* The last `what` before `end`; NULL: none. */
static const char *find_before(const char *text, const char *end, const char *what)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, what)) != NULL && at < end; at++)
		found = at;
	return found;
}

/*
 * The file that `info files` names right before its entry point, which GDB prints as it is in memory:
 *	`/usr/bin/prog', file type elf64-x86-64.
 *	Entry point: 0x55555556a580
 * A core's own file has no entry point. GDB/MI wraps and escapes such lines: they are looked for anywhere.
 */
static char *parse_files(const char *text, uint64_t *entry)
{
	static const char mark[] = "Entry point: ", remote[] = "target:";
	const char *at = strstr(text, mark);
	const char *end = at ? find_before(text, at, "', ") : NULL;
	const char *start = end ? find_before(text, end, "`") : NULL;

	*entry = at ? strtoull(at + sizeof(mark) - 1, NULL, 16) : 0;
	if (start == NULL)
		return NULL;
	start++;
	if (strncmp(start, remote, sizeof(remote) - 1) == 0)
		start += sizeof(remote) - 1; /* the same path here, if there is one; its build is compared */
	return xstrndup(start, (size_t)(end - start));
}

/*
 * The core that GDB looks at:
 *	Local core dump file:
 *	`/tmp/core.4711', file type elf64-x86-64.
 * NULL: it looks at none, or what it looks at is not here.
 */
static char *parse_core(const char *text)
{
	const char *at = strstr(text, "Local core dump file:");
	const char *start = at ? strchr(at, '`') : NULL;
	const char *end = start ? strstr(start, "', file type") : NULL;

	return end ? xstrndup(start + 1, (size_t)(end - start - 1)) : NULL;
}

/* A core does not change under GDB: it is read as it is, not through GDB. False where it cannot be opened. */
static bool open_core(const char *core, const char *executable, struct target **out)
{
	int fd = core && executable ? open(executable, O_RDONLY | O_CLOEXEC) : -1;
	struct error *error = fd >= 0 ? core_open(core, out) : NULL;
	bool opened = fd >= 0 && error == NULL;

	error_free(error);
	if (!opened) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	/* the executable is the one that GDB has, whatever the core names */
	if ((*out)->executable.fd >= 0)
		close((*out)->executable.fd);
	free((*out)->executable.path);
	(*out)->executable.fd = fd;
	(*out)->executable.path = xstrdup(executable);
	return true;
}

struct error *gdb_open(struct target **out)
{
	struct buffer files = { 0 };
	uint64_t entry;

	read_file(WIRE_FILES, &files);

	char *path = parse_files(buffer_text(&files), &entry), *core = parse_core(buffer_text(&files));

	if (!open_core(core, path, out))
		*out = remote_create(WIRE_SOCKET, path, entry);
	free(core);
	free(path);
	buffer_free(&files);
	return NULL;
}

bool gdb_is_remote(const struct target *target)
{
	return strcmp(target->ops->kind, "core") != 0;
}

struct error *gdb_use_binary(struct target *target, const struct binary *binary)
{
	uint64_t entry = target->executable.entry;
	bool known = entry != 0 && binary->phdr_address != 0;

	if (!gdb_is_remote(target)) {
		TRY(binary_check_build(binary, target));
		return core_use_executable(target, binary->fd, binary->path);
	}
	remote_use_executable(target, &binary->machine, known ? binary->phdr_address + (entry - binary->entry) : 0);
	if (binary->machine.elf_machine == EM_X86_64) {
		struct buffer text = { 0 };

		read_file(WIRE_THREADS, &text);
		gdb_take_threads(target, buffer_text(&text));
		buffer_free(&text);
	}
	return NULL;
}

/* --- MAP ------------------------------------------------------------------------------------------------------------- */

/* "type = map[string]int": the type. C's way to write pointers and structs is made Go's. NULL: none. */
static char *parse_type(const char *text)
{
	static const char mark[] = "type = ", structure[] = "struct ";
	const char *at = strstr(text, mark);

	if (at == NULL)
		return NULL;
	at += sizeof(mark) - 1;

	size_t length = strcspn(at, "\n");
	const char *quoted_end = strstr(at, "\\n\""); /* GDB/MI */
	unsigned pointers = 0;

	if (quoted_end != NULL && quoted_end < at + length)
		length = (size_t)(quoted_end - at);
	if (strncmp(at, structure, sizeof(structure) - 1) == 0 && at[sizeof(structure) - 1] != '{') {
		at += sizeof(structure) - 1;
		length -= sizeof(structure) - 1;
	}
	for (; length > 0 && (at[length - 1] == '*' || at[length - 1] == ' '); length--)
		pointers += at[length - 1] == '*';

	char *type = xmalloc(pointers + length + 1);

	memset(type, '*', pointers);
	memcpy(type + pointers, at, length);
	type[pointers + length] = '\0';
	return type;
}

/* --- what GDB made of them ------------------------------------------------------------------------------------------- */

/* The files of one MAP, as of WIRE_TYPE; from BASE on those of a part of it. */
enum { TYPE, VALUE, ADDRESS, BASE, FILES = WIRE_EVALUATION_FILES };

static void free_files(struct buffer files[FILES])
{
	for (size_t i = 0; i < FILES; i++)
		buffer_free(&files[i]);
}

/* The record of that number. Nothing is in the files where there is none. */
static void read_record(const struct buffer *records, size_t number, struct buffer files[FILES])
{
	const uint8_t *at = (const uint8_t *)records->bytes;
	size_t left = records->length;
	struct wire_evaluation record;

	for (size_t n = 0; n <= number && left >= sizeof(record); n++) {
		memcpy(&record, at, sizeof(record));
		at += sizeof(record);
		left -= sizeof(record);
		for (size_t i = 0; i < FILES; i++) {
			if (record.lengths[i] > left)
				return;
			if (n == number)
				buffer_append(&files[i], at, record.lengths[i]);
			at += record.lengths[i];
			left -= record.lengths[i];
		}
	}
}

/* What there is of a MAP: of several they have been put together. */
static void read_files(size_t number, struct buffer files[FILES])
{
	struct buffer records = { 0 };

	read_file(WIRE_EVALUATIONS, &records);
	if (records.length != 0)
		read_record(&records, number, files);
	else if (number == 0)
		for (int i = 0; i < FILES; i++)
			read_file(WIRE_TYPE + i, &files[i]);
	buffer_free(&records);
}

/* A value, by its bytes and its address: one of a word is it itself; others are where they lie. */
static bool read_value(const struct machine *machine, const struct buffer *value, const struct buffer *address, uint64_t *out)
{
	const struct buffer *word = value->length == machine->word_size ? value : address;

	if (value->length == 0 || word->length != machine->word_size)
		return false;
	*out = load_word(machine, (const uint8_t *)word->bytes);
	return true;
}

const char *gdb_base(const char *map, size_t *length)
{
	const char *cast = map[0] == '(' ? strstr(map, ")$") : NULL;

	if (cast != NULL) {
		*length = strlen(cast + 1);
		return cast + 1;
	}
	*length = strcspn(map, "[");
	if (map[*length] == '\0')
		*length = 0;
	return map;
}

/* What GDB made of an expression: `type` is NULL where it made nothing of it. */
struct evaluation {
	char *type;
	bool has_value;
	uint64_t value;
};

/* From the files from `first` on. The caller frees the type. */
static struct evaluation evaluate(const struct machine *machine, struct buffer files[], int first)
{
	struct evaluation evaluation = { .type = parse_type(buffer_text(&files[first + TYPE])) };

	evaluation.has_value = evaluation.type != NULL &&
			       read_value(machine, &files[first + VALUE], &files[first + ADDRESS], &evaluation.value);
	return evaluation;
}

/* The base with what stands around it. */
static char *around_base(const char *map, const struct evaluation *base)
{
	size_t length;
	const char *start = gdb_base(map, &length);

	if (start != map)
		return xasprintf("%.*s(0x%llx)", (int)(start - map), map, (unsigned long long)base->value);
	return xasprintf("(%s)(0x%llx)%s", base->type, (unsigned long long)base->value, map + length);
}

static struct error *choose(const char *map, const struct evaluation *whole, const struct evaluation *base, char **out)
{
	bool is_cast = map[0] == '(';

	*out = NULL;
	if (base->has_value && (is_cast || base->type[0] != '*')) /* a pointer is indexed as in C, by GDB */
		*out = around_base(map, base);
	else if (whole->has_value)
		*out = xasprintf("(%s)(0x%llx)", whole->type, (unsigned long long)whole->value);
	else if (whole->type != NULL)
		return error_hint(error_new(ERROR_TARGET, "%s: a %s, but GDB has no value for it here", map, whole->type),
				  "the compiler may have left it out: try another frame");
	return NULL;
}

struct error *gdb_evaluated(const struct machine *machine, const char *map, size_t number, char **out)
{
	struct buffer files[FILES] = { 0 };
	taddr address;

	*out = NULL;
	if (expression_is_address(map, &address))
		return NULL;
	read_files(number, files);

	struct evaluation whole = evaluate(machine, files, TYPE), base = evaluate(machine, files, BASE);
	struct error *error = choose(map, &whole, &base, out);

	free(whole.type);
	free(base.type);
	free_files(files);
	return error;
}

struct output *gdb_variables(void)
{
	return output_create(WIRE_VARIABLES);
}
