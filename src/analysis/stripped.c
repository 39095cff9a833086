#include "analysis/stripped.h"

#include <stdlib.h>
#include <string.h>

#include "binary/debug.h"
#include "binary/image.h"
#include "layout/known_debug.h"
#include "layout/table.h"
#include "util/alloc.h"

/* --- versions ---------------------------------------------------------------------------------------------------------- */

static uint32_t bit_of(int minor)
{
	return minor >= 0 && minor < 32 ? UINT32_C(1) << minor : 0;
}

/* "Go 1.24 or 1.25"; the caller frees it. */
static char *versions_text(uint32_t versions)
{
	char *text = NULL;

	for (int minor = 0; minor < 32; minor++) {
		if (!(versions & bit_of(minor)))
			continue;

		char *longer = text ? xasprintf("%s or 1.%d", text, minor) : xasprintf("Go 1.%d", minor);

		free(text);
		text = longer;
	}
	return text ? text : xstrdup("no known Go version");
}

static struct error *check_told(const struct binary *binary, const struct stripped *stripped)
{
	if (binary->go_minor > go_version_newest())
		return error_hint(error_new(ERROR_TARGET, "%s: no DWARF, and %s is newer than this mapscope has tables for", binary->path,
					    binary->go_version ? binary->go_version : "its Go version"),
				  "--go-version 1.%d takes it for the newest one known", go_version_newest());
	if (stripped->module.versions & bit_of(binary->go_minor))
		return NULL;

	char *like = versions_text(stripped->module.versions);
	struct error *error = error_new(ERROR_TARGET, "%s: no DWARF; it says to be of Go 1.%d, but its moduledata is laid out as that of %s",
					binary->path, binary->go_minor, like);

	free(like);
	return error;
}

/* Which versions are to be tried, from what is told, else from names of versions in its data. */
static struct error *find_versions(struct binary *binary, struct target *memory, struct stripped *out)
{
	char *name;

	out->told = binary->go_minor != 0;
	if (out->told) {
		out->versions = bit_of(binary->go_minor);
		return check_told(binary, out);
	}

	uint32_t named = module_find_versions(memory, binary, &out->module, &name);

	out->versions = named ? named : out->module.versions;
	if (name != NULL)
		binary_set_go_version(binary, name, strlen(name));
	free(name);
	return NULL;
}

/* --- one version --------------------------------------------------------------------------------------------------------- */

/* GOEXPERIMENT lists are names with commas between them; "noswissmap" is the one that counts (Go 1.24, 1.25). */
static bool may_have(const struct binary *binary, const struct go_version *version, enum map_implementation implementation)
{
	bool said = binary->go_experiments != NULL && strstr(binary->go_experiments, "noswissmap") != NULL;

	if (!layout_implementation_known(version, implementation))
		return false;
	if (!layout_implementation_known(version, implementation == MAP_SWISS ? MAP_CLASSIC : MAP_SWISS))
		return true;
	return said ? implementation == MAP_CLASSIC : implementation == MAP_SWISS || binary->go_version == NULL;
}

static void forget(struct binary *binary, struct program *program)
{
	program_destroy(program);
	debug_destroy(binary->debug);
	binary->debug = NULL;
}

static struct error *open_version(struct binary *binary, struct target *target, int minor, enum map_implementation implementation,
				  struct stripped *out, struct program **program)
{
	const struct go_version *version;
	bool newer;

	TRY(go_version_find(minor, &version, &newer));
	TRY(layout_known_debug(binary, version, implementation));
	binary->go_minor = minor;

	struct error *error = program_create(binary, target, program);

	if (error == NULL && target != NULL)
		error = search_variables(*program, &out->module, &out->proof);
	if (error != NULL) {
		forget(binary, *program);
		*program = NULL;
		return error;
	}
	out->minor = minor;
	out->implementation = implementation;
	return NULL;
}

/* --- all that it may be ---------------------------------------------------------------------------------------------------- */

struct trial {
	struct binary *binary;
	struct target *target;
	struct stripped *out;
	struct program **program;
	struct error *first; /* why the first one failed */
};

static bool try_implementation(struct trial *trial, int minor, enum map_implementation implementation)
{
	const struct go_version *version;
	struct error *error;
	bool newer;

	error_free(go_version_find(minor, &version, &newer));
	if (!may_have(trial->binary, version, implementation))
		return false;
	error = open_version(trial->binary, trial->target, minor, implementation, trial->out, trial->program);
	if (error == NULL)
		return true;
	if (trial->first == NULL)
		trial->first = error;
	else
		error_free(error);
	return false;
}

