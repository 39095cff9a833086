#include "analysis/suggestion.h"

#include <string.h>

#include "util/alloc.h"

/* Names further apart than this are no typing error. */
enum { DISTANCE_LIMIT = 3, NAME_LIMIT = 128 };

/* Levenshtein's distance, or more than DISTANCE_LIMIT. */
static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned row[NAME_LIMIT + 1];

	if (n > NAME_LIMIT || m > NAME_LIMIT || n > m + DISTANCE_LIMIT || m > n + DISTANCE_LIMIT)
		return DISTANCE_LIMIT + 1;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned above = row[j];
			unsigned least = diagonal + (a[i - 1] != b[j - 1]);

			if (above + 1 < least)
				least = above + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			diagonal = above;
			row[j] = least;
		}
	}
	return row[m];
}

struct search {
	const char *wanted;
	const char *best;
	unsigned best_distance;
};

static void consider(struct search *search, const char *name)
{
	unsigned apart = distance(search->wanted, name);

	/* "users" for "main.users" */
	const char *own = strrchr(name, '.');

	if (own != NULL && strchr(search->wanted, '.') == NULL && strcmp(own + 1, search->wanted) == 0)
		apart = strncmp(name, "main.", 5) == 0 ? 0 : 1;
	if (apart <= DISTANCE_LIMIT && apart < search->best_distance) {
		search->best = name;
		search->best_distance = apart;
	}
}

static bool visit(void *context, const struct debug_variable *variable)
{
	consider(context, variable->name);
	return true;
}

struct error *suggest_variable(struct error *error, struct debug *debug, const char *name)
{
	struct search search = { .wanted = name, .best_distance = DISTANCE_LIMIT + 1 };

	debug_each_variable(debug, visit, &search);
	if (search.best != NULL)
		return error_hint(error, "did you mean %s?", search.best);
	return error_hint(error, "mapscope list shows the maps that can be named");
}

struct error *suggest_field(struct error *error, const struct gotype *type, const char *name)
{
	struct search search = { .wanted = name, .best_distance = DISTANCE_LIMIT + 1 };

	for (size_t i = 0; i < type->field_count; i++)
		consider(&search, type->fields[i].name);
	return search.best ? error_hint(error, "did you mean %s?", search.best) : error;
}
