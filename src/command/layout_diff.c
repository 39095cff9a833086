/* mapscope layout diff A B */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/layout_diff.h"
#include "binary/debug.h"
#include "command/layout.h"
#include "render/layout.h"
#include "util/alloc.h"

/* A or B, and what its layout's names belong to. */
struct side {
	struct binary *binary;
	struct program *program;
	struct layout_set set;
	bool loaded;
};

/* A version's name: go1.23, go1.23/386, go1.24/classic. What is not said is zero or false. */
struct version_name {
	int minor;
	unsigned word_size;
	bool classic, swiss;
};

static bool take_part(const char **at, const char *part)
{
	size_t length = strlen(part);

	if (**at != '/' || strncmp(*at + 1, part, length) != 0 ||
	    ((*at)[length + 1] != '/' && (*at)[length + 1] != '\0'))
		return false;
	*at += length + 1;
	return true;
}

/* False: it is a file's name. */
static bool parse_version(const char *text, struct version_name *out)
{
	int length = 0, patch;
	const char *at;

	*out = (struct version_name){ 0 };
	if (sscanf(text, "go1.%d%n", &out->minor, &length) < 1 || length == 0 || out->minor < 0)
		return false;
	at = text + length;
	if (sscanf(at, ".%d%n", &patch, &length) == 1)
		at += length;
	while (*at == '/') {
		if (take_part(&at, "amd64"))
			out->word_size = 8;
		else if (take_part(&at, "386"))
			out->word_size = 4;
		else if (take_part(&at, "classic"))
			out->classic = true;
		else if (take_part(&at, "swiss"))
			out->swiss = true;
		else
			return false;
	}
	return *at == '\0';
}

static struct error *load_version(const struct version_name *name, const struct side *other, struct side *out)
{
	/* where neither is said: those that Go has made by itself, Swiss ones from 1.24 on, and the machine of the
	 * other side */
	enum map_implementation implementation =
		name->classic || (!name->swiss && name->minor < 24) ? MAP_CLASSIC : MAP_SWISS;
	unsigned word_size = name->word_size != 0			  ? name->word_size
			     : other->loaded && other->set.word_size == 4 ? 4
									  : 8;

	TRY(layout_set_known(name->minor, word_size, implementation, &out->set));
	out->loaded = true;
	return NULL;
}

static struct error *read_program(struct session *session, struct side *side)
{
	TRY(debug_open(side->binary, NULL));
	TRY(program_create(side->binary, NULL, &side->program));
	TRY(layout_set_read(side->program, NULL, 0, &session->findings, &side->set));
	side->loaded = true;
	return NULL;
}

/* A file: a program, or a stored layout, which begins with a bracket. */
static struct error *load_file(struct session *session, const char *path, struct side *side)
{
	char first = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_hint(error_new(ERROR_TARGET, "%s: %s", path, strerror(errno)),
				  "versions are called go1.23 or go1.23/386");

	struct error *error = NULL;
	bool stored = pread(fd, &first, 1, 0) == 1 && first == '{';

	if (!stored)
		error = binary_open(fd, path, &side->binary);
	close(fd);
	if (error != NULL)
		return error;
	if (!stored)
		return read_program(session, side);
	TRY(layout_set_parse(path, &side->set));
	side->loaded = true;
	return NULL;
}

static void unload(struct side *side)
{
	layout_set_free(&side->set);
	program_destroy(side->program);
	binary_destroy(side->binary);
}

/* Files first: what a version's name leaves open is taken from them. */
static struct error *load_both(struct session *session, struct side sides[2])
{
	struct version_name names[2];
	bool versions[2];

	for (int i = 0; i < 2; i++) {
		const char *word = session->invocation->arguments[i + 1];

		versions[i] = parse_version(word, &names[i]);
		if (!versions[i])
			TRY(load_file(session, word, &sides[i]));
	}
	for (int i = 0; i < 2; i++)
		if (versions[i])
			TRY(load_version(&names[i], &sides[!i], &sides[i]));
	return NULL;
}

static void print_one(void *context, const struct layout_difference *difference)
{
	struct session *session = context;

	if (session->invocation->format == FORMAT_TEXT)
		layout_difference_write_text(&session->text, difference);
	else
		layout_difference_write_json(session->json, difference);
	if (session->invocation->format == FORMAT_NDJSON)
		json_end_line(session->json);
}

static void print_head(struct json *json, const char *key, const struct layout_set *set)
{
	json_key(json, key);
	json_object_begin(json);
	json_field_name(json, "go", set->go);
	json_field_name(json, "arch", set->architecture);
	json_field_name(json, "implementation", set->implementation);
	json_field_name(json, "source", set->source);
	json_object_end(json);
}

static void compare(struct session *session, const struct side sides[2])
{
	bool whole = session->invocation->format == FORMAT_JSON;
	struct json *json = session->json;

	if (whole) {
		json_object_begin(json);
		print_head(json, "a", &sides[0].set);
		print_head(json, "b", &sides[1].set);
		json_key(json, "differences");
		json_array_begin(json);
	}
	session->wrong = layout_diff(&sides[0].set, &sides[1].set, true, print_one, session) != 0;
	if (whole) {
		json_array_end(json);
		json_object_end(json);
		json_end_line(json);
	}
}

struct error *layout_run_diff(struct session *session)
{
	struct side sides[2] = { 0 };

	if (session->invocation->argument_count != 3)
		return error_hint(
			error_new(ERROR_USAGE, "diff takes two layouts: programs, stored layouts or versions"),
			"mapscope layout diff go1.23 go1.24");

	struct error *error = load_both(session, sides);

	if (error == NULL)
		compare(session, sides);
	unload(&sides[0]);
	unload(&sides[1]);
	return error;
}
