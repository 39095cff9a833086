/* list --all */
#include <stdlib.h>

#include "command/census.h"
#include "util/alloc.h"
#include "util/interrupt.h"

static void print_all_json(struct session *session, const struct census *census, const struct owner_path *paths)
{
	census_json_begin(session, census, "maps");
	for (size_t i = 0; i < census->count; i++) {
		census_json_map(session, &census->items[i], &paths[i]);
		census_json_next(session);
	}
	census_json_end(session);
}

static struct error *print_all_text(struct session *session, const struct census *census, const struct owner_path *paths)
{
	struct text_table *table = text_table_create(&session->text);

	census_text_head(session, census);
	text_table_column(table, "OWNER", TEXT_LEFT);
	text_table_column(table, "TYPE", TEXT_LEFT);
	text_table_column(table, "LEN", TEXT_RIGHT);
	text_table_column(table, "BYTES", TEXT_RIGHT);
	text_table_column(table, "ADDRESS", TEXT_LEFT);
	for (size_t i = 0; i < census->count; i++) {
		const struct census_map *map = &census->items[i];
		char *type = census_type_text(map);

		text_table_row(table);
		text_table_cell(table, "%s", paths[i].text ? paths[i].text : "(garbage)");
		text_table_cell(table, "%s", type);
		text_table_cell(table, "%llu", (unsigned long long)map->found.length);
		text_table_cell(table, "%llu", (unsigned long long)map->bytes);
		text_table_cell(table, "0x%llx", (unsigned long long)map->found.address.v);
		free(type);
	}
	return text_table_write(table);
}

static struct error *name_all(struct census *census, struct owner_path **out)
{
	struct owners *owners;
	struct error *error = NULL;

	*out = xcalloc(census->count + 1, sizeof(**out));
	TRY(census_owners(census, &owners));
	for (size_t i = 0; i < census->count && error == NULL; i++) {
		census_owner(owners, &census->items[i], &(*out)[i]);
		error = interrupt_check();
	}
	owners_destroy(owners);
	return error;
}

struct error *census_list(struct session *session)
{
	struct census census;
	struct owner_path *paths = NULL;

	if (session->target == NULL)
		return error_new(ERROR_USAGE, "--all: a binary at rest has no heap");

	struct error *error = census_of_session(session, session->invocation->garbage, &census);

	if (error == NULL)
		error = name_all(&census, &paths);
	session_resume(session);
	if (error == NULL) {
		census_report(session, &census);
		if (session->json != NULL)
			print_all_json(session, &census, paths);
		else
			error = print_all_text(session, &census, paths);
	}
	for (size_t i = 0; paths != NULL && i < census.count; i++)
		owner_path_free(&paths[i]);
	free(paths);
	census_free(&census);
	return error;
}