static bool try_version(struct trial *trial, int minor)
{
	return try_implementation(trial, minor, MAP_SWISS) || try_implementation(trial, minor, MAP_CLASSIC);
}

/* Which versions can be proved: none of them is left open. Where hashes prove one, those that they do not are out. */
static void prove_each(struct trial *trial)
{
	bool by_hashes = false;

	for (int minor = go_version_oldest(); minor <= go_version_newest(); minor++) {
		if (!(trial->out->versions & bit_of(minor)) || !try_version(trial, minor))
			continue;

		bool hashes = trial->out->proof.maps != 0;

		if (hashes && !by_hashes)
			trial->out->proved = 0;
		if (hashes || !by_hashes)
			trial->out->proved |= bit_of(minor);
		by_hashes |= hashes;
		forget(trial->binary, *trial->program);
		*trial->program = NULL;
	}
}

/* The newest that can be proved. Without memory to prove one by, it must be told or the only one. */
static struct error *try_all(struct trial *trial)
{
	struct stripped *out = trial->out;
	bool several = (out->versions & (out->versions - 1)) != 0;
	int minor = go_version_newest();

	if (trial->target == NULL && several) {
		char *text = versions_text(out->versions);
		struct error *error = error_new(ERROR_TARGET, "%s: no DWARF, and it may be of %s", trial->binary->path, text);

		free(text);
		return error_hint(error, "name it with --go-version 1.N, or look at it in a process or core");
	}
	if (several)
		prove_each(trial);
	if (several && out->proved == 0)
		return trial->first ? trial->first : error_new(ERROR_TARGET, "%s: no DWARF, and no known layouts", trial->binary->path);
	while (minor > go_version_oldest() && !((several ? out->proved : out->versions) & bit_of(minor)))
		minor--;
	error_free(trial->first);
	trial->first = NULL;
	if (!try_version(trial, minor))
		return trial->first ? trial->first : error_new(ERROR_TARGET, "%s: no DWARF, and no known layouts", trial->binary->path);
	error_free(trial->first);
	return NULL;
}

struct error *stripped_open(struct binary *binary, struct target *target, struct stripped *out, struct program **program)
{
	struct target *image = target == NULL ? image_create(binary) : NULL;
	uint64_t bias = target ? program_bias(binary, target) : 0;
	struct trial trial = { .binary = binary, .target = target, .out = out, .program = program };

	*out = (struct stripped){ 0 };
	*program = NULL;

	struct error *error = module_find(binary, target ? target : image, bias, &out->module);

	/* of a position-independent file at rest the loader has not filled in a word yet: what it says of itself must do */
	if (error != NULL && target == NULL && binary->position_independent && out->module.pclntab != 0 && binary->go_minor != 0) {
		error_free(error);
		error = NULL;
		out->module.versions = bit_of(binary->go_minor);
	}
	if (error == NULL)
		error = find_versions(binary, target ? target : image, out);
	if (error == NULL)
		error = try_all(&trial);
	target_destroy(image);
	return error;
}

/* "Go 1.26 with swiss maps"; the caller frees it. */
static char *layouts_text(const struct stripped *stripped)
{
	uint32_t others = stripped->proved & ~bit_of(stripped->minor);
	char *text = versions_text(bit_of(stripped->minor)), *more = others ? versions_text(others) : NULL;
	char *whole = xasprintf("%s with %s maps%s%s%s", text, map_implementation_name(stripped->implementation),
				more ? " (those of " : "", more ? more : "", more ? " can be proved as well)" : "");

	free(text);
	free(more);
	return whole;
}

char *stripped_describe(const struct stripped *stripped)
{
	const struct search_proof *proof = &stripped->proof;
	char *layouts = layouts_text(stripped), *text;

	if (proof->spans == 0)
		text = xasprintf("no DWARF: layouts are those of %s, not proved at rest", layouts);
	else if (proof->maps == 0)
		text = xasprintf("no DWARF: layouts are those of %s, proved by %llu spans and %llu goroutines; no map has enough entries to prove its "
				 "hashes", layouts, (unsigned long long)proof->spans, (unsigned long long)proof->goroutines);
	else
		text = xasprintf("no DWARF: layouts are those of %s, proved by %llu spans, %llu goroutines and the hashes of %llu keys in %llu maps",
				 layouts, (unsigned long long)proof->spans, (unsigned long long)proof->goroutines, (unsigned long long)proof->keys,
				 (unsigned long long)proof->maps);
	free(layouts);
	return text;
}
